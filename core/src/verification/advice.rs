//! Hints of a signature that does not match, where the caller's mistake shows.

use super::standard::PREFIX;
use crate::ErrorCode;
use crate::error::Reason;

/// The hint if the body is still in base64, as AWS Lambda passes some bodies.
const BASE64_BODY: &str = "decode the body from base64 before verification: the signature covers the decoded bytes";
/// The hint if the body is a JSON text in a JSON text.
const SERIALIZED_AGAIN: &str = "pass the raw body, byte for byte as received: this body is a JSON string, so it was \
                                serialized again";
/// The hint if a secret has no prefix. Such a secret is usable, but clarife's have one.
const NO_PREFIX: &str = "copy the signing secret from the subscription's settings, whsec_ prefix included: this webhook has a \
                         secret without the prefix; if the secret is right, pass the raw body, byte for byte as received";

/// The largest tolerance, in seconds, that a binding does not question: a day.
pub const LARGEST_LIKELY_TOLERANCE: u64 = 86_400;

/// Returns whether a tolerance was most likely meant in milliseconds, such as 300,000: whole thousands of more than a day.
#[must_use]
pub const fn is_likely_milliseconds(tolerance: u64) -> bool {
    tolerance > LARGEST_LIKELY_TOLERANCE && tolerance.is_multiple_of(1000)
}

/// Returns the reason of a mismatch, with a hint of its own if the mistake shows.
pub(super) fn mismatch(body: &[u8], all_have_prefix: bool) -> Reason {
    match body {
        // The base64 of the start of an object: {"
        [b'e', b'y', b'J', ..] => Reason::Mismatch(BASE64_BODY),
        [b'"', ..] => Reason::Mismatch(SERIALIZED_AGAIN),
        _ if !all_have_prefix => Reason::Mismatch(NO_PREFIX),
        _ => Reason::Plain(ErrorCode::SignatureMismatch),
    }
}

/// Returns whether a secret has clarife's prefix.
pub(super) fn has_prefix(secret: &str) -> bool {
    secret.starts_with(PREFIX)
}

#[cfg(test)]
mod tests {
    use crate::{ErrorCode, UnixTime, Webhook};

    #[test]
    fn the_hint_names_the_mistake() {
        let now = UnixTime::from_secs(1_774_699_200);
        let hint = |secret: &str, body: &str| {
            let webhook = Webhook::new(secret).unwrap();
            let header = Webhook::new("whsec_b3RoZXI").unwrap().sign(body, now).unwrap();
            let error = webhook.verify_at(body, &header, now).unwrap_err();
            assert_eq!(error.code(), ErrorCode::SignatureMismatch);
            assert_eq!(error.to_string(), "no signature in the header matches the body");
            error.hint()
        };
        assert_eq!(hint("whsec_c2VjcmV0", "{}"), ErrorCode::SignatureMismatch.hint());
        assert!(hint("whsec_c2VjcmV0", "eyJpZCI6ImV2dF8xIn0=").starts_with("decode the body from base64"));
        assert!(hint("whsec_c2VjcmV0", r#""{\"id\":1}""#).contains("serialized again"));
        assert!(hint("c2VjcmV0", "{}").contains("whsec_ prefix included"));
    }
}
