//! Moments in time. Only [`SystemClock`] reads a clock.

#[cfg(feature = "sender")]
use alloc::string::String;
use core::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use time::OffsetDateTime;

/// A moment, to the nanosecond, counted from 1970-01-01T00:00:00Z.
///
/// Arithmetic and conversions saturate, so that no time panics or wraps. Serialized as whole milliseconds.
///
/// ```
/// use clarife_webhooks::UnixTime;
/// use std::time::{Duration, SystemTime};
///
/// let time = UnixTime::from_secs(1_711_612_800);
/// assert_eq!(time.saturating_add(Duration::from_millis(1_500)).as_millis(), 1_711_612_801_500);
/// assert_eq!(UnixTime::from(SystemTime::UNIX_EPOCH), UnixTime::from_secs(0));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UnixTime {
    nanoseconds: i128,
}

/// A target with a clock that this crate can read: every target of the standard library, except WebAssembly of an unknown host
/// (`wasm32-unknown-unknown`) without the feature `js`.
///
/// On a target without a clock, [`UnixTime::now`] and everything that calls it do not compile. The trait is implemented for
/// [`UnixTime`] alone. Its lifetime has no meaning: with one, a function can demand a clock that its target does not have.
#[cfg(feature = "std")]
#[diagnostic::on_unimplemented(
    message = "this target has no clock: enable the feature `js` of clarife-webhooks, which asks JavaScript for the time",
    label = "reads the clock, which this target does not have",
    note = "on a host other than JavaScript, pass the time: `Webhook::verify_at`, `Receiver::new_with_clock`, \
            `MemoryStore::new_with_clock`"
)]
pub trait SystemClock<'c>: sealed::Sealed {
    /// Returns the clock's time.
    #[doc(hidden)]
    fn read() -> Self;
}

#[cfg(feature = "std")]
mod sealed {
    pub trait Sealed {}
    impl Sealed for super::UnixTime {}
}

#[cfg(all(feature = "std", not(all(target_family = "wasm", target_os = "unknown"))))]
impl SystemClock<'_> for UnixTime {
    fn read() -> Self {
        std::time::SystemTime::now().into()
    }
}

#[cfg(all(feature = "js", target_family = "wasm", target_os = "unknown"))]
impl SystemClock<'_> for UnixTime {
    fn read() -> Self {
        Self::from_millis(js_sys::Date::now() as i64)
    }
}

const NANOS_PER_MILLI: i128 = 1_000_000;
const NANOS_PER_SEC: i128 = 1_000_000_000;

impl UnixTime {
    /// Returns the time of the system's clock.
    ///
    /// ```
    /// # use clarife_webhooks::{UnixTime, Webhook};
    /// # let webhook = Webhook::new("whsec_c2VjcmV0")?;
    /// let header = webhook.sign("{}", UnixTime::now())?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[cfg(feature = "std")]
    #[must_use]
    pub fn now() -> Self
    where
        for<'c> Self: SystemClock<'c>,
    {
        <Self as SystemClock<'_>>::read()
    }

    /// Creates the moment `millis` milliseconds after the epoch.
    ///
    /// ```
    /// # use clarife_webhooks::UnixTime;
    /// assert_eq!(UnixTime::from_millis(1_999).as_secs(), 1);
    /// ```
    #[must_use]
    pub const fn from_millis(millis: i64) -> Self {
        Self { nanoseconds: (millis as i128).saturating_mul(NANOS_PER_MILLI) }
    }

    /// Creates the moment `seconds` seconds after the epoch.
    ///
    /// ```
    /// # use clarife_webhooks::UnixTime;
    /// assert_eq!(UnixTime::from_secs(2), UnixTime::from_millis(2_000));
    /// ```
    #[must_use]
    pub const fn from_secs(seconds: i64) -> Self {
        Self { nanoseconds: (seconds as i128).saturating_mul(NANOS_PER_SEC) }
    }

    /// Returns the whole milliseconds since the epoch, rounded down.
    ///
    /// ```
    /// # use clarife_webhooks::UnixTime;
    /// assert_eq!(UnixTime::from_secs(1_711_612_800).as_millis(), 1_711_612_800_000);
    /// ```
    #[must_use]
    pub const fn as_millis(self) -> i64 {
        saturate(self.nanoseconds.div_euclid(NANOS_PER_MILLI))
    }

    /// Returns the whole seconds since the epoch, rounded down: the `t` of a signature.
    ///
    /// ```
    /// # use clarife_webhooks::UnixTime;
    /// assert_eq!(UnixTime::from_millis(1_999).as_secs(), 1);
    /// assert_eq!(UnixTime::from_millis(-1).as_secs(), -1);
    /// ```
    #[must_use]
    pub const fn as_secs(self) -> i64 {
        saturate(self.nanoseconds.div_euclid(NANOS_PER_SEC))
    }

    /// Returns the nanoseconds since the epoch.
    ///
    /// ```
    /// # use clarife_webhooks::UnixTime;
    /// assert_eq!(UnixTime::from_secs(-1).as_nanos(), -1_000_000_000);
    /// ```
    #[must_use]
    pub const fn as_nanos(self) -> i128 {
        self.nanoseconds
    }

