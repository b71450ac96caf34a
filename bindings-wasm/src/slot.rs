//! Values that outlive a call.

use core::mem;

use spin::mutex::SpinMutex;

/// A value that calls share. A call takes it out, works with it, and puts it back: should one ever trap, the next one finds
/// an empty value, and not a lock that nobody will open again.
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

    /// Where the value is when no call has taken it.
    pub(crate) fn as_ptr(&self) -> *const T {
        self.0.as_mut_ptr()
    }

    /// Nothing that could trap happens under the lock, and a module has one thread: it is always free.
    fn replace(&self, value: T) -> T {
        match self.0.try_lock() {
            Some(mut place) => mem::replace(&mut place, value),
            None => value,
        }
    }
}
