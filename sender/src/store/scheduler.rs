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
pub(super) enum Lane {
    /// Retries and test events, when they are due.
    Retry,
    /// First attempts.
    Fresh,
}

impl Lane {
    /// Where a delivery waits.
    pub(super) fn of(delivery: &Delivery) -> Self {
        let first = matches!(delivery.state(), DeliveryState::Pending { attempt: 1, .. });
        if first && delivery.kind() == DeliveryKind::Event { Self::Fresh } else { Self::Retry }
    }
}

/// The subscriptions that have something pending.
#[derive(Debug)]
pub(super) struct Queue {
    per_subscription: usize,
    lanes: HashMap<Key, Lanes>,
    /// By the moment when the first of its retries is due, at the earliest.
    retries: BTreeSet<(UnixTime, Key)>,
    /// In turn.
    fresh: VecDeque<Key>,
    leases: HashMap<DeliveryId, Key>,
}

#[derive(Debug, Default)]
struct Lanes {
    leased: usize,
    /// When the first retry is due, at the earliest.
    retry: Option<UnixTime>,
    /// Whether there may be first attempts.
    fresh: bool,
    /// Whether it stands in the line of those.
    in_line: bool,
}

/// A subscription to be served.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Turn {
    /// Which one.
    pub(super) key: Key,
    /// How many of its deliveries may be claimed.
    pub(super) free: usize,
    /// How many are under lease.
    pub(super) leased: usize,
}

impl Queue {
    pub(super) fn new(per_subscription: usize) -> Self {
        let per_subscription = per_subscription.max(1);
        let (lanes, leases) = (HashMap::new(), HashMap::new());
        Self { per_subscription, lanes, retries: BTreeSet::new(), fresh: VecDeque::new(), leases }
    }

    /// There may be a retry due at that moment.
    pub(super) fn add_retry(&mut self, key: Key, due: UnixTime) {
        let lanes = self.lanes.entry(key).or_default();
        let due = lanes.retry.map_or(due, |earlier| earlier.min(due));
        self.set_retry(key, Some(due));
    }

    /// There may be first attempts.
    pub(super) fn add_fresh(&mut self, key: Key) {
        self.lanes.entry(key).or_default().fresh = true;
        self.list(key);
    }

    /// Nothing of it is pending, as far as the queue is concerned.
    pub(super) fn clear(&mut self, key: Key) {
        self.set_retry(key, None);
        self.set_fresh(key, false);
    }

    /// The next subscription with a retry due; give its state with [`set_retry`](Self::set_retry) afterwards.
    pub(super) fn next_retry(&mut self, now: UnixTime) -> Option<Turn> {
        while let Some(&(due, key)) = self.retries.first().filter(|(due, _)| *due <= now) {
            self.retries.remove(&(due, key));
            if let Some(turn) = self.turn(key) {
                return Some(turn);
            }
        }
        None
    }

    /// The next subscription with first attempts; give its state with [`set_fresh`](Self::set_fresh) afterwards.
    pub(super) fn next_fresh(&mut self) -> Option<Turn> {
        while let Some(key) = self.fresh.pop_front() {
            if let Some(lanes) = self.lanes.get_mut(&key) {
                lanes.in_line = false;
                if lanes.fresh
                    && let Some(turn) = self.turn(key)
                {
                    return Some(turn);
                }
            }
        }
        None
    }

    pub(super) fn set_retry(&mut self, key: Key, due: Option<UnixTime>) {
        let Some(lanes) = self.lanes.get_mut(&key) else { return };
        if let Some(earlier) = lanes.retry {
            self.retries.remove(&(earlier, key));
        }
        lanes.retry = due;
        self.list(key);
    }

    pub(super) fn set_fresh(&mut self, key: Key, fresh: bool) {
        if let Some(lanes) = self.lanes.get_mut(&key) {
            lanes.fresh = fresh;
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
            let lanes = self.lanes.entry(key).or_default();
            lanes.leased = lanes.leased.saturating_add(1);
        }
    }

