//! What the JavaScript face reads after a call: numbers, the same from this module and from the native addon
//! (bindings-node includes this file). Plain numbers cross the border for nothing; objects built from Rust do not.

use alloc::string::{String, ToString as _};
use core::time::Duration;

use clarife_webhooks::dedup::{ClaimResult, ClaimTable, ClaimToken, StoreFull};
use clarife_webhooks::standard::{StandardHeaders, StandardSignError};
use clarife_webhooks::{ErrorCode, Event, UnixTime, Webhook, WebhookError};

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
/// The event's replay window, in seconds from the verification on.
pub(crate) const REPLAY_WINDOW: usize = 9;
/// Where the text is in the memory of the WebAssembly module; the native addon returns it.
#[allow(dead_code, reason = "the addon leaves them 0")]
pub(crate) const TEXT_START: usize = 10;
#[allow(dead_code, reason = "the addon leaves them 0")]
pub(crate) const TEXT_LENGTH: usize = 11;
/// How many there are.
pub(crate) const COUNT: usize = 12;

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
    let before = ErrorCode::ALL.iter().position(|code| *code == error.code()).unwrap_or_default();
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
    numbers[CREATED_AT] = created_at.as_millis() as f64;
    numbers[DATA_START] = as_number(layout.data.start);
    numbers[DATA_END] = as_number(layout.data.end);
    numbers[REPLAY_WINDOW] = event.replay_window() as f64;
    numbers
}

// What a claim has come to, where it is no token; js/engine.ts has the same names. Tokens count from 1.
pub(crate) const IN_PROGRESS: f64 = 0.0;
pub(crate) const DONE: f64 = -1.0;
pub(crate) const FULL: f64 = -2.0;

// The steps with a store of handled events.
pub(crate) const CLAIM: u32 = 0;
pub(crate) const COMPLETE: u32 = 1;
#[allow(dead_code, reason = "in the module, what is neither of the others")]
pub(crate) const RELEASE: u32 = 2;

/// Takes a step with an event's id; times are in milliseconds. Claiming gives a token or one of the numbers above, completing
/// 0 or that the store is full, releasing, to which the token is given in place of `ttl`, 0.
pub(crate) fn dedup(store: &mut ClaimTable, step: u32, id: &str, now: f64, ttl: f64) -> f64 {
    let (now, number) = (UnixTime::from_millis(now as i64), ttl as u64);
    let ttl = Duration::from_millis(number);
    let claim = match step {
        CLAIM => store.claim(id, now, ttl),
        COMPLETE => store.complete(id, now, ttl).map(|()| ClaimResult::InProgress),
        _ => {
            store.release(id, ClaimToken::from_number(number));
            Ok(ClaimResult::InProgress)
        }
    };
    match claim {
        Ok(ClaimResult::New(token)) => token.to_number() as f64,
        Ok(ClaimResult::InProgress) => IN_PROGRESS,
        Ok(ClaimResult::Done) => DONE,
        Err(StoreFull) => FULL,
    }
}

/// A store; NaN is a capacity that was not given.
pub(crate) fn store(capacity: f64) -> ClaimTable {
    if capacity.is_nan() { ClaimTable::default() } else { ClaimTable::new(capacity as usize) }
}

/// What signing with the headers of Standard Webhooks leaves: their values, each in a line, or an error's message.
pub(crate) fn of_standard(signed: Result<StandardHeaders<'_>, StandardSignError>) -> (Numbers, String) {
    match signed {
        Ok(headers) => (SUCCESS, lines(String::from(&*headers.id), &[&*headers.timestamp, &*headers.signature])),
        Err(StandardSignError::Secret(error)) => (of_error(&error), error.to_string()),
        Err(error) => (WRONG, error.to_string()),
    }
}

/// A text of several lines.
fn lines(mut text: String, more: &[&str]) -> String {
    for line in more {
        text.push('\n');
        text.push_str(line);
    }
    text
}

/// Returns the moment of Unix seconds from JavaScript, rounded down.
pub(crate) fn time(seconds_of_caller: f64) -> UnixTime {
    UnixTime::from_secs(seconds(seconds_of_caller))
}

/// The message of a code without particulars, and its hint in a second line; 1 is the first of `ErrorCode::ALL`.
pub(crate) fn describe(code: f64) -> String {
    let code = ErrorCode::ALL.get((code as usize).wrapping_sub(1));
    code.map(|code| lines(WebhookError::from(*code).to_string(), &[code.hint()])).unwrap_or_default()
}

/// The webhook that the constructor's arguments describe; NaN is an option that was not given.
pub(crate) fn webhook<S: AsRef<str>>(
    secrets: impl IntoIterator<Item = S>,
    tolerance: f64,
    max_event_age: f64,
    standard: bool,
) -> Result<Webhook, WebhookError> {
    let mut webhook = Webhook::from_secrets(secrets)?;
    if let Some(seconds) = option(tolerance) {
        webhook = webhook.with_tolerance(seconds);
    }
    if let Some(seconds) = option(max_event_age) {
        webhook = webhook.with_max_event_age(seconds);
    }
    if standard { webhook.require_standard_webhooks() } else { Ok(webhook) }
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
