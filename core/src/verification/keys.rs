//! The keys that one secret stands for, and the checks on a secret's text.

use super::mac::Key;
use super::standard;
use crate::error::Reason;

/// The keys of one secret, one for each scheme.
#[derive(Clone)]
pub(crate) struct Keys {
    /// The key of clarife's own scheme: the secret's text (protocol, section 1).
    pub(crate) v1: Key,
    /// The key of Standard Webhooks: the base64-decoded secret, if the secret decodes (protocol, section 5.3).
    pub(crate) standard: Option<Key>,
}

impl Keys {
    pub(crate) fn new(secret: &str) -> Self {
        Self { v1: Key::new(secret.as_bytes()), standard: standard::key(secret) }
    }

    /// Checks a secret for text that was pasted with the secret by mistake, and prepares its keys (protocol, section 2).
    pub(crate) fn from_secret(secret: &str) -> Result<Self, Reason> {
        if secret.is_empty() {
            Err(Reason::Secret("it is empty"))
        } else if secret.starts_with(char::is_whitespace) || secret.ends_with(char::is_whitespace) {
            Err(Reason::Secret("it starts or ends with white space"))
        } else if secret.chars().any(char::is_control) {
            Err(Reason::Secret("it holds a control character"))
        } else {
            Ok(Self::new(secret))
        }
    }
}