    /// Ends a lease, if there is one.
    pub(super) fn release(&mut self, delivery: DeliveryId) {
        let Some(key) = self.leases.remove(&delivery) else { return };
        if let Some(lanes) = self.lanes.get_mut(&key) {
            lanes.leased = lanes.leased.saturating_sub(1);
            if lanes.leased == 0 && lanes.retry.is_none() && !lanes.fresh && !lanes.in_line {
                self.lanes.remove(&key);
            } else {
                self.list(key);
            }
        }
    }

    /// Forgets everything but the leases, before it is filled anew.
    pub(super) fn empty(&mut self) {
        self.retries.clear();
        self.fresh.clear();
        for lanes in self.lanes.values_mut() {
            *lanes = Lanes { leased: lanes.leased, ..Lanes::default() };
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

    fn turn(&self, key: Key) -> Option<Turn> {
        let leased = self.lanes.get(&key)?.leased;
        let free = self.per_subscription.saturating_sub(leased);
        (free > 0).then_some(Turn { key, free, leased })
    }

    /// Puts a subscription where it can be found, unless all its places are taken; `release` comes back here.
    fn list(&mut self, key: Key) {
        let Some(lanes) = self.lanes.get_mut(&key) else { return };
        if lanes.leased >= self.per_subscription {
            return;
        }
        if let Some(due) = lanes.retry {
            self.retries.insert((due, key));
        }
        if lanes.fresh && !lanes.in_line {
            lanes.in_line = true;
            self.fresh.push_back(key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Queue, Turn};
    use crate::ids::DeliveryId;
    use clarife_webhooks::UnixTime;

    const fn at(seconds: i64) -> UnixTime {
        UnixTime::from_secs(seconds)
    }

    #[test]
    fn subscriptions_take_turns() {
        let mut queue = Queue::new(2);
        queue.add_fresh(1);
        queue.add_fresh(2);
        queue.add_fresh(1);
        let mut served = Vec::new();
        for _ in 0..4 {
            let turn = queue.next_fresh().expect("both have more");
            served.push(turn.key);
            queue.set_fresh(turn.key, true);
        }
        assert_eq!(served, [1, 2, 1, 2]);
    }

    #[test]
    fn a_full_subscription_waits_for_a_place() {
        let mut queue = Queue::new(1);
        queue.add_fresh(1);
        queue.add_retry(1, at(5));
        assert_eq!(queue.next_fresh(), Some(Turn { key: 1, free: 1, leased: 0 }));
        queue.lease(DeliveryId(7), 1);
        queue.set_fresh(1, true);
        assert_eq!(queue.next_fresh(), None);
        assert_eq!(queue.next_retry(at(5)), None);
        assert_eq!(queue.wake_at(), None);
        queue.release(DeliveryId(7));
        assert_eq!(queue.next_retry(at(4)), None);
        assert_eq!(queue.next_retry(at(5)).map(|turn| turn.key), Some(1));
        assert_eq!(queue.next_fresh().map(|turn| turn.key), Some(1));
    }

    #[test]
    fn what_is_over_leaves_nothing_behind() {
        let mut queue = Queue::new(1);
        for key in 0..100 {
            queue.add_fresh(key);
            assert_eq!(queue.next_fresh().map(|turn| turn.key), Some(key));
            queue.lease(DeliveryId(key), key);
            queue.set_fresh(key, false);
            queue.release(DeliveryId(key));
        }
        assert!(queue.lanes.is_empty() && queue.leases.is_empty() && queue.fresh.is_empty());
        queue.add_retry(3, at(1));
        queue.clear(3);
        assert_eq!(queue.wake_at(), None);
    }

    #[test]
    fn leases_survive_when_the_queue_is_filled_anew() {
        let mut queue = Queue::new(1);
        queue.lease(DeliveryId(7), 1);
        queue.add_retry(1, at(1));
        queue.empty();
        queue.add_fresh(1);
        assert_eq!((queue.next_fresh(), queue.is_leased(DeliveryId(7))), (None, true));
        queue.release(DeliveryId(7));
        assert_eq!((queue.next_fresh().map(|turn| turn.key), queue.next_retry(at(9))), (Some(1), None));
    }
}
