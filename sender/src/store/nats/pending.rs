//! Index of the pending deliveries of a partition that this worker holds: kept in memory, rebuilt from the stream by
//! the next holder.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use bytes::Bytes;
use clarife_webhooks::UnixTime;
use clarife_webhooks::sender::Delivery;

use super::schema::{Arrival, Checkpoint, delivery_id, locate};
use crate::ids::DeliveryId;
use crate::store::memory::Memory;
use crate::store::scheduler::{DueRequest, Key, QueueKind};

/// Limit of the cached event bodies, in bytes.
const CACHE: usize = 2 << 20;
/// Limit of the deliveries that a checkpoint lists.
const EXCEPTIONS: usize = 4000;

/// Pending deliveries of a partition, by subscription and due time. It announces them to the scheduler.
#[derive(Debug)]
pub(super) struct PendingIndex {
    partition: usize,
    memory: Arc<Memory>,
    entries: BTreeMap<DeliveryId, Entry>,
    queues: HashMap<Key, SubscriptionQueues>,
    /// All sequences up to this one have been read.
    applied: u64,
    /// Later sequences that this worker has written and applied but not read yet.
    ahead: HashSet<u64>,
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
    /// Id and body of the event, if they are cached.
    pub(super) body: Option<(String, Bytes)>,
}

#[derive(Debug, Default)]
struct SubscriptionQueues {
    retries: BTreeSet<(UnixTime, DeliveryId)>,
    fresh: BTreeSet<(UnixTime, DeliveryId)>,
}

impl SubscriptionQueues {
    fn of(&mut self, kind: QueueKind) -> &mut BTreeSet<(UnixTime, DeliveryId)> {
        match kind {
            QueueKind::Retry => &mut self.retries,
            QueueKind::Fresh => &mut self.fresh,
        }
    }
}

