//! Deliveries: one event for one subscription, as a state machine.

use core::fmt;

use serde::{Deserialize, Serialize};

use super::health::{Health, is_zero};
use super::outcome::Outcome;
use super::schedule::retry_delay;
use crate::UnixTime;

/// A delivery: one event for one subscription, with its state.
///
/// A delivery is a state machine without clock and network. The sender makes each attempt that is due and
/// [`record`](Self::record)s the outcome. A retry sends the same bytes with a new signature. See
/// [protocol, section 6.1](https://github.com/clarife/clarife-webhooks/blob/main/docs/protocol.md#section-6-1).
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
    /// The period of the subscription's health that the delivery belongs to while it is pending.
    #[serde(default, skip_serializing_if = "is_zero")]
    period: u32,
}

/// The kind of a delivery.
///
/// ```
/// # use clarife_webhooks::UnixTime;
/// # use clarife_webhooks::sender::{Delivery, DeliveryKind};
/// assert_eq!(Delivery::test(UnixTime::from_secs(0)).kind(), DeliveryKind::Test);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeliveryKind {
    /// An event.
    Event,
    /// A test event. It has one attempt, reaches deactivated subscriptions too, and never counts as a failure.
    Test,
}

/// The state of a delivery.
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
    /// An attempt is planned or in flight.
    Pending {
        /// The number of the attempt, from 1.
        attempt: u32,
        /// The earliest start of the attempt.
        due: UnixTime,
    },
    /// The endpoint responded with a 2xx status.
    Delivered {
        /// The number of attempts.
        attempts: u32,
        /// The end of the last attempt.
        at: UnixTime,
    },
    /// The delivery failed. Only a resend by hand creates another attempt.
    Failed {
        /// The reason for the failure.
        reason: FailureReason,
        /// The number of attempts.
        attempts: u32,
        /// The time of the failure.
        at: UnixTime,
    },
    /// The subscription was inactive when the event happened. The delivery is kept for a resend by hand.
    Held {
        /// The time of the event.
        since: UnixTime,
    },
}

/// The reason for a failed delivery.
///
/// ```
/// use clarife_webhooks::sender::FailureReason;
/// assert_eq!(FailureReason::AttemptsExhausted.as_str(), "attempts_exhausted");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum FailureReason {
    /// All attempts failed.
    AttemptsExhausted,
    /// The subscription was deactivated before the next attempt.
    SubscriptionDeactivated,
}

/// The result of recording an outcome. Store all of its parts in one transaction.
///
/// ```
/// # use clarife_webhooks::UnixTime;
/// # use clarife_webhooks::sender::{Delivery, Health, Outcome};
/// # let (health, now) = (Health::new(), UnixTime::from_secs(1_711_612_800));
/// let first = Delivery::new(&health, now).record(&health, 1, Outcome::Status(200), now);
/// let second = first.delivery.record(&first.health, 1, Outcome::Status(200), now);
/// assert!(first.changed && !second.changed);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use = "the delivery and the health are new values"]
pub struct Recorded {
    /// The new delivery.
    pub delivery: Delivery,
    /// The new health of the subscription.
    pub health: Health,
    /// `true` if the outcome deactivated the subscription. [`settle`](Delivery::settle) its other deliveries then.
    pub deactivated: bool,
    /// `true` if the delivery or the health changed. Otherwise the outcome belongs in the history only.
    pub changed: bool,
}

/// A resend by hand: the new delivery, and its place. See [`Delivery::resend`].
///
/// ```
/// # use clarife_webhooks::UnixTime;
/// # use clarife_webhooks::sender::{Delivery, Health, Outcome, Resend};
/// # let now = UnixTime::from_secs(1_711_612_800);
/// let inactive = (0..10).fold(Health::new(), |health, _| health.record(Outcome::Status(500), now));
/// let (held, active) = (Delivery::new(&inactive, now), inactive.reactivate());
/// assert_eq!(held.resend(&active, now), Ok(Resend::Reuse(Delivery::new(&active, now))));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Resend {
    /// The new delivery replaces the held one and keeps its id.
    Reuse(Delivery),
    /// The failed delivery stays in the history, and the new delivery has an id of its own.
    Beside(Delivery),
}

impl Resend {
    /// Returns the new delivery.
    ///
    /// ```
    /// # use clarife_webhooks::UnixTime;
    /// # use clarife_webhooks::sender::{Delivery, Health, Resend};
    /// let delivery = Delivery::new(&Health::new(), UnixTime::from_secs(0));
    /// assert_eq!(Resend::Reuse(delivery).delivery(), delivery);
    /// ```
    #[must_use]
    pub const fn delivery(self) -> Delivery {
        match self {
            Self::Reuse(delivery) | Self::Beside(delivery) => delivery,
        }
    }
}

