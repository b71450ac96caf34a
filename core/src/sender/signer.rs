//! Signing, and the rotation of secrets.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use core::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use zeroize::Zeroizing;

use super::random::RandomnessError;
use super::secret::SigningSecret;
use crate::InvalidTimestamp;
use crate::UnixTime;
use crate::standard::{self, StandardHeaders, StandardSignError};
use crate::verification::{Keys, MAX_TIMESTAMP, format_header};

/// The time for which a secret signs beside its successor after a rotation.
///
/// See [protocol, section 6.3](https://github.com/clarife/clarife-webhooks/blob/main/docs/protocol.md#section-6-3).
///
/// ```
/// # use clarife_webhooks::UnixTime;
/// # use clarife_webhooks::sender::{ROTATION_OVERLAP, Signer};
/// # let now = UnixTime::from_secs(1_711_612_800);
/// let signer = Signer::generate()?.rotate(now)?;
/// assert_eq!(signer.active_secrets(now.saturating_add(ROTATION_OVERLAP)), 1);
/// # Ok::<(), clarife_webhooks::sender::RandomnessError>(())
/// ```
pub const ROTATION_OVERLAP: Duration = Duration::from_secs(24 * 60 * 60);

/// The largest number of secrets. A verifier rejects a header with more signatures.
const MAX_SECRETS: usize = 16;

/// A signer for the deliveries of one subscription. Keep a signer: creating one prepares the secrets.
///
/// After a [rotation](Self::rotate), the previous secret signs beside the new secret for [`ROTATION_OVERLAP`], so that
/// receivers have time to switch. Several rotations overlap, each for its own time. A signer keeps the 16 newest
/// secrets.
///
/// `Debug` shows no secret, and dropping wipes the secrets.
///
/// ```
/// use clarife_webhooks::Webhook;
/// use clarife_webhooks::UnixTime;
/// use clarife_webhooks::sender::{ROTATION_OVERLAP, Signer};
///
/// let now = UnixTime::from_secs(1_711_612_800);
/// let old = Signer::generate()?;
/// let new = old.rotate(now)?;
///
/// let body = r#"{"id":"evt_1","type":"share.created","created_at":"2024-03-28T08:00:00Z","data":{}}"#;
/// let header = new.sign(body, now)?; // t=1711612800,v1=…,v1=…
/// for signer in [&old, &new] {
///     Webhook::new(signer.secret().expose())?.verify_at(body, &header, now)?;
/// }
///
/// let later = now.saturating_add(ROTATION_OVERLAP);
/// let header = new.sign(body, later)?;
/// assert!(Webhook::new(old.secret().expose())?.verify_at(body, &header, later).is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Signer {
    secrets: StoredSecrets,
    /// The keys of each secret, newest first.
    keys: Vec<Keys>,
}

/// The secrets of a [`Signer`], as the sender's store keeps them.
///
/// The serialized form contains the secrets **in clear** and belongs in the store only. `Debug` shows no secret.
///
/// ```
/// # use clarife_webhooks::sender::{Signer, StoredSecrets};
/// # let signer = Signer::generate()?;
/// let stored: StoredSecrets = signer.stored().clone();
/// assert_eq!(Signer::from(stored).secret(), signer.secret());
/// # Ok::<(), clarife_webhooks::sender::RandomnessError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredSecrets {
    #[serde(with = "in_clear")]
    current: SigningSecret,
    /// The previous secrets, newest first.
    previous: Vec<Previous>,
}

/// A secret that a rotation has replaced.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Previous {
    #[serde(with = "in_clear")]
    secret: SigningSecret,
    /// The time from which the secret no longer signs.
    until: UnixTime,
}

