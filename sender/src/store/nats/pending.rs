//! Index of the pending deliveries of a partition that this worker holds: kept in memory, rebuilt from the stream by
//! the next holder.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use clarife_webhooks::UnixTime;
use clarife_webhooks::sender::{Delivery, DeliveryKind, DeliveryState, RETRY_DELAYS};

use super::catalog::{CachedSubscription, Catalog};
use super::schema::{Arrival, Checkpoint, Deactivation, delivery_id, locate};
use crate::ids::{DeliveryId, SubscriptionId};
use crate::store::SubscriptionRecord;
use crate::store::scheduler::{FairScheduler, Key, QueueKind};

/// Limit of the cached event bodies, in bytes.
const CACHE: usize = 2 << 20;
/// Limit of the deliveries that a checkpoint lists.
const EXCEPTIONS: usize = 4000;

/// Pending deliveries of a partition, by subscription and due time.
#[derive(Debug)]
pub(super) struct PendingIndex {
    partition: usize,
    scheduler: FairScheduler,
    entries: BTreeMap<DeliveryId, Entry>,
    queues: HashMap<Key, SubscriptionQueues>,
    keys: HashMap<SubscriptionId, Key>,
    next_key: Key,
    /// All sequences up to this one have been read.
    applied: u64,
    /// Later sequences that this worker has written and applied but not read yet.
    ahead: HashSet<u64>,
    /// Deliveries that a deactivation has failed and whose end is to be written.
    deactivated: Vec<DeactivatedDelivery>,
    cached: usize,
    /// Upper bound of due times while the stream's past is read.
    latest: UnixTime,
}

/// A pending delivery.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub(super) delivery: Delivery,
    /// Sequence of its record, 0 if it is unchanged since its arrival.
    pub(super) version: u64,
    key: Key,
    due: UnixTime,
    body: Option<(String, Bytes)>,
}

#[derive(Debug)]
struct SubscriptionQueues {
    id: SubscriptionId,
    retries: BTreeSet<(UnixTime, DeliveryId)>,
    fresh: BTreeSet<(UnixTime, DeliveryId)>,
}

/// A delivery that failed because its subscription was deactivated.
#[derive(Debug)]
pub(super) struct DeactivatedDelivery {
    pub(super) id: DeliveryId,
    pub(super) at: UnixTime,
    pub(super) subscription: Arc<SubscriptionRecord>,
}

/// A due delivery, taken under lease.
#[derive(Debug)]
pub(super) struct DueDelivery {
    pub(super) id: DeliveryId,
    pub(super) attempt: u32,
    pub(super) due: UnixTime,
    pub(super) cached: CachedSubscription,
    /// Id and body of the event, if they are cached.
    pub(super) body: Option<(String, Bytes)>,
}

impl PendingIndex {
    /// Creates an empty index. Due times in the stream's past are capped at `latest`, in case a clock was ahead.
    pub(super) fn new(partition: usize, per_subscription: usize, latest: UnixTime) -> Self {
        Self {
            partition,
            scheduler: FairScheduler::new(per_subscription),
            entries: BTreeMap::new(),
            queues: HashMap::new(),
            keys: HashMap::new(),
            next_key: 0,
            applied: 0,
            ahead: HashSet::new(),
            deactivated: Vec::new(),
            cached: 0,
            latest,
        }
    }

    pub(super) fn pending(&self) -> u64 {
        self.entries.len() as u64
    }

    pub(super) fn is_pending(&self, id: DeliveryId) -> bool {
        self.entries.contains_key(&id)
    }

    pub(super) fn entry(&self, id: DeliveryId) -> Option<&Entry> {
        self.entries.get(&id)
    }

    pub(super) fn is_idle(&self) -> bool {
        self.scheduler.leased() == 0
    }

    pub(super) fn wake_at(&self) -> Option<UnixTime> {
        self.scheduler.wake_at()
    }

    /// Tells whether a sequence is still to be applied, and marks it as applied. `own` sequences were written by this
    /// worker and are applied before they are read.
    pub(super) fn should_apply(&mut self, sequence: u64, own: bool) -> bool {
        if own {
            return sequence > self.applied && self.ahead.insert(sequence);
        }
        self.applied = self.applied.max(sequence);
        !self.ahead.remove(&sequence)
    }

