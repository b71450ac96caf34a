//! What a sender keeps, and how it is worked through: one trait, so that one loop runs over any store.
//!
//! An engine stores and hands out; what follows from an event or an attempt is decided by `clarife_webhooks::sender` and by nobody
//! else. Whatever a call has answered with `Ok` survives the death of the process and of the machine.

#[cfg(test)]
mod conformance;
mod error;
pub(crate) mod nats;
mod scheduler;
pub(crate) mod sqlite;
mod token_index;
mod types;

use std::sync::Arc;

use async_trait::async_trait;
use clarife_webhooks::UnixTime;
use clarife_webhooks::sender::{EndpointUrl, EventTypes, Plan, Recorded, Signer};

pub(crate) use error::{OpenError, StoreError};
pub(crate) use types::{
    Accepted, ApiToken, Attempt, Change, DeliveryFilter, DeliveryRecord, EventRecord, LeasedDelivery, Limits, NewEvent,
    Page, StateName, Stats, SubscriptionRecord, TokenHash, Workspace, same,
};

use crate::ids::{DeliveryId, SubscriptionId, TokenId, WorkspaceId};

/// What an engine's calls give.
pub(crate) type Result<T> = std::result::Result<T, StoreError>;

/// Opens the store that a URL names: `sqlite:` and a file, or `nats://` and servers (see [`nats`]).
pub(crate) async fn open(url: &str, limits: Limits, now: UnixMillis) -> std::result::Result<Arc<dyn Store>, OpenError> {
    match url.split_once(':') {
        Some(("sqlite", path)) if !path.is_empty() => {
            Ok(Arc::new(sqlite::SqliteStore::open(path.as_ref(), limits, now)?))
        }
        Some(("nats", _)) => Ok(Arc::new(nats::NatsStore::open(url, limits).await?)),
        _ => {
            let why = "a store is `sqlite:` and a file, or `nats://` and servers".to_owned();
            Err(OpenError::Failed { path: url.split(':').next().unwrap_or_default().into(), why })
        }
    }
}

/// How many events are accepted at a time.
pub(crate) const MAX_EVENTS: usize = 1000;

/// A store of workspaces, subscriptions, events and deliveries, and the queue of what is due.
///
/// A refusal ([`StoreError`] other than `Unavailable`) has changed nothing. After `Unavailable` the call may be made again: accepting,
/// recording and deleting are idempotent.
#[async_trait]
pub(crate) trait Store: Send + Sync {
    /// Keeps a new workspace.
    async fn create_workspace(&self, workspace: Workspace) -> Result<()>;

    /// The workspace, if there is one of this id.
    async fn workspace(&self, id: &WorkspaceId) -> Result<Workspace>;

    /// All workspaces, oldest first.
    async fn workspaces(&self) -> Result<Vec<Workspace>>;

    /// Changes a workspace's plan. Subscriptions beyond the new plan's limit stay.
    async fn set_plan(&self, id: &WorkspaceId, plan: Plan) -> Result<Workspace>;

    /// Keeps a token, by its hash.
    async fn create_token(&self, token: ApiToken) -> Result<()>;

    /// A workspace's tokens, oldest first.
    async fn tokens(&self, workspace: &WorkspaceId) -> Result<Vec<ApiToken>>;

    /// Deletes a token; from then on it opens nothing.
    async fn delete_token(&self, workspace: &WorkspaceId, id: &TokenId) -> Result<()>;

    /// The workspace that a token belongs to, unless it has expired.
    async fn authenticate(&self, hash: &TokenHash, now: UnixTime) -> Result<Option<WorkspaceId>>;

    /// Subscribes, if the plan allows one more.
    async fn subscribe(
        &self,
        workspace: &WorkspaceId,
        url: EndpointUrl,
        event_types: EventTypes,
        signer: Signer,
        now: UnixTime,
    ) -> Result<Arc<SubscriptionRecord>>;

