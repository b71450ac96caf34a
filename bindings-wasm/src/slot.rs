//! Values that outlive a call.

use core::mem;

use spin::mutex::SpinMutex;

/// A value that calls share. A call takes the value out, works with it, and puts it back. If a call traps, the next call
/// finds an empty value, and not a lock that stays closed.
pub(crate) struct Slot<T>(SpinMutex<T>);

impl<T: Default> Slot<T> {
    pub(crate) const fn new(value: T) -> Self {
        Self(SpinMutex::new(value))
    }

    pub(crate) fn take(&self) -> T {
        self.replace(T::default())
    }

    pub(crate) fn put(&self, value: T) {
        drop(self.replace(value));
    }

    pub(crate) fn with<R>(&self, work: impl FnOnce(&mut T) -> R) -> R {
        let mut value = self.take();
        let result = work(&mut value);
        self.put(value);
        result
    }

    /// Returns the address of the value between calls.
    pub(crate) fn as_ptr(&self) -> *const T {
        self.0.as_mut_ptr()
    }

    /// Replaces the value. The lock is always free: nothing traps while it is closed, and a module has one thread.
    fn replace(&self, value: T) -> T {
        match self.0.try_lock() {
            Some(mut place) => mem::replace(&mut place, value),
            None => value,
        }
    }
}

/// A value that must not be lost. A call that traps while it works with the value leaves none, and every later call traps:
/// with a new value, old handles could mean new webhooks.
pub(crate) struct Held<T>(Slot<State<T>>);

#[derive(Default)]
enum State<T> {
    Present(T),
    #[default]
    Lost,
}

impl<T> Held<T> {
    pub(crate) const fn new(value: T) -> Self {
        Self(Slot::new(State::Present(value)))
    }

    /// Calls a function with the value. Panics if an earlier call has lost the value.
    #[expect(clippy::panic, reason = "the module must not work on without the value")]
    pub(crate) fn with<R>(&self, work: impl FnOnce(&mut T) -> R) -> R {
        self.0.with(|state| match state {
            State::Present(value) => work(value),
            State::Lost => panic!("an earlier call has failed"),
        })
    }

    /// Puts a value in the place of a lost one, as a new module has.
    #[cfg(test)]
    pub(crate) fn reset(&self, value: T) {
        self.0.put(State::Present(value));
    }
}
