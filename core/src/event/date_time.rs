//! RFC 3339 date-times.
//!
//! The reader is hand-written, and the crate `time` provides the calendar. The parser of `time` would be a sixth of the
//! WebAssembly module, and it accepts any byte between the date and the time. A property test compares the two. See
//! [protocol, section 3.1](https://github.com/clarife/clarife-webhooks/blob/main/docs/protocol.md#section-3-1).

use time::{Date, Month, OffsetDateTime, Time, UtcOffset};

const UNIX_EPOCH: Date = OffsetDateTime::UNIX_EPOCH.date();

/// Parses a date-time of RFC 3339, section 5.6.
///
/// Digits beyond the nanosecond are dropped. A leap second is valid at the end of a month in UTC, and reads as the last
/// nanosecond before it.
pub(crate) fn parse(text: &str) -> Option<OffsetDateTime> {
    let mut text = Reader(text.as_bytes());
    let (year, month, day) = (text.number(4)?, text.two_digits_after(b"-")?, text.two_digits_after(b"-")?);
    text.any(b"Tt")?;
    let (hour, minute, second) = (text.number(2)?, text.two_digits_after(b":")?, text.two_digits_after(b":")?);
    let nanosecond = text.fraction()?;
    let offset = text.offset()?;
    if !text.0.is_empty() {
        return None;
    }
    let date = Date::from_calendar_date(year.into(), Month::try_from(byte(month)?).ok()?, byte(day)?).ok()?;
    let leap = second == 60;
    let (second, nanosecond) = if leap { (59, 999_999_999) } else { (byte(second)?, nanosecond) };
    let time = Time::from_hms_nano(byte(hour)?, byte(minute)?, second, nanosecond).ok()?;
    let date_time = OffsetDateTime::new_in_offset(date, time, offset);
    (!leap || ends_month(date_time)).then_some(date_time)
}

/// Returns whether a time is in the last second of a month in UTC.
fn ends_month(date_time: OffsetDateTime) -> bool {
    const DAY: i64 = 86_400;
    let second = date_time.unix_timestamp();
    let day = i32::try_from(second.div_euclid(DAY)).ok().and_then(|day| day.checked_add(UNIX_EPOCH.to_julian_day()));
    let date = day.and_then(|day| Date::from_julian_day(day).ok());
    second.rem_euclid(DAY) == DAY - 1 && date.is_some_and(|date| date.day() == date.month().length(date.year()))
}

fn byte(number: i16) -> Option<u8> {
    u8::try_from(number).ok()
}

/// The unread rest of a text.
struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    /// Reads one byte of a set.
    fn any(&mut self, set: &[u8]) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        set.contains(first).then_some(*first)
    }

    fn digit(&mut self) -> Option<u8> {
        self.any(b"0123456789").map(|digit| digit.wrapping_sub(b'0'))
    }

    /// Reads a number of the given number of digits, at most four.
    fn number(&mut self, digits: u8) -> Option<i16> {
        (0..digits).try_fold(0_i16, |number, _| number.checked_mul(10)?.checked_add(self.digit()?.into()))
    }

    /// Reads a separator and a number of two digits.
    fn two_digits_after(&mut self, separator: &[u8]) -> Option<i16> {
        self.any(separator)?;
        self.number(2)
    }

    /// Reads an optional fraction, a point and at least one digit, and returns nanoseconds.
    fn fraction(&mut self) -> Option<u32> {
        let Some(rest) = self.0.strip_prefix(b".") else { return Some(0) };
        self.0 = rest;
        let (mut nanoseconds, mut unit) = (0_u32, 1_000_000_000_u32);
        while self.0.first().is_some_and(u8::is_ascii_digit) {
            unit = unit.wrapping_div(10);
            nanoseconds = nanoseconds.checked_add(unit.checked_mul(self.digit()?.into())?)?;
        }
        (self.0.len() < rest.len()).then_some(nanoseconds)
    }

    fn offset(&mut self) -> Option<UtcOffset> {
        let sign = match self.any(b"Zz+-")? {
            b'+' => 1,
            b'-' => -1,
            _ => return Some(UtcOffset::UTC),
        };
        let (hours, minutes) = (self.number(2)?, self.two_digits_after(b":")?);
        let part = |number: i16| i8::try_from(number.checked_mul(sign)?).ok();
        if hours > 23 {
            return None; // `time` accepts up to 25
        }
        UtcOffset::from_hms(part(hours)?, part(minutes)?, 0).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::parse;
    use proptest::prelude::*;
    use time::OffsetDateTime;
    use time::format_description::well_known::Rfc3339;

    /// Parses with the crate `time`, which accepts any byte between the date and the time.
    fn model(text: &str) -> Option<OffsetDateTime> {
        OffsetDateTime::parse(text, &Rfc3339).ok().filter(|_| matches!(text.as_bytes().get(10), Some(b'T' | b't')))
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4096))]

        #[test]
        fn agrees_with_the_crate_time(
            text in "[0-9]{4}-[01][0-9]-[0-3][0-9][Tt][0-2][0-9]:[0-6][0-9]:[0-6][0-9](\\.[0-9]{0,12})?([Zz]|[+-][0-2][0-9]:[0-6][0-9])",
            at: prop::sample::Index,
            to in prop::option::of("[ -~é]"),
        ) {
            prop_assert_eq!(parse(&text), model(&text), "{}", text);
            if let (Some(to), true) = (to, text.is_ascii()) {
                let mut changed = text;
                let at = at.index(changed.len());
                changed.replace_range(at..=at, &to);
                prop_assert_eq!(parse(&changed), model(&changed), "{}", changed);
                changed.truncate(at);
                prop_assert_eq!(parse(&changed), model(&changed), "{}", changed);
            }
        }

        #[test]
        fn agrees_at_the_ends_of_months(month in 1_u8..=12, day in 27_u8..=31, year in 2023_u16..=2024, hours in 0_u8..=3, west: bool) {
            let sign = if west { '-' } else { '+' };
            for (hour, minute) in [(23, 59), (22, 59), (23, 29), (0, 59), (2, 59), (20, 59), (21, 59)] {
                let text = alloc::format!("{year}-{month:02}-{day:02}T{hour:02}:{minute:02}:60{sign}{hours:02}:00");
                prop_assert_eq!(parse(&text), model(&text), "{}", text);
            }
        }
    }
}
