//! The engine below the store: reads, atomic writes and leases. An engine makes no decision about events.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use clarife_webhooks::UnixTime;
use clarife_webhooks::sender::Delivery;

use super::catalog::{CachedSubscription, CatalogWrite};
use super::scheduler::{DueRequest, Key};
use super::{Attempt, DeliveryRecord, EventRecord, NewEvent, Result, StateName, StoreError, SubscriptionRecord};
use crate::ids::{DeliveryId, WorkspaceId};

/// Result of a write.
pub(super) type WriteResult<T> = std::result::Result<T, WriteError>;

/// Storage of a store. Each write is atomic, and on disk when it returns `Ok`.
///
/// An engine has a handle of the store's [`Memory`](super::memory::Memory). It applies the records of the catalog that
/// it or another worker has written, and announces deliveries that become pending where this worker delivers.
#[async_trait]
pub(super) trait Engine: Send + Sync {
    /// Writes records of a workspace to the catalog, all or none.
    async fn write(&self, workspace: &WorkspaceId, writes: Vec<CatalogWrite>) -> WriteResult<()>;

    /// Reads a workspace and its subscriptions into the catalog, because another worker may have changed them.
    async fn refresh(&self, workspace: &WorkspaceId) -> Result<()>;

    /// Inserts events with their deliveries, all or none. Returns the ids of each event's deliveries.
    ///
    /// Fails with [`WriteError::Conflict`] if an event with one of the ids exists, or if the workspace has changed
    /// since `arrivals.version`.
    async fn insert(&self, arrivals: Arrivals) -> WriteResult<Vec<Vec<DeliveryId>>>;

    /// Returns the stored events with these ids, and `None` for those that do not exist.
    async fn events(&self, workspace: &WorkspaceId, ids: Vec<String>) -> Result<Vec<Option<StoredEvent>>>;

    /// Returns deliveries to lease, at most [`DueRequest::limit`] for each request. Requests of subscriptions that
    /// another worker delivers have no deliveries.
    async fn due(&self, requests: Vec<DueRequest>, now: UnixTime) -> Result<Vec<DueReply>>;

    /// Returns pending deliveries of a subscription that this worker delivers, ordered by id.
    async fn pending(&self, key: Key, after: DeliveryId, limit: usize) -> Result<Vec<(DeliveryId, Delivery)>>;

    /// Replaces a delivery's state, and adds its attempt, with the subscription's new health if it changes.
    ///
    /// Fails with [`WriteError::Conflict`] if the delivery or the subscription has changed.
    async fn update(&self, update: DeliveryUpdate) -> WriteResult<()>;

    /// Adds a delivery of the same event beside another one. Returns the id of the new delivery.
    async fn resend(&self, resent: ResentDelivery) -> WriteResult<DeliveryId>;

    /// Returns a delivery and its attempts.
    async fn delivery(&self, workspace: &WorkspaceId, id: DeliveryId)
    -> Result<Option<(DeliveryRecord, Vec<Attempt>)>>;

    /// Returns the newest deliveries that match a query.
    async fn list(&self, query: ListQuery) -> Result<Vec<DeliveryRecord>>;

    /// Deletes up to `max` events from before `before` that have no pending delivery. Returns their number.
    async fn prune(&self, before: UnixTime, max: usize) -> Result<usize>;

    /// Returns the number of pending deliveries.
    async fn count_pending(&self) -> Result<u64>;

    /// Checks that the storage accepts writes.
    async fn check(&self) -> Result<()>;

    /// Finishes writes in progress and closes the storage.
    async fn close(&self);
}

/// Reason for which nothing was written.
#[derive(Debug)]
pub(super) enum WriteError {
    /// A record to be replaced has changed.
    Conflict,
    /// Another failure. After `Unavailable`, the write may have happened all the same.
    Failed(StoreError),
}

impl From<StoreError> for WriteError {
    fn from(error: StoreError) -> Self {
        Self::Failed(error)
    }
}

