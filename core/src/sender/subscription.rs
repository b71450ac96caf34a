//! Subscriptions of a workspace.

use serde::{Deserialize, Serialize};

use super::delivery::Delivery;
use super::endpoint::EndpointUrl;
use super::event_types::EventTypes;
use super::health::Health;
use super::plan::{Plan, PlanLimitReached};
use crate::EventType;
use crate::UnixTime;

/// A subscription of a workspace: the URL of its endpoint, its event types and its health.
///
/// The secret is not part of the subscription. [`Signer`](super::Signer) holds the secret. See
/// [protocol, section 6.3](https://github.com/clarife/clarife-webhooks/blob/main/docs/protocol.md#section-6-3).
///
/// ```
/// use clarife_webhooks::EventType;
/// use clarife_webhooks::UnixTime;
/// use clarife_webhooks::sender::{EndpointUrl, EventTypes, Plan, Subscription};
///
/// let url = EndpointUrl::parse("https://example.com/hooks")?;
/// let types = EventTypes::from_names(["document.updated"])?;
/// let existing = 0; // other subscriptions of the workspace
/// let subscription = Subscription::create(Plan::Pro, existing, url, types)?;
///
/// let now = UnixTime::from_secs(1_711_612_800);
/// assert!(subscription.accept(EventType::DocumentUpdated, now).is_some());
/// assert!(subscription.accept(EventType::ShareCreated, now).is_none());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Subscription {
    /// The URL of the endpoint.
    #[serde(deserialize_with = "EndpointUrl::deserialize_stored")]
    pub url: EndpointUrl,
    /// The event types of the subscription.
    pub event_types: EventTypes,
    /// The health of the subscription.
    pub health: Health,
}

impl Subscription {
    /// Creates an active subscription for a workspace with `existing` other subscriptions.
    ///
    /// # Errors
    ///
    /// [`PlanLimitReached`] if the plan allows no more.
    ///
    /// ```
    /// # use clarife_webhooks::sender::{EndpointUrl, EventTypes, Plan, Subscription};
    /// # let url = EndpointUrl::parse("https://example.com/hooks")?;
    /// let error = Subscription::create(Plan::Pro, 3, url, EventTypes::ALL).unwrap_err();
    /// assert_eq!(error.limit(), 3);
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

    /// Creates the delivery of an event that happens now: pending, or held while the subscription is inactive.
    ///
    /// Returns `None` if the subscription does not include the event's type.
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
