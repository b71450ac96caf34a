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
