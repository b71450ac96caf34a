//! Signing secrets.

use alloc::string::String;
use core::fmt;

use base64ct::{Base64, Encoding as _};
use zeroize::Zeroizing;

use super::random::{self, RandomnessError};
use crate::standard::PREFIX;

const RANDOM_BYTES: usize = 32;
/// The length of a secret: the prefix, 43 base64 digits and one character of padding.
const TEXT_BYTES: usize = 50;

/// The signing secret of a subscription: `whsec_` and the base64 of 32 random bytes.
///
/// Show a secret at creation and at rotation only. `Debug` hides the secret, and dropping wipes it. See
/// [protocol, section 6.3](https://github.com/clarife/clarife-webhooks/blob/main/docs/protocol.md#section-6-3).
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

/// The error of an invalid signing secret. It contains nothing of the text.
///
/// ```
/// # use clarife_webhooks::sender::{InvalidSigningSecret, SigningSecret};
/// assert_eq!(SigningSecret::parse("whsec_too_short"), Err(InvalidSigningSecret));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct InvalidSigningSecret;

impl SigningSecret {
    /// Creates a secret from random bytes of the operating system.
    ///
    /// # Errors
    ///
    /// [`RandomnessError`] if the operating system returns no random bytes.
    ///
    /// ```
    /// # use clarife_webhooks::sender::SigningSecret;
    /// assert_ne!(SigningSecret::generate()?, SigningSecret::generate()?);
    /// # Ok::<(), clarife_webhooks::sender::RandomnessError>(())
    /// ```
    pub fn generate() -> Result<Self, RandomnessError> {
        let bytes = random::bytes::<RANDOM_BYTES>()?;
        let mut digits = Zeroizing::new([0; TEXT_BYTES]);
        // Sufficient capacity: a reallocation would leave a copy of the secret behind.
        let mut text = Zeroizing::new(String::with_capacity(TEXT_BYTES));
        text.push_str(PREFIX);
        text.push_str(Base64::encode(bytes.as_slice(), digits.as_mut_slice()).unwrap_or_default()); // the digits fit
        Ok(Self(text))
    }

    /// Parses a secret from the sender's own store, in time that does not depend on the secret's characters.
    ///
    /// # Errors
    ///
    /// [`InvalidSigningSecret`] if the text is not a secret as [`generate`](Self::generate) creates them.
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
        let is_digit = |byte: u8| byte.is_ascii_alphanumeric() | (byte == b'+') | (byte == b'/');
        let valid_digits = digits.iter().fold(true, |valid, byte| valid & is_digit(*byte));
        // The last digit encodes 4 bits, so its two low bits are 0: every fourth digit of the alphabet.
        let valid_last = b"AEIMQUYcgkosw048".iter().fold(false, |found, byte| found | (*byte == last));
        if valid_digits & valid_last { Ok(Self(Zeroizing::new(text.into()))) } else { Err(InvalidSigningSecret) }
    }

    /// Returns the secret as text, to show, store or sign with.
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
    /// Compares two secrets in constant time.
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
        f.write_str("invalid signing secret: not whsec_ and the base64 of 32 bytes")
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
    fn invalid_secrets_are_rejected() {
        let valid = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
        for text in [
            "",
            "whsec_",
            &valid[1..],
            &valid[..49],
            &format!("{valid}="),
            "whsec_AAECAwQ=",
            "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISI=",
            &format!(" {}", &valid[..49]),
            &valid.replace("whsec_", "WHSEC_"),
            &valid.replace('B', "-"),
            &valid.replace("8=", "=="),
            &valid.replace("8=", "88"),
            &valid.replace("8=", "9="),
            &valid.replace("AA", "é"),
        ] {
            assert_eq!(SigningSecret::parse(text), Err(InvalidSigningSecret), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn parses_base64_of_32_bytes_only(bytes: [u8; 32], at in 0..44_usize, to in " -~") {
            let mut text = Base64::encode_string(&bytes);
            let valid = format!("{PREFIX}{text}");
            prop_assert!(SigningSecret::parse(&valid).is_ok());
            text.replace_range(at..=at, &to);
            let decodes = Base64::decode_vec(&text).is_ok_and(|bytes| bytes.len() == 32);
            let text: String = format!("{PREFIX}{text}");
            prop_assert_eq!(SigningSecret::parse(&text).is_ok(), decodes);
        }
    }
}
