//! One event on its way to one subscription.

use core::fmt;

use serde::{Deserialize, Serialize};

use super::health::Health;
use super::outcome::Outcome;
use super::schedule::retry_delay;
use crate::UnixTime;

/// One event on its way to one subscription: what was tried, and what comes next (protocol, section 6).
///
/// A state machine without a clock or a network. The sender makes the attempt that a pending delivery is due for, and
/// [`record`](Self::record)s what came of it; every retry sends the same bytes with a new signature.
///
/// ```
/// use clarife_webhooks::UnixTime;
/// use clarife_webhooks::sender::{Delivery, DeliveryState, Health, Outcome};
///
/// let (health, now) = (Health::new(), UnixTime::from_secs(1_711_612_800));
/// let delivery = Delivery::new(&health, now);
/// assert_eq!(delivery.state(), DeliveryState::Pending { attempt: 1, due: now });
///
/// let failed_at = UnixTime::from_millis(1_711_612_800_250);
/// let recorded = delivery.record(&health, 1, Outcome::Status(503), failed_at);
/// let due = UnixTime::from_millis(1_711_612_801_250);
/// assert_eq!(recorded.delivery.state(), DeliveryState::Pending { attempt: 2, due });
/// assert_eq!(recorded.health.consecutive_failures(), 1);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Delivery {
    kind: DeliveryKind,
    state: DeliveryState,
}

/// What is delivered.
///
/// ```
/// # use clarife_webhooks::UnixTime;
/// # use clarife_webhooks::sender::{Delivery, DeliveryKind};
/// assert_eq!(Delivery::test(UnixTime::from_secs(0)).kind(), DeliveryKind::Test);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeliveryKind {
    /// Something that happened.
    Event,
    /// A test event: one attempt, sent to a deactivated subscription too, never counted.
    Test,
}

/// Where a delivery stands.
///
/// ```
/// # use clarife_webhooks::UnixTime;
/// # use clarife_webhooks::sender::DeliveryState;
/// let state = DeliveryState::Pending { attempt: 2, due: UnixTime::from_secs(10) };
/// assert_eq!(serde_json::to_string(&state)?, r#"{"pending":{"attempt":2,"due":10000}}"#);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeliveryState {
    /// An attempt is to be made, or under way.
    Pending {
        /// Which one; the first is 1.
        attempt: u32,
        /// When it is to start, at the earliest.
        due: UnixTime,
    },
    /// The endpoint has answered with a 2xx status.
    Delivered {
        /// How many attempts it took.
        attempts: u32,
        /// When the last one ended.
        at: UnixTime,
    },
    /// Nothing more is tried, unless somebody sends it again by hand.
    Failed {
        /// Why.
        reason: FailureReason,
        /// How many attempts were made.
        attempts: u32,
        /// When the delivery failed.
        at: UnixTime,
    },
    /// The subscription was inactive when the event happened; kept to be sent by hand.
    Held {
        /// When it was put here.
        since: UnixTime,
    },
}

/// Why a delivery has failed.
///
/// ```
/// use clarife_webhooks::sender::FailureReason;
/// assert_eq!(FailureReason::AttemptsExhausted.as_str(), "attempts_exhausted");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum FailureReason {
    /// All attempts have failed.
    AttemptsExhausted,
    /// The subscription was deactivated before the next attempt.
    SubscriptionDeactivated,
}

/// What follows from the outcome of an attempt; store all of it in one step.
///
/// ```
/// # use clarife_webhooks::UnixTime;
/// # use clarife_webhooks::sender::{Delivery, Health, Outcome};
/// # let (health, now) = (Health::new(), UnixTime::from_secs(1_711_612_800));
/// let first = Delivery::new(&health, now).record(&health, 1, Outcome::Status(200), now);
/// let again = first.delivery.record(&first.health, 1, Outcome::Status(200), now);
/// assert!(first.changed && !again.changed);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use = "the delivery and the health are new values"]
pub struct Recorded {
    /// The delivery from now on.
    pub delivery: Delivery,
    /// The subscription's health from now on.
    pub health: Health,
    /// Whether this outcome deactivated the subscription: now [`deactivate`](Delivery::deactivate) its other deliveries.
    pub deactivated: bool,
    /// Whether anything has changed; if not, the outcome belongs in the log and nowhere else.
    pub changed: bool,
}

/// Why a delivery is not sent again.
///
/// ```
/// # use clarife_webhooks::UnixTime;
/// # use clarife_webhooks::sender::{Delivery, Health, ResendError};
/// # let now = UnixTime::from_secs(1_711_612_800);
/// assert_eq!(Delivery::test(now).resend(&Health::new(), now), Err(ResendError::TestEvent));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ResendError {
    /// It is still pending, or delivered.
    NotFailed,
    /// The subscription is deactivated; reactivate it first.
    SubscriptionDeactivated,
    /// It is a test event; send a new one.
    TestEvent,
}

