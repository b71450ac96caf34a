//! Subjects of a partition's stream.
//!
//! | subject | record |
//! |---|---|
//! | `workspace.<workspace>` | a workspace and the ids of its subscriptions |
//! | `token.<token>` | an API token; empty once deleted |
//! | `subscription.<workspace>.<subscription>` | a subscription with its health and secrets; empty once deleted |
//! | `arrival.<workspace>.<event>.<tag>` | an event and the deliveries created from it; never changes |
//! | `delivery.<workspace>.<subscription>.<delivery>` | a delivery and its attempts; absent until it changes |
//! | `lease` | the worker that holds the partition |
//! | `checkpoint` | the position from which the next worker reads |
//! | `worker.<worker>` | a worker's heartbeat (first partition only) |
//! | `probe` | empty; tests that the stream accepts writes |
//!
//! A subject has one message: a later message replaces it.

use sha2::{Digest as _, Sha256};

use crate::ids::{DeliveryId, SubscriptionId, TokenId, WorkspaceId};

/// Subject of the partition's lease.
pub(super) const LEASE: &str = "lease";
/// Subject of the partition's checkpoint.
pub(super) const CHECKPOINT: &str = "checkpoint";
/// Subject of the writes that only test the stream.
pub(super) const PROBE: &str = "probe";
/// Subjects of all arrivals.
pub(super) const ARRIVALS: &str = "arrival.>";
/// Subjects that every worker follows: the catalog, the lease and the heartbeats.
pub(super) const CATALOG: [&str; 6] = ["workspace.>", "token.>", "subscription.>", LEASE, "worker.>", PROBE];
/// Subjects that the worker that holds the partition follows.
pub(super) const PENDING: [&str; 3] = [ARRIVALS, "delivery.>", LEASE];

/// Last part of the subject of an event's first arrival.
const FIRST: &str = "0";

/// A subject as it was read.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Subject<'a> {
    /// A workspace.
    Workspace(&'a str),
    /// An API token.
    Token(&'a str),
    /// A subscription.
    Subscription {
        /// The workspace's id.
        workspace: &'a str,
        /// The subscription's id.
        id: &'a str,
    },
    /// An arrival.
    Arrival {
        /// The workspace's id.
        workspace: &'a str,
    },
    /// The progress of a delivery.
    Delivery {
        /// The subscription's id.
        subscription: &'a str,
        /// The delivery's number.
        id: DeliveryId,
    },
    /// The partition's lease.
    Lease,
    /// A worker's heartbeat.
    Heartbeat(&'a str),
}

impl<'a> Subject<'a> {
    /// Parses a subject; returns `None` for subjects that nothing is read from.
    pub(super) fn parse(subject: &'a str) -> Option<Self> {
        let mut parts = subject.split('.');
        let kind = parts.next()?;
        Some(match (kind, parts.next(), parts.next(), parts.next()) {
            ("workspace", Some(id), None, None) => Self::Workspace(id),
            ("token", Some(id), None, None) => Self::Token(id),
            ("subscription", Some(workspace), Some(id), None) => Self::Subscription { workspace, id },
            ("arrival", Some(workspace), Some(_), Some(_)) => Self::Arrival { workspace },
            ("delivery", Some(_), Some(subscription), Some(id)) => {
                Self::Delivery { subscription, id: DeliveryId(id.parse().ok()?) }
            }
            (LEASE, None, None, None) => Self::Lease,
            ("worker", Some(worker), None, None) => Self::Heartbeat(worker),
            _ => return None,
        })
    }
}

/// Returns the subject of a workspace.
pub(super) fn workspace(id: &WorkspaceId) -> String {
    format!("workspace.{id}")
}

/// Returns the subject of an API token.
pub(super) fn token(id: &TokenId) -> String {
    format!("token.{id}")
}

/// Returns the subject of a subscription.
pub(super) fn subscription(workspace: &WorkspaceId, id: &SubscriptionId) -> String {
    format!("subscription.{workspace}.{id}")
}

/// Returns the subject of an event's first arrival.
pub(super) fn first_arrival(workspace: &WorkspaceId, event_id: &str) -> String {
    resent_arrival(workspace, event_id, FIRST)
}

/// Returns the subject of the arrival that resends an event; `tag` is unique to the resend.
pub(super) fn resent_arrival(workspace: &WorkspaceId, event_id: &str, tag: &str) -> String {
    // Any text can be an event's id, but not part of a subject.
    let hash = hex::encode(Sha256::digest(event_id.as_bytes()));
    format!("arrival.{workspace}.{}.{tag}", hash.get(..32).unwrap_or(&hash))
}

/// Returns the subjects of all arrivals of an event.
pub(super) fn arrivals_of_event(workspace: &WorkspaceId, event_id: &str) -> String {
    resent_arrival(workspace, event_id, "*")
}

/// Returns the subjects of all arrivals of a workspace.
pub(super) fn arrivals_of(workspace: &WorkspaceId) -> String {
    format!("arrival.{workspace}.>")
}

/// Returns the subject of a delivery's progress.
pub(super) fn delivery(workspace: &WorkspaceId, subscription: &SubscriptionId, id: DeliveryId) -> String {
    format!("delivery.{workspace}.{subscription}.{}", id.0)
}

/// Returns the subjects of the progress of all deliveries of a subscription.
pub(super) fn deliveries_of(workspace: &WorkspaceId, subscription: &SubscriptionId) -> String {
    format!("delivery.{workspace}.{subscription}.*")
}

/// Returns the subject of a worker's heartbeat.
pub(super) fn heartbeat(worker: &str) -> String {
    format!("worker.{worker}")
}

#[cfg(test)]
mod tests {
    use super::Subject;
    use crate::ids::{DeliveryId, SubscriptionId, TokenId, WorkspaceId};

    #[test]
    fn subjects_are_parsed_as_they_were_built() {
        let (workspace, subscription, token) = (WorkspaceId::random(), SubscriptionId::random(), TokenId::random());
        let (of, id) = (workspace.as_str(), subscription.as_str());
        for (subject, expected) in [
            (super::workspace(&workspace), Some(Subject::Workspace(of))),
            (super::token(&token), Some(Subject::Token(token.as_str()))),
            (super::subscription(&workspace, &subscription), Some(Subject::Subscription { workspace: of, id })),
            (super::first_arrival(&workspace, "evt_1"), Some(Subject::Arrival { workspace: of })),
            (super::resent_arrival(&workspace, "evt_1", "a1"), Some(Subject::Arrival { workspace: of })),
            (
                super::delivery(&workspace, &subscription, DeliveryId(7)),
                Some(Subject::Delivery { subscription: id, id: DeliveryId(7) }),
            ),
            (super::LEASE.into(), Some(Subject::Lease)),
            (super::heartbeat("a1"), Some(Subject::Heartbeat("a1"))),
            (super::CHECKPOINT.into(), None),
            (super::PROBE.into(), None),
            ("delivery.a.b.c".into(), None),
            (String::new(), None),
        ] {
            assert_eq!(Subject::parse(&subject), expected, "{subject}");
        }
    }

    #[test]
    fn any_text_has_a_subject_of_its_own() {
        let workspace = WorkspaceId::random();
        let subjects = ["a", "a.b", "*", ">", " ", "\r\n", "ł"].map(|id| super::first_arrival(&workspace, id));
        for subject in &subjects {
            assert_eq!(subject.split('.').count(), 4);
            assert!(subject.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte)), "{subject}");
            assert_eq!(subjects.iter().filter(|other| *other == subject).count(), 1);
        }
    }
}
