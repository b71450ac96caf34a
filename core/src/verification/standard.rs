//! Standard Webhooks, beside clarife's own signature.
//!
//! The scheme has three headers: `webhook-id`, `webhook-timestamp` and `webhook-signature`. A signature is `v1,` and
//! the base64 of the HMAC-SHA256 of `<id>.<timestamp>.<body>`. Spaces separate several signatures. The key is the
//! base64-decoded signing secret without `whsec_`. Unlike `X-Clarife-Signature`, these headers authenticate the time.
//!
//! [`Webhook::require_standard_webhooks`](crate::Webhook::require_standard_webhooks) makes a webhook verify these
//! headers, and [`Webhook::sign_standard`](crate::Webhook::sign_standard) creates them. The limits, the tolerance and
//! the error codes of `X-Clarife-Signature` apply: at most 4,096 bytes for each header, timestamps of 1 to 12 digits,
//! and 1 to 16 signatures of version `v1`. Signatures of other versions are ignored. See
//! [protocol, section 5.3](https://github.com/clarife/clarife-webhooks/blob/main/docs/protocol.md#section-5-3).

use alloc::borrow::Cow;
use alloc::string::String;
use alloc::vec;
use core::fmt;

use base64ct::{Base64, Encoding as _};
use zeroize::Zeroizing;

use super::header::{self, MAX_TIMESTAMP, Signatures, TOO_MANY_SIGNATURES};
use super::keys::Keys;
use super::mac::{Key, Tag};
use crate::error::{InvalidTimestamp, Reason, WebhookError};

/// The header with the event's id. [`HEADERS`] lists all three headers.
pub const ID_HEADER: &str = "webhook-id";
/// The header with the time of the signature, in Unix seconds. See [`HEADERS`].
pub const TIMESTAMP_HEADER: &str = "webhook-timestamp";
/// The header with the signatures. See [`HEADERS`].
pub const SIGNATURE_HEADER: &str = "webhook-signature";
/// The three headers, in the order of the arguments of [`StandardHeaders::new`].
///
/// ```
/// use clarife_webhooks::standard::HEADERS;
/// assert_eq!(HEADERS, ["webhook-id", "webhook-timestamp", "webhook-signature"]);
/// ```
pub const HEADERS: [&str; 3] = [ID_HEADER, TIMESTAMP_HEADER, SIGNATURE_HEADER];

/// The prefix of a signing secret, which is not part of the base64.
pub(crate) const PREFIX: &str = "whsec_";

/// The problem of a secret without a key for Standard Webhooks.
pub(crate) const NO_KEY: Reason = Reason::Secret("it is not base64, which Standard Webhooks require");

/// The values of the three headers of Standard Webhooks. An empty value is a missing header.
///
/// ```
/// use clarife_webhooks::{UnixTime, Webhook};
/// use clarife_webhooks::standard::StandardHeaders;
///
/// let webhook = Webhook::new("whsec_c2VjcmV0")?.require_standard_webhooks()?;
/// # let body = r#"{"id":"evt_1","type":"a.b","created_at":"2026-03-28T12:00:00Z","data":{}}"#;
/// # let signed = webhook.sign_standard(body, "evt_1", UnixTime::from_secs(1_774_699_200))?;
/// # let header = |name: &str| signed.pairs().into_iter().find(|pair| pair.0 == name).map_or("", |pair| pair.1);
/// let headers = StandardHeaders::new(header("webhook-id"), header("webhook-timestamp"), header("webhook-signature"));
/// let event = webhook.verify_at(body, &headers, UnixTime::from_secs(1_774_699_201))?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StandardHeaders<'h> {
    /// `webhook-id`: the event's id.
    pub id: Cow<'h, str>,
    /// `webhook-timestamp`: Unix seconds.
    pub timestamp: Cow<'h, str>,
    /// `webhook-signature`: the signatures, each with its version.
    pub signature: Cow<'h, str>,
}