    /// Adds the pending deliveries of an arrival.
    pub(super) fn add_arrival(&mut self, sequence: u64, arrival: &Arrival, body: &[u8]) {
        // A copy: a slice would keep the larger buffer that was read alive.
        let room = self.cached.saturating_add(body.len()) <= CACHE;
        let body = room.then(|| (arrival.event_id.clone(), Bytes::copy_from_slice(body)));
        for (index, (subscription, delivery)) in arrival.to.iter().enumerate() {
            let id = delivery_id(sequence, self.partition, index);
            if delivery.due().is_some() && !self.entries.contains_key(&id) {
                self.put(id, subscription, *delivery, 0, body.clone());
            }
        }
    }

    /// Restores a delivery that is older than the checkpoint.
    pub(super) fn restore(&mut self, id: DeliveryId, subscription: &SubscriptionId, delivery: Delivery, version: u64) {
        if delivery.due().is_some() {
            self.put(id, subscription, delivery, version, None);
        }
    }

    /// Applies the latest state of a delivery.
    pub(super) fn apply_progress(
        &mut self,
        id: DeliveryId,
        subscription: &SubscriptionId,
        delivery: Delivery,
        version: u64,
    ) {
        if self.entries.get(&id).is_some_and(|entry| entry.version >= version) {
            return;
        }
        let body = self.remove(id).and_then(|entry| entry.body);
        if delivery.due().is_some() {
            self.put(id, subscription, delivery, version, body);
        }
    }

    /// Removes a subscription's deliveries.
    pub(super) fn forget(&mut self, subscription: &SubscriptionId) {
        let Some(key) = self.keys.remove(subscription) else { return };
        self.scheduler.clear(key);
        if let Some(queues) = self.queues.remove(&key) {
            for (_, id) in queues.retries.into_iter().chain(queues.fresh) {
                self.drop_entry(id);
            }
        }
    }

    /// Removes a delivery.
    pub(super) fn forget_one(&mut self, id: DeliveryId) {
        self.remove(id);
        self.scheduler.release(id);
    }

    /// Marks the stream's past as read: later due times come from this worker's clock and are not capped.
    pub(super) fn set_complete(&mut self) {
        self.latest = UnixTime::from_millis(i64::MAX);
    }

    /// Checks the deliveries of a subscription that has changed.
    pub(super) fn recheck(&mut self, cached: &CachedSubscription) {
        let Some(key) = self.keys.get(&cached.record.id).copied() else { return };
        let Some(queues) = self.queues.get_mut(&key) else { return };
        if cached.ended.is_some() || !cached.record.subscription.health.is_active() {
            for set in [&mut queues.retries, &mut queues.fresh] {
                set.retain(|(_, id)| {
                    let entry = self.entries.get(id).filter(|_| !self.scheduler.is_leased(*id));
                    let Some(at) = entry.and_then(|entry| ended(&entry.delivery, *id, entry.version, cached)) else {
                        return true;
                    };
                    self.deactivated.push(DeactivatedDelivery {
                        id: *id,
                        at,
                        subscription: Arc::clone(&cached.record),
                    });
                    false
                });
            }
        }
        self.scheduler.clear(key);
        if let Some((due, _)) = queues.retries.first() {
            self.scheduler.add_retry(key, *due);
        }
        if !queues.fresh.is_empty() {
            self.scheduler.add_fresh(key);
        }
    }

    /// Ends a lease.
    pub(super) fn release(&mut self, id: DeliveryId) {
        self.scheduler.release(id);
        if let Some(entry) = self.entries.get(&id) {
            let (key, delivery, due) = (entry.key, entry.delivery, entry.due);
            self.announce(key, &delivery, due);
        }
    }

    /// Takes deliveries of the next subscription with one of this kind; returns `None` if there is no such
    /// subscription.
    pub(super) fn take(
        &mut self,
        kind: QueueKind,
        now: UnixTime,
        max: usize,
        catalog: &Catalog,
    ) -> Option<Vec<DueDelivery>> {
        let (selected, now) = match kind {
            QueueKind::Retry => (self.scheduler.next_retry(now)?, now),
            QueueKind::Fresh => (self.scheduler.next_fresh()?, UnixTime::from_millis(i64::MAX)),
        };
        let mut batch = Vec::new();
        let next = self.serve(selected.key, kind, now, selected.free.min(max), catalog, &mut batch);
        match kind {
            QueueKind::Retry => self.scheduler.set_retry(selected.key, next),
            QueueKind::Fresh => self.scheduler.set_fresh(selected.key, next.is_some()),
        }
        Some(batch)
    }

