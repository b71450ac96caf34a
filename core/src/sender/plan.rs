//! Plans, and their limits.

use core::fmt;

use serde::{Deserialize, Serialize};

/// The plan of a workspace, which limits the number of subscriptions.
///
/// See [protocol, section 6.3](https://github.com/clarife/clarife-webhooks/blob/main/docs/protocol.md#section-6-3).
///
/// ```
/// use clarife_webhooks::sender::Plan;
///
/// assert_eq!(Plan::Pro.max_subscriptions(), 3);
/// assert!(Plan::Pro.check(2).is_ok());
/// let error = Plan::Pro.check(3).unwrap_err();
/// assert_eq!(error.to_string(), "the plan allows 3 subscriptions per workspace, and all are in use");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Plan {
    /// The plan Pro, with 3 subscriptions.
    Pro,
    /// The plan Business, with 20 subscriptions.
    Business,
    /// Any other plan, known or unknown, without subscriptions.
    #[serde(other)]
    Other,
}

/// The error of a workspace that has reached the limit of its plan.
///
/// ```
/// # use clarife_webhooks::sender::Plan;
/// let error = Plan::Other.check(0).unwrap_err();
/// assert_eq!(error.to_string(), "the plan allows no webhook subscriptions");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct PlanLimitReached {
    limit: usize,
}

impl Plan {
    /// Returns the largest number of subscriptions of a workspace.
    ///
    /// ```
    /// # use clarife_webhooks::sender::Plan;
    /// assert_eq!([Plan::Pro, Plan::Business, Plan::Other].map(Plan::max_subscriptions), [3, 20, 0]);
    /// ```
    #[must_use]
    pub const fn max_subscriptions(self) -> usize {
        match self {
            Self::Pro => 3,
            Self::Business => 20,
            Self::Other => 0,
        }
    }

    /// Checks that a workspace with `existing` subscriptions, active or not, may add a subscription.
    ///
    /// # Errors
    ///
    /// [`PlanLimitReached`] if the plan allows no more.
    ///
    /// ```
    /// # use clarife_webhooks::sender::Plan;
    /// Plan::Business.check(19)?; // room for one more
    /// assert!(Plan::Business.check(20).is_err());
    /// # Ok::<(), clarife_webhooks::sender::PlanLimitReached>(())
    /// ```
    pub const fn check(self, existing: usize) -> Result<(), PlanLimitReached> {
        let limit = self.max_subscriptions();
        if existing < limit { Ok(()) } else { Err(PlanLimitReached { limit }) }
    }
}

impl PlanLimitReached {
    /// Returns the limit of the plan.
    ///
    /// ```
    /// # use clarife_webhooks::sender::Plan;
    /// assert_eq!(Plan::Pro.check(3).map_err(|error| error.limit()), Err(3));
    /// ```
    #[must_use]
    pub const fn limit(self) -> usize {
        self.limit
    }
}

impl fmt::Display for PlanLimitReached {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.limit {
            0 => f.write_str("the plan allows no webhook subscriptions"),
            limit => write!(f, "the plan allows {limit} subscriptions per workspace, and all are in use"),
        }
    }
}

impl core::error::Error for PlanLimitReached {}