impl<'h> StandardHeaders<'h> {
    /// Creates the headers from their values.
    #[must_use]
    pub const fn new(id: &'h str, timestamp: &'h str, signature: &'h str) -> Self {
        Self { id: Cow::Borrowed(id), timestamp: Cow::Borrowed(timestamp), signature: Cow::Borrowed(signature) }
    }

    /// Returns the names and values of the headers, for a request.
    ///
    /// ```
    /// # use clarife_webhooks::{UnixTime, Webhook};
    /// let headers = Webhook::new("whsec_c2VjcmV0")?.sign_standard("{}", "evt_1", UnixTime::from_secs(1_711_612_800))?;
    /// assert_eq!(headers.pairs()[0], ("webhook-id", "evt_1"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn pairs(&self) -> [(&'static str, &str); 3] {
        [(ID_HEADER, &self.id), (TIMESTAMP_HEADER, &self.timestamp), (SIGNATURE_HEADER, &self.signature)]
    }
}

#[cfg(feature = "http")]
impl StandardHeaders<'_> {
    pub(crate) fn into_owned<'h>(self) -> StandardHeaders<'h> {
        let [id, timestamp, signature] =
            [self.id, self.timestamp, self.signature].map(|value| value.into_owned().into());
        StandardHeaders { id, timestamp, signature }
    }
}

/// The parsed headers.
pub(crate) struct Parsed<'h> {
    id: &'h [u8],
    digits: &'h [u8],
    pub(crate) timestamp: i64,
    pub(crate) signatures: Signatures,
}

impl<'h> Parsed<'h> {
    pub(crate) fn new(headers: &'h StandardHeaders<'_>) -> Result<Self, Reason> {
        for (name, value) in headers.pairs() {
            if header::is_blank(value.as_bytes()) {
                return Err(Reason::Missing(name));
            }
        }
        let [id, digits, signatures] = headers.pairs().map(|(_, value)| header::trim(value.as_bytes()));
        if !is_id(id) {
            return Err(Reason::Signature("webhook-id is not 1 to 4096 characters of visible ASCII"));
        }
        let timestamp = header::parse_timestamp(digits);
        let timestamp = timestamp.ok_or(Reason::Signature("webhook-timestamp is not 1 to 12 digits"))?;
        let signatures = parse_signatures(signatures).map_err(Reason::Signature)?;
        Ok(Self { id, digits, timestamp, signatures })
    }

    pub(crate) fn tag(&self, key: &Key, body: &[u8]) -> Tag {
        key.tag_of(&[self.id, b".", self.digits, b".", body])
    }
}

/// Returns whether an id is valid. White space makes an id invalid, and so do two joined headers.
fn is_id(id: &[u8]) -> bool {
    header::check_text(id).is_ok() && !id.is_empty() && !id.iter().any(|byte| matches!(byte, b' ' | b'\t'))
}

fn parse_signatures(header: &[u8]) -> Result<Signatures, &'static str> {
    header::check_text(header)?;
    let mut signatures = Signatures::new();
    for element in header.split(|&byte| byte == b' ').filter(|element| !element.is_empty()) {
        let comma = element.iter().position(|&byte| byte == b',').filter(|&comma| comma > 0);
        let (version, digits) =
            element.split_at_checked(comma.ok_or("an element has no version and comma")?).unwrap_or_default();
        if version == b"v1" {
            let mut bytes = [0; 32];
            let decoded = decode(digits.get(1..).unwrap_or_default(), &mut bytes);
            let signature = decoded.and_then(Tag::from_bytes).ok_or("a v1 is not the base64 of 32 bytes")?;
            signatures.try_push(signature).map_err(|_| TOO_MANY_SIGNATURES)?;
        }
    }
    if signatures.is_empty() { Err("it has no v1") } else { Ok(signatures) }
}

/// Returns the key of a secret for Standard Webhooks. The time depends on the length of the secret alone.
pub(crate) fn key(secret: &str) -> Option<Key> {
    let text = secret.strip_prefix(PREFIX).unwrap_or(secret);
    let mut bytes = Zeroizing::new(vec![0; text.len()]);
    let key = decode(text.as_bytes(), &mut bytes)?;
    if key.is_empty() { None } else { Some(Key::new(key)) }
}