/// Events of one call that arrive at a workspace.
#[derive(Debug, Clone)]
pub(super) struct Arrivals {
    /// The workspace.
    pub(super) workspace: WorkspaceId,
    /// Version of the workspace that the deliveries were planned with.
    pub(super) version: u64,
    /// Time of acceptance.
    pub(super) at: UnixTime,
    /// Events of the call.
    pub(super) events: Arc<[NewEvent]>,
    /// The new ones among them.
    pub(super) new: Vec<Arrival>,
}

/// A new event with its deliveries.
#[derive(Debug, Clone)]
pub(super) struct Arrival {
    /// Index of the event in the call.
    pub(super) index: usize,
    /// Deliveries of the event.
    pub(super) to: Vec<(CachedSubscription, Delivery)>,
}

impl Arrivals {
    /// Returns the new events with their deliveries.
    pub(super) fn new_events(&self) -> impl Iterator<Item = (&NewEvent, &Arrival)> {
        self.new.iter().filter_map(|arrival| Some((self.events.get(arrival.index)?, arrival)))
    }
}

/// An event as it is stored, with the number of its deliveries.
#[derive(Debug, Clone)]
pub(super) struct StoredEvent {
    /// The event.
    pub(super) record: EventRecord,
    /// Number of the deliveries.
    pub(super) deliveries: usize,
}

/// Reply to a [`DueRequest`].
#[derive(Debug, Default)]
pub(super) struct DueReply {
    /// Due deliveries that are not leased.
    pub(super) deliveries: Vec<DueDelivery>,
    /// Time at which the next delivery of the queue is due.
    pub(super) next: Option<UnixTime>,
}

/// A delivery that may be leased.
#[derive(Debug, Clone)]
pub(super) struct DueDelivery {
    /// Id of the delivery.
    pub(super) id: DeliveryId,
    /// State of the delivery.
    pub(super) delivery: Delivery,
    /// Id of the event.
    pub(super) event_id: String,
    /// Body of the event.
    pub(super) body: Bytes,
}

/// A change of a delivery.
#[derive(Debug, Clone)]
pub(super) struct DeliveryUpdate {
    /// Id of the delivery.
    pub(super) id: DeliveryId,
    /// Subscription of the delivery.
    pub(super) subscription: CachedSubscription,
    /// State that is replaced.
    pub(super) before: Delivery,
    /// New state.
    pub(super) after: Delivery,
    /// Attempt to add, unless the delivery has an attempt with its number.
    pub(super) attempt: Option<Attempt>,
    /// New record of the subscription, if its health changes.
    pub(super) record: Option<SubscriptionRecord>,
}

/// A delivery that is added beside a failed one.
#[derive(Debug, Clone)]
pub(super) struct ResentDelivery {
    /// Id of the failed delivery.
    pub(super) id: DeliveryId,
    /// Subscription of both deliveries.
    pub(super) subscription: CachedSubscription,
    /// State of the failed delivery in the storage.
    pub(super) before: Delivery,
    /// New state of the failed delivery.
    pub(super) after: Delivery,
    /// The new delivery.
    pub(super) fresh: Delivery,
    /// Time of the resend.
    pub(super) at: UnixTime,
}

/// Query of a list of deliveries.
#[derive(Debug, Clone)]
pub(super) struct ListQuery {
    /// Workspace of the deliveries.
    pub(super) workspace: WorkspaceId,
    /// Only deliveries of these subscriptions.
    pub(super) subscriptions: Vec<CachedSubscription>,
    /// Only deliveries of this event.
    pub(super) event_id: Option<String>,
    /// Only deliveries in these states.
    pub(super) states: Vec<StateName>,
    /// Only deliveries older than this one.
    pub(super) before: Option<DeliveryId>,
    /// Only deliveries created at or after this time that no other delivery resends.
    pub(super) to_resend_since: Option<UnixTime>,
    /// Limit of the list.
    pub(super) limit: usize,
}
