//! The interface between the core and its JavaScript bindings: numbers and texts only.
//!
//! Both backends, the native addon and the WebAssembly module, leave the same numbers after a call, and JavaScript
//! reads them. Plain numbers cross the border for free, and objects that Rust builds do not. `cargo xtask codegen`
//! writes the constants into `bindings-node/api/abi.generated.ts`.
//!
//! NaN is an option that the caller did not give.

use alloc::string::{String, ToString as _};
use core::time::Duration;

use crate::dedup::{ClaimResult, ClaimTable, ClaimToken, StoreFull};
use crate::standard::{StandardHeaders, StandardSignError};
use crate::{ErrorCode, Event, Layout, UnixTime, Webhook, WebhookError};

/// Defines the slots of [`Numbers`], and the list of them that the code generator reads.
macro_rules! slots {
    ($($name:ident = $index:literal, $doc:literal;)*) => {
        $(#[doc = $doc] pub const $name: usize = $index;)*
        /// The name, the index and the description of every slot.
        pub const SLOTS: [(&str, usize, &str); COUNT] = [$((stringify!($name), $index, $doc)),*];
    };
}

/// The version of the module for other hosts than JavaScript. It changes if a function or a number changes its meaning.
pub const VERSION: u32 = 1;

// Ends are exclusive. Positions in the body count UTF-16 code units, as JavaScript does, or bytes in the module for other
// hosts. Those of a JSON string include its quotes.
slots! {
    VERDICT = 0, "0 for success, the number of an error code, which counts from 1, or -1 for an invalid argument.";
    TYPE = 1, "The number of a known event type, which counts from 0, or -1.";
    ID_START = 2, "The start of the id.";
    ID_END = 3, "The end of the id.";
    TYPE_START = 4, "The start of the type.";
    TYPE_END = 5, "The end of the type.";
    CREATED_AT_START = 6, "The start of the time.";
    CREATED_AT_END = 7, "The end of the time.";
    DATA_START = 8, "The start of the data.";
    DATA_END = 9, "The end of the data.";
    REPLAY_WINDOW = 10, "The seconds after the verification in which the event can be accepted again, or 0.";
    TEXT_START = 11, "The address of the text in the memory of the WebAssembly module; the addon returns the text.";
    TEXT_LENGTH = 12, "The length of that text in bytes.";
}

/// The number of slots.
pub const COUNT: usize = 13;

/// The numbers of a call.
pub type Numbers = [f64; COUNT];

/// The numbers of a call that succeeded and has no event.
pub const SUCCESS: Numbers = [0.0; COUNT];

/// The numbers of a call with an invalid argument; the text is the message of a `TypeError`.
pub const INVALID_ARGUMENT: Numbers = {
    let mut numbers = SUCCESS;
    numbers[VERDICT] = -1.0;
    numbers
};

/// Returns the numbers of a refusal; the text is [`text_of_error`].
#[must_use]
pub fn of_error(error: &WebhookError) -> Numbers {
    let index = ErrorCode::ALL.iter().position(|code| *code == error.code()).unwrap_or_default();
    let mut numbers = SUCCESS;
    numbers[VERDICT] = number(index) + 1.0;
    numbers
}

/// Returns the text of a refusal: the message, and in a second line the hint if it is not that of the code.
#[must_use]
pub fn text_of_error(error: &WebhookError) -> String {
    lines(error.to_string(), error.closer_hint().as_slice())
}

/// Returns the numbers of an event, with positions in UTF-16 code units.
#[must_use]
pub fn of_event(event: &Event<'_>) -> Numbers {
    of_layout(event, &event.layout().utf16(event.raw()))
}

/// Returns the numbers of an event, with positions in bytes.
#[must_use]
pub fn of_event_in_bytes(event: &Event<'_>) -> Numbers {
    of_layout(event, &event.layout())
}

fn of_layout(event: &Event<'_>, layout: &Layout) -> Numbers {
    let mut numbers = SUCCESS;
    numbers[TYPE] = event.event_type().index().map_or(-1.0, number);
    numbers[ID_START] = number(layout.id.start);
    numbers[ID_END] = number(layout.id.end);
    numbers[TYPE_START] = number(layout.event_type.start);
    numbers[TYPE_END] = number(layout.event_type.end);
    numbers[CREATED_AT_START] = number(layout.created_at.start);
    numbers[CREATED_AT_END] = number(layout.created_at.end);
    numbers[DATA_START] = number(layout.data.start);
    numbers[DATA_END] = number(layout.data.end);
    numbers[REPLAY_WINDOW] = event.replay_window() as f64;
    numbers
}

/// Returns the numbers and the text of signing with Standard Webhooks: the headers' values, each in a line, or an
/// error's message.
#[must_use]
pub fn of_standard(signed: Result<StandardHeaders<'_>, StandardSignError>) -> (Numbers, String) {
    match signed {
        Ok(headers) => (SUCCESS, lines(String::from(&*headers.id), &[&*headers.timestamp, &*headers.signature])),
        Err(StandardSignError::Secret(error)) => (of_error(&error), text_of_error(&error)),
        Err(error) => (INVALID_ARGUMENT, error.to_string()),
    }
}

/// The result of [`claim`] for an event that another worker is handling.
pub const IN_PROGRESS: f64 = 0.0;
/// The result of [`claim`] for an event that was handled before.
pub const DONE: f64 = -1.0;
/// The result of [`claim`] and [`complete`] with a full store.
pub const FULL: f64 = -2.0;

/// Claims an event's id and returns the token, which counts from 1, or one of the results above. Times are in milliseconds.
pub fn claim(store: &mut ClaimTable, id: &str, now: f64, ttl: f64) -> f64 {
    match store.claim(id, UnixTime::from_millis(now as i64), milliseconds(ttl)) {
        Ok(ClaimResult::New(token)) => token.to_number() as f64,
        Ok(ClaimResult::InProgress) => IN_PROGRESS,
        Ok(ClaimResult::Done) => DONE,
        Err(StoreFull) => FULL,
    }
}

/// Marks an event's id as handled and returns 0, or [`FULL`]. Times are in milliseconds.
pub fn complete(store: &mut ClaimTable, id: &str, now: f64, ttl: f64) -> f64 {
    match store.complete(id, UnixTime::from_millis(now as i64), milliseconds(ttl)) {
        Ok(()) => 0.0,
        Err(StoreFull) => FULL,
    }
}

/// Releases a claim, unless the token is not the holder's.
pub fn release(store: &mut ClaimTable, id: &str, token: f64) {
    store.release(id, ClaimToken::from_number(token as u64));
}

/// Creates a store; NaN is the default capacity.
#[must_use]
pub fn store(capacity: f64) -> ClaimTable {
    if capacity.is_nan() { ClaimTable::default() } else { ClaimTable::new(capacity as usize) }
}

/// The kinds of a webhook's options, with the functions that apply them.
pub enum WebhookOption {
    /// Whole seconds, 0 or more.
    Seconds(fn(Webhook, u64) -> Webhook),
    /// A switch that is off by default; 1 turns it on.
    Switch(fn(Webhook) -> Result<Webhook, WebhookError>),
}

/// Defines the options of a webhook, and the list of them that the code generator reads.
macro_rules! webhook_options {
    ($($(#[doc = $doc:literal])+ $name:ident = $option:expr;)+) => {
        /// The options, in the order of their numbers.
        const OPTIONS: &[WebhookOption] = &[$($option),+];
        /// The name, the kind and the description of every option. They are not part of `OPTIONS`, because the module
        /// would carry the texts.
        pub const WEBHOOK_OPTIONS: &[(&str, WebhookOption, &str)] =
            &[$((stringify!($name), $option, concat!($($doc),+).trim_ascii())),+];
    };
}

webhook_options! {
    /// The largest difference between a delivery's timestamp and the clock, either way. 300 by default.
    tolerance = WebhookOption::Seconds(Webhook::with_tolerance);
    /// The largest age of an event by its signed `created_at`. Off by default. 900 leaves room for every retry.
    max_event_age = WebhookOption::Seconds(Webhook::with_max_event_age);
    /// Verifies deliveries with the headers of Standard Webhooks, which authenticate the time too, in place of clarife's
    /// own header. The secret must be `whsec_` and base64.
    standard_webhooks = WebhookOption::Switch(Webhook::require_standard_webhooks);
}

/// Creates a webhook with the numbers of [`WEBHOOK_OPTIONS`]. Numbers that are missing were not given.
///
/// # Errors
///
/// `invalid_secret`.
pub fn webhook<S: AsRef<str>>(secrets: impl IntoIterator<Item = S>, numbers: &[f64]) -> Result<Webhook, WebhookError> {
    let webhook = Webhook::from_secrets(secrets)?;
    OPTIONS.iter().zip(numbers).try_fold(webhook, |webhook, (option, &number)| match option {
        WebhookOption::Seconds(set) if !number.is_nan() => Ok(set(webhook, number as u64)),
        WebhookOption::Switch(set) if number == 1.0 => set(webhook),
        _ => Ok(webhook),
    })
}

/// Returns the summary of an error code and, in a second line, its hint. 1 is the first of `ErrorCode::ALL`.
#[must_use]
pub fn describe(code: f64) -> String {
    let code = ErrorCode::ALL.get((code as usize).wrapping_sub(1));
    code.map(|code| lines(WebhookError::from(*code).to_string(), &[code.hint()])).unwrap_or_default()
}

/// Returns the moment of Unix seconds, cut to the range of `i64`.
#[must_use]
pub const fn time(seconds: f64) -> UnixTime {
    UnixTime::from_secs(seconds as i64)
}

const fn milliseconds(number: f64) -> Duration {
    Duration::from_millis(number as u64)
}

/// Converts a position, exactly up to 2^53, which no text reaches.
const fn number(position: usize) -> f64 {
    position as f64
}

/// Appends lines to a text.
fn lines(mut text: String, more: &[&str]) -> String {
    for line in more {
        text.push('\n');
        text.push_str(line);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_slot_has_an_index_of_its_own() {
        assert!(SLOTS.iter().map(|(_, index, _)| *index).eq(0..COUNT));
    }
}
