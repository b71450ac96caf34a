//! This process, as one of the workers that share the store.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use clarife_webhooks::sender::Delivery;

use super::partition::Partition;
use super::schema::{self, Arrival, SubscriptionData, TokenRecord, WorkspaceRecord};
use super::stream::{Message, NewMessage, Stream};
use super::subject::Subject;
use crate::ids::{DeliveryId, SubscriptionId, WorkspaceId};
use crate::store::catalog::CatalogRecord;
use crate::store::engine::WriteResult;
use crate::store::memory::Memory;
use crate::store::scheduler::Key;
use crate::store::{Result, StoreError};

/// State that all parts of the engine share.
///
/// Lock order: the catalog, a partition's state, the scheduler or the keys.
pub(super) struct Worker {
    pub(super) partitions: Vec<Partition>,
    pub(super) memory: Arc<Memory>,
    /// Id of this process among the workers.
    pub(super) id: String,
    /// Times of the last heartbeats of all workers.
    pub(super) workers: Mutex<HashMap<String, Instant>>,
    /// Keys of the subscriptions, which only this process uses.
    keys: Mutex<HashMap<SubscriptionId, Key>>,
}

/// Number of the keys between two subscriptions of a partition: a key ends with its partition.
const KEY_STEP: usize = 256;

/// Returns the index of the partition of a subscription's key.
pub(super) fn partition_of_key(key: Key) -> usize {
    usize::try_from(key).ok().and_then(|key| key.checked_rem(KEY_STEP)).unwrap_or(0)
}

impl Worker {
    pub(super) fn new(streams: Vec<Stream>, memory: Arc<Memory>, id: String) -> Self {
        Self {
            partitions: streams.into_iter().enumerate().map(|(index, stream)| Partition::new(index, stream)).collect(),
            memory,
            id,
            workers: Mutex::default(),
            keys: Mutex::default(),
        }
    }

    /// Returns the partition of a workspace.
    pub(super) fn partition(&self, workspace: &WorkspaceId) -> Result<&Partition> {
        let index = workspace.part(self.partitions.len());
        self.partitions.get(index).ok_or(StoreError::NotFound("workspace"))
    }

    /// Returns the key of a subscription in a partition. A subscription that is seen for the first time gets one.
    pub(super) fn key(&self, partition: &Partition, subscription: &SubscriptionId) -> Key {
        let mut keys = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(key) = keys.get(subscription) {
            return *key;
        }
        let number = keys.len().saturating_add(1).saturating_mul(KEY_STEP).saturating_add(partition.index);
        let key = Key::try_from(number).unwrap_or(Key::MAX);
        keys.insert(subscription.clone(), key);
        key
    }

    /// Writes records of the catalog, which never expire, and applies them.
    pub(super) async fn write_and_learn(&self, partition: &Partition, mut writes: Vec<NewMessage>) -> WriteResult<()> {
        for write in &mut writes {
            write.keep_forever = !write.payload.is_empty();
        }
        let last = partition.stream.write(writes.clone()).await?;
        for (behind, write) in writes.into_iter().rev().enumerate().rev() {
            let sequence = last.saturating_sub(behind as u64);
            self.learn(partition, &Message { subject: write.subject, sequence, payload: write.payload });
        }
        Ok(())
    }

    /// Applies a catalog record that this or another worker has written.
    pub(super) fn learn(&self, partition: &Partition, message: &Message) {
        match self.read_record(partition, message) {
            Ok(Some(CatalogRecord::Subscription(id, record))) => {
                let (key, deleted) = (self.key(partition, &id), record.is_none());
                self.memory.learn(CatalogRecord::Subscription(id, record), message.sequence);
                if let Some(pending) = &mut partition.state().pending {
                    if deleted {
                        pending.forget(key);
                    }
                    pending.announce(key);
                }
            }
            Ok(Some(record)) => self.memory.learn(record, message.sequence),
            Ok(None) => {}
            Err(error) => tracing::error!(%error, "skipped a record"),
        }
    }

    fn read_record(&self, partition: &Partition, message: &Message) -> Result<Option<CatalogRecord>> {
        let deleted = message.payload.is_empty();
        Ok(Some(match Subject::parse(&message.subject) {
            Some(Subject::Workspace(id)) => {
                CatalogRecord::Workspace(schema::read::<WorkspaceRecord>(message)?.workspace(id.to_owned().into()))
            }
            Some(Subject::Token(id)) => {
                let id: crate::ids::TokenId = id.to_owned().into();
                let token = (!deleted).then(|| schema::read::<TokenRecord>(message)?.token(id.clone()));
                CatalogRecord::Token(id, token.transpose()?)
            }
            Some(Subject::Subscription { workspace, id }) => {
                let id = SubscriptionId::from(id.to_owned());
                let data = (!deleted).then(|| schema::read::<SubscriptionData>(message)).transpose()?;
                let record = data.map(|data| data.record(id.clone(), workspace.to_owned().into()));
                CatalogRecord::Subscription(id.clone(), record.map(|record| (self.key(partition, &id), record)))
            }
            _ => return Ok(None),
        }))
    }

    /// Applies an arrival that this or another worker has written.
    pub(super) fn apply_arrival(
        &self,
        partition: &Partition,
        sequence: u64,
        arrival: &Arrival,
        body: &[u8],
        own: bool,
    ) {
        let keys: Vec<Key> = arrival.to.iter().map(|(to, _)| self.key(partition, to)).collect();
        if let Some(pending) = &mut partition.state().pending
            && (!own || pending.should_apply(sequence, true))
        {
            pending.add_arrival(sequence, arrival, &keys, body);
        }
    }

    /// Applies a delivery's progress that this worker has written. A delivery that is not in the index waits until the
    /// progress is read: its arrival may not have been read yet.
    pub(super) fn apply_own_progress(&self, partition: &Partition, id: DeliveryId, key: Key, new: (Delivery, u64)) {
        let (delivery, sequence) = new;
        if let Some(pending) = &mut partition.state().pending
            && pending.is_pending(id)
            && pending.should_apply(sequence, true)
        {
            pending.apply_progress(id, key, delivery, sequence);
        }
    }
}
