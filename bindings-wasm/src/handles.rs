//! Handles: the numbers by which the host knows values.

use alloc::vec::Vec;

/// Values with a handle each. A handle is never used again: its place in the list may be, with the next round.
pub(crate) struct Handles<T>(Vec<Place<T>>);

struct Place<T> {
    /// The count of the values that had this place before.
    round: u32,
    value: Option<T>,
}

/// The largest round whose handles are exact as an `f64`. A place that has reached it stays empty.
const LAST_ROUND: u32 = 1 << 20;

impl<T> Handles<T> {
    pub(crate) const fn new() -> Self {
        Self(Vec::new())
    }

    /// Adds a value and returns its handle, which is not 0.
    pub(crate) fn add(&mut self, value: T) -> f64 {
        let is_free = |place: &Place<T>| place.value.is_none() && place.round < LAST_ROUND;
        let index = self.0.iter().position(is_free).unwrap_or_else(|| {
            self.0.push(Place { round: 0, value: None });
            self.0.len().wrapping_sub(1)
        });
        let Some(place) = self.0.get_mut(index) else { return 0.0 };
        place.value = Some(value);
        (u64::from(place.round) << u32::BITS | index as u64).wrapping_add(1) as f64
    }

    pub(crate) fn get_mut(&mut self, handle: f64) -> Option<&mut T> {
        self.place(handle)?.value.as_mut()
    }

    /// Removes a value and returns it, so that the caller drops it.
    pub(crate) fn remove(&mut self, handle: f64) -> Option<T> {
        let place = self.place(handle)?;
        let value = place.value.take()?;
        place.round = place.round.wrapping_add(1);
        Some(value)
    }

    fn place(&mut self, handle: f64) -> Option<&mut Place<T>> {
        let number = (handle as u64).wrapping_sub(1);
        let place = self.0.get_mut(number as u32 as usize)?;
        (u64::from(place.round) == number >> u32::BITS).then_some(place)
    }
}

#[cfg(test)]
#[allow(clippy::indexing_slicing, reason = "a test that panics fails, as it should")]
mod tests {
    use super::*;

    #[test]
    fn a_handle_is_never_used_again() {
        let mut handles = Handles::new();
        let held = handles.add(0);
        let mut seen = vec![held, handles.add(0)];
        handles.remove(seen[1]);
        handles.0[1].round = LAST_ROUND - 3;
        for value in 1..=6 {
            let handle = handles.add(value);
            assert_eq!(handles.get_mut(handle), Some(&mut value.clone()));
            assert_eq!(handles.remove(handle), Some(value));
            assert_eq!(handles.remove(handle), None);
            assert_eq!(handles.get_mut(handle), None);
            seen.push(handle);
        }
        assert_eq!(handles.get_mut(held), Some(&mut 0));
        assert_eq!(handles.0.len(), 3);
        seen.sort_by(f64::total_cmp);
        seen.dedup();
        assert_eq!(seen.len(), 8);
        for wrong in [0.0, -1.0, f64::NAN, f64::INFINITY, 4.0, 9e15] {
            assert_eq!(handles.get_mut(wrong), None);
        }
    }
}
