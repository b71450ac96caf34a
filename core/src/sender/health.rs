//! The health of a subscription: consecutive failures, deactivation and the warning.

use core::fmt;

use serde::{Deserialize, Serialize};

use super::outcome::Outcome;
use crate::UnixTime;

/// The number of consecutive failed attempts, over all deliveries, that deactivates a subscription.
///
/// See [protocol, section 6.2](https://github.com/clarife/clarife-webhooks/blob/main/docs/protocol.md#section-6-2).
///
/// ```
/// # use clarife_webhooks::UnixTime;
/// # use clarife_webhooks::sender::{DEACTIVATION_THRESHOLD, Health, Outcome};
/// # let now = UnixTime::from_secs(1_711_612_800);
/// let fail = |health: Health, _| health.record(Outcome::Status(500), now);
/// assert!((1..DEACTIVATION_THRESHOLD).fold(Health::new(), fail).is_active());
/// assert!(!(0..DEACTIVATION_THRESHOLD).fold(Health::new(), fail).is_active());
/// ```
pub const DEACTIVATION_THRESHOLD: u32 = 10;

/// The consecutive failures of a subscription's endpoint, and the warning of a deactivated subscription.
///
/// Every failed attempt counts, including retries. A failure of the sender itself
/// ([`FailureKind::Local`](super::FailureKind::Local)) does not. A success resets the count to 0. At
/// [`DEACTIVATION_THRESHOLD`] the subscription is deactivated with a [`Warning`] that stays until the owner reactivates
/// the subscription. Until then no outcome changes the health, including outcomes of attempts in flight and of test
/// events.
///
/// ```
/// use clarife_webhooks::UnixTime;
/// use clarife_webhooks::sender::{Health, Outcome};
///
/// let now = UnixTime::from_secs(1_711_612_800);
/// let nine = (0..9).fold(Health::new(), |health, _| health.record(Outcome::Status(503), now));
/// assert!(nine.is_active());
/// assert_eq!(nine.record(Outcome::Status(200), now), Health::new());
///
/// let ten = nine.record(Outcome::Status(503), now);
/// let warning = ten.warning().expect("is deactivated");
/// assert_eq!(warning.to_string(), "deactivated after 10 failed attempts in a row, the last one with status 503");
/// assert!(ten.reactivate().is_active());
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub struct Health {
    consecutive_failures: u32,
    warning: Option<Warning>,
    /// The number of reactivations. A pending delivery belongs to one period, and ends with that period.
    #[serde(default, skip_serializing_if = "is_zero")]
    period: u32,
    /// The end of the period before this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    ended_at: Option<UnixTime>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
pub(super) const fn is_zero(number: &u32) -> bool {
    *number == 0
}

/// The time and the cause of a deactivation.
///
/// ```
/// # use clarife_webhooks::UnixTime;
/// # use clarife_webhooks::sender::{FailureKind, Outcome, Warning};
/// # let deactivated_at = UnixTime::from_secs(1_711_612_800);
/// let warning = Warning { deactivated_at, last_outcome: Outcome::Failure(FailureKind::Dns) };
/// assert_eq!(warning.to_string(), "deactivated after 10 failed attempts in a row, the last one with dns");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Warning {
    /// The time of the last failure.
    pub deactivated_at: UnixTime,
    /// The outcome of the last attempt.
    pub last_outcome: Outcome,
}

impl Health {
    /// Creates the health of a new subscription: active, without failures.
    ///
    /// ```
    /// # use clarife_webhooks::sender::Health;
    /// assert!(Health::new().is_active());
    /// ```
    #[must_use]
    pub const fn new() -> Self {
        Self { consecutive_failures: 0, warning: None, period: 0, ended_at: None }
    }

    /// Returns whether the subscription is active.
    ///
    /// ```
    /// # use clarife_webhooks::UnixTime;
    /// # use clarife_webhooks::sender::{Health, Outcome};
    /// # let now = UnixTime::from_secs(1_711_612_800);
    /// let health = Health::new().record(Outcome::Status(500), now);
    /// assert!(health.is_active()); // one failure is not enough
    /// ```
    #[must_use]
    pub const fn is_active(&self) -> bool {
        self.warning.is_none()
    }