    /// Takes up to `free` deliveries of a subscription; returns the time at which the next one is due.
    fn serve(
        &mut self,
        key: Key,
        kind: QueueKind,
        now: UnixTime,
        free: usize,
        catalog: &Catalog,
        batch: &mut Vec<DueDelivery>,
    ) -> Option<UnixTime> {
        let queues = self.queues.get_mut(&key)?;
        // Not read yet, or deleted: its record will trigger a recheck.
        let cached = catalog.get(&queues.id)?;
        let set = match kind {
            QueueKind::Retry => &mut queues.retries,
            QueueKind::Fresh => &mut queues.fresh,
        };
        let (mut ended_now, mut next) = (Vec::new(), None);
        for (due, id) in set.iter() {
            if self.scheduler.is_leased(*id) {
                continue;
            }
            let Some(entry) = self.entries.get(id) else { continue };
            if let Some(at) = ended(&entry.delivery, *id, entry.version, cached) {
                ended_now.push((*due, *id, at));
                continue;
            }
            if batch.len() == free || *due > now {
                next = Some(*due);
                break;
            }
            if let DeliveryState::Pending { attempt, due } = entry.delivery.state() {
                let (cached, body) = (cached.clone(), entry.body.clone());
                batch.push(DueDelivery { id: *id, attempt, due, cached, body });
            }
        }
        for (due, id, at) in ended_now {
            set.remove(&(due, id));
            self.deactivated.push(DeactivatedDelivery { id, at, subscription: Arc::clone(&cached.record) });
        }
        for due in batch.iter() {
            self.scheduler.lease(due.id, key);
        }
        next
    }

    /// Takes up to `max` deliveries whose end is to be written.
    pub(super) fn take_deactivated(&mut self, max: usize) -> Vec<DeactivatedDelivery> {
        let rest = self.deactivated.len().saturating_sub(max);
        self.deactivated.split_off(rest)
    }

    /// Puts a delivery back whose end could not be written.
    pub(super) fn defer(&mut self, delivery: DeactivatedDelivery) {
        self.deactivated.push(delivery);
    }

    /// Returns the checkpoint from which the next holder reads.
    pub(super) fn checkpoint(&self) -> Checkpoint {
        let mut except: Vec<i64> = self.entries.keys().take(EXCEPTIONS).map(|id| id.0).collect();
        let from = match self.entries.keys().nth(EXCEPTIONS) {
            Some(id) => locate(*id).0,
            None => self.applied.saturating_add(1),
        };
        except.retain(|id| locate(DeliveryId(*id)).0 < from);
        Checkpoint { from, except }
    }

    fn put(
        &mut self,
        id: DeliveryId,
        subscription: &SubscriptionId,
        delivery: Delivery,
        version: u64,
        body: Option<(String, Bytes)>,
    ) {
        let key = self.keys.get(subscription).copied().unwrap_or_else(|| {
            self.next_key = self.next_key.saturating_add(1);
            self.keys.insert(subscription.clone(), self.next_key);
            let (retries, fresh) = (BTreeSet::new(), BTreeSet::new());
            self.queues.insert(self.next_key, SubscriptionQueues { id: subscription.clone(), retries, fresh });
            self.next_key
        });
        let due = delivery.due().unwrap_or(self.latest).min(self.latest);
        if let Some(queues) = self.queues.get_mut(&key) {
            match QueueKind::of(&delivery) {
                QueueKind::Retry => queues.retries.insert((due, id)),
                QueueKind::Fresh => queues.fresh.insert((due, id)),
            };
        }
        self.cached = self.cached.saturating_add(body.as_ref().map_or(0, |(_, body)| body.len()));
        self.entries.insert(id, Entry { delivery, version, key, due, body });
        self.announce(key, &delivery, due);
    }

    fn announce(&mut self, key: Key, delivery: &Delivery, due: UnixTime) {
        match QueueKind::of(delivery) {
            QueueKind::Retry => self.scheduler.add_retry(key, due),
            QueueKind::Fresh => self.scheduler.add_fresh(key),
        }
    }

    fn remove(&mut self, id: DeliveryId) -> Option<Entry> {
        let entry = self.drop_entry(id)?;
        if let Some(queues) = self.queues.get_mut(&entry.key) {
            match QueueKind::of(&entry.delivery) {
                QueueKind::Retry => queues.retries.remove(&(entry.due, id)),
                QueueKind::Fresh => queues.fresh.remove(&(entry.due, id)),
            };
            if queues.retries.is_empty() && queues.fresh.is_empty() {
                self.keys.remove(&queues.id);
                self.queues.remove(&entry.key);
            }
        }
        Some(entry)
    }