fn decode<'a>(digits: &[u8], buffer: &'a mut [u8]) -> Option<&'a [u8]> {
    Base64::decode(digits, buffer).ok()
}

/// Signs a body with the keys, newest first, and returns the headers.
pub(crate) fn sign<'i, 'k>(
    body: &[u8],
    id: &'i str,
    timestamp: i64,
    keys: impl Iterator<Item = &'k Keys>,
) -> Result<StandardHeaders<'i>, StandardSignError> {
    if !is_id(id.as_bytes()) {
        return Err(StandardSignError::InvalidId);
    }
    if !(0..=MAX_TIMESTAMP).contains(&timestamp) {
        return Err(StandardSignError::InvalidTimestamp);
    }
    let timestamp = String::from(itoa::Buffer::new().format(timestamp));
    let mut signature = String::with_capacity(48);
    for keys in keys {
        let key = keys.standard.as_ref().ok_or(StandardSignError::Secret(WebhookError::from(NO_KEY)))?;
        let tag = key.tag_of(&[id.as_bytes(), b".", timestamp.as_bytes(), b".", body]);
        if !signature.is_empty() {
            signature.push(' ');
        }
        signature.push_str("v1,");
        let mut digits = [0; 44];
        signature.push_str(Base64::encode(tag.as_bytes(), &mut digits).unwrap_or_default()); // 44 digits fit
    }
    Ok(StandardHeaders { id: id.into(), timestamp: timestamp.into(), signature: signature.into() })
}

/// The error of [`Webhook::sign_standard`](crate::Webhook::sign_standard).
///
/// ```
/// use clarife_webhooks::{UnixTime, Webhook};
/// use clarife_webhooks::standard::StandardSignError;
///
/// let webhook = Webhook::new("whsec_c2VjcmV0")?;
/// assert_eq!(webhook.sign_standard("{}", "two words", UnixTime::from_secs(0)), Err(StandardSignError::InvalidId));
/// # Ok::<(), clarife_webhooks::WebhookError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum StandardSignError {
    /// A secret is not base64: [`ErrorCode::InvalidSecret`](crate::ErrorCode::InvalidSecret).
    Secret(WebhookError),
    /// The id is not 1 to 4,096 characters of visible ASCII.
    InvalidId,
    /// The timestamp is below 0 or longer than 12 digits.
    InvalidTimestamp,
}

impl fmt::Display for StandardSignError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Secret(error) => error.fmt(f),
            Self::InvalidId => f.write_str("id must be 1 to 4096 characters of visible ASCII"),
            Self::InvalidTimestamp => InvalidTimestamp.fmt(f),
        }
    }
}

impl core::error::Error for StandardSignError {}

#[cfg(test)]
mod tests {
    use super::{Parsed, StandardHeaders, key, sign};
    use crate::verification::keys::Keys;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn no_headers_panic(id: alloc::string::String, timestamp: alloc::string::String, signature: alloc::string::String) {
            let _ = Parsed::new(&StandardHeaders::new(&id, &timestamp, &signature));
            let _ = key(&signature);
        }

        #[test]
        fn nearly_right_headers_do_not_panic(signature in "v1a?,[A-Za-z0-9+/=]{40,48}( v1,[A-Za-z0-9+/]{43}=){0,20}") {
            let _ = Parsed::new(&StandardHeaders::new("evt_1", "1711612800", &signature));
        }

        #[test]
        fn signed_headers_are_parsed(id in "[!-~]{1,60}", timestamp in 0..=999_999_999_999_i64, body: alloc::vec::Vec<u8>) {
            let keys = Keys::new("whsec_c2VjcmV0");
            let headers = sign(&body, &id, timestamp, [&keys].into_iter()).unwrap();
            let parsed = Parsed::new(&headers).map_err(|reason| TestCaseError::fail(alloc::format!("{reason:?}")))?;
            prop_assert_eq!(parsed.timestamp, timestamp);
            let tag = parsed.tag(keys.standard.as_ref().unwrap(), &body);
            prop_assert!(parsed.signatures.contains(&tag));
        }
    }
}
