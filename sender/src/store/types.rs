//! Types of the store's calls.

use std::sync::Arc;

use bytes::Bytes;
use clarife_webhooks::UnixTime;
use clarife_webhooks::sender::{Delivery, DeliveryState, Outcome, Plan, Signer, Subscription};
use serde::{Deserialize, Serialize};

use crate::ids::{DeliveryId, SubscriptionId, TokenId, WorkspaceId};

/// A workspace: a customer of the sender.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Workspace {
    /// Id of the workspace.
    pub(crate) id: WorkspaceId,
    /// Display name.
    pub(crate) name: String,
    /// Plan that limits the subscriptions.
    pub(crate) plan: Plan,
    /// Time of creation.
    pub(crate) created_at: UnixTime,
    /// Ids of the subscriptions, oldest first.
    pub(crate) subscriptions: Vec<SubscriptionId>,
}

impl Workspace {
    /// Creates a workspace without subscriptions.
    pub(crate) const fn new(id: WorkspaceId, name: String, plan: Plan, created_at: UnixTime) -> Self {
        Self { id, name, plan, created_at, subscriptions: Vec::new() }
    }
}

/// SHA-256 of a token. Tokens are random, so no slower hash is needed.
pub(crate) type TokenHash = [u8; 32];

/// An API token as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ApiToken {
    /// Id of the token.
    pub(crate) id: TokenId,
    /// Workspace that the token gives access to.
    pub(crate) workspace: WorkspaceId,
    /// Display name.
    pub(crate) name: String,
    /// Hash of the token; the token itself is shown once.
    pub(crate) hash: TokenHash,
    /// Time of creation.
    pub(crate) created_at: UnixTime,
    /// Time from which the token is invalid.
    pub(crate) expires_at: Option<UnixTime>,
}

/// A subscription with its identity and secrets.
#[derive(Debug, Clone)]
pub(crate) struct SubscriptionRecord {
    /// Id of the subscription.
    pub(crate) id: SubscriptionId,
    /// Workspace of the subscription.
    pub(crate) workspace: WorkspaceId,
    /// Endpoint, event types and health.
    pub(crate) subscription: Subscription,
    /// Signing secrets.
    pub(crate) signer: Signer,
    /// Time of creation.
    pub(crate) created_at: UnixTime,
}

/// An event to be accepted.
#[derive(Debug, Clone)]
pub(crate) struct NewEvent {
    /// Id of the event; it makes accepting idempotent.
    pub(crate) id: String,
    /// Name of the event's type.
    pub(crate) event_type: String,
    /// Body sent with every attempt.
    pub(crate) body: String,
}

/// Outcome of accepting an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Accepted {
    /// Number of deliveries, pending or held.
    pub(crate) deliveries: usize,
    /// Set if the event was accepted before.
    pub(crate) repeated: bool,
}

/// An event as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct EventRecord {
    /// Body sent with every attempt.
    pub(crate) body: String,
    /// Time at which the event was accepted.
    pub(crate) accepted_at: UnixTime,
}

/// A delivery that this process may attempt now.
#[derive(Debug, Clone)]
pub(crate) struct LeasedDelivery {
    /// Id of the delivery.
    pub(crate) id: DeliveryId,
    /// State of the delivery when it was leased.
    pub(crate) delivery: Delivery,
    /// Number of the attempt to be made.
    pub(crate) attempt: u32,
    /// Time at which the attempt was due.
    pub(crate) due: UnixTime,
    /// Id of the event.
    pub(crate) event_id: String,
    /// Body to send.
    pub(crate) body: Bytes,
    /// Subscription with the endpoint and the secrets.
    pub(crate) subscription: Arc<SubscriptionRecord>,
}

