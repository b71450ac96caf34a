//! Changes of a subscription by its owner.

use super::endpoint::EndpointUrl;
use super::event_types::EventTypes;
use super::secret::SigningSecret;
use super::signer::Signer;
use super::subscription::Subscription;
use crate::UnixTime;

/// A change of a subscription by its owner.
///
/// ```
/// use clarife_webhooks::UnixTime;
/// use clarife_webhooks::sender::{Change, EndpointUrl, EventTypes, Plan, Signer, SigningSecret, Subscription};
///
/// let url = EndpointUrl::parse("https://example.com/hooks")?;
/// let mut subscription = Subscription::create(Plan::Pro, 0, url, EventTypes::ALL)?;
/// let (mut signer, now) = (Signer::generate()?, UnixTime::from_secs(1_711_612_800));
///
/// Change::Rotate(SigningSecret::generate()?).apply(&mut subscription, &mut signer, now);
/// assert_eq!(signer.active_secrets(now), 2);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub enum Change {
    /// Changes the endpoint or the event types.
    Update {
        /// The new URL, if it changes.
        url: Option<EndpointUrl>,
        /// The new event types, if they change.
        event_types: Option<EventTypes>,
    },
    /// Replaces the secret. The old secret stays valid for [`ROTATION_OVERLAP`](super::ROTATION_OVERLAP).
    Rotate(SigningSecret),
    /// Activates the subscription and resets its failures.
    Activate,
}

impl Change {
    /// Applies the change to a subscription and its signer.
    ///
    /// ```
    /// # use clarife_webhooks::UnixTime;
    /// # use clarife_webhooks::sender::{Change, EndpointUrl, EventTypes, Plan, Signer, Subscription};
    /// # let url = EndpointUrl::parse("https://example.com/hooks")?;
    /// # let mut subscription = Subscription::create(Plan::Pro, 0, url, EventTypes::ALL)?;
    /// # let (mut signer, now) = (Signer::generate()?, UnixTime::from_secs(1_711_612_800));
    /// let url = EndpointUrl::parse("https://example.com/new")?;
    /// Change::Update { url: Some(url.clone()), event_types: None }.apply(&mut subscription, &mut signer, now);
    /// assert_eq!((subscription.url, subscription.event_types), (url, EventTypes::ALL));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn apply(&self, subscription: &mut Subscription, signer: &mut Signer, now: UnixTime) {
        match self {
            Self::Update { url, event_types } => {
                if let Some(url) = url {
                    subscription.url = url.clone();
                }
                subscription.event_types = event_types.unwrap_or(subscription.event_types);
            }
            Self::Rotate(secret) => *signer = signer.rotate_to(secret.clone(), now),
            Self::Activate => subscription.health = subscription.health.reactivate(),
        }
    }
}
