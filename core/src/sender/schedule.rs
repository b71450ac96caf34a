//! The schedule of attempts: delays and the time-out.

use core::time::Duration;

use crate::UnixTime;

/// The delays between the failure of an attempt and the start of the next.
///
/// See [protocol, section 6.1](https://github.com/clarife/clarife-webhooks/blob/main/docs/protocol.md#section-6-1).
///
/// ```
/// # use clarife_webhooks::sender::RETRY_DELAYS;
/// assert_eq!(RETRY_DELAYS.map(|delay| delay.as_secs()), [1, 10, 60]);
/// ```
pub const RETRY_DELAYS: [Duration; 3] = [Duration::from_secs(1), Duration::from_secs(10), Duration::from_secs(60)];

/// The number of attempts of a delivery: the first, and one after each of the [`RETRY_DELAYS`].
///
/// ```
/// # use clarife_webhooks::sender::{MAX_ATTEMPTS, retry_delay};
/// assert_eq!(MAX_ATTEMPTS, 4);
/// assert!((1..MAX_ATTEMPTS).all(|attempt| retry_delay(attempt).is_some()));
/// ```
pub const MAX_ATTEMPTS: u32 = RETRY_DELAYS.len() as u32 + 1;

/// The time-out of an attempt, from connecting to the last byte of the response headers.
///
/// ```
/// # use clarife_webhooks::sender::{ATTEMPT_TIMEOUT, MAX_ATTEMPTS, RETRY_DELAYS};
/// # use std::time::Duration;
/// let longest = ATTEMPT_TIMEOUT * MAX_ATTEMPTS + RETRY_DELAYS.iter().sum::<Duration>();
/// assert_eq!(longest.as_secs(), 111); // from an event to the end of its last attempt
/// ```
pub const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(10);

/// Returns the delay after the failure of an attempt, counted from 1, or `None` after the last attempt.
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

/// The shortest and the longest pause after a failure of the sender itself. See [`local_pause`].
///
/// ```
/// # use clarife_webhooks::sender::LOCAL_PAUSES;
/// assert_eq!(LOCAL_PAUSES.map(|pause| pause.as_secs()), [1, 30]);
/// ```
pub const LOCAL_PAUSES: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(30)];

/// Returns the pause after a failure of the sender itself, before the attempt is made again.
///
/// The pause is as long as such failures have lasted without a break, within [`LOCAL_PAUSES`]. Pauses therefore double.
///
/// ```
/// use clarife_webhooks::sender::local_pause;
/// use std::time::Duration;
///
/// let pauses = [0, 1, 2, 4, 8, 16, 32, 62].map(|lasted| local_pause(Duration::from_secs(lasted)).as_secs());
/// assert_eq!(pauses, [1, 1, 2, 4, 8, 16, 30, 30]);
/// ```
#[must_use]
pub fn local_pause(lasted: Duration) -> Duration {
    let [shortest, longest] = LOCAL_PAUSES;
    lasted.clamp(shortest, longest)
}

/// Returns the latest time at which a pending delivery can be due: the longest of the [`RETRY_DELAYS`] from now.
///
/// A sender that starts caps the due times in its store. A later one comes from a clock that was ahead.
///
/// ```
/// use clarife_webhooks::UnixTime;
/// use clarife_webhooks::sender::latest_due;
///
/// assert_eq!(latest_due(UnixTime::from_secs(1_711_612_800)), UnixTime::from_secs(1_711_612_860));
/// ```
#[must_use]
pub fn latest_due(now: UnixTime) -> UnixTime {
    let longest = RETRY_DELAYS.iter().max().copied().unwrap_or_default();
    now.saturating_add(longest)
}
