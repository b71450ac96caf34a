//! Clocks of the sender.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

use clarife_webhooks::UnixTime;

/// Clock for due times: it starts at the system time and never jumps.
///
/// Setting the system clock therefore neither delays nor hastens retries. A signature's `t` comes from [`wall`]
/// instead, because receivers compare it with their own clocks.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Clock {
    started_at: UnixTime,
    start: Instant,
}

impl Clock {
    /// Creates a clock that starts at the system time.
    pub(crate) fn start() -> Self {
        Self { started_at: wall(), start: Instant::now() }
    }

    /// Returns the current time of this clock.
    pub(crate) fn now(&self) -> UnixTime {
        self.started_at.saturating_add(self.start.elapsed())
    }
}

/// Returns the system time.
pub(crate) fn wall() -> UnixTime {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    UnixTime::from_millis(i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX))
}