/// An attempt as it is recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Attempt {
    /// Number of the attempt, from 1.
    pub(crate) number: u32,
    /// Start of the attempt.
    pub(crate) started_at: UnixTime,
    /// End of the attempt: the response's headers arrived, or the attempt failed.
    pub(crate) ended_at: UnixTime,
    /// Outcome of the attempt.
    pub(crate) outcome: Outcome,
    /// Failure in words, without a response.
    pub(crate) error: Option<String>,
    /// First bytes of the response body.
    pub(crate) response_body: Vec<u8>,
}

/// An attempt as an engine stores it in JSON.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct AttemptRecord {
    pub(crate) number: u32,
    started_at: UnixTime,
    ended_at: UnixTime,
    outcome: Outcome,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    response_body: String,
}

impl From<&Attempt> for AttemptRecord {
    fn from(attempt: &Attempt) -> Self {
        Self {
            number: attempt.number,
            started_at: attempt.started_at,
            ended_at: attempt.ended_at,
            outcome: attempt.outcome,
            error: attempt.error.clone(),
            response_body: hex::encode(&attempt.response_body),
        }
    }
}

impl From<AttemptRecord> for Attempt {
    fn from(record: AttemptRecord) -> Self {
        Self {
            number: record.number,
            started_at: record.started_at,
            ended_at: record.ended_at,
            outcome: record.outcome,
            error: record.error,
            response_body: hex::decode(record.response_body).unwrap_or_default(),
        }
    }
}

/// State of a delivery by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum StateName {
    /// An attempt is due or in flight
    Pending,
    /// The endpoint accepted the delivery
    Delivered,
    /// The delivery was given up
    Failed,
    /// The subscription is inactive; the delivery waits to be resent
    Held,
}

impl StateName {
    /// All states.
    pub(crate) const ALL: [Self; 4] = [Self::Pending, Self::Delivered, Self::Failed, Self::Held];

    /// Returns the number of the state in the tables of SQLite and PostgreSQL.
    pub(super) const fn number(self) -> i16 {
        match self {
            Self::Pending => 0,
            Self::Delivered => 1,
            Self::Failed => 2,
            Self::Held => 3,
        }
    }
}

impl From<&DeliveryState> for StateName {
    fn from(state: &DeliveryState) -> Self {
        match state {
            DeliveryState::Pending { .. } => Self::Pending,
            DeliveryState::Delivered { .. } => Self::Delivered,
            DeliveryState::Failed { .. } => Self::Failed,
            DeliveryState::Held { .. } => Self::Held,
        }
    }
}

/// Filter and page of a list of deliveries.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct DeliveryFilter {
    /// Only deliveries of this subscription.
    pub(crate) subscription: Option<SubscriptionId>,
    /// Only deliveries of this event.
    pub(crate) event_id: Option<String>,
    /// Only deliveries in this state.
    pub(crate) state: Option<StateName>,
    /// Only deliveries older than this one.
    pub(crate) before: Option<DeliveryId>,
    /// Limit of the page.
    pub(crate) limit: usize,
}

/// A delivery as it is listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DeliveryRecord {
    /// Id of the delivery.
    pub(crate) id: DeliveryId,
    /// Id of the event.
    pub(crate) event_id: String,
    /// Name of the event's type.
    pub(crate) event_type: String,
    /// Id of the subscription.
    pub(crate) subscription: SubscriptionId,
    /// State of the delivery.
    pub(crate) delivery: Delivery,
    /// Time of creation.
    pub(crate) created_at: UnixTime,
    /// Delivery that resends this one, if any.
    pub(crate) resent_as: Option<DeliveryId>,
}

/// A page of deliveries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Page {
    /// Deliveries, newest first.
    pub(crate) deliveries: Vec<DeliveryRecord>,
    /// Set if there are more.
    pub(crate) more: bool,
}

/// Limits of the store.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    /// Limit of the leases of one subscription.
    pub(crate) per_subscription: usize,
}

/// Numbers for the metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Stats {
    /// Pending deliveries, including leased ones.
    pub(crate) pending: u64,
    /// Active subscriptions.
    pub(crate) active: u64,
    /// Deactivated subscriptions.
    pub(crate) deactivated: u64,
}