impl Signer {
    /// Creates a signer with one secret.
    ///
    /// ```
    /// # use clarife_webhooks::sender::{Signer, SigningSecret};
    /// let secret = SigningSecret::parse("whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=")?;
    /// let signer = Signer::new(secret);
    /// # Ok::<(), clarife_webhooks::sender::InvalidSigningSecret>(())
    /// ```
    #[must_use]
    pub fn new(secret: SigningSecret) -> Self {
        StoredSecrets { current: secret, previous: Vec::new() }.into()
    }

    /// Creates a signer with a new secret.
    ///
    /// # Errors
    ///
    /// [`RandomnessError`] if the operating system returns no random bytes.
    ///
    /// ```
    /// # use clarife_webhooks::sender::Signer;
    /// let signer = Signer::generate()?;
    /// println!("your signing secret: {}", signer.secret().expose());
    /// # Ok::<(), clarife_webhooks::sender::RandomnessError>(())
    /// ```
    pub fn generate() -> Result<Self, RandomnessError> {
        SigningSecret::generate().map(Self::new)
    }

    /// Returns the current secret, to show after creation and rotation.
    ///
    /// ```
    /// # use clarife_webhooks::UnixTime;
    /// # use clarife_webhooks::sender::Signer;
    /// let old = Signer::generate()?;
    /// let new = old.rotate(UnixTime::from_secs(1_711_612_800))?;
    /// assert_ne!(new.secret(), old.secret());
    /// # Ok::<(), clarife_webhooks::sender::RandomnessError>(())
    /// ```
    #[must_use]
    pub const fn secret(&self) -> &SigningSecret {
        &self.secrets.current
    }

