//! Moments in time, given by the caller: nothing here reads a clock.

use alloc::string::String;
use core::time::Duration;

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// A moment: milliseconds since 1970-01-01T00:00:00Z, negative before.
///
/// Arithmetic saturates, so no time panics or wraps. It is serialized as the number.
///
/// ```
/// use clarife_webhooks::sender::UnixMillis;
/// use std::time::Duration;
///
/// let now = UnixMillis::from_secs(1_711_612_800);
/// assert_eq!(now.saturating_add(Duration::from_millis(1_500)).as_millis(), 1_711_612_801_500);
/// assert_eq!(now.to_rfc3339().as_deref(), Some("2024-03-28T08:00:00Z"));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct UnixMillis(i64);

impl UnixMillis {
    /// The moment of that many milliseconds.
    ///
    /// ```
    /// # use clarife_webhooks::sender::UnixMillis;
    /// use std::time::{SystemTime, UNIX_EPOCH};
    /// let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH)?;
    /// let now = UnixMillis::from_millis(since_epoch.as_millis().try_into()?);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis)
    }

    /// The moment of that many seconds.
    ///
    /// ```
    /// # use clarife_webhooks::sender::UnixMillis;
    /// assert_eq!(UnixMillis::from_secs(2), UnixMillis::from_millis(2_000));
    /// ```
    #[must_use]
    pub const fn from_secs(seconds: i64) -> Self {
        Self(seconds.saturating_mul(1000))
    }

    /// Milliseconds since the epoch.
    ///
    /// ```
    /// # use clarife_webhooks::sender::UnixMillis;
    /// assert_eq!(UnixMillis::from_secs(1_711_612_800).as_millis(), 1_711_612_800_000);
    /// ```
    #[must_use]
    pub const fn as_millis(self) -> i64 {
        self.0
    }

    /// Whole seconds since the epoch, rounded down: what a signature's `t` is made of.
    ///
    /// ```
    /// # use clarife_webhooks::sender::UnixMillis;
    /// assert_eq!(UnixMillis::from_millis(1_999).as_secs(), 1);
    /// assert_eq!(UnixMillis::from_millis(-1).as_secs(), -1);
    /// ```
    #[must_use]
    pub const fn as_secs(self) -> i64 {
        self.0.div_euclid(1000)
    }

    /// So much later; parts of a millisecond are dropped.
    ///
    /// ```
    /// # use clarife_webhooks::sender::UnixMillis;
    /// # use std::time::Duration;
    /// let later = UnixMillis::from_secs(5).saturating_add(Duration::from_millis(250));
    /// assert_eq!(later.as_millis(), 5_250);
    /// ```
    #[must_use]
    pub fn saturating_add(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)))
    }

    /// The moment as RFC 3339 in UTC, with a fraction only where there is one: `2026-03-28T12:00:00.25Z`. `None` outside
    /// the years 0 to 9999.
    ///
    /// ```
    /// # use clarife_webhooks::sender::UnixMillis;
    /// let moment = UnixMillis::from_millis(1_774_699_200_250);
    /// assert_eq!(moment.to_rfc3339().as_deref(), Some("2026-03-28T12:00:00.25Z"));
    /// ```
    #[must_use]
    pub fn to_rfc3339(self) -> Option<String> {
        const NANOSECONDS: i128 = 1_000_000;
        let nanoseconds = i128::from(self.0).saturating_mul(NANOSECONDS);
        OffsetDateTime::from_unix_timestamp_nanos(nanoseconds).ok()?.format(&Rfc3339).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::UnixMillis;
    use core::time::Duration;

    #[test]
    fn arithmetic_saturates() {
        let last = UnixMillis::from_millis(i64::MAX);
        assert_eq!(last.saturating_add(Duration::MAX), last);
        assert_eq!(UnixMillis::from_secs(i64::MIN), UnixMillis::from_millis(i64::MIN));
        assert_eq!(UnixMillis::from_millis(i64::MIN).as_secs(), i64::MIN / 1000 - 1);
    }

    #[test]
    fn rfc_3339_has_four_digits_for_the_year() {
        let text = |millis| UnixMillis::from_millis(millis).to_rfc3339();
        assert_eq!(text(1_774_699_200_250).as_deref(), Some("2026-03-28T12:00:00.25Z"));
        assert_eq!(text(-1).as_deref(), Some("1969-12-31T23:59:59.999Z"));
        assert_eq!(text(-62_167_219_200_000).as_deref(), Some("0000-01-01T00:00:00Z"));
        assert_eq!(text(-62_167_219_200_001), None);
        assert_eq!(text(253_402_300_799_999).as_deref(), Some("9999-12-31T23:59:59.999Z"));
        assert_eq!(text(253_402_300_800_000), None);
        assert_eq!(text(i64::MAX), None);
    }
}
