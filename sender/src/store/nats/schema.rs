//! What is written in a partition's stream, and where.
//!
//! | subject | what |
//! |---|---|
//! | `w.<workspace>` | a workspace, and which subscriptions it has |
//! | `t.<token>` | a token; nothing in it: deleted |
//! | `s.<workspace>.<subscription>` | a subscription with its health and secrets; nothing in it: deleted |
//! | `a.<workspace>.<event>.<which>` | an arrival: an event and the deliveries made of it; never changed |
//! | `d.<workspace>.<subscription>.<delivery>` | what became of a delivery, its attempts included; nothing there: as it arrived |
//! | `l` | which worker has the partition |
//! | `k` | where its next one starts to read |
//! | `h.<worker>` | a worker that is alive (in the first partition) |
//! | `p` | nothing: that something can be written |
//!
//! Each message takes the place of the earlier one on its subject. A delivery's id is made of the arrival's sequence, so ids grow.

use bytes::Bytes;
use clarife_webhooks::UnixTime;
use clarife_webhooks::sender::{Delivery, Outcome, Plan, StoredSecrets, Subscription};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::stream::{Message, NewMessage};
use crate::ids::{DeliveryId, SubscriptionId, TokenId, WorkspaceId};
use crate::store::{ApiToken, Attempt, Result, StoreError, TokenHash, Workspace};

/// The version of this, kept in the streams' metadata.
pub(super) const SCHEMA: i64 = 1;

/// What is in `w`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct WorkspaceRecord {
    pub(super) name: String,
    pub(super) plan: Plan,
    pub(super) created_at: UnixTime,
    /// Oldest first.
    pub(super) subscriptions: Vec<SubscriptionId>,
}

/// What is in `t`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct TokenRecord {
    workspace: WorkspaceId,
    name: String,
    hash: String,
    created_at: UnixTime,
    expires_at: Option<UnixTime>,
}

/// What is in `s`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct SubscriptionData {
    pub(super) subscription: Subscription,
    /// In clear.
    pub(super) secrets: StoredSecrets,
    pub(super) created_at: UnixTime,
    /// What was pending before the last deactivation has failed, whether that is written already or not.
    pub(super) ended: Option<Deactivation>,
}

/// Everything pending that was written before this sequence has failed at that moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Deactivation {
    pub(super) before: u64,
    pub(super) at: UnixTime,
}

/// What is in `a`, before the body.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Arrival {
    pub(super) event_id: String,
    pub(super) event_type: String,
    pub(super) at: UnixTime,
    pub(super) to: Vec<(SubscriptionId, Delivery)>,
}

/// What is in `d`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Progress {
    pub(super) delivery: Delivery,
    /// The last token of the arrival that was made of it when somebody sent it again.
    pub(super) resent: Option<String>,
    pub(super) attempts: Vec<AttemptRecord>,
}

/// One of the attempts.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct AttemptRecord {
    pub(super) number: u32,
    started_at: UnixTime,
    ended_at: UnixTime,
    outcome: Outcome,
    #[serde(rename = "answer")]
    response_body: String,
}

/// What is in `l`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Lease {
    /// Empty if nobody has it.
    pub(super) worker: String,
    /// How many deliveries were pending.
    pub(super) pending: u64,
}

/// What is in `k`: all arrivals before `from` are over, except for these.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(super) struct Checkpoint {
    pub(super) from: u64,
    pub(super) except: Vec<i64>,
}

pub(super) fn workspace_subject(id: &WorkspaceId) -> String {
    format!("w.{id}")
}

pub(super) fn token_subject(id: &TokenId) -> String {
    format!("t.{id}")
}

pub(super) fn subscription_subject(workspace: &WorkspaceId, id: &SubscriptionId) -> String {
    format!("s.{workspace}.{id}")
}

/// The event's place: any text can be an event's id, and not any text a subject.
pub(super) fn event_subject(workspace: &WorkspaceId, event_id: &str) -> String {
    let hash = hex::encode(Sha256::digest(event_id.as_bytes()));
    format!("a.{workspace}.{}", hash.get(..32).unwrap_or(&hash))
}

/// The last token of an event's first arrival.
pub(super) const FIRST: &str = "0";

pub(super) fn progress_subject(workspace: &WorkspaceId, subscription: &SubscriptionId, id: DeliveryId) -> String {
    format!("d.{workspace}.{subscription}.{}", id.0)
}

/// The partition that all of a workspace is in.
pub(super) fn partition_of(workspace: &WorkspaceId, partitions: usize) -> usize {
    let hash = Sha256::digest(workspace.as_str().as_bytes());
    let number = hash.iter().take(4).fold(0_usize, |number, byte| number.wrapping_shl(8) | usize::from(*byte));
    number.checked_rem(partitions).unwrap_or(0)
}

