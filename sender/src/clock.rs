//! The sender's clock.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

use clarife_webhooks::UnixTime;

/// The time by which deliveries are due: it starts with the system's clock and never jumps.
///
/// Somebody who sets the system's clock neither delays a retry nor hastens one. A signature's `t` is what a receiver compares
/// with its own clock, so it comes from [`wall`].
#[derive(Debug, Clone, Copy)]
pub(crate) struct Clock {
    started_at: UnixTime,
    start: Instant,
}

impl Clock {
    /// A clock that agrees with the system's now.
    pub(crate) fn start() -> Self {
        Self { started_at: wall(), start: Instant::now() }
    }

    /// The moment by this clock.
    pub(crate) fn now(&self) -> UnixTime {
        self.started_at.saturating_add(self.start.elapsed())
    }
}

/// The moment by the system's clock.
pub(crate) fn wall() -> UnixTime {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    UnixTime::from_millis(i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX))
}
