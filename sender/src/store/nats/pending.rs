//! What is pending in a partition that this process has: kept in memory, read off the stream again by whoever has it next.

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

/// How many bytes of bodies are kept beside what is pending, so that they need not be read again.
const CACHE: usize = 2 << 20;
/// How many deliveries a checkpoint names.
const EXCEPTIONS: usize = 4000;

/// See the module.
#[derive(Debug)]
pub(super) struct PendingIndex {
    partition: usize,
    scheduler: FairScheduler,
    entries: BTreeMap<DeliveryId, Entry>,
    queues: HashMap<Key, SubscriptionQueues>,
    keys: HashMap<SubscriptionId, Key>,
    next_key: Key,
    /// Everything up to here was read, or written by this process and applied.
    applied: u64,
    /// What this process has written and applied, and not read yet.
    ahead: HashSet<u64>,
    /// What has failed because the subscription was deactivated, and is still to be written.
    ending: Vec<DeactivatedDelivery>,
    cached: usize,
    /// While reading what is there: nothing is due later than this.
    latest: UnixTime,
}

/// A delivery that is pending.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub(super) delivery: Delivery,
    /// The sequence of its record, 0 if it has none.
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

/// A delivery that has failed because its subscription was deactivated.
#[derive(Debug)]
pub(super) struct DeactivatedDelivery {
    pub(super) id: DeliveryId,
    pub(super) at: UnixTime,
    pub(super) subscription: Arc<SubscriptionRecord>,
}

/// A delivery that was taken from the queue, under a lease.
#[derive(Debug)]
pub(super) struct DueDelivery {
    pub(super) id: DeliveryId,
    pub(super) attempt: u32,
    pub(super) due: UnixMillis,
    pub(super) cached: CachedSubscription,
    /// The event's id and body, if they are at hand.
    pub(super) body: Option<(String, Bytes)>,
}

impl PendingIndex {
    /// Nothing yet. What was written when a clock was ahead is due at `latest`.
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
            ending: Vec::new(),
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

    pub(super) fn wake_at(&self) -> Option<UnixMillis> {
        self.scheduler.wake_at()
    }

    /// Whether what stands there is still to be applied; it is from now on. `own`: written by this process, and known before it is
    /// read.
    pub(super) fn should_apply(&mut self, sequence: u64, held: bool) -> bool {
        if held {
            return sequence > self.applied && self.ahead.insert(sequence);
        }
        self.applied = self.applied.max(sequence);
        !self.ahead.remove(&sequence)
    }

    /// An arrival was written.
    pub(super) fn add_arrival(&mut self, sequence: u64, arrival: &Arrival, body: &[u8]) {
        // A copy: what was read lies in a larger piece of memory, which would stay with it.
        let room = self.cached.saturating_add(body.len()) <= CACHE;
        let body = room.then(|| (arrival.event_id.clone(), Bytes::copy_from_slice(body)));
        for (index, (subscription, delivery)) in arrival.to.iter().enumerate() {
            let id = delivery_id(sequence, self.partition, index);
            if delivery.due().is_some() && !self.entries.contains_key(&id) {
                self.put(id, subscription, *delivery, 0, body.clone());
            }
        }
    }

    /// A delivery of an earlier arrival, as it was last written.
    pub(super) fn restore(&mut self, id: DeliveryId, subscription: &SubscriptionId, delivery: Delivery, version: u64) {
        if delivery.due().is_some() {
            self.put(id, subscription, delivery, version, None);
        }
    }

    /// Something became of a delivery.
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

    /// Forgets a subscription's deliveries.
    pub(super) fn forget(&mut self, subscription: &SubscriptionId) {
        let Some(key) = self.keys.remove(subscription) else { return };
        self.scheduler.clear(key);
        if let Some(queues) = self.queues.remove(&key) {
            for (_, id) in queues.retries.into_iter().chain(queues.fresh) {
                self.drop_entry(id);
            }
        }
    }

    /// Forgets one delivery.
    pub(super) fn forget_one(&mut self, id: DeliveryId) {
        self.remove(id);
        self.scheduler.release(id);
    }

    /// Everything that was there has been read: from now on the clock is that of this process.
    pub(super) fn is_complete(&mut self) {
        self.latest = UnixTime::from_millis(i64::MAX);
    }

    /// Looks at a subscription's deliveries again: something about it has changed.
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
                    self.ending.push(DeactivatedDelivery { id: *id, at, subscription: Arc::clone(&cached.record) });
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