impl PendingIndex {
    /// Creates an empty index. Due times in the stream's past are capped at `latest`, in case a clock was ahead.
    pub(super) fn new(partition: usize, memory: Arc<Memory>, latest: UnixTime) -> Self {
        Self {
            partition,
            memory,
            entries: BTreeMap::new(),
            queues: HashMap::new(),
            applied: 0,
            ahead: HashSet::new(),
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

    /// Tells whether a sequence is still to be applied, and marks it as applied. `own` sequences were written by this
    /// worker and are applied before they are read.
    pub(super) fn should_apply(&mut self, sequence: u64, own: bool) -> bool {
        if own {
            return sequence > self.applied && self.ahead.insert(sequence);
        }
        self.applied = self.applied.max(sequence);
        !self.ahead.remove(&sequence)
    }

    /// Adds the pending deliveries of an arrival, whose subscriptions have these keys.
    pub(super) fn add_arrival(&mut self, sequence: u64, arrival: &Arrival, keys: &[Key], body: &[u8]) {
        // A copy: a slice would keep the larger buffer that was read alive.
        let room = self.cached.saturating_add(body.len()) <= CACHE;
        let body = room.then(|| (arrival.event_id.clone(), Bytes::copy_from_slice(body)));
        for (index, ((_, delivery), key)) in arrival.to.iter().zip(keys).enumerate() {
            let id = delivery_id(sequence, self.partition, index);
            if delivery.due().is_some() && !self.entries.contains_key(&id) {
                self.put(id, *key, *delivery, 0, body.clone());
            }
        }
    }

    /// Applies the latest state of a delivery.
    pub(super) fn apply_progress(&mut self, id: DeliveryId, key: Key, delivery: Delivery, version: u64) {
        if self.entries.get(&id).is_some_and(|entry| entry.version >= version) {
            return;
        }
        let body = self.remove(id).and_then(|entry| entry.body);
        if delivery.due().is_some() {
            self.put(id, key, delivery, version, body);
        }
    }

    /// Removes a subscription's deliveries.
    pub(super) fn forget(&mut self, key: Key) {
        for (_, id) in
            self.queues.remove(&key).into_iter().flat_map(|queues| queues.retries.into_iter().chain(queues.fresh))
        {
            self.drop_entry(id);
        }
    }

    /// Removes a delivery.
    pub(super) fn forget_one(&mut self, id: DeliveryId) {
        self.remove(id);
    }

    /// Marks the stream's past as read: later due times come from this worker's clock and are not capped.
    pub(super) fn set_complete(&mut self) {
        self.latest = UnixTime::from_millis(i64::MAX);
        self.announce_all();
    }

    /// Announces all deliveries.
    pub(super) fn announce_all(&self) {
        self.queues.keys().for_each(|key| self.announce(*key));
    }

    /// Announces the deliveries of a subscription.
    pub(super) fn announce(&self, key: Key) {
        let Some(queues) = self.queues.get(&key) else { return };
        for (kind, queue) in [(QueueKind::Retry, &queues.retries), (QueueKind::Fresh, &queues.fresh)] {
            if let Some((due, _)) = queue.first() {
                self.memory.add(key, kind, *due);
            }
        }
    }

    /// Returns the ids of due deliveries to lease, and the time at which the next one is due.
    pub(super) fn due(&self, request: &DueRequest, now: UnixTime) -> (Vec<DeliveryId>, Option<UnixTime>) {
        let Some(queues) = self.queues.get(&request.key) else { return (Vec::new(), None) };
        let queue = match request.kind {
            QueueKind::Retry => &queues.retries,
            QueueKind::Fresh => &queues.fresh,
        };
        let mut ids = Vec::new();
        for (due, id) in queue.iter().filter(|(_, id)| !request.leased.contains(id)) {
            if ids.len() == request.limit || *due > now {
                return (ids, Some(*due));
            }
            ids.push(*id);
        }
        (ids, None)
    }

    /// Returns pending deliveries of a subscription, ordered by id.
    pub(super) fn pending_of(&self, key: Key, after: DeliveryId, limit: usize) -> Vec<(DeliveryId, Delivery)> {
        let Some(queues) = self.queues.get(&key) else { return Vec::new() };
        let queued = queues.retries.iter().chain(&queues.fresh).map(|(_, id)| *id).filter(|id| *id > after);
        let ids: BTreeSet<DeliveryId> = queued.collect();
        ids.iter().take(limit).filter_map(|id| Some((*id, self.entry(*id)?.delivery))).collect()
    }

    /// Removes the subscriptions from the scheduler, because this worker no longer holds the partition.
    pub(super) fn withdraw(&self) {
        self.queues.keys().for_each(|key| self.memory.scheduler().clear(*key));
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

    fn put(&mut self, id: DeliveryId, key: Key, delivery: Delivery, version: u64, body: Option<(String, Bytes)>) {
        let due = delivery.due().unwrap_or(self.latest).min(self.latest);
        let kind = QueueKind::of(&delivery);
        self.queues.entry(key).or_default().of(kind).insert((due, id));
        self.cached = self.cached.saturating_add(body.as_ref().map_or(0, |(_, body)| body.len()));
        self.entries.insert(id, Entry { delivery, version, key, due, body });
        self.memory.add(key, kind, due);
    }

    fn remove(&mut self, id: DeliveryId) -> Option<Entry> {
        let entry = self.drop_entry(id)?;
        if let Some(queues) = self.queues.get_mut(&entry.key) {
            queues.of(QueueKind::of(&entry.delivery)).remove(&(entry.due, id));
            if queues.retries.is_empty() && queues.fresh.is_empty() {
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

#[cfg(test)]
mod tests {
    use clarife_webhooks::UnixTime;
    use clarife_webhooks::sender::{Delivery, Health};

    use std::sync::Arc;

    use super::{EXCEPTIONS, PendingIndex};
    use crate::ids::SubscriptionId;
    use crate::store::memory::Memory;
    use crate::store::nats::schema::{Arrival, Checkpoint, delivery_id};

    const NOW: UnixTime = UnixTime::from_secs(1_774_699_200);

    fn index(partition: usize) -> PendingIndex {
        PendingIndex::new(partition, Arc::new(Memory::new(8)), NOW)
    }

    fn arrival() -> Arrival {
        let to = vec![(SubscriptionId::random(), Delivery::new(&Health::new(), NOW))];
        Arrival { event_id: "evt_1".into(), event_type: "share.created".into(), at: NOW, to }
    }

    #[test]
    fn a_checkpoint_lists_the_pending_deliveries_before_it() {
        let mut pending = index(3);
        for sequence in 1..=10 {
            assert!(pending.should_apply(sequence, false));
            pending.add_arrival(sequence, &arrival(), &[1], b"{}");
        }
        for sequence in 1..=8 {
            pending.forget_one(delivery_id(sequence, 3, 0));
        }
        let except = [9, 10].map(|sequence| delivery_id(sequence, 3, 0).0).to_vec();
        assert_eq!(pending.checkpoint(), Checkpoint { from: 11, except });
        // With more deliveries than it lists, it starts at the first one left out.
        for sequence in 11..=10 + EXCEPTIONS as u64 {
            assert!(pending.should_apply(sequence, false));
            pending.add_arrival(sequence, &arrival(), &[1], b"{}");
        }
        let checkpoint = pending.checkpoint();
        assert_eq!((checkpoint.from, checkpoint.except.len()), (9 + EXCEPTIONS as u64, EXCEPTIONS));
    }

    #[test]
    fn own_writes_are_applied_once() {
        let mut pending = index(0);
        // Applied before it is read, and read before it is applied.
        assert!(pending.should_apply(5, true) && !pending.should_apply(5, false));
        assert!(pending.should_apply(6, false) && !pending.should_apply(6, true));
        assert!(pending.should_apply(8, true) && pending.should_apply(7, false) && !pending.should_apply(8, false));
        assert!(pending.ahead.is_empty());
    }

    #[test]
    fn an_older_record_does_not_undo_a_later_one() {
        let mut index = index(0);
        let id = delivery_id(1, 0, 0);
        let pending = Delivery::new(&Health::new(), NOW);
        index.apply_progress(id, 1, pending, 7);
        index.apply_progress(id, 1, pending.deactivate(NOW), 6);
        assert!(index.is_pending(id));
        index.apply_progress(id, 1, pending.deactivate(NOW), 8);
        assert!(!index.is_pending(id) && index.queues.is_empty() && index.cached == 0);
    }
}
