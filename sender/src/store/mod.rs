//! The store: one trait over all kinds of storage, so that one dispatcher serves them all.
//!
//! A store keeps data and leases deliveries. All decisions about events and attempts are made by
//! `clarife_webhooks::sender`. After a call returned `Ok`, its effect survives a crash of the process or of the
//! machine.

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
    Page, StateName, Stats, SubscriptionRecord, TokenHash, Workspace, same_event,
};

use crate::ids::{DeliveryId, SubscriptionId, TokenId, WorkspaceId};

/// Result of the store's calls.
pub(crate) type Result<T> = std::result::Result<T, StoreError>;

/// Opens the store at a URL: `sqlite:FILE`, or `nats://HOST` (see [`nats`]).
pub(crate) async fn open(url: &str, limits: Limits, now: UnixTime) -> std::result::Result<Arc<dyn Store>, OpenError> {
    match url.split_once(':') {
        Some(("sqlite", path)) if !path.is_empty() => {
            Ok(Arc::new(sqlite::SqliteStore::open(path.as_ref(), limits, now)?))
        }
        Some(("nats", _)) => Ok(Arc::new(nats::NatsStore::open(url, limits).await?)),
        _ => {
            let why = "invalid store URL; use `sqlite:FILE` or `nats://HOST`".to_owned();
            Err(OpenError::Failed { path: url.split(':').next().unwrap_or_default().into(), why })
        }
    }
}

/// Limit of the events in one call of [`Store::accept`].
pub(crate) const MAX_EVENTS: usize = 1000;

/// Storage of workspaces, subscriptions, events and deliveries, with a scheduler of the deliveries that are due.
///
/// Errors other than [`StoreError::Unavailable`] mean that nothing has changed. After `Unavailable`, the call may be
/// retried: accepting, recording and deleting are idempotent.
#[async_trait]
pub(crate) trait Store: Send + Sync {
    /// Creates a workspace.
    async fn create_workspace(&self, workspace: Workspace) -> Result<()>;

    /// Returns a workspace.
    async fn workspace(&self, id: &WorkspaceId) -> Result<Workspace>;

    /// Returns all workspaces, oldest first.
    async fn workspaces(&self) -> Result<Vec<Workspace>>;

    /// Changes a workspace's plan. Subscriptions beyond the new plan's limit stay.
    async fn set_plan(&self, id: &WorkspaceId, plan: Plan) -> Result<Workspace>;

    /// Creates a token; only its hash is stored.
    async fn create_token(&self, token: ApiToken) -> Result<()>;

    /// Returns a workspace's tokens, oldest first.
    async fn tokens(&self, workspace: &WorkspaceId) -> Result<Vec<ApiToken>>;

    /// Deletes a token; it stops working at once.
    async fn delete_token(&self, workspace: &WorkspaceId, id: &TokenId) -> Result<()>;

    /// Returns the workspace that a token belongs to, unless the token has expired.
    async fn authenticate(&self, hash: &TokenHash, now: UnixTime) -> Result<Option<WorkspaceId>>;

    /// Creates a subscription, if the plan allows one more.
    async fn subscribe(
        &self,
        workspace: &WorkspaceId,
        url: EndpointUrl,
        event_types: EventTypes,
        signer: Signer,
        now: UnixTime,
    ) -> Result<Arc<SubscriptionRecord>>;

    /// Returns a workspace's subscriptions, oldest first.
    async fn subscriptions(&self, workspace: &WorkspaceId) -> Result<Vec<Arc<SubscriptionRecord>>>;

    /// Returns a subscription.
    async fn subscription(&self, workspace: &WorkspaceId, id: &SubscriptionId) -> Result<Arc<SubscriptionRecord>>;

    /// Changes a subscription.
    async fn change(
        &self,
        workspace: &WorkspaceId,
        id: &SubscriptionId,
        change: Change,
        now: UnixTime,
    ) -> Result<Arc<SubscriptionRecord>>;

    /// Deletes a subscription at once and its deliveries soon after. Attempts in flight may still arrive.
    async fn unsubscribe(&self, workspace: &WorkspaceId, id: &SubscriptionId) -> Result<()>;

    /// Accepts up to [`MAX_EVENTS`] events: stores them and creates their deliveries, all or none. An event that was
    /// accepted before with the same type and data is a duplicate and creates no deliveries. One with another type or
    /// other data fails with [`StoreError::Conflict`].
    async fn accept(&self, workspace: &WorkspaceId, events: Vec<NewEvent>, now: UnixTime) -> Result<Vec<Accepted>>;

    /// Accepts a test event for one subscription, active or not.
    async fn accept_test(
        &self,
        workspace: &WorkspaceId,
        id: &SubscriptionId,
        event: NewEvent,
        now: UnixTime,
    ) -> Result<DeliveryId>;

    /// Returns an event as it was accepted.
    async fn event(&self, workspace: &WorkspaceId, id: &str) -> Result<EventRecord>;

    /// Leases up to `max` deliveries that are due. A leased delivery is not leased again until it is recorded or
    /// released, or until the process that leased it is gone.
    ///
    /// Due retries come before new deliveries, and subscriptions take turns. A subscription has at most
    /// [`Limits::per_subscription`] leases at a time.
    async fn lease(&self, now: UnixTime, max: usize) -> Result<Vec<LeasedDelivery>>;

    /// Returns when there may be a delivery to lease. Spurious returns are possible.
    async fn ready(&self, now: UnixTime);

    /// Records an attempt together with its consequences for the delivery and for the subscription's health, and ends
    /// the lease. Recording an attempt again changes nothing. Returns `None` if the delivery no longer exists.
    async fn record(&self, leased: &LeasedDelivery, attempt: Attempt) -> Result<Option<Recorded>>;

    /// Ends a lease without an attempt.
    async fn release(&self, leased: &LeasedDelivery);

    /// Returns a page of a workspace's deliveries, newest first.
    async fn deliveries(&self, workspace: &WorkspaceId, filter: &DeliveryFilter) -> Result<Page>;

    /// Returns a delivery and its attempts.
    async fn delivery(&self, workspace: &WorkspaceId, id: DeliveryId) -> Result<(DeliveryRecord, Vec<Attempt>)>;

    /// Sends a failed or held delivery again; returns the delivery that is now pending.
    async fn resend(&self, workspace: &WorkspaceId, id: DeliveryId, now: UnixTime) -> Result<DeliveryId>;

    /// Sends all failed or held deliveries of a subscription again that were created at or after `since` and not resent
    /// before. Returns their number.
    async fn resend_since(
        &self,
        workspace: &WorkspaceId,
        id: &SubscriptionId,
        since: UnixTime,
        now: UnixTime,
    ) -> Result<u64>;

    /// Deletes events accepted before `before` with their deliveries, unless a delivery is pending. Returns the number
    /// of deleted events, at most `max`.
    async fn prune(&self, before: UnixTime, max: usize) -> Result<usize>;

    /// Counts pending deliveries and subscriptions, for the metrics.
    async fn stats(&self) -> Result<Stats>;

    /// Checks that the store accepts writes.
    async fn check(&self) -> Result<()>;

    /// Finishes writes in progress and closes the store; later calls return `Unavailable`.
    async fn close(&self);
}
