//! What goes into an engine and comes out of it.

use std::sync::Arc;

use bytes::Bytes;
use clarife_webhooks::Event;
use clarife_webhooks::UnixTime;
use clarife_webhooks::sender::{
    Delivery, DeliveryState, EndpointUrl, EventTypes, Outcome, Plan, Signer, SigningSecret, Subscription,
};
use serde::{Deserialize, Serialize};

use crate::ids::{DeliveryId, SubscriptionId, TokenId, WorkspaceId};

/// A customer of the sender.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Workspace {
    /// Its id.
    pub(crate) id: WorkspaceId,
    /// What people call it.
    pub(crate) name: String,
    /// What it may have.
    pub(crate) plan: Plan,
    /// When it was created.
    pub(crate) created_at: UnixTime,
}

/// SHA-256 of a token. The tokens are random, so nothing slower is needed.
pub(crate) type TokenHash = [u8; 32];

/// What is kept of a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ApiToken {
    /// Its id.
    pub(crate) id: TokenId,
    /// The workspace that it opens.
    pub(crate) workspace: WorkspaceId,
    /// What people call it.
    pub(crate) name: String,
    /// Its hash; the token itself was shown once.
    pub(crate) hash: TokenHash,
    /// When it was created.
    pub(crate) created_at: UnixTime,
    /// From this moment on it opens nothing.
    pub(crate) expires_at: Option<UnixTime>,
}

/// A subscription as it is kept.
#[derive(Debug, Clone)]
pub(crate) struct SubscriptionRecord {
    /// Its id.
    pub(crate) id: SubscriptionId,
    /// Whose it is.
    pub(crate) workspace: WorkspaceId,
    /// What it is for, and its health.
    pub(crate) subscription: Subscription,
    /// Its secrets.
    pub(crate) signer: Signer,
    /// When it was created.
    pub(crate) created_at: UnixTime,
}

/// A change to a subscription.
#[derive(Debug, Clone)]
pub(crate) enum Change {
    /// Other members.
    Update {
        /// The new URL, if it changes.
        url: Option<EndpointUrl>,
        /// The new types of events, if they change.
        event_types: Option<EventTypes>,
    },
    /// A new secret, with the old one beside it for a while.
    Rotate(SigningSecret),
    /// Active again, with nothing counted.
    Activate,
}

/// An event to be accepted.
#[derive(Debug, Clone)]
pub(crate) struct NewEvent {
    /// Its id, the key that makes accepting idempotent.
    pub(crate) id: String,
    /// The name of its type.
    pub(crate) event_type: String,
    /// The bytes to send, in every attempt.
    pub(crate) body: String,
}

/// What became of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Accepted {
    /// How many subscriptions it goes to, or is held for.
    pub(crate) deliveries: usize,
    /// Whether it was accepted before.
    pub(crate) repeated: bool,
}

/// An event as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct EventRecord {
    /// The bytes that are sent.
    pub(crate) body: String,
    /// When it was accepted.
    pub(crate) accepted_at: UnixTime,
}

/// A delivery that one process may attempt now.
#[derive(Debug, Clone)]
pub(crate) struct LeasedDelivery {
    /// Which delivery.
    pub(crate) id: DeliveryId,
    /// The number of the attempt.
    pub(crate) attempt: u32,
    /// When it was due.
    pub(crate) due: UnixTime,
    /// The event's id.
    pub(crate) event_id: String,
    /// The bytes to send.
    pub(crate) body: Bytes,
    /// Where to, and how to sign.
    pub(crate) subscription: Arc<SubscriptionRecord>,
}

/// One attempt, as it is logged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Attempt {
    /// Its number; the first is 1.
    pub(crate) number: u32,
    /// When it started.
    pub(crate) started_at: UnixTime,
    /// When it ended: with the answer's headers, or with the failure.
    pub(crate) ended_at: UnixTime,
    /// What came of it.
    pub(crate) outcome: Outcome,
    /// The first bytes of the answer's body.
    pub(crate) response_body: Vec<u8>,
}

/// Where a delivery stands, in a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum StateName {
    /// An attempt is to be made, or under way.
    Pending,
    /// The endpoint has taken it.
    Delivered,
    /// It was given up.
    Failed,
    /// It waits for the subscription to be activated and somebody to send it.
    Held,
}

impl StateName {
    /// All of them.
    pub(crate) const ALL: [Self; 4] = [Self::Pending, Self::Delivered, Self::Failed, Self::Held];
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

/// Which deliveries to list.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct DeliveryFilter {
    /// Of this subscription only.
    pub(crate) subscription: Option<SubscriptionId>,
    /// Of this event only.
    pub(crate) event_id: Option<String>,
    /// In this state only.
    pub(crate) state: Option<StateName>,
    /// Only those before this one.
    pub(crate) before: Option<DeliveryId>,
    /// How many at most.
    pub(crate) limit: usize,
}

/// A delivery as it is listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DeliveryRecord {
    /// Its id.
    pub(crate) id: DeliveryId,
    /// The event's id.
    pub(crate) event_id: String,
    /// The name of the event's type.
    pub(crate) event_type: String,
    /// The subscription's id.
    pub(crate) subscription: SubscriptionId,
    /// Where it stands.
    pub(crate) delivery: Delivery,
    /// When it was created.
    pub(crate) created_at: UnixTime,
    /// The delivery that was made of it when somebody sent it again.
    pub(crate) resent_as: Option<DeliveryId>,
}

/// A page of deliveries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Page {
    /// The deliveries, the newest first.
    pub(crate) deliveries: Vec<DeliveryRecord>,
    /// Whether there are more.
    pub(crate) more: bool,
}

/// How much is done at a time.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    /// Attempts under way for one subscription.
    pub(crate) per_subscription: usize,
}

/// What there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Stats {
    /// Deliveries that are pending, those under way included.
    pub(crate) pending: u64,
    /// Subscriptions that are active.
    pub(crate) active: u64,
    /// Subscriptions that are deactivated.
    pub(crate) deactivated: u64,
}

/// Whether two bodies say the same, whenever they say it happened.
pub(crate) fn same(a: &str, b: &str) -> bool {
    match (Event::parse_trusted(a.as_bytes()), Event::parse_trusted(b.as_bytes())) {
        (Ok(a), Ok(b)) => (a.event_type(), a.data()) == (b.event_type(), b.data()),
        _ => false,
    }
}
