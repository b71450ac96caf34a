//! What a workspace has subscribed to.

use serde::{Deserialize, Serialize};

use super::delivery::Delivery;
use super::endpoint::EndpointUrl;
use super::event_types::EventTypes;
use super::health::Health;
use super::plan::{Plan, PlanLimitReached};
use crate::EventType;
use crate::UnixTime;

/// A workspace's wish to be told about events of some types, and how its endpoint has answered so far (protocol, section 6).
///
/// Its secret is not part of it: see [`Signer`](super::Signer).
///
/// ```
/// use clarife_webhooks::EventType;
/// use clarife_webhooks::UnixTime;
/// use clarife_webhooks::sender::{EndpointUrl, EventTypes, Plan, Subscription};
///
/// let url = EndpointUrl::parse("https://example.com/hooks")?;
/// let types = EventTypes::from_names(["document.updated"])?;
/// let existing = 0; // subscriptions that the workspace has already
/// let subscription = Subscription::create(Plan::Pro, existing, url, types)?;
///
/// let now = UnixTime::from_secs(1_711_612_800);
/// assert!(subscription.accept(EventType::DocumentUpdated, now).is_some());
/// assert!(subscription.accept(EventType::ShareCreated, now).is_none());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Subscription {
    /// Where its deliveries are posted to.
    #[serde(deserialize_with = "EndpointUrl::deserialize_stored")]
    pub url: EndpointUrl,
    /// The types of events it is for.
    pub event_types: EventTypes,
    /// How its endpoint has answered, and whether it is active.
    pub health: Health,
}

impl Subscription {
    /// A new subscription, active at once, of a workspace that has `existing` subscriptions already.
    ///
    /// # Errors
    ///
    /// [`PlanLimitReached`] if the plan allows no more.
    ///
    /// ```
    /// # use clarife_webhooks::sender::{EndpointUrl, EventTypes, Plan, Subscription};
    /// # let url = EndpointUrl::parse("https://example.com/hooks")?;
    /// let refused = Subscription::create(Plan::Pro, 3, url, EventTypes::ALL).unwrap_err();
    /// assert_eq!(refused.limit(), 3);
    /// # Ok::<(), clarife_webhooks::sender::EndpointUrlError>(())
    /// ```
    pub fn create(
        plan: Plan,
        existing: usize,
        url: EndpointUrl,
        event_types: EventTypes,
    ) -> Result<Self, PlanLimitReached> {
        plan.check(existing)?;
        Ok(Self { url, event_types, health: Health::new() })
    }

    /// The delivery of an event of this type that happens now: pending, or held while the subscription is inactive. `None` if
    /// the subscription is not for such events.
    ///
    /// ```
    /// # use clarife_webhooks::EventType;
    /// # use clarife_webhooks::UnixTime;
    /// # use clarife_webhooks::sender::{EndpointUrl, EventTypes, Plan, Subscription};
    /// # let (url, now) = (EndpointUrl::parse("https://example.com/hooks")?, UnixTime::from_secs(1_711_612_800));
    /// let subscription = Subscription::create(Plan::Pro, 0, url, EventTypes::ALL)?;
    /// let delivery = subscription.accept(EventType::ShareCreated, now);
    /// assert_eq!(delivery.and_then(|delivery| delivery.due()), Some(now));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn accept(&self, event_type: EventType<'_>, now: UnixTime) -> Option<Delivery> {
        self.event_types.contains(event_type).then(|| Delivery::new(&self.health, now))
    }
}
