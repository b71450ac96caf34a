//! The keys of a secret, and the checks on its text.

use super::mac::Key;
use super::standard;
use crate::error::Reason;

/// The keys of one secret, one for each scheme.
#[derive(Clone)]
pub(crate) struct Keys {
    /// The key of clarife's own scheme: the text of the secret. See
    /// [protocol, section 1](https://github.com/clarife/clarife-webhooks/blob/main/docs/protocol.md#section-1).
    pub(crate) v1: Key,
    /// The key of Standard Webhooks: the base64-decoded secret, if the secret is base64. See
    /// [protocol, section 5.3](https://github.com/clarife/clarife-webhooks/blob/main/docs/protocol.md#section-5-3).
    pub(crate) standard: Option<Key>,
}

impl Keys {
    pub(crate) fn new(secret: &str) -> Self {
        Self { v1: Key::new(secret.as_bytes()), standard: standard::key(secret) }
    }

    /// Checks a secret for white space and control characters from a careless paste, and prepares the keys. See
    /// [protocol, section 2.1](https://github.com/clarife/clarife-webhooks/blob/main/docs/protocol.md#section-2-1).
    pub(crate) fn from_secret(secret: &str) -> Result<Self, Reason> {
        if secret.is_empty() {
            Err(Reason::Secret("it is empty"))
        } else if secret.starts_with(char::is_whitespace) || secret.ends_with(char::is_whitespace) {
            Err(Reason::Secret("it starts or ends with white space"))
        } else if secret.chars().any(char::is_control) {
            Err(Reason::Secret("it contains a control character"))
        } else {
            Ok(Self::new(secret))
        }
    }
}