/// The error of a delivery that cannot be sent again.
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
    /// The delivery is pending or delivered.
    NotFailed,
    /// The subscription is deactivated and must be reactivated first.
    SubscriptionDeactivated,
    /// The delivery is a test event. Send a new test event instead.
    TestEvent,
}

impl Delivery {
    /// Creates the delivery of an event that happens now: due at once, or held while the subscription is inactive.
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
        Self { kind: DeliveryKind::Event, state, period: health.period() }
    }

    /// Creates the delivery of a test event: due at once, even if the subscription is inactive.
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
        Self { kind: DeliveryKind::Test, state: DeliveryState::Pending { attempt: 1, due: now }, period: 0 }
    }

    /// Returns the kind of the delivery.
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

    /// Returns the state of the delivery.
    ///
    /// ```
    /// # use clarife_webhooks::UnixTime;
    /// # use clarife_webhooks::sender::{Delivery, DeliveryState, Health};
    /// # let now = UnixTime::from_secs(1_711_612_800);
    /// match Delivery::new(&Health::new(), now).state() {
    ///     DeliveryState::Pending { attempt, .. } => println!("attempt {attempt} is next"),
    ///     state => println!("{state:?}"),
    /// }
    /// ```
    #[must_use]
    pub const fn state(&self) -> DeliveryState {
        self.state
    }

    /// Returns the earliest start of the next attempt, or `None` if no attempt follows.
    ///
    /// Before an attempt, a sender [`settle`](Self::settle)s the delivery: a deactivation of the subscription may have
    /// ended it.
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

    /// Records the outcome of an attempt that ended at `at`, and returns the new delivery and health.
    ///
    /// `attempt` is the number of the attempt. `health` is the current health of the subscription.
    ///
    /// Recording is idempotent. An outcome that was recorded before, or that comes after the delivery ended, changes
    /// nothing. A crash between an attempt and its record does no harm.
    ///
    /// A failure of the sender itself, [`FailureKind::Local`](super::FailureKind::Local), changes nothing either: the
    /// same attempt is made again.
    ///
    /// An attempt in flight during a deactivation does not count, not even after a reactivation. Its success still
    /// delivers the event. Its failure ends the delivery, with the reason [`FailureReason::SubscriptionDeactivated`]
    /// unless it was the last attempt.
    ///
    /// ```
    /// # use clarife_webhooks::UnixTime;
    /// # use clarife_webhooks::sender::{Delivery, DeliveryState, Health, Outcome};
    /// # let (health, at) = (Health::new(), UnixTime::from_secs(1_711_612_800));
    /// let recorded = Delivery::new(&health, at).record(&health, 1, Outcome::Status(204), at);
    /// assert_eq!(recorded.delivery.state(), DeliveryState::Delivered { attempts: 1, at });
    /// ```
    pub fn record(&self, health: &Health, attempt: u32, outcome: Outcome, at: UnixTime) -> Recorded {
        let delivered = DeliveryState::Delivered { attempts: attempt, at };
        match self.state {
            DeliveryState::Pending { attempt: expected, .. } if expected == attempt && !outcome.is_local() => {}
            // The attempt was in flight when the deactivation ended the delivery, and succeeded.
            DeliveryState::Failed { reason: FailureReason::SubscriptionDeactivated, attempts, .. }
                if attempts.checked_add(1) == Some(attempt) && outcome.is_success() =>
            {
                let delivery = Self { state: delivered, ..*self };
                return Recorded { delivery, health: *health, deactivated: false, changed: true };
            }
            _ => return Recorded { delivery: *self, health: *health, deactivated: false, changed: false },
        }
        let was_active = health.is_active();
        let (health, delay) = match self.kind {
            DeliveryKind::Event if health.end_of(self.period).is_some() => (*health, retry_delay(attempt)),
            DeliveryKind::Event => (health.record(outcome, at), retry_delay(attempt)),
            DeliveryKind::Test => (*health, None),
        };
        let state = match delay {
            _ if outcome.is_success() => delivered,
            None => failed(FailureReason::AttemptsExhausted, attempt, at),
            Some(_) if health.end_of(self.period).is_some() => {
                failed(FailureReason::SubscriptionDeactivated, attempt, at)
            }
            Some(delay) => DeliveryState::Pending { attempt: attempt.saturating_add(1), due: at.saturating_add(delay) },
        };
        let deactivated = was_active && !health.is_active();
        Recorded { delivery: Self { state, ..*self }, health, deactivated, changed: true }
    }

    /// Returns the delivery as the subscription's health leaves it.
    ///
    /// A deactivation ends all pending deliveries of events. A reactivation does not revive them, so that a store may
    /// write their ends later, one after the other. Deliveries that a reader or the sender's loop reads in between are
    /// settled first.
    ///
    /// ```
    /// use clarife_webhooks::UnixTime;
    /// use clarife_webhooks::sender::{Delivery, DeliveryState, FailureReason, Health, Outcome};
    ///
    /// let now = UnixTime::from_secs(1_711_612_800);
    /// let delivery = Delivery::new(&Health::new(), now);
    /// let health = (0..10).fold(Health::new(), |health, _| health.record(Outcome::Status(500), now));
    ///
    /// let reason = FailureReason::SubscriptionDeactivated;
    /// let ended = DeliveryState::Failed { reason, attempts: 0, at: now };
    /// assert_eq!(delivery.settle(&health).state(), ended);
    /// assert_eq!(delivery.settle(&health.reactivate()).state(), ended);
    /// ```
    #[must_use]
    pub const fn settle(&self, health: &Health) -> Self {
        match health.end_of(self.period) {
            Some(ended_at) => self.deactivate(ended_at),
            None => *self,
        }
    }

    /// Returns the delivery after a deactivation of its subscription.
    ///
    /// A pending delivery of an event fails. Deliveries in other states and test events do not change.
    ///
    /// ```
    /// use clarife_webhooks::UnixTime;
    /// use clarife_webhooks::sender::{Delivery, DeliveryState, FailureReason, Health};
    ///
    /// let now = UnixTime::from_secs(1_711_612_800);
    /// let delivery = Delivery::new(&Health::new(), now).deactivate(now);
    /// let reason = FailureReason::SubscriptionDeactivated;
    /// assert_eq!(delivery.state(), DeliveryState::Failed { reason, attempts: 0, at: now });
    /// ```
    #[must_use]
    pub const fn deactivate(&self, now: UnixTime) -> Self {
        match (self.kind, self.state) {
            (DeliveryKind::Event, DeliveryState::Pending { attempt, .. }) => {
                let state = failed(FailureReason::SubscriptionDeactivated, attempt.saturating_sub(1), now);
                Self { state, ..*self }
            }
            _ => *self,
        }
    }

    /// Returns the delivery of a resend by hand, and its place: a failed delivery stays in the history beside the new
    /// one, and a held delivery is replaced.
    ///
    /// The new delivery sends the same bytes.
    ///
    /// # Errors
    ///
    /// [`ResendError`] if the delivery is neither failed nor held, if it is a test event, or if the subscription is
    /// inactive.
    ///
    /// ```
    /// use clarife_webhooks::UnixTime;
    /// use clarife_webhooks::sender::{Delivery, Health, Outcome, Resend, ResendError};
    ///
    /// let (health, now) = (Health::new(), UnixTime::from_secs(1_711_612_800));
    /// let failed = Delivery::new(&health, now).deactivate(now);
    /// assert_eq!(failed.resend(&health, now), Ok(Resend::Beside(Delivery::new(&health, now))));
    /// assert_eq!(Delivery::new(&health, now).resend(&health, now), Err(ResendError::NotFailed));
    /// ```
    pub const fn resend(&self, health: &Health, now: UnixTime) -> Result<Resend, ResendError> {
        match (self.kind, self.state) {
            (DeliveryKind::Test, _) => Err(ResendError::TestEvent),
            (_, DeliveryState::Pending { .. } | DeliveryState::Delivered { .. }) => Err(ResendError::NotFailed),
            _ if !health.is_active() => Err(ResendError::SubscriptionDeactivated),
            (_, DeliveryState::Held { .. }) => Ok(Resend::Reuse(Self::new(health, now))),
            (_, DeliveryState::Failed { .. }) => Ok(Resend::Beside(Self::new(health, now))),
        }
    }
}

const fn failed(reason: FailureReason, attempts: u32, at: UnixTime) -> DeliveryState {
    DeliveryState::Failed { reason, attempts, at }
}

impl FailureReason {
    /// Every reason.
    ///
    /// ```
    /// # use clarife_webhooks::sender::FailureReason;
    /// let reasons = ["attempts_exhausted", "subscription_deactivated"];
    /// assert_eq!(FailureReason::ALL.map(FailureReason::as_str), reasons);
    /// ```
    pub const ALL: [Self; 2] = [Self::AttemptsExhausted, Self::SubscriptionDeactivated];

    /// Returns the reason as text for logs and responses, for example `attempts_exhausted`.
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
            Self::NotFailed => "cannot resend the delivery: neither failed nor held",
            Self::SubscriptionDeactivated => "cannot resend the delivery: the subscription is deactivated",
            Self::TestEvent => "cannot resend the delivery: a test event",
        })
    }
}

impl core::error::Error for ResendError {}