    /// Returns the nanoseconds after [`as_secs`](Self::as_secs), below 1,000,000,000.
    ///
    /// ```
    /// # use clarife_webhooks::UnixTime;
    /// assert_eq!(UnixTime::from_millis(-1).subsec_nanos(), 999_000_000);
    /// ```
    #[must_use]
    pub const fn subsec_nanos(self) -> u32 {
        self.nanoseconds.rem_euclid(NANOS_PER_SEC) as u32
    }

    /// Returns the moment `duration` later, in whole milliseconds. Parts of a millisecond are dropped.
    ///
    /// ```
    /// # use clarife_webhooks::UnixTime;
    /// # use std::time::Duration;
    /// let later = UnixTime::from_secs(5).saturating_add(Duration::from_millis(250));
    /// assert_eq!(later.as_millis(), 5_250);
    /// ```
    #[must_use]
    pub fn saturating_add(self, duration: Duration) -> Self {
        let millis = i64::try_from(duration.as_millis()).unwrap_or(i64::MAX);
        Self::from_millis(self.as_millis().saturating_add(millis))
    }

    /// Formats the moment as RFC 3339 in UTC, with a fraction if the moment has one: `2026-03-28T12:00:00.25Z`. Returns
    /// `None` outside the years 0 to 9999.
    ///
    /// ```
    /// # use clarife_webhooks::UnixTime;
    /// let time = UnixTime::from_millis(1_774_699_200_250);
    /// assert_eq!(time.to_rfc3339().as_deref(), Some("2026-03-28T12:00:00.25Z"));
    /// ```
    #[cfg(feature = "sender")]
    #[must_use]
    pub fn to_rfc3339(self) -> Option<String> {
        use time::format_description::well_known::Rfc3339;

        OffsetDateTime::from_unix_timestamp_nanos(self.nanoseconds).ok()?.format(&Rfc3339).ok()
    }
}

/// Returns the nearest 64-bit number.
const fn saturate(number: i128) -> i64 {
    if number > i64::MAX as i128 {
        i64::MAX
    } else if number < i64::MIN as i128 {
        i64::MIN
    } else {
        number as i64
    }
}

impl Serialize for UnixTime {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_i64(self.as_millis())
    }
}

impl<'de> Deserialize<'de> for UnixTime {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        i64::deserialize(deserializer).map(Self::from_millis)
    }
}

impl From<OffsetDateTime> for UnixTime {
    fn from(time: OffsetDateTime) -> Self {
        Self { nanoseconds: time.unix_timestamp_nanos() }
    }
}

#[cfg(feature = "std")]
impl From<std::time::SystemTime> for UnixTime {
    fn from(time: std::time::SystemTime) -> Self {
        let nanoseconds = |duration: Duration| i128::try_from(duration.as_nanos()).unwrap_or(i128::MAX);
        let nanoseconds = match time.duration_since(std::time::UNIX_EPOCH) {
            Ok(after) => nanoseconds(after),
            Err(before) => nanoseconds(before.duration()).saturating_neg(),
        };
        Self { nanoseconds }
    }
}

#[cfg(test)]
mod tests {
    use super::UnixTime;
    use core::time::Duration;

    #[test]
    fn arithmetic_saturates() {
        let last = UnixTime::from_millis(i64::MAX);
        assert_eq!(last.saturating_add(Duration::MAX), last);
        assert_eq!(UnixTime::from_millis(i64::MIN).as_secs(), i64::MIN / 1000 - 1);
        for seconds in [i64::MIN, i64::MAX] {
            assert_eq!(UnixTime::from_secs(seconds).as_secs(), seconds);
            assert_eq!(UnixTime::from_secs(seconds).as_millis(), seconds);
        }
    }

    #[cfg(feature = "std")]
    #[test]
    fn system_times_round_toward_the_past() {
        use std::time::UNIX_EPOCH;
        for (nanoseconds, millis) in [(0, 0), (999_999, 0), (1_000_000, 1)] {
            assert_eq!(UnixTime::from(UNIX_EPOCH + Duration::from_nanos(nanoseconds)).as_millis(), millis);
        }
        for (nanoseconds, millis) in [(1, -1), (1_000_000, -1), (1_000_001, -2)] {
            assert_eq!(UnixTime::from(UNIX_EPOCH - Duration::from_nanos(nanoseconds)).as_millis(), millis);
        }
        let time = UnixTime::from_millis(-1_500);
        assert_eq!(serde_json::from_str::<UnixTime>(&serde_json::to_string(&time).unwrap()).unwrap(), time);
    }

    #[cfg(feature = "sender")]
    #[test]
    fn rfc_3339_has_four_digits_for_the_year() {
        let text = |millis| UnixTime::from_millis(millis).to_rfc3339();
        assert_eq!(text(1_774_699_200_250).as_deref(), Some("2026-03-28T12:00:00.25Z"));
        assert_eq!(text(-1).as_deref(), Some("1969-12-31T23:59:59.999Z"));
        assert_eq!(text(-62_167_219_200_000).as_deref(), Some("0000-01-01T00:00:00Z"));
        assert_eq!(text(-62_167_219_200_001), None);
        assert_eq!(text(253_402_300_799_999).as_deref(), Some("9999-12-31T23:59:59.999Z"));
        assert_eq!(text(253_402_300_800_000), None);
        assert_eq!(text(i64::MAX), None);
    }
}
