//! This process, as one of the workers that share the store.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::Instant;

use clarife_webhooks::sender::Delivery;
use tokio::sync::Notify;

use super::catalog::Catalog;
use super::partition::Partition;
use super::schema::{self, Arrival};
use super::stream::{Message, Stream};
use crate::ids::{DeliveryId, SubscriptionId, WorkspaceId};
use crate::store::{Limits, Result, StoreError};

/// State that all parts of the store share.
///
/// Lock order: the catalog before a partition's state.
pub(super) struct Worker {
    pub(super) partitions: Vec<Partition>,
    pub(super) limits: Limits,
    /// Id of this process among the workers.
    pub(super) id: String,
    catalog: RwLock<Catalog>,
    /// Times of the last heartbeats of all workers.
    pub(super) workers: Mutex<HashMap<String, Instant>>,
    /// Notified when there may be a delivery to lease.
    pub(super) changed: Notify,
}

impl Worker {
    pub(super) fn new(streams: Vec<Stream>, limits: Limits, id: String) -> Self {
        Self {
            partitions: streams.into_iter().enumerate().map(|(index, stream)| Partition::new(index, stream)).collect(),
            limits,
            id,
            catalog: RwLock::default(),
            workers: Mutex::default(),
            changed: Notify::new(),
        }
    }

    pub(super) fn catalog(&self) -> RwLockReadGuard<'_, Catalog> {
        self.catalog.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn catalog_mut(&self) -> RwLockWriteGuard<'_, Catalog> {
        self.catalog.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the partition of a workspace.
    pub(super) fn partition(&self, workspace: &WorkspaceId) -> Result<&Partition> {
        let index = schema::partition_of(workspace, self.partitions.len());
        self.partitions.get(index).ok_or(StoreError::NotFound("workspace"))
    }

    /// Applies a catalog record that this or another worker has written.
    pub(super) fn learn(&self, partition: &Partition, message: &Message) {
        let learned = self.catalog_mut().learn(message);
        match learned {
            Ok(Some(subscription)) => self.recheck(partition, &subscription),
            Ok(None) => {}
            Err(error) => tracing::error!(%error, "skipped a record"),
        }
    }

    /// Checks the pending deliveries of a subscription that has changed.
    fn recheck(&self, partition: &Partition, subscription: &SubscriptionId) {
        let (cached, deleted) = {
            let catalog = self.catalog();
            (catalog.get(subscription).cloned(), catalog.is_deleted(subscription))
        };
        if let Some(pending) = &mut partition.state().pending {
            if deleted {
                pending.forget(subscription);
            }
            if let Some(cached) = cached {
                pending.recheck(&cached);
            }
        }
        partition.deactivated.notify_one();
        self.changed.notify_waiters();
    }

    /// Applies an arrival that this worker has written.
    pub(super) fn apply_own_arrival(&self, partition: &Partition, sequence: u64, arrival: &Arrival, body: &[u8]) {
        if let Some(pending) = &mut partition.state().pending
            && pending.should_apply(sequence, true)
        {
            pending.add_arrival(sequence, arrival, body);
        }
        self.changed.notify_waiters();
    }

    /// Applies a delivery's progress that this worker has written.
    pub(super) fn apply_own_progress(
        &self,
        partition: &Partition,
        (id, subscription): (DeliveryId, &SubscriptionId),
        delivery: Delivery,
        sequence: u64,
    ) {
        if let Some(pending) = &mut partition.state().pending
            && pending.should_apply(sequence, true)
        {
            pending.apply_progress(id, subscription, delivery, sequence);
        }
        self.changed.notify_waiters();
    }
}
