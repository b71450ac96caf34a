//! Times in options.

use clarife_webhooks::UnixTime;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::clock::wall;

/// Parses Unix seconds, a time of RFC 3339, or seconds relative to now with a sign.
pub(super) fn parse(text: &str) -> Result<UnixTime, String> {
    if let Ok(seconds) = text.parse::<i64>() {
        let is_relative = text.starts_with(['+', '-']);
        let start = if is_relative { wall().as_secs() } else { 0 };
        return Ok(UnixTime::from_secs(start.saturating_add(seconds)));
    }
    let time = OffsetDateTime::parse(text, &Rfc3339);
    let time = time.map_err(|_| "not Unix seconds, a time of RFC 3339, or +SECONDS or -SECONDS from now".to_owned())?;
    Ok(UnixTime::from_secs(time.unix_timestamp()))
}

#[cfg(test)]
mod tests {
    use super::{UnixTime, parse, wall};

    #[test]
    fn times_have_three_forms() {
        for text in ["1774699200", "2026-03-28T12:00:00Z", "2026-03-28T13:00:00+01:00"] {
            assert_eq!(parse(text), Ok(UnixTime::from_secs(1_774_699_200)), "{text}");
        }
        let ago = parse("-600").map(|time| wall().as_secs().saturating_sub(time.as_secs()));
        assert!(ago.is_ok_and(|ago| (600..610).contains(&ago)));
        assert!(parse("+600").is_ok_and(|time| time > wall()) && parse("yesterday").is_err());
    }
}