    /// Returns the secrets for the sender's store. [`Signer::from`] restores a signer from them.
    ///
    /// ```
    /// use clarife_webhooks::sender::{Signer, StoredSecrets};
    ///
    /// let signer = Signer::generate()?;
    /// let stored = serde_json::to_string(signer.stored())?; // contains the secret in clear
    /// let restored = Signer::from(serde_json::from_str::<StoredSecrets>(&stored)?);
    /// assert_eq!(restored.secret(), signer.secret());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub const fn stored(&self) -> &StoredSecrets {
        &self.secrets
    }

    /// Returns a signer with a new secret. The previous secret signs beside the new secret for [`ROTATION_OVERLAP`].
    ///
    /// # Errors
    ///
    /// [`RandomnessError`] if the operating system returns no random bytes.
    ///
    /// ```
    /// # use clarife_webhooks::UnixTime;
    /// # use clarife_webhooks::sender::Signer;
    /// # let now = UnixTime::from_secs(1_711_612_800);
    /// let signer = Signer::generate()?.rotate(now)?;
    /// let header = signer.sign("{}", now)?;
    /// assert_eq!(header.matches("v1=").count(), 2); // the new secret and the previous secret
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn rotate(&self, now: UnixTime) -> Result<Self, RandomnessError> {
        SigningSecret::generate().map(|secret| self.rotate_to(secret, now))
    }

    /// Returns a signer with `secret` as its current secret, like [`rotate`](Self::rotate).
    ///
    /// ```
    /// # use clarife_webhooks::UnixTime;
    /// # use clarife_webhooks::sender::{Signer, SigningSecret};
    /// # let now = UnixTime::from_secs(1_711_612_800);
    /// let secret = SigningSecret::generate()?;
    /// let signer = Signer::generate()?.rotate_to(secret.clone(), now);
    /// assert_eq!(signer.secret(), &secret);
    /// # Ok::<(), clarife_webhooks::sender::RandomnessError>(())
    /// ```
    #[must_use]
    pub fn rotate_to(&self, secret: SigningSecret, now: UnixTime) -> Self {
        let StoredSecrets { current, previous } = &self.secrets;
        let rotated = Previous { secret: current.clone(), until: now.saturating_add(ROTATION_OVERLAP) };
        let previous = previous.iter().filter(|previous| now < previous.until).cloned();
        StoredSecrets { current: secret, previous: [rotated].into_iter().chain(previous).collect() }.into()
    }

    /// Returns the number of secrets that sign at a time.
    ///
    /// ```
    /// # use clarife_webhooks::UnixTime;
    /// # use clarife_webhooks::sender::Signer;
    /// # let now = UnixTime::from_secs(1_711_612_800);
    /// let signer = Signer::generate()?;
    /// assert_eq!([signer.active_secrets(now), signer.rotate(now)?.active_secrets(now)], [1, 2]);
    /// # Ok::<(), clarife_webhooks::sender::RandomnessError>(())
    /// ```
    #[must_use]
    pub fn active_secrets(&self, now: UnixTime) -> usize {
        self.active_keys(now).count()
    }

    /// Signs a body for an attempt that starts now, and returns the value of the `X-Clarife-Signature` header.
    ///
    /// The header contains one `v1` for each active secret, newest first.
    ///
    /// # Errors
    ///
    /// [`InvalidTimestamp`] if `now` is before 1970 or exceeds 12 digits in seconds.
    ///
    /// ```
    /// # use clarife_webhooks::UnixTime;
    /// # use clarife_webhooks::sender::Signer;
    /// let header = Signer::generate()?.sign("{}", UnixTime::from_millis(1_711_612_800_999))?;
    /// assert!(header.starts_with("t=1711612800,v1="));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn sign(&self, body: &(impl AsRef<[u8]> + ?Sized), now: UnixTime) -> Result<String, InvalidTimestamp> {
        let timestamp = now.as_secs();
        if !(0..=MAX_TIMESTAMP).contains(&timestamp) {
            return Err(InvalidTimestamp);
        }
        Ok(format_header(timestamp, self.active_keys(now).map(|keys| keys.v1.tag(body.as_ref()))))
    }

    /// Signs a body for Standard Webhooks, and returns the headers of an attempt that starts now.
    ///
    /// `id` is the event's id. Send the headers beside the header of [`sign`](Self::sign). See
    /// [protocol, section 5.3](https://github.com/clarife/clarife-webhooks/blob/main/docs/protocol.md#section-5-3).
    ///
    /// # Errors
    ///
    /// [`StandardSignError`] if a header cannot carry the id or the time.
    ///
    /// ```
    /// # use clarife_webhooks::UnixTime;
    /// # use clarife_webhooks::sender::Signer;
    /// let headers = Signer::generate()?.sign_standard("{}", "evt_1", UnixTime::from_secs(1_711_612_800))?;
    /// for (name, value) in headers.pairs() {
    ///     println!("{name}: {value}");
    /// }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn sign_standard<'i>(
        &self,
        body: &(impl AsRef<[u8]> + ?Sized),
        id: &'i str,
        now: UnixTime,
    ) -> Result<StandardHeaders<'i>, StandardSignError> {
        standard::sign(body.as_ref(), id, now.as_secs(), self.active_keys(now))
    }

    fn active_keys(&self, now: UnixTime) -> impl Iterator<Item = &Keys> {
        let previous = self.secrets.previous.iter().map(move |previous| now < previous.until);
        let active = [true].into_iter().chain(previous);
        self.keys.iter().zip(active).filter_map(|(keys, active)| active.then_some(keys))
    }
}

impl From<StoredSecrets> for Signer {
    fn from(mut secrets: StoredSecrets) -> Self {
        secrets.previous.truncate(MAX_SECRETS.saturating_sub(1));
        let previous = secrets.previous.iter().map(|previous| &previous.secret);
        let newest_first = [&secrets.current].into_iter().chain(previous);
        let keys = newest_first.map(|secret| Keys::new(secret.expose())).collect();
        Self { secrets, keys }
    }
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Signer").field("secrets", &self.keys.len()).finish()
    }
}

mod in_clear {
    use super::{Deserialize, Deserializer, Serializer, SigningSecret, String, Zeroizing, de};

