//! The lease that a worker holds on a part of the deliveries: its durations, for every engine with several workers.
//!
//! `docs/design/nats.md` proves that no delivery has two attempts at a time.

use std::time::Duration;

/// Time between two renewals.
pub(super) const TICK: Duration = Duration::from_secs(1);

/// Time after a renewal was sent within which attempts start: an attempt of 10 s then ends before the lease does.
pub(super) const START_WITHIN: Duration = Duration::from_secs(4);

/// Time without a renewal after which other workers take the part.
pub(super) const LEASE: Duration = Duration::from_secs(15);

/// Time after its last heartbeat for which a worker counts as alive.
pub(super) const ALIVE: Duration = Duration::from_secs(10);

/// Returns the number of parts that a worker should hold beside `others` that are alive.
pub(super) const fn share(parts: usize, others: usize) -> usize {
    parts.div_ceil(others.saturating_add(1))
}

/// Creates the interval of the renewals, which skips missed ticks.
pub(super) fn ticks() -> tokio::time::Interval {
    let mut interval = tokio::time::interval(TICK);
    interval.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    interval
}
