//! Records of a partition's stream, and the ids of deliveries.
//!
//! [`subject`](super::subject) lists the subjects that the records are on. A delivery's id contains the sequence of its
//! arrival, so ids grow.

use bytes::Bytes;
use clarife_webhooks::UnixTime;
use clarife_webhooks::sender::{Delivery, Plan, Signer, StoredSecrets, Subscription};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::stream::{Message, NewMessage};
use crate::ids::{DeliveryId, SubscriptionId, TokenId, WorkspaceId};
use crate::store::types::AttemptRecord;
use crate::store::{ApiToken, Result, StoreError, SubscriptionRecord, TokenHash, Workspace};

/// Version of the records and subjects, in the metadata of the streams.
pub(super) const SCHEMA: i64 = 3;

/// Record of a workspace.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct WorkspaceRecord {
    pub(super) name: String,
    pub(super) plan: Plan,
    pub(super) created_at: UnixTime,
    /// Ids of the subscriptions, oldest first.
    pub(super) subscriptions: Vec<SubscriptionId>,
}

/// Record of an API token.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct TokenRecord {
    workspace: WorkspaceId,
    name: String,
    hash: String,
    created_at: UnixTime,
    expires_at: Option<UnixTime>,
}

/// Record of a subscription.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct SubscriptionData {
    pub(super) subscription: Subscription,
    /// Signing secrets, not encrypted.
    pub(super) secrets: StoredSecrets,
    pub(super) created_at: UnixTime,
}

/// Head of an arrival; the event's body follows it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Arrival {
    pub(super) event_id: String,
    pub(super) event_type: String,
    pub(super) at: UnixTime,
    pub(super) to: Vec<(SubscriptionId, Delivery)>,
}

/// Record of a delivery that has changed since its arrival.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Progress {
    pub(super) delivery: Delivery,
    /// Last part of the subject of the arrival that resends the delivery.
    pub(super) resent: Option<String>,
    pub(super) attempts: Vec<AttemptRecord>,
}

/// Record of the partition's lease.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Lease {
    /// The worker that holds the partition; empty if it is free.
    pub(super) worker: String,
    /// Number of pending deliveries at the last renewal.
    pub(super) pending: u64,
}

/// Record of the checkpoint: all arrivals before `from` have ended, except for the deliveries listed.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(super) struct Checkpoint {
    pub(super) from: u64,
    pub(super) except: Vec<i64>,
}

/// Returns the id of a delivery: 47 bits of its arrival's sequence, 8 of the partition, 8 of its index in the arrival.
pub(super) fn delivery_id(sequence: u64, partition: usize, index: usize) -> DeliveryId {
    let number = (sequence << 16) | ((partition as u64 & 0xff) << 8) | (index as u64 & 0xff);
    DeliveryId(i64::try_from(number).unwrap_or(i64::MAX))
}

/// Returns the sequence of a delivery's arrival, its partition, and its index in the arrival.
pub(super) fn locate(id: DeliveryId) -> (u64, usize, usize) {
    let number = id.0.unsigned_abs();
    (number >> 16, ((number >> 8) & 0xff) as usize, (number & 0xff) as usize)
}

impl Arrival {
    /// Serializes the arrival as a line of JSON, followed by the event's body.
    pub(super) fn with_body(&self, body: &str) -> Result<Bytes> {
        let mut bytes = serde_json::to_vec(self).map_err(unreadable)?;
        bytes.push(b'\n');
        bytes.extend_from_slice(body.as_bytes());
        Ok(bytes.into())
    }

    /// Parses an arrival and the event's body.
    pub(super) fn split(payload: &Bytes) -> Result<(Self, Bytes)> {
        let end =
            payload.iter().position(|byte| *byte == b'\n').ok_or_else(|| unreadable("an arrival without a body"))?;
        let arrival = serde_json::from_slice(payload.get(..end).unwrap_or_default()).map_err(unreadable)?;
        Ok((arrival, payload.slice(end.saturating_add(1)..)))
    }
}

impl Progress {
    /// Creates the record of a delivery without attempts.
    pub(super) const fn new(delivery: Delivery) -> Self {
        Self { delivery, resent: None, attempts: Vec::new() }
    }
}

impl From<&ApiToken> for TokenRecord {
    fn from(token: &ApiToken) -> Self {
        Self {
            workspace: token.workspace.clone(),
            name: token.name.clone(),
            hash: hex::encode(token.hash),
            created_at: token.created_at,
            expires_at: token.expires_at,
        }
    }
}

impl TokenRecord {
    /// Returns the token with its id.
    pub(super) fn token(self, id: TokenId) -> Result<ApiToken> {
        let mut hash = TokenHash::default();
        hex::decode_to_slice(&self.hash, &mut hash).map_err(unreadable)?;
        let Self { workspace, name, created_at, expires_at, .. } = self;
        Ok(ApiToken { id, workspace, name, hash, created_at, expires_at })
    }
}

impl WorkspaceRecord {
    /// Returns the workspace with its id.
    pub(super) fn workspace(self, id: WorkspaceId) -> Workspace {
        let Self { name, plan, created_at, subscriptions } = self;
        Workspace { id, name, plan, created_at, subscriptions }
    }
}

impl From<Workspace> for WorkspaceRecord {
    fn from(workspace: Workspace) -> Self {
        let Workspace { name, plan, created_at, subscriptions, .. } = workspace;
        Self { name, plan, created_at, subscriptions }
    }
}

impl SubscriptionData {
    /// Returns the subscription with its ids.
    pub(super) fn record(self, id: SubscriptionId, workspace: WorkspaceId) -> SubscriptionRecord {
        let Self { subscription, secrets, created_at } = self;
        SubscriptionRecord { id, workspace, subscription, signer: Signer::from(secrets), created_at }
    }
}

impl From<&SubscriptionRecord> for SubscriptionData {
    fn from(record: &SubscriptionRecord) -> Self {
        let (subscription, secrets) = (record.subscription.clone(), record.signer.stored().clone());
        Self { subscription, secrets, created_at: record.created_at }
    }
}

/// Creates a message that replaces the record with the sequence `replaces`.
pub(super) fn write<T: Serialize>(subject: String, record: &T, replaces: u64) -> Result<NewMessage> {
    let payload = serde_json::to_vec(record).map_err(unreadable)?.into();
    Ok(NewMessage { subject, payload, replaces: Some(replaces), keep_forever: false })
}

/// Parses a record. The error names its subject, never its contents.
pub(super) fn read<T: DeserializeOwned>(message: &Message) -> Result<T> {
    serde_json::from_slice(&message.payload).map_err(|_| unreadable(&message.subject))
}

fn unreadable(record: impl std::fmt::Display) -> StoreError {
    StoreError::Unavailable(format!("cannot read a record of the store: {record}"))
}

#[cfg(test)]
mod tests {
    use super::{delivery_id, locate};

    #[test]
    fn a_delivery_s_id_says_where_it_is() {
        for position in [(1, 0, 0), (77, 255, 19), (1 << 46, 3, 255)] {
            assert_eq!(locate(delivery_id(position.0, position.1, position.2)), position);
        }
        assert!(delivery_id(1, 255, 255) < delivery_id(2, 0, 0));
    }
}