    /// Takes some of what a single subscription may have now: a retry that is due if there is one.
    pub(super) fn take(
        &mut self,
        kind: QueueKind,
        now: UnixMillis,
        max: usize,
        catalog: &Catalog,
    ) -> Option<Vec<DueDelivery>> {
        let (selected, now) = match kind {
            QueueKind::Retry => (self.scheduler.next_retry(now)?, now),
            QueueKind::Fresh => (self.scheduler.next_fresh()?, UnixMillis::from_millis(i64::MAX)),
        };
        let mut taken = Vec::new();
        let next = self.serve(selected.key, kind, now, selected.free.min(max), catalog, &mut taken);
        match kind {
            QueueKind::Retry => self.scheduler.set_retry(selected.key, next),
            QueueKind::Fresh => self.scheduler.set_fresh(selected.key, next.is_some()),
        }
        Some(taken)
    }

    /// When the next one in that kind is due.
    fn serve(
        &mut self,
        key: Key,
        kind: QueueKind,
        now: UnixMillis,
        free: usize,
        catalog: &Catalog,
        taken: &mut Vec<DueDelivery>,
    ) -> Option<UnixMillis> {
        let queues = self.queues.get_mut(&key)?;
        // Not known yet, or no more: its news makes us look again.
        let cached = catalog.get(&queues.id)?;
        let set = match kind {
            QueueKind::Retry => &mut queues.retries,
            QueueKind::Fresh => &mut queues.fresh,
        };
        let (mut doomed, mut next) = (Vec::new(), None);
        for (due, id) in set.iter() {
            if self.scheduler.is_leased(*id) {
                continue;
            }
            let Some(entry) = self.entries.get(id) else { continue };
            if let Some(at) = ended(&entry.delivery, *id, entry.version, cached) {
                doomed.push((*due, *id, at));
                continue;
            }
            if taken.len() == free || *due > now {
                next = Some(*due);
                break;
            }
            if let DeliveryState::Pending { attempt, due } = entry.delivery.state() {
                let (cached, body) = (cached.clone(), entry.body.clone());
                taken.push(DueDelivery { id: *id, attempt, due, cached, body });
            }
        }
        for (due, id, at) in doomed {
            set.remove(&(due, id));
            self.ending.push(DeactivatedDelivery { id, at, subscription: Arc::clone(&cached.record) });
        }
        for one in taken.iter() {
            self.scheduler.lease(one.id, key);
        }
        next
    }

    /// Up to so many of what is to be ended.
    pub(super) fn take_deactivated(&mut self, max: usize) -> Vec<DeactivatedDelivery> {
        let rest = self.ending.len().saturating_sub(max);
        self.ending.split_off(rest)
    }

    /// Ends it later.
    pub(super) fn defer(&mut self, ending: DeactivatedDelivery) {
        self.ending.push(ending);
    }

    /// Where whoever has the partition next starts to read.
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

    fn announce(&mut self, key: Key, delivery: &Delivery, due: UnixMillis) {
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

/// When it was ended by its subscription's deactivation, if it was. Test events go on.
fn ended(delivery: &Delivery, id: DeliveryId, version: u64, cached: &CachedSubscription) -> Option<UnixMillis> {
    if delivery.kind() == DeliveryKind::Test || delivery.due().is_none() {
        return None;
    }
    if let Some(warning) = cached.record.subscription.health.warning() {
        return Some(warning.deactivated_at);
    }
    let written = version.max(locate(id).0);
    cached.ended.filter(|Deactivation { before, .. }| written < *before).map(|ended| ended.at)
}

/// The delivery as people see it: it may have ended, and that is still to be written.
pub(super) fn effective_state(
    delivery: Delivery,
    id: DeliveryId,
    version: u64,
    cached: &CachedSubscription,
) -> Delivery {
    ended(&delivery, id, version, cached).map_or(delivery, |at| delivery.deactivate(at))
}

/// Nothing is due later than the longest delay from now, unless a clock was ahead when it was written.
pub(super) fn latest(now: UnixTime) -> UnixTime {
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
    fn a_checkpoint_names_what_is_pending_before_it() {
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
        // With more than it names, it starts at the first that it does not name.
        for sequence in 11..=10 + EXCEPTIONS as u64 {
            assert!(pending.should_apply(sequence, false));
            pending.add_arrival(sequence, &arrival(&subscription), b"{}");
        }
        let checkpoint = pending.checkpoint();
        assert_eq!((checkpoint.from, checkpoint.except.len()), (9 + EXCEPTIONS as u64, EXCEPTIONS));
    }

    #[test]
    fn what_this_process_has_written_is_applied_once() {
        let mut pending = PendingIndex::new(0, 8, NOW);
        // Known before it is read, and read before it is known.
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
