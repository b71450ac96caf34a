//! Which subscription is served next: retries that are due first, then first attempts in turn; and who has what under lease.
//!
//! It holds a few words for each subscription that has something pending, however many deliveries these are.

use std::collections::{BTreeSet, HashMap, VecDeque};

use clarife_webhooks::UnixTime;
use clarife_webhooks::sender::{Delivery, DeliveryKind, DeliveryState};

use crate::ids::DeliveryId;

/// A subscription's key in the store.
pub(super) type Key = i64;

/// What is handed out first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum QueueKind {
    /// Retries and test events, when they are due.
    Retry,
    /// First attempts.
    Fresh,
}

impl QueueKind {
    /// Where a delivery waits.
    pub(super) fn of(delivery: &Delivery) -> Self {
        let first = matches!(delivery.state(), DeliveryState::Pending { attempt: 1, .. });
        if first && delivery.kind() == DeliveryKind::Event { Self::Fresh } else { Self::Retry }
    }
}

/// The subscriptions that have something pending.
#[derive(Debug)]
pub(super) struct FairScheduler {
    per_subscription: usize,
    subscriptions: HashMap<Key, SubscriptionQueues>,
    /// By the moment when the first of its retries is due, at the earliest.
    retries: BTreeSet<(UnixTime, Key)>,
    /// In turn.
    fresh: VecDeque<Key>,
    leases: HashMap<DeliveryId, Key>,
}

#[derive(Debug, Default)]
struct SubscriptionQueues {
    leased: usize,
    /// When the first retry is due, at the earliest.
    retry: Option<UnixTime>,
    /// Whether there may be first attempts.
    fresh: bool,
    /// Whether it stands in the line of those.
    listed: bool,
}

/// A subscription to be served.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct NextSubscription {
    /// Which one.
    pub(super) key: Key,
    /// How many of its deliveries may be claimed.
    pub(super) free: usize,
    /// How many are under lease.
    pub(super) leased: usize,
}

impl FairScheduler {
    pub(super) fn new(per_subscription: usize) -> Self {
        let per_subscription = per_subscription.max(1);
        let (subscriptions, leases) = (HashMap::new(), HashMap::new());
        Self { per_subscription, subscriptions, retries: BTreeSet::new(), fresh: VecDeque::new(), leases }
    }

    /// There may be a retry due at that moment.
    pub(super) fn add_retry(&mut self, key: Key, due: UnixMillis) {
        let subscriptions = self.subscriptions.entry(key).or_default();
        let due = subscriptions.retry.map_or(due, |earlier| earlier.min(due));
        self.set_retry(key, Some(due));
    }

    /// There may be first attempts.
    pub(super) fn add_fresh(&mut self, key: Key) {
        self.subscriptions.entry(key).or_default().fresh = true;
        self.list(key);
    }

    /// Nothing of it is pending, as far as the queue is concerned.
    pub(super) fn clear(&mut self, key: Key) {
        self.set_retry(key, None);
        self.set_fresh(key, false);
    }

    /// The next subscription with a retry due; give its state with [`set_retry`](Self::set_retry) afterwards.
    pub(super) fn next_retry(&mut self, now: UnixMillis) -> Option<NextSubscription> {
        while let Some(&(due, key)) = self.retries.first().filter(|(due, _)| *due <= now) {
            self.retries.remove(&(due, key));
            if let Some(selected) = self.select(key) {
                return Some(selected);
            }
        }
        None
    }

    /// The next subscription with first attempts; give its state with [`set_fresh`](Self::set_fresh) afterwards.
    pub(super) fn next_fresh(&mut self) -> Option<NextSubscription> {
        while let Some(key) = self.fresh.pop_front() {
            if let Some(subscriptions) = self.subscriptions.get_mut(&key) {
                subscriptions.listed = false;
                if subscriptions.fresh
                    && let Some(selected) = self.select(key)
                {
                    return Some(selected);
                }
            }
        }
        None
    }

    pub(super) fn set_retry(&mut self, key: Key, due: Option<UnixMillis>) {
        let Some(subscriptions) = self.subscriptions.get_mut(&key) else { return };
        if let Some(earlier) = subscriptions.retry {
            self.retries.remove(&(earlier, key));
        }
        subscriptions.retry = due;
        self.list(key);
    }

    pub(super) fn set_fresh(&mut self, key: Key, fresh: bool) {
        if let Some(subscriptions) = self.subscriptions.get_mut(&key) {
            subscriptions.fresh = fresh;
            self.list(key);
        }
    }

    pub(super) fn is_leased(&self, delivery: DeliveryId) -> bool {
        self.leases.contains_key(&delivery)
    }

    /// How many deliveries are under lease.
    pub(super) fn leased(&self) -> usize {
        self.leases.len()
    }

    pub(super) fn lease(&mut self, delivery: DeliveryId, key: Key) {
        if self.leases.insert(delivery, key).is_none() {
            let subscriptions = self.subscriptions.entry(key).or_default();
            subscriptions.leased = subscriptions.leased.saturating_add(1);
        }
    }

    /// Ends a lease, if there is one.
    pub(super) fn release(&mut self, delivery: DeliveryId) {
        let Some(key) = self.leases.remove(&delivery) else { return };
        if let Some(subscriptions) = self.subscriptions.get_mut(&key) {
            subscriptions.leased = subscriptions.leased.saturating_sub(1);
            if subscriptions.leased == 0
                && subscriptions.retry.is_none()
                && !subscriptions.fresh
                && !subscriptions.listed
            {
                self.subscriptions.remove(&key);
            } else {
                self.list(key);
            }
        }
    }

    /// Forgets everything but the leases, before it is filled anew.
    pub(super) fn empty(&mut self) {
        self.retries.clear();
        self.fresh.clear();
        for subscriptions in self.subscriptions.values_mut() {
            *subscriptions = SubscriptionQueues { leased: subscriptions.leased, ..SubscriptionQueues::default() };
        }
    }

    /// From when on there may be something to claim.
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

    /// Puts a subscription where it can be found, unless all its places are taken; `release` comes back here.
    fn list(&mut self, key: Key) {
        let Some(subscriptions) = self.subscriptions.get_mut(&key) else { return };
        if subscriptions.leased >= self.per_subscription {
            return;
        }
        if let Some(due) = subscriptions.retry {
            self.retries.insert((due, key));
        }
        if subscriptions.fresh && !subscriptions.listed {
            subscriptions.listed = true;
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
        scheduler.empty();
        scheduler.add_fresh(1);
        assert_eq!((scheduler.next_fresh(), scheduler.is_leased(DeliveryId(7))), (None, true));
        scheduler.release(DeliveryId(7));
        assert_eq!((scheduler.next_fresh().map(|selected| selected.key), scheduler.next_retry(at(9))), (Some(1), None));
    }
}
