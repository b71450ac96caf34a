//! API tokens: shown once, stored as a hash.

use rustls::crypto::ring::default_provider;
use sha2::{Digest as _, Sha256};

use crate::store::TokenHash;

const PREFIX: &str = "clt_";

/// Number of random bytes in a token.
const RANDOM_BYTES: usize = 32;

/// Creates a token of 32 random bytes, in hexadecimal digits after `clt_`.
///
/// # Errors
///
/// If the operating system provides no randomness.
pub(crate) fn generate() -> Result<String, rustls::Error> {
    let mut bytes = [0; RANDOM_BYTES];
    default_provider().secure_random.fill(&mut bytes)?;
    Ok(format!("{PREFIX}{}", hex::encode(bytes)))
}

/// Returns the hash that the store keeps of a token.
pub(crate) fn hash(token: &str) -> TokenHash {
    Sha256::digest(token.as_bytes()).into()
}

#[cfg(test)]
mod tests {
    use super::{generate, hash};

    #[test]
    fn tokens_are_random_and_their_hashes_say_nothing() {
        let (a, b) = (generate().expect("random bytes"), generate().expect("random bytes"));
        assert!(a != b && a.starts_with("clt_") && a.len() == 68);
        assert_ne!(hash(&a), hash(&b));
        assert!(!a.contains(&hex::encode(hash(&a))));
    }
}
