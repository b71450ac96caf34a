//! HMAC-SHA256 with prepared keys and a comparison in constant time.
//!
//! HMAC is written out over the compression of SHA-256 (RFC 2104), because the crate `hmac` leaves a copy of the key's states on the
//! stack for each tag. Here a tag begins with one copy, which the first block of the message overwrites.

use core::slice;

use digest::array::Array;
use digest::block_buffer::EagerBuffer;
use digest::consts::U64;
use digest::{CtOutput, Output};
use sha2::block_api::compress256;
use sha2::{Digest as _, Sha256};
use zeroize::{Zeroize as _, Zeroizing};

/// The size of a block of SHA-256, in bytes.
const BLOCK: usize = 64;

/// The state of SHA-256.
type State = [u32; 8];

/// The initial state. See FIPS 180-4, section 5.3.3.
const INITIAL: State =
    [0x6a09_e667, 0xbb67_ae85, 0x3c6e_f372, 0xa54f_f53a, 0x510e_527f, 0x9b05_688c, 0x1f83_d9ab, 0x5be0_cd19];

/// A prepared key: the states of both hashes after the block that depends on the key alone. The states are wiped on drop.
#[derive(Clone)]
pub(crate) struct Key {
    inner: State,
    outer: State,
}

/// The HMAC of a body under a key. The comparison of two tags takes constant time.
#[derive(PartialEq, Eq)]
pub(crate) struct Tag(CtOutput<Sha256>);

impl Key {
    pub(crate) fn new(secret: &[u8]) -> Self {
        let mut block = Zeroizing::new([0; BLOCK]);
        match block.get_mut(..secret.len()) {
            Some(start) => start.copy_from_slice(secret),
            None => block.iter_mut().zip(Sha256::digest(secret)).for_each(|(byte, of)| *byte = of),
        }
        Self { inner: keyed(&block, 0x36), outer: keyed(&block, 0x5c) }
    }

    pub(crate) fn tag(&self, body: &[u8]) -> Tag {
        self.tag_of(&[body])
    }

    /// Returns the tag of the concatenated parts.
    pub(crate) fn tag_of(&self, parts: &[&[u8]]) -> Tag {
        let inner = finish(&self.inner, parts);
        Tag(CtOutput::new(finish(&self.outer, &[&inner])))
    }
}

impl Drop for Key {
    fn drop(&mut self) {
        self.inner.zeroize();
        self.outer.zeroize();
    }
}

/// Returns the state after a block of the key.
fn keyed(block: &[u8; BLOCK], pad: u8) -> State {
    let padded = Zeroizing::new(block.map(|byte| byte ^ pad));
    let mut state = INITIAL;
    compress256(&mut state, slice::from_ref(&padded));
    state
}

/// Returns the hash of a block of the key, which has the state `keyed`, and the parts after it.
fn finish(keyed: &State, parts: &[&[u8]]) -> Output<Sha256> {
    let mut state = *keyed;
    let mut buffer = EagerBuffer::<U64>::default();
    let mut bytes = BLOCK as u64;
    for part in parts {
        bytes = bytes.saturating_add(part.len() as u64);
        buffer.digest_blocks(part, |blocks| compress256(&mut state, Array::cast_slice_to_core(blocks)));
    }
    buffer.len64_padding_be(bytes.saturating_mul(8), |block| compress256(&mut state, slice::from_ref(&block.0)));
    let mut output = Output::<Sha256>::default();
    for (bytes, word) in output.chunks_exact_mut(4).zip(state) {
        bytes.copy_from_slice(&word.to_be_bytes());
    }
    output
}

impl Tag {
    /// Creates a tag from exactly 32 bytes.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let output = Output::<Sha256>::try_from(bytes).ok()?;
        Some(Self(CtOutput::new(output)))
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }

    /// Parses exactly 64 hex digits of either case.
    pub(crate) fn from_hex(digits: &[u8]) -> Option<Self> {
        let mut bytes = Output::<Sha256>::default();
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
