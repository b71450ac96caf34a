//! The signature header: `t=<Unix seconds>,v1=<HMAC-SHA256 of the body in hex>`.
//!
//! See [protocol, section 2.2](https://github.com/clarife/clarife-webhooks/blob/main/docs/protocol.md#section-2-2).

use alloc::string::String;

use arrayvec::ArrayVec;

use super::mac::Tag;

/// The length limit of a signature header, in bytes. A longer header is malformed, but a blank header of any length is
/// missing.
///
/// See [protocol, section 2.2](https://github.com/clarife/clarife-webhooks/blob/main/docs/protocol.md#section-2-2).
///
/// ```
/// use clarife_webhooks::{ErrorCode, MAX_HEADER_BYTES, UnixTime, Webhook};
///
/// let header = format!("t=0,v1={:0>1$}", 0, MAX_HEADER_BYTES);
/// let error = Webhook::new("whsec_c2VjcmV0")?.verify_at("{}", &header, UnixTime::from_secs(0)).unwrap_err();
/// assert_eq!(error.code(), ErrorCode::MalformedSignature);
/// # Ok::<(), clarife_webhooks::WebhookError>(())
/// ```
pub const MAX_HEADER_BYTES: usize = 4096;

/// The largest number of signatures in a header.
const MAX_SIGNATURES: usize = 16;

/// The largest number of digits in a timestamp.
const MAX_TIMESTAMP_DIGITS: usize = 12;
/// The largest timestamp, in seconds: the largest number of 12 digits. A larger number is most likely in milliseconds.
pub const MAX_TIMESTAMP: i64 = 999_999_999_999;

/// The signatures of a header, at least one.
pub(crate) type Signatures = ArrayVec<Tag, MAX_SIGNATURES>;

/// The problem of a header with more signatures.
pub(crate) const TOO_MANY_SIGNATURES: &str = "it has more than 16 v1";

/// Parses a signature header that is not blank. Returns the timestamp, and adds the signatures to the empty
/// `signatures`.
///
/// # Errors
///
/// The problem of the header, in words.
pub(crate) fn parse(header: &[u8], signatures: &mut Signatures) -> Result<i64, &'static str> {
    check_text(header)?;
    let (mut timestamp, mut is_github) = (None, false);
    for element in header.split(|&byte| byte == b',') {
        let element = trim(element);
        let equals = element.iter().position(|&byte| byte == b'=').ok_or("an element has no equals sign")?;
        let (key, value) = element.split_at_checked(equals).unwrap_or_default();
        let value = value.get(1..).unwrap_or_default();
        match key {
            b"" => return Err("an element has no key"),
            b"t" if timestamp.is_some() => return Err("it has more than one t"),
            b"t" => timestamp = Some(parse_timestamp(value).ok_or("t is not 1 to 12 digits")?),
            b"v1" => {
                let signature = Tag::from_hex(value).ok_or("a v1 is not 64 hex digits")?;
                signatures.try_push(signature).map_err(|_| TOO_MANY_SIGNATURES)?;
            }
            b"sha256" => is_github = true,
            _ => {} // a later scheme
        }
    }
    let no_timestamp = if is_github { "it has no t: sha256= is the form of GitHub" } else { "it has no t" };
    let timestamp = timestamp.ok_or(no_timestamp)?;
    if signatures.is_empty() { Err("it has no v1") } else { Ok(timestamp) }
}

/// Checks the length and the characters of a header: visible ASCII, spaces and tabs.
pub(crate) fn check_text(header: &[u8]) -> Result<(), &'static str> {
    if header.len() > MAX_HEADER_BYTES {
        return Err("it is longer than 4096 bytes");
    }
    // No early return: the compiler then checks many bytes at once.
    if !header.iter().fold(true, |visible, byte| visible & matches!(byte, b'\t' | b' '..=b'~')) {
        return Err("it contains a character other than visible ASCII");
    }
    Ok(())
}

/// Formats a header with the tags of a body, newest secret first. The timestamp must not be negative.
pub(crate) fn format(timestamp: i64, tags: impl Iterator<Item = Tag>) -> String {
    let mut header = String::with_capacity(90);
    header.push_str("t=");
    header.push_str(itoa::Buffer::new().format(timestamp));
    for tag in tags {
        header.push_str(",v1=");
        header.push_str(core::str::from_utf8(&tag.to_hex()).unwrap_or_default()); // digits are UTF-8
    }
    header
}

/// Returns whether a header contains only spaces and tabs.
pub(crate) fn is_blank(header: &[u8]) -> bool {
    trim(header).is_empty()
}

/// Removes spaces and tabs at both ends: OWS of RFC 9110, section 5.6.3.
pub(crate) fn trim(mut text: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] | [rest @ .., b' ' | b'\t'] = text {
        text = rest;
    }
    text
}

/// Parses 1 to 12 digits.
pub(crate) fn parse_timestamp(digits: &[u8]) -> Option<i64> {
    if digits.is_empty() || digits.len() > MAX_TIMESTAMP_DIGITS {
        return None;
    }
    digits.iter().try_fold(0_i64, |number, byte| {
        let digit = byte.is_ascii_digit().then(|| byte.wrapping_sub(b'0'))?;
        number.checked_mul(10)?.checked_add(digit.into())
    })
}

#[cfg(test)]
mod tests {
    use super::{Signatures, parse};
    use alloc::vec::Vec;

    proptest::proptest! {
        #[test]
        fn no_header_panics(header: Vec<u8>) {
            let _ = parse(&header, &mut Signatures::new());
        }
    }
}
