//! Moments as RFC 3339, in both directions.

use clarife_webhooks::UnixTime;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::error::ApiError;

/// The moment as text; those of the log are always within the years that can be written.
pub(super) fn format(time: UnixMillis) -> String {
    time.to_rfc3339().unwrap_or_default()
}

/// Reads a moment; parts of a millisecond are dropped.
pub(super) fn parse(name: &str, text: &str) -> Result<UnixMillis, ApiError> {
    let time = OffsetDateTime::parse(text, &Rfc3339)
        .map_err(|_| ApiError::invalid(format!("{name} is not a date-time of RFC 3339")))?;
    let millis = time.unix_timestamp_nanos().div_euclid(1_000_000);
    Ok(UnixMillis::from_millis(i64::try_from(millis).unwrap_or(i64::MAX)))
}
