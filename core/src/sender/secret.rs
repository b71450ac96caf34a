//! Signing secrets.

use alloc::string::String;
use core::fmt;

use base64ct::{Base64, Encoding as _};
use zeroize::Zeroizing;

use super::random::{self, RandomnessError};
use crate::standard::PREFIX;

const RANDOM_BYTES: usize = 32;
/// The prefix and the base64 of 32 bytes: 43 characters and one of padding.
const TEXT_BYTES: usize = 50;

/// A subscription's signing secret: `whsec_` and the base64 of 32 random bytes (protocol, section 6).
///
/// Show it when the subscription is created and when it is rotated, and never again. Its `Debug` form hides it, and it is wiped
/// when it is dropped.
///
/// ```
/// use clarife_webhooks::sender::SigningSecret;
///
/// let secret = SigningSecret::generate()?;
/// assert!(secret.expose().starts_with("whsec_"));
/// assert_eq!(format!("{secret:?}"), "SigningSecret(whsec_…)");
/// # Ok::<(), clarife_webhooks::sender::RandomnessError>(())
/// ```
#[derive(Clone)]
pub struct SigningSecret(Zeroizing<String>);

/// A text that is not `whsec_` and the base64 of 32 bytes. Holds nothing of it.
///
/// ```
/// # use clarife_webhooks::sender::{InvalidSigningSecret, SigningSecret};
/// assert_eq!(SigningSecret::parse("whsec_too_short"), Err(InvalidSigningSecret));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct InvalidSigningSecret;

impl SigningSecret {
    /// A new secret, from the operating system's randomness.
    ///
    /// # Errors
    ///
    /// [`RandomnessError`] if there is none.
    ///
    /// ```
    /// # use clarife_webhooks::sender::SigningSecret;
    /// assert_ne!(SigningSecret::generate()?, SigningSecret::generate()?);
    /// # Ok::<(), clarife_webhooks::sender::RandomnessError>(())
    /// ```
    pub fn generate() -> Result<Self, RandomnessError> {
        let bytes = random::bytes::<RANDOM_BYTES>()?;
        let mut digits = Zeroizing::new([0; TEXT_BYTES]);
        // Room for all of it, so that no copy stays behind.
        let mut text = Zeroizing::new(String::with_capacity(TEXT_BYTES));
        text.push_str(PREFIX);
        text.push_str(Base64::encode(bytes.as_slice(), digits.as_mut_slice()).unwrap_or_default()); // there is room
        Ok(Self(text))
    }

    /// Reads a secret from the sender's own store. How long that takes does not depend on what the secret is.
    ///
    /// # Errors
    ///
    /// [`InvalidSigningSecret`] if it is not one that [`generate`](Self::generate) could have made.
    ///
    /// ```
    /// use clarife_webhooks::sender::{InvalidSigningSecret, SigningSecret};
    ///
    /// let text = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
    /// assert_eq!(SigningSecret::parse(text)?.expose(), text);
    /// assert_eq!(SigningSecret::parse("whsec_AAEC"), Err(InvalidSigningSecret));
    /// # Ok::<(), InvalidSigningSecret>(())
    /// ```
    pub fn parse(text: &str) -> Result<Self, InvalidSigningSecret> {
        let (digits, last) = match text.strip_prefix(PREFIX).map(str::as_bytes) {
            Some([digits @ .., last, b'=']) if text.len() == TEXT_BYTES => (digits, *last),
            _ => return Err(InvalidSigningSecret),
        };
        let digit = |byte: u8| byte.is_ascii_alphanumeric() | (byte == b'+') | (byte == b'/');
        let digits = digits.iter().fold(true, |all, byte| all & digit(*byte));
        // The last digit holds 4 bits, so its two low bits are 0: every fourth digit of the alphabet.
        let last = b"AEIMQUYcgkosw048".iter().fold(false, |any, byte| any | (*byte == last));
        if digits & last { Ok(Self(Zeroizing::new(text.into()))) } else { Err(InvalidSigningSecret) }
    }

    /// The secret itself, to be shown, stored or signed with.
    ///
    /// ```
    /// # use clarife_webhooks::{Webhook, sender::SigningSecret};
    /// let secret = SigningSecret::generate()?;
    /// let webhook = Webhook::new(secret.expose())?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl PartialEq for SigningSecret {
    /// Takes the same time wherever the two differ.
    fn eq(&self, other: &Self) -> bool {
        let difference = self.0.bytes().zip(other.0.bytes()).fold(0, |bits, (a, b)| bits | (a ^ b));
        core::hint::black_box(difference) == 0
    }
}

impl Eq for SigningSecret {}

impl fmt::Debug for SigningSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningSecret(whsec_…)")
    }
}

impl fmt::Display for InvalidSigningSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the signing secret is not whsec_ and the base64 of 32 bytes")
    }
}

impl core::error::Error for InvalidSigningSecret {}

#[cfg(test)]
mod tests {
    use super::{InvalidSigningSecret, PREFIX, SigningSecret, TEXT_BYTES};
    use alloc::format;
    use alloc::string::String;
    use base64ct::{Base64, Encoding as _};
    use proptest::prelude::*;

    #[test]
    fn secrets_are_random() {
        let secret = SigningSecret::generate().expect("random bytes");
        assert_eq!((secret.expose().len(), secret.0.capacity()), (TEXT_BYTES, TEXT_BYTES));
        assert_eq!(SigningSecret::parse(secret.expose()).as_ref(), Ok(&secret));
        assert_ne!(SigningSecret::generate().expect("random bytes"), secret);
        assert!(!format!("{secret:?}").contains(&secret.expose()[PREFIX.len()..]));
    }

    #[test]
    fn what_is_no_secret_is_refused() {
        let good = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
        for text in [
            "",
            "whsec_",
            &good[1..],
            &good[..49],
            &format!("{good}="),
            "whsec_AAECAwQ=",
            "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISI=",
            &format!(" {}", &good[..49]),
            &good.replace("whsec_", "WHSEC_"),
            &good.replace('B', "-"),
            &good.replace("8=", "=="),
            &good.replace("8=", "88"),
            &good.replace("8=", "9="),
            &good.replace("AA", "é"),
        ] {
            assert_eq!(SigningSecret::parse(text), Err(InvalidSigningSecret), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn parses_what_decodes_to_32_bytes(bytes: [u8; 32], at in 0..44_usize, to in " -~") {
            let mut text = Base64::encode_string(&bytes);
            let good = format!("{PREFIX}{text}");
            prop_assert!(SigningSecret::parse(&good).is_ok());
            text.replace_range(at..=at, &to);
            let decodes = Base64::decode_vec(&text).is_ok_and(|bytes| bytes.len() == 32);
            let text: String = format!("{PREFIX}{text}");
            prop_assert_eq!(SigningSecret::parse(&text).is_ok(), decodes);
        }
    }
}
