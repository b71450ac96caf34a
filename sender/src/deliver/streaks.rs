//! The sender's own failures in a row, by subscription.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use clarife_webhooks::UnixTime;
use clarife_webhooks::sender::local_pause;

use crate::ids::SubscriptionId;

/// Start of each subscription's series of the sender's own failures.
///
/// A route or a firewall may be in the way of one endpoint only. Each subscription therefore has a pause of its own.
#[derive(Debug, Default)]
pub(super) struct Streaks(Mutex<HashMap<SubscriptionId, UnixTime>>);

impl Streaks {
    fn starts(&self) -> MutexGuard<'_, HashMap<SubscriptionId, UnixTime>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes a failure of the sender, and returns the pause before the attempt is made again.
    pub(super) fn pause(&self, id: &SubscriptionId, now: UnixTime) -> Duration {
        let start = *self.starts().entry(id.clone()).or_insert(now);
        let lasted = now.as_millis().saturating_sub(start.as_millis());
        local_pause(Duration::from_millis(u64::try_from(lasted).unwrap_or_default()))
    }

    /// Notes that the endpoint was reached or failed by itself, or that the subscription is gone.
    pub(super) fn end(&self, id: &SubscriptionId) {
        let mut starts = self.starts();
        if !starts.is_empty() {
            starts.remove(id);
        }
    }
}
