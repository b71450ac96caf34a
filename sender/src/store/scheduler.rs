//! Fair scheduling of subscriptions: due retries first, then first attempts in turn. Also tracks the leases.
//!
//! Memory use depends on the number of subscriptions with pending deliveries, not on the number of deliveries.

use std::collections::{BTreeSet, HashMap, VecDeque};

use clarife_webhooks::UnixTime;
use clarife_webhooks::sender::{Delivery, DeliveryKind, DeliveryState};

use crate::ids::DeliveryId;

/// Key of a subscription in the store.
pub(super) type Key = i64;

/// Queue that a pending delivery waits in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum QueueKind {
    /// Retries and test events, served when they are due.
    Retry,
    /// First attempts, served in turn.
    Fresh,
}

impl QueueKind {
    /// Returns the queue of a delivery.
    pub(super) fn of(delivery: &Delivery) -> Self {
        let first = matches!(delivery.state(), DeliveryState::Pending { attempt: 1, .. });
        if first && delivery.kind() == DeliveryKind::Event { Self::Fresh } else { Self::Retry }
    }
}

/// Scheduler of the subscriptions with pending deliveries.
#[derive(Debug)]
pub(super) struct FairScheduler {
    per_subscription: usize,
    subscriptions: HashMap<Key, SubscriptionQueues>,
    /// Subscriptions with retries, ordered by a lower bound of their first due time.
    retries: BTreeSet<(UnixTime, Key)>,
    /// Subscriptions with first attempts, in turn.
    fresh: VecDeque<Key>,
    leases: HashMap<DeliveryId, Key>,
}

#[derive(Debug, Default)]
struct SubscriptionQueues {
    leased: usize,
    /// Lower bound of the time at which the first retry is due.
    retry: Option<UnixTime>,
    /// Set while there may be first attempts.
    fresh: bool,
    /// Set while the subscription is in the queue of first attempts.
    enqueued: bool,
}

/// Subscription to be served next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct NextSubscription {
    /// Key of the subscription.
    pub(super) key: Key,
    /// Number of its deliveries that may be leased.
    pub(super) free: usize,
    /// Number of its leased deliveries.
    pub(super) leased: usize,
}

impl FairScheduler {
    pub(super) fn new(per_subscription: usize) -> Self {
        let per_subscription = per_subscription.max(1);
        let (subscriptions, leases) = (HashMap::new(), HashMap::new());
        Self { per_subscription, subscriptions, retries: BTreeSet::new(), fresh: VecDeque::new(), leases }
    }

    /// Adds a retry that is due at `due`.
    pub(super) fn add_retry(&mut self, key: Key, due: UnixTime) {
        let queues = self.subscriptions.entry(key).or_default();
        let due = queues.retry.map_or(due, |earlier| earlier.min(due));
        self.set_retry(key, Some(due));
    }

    /// Adds a first attempt.
    pub(super) fn add_fresh(&mut self, key: Key) {
        self.subscriptions.entry(key).or_default().fresh = true;
        self.enqueue(key);
    }

    /// Removes a subscription from the queues; its leases stay.
    pub(super) fn clear(&mut self, key: Key) {
        self.set_retry(key, None);
        self.set_fresh(key, false);
    }

    /// Returns the next subscription with a due retry. Call [`set_retry`](Self::set_retry) after serving it.
    pub(super) fn next_retry(&mut self, now: UnixTime) -> Option<NextSubscription> {
        while let Some(&(due, key)) = self.retries.first().filter(|(due, _)| *due <= now) {
            self.retries.remove(&(due, key));
            if let Some(selected) = self.select(key) {
                return Some(selected);
            }
        }
        None
    }

    /// Returns the next subscription with first attempts. Call [`set_fresh`](Self::set_fresh) after serving it.
    pub(super) fn next_fresh(&mut self) -> Option<NextSubscription> {
        while let Some(key) = self.fresh.pop_front() {
            if let Some(queues) = self.subscriptions.get_mut(&key) {
                queues.enqueued = false;
                if queues.fresh
                    && let Some(selected) = self.select(key)
                {
                    return Some(selected);
                }
            }
        }
        None
    }

    pub(super) fn set_retry(&mut self, key: Key, due: Option<UnixTime>) {
        let Some(queues) = self.subscriptions.get_mut(&key) else { return };
        if let Some(earlier) = queues.retry {
            self.retries.remove(&(earlier, key));
        }
        queues.retry = due;
        self.enqueue(key);
    }

    pub(super) fn set_fresh(&mut self, key: Key, fresh: bool) {
        if let Some(queues) = self.subscriptions.get_mut(&key) {
            queues.fresh = fresh;
            self.enqueue(key);
        }
    }

    pub(super) fn is_leased(&self, delivery: DeliveryId) -> bool {
        self.leases.contains_key(&delivery)
    }

    /// Returns the number of leased deliveries.
    pub(super) fn leased(&self) -> usize {
        self.leases.len()
    }