    /// A workspace's subscriptions, oldest first.
    async fn subscriptions(&self, workspace: &WorkspaceId) -> Result<Vec<Arc<SubscriptionRecord>>>;

    /// One subscription.
    async fn subscription(&self, workspace: &WorkspaceId, id: &SubscriptionId) -> Result<Arc<SubscriptionRecord>>;

    /// Changes a subscription.
    async fn change(
        &self,
        workspace: &WorkspaceId,
        id: &SubscriptionId,
        change: Change,
        now: UnixTime,
    ) -> Result<Arc<SubscriptionRecord>>;

    /// Deletes a subscription, and soon after its deliveries; what is under way may still arrive.
    async fn unsubscribe(&self, workspace: &WorkspaceId, id: &SubscriptionId) -> Result<()>;

    /// Accepts up to [`MAX_EVENTS`] events: keeps them and creates their deliveries, all or none. An event that was accepted before, with the
    /// same type and data, is not accepted again; one with others is [`StoreError::Conflict`].
    async fn accept(&self, workspace: &WorkspaceId, events: Vec<NewEvent>, now: UnixMillis) -> Result<Vec<Accepted>>;

    /// Accepts a test event for one subscription, active or not.
    async fn accept_test(
        &self,
        workspace: &WorkspaceId,
        id: &SubscriptionId,
        event: NewEvent,
        now: UnixTime,
    ) -> Result<DeliveryId>;

    /// An event as it was accepted.
    async fn event(&self, workspace: &WorkspaceId, id: &str) -> Result<EventRecord>;

    /// Takes up to `max` deliveries that are due, under a lease: until it is recorded or released, none of them is handed out again,
    /// unless the process that claimed it is gone.
    ///
    /// Retries that are due come before new deliveries, and subscriptions take turns. No subscription has more leases at a time than
    /// [`Limits::per_subscription`].
    async fn lease(&self, now: UnixMillis, max: usize) -> Result<Vec<LeasedDelivery>>;

    /// Returns when there may be something to claim; sometimes there is nothing.
    async fn ready(&self, now: UnixTime);

    /// Records an attempt, what follows from it for the delivery, and for the subscription's health, in one step; the lease
    /// ends. An attempt that was recorded before changes nothing; `None` if the delivery is gone.
    async fn record(&self, leased: &LeasedDelivery, attempt: Attempt) -> Result<Option<Recorded>>;

    /// Gives a claimed delivery back without an attempt.
    async fn release(&self, leased: &LeasedDelivery);

    /// A page of a workspace's deliveries, the newest first.
    async fn deliveries(&self, workspace: &WorkspaceId, filter: &DeliveryFilter) -> Result<Page>;

    /// One delivery and its attempts.
    async fn delivery(&self, workspace: &WorkspaceId, id: DeliveryId) -> Result<(DeliveryRecord, Vec<Attempt>)>;

    /// Sends a failed or held delivery again; the delivery that is now pending.
    async fn resend(&self, workspace: &WorkspaceId, id: DeliveryId, now: UnixTime) -> Result<DeliveryId>;

    /// Sends everything again that has failed or is held for a subscription, was created at `since` or later, and was not sent again
    /// already. How many these were.
    async fn resend_since(
        &self,
        workspace: &WorkspaceId,
        id: &SubscriptionId,
        since: UnixTime,
        now: UnixTime,
    ) -> Result<u64>;

    /// Forgets events accepted before that moment, with all about them, unless a delivery is pending. How many these were;
    /// at most `max` in one call.
    async fn prune(&self, before: UnixTime, max: usize) -> Result<usize>;

    /// What there is, for the metrics.
    async fn stats(&self) -> Result<Stats>;

    /// Whether something could be written now.
    async fn check(&self) -> Result<()>;

    /// Finishes what was begun and closes the store; every later call is `Unavailable`.
    async fn close(&self);
}
