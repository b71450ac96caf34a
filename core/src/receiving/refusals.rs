//! The log of refused deliveries, where the user has set no callback for errors.
//!
//! A receiver logs the first refusal of each error code, with its hint, and then at most one in each
//! [`REFUSAL_LOG_INTERVAL`]. A line ends with the number of refusals since the last one ([`REFUSALS_NOT_LOGGED`]).
//! Strangers can cause refusals at any rate, but there is one counter for each code, and few codes.
//!
//! A refusal is a warning, or an error if it is [the server's own](super::flow::is_server_error). The errors of handlers
//! and stores follow verified deliveries, and each of them is logged.

use core::time::Duration;

#[cfg(feature = "adapters")]
use crate::{ErrorCode, UnixTime};

/// The time in which a receiver logs at most one refusal of an error code: a minute.
pub const REFUSAL_LOG_INTERVAL: Duration = Duration::from_secs(60);

/// The end of a line that follows refusals which were not logged. Their number comes after it.
pub const REFUSALS_NOT_LOGGED: &str = "; not logged since the last such line: ";

/// The rest of the message for a body with a content encoding, after the message of `signature_mismatch`: an adapter refuses it by its
/// header, before anything inflates it.
#[cfg(feature = "model")]
pub const CONTENT_ENCODED: &str = "the body has a content encoding, and clarife signs and sends bodies without one";

/// The counters of a receiver's refusals: one for each error code.
#[cfg(feature = "adapters")]
#[derive(Debug, Default)]
pub(crate) struct RefusalCounters([Counter; ErrorCode::ALL.len()]);

#[cfg(feature = "adapters")]
#[derive(Debug, Default, Clone, Copy)]
struct Counter {
    /// The time of the last line.
    logged_at: Option<UnixTime>,
    /// The number of refusals since that line.
    not_logged: u64,
}

#[cfg(feature = "adapters")]
impl RefusalCounters {
    /// Counts a refusal. Returns `None` if it must not be logged, or the number of refusals since the last line.
    pub(crate) fn count(&mut self, code: ErrorCode, now: UnixTime) -> Option<u64> {
        let index = ErrorCode::ALL.iter().position(|known| *known == code)?;
        let counter = self.0.get_mut(index)?;
        // A clock that is set back must not silence the log.
        let interval = REFUSAL_LOG_INTERVAL.as_millis();
        let is_due = |at: UnixTime| u128::from(now.as_millis().abs_diff(at.as_millis())) >= interval;
        if counter.logged_at.is_some_and(|at| !is_due(at)) {
            counter.not_logged = counter.not_logged.saturating_add(1);
            return None;
        }
        counter.logged_at = Some(now);
        Some(core::mem::take(&mut counter.not_logged))
    }
}

#[cfg(all(test, feature = "adapters"))]
mod tests {
    use super::*;

    #[test]
    fn one_refusal_of_a_code_is_logged_a_minute() {
        let mut counters = RefusalCounters::default();
        let mut count = |code, millis| counters.count(code, UnixTime::from_millis(millis));
        assert_eq!(count(ErrorCode::MissingSignature, 1_000_000), Some(0));
        assert_eq!(count(ErrorCode::MissingSignature, 1_000_000), None);
        assert_eq!(count(ErrorCode::SignatureMismatch, 1_000_001), Some(0));
        assert_eq!(count(ErrorCode::MissingSignature, 1_059_999), None);
        assert_eq!(count(ErrorCode::MissingSignature, 1_060_000), Some(2));
        assert_eq!(count(ErrorCode::MissingSignature, 1_060_001), None);
        assert_eq!(count(ErrorCode::MissingSignature, 1_200_000), Some(1));
        assert_eq!(count(ErrorCode::MissingSignature, 1_260_000), Some(0));
        // The clock is set back.
        assert_eq!(count(ErrorCode::MissingSignature, 0), Some(0));
        assert_eq!(count(ErrorCode::SignatureMismatch, i64::MAX), Some(0));
        assert_eq!(count(ErrorCode::SignatureMismatch, i64::MIN), Some(0));
    }
}