    pub(super) fn serialize<S: Serializer>(secret: &SigningSecret, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(secret.expose())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<SigningSecret, D::Error> {
        let text = Zeroizing::new(String::deserialize(deserializer)?);
        SigningSecret::parse(&text).map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::{MAX_SECRETS, ROTATION_OVERLAP, Signer, UnixTime};
    use crate::{InvalidTimestamp, Webhook};
    use alloc::format;
    use alloc::vec::Vec;

    fn signer() -> Signer {
        Signer::generate().expect("random bytes")
    }

    #[test]
    fn signs_as_webhook_does_newest_first() {
        let now = UnixTime::from_millis(1_711_612_800_999);
        let first = signer();
        let second = first.rotate(now).expect("random bytes");
        let third = second.rotate(now).expect("random bytes");
        let secrets = [third.secret(), second.secret(), first.secret()].map(|secret| secret.expose());
        let webhook = Webhook::from_secrets(secrets).expect("three secrets");
        assert_eq!(third.sign("{}", now), webhook.sign("{}", UnixTime::from_secs(1_711_612_800)));
    }

    #[test]
    fn every_secret_keeps_its_own_time() {
        let (start, next) = (UnixTime::from_secs(0), UnixTime::from_secs(3600));
        let signer = signer().rotate(start).and_then(|signer| signer.rotate(next)).expect("random bytes");
        let at = |rotated: UnixTime, millis: i64| {
            let end = rotated.saturating_add(ROTATION_OVERLAP);
            signer.active_secrets(UnixTime::from_millis(end.as_millis() + millis))
        };
        assert_eq!([at(start, -1), at(start, 0), at(next, -1), at(next, 0)], [3, 2, 2, 1]);
        // A rotation drops the secrets whose time is over.
        let later = signer.rotate(start.saturating_add(ROTATION_OVERLAP)).expect("random bytes");
        assert_eq!(later.stored().previous.len(), 2);
    }

    #[test]
    fn no_header_has_more_signatures_than_a_verifier_accepts() {
        let now = UnixTime::from_secs(1_711_612_800);
        let signers: Vec<Signer> =
            core::iter::successors(Some(signer()), |signer| signer.rotate(now).ok()).take(20).collect();
        let newest = signers.last().expect("20");
        assert_eq!(newest.active_secrets(now), MAX_SECRETS);
        let body = r#"{"id":"1","type":"a","created_at":"2024-03-28T08:00:00Z","data":{}}"#;
        let header = newest.sign(body, now).expect("a timestamp");
        for (age, signer) in signers.iter().rev().enumerate() {
            let webhook = Webhook::new(signer.secret().expose()).expect("a secret");
            assert_eq!(webhook.verify_at(body, &header, now).is_ok(), age < MAX_SECRETS, "{age}");
        }
    }

    #[test]
    fn times_outside_the_range_of_a_header_are_rejected() {
        let signer = signer();
        assert_eq!(signer.sign("{}", UnixTime::from_millis(-1)), Err(InvalidTimestamp));
        assert!(signer.sign("{}", UnixTime::from_millis(999_999_999_999_999)).is_ok());
        assert_eq!(signer.sign("{}", UnixTime::from_millis(1_000_000_000_000_000)), Err(InvalidTimestamp));
    }

    #[test]
    fn secrets_show_in_the_store_only() {
        let signer = signer().rotate(UnixTime::from_secs(0)).expect("random bytes");
        let stored = serde_json::to_string(signer.stored()).expect("is JSON");
        assert!(stored.contains(signer.secret().expose()));
        assert!(!format!("{signer:?}{:?}", signer.stored()).contains(&signer.secret().expose()[6..]));
        let restored = Signer::from(serde_json::from_str::<super::StoredSecrets>(&stored).expect("reads back"));
        assert_eq!(restored.stored(), signer.stored());
        let broken = stored.replace("whsec_", "whsec-");
        let error = serde_json::from_str::<super::StoredSecrets>(&broken).expect_err("is not a secret");
        assert!(!format!("{error}").contains(&signer.secret().expose()[6..]));
    }
}
