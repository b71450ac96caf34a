//! What the JavaScript face reads after a call: nine numbers, the same from this module and from the native addon
//! (bindings-node includes this file). Plain numbers cross the border for nothing; objects built from Rust do not.

use alloc::string::String;

use clarife_webhooks::{ErrorCode, Event, Webhook, WebhookError};

/// The verdict, then for an event: the place of its type in `EventType::KNOWN` or -1, where `id` and `type` stand, when it
/// was created in milliseconds, where `data` stands.
pub(crate) type Numbers = [f64; 9];

/// The call went well, and there is nothing to say.
pub(crate) const SUCCESS: Numbers = [0.0; 9];

/// The caller gave a timestamp that no header can carry; the text is the message of a `TypeError`.
pub(crate) const INVALID_TIMESTAMP: Numbers = [-1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0];

/// A refusal: 1 for the first of `ErrorCode::ALL`; the text is the message of a `WebhookError`.
pub(crate) fn of_error(error: &WebhookError) -> Numbers {
    let before = ErrorCode::ALL.iter().take_while(|code| **code != error.code()).count();
    [as_number(before) + 1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]
}

/// A verified event; places count UTF-16 code units, as JavaScript does.
pub(crate) fn of_event(event: &Event<'_>) -> Numbers {
    let layout = event.layout().utf16(event.raw());
    let created_at = event.created_at();
    let milliseconds = created_at.unix_timestamp() as f64 * 1000.0 + f64::from(created_at.millisecond());
    [
        0.0,
        event.event_type().index().map_or(-1.0, as_number),
        as_number(layout.id.start),
        as_number(layout.id.end),
        as_number(layout.event_type.start),
        as_number(layout.event_type.end),
        milliseconds,
        as_number(layout.data.start),
        as_number(layout.data.end),
    ]
}

/// The webhook that the constructor's arguments describe; NaN is an option that was not given.
pub(crate) fn webhook(secrets: &[String], tolerance: f64, max_event_age: f64) -> Result<Webhook, WebhookError> {
    let mut webhook = Webhook::from_secrets(secrets)?;
    if let Some(seconds) = option(tolerance) {
        webhook = webhook.with_tolerance(seconds);
    }
    if let Some(seconds) = option(max_event_age) {
        webhook = webhook.with_max_event_age(seconds);
    }
    Ok(webhook)
}

/// Unix seconds; what no `i64` holds is cut to the nearest that it does.
pub(crate) const fn seconds(number: f64) -> i64 {
    number as i64
}

const fn option(number: f64) -> Option<u64> {
    if number.is_nan() { None } else { Some(number as u64) }
}

/// Exact up to 2^53, and no text is that long.
const fn as_number(number: usize) -> f64 {
    number as f64
}
