//! What a workspace's plan allows.

use core::fmt;

use serde::{Deserialize, Serialize};

/// The plan of a workspace, which decides how many subscriptions it may have (protocol, section 6).
///
/// ```
/// use clarife_webhooks::sender::Plan;
///
/// assert_eq!(Plan::Pro.max_subscriptions(), 3);
/// assert!(Plan::Pro.check(2).is_ok());
/// let refused = Plan::Pro.check(3).unwrap_err();
/// assert_eq!(refused.to_string(), "the plan allows 3 subscriptions per workspace, and all are in use");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Plan {
    /// Pro: 3 subscriptions.
    Pro,
    /// Business: 20 subscriptions.
    Business,
    /// Every other plan, and those that this version does not know: none.
    #[serde(other)]
    Other,
}

/// A workspace has as many subscriptions as its plan allows.
///
/// ```
/// # use clarife_webhooks::sender::Plan;
/// let refused = Plan::Other.check(0).unwrap_err();
/// assert_eq!(refused.to_string(), "the plan allows no webhook subscriptions");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct PlanLimitReached {
    limit: usize,
}

impl Plan {
    /// How many subscriptions a workspace may have.
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

    /// Whether a workspace that has so many subscriptions, active or not, may have one more.
    ///
    /// # Errors
    ///
    /// [`PlanLimitReached`] if not.
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
    /// How many subscriptions the plan allows.
    ///
    /// ```
    /// # use clarife_webhooks::sender::Plan;
    /// assert_eq!(Plan::Pro.check(3).map_err(|refused| refused.limit()), Err(3));
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
