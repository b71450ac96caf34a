//! HMAC-SHA256 with prepared keys and a comparison in constant time.

use hmac::digest::{CtOutput, Output};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

type HmacSha256 = Hmac<Sha256>;

/// A prepared key. The two blocks that depend on the key alone are hashed once. The key is wiped on drop.
#[derive(Clone)]
pub(crate) struct Key(HmacSha256);

/// The HMAC of a body under a key. The comparison of two tags takes constant time.
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

    /// Returns the tag of the concatenated parts.
    pub(crate) fn tag_of(&self, parts: &[&[u8]]) -> Tag {
        let mut mac = self.0.clone();
        for part in parts {
            mac.update(part);
        }
        Tag(mac.finalize())
    }
}

impl Tag {
    /// Creates a tag from exactly 32 bytes.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let output = Output::<HmacSha256>::try_from(bytes).ok()?;
        Some(Self(CtOutput::new(output)))
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }

    /// Parses exactly 64 hex digits of either case.
    pub(crate) fn from_hex(digits: &[u8]) -> Option<Self> {
        let mut bytes = Output::<HmacSha256>::default();
        hex::decode_to_slice(digits, &mut bytes).ok()?;
        Some(Self(CtOutput::new(bytes)))
    }

    /// Returns the tag as 64 lower-case hex digits.
    pub(crate) fn to_hex(&self) -> [u8; 64] {
        let mut digits = [0; 64];
        // Cannot fail: 32 bytes are 64 digits.
        let _ = hex::encode_to_slice(self.0.as_bytes(), &mut digits);
        digits
    }
}

#[cfg(test)]
mod tests {
    use super::{Key, Tag};
    use alloc::vec::Vec;
    use serde_json::Value;

    /// Walks the vectors of RFC 4231 and others through the key and the comparison of `verify`.
    #[test]
    fn published_hmac_vectors() {
        let file: Value =
            serde_json::from_str(include_str!("../../tests/vectors/files/hmac_sha256.json")).expect("the file is JSON");
        let mut walked: u64 = 0;
        for group in file["testGroups"].as_array().expect("groups") {
            let tag_bytes = group["tagSize"].as_u64().expect("tagSize") as usize / 8;
            for test in group["tests"].as_array().expect("tests") {
                let bytes =
                    |name: &str| -> Vec<u8> { hex::decode(test[name].as_str().expect("a hex string")).expect("hex") };
                let tag = Key::new(&bytes("key")).tag(&bytes("msg"));
                let matches = if tag_bytes == 32 {
                    Tag::from_hex(test["tag"].as_str().expect("a tag").as_bytes()).is_some_and(|parsed| parsed == tag)
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
}
