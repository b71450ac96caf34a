//! A subscription's health: when it is deactivated, and what its owner sees.

use core::fmt;

use serde::{Deserialize, Serialize};

use super::outcome::Outcome;
use crate::UnixTime;

/// After this many failed attempts in a row, over all its deliveries, a subscription is deactivated (protocol, section 6).
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

/// How a subscription's endpoint has answered lately, and whether the subscription is active.
///
/// Every failed attempt counts, retries included; a success sets the count to 0. At [`DEACTIVATION_THRESHOLD`] the
/// subscription is deactivated with a [`Warning`] that stays until somebody reactivates it by hand. From then on no
/// outcome changes anything: neither what was still under way, nor test events.
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
/// assert_eq!(ten.reactivate(), Health::new());
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub struct Health {
    consecutive_failures: u32,
    warning: Option<Warning>,
}

/// Why and when a subscription was deactivated.
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
    /// When the attempt failed that was one too many.
    pub deactivated_at: UnixTime,
    /// What came of that attempt.
    pub last_outcome: Outcome,
}

impl Health {
    /// The health of a new subscription: active, nothing failed.
    ///
    /// ```
    /// # use clarife_webhooks::sender::Health;
    /// assert!(Health::new().is_active());
    /// ```
    #[must_use]
    pub const fn new() -> Self {
        Self { consecutive_failures: 0, warning: None }
    }

    /// Whether deliveries are attempted.
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

    /// How many attempts have failed since the last success.
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

    /// What the subscription's owner must see while it is deactivated.
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

    /// The health after an attempt that ended at `at`. [`Delivery::record`](super::Delivery::record) calls this for the
    /// attempts that count.
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
        if !self.is_active() {
            return *self;
        }
        if outcome.is_success() {
            return Self::new();
        }
        let consecutive_failures = self.consecutive_failures.saturating_add(1);
        let deactivated = consecutive_failures >= DEACTIVATION_THRESHOLD;
        let warning = deactivated.then_some(Warning { deactivated_at: at, last_outcome: outcome });
        Self { consecutive_failures, warning }
    }

    /// The health after somebody has reactivated the subscription by hand: the count is 0, the warning gone.
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
        Self::new()
    }
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "deactivated after {DEACTIVATION_THRESHOLD} failed attempts in a row, the last one with ")?;
        self.last_outcome.fmt(f)
    }
}