    fn drop_entry(&mut self, id: DeliveryId) -> Option<Entry> {
        let entry = self.entries.remove(&id)?;
        self.cached = self.cached.saturating_sub(entry.body.as_ref().map_or(0, |(_, body)| body.len()));
        Some(entry)
    }
}

/// Returns the time at which a deactivation ended the delivery, if one did. Test events are not ended.
fn ended(delivery: &Delivery, id: DeliveryId, version: u64, cached: &CachedSubscription) -> Option<UnixTime> {
    if delivery.kind() == DeliveryKind::Test || delivery.due().is_none() {
        return None;
    }
    if let Some(warning) = cached.record.subscription.health.warning() {
        return Some(warning.deactivated_at);
    }
    let written = version.max(locate(id).0);
    cached.ended.filter(|Deactivation { before, .. }| written < *before).map(|ended| ended.at)
}

/// Returns the delivery's state for readers: a deactivation may have ended it without the end being written yet.
pub(super) fn effective_state(
    delivery: Delivery,
    id: DeliveryId,
    version: u64,
    cached: &CachedSubscription,
) -> Delivery {
    ended(&delivery, id, version, cached).map_or(delivery, |at| delivery.deactivate(at))
}

/// Returns the latest possible due time: the longest retry delay from now. Later ones come from a clock that was ahead.
pub(super) fn latest_due(now: UnixTime) -> UnixTime {
    now.saturating_add(RETRY_DELAYS.iter().max().copied().unwrap_or(Duration::ZERO))
}

#[cfg(test)]
mod tests {
    use clarife_webhooks::UnixTime;
    use clarife_webhooks::sender::{Delivery, Health};

    use super::{EXCEPTIONS, PendingIndex};
    use crate::ids::SubscriptionId;
    use crate::store::nats::schema::{Arrival, Checkpoint, delivery_id};

    const NOW: UnixTime = UnixTime::from_secs(1_774_699_200);

    fn arrival(subscription: &SubscriptionId) -> Arrival {
        let to = vec![(subscription.clone(), Delivery::new(&Health::new(), NOW))];
        Arrival { event_id: "evt_1".into(), event_type: "share.created".into(), at: NOW, to }
    }

    #[test]
    fn a_checkpoint_lists_the_pending_deliveries_before_it() {
        let (mut pending, subscription) = (PendingIndex::new(3, 8, NOW), SubscriptionId::random());
        for sequence in 1..=10 {
            assert!(pending.should_apply(sequence, false));
            pending.add_arrival(sequence, &arrival(&subscription), b"{}");
        }
        for sequence in 1..=8 {
            pending.forget_one(delivery_id(sequence, 3, 0));
        }
        let except = [9, 10].map(|sequence| delivery_id(sequence, 3, 0).0).to_vec();
        assert_eq!(pending.checkpoint(), Checkpoint { from: 11, except });
        // With more deliveries than it lists, it starts at the first one left out.
        for sequence in 11..=10 + EXCEPTIONS as u64 {
            assert!(pending.should_apply(sequence, false));
            pending.add_arrival(sequence, &arrival(&subscription), b"{}");
        }
        let checkpoint = pending.checkpoint();
        assert_eq!((checkpoint.from, checkpoint.except.len()), (9 + EXCEPTIONS as u64, EXCEPTIONS));
    }

    #[test]
    fn own_writes_are_applied_once() {
        let mut pending = PendingIndex::new(0, 8, NOW);
        // Applied before it is read, and read before it is applied.
        assert!(pending.should_apply(5, true) && !pending.should_apply(5, false));
        assert!(pending.should_apply(6, false) && !pending.should_apply(6, true));
        assert!(pending.should_apply(8, true) && pending.should_apply(7, false) && !pending.should_apply(8, false));
        assert!(pending.ahead.is_empty());
    }

    #[test]
    fn an_older_record_does_not_undo_a_later_one() {
        let (mut index, subscription) = (PendingIndex::new(0, 8, NOW), SubscriptionId::random());
        let id = delivery_id(1, 0, 0);
        let pending = Delivery::new(&Health::new(), NOW);
        index.apply_progress(id, &subscription, pending, 7);
        index.apply_progress(id, &subscription, pending.deactivate(NOW), 6);
        assert!(index.is_pending(id));
        index.apply_progress(id, &subscription, pending.deactivate(NOW), 8);
        assert!(!index.is_pending(id) && index.queues.is_empty() && index.keys.is_empty() && index.cached == 0);
    }
}
