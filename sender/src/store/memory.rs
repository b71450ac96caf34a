//! State in memory that a store and its engine share: the catalog and the scheduler.

use std::sync::{Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard};

use clarife_webhooks::UnixTime;
use clarife_webhooks::sender::Delivery;
use tokio::sync::Notify;

use super::catalog::{Catalog, CatalogRecord};
use super::ending::Endings;
use super::scheduler::{FairScheduler, Key, QueueKind};
use crate::ids::DeliveryId;

/// The catalog and the scheduler. Lock order: the catalog, an engine's own state, the scheduler.
#[derive(Debug)]
pub(super) struct Memory {
    catalog: RwLock<Catalog>,
    scheduler: Mutex<FairScheduler>,
    /// Notified when there may be a delivery to lease.
    pub(super) changed: Notify,
    /// Deactivated subscriptions whose pending deliveries are to be ended.
    pub(super) endings: Endings,
}

impl Memory {
    /// Creates an empty catalog and a scheduler with a limit of the leases of one subscription.
    pub(super) fn new(per_subscription: usize) -> Self {
        Self {
            catalog: RwLock::default(),
            scheduler: Mutex::new(FairScheduler::new(per_subscription)),
            changed: Notify::new(),
            endings: Endings::default(),
        }
    }

    pub(super) fn catalog(&self) -> RwLockReadGuard<'_, Catalog> {
        self.catalog.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn scheduler(&self) -> MutexGuard<'_, FairScheduler> {
        self.scheduler.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Applies a record of the catalog, unless a later version is known. A deleted subscription leaves the scheduler,
    /// and the pending deliveries of a deactivated one are ended.
    pub(super) fn learn(&self, record: CatalogRecord, version: u64) {
        if let CatalogRecord::Subscription(_, Some((key, record))) = &record
            && !record.subscription.health.is_active()
        {
            self.endings.add(*key);
        }
        let mut catalog = self.catalog.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(deleted) = catalog.learn(record, version) {
            self.scheduler().clear(deleted);
        }
    }

    /// Announces a delivery that this worker delivers, if it is pending.
    pub(super) fn announce(&self, key: Key, delivery: &Delivery) {
        if let Some(due) = delivery.due() {
            self.add(key, QueueKind::of(delivery), due);
        }
    }

    /// Adds a subscription to a queue of the scheduler.
    pub(super) fn add(&self, key: Key, kind: QueueKind, due: UnixTime) {
        self.scheduler().add(key, kind, due);
        self.changed.notify_waiters();
    }

    /// Ends a lease.
    pub(super) fn end_lease(&self, id: DeliveryId) {
        self.scheduler().release(id);
        self.changed.notify_waiters();
    }
}
