//! What the JavaScript face reads after a call: numbers, the same from this module and from the native addon
//! (bindings-node includes this file). Plain numbers cross the border for nothing; objects built from Rust do not.

use alloc::format;
use alloc::string::String;

use clarife_webhooks::{ErrorCode, Event, Webhook, WebhookError};

// Where things are in the numbers; js/engine.ts has the same names. Ends are exclusive, and places in the body count UTF-16 code
// units, as JavaScript does.
/// 0 for success, or one more than the error's place in `ErrorCode::ALL`, or -1 for a `TypeError`.
pub(crate) const VERDICT: usize = 0;
/// The type's place in `EventType::KNOWN`, or -1.
pub(crate) const TYPE: usize = 1;
pub(crate) const ID_START: usize = 2;
pub(crate) const ID_END: usize = 3;
pub(crate) const TYPE_START: usize = 4;
pub(crate) const TYPE_END: usize = 5;
/// Milliseconds of Unix time.
pub(crate) const CREATED_AT: usize = 6;
pub(crate) const DATA_START: usize = 7;
pub(crate) const DATA_END: usize = 8;
/// Where the text is in the memory of the WebAssembly module; the native addon returns it.
#[allow(dead_code, reason = "the addon leaves them 0")]
pub(crate) const TEXT_START: usize = 9;
#[allow(dead_code, reason = "the addon leaves them 0")]
pub(crate) const TEXT_LENGTH: usize = 10;
/// How many there are.
pub(crate) const COUNT: usize = 11;

pub(crate) type Numbers = [f64; COUNT];

/// The call went well, and there is nothing to say.
pub(crate) const SUCCESS: Numbers = [0.0; COUNT];

/// The caller gave what no call can work with; the text is the message of a `TypeError`.
pub(crate) const WRONG: Numbers = {
    let mut numbers = SUCCESS;
    numbers[VERDICT] = -1.0;
    numbers
};

/// A refusal; the text is the message of a `WebhookError`.
pub(crate) fn of_error(error: &WebhookError) -> Numbers {
    let before = ErrorCode::ALL.iter().take_while(|code| **code != error.code()).count();
    let mut numbers = SUCCESS;
    numbers[VERDICT] = as_number(before) + 1.0;
    numbers
}

/// An event.
pub(crate) fn of_event(event: &Event<'_>) -> Numbers {
    let layout = event.layout().utf16(event.raw());
    let created_at = event.created_at();
    let mut numbers = SUCCESS;
    numbers[TYPE] = event.event_type().index().map_or(-1.0, as_number);
    numbers[ID_START] = as_number(layout.id.start);
    numbers[ID_END] = as_number(layout.id.end);
    numbers[TYPE_START] = as_number(layout.event_type.start);
    numbers[TYPE_END] = as_number(layout.event_type.end);
    numbers[CREATED_AT] = created_at.unix_timestamp() as f64 * 1000.0 + f64::from(created_at.millisecond());
    numbers[DATA_START] = as_number(layout.data.start);
    numbers[DATA_END] = as_number(layout.data.end);
    numbers
}

/// The message of a code without particulars, and its hint in a second line; 1 is the first of `ErrorCode::ALL`.
pub(crate) fn describe(code: f64) -> String {
    let code = ErrorCode::ALL.get((code as usize).wrapping_sub(1));
    code.map(|code| format!("{}\n{}", WebhookError::from(*code), code.hint())).unwrap_or_default()
}

/// The webhook that the constructor's arguments describe; NaN is an option that was not given.
pub(crate) fn webhook<S: AsRef<str>>(
    secrets: impl IntoIterator<Item = S>,
    tolerance: f64,
    max_event_age: f64,
) -> Result<Webhook, WebhookError> {
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