/// The id of an arrival's delivery: 47 bits for the sequence, 8 for the partition, 8 for its place in the arrival.
pub(super) fn delivery_id(sequence: u64, partition: usize, index: usize) -> DeliveryId {
    let number = (sequence << 16) | ((partition as u64 & 0xff) << 8) | (index as u64 & 0xff);
    DeliveryId(i64::try_from(number).unwrap_or(i64::MAX))
}

/// The arrival's sequence, the partition, and the place in the arrival.
pub(super) fn locate(id: DeliveryId) -> (u64, usize, usize) {
    let number = id.0.unsigned_abs();
    (number >> 16, ((number >> 8) & 0xff) as usize, (number & 0xff) as usize)
}

impl Arrival {
    /// The arrival and the event's body: a line of JSON, and then the body.
    pub(super) fn with_body(&self, body: &str) -> Result<Bytes> {
        let mut bytes = serde_json::to_vec(self).map_err(unreadable)?;
        bytes.push(b'\n');
        bytes.extend_from_slice(body.as_bytes());
        Ok(bytes.into())
    }

    /// Reads both.
    pub(super) fn split(payload: &Bytes) -> Result<(Self, Bytes)> {
        let end =
            payload.iter().position(|byte| *byte == b'\n').ok_or_else(|| unreadable("an arrival without a body"))?;
        let arrival = serde_json::from_slice(payload.get(..end).unwrap_or_default()).map_err(unreadable)?;
        Ok((arrival, payload.slice(end.saturating_add(1)..)))
    }
}

impl Progress {
    /// Of a delivery to which nothing has happened.
    pub(super) const fn new(delivery: Delivery) -> Self {
        Self { delivery, resent: None, attempts: Vec::new() }
    }
}

impl From<&Attempt> for AttemptRecord {
    fn from(attempt: &Attempt) -> Self {
        Self {
            number: attempt.number,
            started_at: attempt.started_at,
            ended_at: attempt.ended_at,
            outcome: attempt.outcome,
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
            response_body: hex::decode(record.response_body).unwrap_or_default(),
        }
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
    /// The token of that id.
    pub(super) fn token(self, id: TokenId) -> Result<ApiToken> {
        let mut hash = TokenHash::default();
        hex::decode_to_slice(&self.hash, &mut hash).map_err(unreadable)?;
        let Self { workspace, name, created_at, expires_at, .. } = self;
        Ok(ApiToken { id, workspace, name, hash, created_at, expires_at })
    }
}

impl WorkspaceRecord {
    /// The workspace of that id.
    pub(super) fn workspace(&self, id: WorkspaceId) -> Workspace {
        Workspace { id, name: self.name.clone(), plan: self.plan, created_at: self.created_at }
    }
}

/// A record to be written in the place of the one with that sequence.
pub(super) fn write<T: Serialize>(subject: String, record: &T, replaces: u64) -> Result<NewMessage> {
    let payload = serde_json::to_vec(record).map_err(unreadable)?.into();
    Ok(NewMessage { subject, payload, replaces: Some(replaces), keep_forever: false })
}

/// Reads a record; the error does not say what was in it.
pub(super) fn read<T: DeserializeOwned>(read: &Message) -> Result<T> {
    serde_json::from_slice(&read.payload).map_err(|_| unreadable(format!("the record {}", read.subject)))
}

fn unreadable(what: impl std::fmt::Display) -> StoreError {
    StoreError::Unavailable(format!("something in the store is not readable: {what}"))
}

#[cfg(test)]
mod tests {
    use super::{delivery_id, event_subject, locate, partition_of};
    use crate::ids::WorkspaceId;

    #[test]
    fn a_delivery_s_id_says_where_it_is() {
        for place in [(1, 0, 0), (77, 255, 19), (1 << 46, 3, 255)] {
            assert_eq!(locate(delivery_id(place.0, place.1, place.2)), place);
        }
        assert!(delivery_id(1, 255, 255) < delivery_id(2, 0, 0));
    }

    #[test]
    fn any_text_has_a_subject_of_its_own() {
        let workspace = WorkspaceId::random();
        let subjects = ["a", "a.b", "*", ">", " ", "\r\n", "ł"].map(|id| event_subject(&workspace, id));
        for subject in &subjects {
            assert_eq!(subject.split('.').count(), 3);
            assert!(subject.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte)), "{subject}");
            assert_eq!(subjects.iter().filter(|other| *other == subject).count(), 1);
        }
    }

    #[test]
    fn workspaces_are_spread() {
        let mut count = [0; 8];
        for _ in 0..800 {
            count[partition_of(&WorkspaceId::random(), 8)] += 1;
        }
        assert!(count.iter().all(|count| (40..200).contains(count)), "{count:?}");
    }
}
