//! Signing, and changing the secret without a gap.

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

/// How long a secret signs beside the new one after a rotation (protocol, section 6).
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

/// A header with more signatures than this is malformed for the verifier.
const MAX_SECRETS: usize = 16;

/// Signs the deliveries of one subscription. The secrets are prepared when it is made, so keep it.
///
/// After a [`rotate`](Self::rotate) the old secret signs beside the new one for [`ROTATION_OVERLAP`], so that receivers can change over
/// at leisure. Rotated several times within it, every old secret keeps its own time; of more than 16 the oldest go.
///
/// Its `Debug` form shows no secret, and the secrets are wiped when it is dropped.
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
    /// One for each secret, newest first.
    keys: Vec<Keys>,
}

/// The secrets of a [`Signer`] as the sender's store keeps them.
///
/// Serializing it writes the secrets **in clear**; it is meant for the store and nothing else. Its `Debug` form shows none.
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
    /// Newest first.
    previous: Vec<Previous>,
}

/// A secret that was rotated away.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Previous {
    #[serde(with = "in_clear")]
    secret: SigningSecret,
    /// From this moment on it signs no more.
    until: UnixTime,
}

impl Signer {
    /// Signs with one secret.
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

    /// Signs with a new secret.
    ///
    /// # Errors
    ///
    /// [`RandomnessError`] if the operating system gives no random bytes.
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

    /// The current secret, to be shown after creation and rotation.
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

    /// What the sender's store keeps; [`Signer::from`] makes it a signer again.
    ///
    /// ```
    /// use clarife_webhooks::sender::{Signer, StoredSecrets};
    ///
    /// let signer = Signer::generate()?;
    /// let stored = serde_json::to_string(signer.stored())?; // holds the secret in clear
    /// let restored = Signer::from(serde_json::from_str::<StoredSecrets>(&stored)?);
    /// assert_eq!(restored.secret(), signer.secret());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub const fn stored(&self) -> &StoredSecrets {
        &self.secrets
    }

    /// The signer with a new secret; the old one signs beside it for [`ROTATION_OVERLAP`].
    ///
    /// # Errors
    ///
    /// [`RandomnessError`] if the operating system gives no random bytes.
    ///
    /// ```
    /// # use clarife_webhooks::UnixTime;
    /// # use clarife_webhooks::sender::Signer;
    /// # let now = UnixTime::from_secs(1_711_612_800);
    /// let signer = Signer::generate()?.rotate(now)?;
    /// let header = signer.sign("{}", now)?;
    /// assert_eq!(header.matches("v1=").count(), 2); // the new secret and the old one
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn rotate(&self, now: UnixTime) -> Result<Self, RandomnessError> {
        SigningSecret::generate().map(|secret| self.rotate_to(secret, now))
    }

    /// The same with a given secret.
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

    /// How many secrets sign at that moment.
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

    /// The value of the `X-Clarife-Signature` header of an attempt that starts now: one `v1` for each active secret, newest
    /// first.
    ///
    /// # Errors
    ///
    /// [`InvalidTimestamp`] if `now` is before 1970 or has seconds of more than 12 digits.
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

    /// The headers of Standard Webhooks of an attempt that starts now, to be sent side by side with the one of
    /// [`sign`](Self::sign) (protocol, section 5.3). `id` is the event's.
    ///
    /// # Errors
    ///
    /// [`StandardSignError`] if the id or the time cannot stand in a header.
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
        let all = [&secrets.current].into_iter().chain(previous);
        let keys = all.map(|secret| Keys::new(secret.expose())).collect();
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
        let at = |moment: UnixTime, millis: i64| {
            let moment = moment.saturating_add(ROTATION_OVERLAP);
            signer.active_secrets(UnixTime::from_millis(moment.as_millis() + millis))
        };
        assert_eq!([at(start, -1), at(start, 0), at(next, -1), at(next, 0)], [3, 2, 2, 1]);
        // What is over is forgotten.
        let later = signer.rotate(start.saturating_add(ROTATION_OVERLAP)).expect("random bytes");
        assert_eq!(later.stored().previous.len(), 2);
    }

    #[test]
    fn no_header_has_more_signatures_than_a_verifier_reads() {
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
    fn times_that_no_header_can_carry_are_refused() {
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
        let error = serde_json::from_str::<super::StoredSecrets>(&broken).expect_err("is no secret");
        assert!(!format!("{error}").contains(&signer.secret().expose()[6..]));
    }
}
