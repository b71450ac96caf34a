//! A limit of log lines.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use clarife_webhooks::UnixTime;

/// Limit of one log line per interval.
#[derive(Debug)]
pub(super) struct LogLimit {
    interval: Duration,
    /// Time from which the next line is allowed, and the number of lines left out since the last one.
    state: Mutex<(UnixTime, u64)>,
}

impl LogLimit {
    pub(super) const fn new(interval: Duration) -> Self {
        Self { interval, state: Mutex::new((UnixTime::from_millis(i64::MIN), 0)) }
    }

    /// Returns the number of lines that were left out before this one, or `None` if this one is left out too.
    pub(super) fn allow(&self, now: UnixTime) -> Option<u64> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let (next, left_out) = *state;
        if now < next {
            *state = (next, left_out.saturating_add(1));
            return None;
        }
        *state = (now.saturating_add(self.interval), 0);
        Some(left_out)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use clarife_webhooks::UnixTime;

    use super::LogLimit;

    #[test]
    fn a_line_is_allowed_per_interval_and_counts_those_between() {
        let limit = LogLimit::new(Duration::from_secs(1));
        let allowed = [0, 10, 999, 1000, 1999, 2000].map(|at| limit.allow(UnixTime::from_millis(at)));
        assert_eq!(allowed, [Some(0), None, None, Some(2), None, Some(1)]);
    }
}
