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
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
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

    /// Returns the number of the queue in the tables of SQLite and PostgreSQL.
    pub(super) const fn number(self) -> i16 {
        match self {
            Self::Retry => 0,
            Self::Fresh => 1,
        }
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
    leased: Vec<DeliveryId>,
    /// Lower bound of the time at which the first retry is due.
    retry: Option<UnixTime>,
    /// Set while there may be first attempts.
    fresh: bool,
    /// Set while the subscription is in the queue of first attempts.
    enqueued: bool,
}

/// Request for due deliveries of one subscription.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct DueRequest {
    /// Key of the subscription.
    pub(super) key: Key,
    /// Queue of the deliveries.
    pub(super) kind: QueueKind,
    /// Limit of the deliveries.
    pub(super) limit: usize,
    /// Leased deliveries of the subscription, which are not due.
    pub(super) leased: Vec<DeliveryId>,
}

impl FairScheduler {
    pub(super) fn new(per_subscription: usize) -> Self {
        let per_subscription = per_subscription.max(1);
        let (subscriptions, leases) = (HashMap::new(), HashMap::new());
        Self { per_subscription, subscriptions, retries: BTreeSet::new(), fresh: VecDeque::new(), leases }
    }

    /// Adds a delivery's subscription to a queue; `due` matters for retries only.
    pub(super) fn add(&mut self, key: Key, kind: QueueKind, due: UnixTime) {
        let queues = self.subscriptions.entry(key).or_default();
        match kind {
            QueueKind::Retry => {
                let due = queues.retry.map_or(due, |earlier| earlier.min(due));
                self.set_retry(key, Some(due));
            }
            QueueKind::Fresh => {
                queues.fresh = true;
                self.enqueue(key);
            }
        }
    }

    /// Removes a subscription from the queues; its leases stay.
    pub(super) fn clear(&mut self, key: Key) {
        self.set_retry(key, None);
        if let Some(queues) = self.subscriptions.get_mut(&key) {
            queues.fresh = false;
        }
        self.drop_unused(key);
    }

    /// Selects subscriptions to be served, with `max` deliveries in all, and removes them from the queue.
    ///
    /// [`add`](Self::add) them again if the queue has more deliveries. A delivery that is added meanwhile is not
    /// forgotten, because its subscription is then in the queue again.
    pub(super) fn select(&mut self, kind: QueueKind, now: UnixTime, max: usize) -> Vec<DueRequest> {
        let (mut selected, mut left) = (Vec::new(), max);
        while left > 0
            && let Some(mut request) = self.select_one(kind, now)
        {
            request.limit = request.limit.min(left);
            left = left.saturating_sub(request.limit);
            selected.push(request);
        }
        selected
    }

    fn select_one(&mut self, kind: QueueKind, now: UnixTime) -> Option<DueRequest> {
        loop {
            let key = match kind {
                QueueKind::Retry => {
                    let &(due, key) = self.retries.first().filter(|(due, _)| *due <= now)?;
                    self.retries.remove(&(due, key));
                    key
                }
                QueueKind::Fresh => self.fresh.pop_front()?,
            };
            let per_subscription = self.per_subscription;
            let Some(queues) = self.subscriptions.get_mut(&key) else { continue };
            if kind == QueueKind::Fresh {
                queues.enqueued = false;
            }
            let limit = per_subscription.saturating_sub(queues.leased.len());
            let waits = match kind {
                QueueKind::Retry => queues.retry.is_some(),
                QueueKind::Fresh => queues.fresh,
            };
            if limit == 0 || !waits {
                self.drop_unused(key);
                continue; // `release` adds a full subscription again
            }
            match kind {
                QueueKind::Retry => queues.retry = None,
                QueueKind::Fresh => queues.fresh = false,
            }
            return Some(DueRequest { key, kind, limit, leased: queues.leased.clone() });
        }
    }

    fn set_retry(&mut self, key: Key, due: Option<UnixTime>) {
        let Some(queues) = self.subscriptions.get_mut(&key) else { return };
        if let Some(earlier) = queues.retry {
            self.retries.remove(&(earlier, key));
        }
        queues.retry = due;
        self.enqueue(key);
    }

    /// Tells whether a delivery of one of these subscriptions is leased.
    pub(super) fn has_leases(&self, of: impl Fn(Key) -> bool) -> bool {
        self.leases.values().any(|key| of(*key))
    }

    pub(super) fn lease(&mut self, delivery: DeliveryId, key: Key) {
        if self.leases.insert(delivery, key).is_none() {
            self.subscriptions.entry(key).or_default().leased.push(delivery);
        }
    }

