//! The signature header: its grammar, and the HMAC behind it.
//!
//! Protocol, sections 1, 2 and 4: `t=<unix seconds>,v1=<HMAC-SHA256 of the raw body, in hex>`.

use alloc::string::String;

use arrayvec::ArrayVec;
use hmac::digest::{CtOutput, Output};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use wide::u8x16;

use crate::standard;
use crate::text::decimal::write_number;
use crate::text::simd::find;

/// A longer signature header is malformed (protocol, section 2), whatever it says; a blank one of any length is missing.
///
/// ```
/// use clarife_webhooks::{ErrorCode, MAX_HEADER_BYTES, Webhook};
///
/// let header = format!("t=0,v1={:0>1$}", 0, MAX_HEADER_BYTES);
/// let error = Webhook::new("whsec_c2VjcmV0")?.verify_at("{}", &header, 0).unwrap_err();
/// assert_eq!(error.code(), ErrorCode::MalformedSignature);
/// # Ok::<(), clarife_webhooks::WebhookError>(())
/// ```
pub const MAX_HEADER_BYTES: usize = 4096;
/// More signatures than this make a header malformed.
const MAX_SIGNATURES: usize = 16;
/// More digits than this make a timestamp malformed.
const MAX_TIMESTAMP_DIGITS: usize = 12;
/// The largest number of that many digits.
pub(crate) const MAX_TIMESTAMP: i64 = 999_999_999_999;

type HmacSha256 = Hmac<Sha256>;

/// A signing secret, ready to sign: the two blocks that depend on the key only are hashed once, here. Wiped on drop.
#[derive(Clone)]
pub(crate) struct Key(HmacSha256);

/// What one secret signs with.
#[derive(Clone)]
pub(crate) struct Keys {
    /// The secret's own text (protocol, section 1).
    pub(crate) v1: Key,
    /// What the secret is the base64 of, if it is (protocol, section 5.3).
    pub(crate) standard: Option<Key>,
}

impl Keys {
    pub(crate) fn new(secret: &str) -> Self {
        Self { v1: Key::new(secret.as_bytes()), standard: standard::key(secret) }
    }
}

/// The signature that a body has under a key; comparing two takes the same time wherever they differ.
#[derive(PartialEq, Eq)]
pub(crate) struct Tag(CtOutput<HmacSha256>);

impl Key {
    pub(crate) fn new(secret: &[u8]) -> Self {
        let Ok(mac) = HmacSha256::new_from_slice(secret) else {
            unreachable!("HMAC takes keys of every length (RFC 2104)")
        };
        Self(mac)
    }

    pub(crate) fn tag(&self, body: &[u8]) -> Tag {
        self.tag_of(&[body])
    }

    /// The tag of several parts, one after the other.
    pub(crate) fn tag_of(&self, parts: &[&[u8]]) -> Tag {
        let mut mac = self.0.clone();
        for part in parts {
            mac.update(part);
        }
        Tag(mac.finalize())
    }
}

impl Tag {
    /// The tag of these bytes, if they are as many as a tag has.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let output = Output::<HmacSha256>::try_from(bytes).ok()?;
        Some(Self(CtOutput::new(output)))
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }

    fn from_hex(digits: &[u8]) -> Option<Self> {
        let mut bytes = Output::<HmacSha256>::default();
        hex::decode_to_slice(digits, &mut bytes).ok()?;
        Some(Self(CtOutput::new(bytes)))
    }

    fn to_hex(&self) -> [u8; 64] {
        let mut digits = [0; 64];
        // Cannot fail: 32 bytes are 64 digits.
        let _ = hex::encode_to_slice(self.0.as_bytes(), &mut digits);
        digits
    }
}

/// The signatures of a header: at least one.
pub(crate) type Signatures = ArrayVec<Tag, MAX_SIGNATURES>;

/// What is said of a header with more.
pub(crate) const TOO_MANY_SIGNATURES: &str = "it has more than 16 v1";

