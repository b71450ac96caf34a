//! Values that outlive a call.

use spin::Mutex;

/// A value that calls share. It is locked for a moment only, never while the core works: should a call ever trap there,
/// the next one still finds everything in place. A module has one thread, so nobody ever waits.
pub(crate) struct Slot<T>(Mutex<T>);

impl<T> Slot<T> {
    pub(crate) const fn new(value: T) -> Self {
        Self(Mutex::new(value))
    }

    pub(crate) fn with<R>(&self, work: impl FnOnce(&mut T) -> R) -> R {
        work(&mut self.0.lock())
    }
}

impl<T: Default> Slot<T> {
    /// Takes the value out, for a call that may take long.
    pub(crate) fn take(&self) -> T {
        self.with(core::mem::take)
    }
}