impl Delivery {
    /// The delivery of an event that happens now: due at once, or held while the subscription is inactive.
    ///
    /// ```
    /// # use clarife_webhooks::UnixTime;
    /// # use clarife_webhooks::sender::{Delivery, DeliveryState, Health, Outcome};
    /// # let now = UnixTime::from_secs(1_711_612_800);
    /// let inactive = (0..10).fold(Health::new(), |health, _| health.record(Outcome::Status(500), now));
    /// assert_eq!(Delivery::new(&inactive, now).state(), DeliveryState::Held { since: now });
    /// ```
    #[must_use]
    pub const fn new(health: &Health, now: UnixTime) -> Self {
        let state = if health.is_active() {
            DeliveryState::Pending { attempt: 1, due: now }
        } else {
            DeliveryState::Held { since: now }
        };
        Self { kind: DeliveryKind::Event, state }
    }

    /// The delivery of a test event: due at once, whether the subscription is active or not.
    ///
    /// ```
    /// # use clarife_webhooks::UnixTime;
    /// # use clarife_webhooks::sender::{Delivery, Health, Outcome};
    /// # let now = UnixTime::from_secs(1_711_612_800);
    /// let recorded = Delivery::test(now).record(&Health::new(), 1, Outcome::Status(500), now);
    /// assert_eq!(recorded.delivery.due(), None); // no second attempt
    /// assert_eq!(recorded.health, Health::new()); // and not counted
    /// ```
    #[must_use]
    pub const fn test(now: UnixTime) -> Self {
        Self { kind: DeliveryKind::Test, state: DeliveryState::Pending { attempt: 1, due: now } }
    }

    /// What is delivered.
    ///
    /// ```
    /// # use clarife_webhooks::UnixTime;
    /// # use clarife_webhooks::sender::{Delivery, DeliveryKind, Health};
    /// let delivery = Delivery::new(&Health::new(), UnixTime::from_secs(0));
    /// assert_eq!(delivery.kind(), DeliveryKind::Event);
    /// ```
    #[must_use]
    pub const fn kind(&self) -> DeliveryKind {
        self.kind
    }

    /// Where it stands.
    ///
    /// ```
    /// # use clarife_webhooks::UnixTime;
    /// # use clarife_webhooks::sender::{Delivery, DeliveryState, Health};
    /// # let now = UnixTime::from_secs(1_711_612_800);
    /// match Delivery::new(&Health::new(), now).state() {
    ///     DeliveryState::Pending { attempt, .. } => println!("attempt {attempt} is next"),
    ///     ended => println!("{ended:?}"),
    /// }
    /// ```
    #[must_use]
    pub const fn state(&self) -> DeliveryState {
        self.state
    }

    /// When the next attempt is to start, at the earliest; `None` if there is none.
    ///
    /// Before it starts an attempt, a sender makes sure that the subscription is still active; if not, it
    /// [`deactivate`](Self::deactivate)s the delivery instead.
    ///
    /// ```
    /// # use clarife_webhooks::UnixTime;
    /// # use clarife_webhooks::sender::{Delivery, Health};
    /// let deliveries = [9, 5].map(|at| Delivery::new(&Health::new(), UnixTime::from_secs(at)));
    /// let wake_at = deliveries.iter().filter_map(Delivery::due).min();
    /// assert_eq!(wake_at, Some(UnixTime::from_secs(5)));
    /// ```
    #[must_use]
    pub const fn due(&self) -> Option<UnixTime> {
        match self.state {
            DeliveryState::Pending { due, .. } => Some(due),
            _ => None,
        }
    }

