//! Bearer tokens: shown once, kept as a hash.

use clarife_webhooks::sender::{RandomnessError, SigningSecret};
use sha2::{Digest as _, Sha256};

use crate::store::TokenHash;

const PREFIX: &str = "clt_";

/// A new token, of 32 random bytes.
pub(crate) fn generate() -> Result<String, RandomnessError> {
    let random = SigningSecret::generate()?;
    // Hashed, so that it has letters and digits only.
    Ok(format!("{PREFIX}{}", hex::encode(hash(random.expose()))))
}

/// What is kept of a token.
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
