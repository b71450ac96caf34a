//! Random bytes of the operating system, the only input of the sender's rules besides their arguments.

use alloc::string::String;
use core::fmt;

use zeroize::Zeroizing;

/// The error of an operating system without random bytes.
///
/// ```
/// use clarife_webhooks::sender::{RandomnessError, new_event_id};
/// let id = new_event_id().map_err(|error: RandomnessError| format!("no event: {error}"))?;
/// # Ok::<(), String>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RandomnessError(getrandom::Error);

pub(super) fn bytes<const N: usize>() -> Result<Zeroizing<[u8; N]>, RandomnessError> {
    let mut bytes = Zeroizing::new([0; N]);
    getrandom::fill(bytes.as_mut_slice()).map_err(RandomnessError)?;
    Ok(bytes)
}

/// Creates an event id: `evt_` and a random UUID (RFC 9562, version 4).
///
/// # Errors
///
/// [`RandomnessError`] if the operating system returns no random bytes.
///
/// ```
/// let id = clarife_webhooks::sender::new_event_id()?;
/// assert_eq!(id.len(), "evt_a1b2c3d4-5678-90ab-cdef-1234567890ab".len());
/// # Ok::<(), clarife_webhooks::sender::RandomnessError>(())
/// ```
pub fn new_event_id() -> Result<String, RandomnessError> {
    let mut uuid = u128::from_be_bytes(*bytes()?);
    uuid = uuid & !(0xf << 76) | (4 << 76); // version
    uuid = uuid & !(0b11 << 62) | (0b10 << 62); // variant
    let mut id = alloc::format!("evt_{uuid:032x}");
    for index in [12, 17, 22, 27] {
        id.insert(index, '-');
    }
    Ok(id)
}

impl fmt::Display for RandomnessError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot read random bytes: {}", self.0)
    }
}

impl core::error::Error for RandomnessError {}

#[cfg(test)]
mod tests {
    use super::new_event_id;

    #[test]
    fn ids_are_different_uuids_of_version_4() {
        let id = new_event_id().expect("random bytes");
        let uuid = id.strip_prefix("evt_").expect("the prefix");
        let lengths: alloc::vec::Vec<usize> = uuid.split('-').map(str::len).collect();
        assert_eq!(lengths, [8, 4, 4, 4, 12]);
        assert!(uuid.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f' | b'-')));
        assert_eq!(uuid.as_bytes()[14], b'4');
        assert!(matches!(uuid.as_bytes()[19], b'8' | b'9' | b'a' | b'b'));
        assert_ne!(new_event_id().expect("random bytes"), id);
    }
}