    /// What follows from an attempt that ended at `at`; `attempt` is the number it was started with, `health` is that of the
    /// subscription when the outcome is recorded.
    ///
    /// An outcome that the delivery does not wait for changes nothing: one that was recorded before, or one that comes after
    /// the end. So recording is idempotent, and a crash between an attempt and its record does no harm.
    ///
    /// An attempt under way when the subscription is deactivated does not count. Its success still makes the delivery
    /// delivered; its failure ends it, with the reason [`FailureReason::SubscriptionDeactivated`] unless it was the last.
    ///
    /// ```
    /// # use clarife_webhooks::UnixTime;
    /// # use clarife_webhooks::sender::{Delivery, DeliveryState, Health, Outcome};
    /// # let (health, at) = (Health::new(), UnixTime::from_secs(1_711_612_800));
    /// let recorded = Delivery::new(&health, at).record(&health, 1, Outcome::Status(204), at);
    /// assert_eq!(recorded.delivery.state(), DeliveryState::Delivered { attempts: 1, at });
    /// ```
    pub fn record(&self, health: &Health, attempt: u32, outcome: Outcome, at: UnixTime) -> Recorded {
        let (kind, delivered) = (self.kind, DeliveryState::Delivered { attempts: attempt, at });
        match self.state {
            DeliveryState::Pending { attempt: awaited, .. } if awaited == attempt => {}
            // It was under way when the delivery was ended, and has arrived all the same.
            DeliveryState::Failed { reason: FailureReason::SubscriptionDeactivated, attempts, .. }
                if attempts.checked_add(1) == Some(attempt) && outcome.is_success() =>
            {
                let delivery = Self { kind, state: delivered };
                return Recorded { delivery, health: *health, deactivated: false, changed: true };
            }
            _ => return Recorded { delivery: *self, health: *health, deactivated: false, changed: false },
        }
        let was_active = health.is_active();
        let (health, delay) = match kind {
            DeliveryKind::Event => (health.record(outcome, at), retry_delay(attempt)),
            DeliveryKind::Test => (*health, None),
        };
        let state = match delay {
            _ if outcome.is_success() => delivered,
            None => failed(FailureReason::AttemptsExhausted, attempt, at),
            Some(_) if !health.is_active() => failed(FailureReason::SubscriptionDeactivated, attempt, at),
            Some(delay) => DeliveryState::Pending { attempt: attempt.saturating_add(1), due: at.saturating_add(delay) },
        };
        let deactivated = was_active && !health.is_active();
        Recorded { delivery: Self { kind, state }, health, deactivated, changed: true }
    }

    /// The delivery after its subscription was deactivated: what was pending has failed. Everything else, and a test event,
    /// stays as it is.
    ///
    /// ```
    /// use clarife_webhooks::UnixTime;
    /// use clarife_webhooks::sender::{Delivery, DeliveryState, FailureReason, Health};
    ///
    /// let now = UnixTime::from_secs(1_711_612_800);
    /// let ended = Delivery::new(&Health::new(), now).deactivate(now);
    /// let reason = FailureReason::SubscriptionDeactivated;
    /// assert_eq!(ended.state(), DeliveryState::Failed { reason, attempts: 0, at: now });
    /// ```
    #[must_use]
    pub const fn deactivate(&self, now: UnixTime) -> Self {
        match (self.kind, self.state) {
            (DeliveryKind::Event, DeliveryState::Pending { attempt, .. }) => {
                let state = failed(FailureReason::SubscriptionDeactivated, attempt.saturating_sub(1), now);
                Self { kind: self.kind, state }
            }
            _ => *self,
        }
    }

    /// A fresh delivery of the same event, with the same bytes, when somebody sends a failed or held one again by hand. A
    /// failed one stays in the log beside it; a held one is replaced by it.
    ///
    /// # Errors
    ///
    /// [`ResendError`] if this delivery has neither failed nor is held, if it is a test event, or if the subscription is inactive.
    ///
    /// ```
    /// use clarife_webhooks::UnixTime;
    /// use clarife_webhooks::sender::{Delivery, Health, Outcome, ResendError};
    ///
    /// let (health, now) = (Health::new(), UnixTime::from_secs(1_711_612_800));
    /// let failed = Delivery::new(&health, now).deactivate(now);
    /// assert_eq!(failed.resend(&health, now), Ok(Delivery::new(&health, now)));
    /// assert_eq!(Delivery::new(&health, now).resend(&health, now), Err(ResendError::NotFailed));
    /// ```
    pub const fn resend(&self, health: &Health, now: UnixTime) -> Result<Self, ResendError> {
        match (self.kind, self.state) {
            (DeliveryKind::Test, _) => Err(ResendError::TestEvent),
            (_, DeliveryState::Pending { .. } | DeliveryState::Delivered { .. }) => Err(ResendError::NotFailed),
            _ if !health.is_active() => Err(ResendError::SubscriptionDeactivated),
            _ => Ok(Self::new(health, now)),
        }
    }
}

const fn failed(reason: FailureReason, attempts: u32, at: UnixTime) -> DeliveryState {
    DeliveryState::Failed { reason, attempts, at }
}

impl FailureReason {
    /// The reason as it is written in logs and answers, for example `attempts_exhausted`.
    ///
    /// ```
    /// # use clarife_webhooks::sender::FailureReason;
    /// assert_eq!(FailureReason::SubscriptionDeactivated.as_str(), "subscription_deactivated");
    /// ```
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AttemptsExhausted => "attempts_exhausted",
            Self::SubscriptionDeactivated => "subscription_deactivated",
        }
    }
}

impl fmt::Display for FailureReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Display for ResendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotFailed => "only a failed or held delivery can be sent again",
            Self::SubscriptionDeactivated => "the subscription is deactivated",
            Self::TestEvent => "a test event is not sent again",
        })
    }
}

impl core::error::Error for ResendError {}
