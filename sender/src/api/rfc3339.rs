//! Times in the format of RFC 3339.

use clarife_webhooks::UnixTime;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::error::ApiError;

/// Formats a time. Times of the history are always within the years that the format supports.
pub(super) fn format(time: UnixTime) -> String {
    time.to_rfc3339().unwrap_or_default()
}

/// Parses a time, truncated to milliseconds.
pub(super) fn parse(name: &str, text: &str) -> Result<UnixTime, ApiError> {
    let time = OffsetDateTime::parse(text, &Rfc3339)
        .map_err(|_| ApiError::invalid(format!("invalid {name}: not an RFC 3339 date-time")))?;
    let millis = time.unix_timestamp_nanos().div_euclid(1_000_000);
    Ok(UnixTime::from_millis(i64::try_from(millis).unwrap_or(i64::MAX)))
}