    /// Returns the number of failed attempts since the last success.
    ///
    /// ```
    /// # use clarife_webhooks::UnixTime;
    /// # use clarife_webhooks::sender::{Health, Outcome};
    /// # let now = UnixTime::from_secs(1_711_612_800);
    /// let failed = Health::new().record(Outcome::Status(500), now);
    /// assert_eq!(failed.consecutive_failures(), 1);
    /// assert_eq!(failed.record(Outcome::Status(200), now).consecutive_failures(), 0);
    /// ```
    #[must_use]
    pub const fn consecutive_failures(&self) -> u32 {
        self.consecutive_failures
    }

    /// Returns the warning for the owner of a deactivated subscription.
    ///
    /// ```
    /// # use clarife_webhooks::UnixTime;
    /// # use clarife_webhooks::sender::{Health, Outcome};
    /// # let now = UnixTime::from_secs(1_711_612_800);
    /// let health = (0..10).fold(Health::new(), |health, _| health.record(Outcome::Status(410), now));
    /// assert_eq!(health.warning().map(|warning| warning.last_outcome), Some(Outcome::Status(410)));
    /// ```
    #[must_use]
    pub const fn warning(&self) -> Option<&Warning> {
        self.warning.as_ref()
    }

    /// Returns the health after an attempt that ended at `at`.
    ///
    /// [`Delivery::record`](super::Delivery::record) calls this function for each attempt that counts.
    ///
    /// ```
    /// # use clarife_webhooks::UnixTime;
    /// # use clarife_webhooks::sender::{FailureKind, Health, Outcome};
    /// # let now = UnixTime::from_secs(1_711_612_800);
    /// let health = Health::new().record(Outcome::Failure(FailureKind::Timeout), now);
    /// assert_eq!(health.consecutive_failures(), 1);
    /// ```
    #[must_use]
    pub fn record(&self, outcome: Outcome, at: UnixTime) -> Self {
        if !self.is_active() || outcome.is_local() {
            return *self;
        }
        if outcome.is_success() {
            return Self { consecutive_failures: 0, ..*self };
        }
        let consecutive_failures = self.consecutive_failures.saturating_add(1);
        let deactivated = consecutive_failures >= DEACTIVATION_THRESHOLD;
        let warning = deactivated.then_some(Warning { deactivated_at: at, last_outcome: outcome });
        Self { consecutive_failures, warning, ..*self }
    }

    /// Returns the health after a reactivation by hand: a count of 0 and no warning.
    ///
    /// Deliveries from before the deactivation stay ended, see [`Delivery::settle`](super::Delivery::settle). An active
    /// subscription does not change, except for its count.
    ///
    /// ```
    /// # use clarife_webhooks::UnixTime;
    /// # use clarife_webhooks::sender::{Health, Outcome};
    /// # let now = UnixTime::from_secs(1_711_612_800);
    /// let health = (0..10).fold(Health::new(), |health, _| health.record(Outcome::Status(500), now));
    /// assert!(!health.is_active() && health.reactivate().is_active());
    /// ```
    #[must_use]
    pub const fn reactivate(&self) -> Self {
        match self.warning {
            None => Self { consecutive_failures: 0, ..*self },
            Some(Warning { deactivated_at, .. }) => Self {
                consecutive_failures: 0,
                warning: None,
                period: self.period.saturating_add(1),
                ended_at: Some(deactivated_at),
            },
        }
    }

    /// Returns the number of reactivations.
    pub(super) const fn period(&self) -> u32 {
        self.period
    }

    /// Returns the time at which a period ended, or `None` if that period lasts.
    pub(super) const fn end_of(&self, period: u32) -> Option<UnixTime> {
        match (&self.warning, self.ended_at) {
            (_, Some(ended_at)) if period < self.period => Some(ended_at),
            (Some(warning), _) => Some(warning.deactivated_at),
            _ => None,
        }
    }
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "deactivated after {DEACTIVATION_THRESHOLD} failed attempts in a row, the last one with ")?;
        self.last_outcome.fmt(f)
    }
}
