//! Typed identifiers: a prefix for the type, and a unique part.

use std::fmt;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

macro_rules! ids {
    ($($(#[doc = $doc:literal])+ $name:ident = $prefix:literal;)+) => {$(
        $(#[doc = $doc])+
        #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(transparent)]
        pub(crate) struct $name(String);

        impl $name {
            /// Creates an id from a random UUID.
            pub(crate) fn random() -> Self {
                Self(format!(concat!($prefix, "{}"), Uuid::new_v4()))
            }

            /// Returns the id as text.
            pub(crate) fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl From<String> for $name {
            fn from(id: String) -> Self {
                Self(id)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    )+};
}

ids! {
    /// Id of a workspace.
    WorkspaceId = "wsp_";
    /// Id of a subscription.
    SubscriptionId = "sub_";
    /// Id of an API token, for listing and deleting it; not the token itself.
    TokenId = "tok_";
}

impl WorkspaceId {
    /// Returns the index of the part that has a workspace, among `parts`: a partition of NATS, or a database.
    pub(crate) fn part(&self, parts: usize) -> usize {
        let hash = Sha256::digest(self.as_str().as_bytes());
        let number = hash.iter().take(4).fold(0_usize, |number, byte| number.wrapping_shl(8) | usize::from(*byte));
        number.checked_rem(parts).unwrap_or(0)
    }
}

/// Id of a delivery. The store numbers deliveries in order: a later one has a greater id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct DeliveryId(pub(crate) i64);

impl DeliveryId {
    /// A regular expression of all ids but those beyond 10^18, which no store reaches.
    pub(crate) const PATTERN: &str = "^dlv_[1-9][0-9]{0,17}$";

    /// Parses the text that [`Display`](fmt::Display) writes.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let number = text.strip_prefix("dlv_")?;
        let canonical = number.bytes().all(|byte| byte.is_ascii_digit()) && !number.starts_with('0');
        if canonical { number.parse().ok().map(Self) } else { None }
    }
}

impl fmt::Display for DeliveryId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "dlv_{}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::{DeliveryId, SubscriptionId, WorkspaceId};

    #[test]
    fn workspaces_are_spread() {
        let mut count = [0; 8];
        for _ in 0..800 {
            count[WorkspaceId::random().part(8)] += 1;
        }
        assert!(count.iter().all(|count| (40..200).contains(count)), "{count:?}");
        let part = WorkspaceId::from("wsp_03b0ad6f-6a3d-4f1f-8a4e-2f9d1c3f4d11".to_owned()).part(256);
        assert_eq!(part, 174, "a store finds what an earlier version wrote");
    }

    #[test]
    fn ids_read_back_and_nothing_else_does() {
        assert_eq!(DeliveryId::parse(&DeliveryId(42).to_string()), Some(DeliveryId(42)));
        for wrong in ["dlv_", "dlv_0", "dlv_042", "dlv_+1", "dlv_-1", "42", "sub_42", "dlv_9223372036854775808", ""] {
            assert_eq!(DeliveryId::parse(wrong), None, "{wrong}");
        }
        assert_ne!(SubscriptionId::random(), SubscriptionId::random());
    }
}