    pub(super) fn lease(&mut self, delivery: DeliveryId, key: Key) {
        if self.leases.insert(delivery, key).is_none() {
            let queues = self.subscriptions.entry(key).or_default();
            queues.leased = queues.leased.saturating_add(1);
        }
    }

    /// Ends a lease, if there is one.
    pub(super) fn release(&mut self, delivery: DeliveryId) {
        let Some(key) = self.leases.remove(&delivery) else { return };
        if let Some(queues) = self.subscriptions.get_mut(&key) {
            queues.leased = queues.leased.saturating_sub(1);
            if queues.leased == 0 && queues.retry.is_none() && !queues.fresh && !queues.enqueued {
                self.subscriptions.remove(&key);
            } else {
                self.enqueue(key);
            }
        }
    }

    /// Clears everything but the leases, before the scheduler is refilled.
    pub(super) fn clear_all(&mut self) {
        self.retries.clear();
        self.fresh.clear();
        for queues in self.subscriptions.values_mut() {
            *queues = SubscriptionQueues { leased: queues.leased, ..SubscriptionQueues::default() };
        }
    }

    /// Returns the time from which there may be a delivery to lease.
    pub(super) fn wake_at(&self) -> Option<UnixTime> {
        if self.fresh.is_empty() {
            self.retries.first().map(|(due, _)| *due)
        } else {
            Some(UnixTime::from_millis(i64::MIN))
        }
    }

    fn select(&self, key: Key) -> Option<NextSubscription> {
        let leased = self.subscriptions.get(&key)?.leased;
        let free = self.per_subscription.saturating_sub(leased);
        (free > 0).then_some(NextSubscription { key, free, leased })
    }

    /// Adds a subscription to its queues, unless it has reached its limit; `release` adds it then.
    fn enqueue(&mut self, key: Key) {
        let Some(queues) = self.subscriptions.get_mut(&key) else { return };
        if queues.leased >= self.per_subscription {
            return;
        }
        if let Some(due) = queues.retry {
            self.retries.insert((due, key));
        }
        if queues.fresh && !queues.enqueued {
            queues.enqueued = true;
            self.fresh.push_back(key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{FairScheduler, NextSubscription};
    use crate::ids::DeliveryId;
    use clarife_webhooks::UnixTime;

    const fn at(seconds: i64) -> UnixTime {
        UnixTime::from_secs(seconds)
    }

    #[test]
    fn subscriptions_take_turns() {
        let mut scheduler = FairScheduler::new(2);
        scheduler.add_fresh(1);
        scheduler.add_fresh(2);
        scheduler.add_fresh(1);
        let mut served = Vec::new();
        for _ in 0..4 {
            let selected = scheduler.next_fresh().expect("both have more");
            served.push(selected.key);
            scheduler.set_fresh(selected.key, true);
        }
        assert_eq!(served, [1, 2, 1, 2]);
    }

    #[test]
    fn a_full_subscription_waits_for_a_free_slot() {
        let mut scheduler = FairScheduler::new(1);
        scheduler.add_fresh(1);
        scheduler.add_retry(1, at(5));
        assert_eq!(scheduler.next_fresh(), Some(NextSubscription { key: 1, free: 1, leased: 0 }));
        scheduler.lease(DeliveryId(7), 1);
        scheduler.set_fresh(1, true);
        assert_eq!(scheduler.next_fresh(), None);
        assert_eq!(scheduler.next_retry(at(5)), None);
        assert_eq!(scheduler.wake_at(), None);
        scheduler.release(DeliveryId(7));
        assert_eq!(scheduler.next_retry(at(4)), None);
        assert_eq!(scheduler.next_retry(at(5)).map(|selected| selected.key), Some(1));
        assert_eq!(scheduler.next_fresh().map(|selected| selected.key), Some(1));
    }

    #[test]
    fn what_is_over_leaves_nothing_behind() {
        let mut scheduler = FairScheduler::new(1);
        for key in 0..100 {
            scheduler.add_fresh(key);
            assert_eq!(scheduler.next_fresh().map(|selected| selected.key), Some(key));
            scheduler.lease(DeliveryId(key), key);
            scheduler.set_fresh(key, false);
            scheduler.release(DeliveryId(key));
        }
        assert!(scheduler.subscriptions.is_empty() && scheduler.leases.is_empty() && scheduler.fresh.is_empty());
        scheduler.add_retry(3, at(1));
        scheduler.clear(3);
        assert_eq!(scheduler.wake_at(), None);
    }

    #[test]
    fn leases_survive_when_the_scheduler_is_refilled() {
        let mut scheduler = FairScheduler::new(1);
        scheduler.lease(DeliveryId(7), 1);
        scheduler.add_retry(1, at(1));
        scheduler.clear_all();
        scheduler.add_fresh(1);
        assert_eq!((scheduler.next_fresh(), scheduler.is_leased(DeliveryId(7))), (None, true));
        scheduler.release(DeliveryId(7));
        assert_eq!((scheduler.next_fresh().map(|selected| selected.key), scheduler.next_retry(at(9))), (Some(1), None));
    }
}