const COMMAS: u8x16 = u8x16::splat(b',');

/// Reads a signature header that is not blank: its timestamp, and into `signatures`, which is empty, its signatures. The error
/// says what is wrong with it.
pub(crate) fn parse(header: &[u8], signatures: &mut Signatures) -> Result<i64, &'static str> {
    check_text(header)?;
    let mut timestamp = None;
    let mut rest = Some(header);
    while let Some(elements) = rest {
        let comma = find(elements, |byte| byte == b',', |block| block.simd_eq(COMMAS));
        let (element, after) = elements.split_at_checked(comma).unwrap_or_default();
        rest = after.get(1..);
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
            _ => {} // a later scheme
        }
    }
    let timestamp = timestamp.ok_or("it has no t")?;
    if signatures.is_empty() { Err("it has no v1") } else { Ok(timestamp) }
}

/// What every header has to be: no longer than any may be, and of visible ASCII, spaces and tabs.
pub(crate) fn check_text(header: &[u8]) -> Result<(), &'static str> {
    if header.len() > MAX_HEADER_BYTES {
        return Err("it is longer than 4096 bytes");
    }
    // Without a way out in the middle, so that the compiler looks at many bytes at once.
    if !header.iter().fold(true, |visible, byte| visible & matches!(byte, b'\t' | b' '..=b'~')) {
        return Err("it holds a character other than visible ASCII");
    }
    Ok(())
}

/// The header for a body that has these tags, newest secret first; the timestamp is not below 0.
pub(crate) fn format(timestamp: i64, tags: impl Iterator<Item = Tag>) -> String {
    let mut header = String::with_capacity(90);
    header.push_str("t=");
    let _ = write_number(&mut header, timestamp.unsigned_abs()); // a String takes everything
    for tag in tags {
        header.push_str(",v1=");
        header.push_str(core::str::from_utf8(&tag.to_hex()).unwrap_or_default()); // digits are UTF-8
    }
    header
}

/// Whether a header is there in name only.
pub(crate) fn is_blank(header: &[u8]) -> bool {
    trim(header).is_empty()
}

/// Without the spaces and tabs around it: OWS of RFC 9110, section 5.6.3.
pub(crate) fn trim(mut text: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] | [rest @ .., b' ' | b'\t'] = text {
        text = rest;
    }
    text
}

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
    use super::{Key, Signatures, Tag, parse};
    use alloc::vec::Vec;
    use serde_json::Value;

    /// RFC 4231 and others in the shape of the Wycheproof project's files, through the key and the comparison that `verify` uses.
    #[test]
    fn published_hmac_vectors() {
        let file: Value =
            serde_json::from_str(include_str!("../tests/vectors/files/hmac_sha256.json")).expect("the file is JSON");
        let mut walked: u64 = 0;
        for group in file["testGroups"].as_array().expect("groups") {
            let tag_bytes = group["tagSize"].as_u64().expect("tagSize") as usize / 8;
            for test in group["tests"].as_array().expect("tests") {
                let bytes =
                    |name: &str| -> Vec<u8> { hex::decode(test[name].as_str().expect("a hex string")).expect("hex") };
                let tag = Key::new(&bytes("key")).tag(&bytes("msg"));
                let matches = if tag_bytes == 32 {
                    Tag::from_hex(test["tag"].as_str().expect("a tag").as_bytes()).is_some_and(|given| given == tag)
                } else {
                    tag.to_hex().get(..tag_bytes * 2) == Some(test["tag"].as_str().expect("a tag").as_bytes())
                };
                assert_eq!(matches, test["result"] == "valid", "{test}");
                walked += 1;
            }
        }
        assert_eq!(Some(walked), file["numberOfTests"].as_u64());
        assert!(walked >= 7);
    }

    proptest::proptest! {
        #[test]
        fn no_header_panics(header: Vec<u8>) {
            let _ = parse(&header, &mut Signatures::new());
        }
    }
}