    /// Ends a lease, if there is one.
    pub(super) fn release(&mut self, delivery: DeliveryId) {
        let Some(key) = self.leases.remove(&delivery) else { return };
        if let Some(queues) = self.subscriptions.get_mut(&key) {
            queues.leased.retain(|leased| *leased != delivery);
            self.enqueue(key);
            self.drop_unused(key);
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

    /// Adds a subscription to its queues, unless it has reached its limit; `release` adds it then.
    fn enqueue(&mut self, key: Key) {
        let Some(queues) = self.subscriptions.get_mut(&key) else { return };
        if queues.leased.len() >= self.per_subscription {
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

    fn drop_unused(&mut self, key: Key) {
        let unused = |queues: &SubscriptionQueues| {
            queues.leased.is_empty() && queues.retry.is_none() && !queues.fresh && !queues.enqueued
        };
        if self.subscriptions.get(&key).is_some_and(unused) {
            self.subscriptions.remove(&key);
        }
    }
}

#[cfg(test)]
mod tests {
    use clarife_webhooks::UnixTime;

    use super::{DueRequest, FairScheduler, QueueKind};
    use crate::ids::DeliveryId;

    const fn at(seconds: i64) -> UnixTime {
        UnixTime::from_secs(seconds)
    }

    fn select(scheduler: &mut FairScheduler, kind: QueueKind, now: i64, max: usize) -> Vec<(i64, usize)> {
        let selected = scheduler.select(kind, at(now), max);
        selected.iter().map(|DueRequest { key, limit, .. }| (*key, *limit)).collect()
    }

    #[test]
    fn subscriptions_take_turns() {
        let mut scheduler = FairScheduler::new(2);
        for key in [1, 2, 1] {
            scheduler.add(key, QueueKind::Fresh, at(0));
        }
        let mut served = Vec::new();
        for _ in 0..4 {
            let [(key, 2)] = select(&mut scheduler, QueueKind::Fresh, 0, 2)[..] else { panic!("both have more") };
            served.push(key);
            scheduler.add(key, QueueKind::Fresh, at(0));
        }
        assert_eq!(served, [1, 2, 1, 2]);
        assert_eq!(select(&mut scheduler, QueueKind::Fresh, 0, 3), [(1, 2), (2, 1)]);
    }

    #[test]
    fn a_full_subscription_waits_for_a_free_slot() {
        let mut scheduler = FairScheduler::new(1);
        scheduler.add(1, QueueKind::Fresh, at(0));
        scheduler.add(1, QueueKind::Retry, at(5));
        assert_eq!(select(&mut scheduler, QueueKind::Fresh, 0, 9), [(1, 1)]);
        scheduler.lease(DeliveryId(7), 1);
        scheduler.add(1, QueueKind::Fresh, at(0));
        assert_eq!(select(&mut scheduler, QueueKind::Fresh, 9, 9), []);
        assert_eq!(select(&mut scheduler, QueueKind::Retry, 9, 9), []);
        assert_eq!(scheduler.wake_at(), None);
        scheduler.release(DeliveryId(7));
        assert_eq!(select(&mut scheduler, QueueKind::Retry, 4, 9), []);
        assert_eq!(select(&mut scheduler, QueueKind::Retry, 5, 9), [(1, 1)]);
        assert_eq!(select(&mut scheduler, QueueKind::Fresh, 5, 9), [(1, 1)]);
    }

    #[test]
    fn a_delivery_that_arrives_during_a_read_is_not_forgotten() {
        let mut scheduler = FairScheduler::new(4);
        scheduler.add(1, QueueKind::Fresh, at(0));
        assert_eq!(select(&mut scheduler, QueueKind::Fresh, 0, 9), [(1, 4)]);
        scheduler.add(1, QueueKind::Fresh, at(0)); // arrives while the storage is read
        assert_eq!(select(&mut scheduler, QueueKind::Fresh, 0, 9), [(1, 4)]);
        assert_eq!(select(&mut scheduler, QueueKind::Fresh, 0, 9), []);
    }

    #[test]
    fn requests_name_the_leased_deliveries() {
        let mut scheduler = FairScheduler::new(4);
        scheduler.lease(DeliveryId(7), 1);
        scheduler.lease(DeliveryId(8), 1);
        scheduler.add(1, QueueKind::Retry, at(0));
        let requests = scheduler.select(QueueKind::Retry, at(0), 9);
        let leased = vec![DeliveryId(7), DeliveryId(8)];
        assert_eq!(requests, [DueRequest { key: 1, kind: QueueKind::Retry, limit: 2, leased }]);
    }

    #[test]
    fn what_is_over_leaves_nothing_behind() {
        let mut scheduler = FairScheduler::new(1);
        for key in 0..100 {
            scheduler.add(key, QueueKind::Fresh, at(0));
            assert_eq!(select(&mut scheduler, QueueKind::Fresh, 0, 1), [(key, 1)]);
            scheduler.lease(DeliveryId(key), key);
            scheduler.release(DeliveryId(key));
        }
        scheduler.add(3, QueueKind::Retry, at(1));
        scheduler.add(3, QueueKind::Fresh, at(1));
        scheduler.clear(3);
        assert_eq!(select(&mut scheduler, QueueKind::Fresh, 9, 1), []);
        assert_eq!(scheduler.wake_at(), None);
        assert!(scheduler.subscriptions.is_empty() && scheduler.leases.is_empty() && scheduler.fresh.is_empty());
    }
}
