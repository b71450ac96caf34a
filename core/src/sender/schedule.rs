//! When an attempt is made again.

use core::time::Duration;

/// How long after a failed attempt the next one starts, counted from the failure (protocol, section 6).
pub const RETRY_DELAYS: [Duration; 3] = [Duration::from_secs(1), Duration::from_secs(10), Duration::from_secs(60)];

/// How many attempts a delivery has: the first one, and one after each of the [`RETRY_DELAYS`].
pub const MAX_ATTEMPTS: u32 = RETRY_DELAYS.len() as u32 + 1;

/// How long an attempt may take, from connecting to the last byte of the answer's headers.
pub const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(10);

/// How long after the failure of this attempt (the first is 1) the next one starts; `None` after the last one.
///
/// ```
/// use clarife_webhooks::sender::{MAX_ATTEMPTS, retry_delay};
/// use std::time::Duration;
///
/// assert_eq!(retry_delay(1), Some(Duration::from_secs(1)));
/// assert_eq!(retry_delay(MAX_ATTEMPTS), None);
/// ```
#[must_use]
pub fn retry_delay(attempt: u32) -> Option<Duration> {
    let index = usize::try_from(attempt.checked_sub(1)?).ok()?;
    RETRY_DELAYS.get(index).copied()
}
