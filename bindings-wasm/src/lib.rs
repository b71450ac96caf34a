//! The WebAssembly module behind `clarife-webhooks-wasm`: conversions only, over plain numbers.
//!
//! Every function takes and gives numbers, so the module imports nothing and needs no glue: bodies, headers and secrets
//! are written to [`reserve`]d memory, verdicts are read at [`out`]. `js/wasm.ts` is the other side.

#![cfg_attr(target_arch = "wasm32", no_std)]

extern crate alloc;

mod numbers;
mod slot;
#[cfg(test)]
mod tests;

use alloc::boxed::Box;
use alloc::string::{String, ToString as _};
use alloc::sync::Arc;
use alloc::vec::Vec;

use clarife_webhooks::dedup::{ClaimTable, store_key};
use clarife_webhooks::standard::StandardHeaders;
use clarife_webhooks::{Event, Webhook, WebhookError};
use wasm_bindgen::prelude::wasm_bindgen;
use zeroize::Zeroize as _;

use numbers::{Numbers, TEXT_LENGTH, TEXT_START};
use slot::Slot;

/// What the standard library would bring, in a quarter of its 10 KB.
#[cfg(target_arch = "wasm32")]
mod runtime {
    #[global_allocator]
    static ALLOCATOR: rlsf::SmallGlobalTlsf = rlsf::SmallGlobalTlsf::new();

    /// Traps: the host gets a `WebAssembly.RuntimeError`. Nobody could read the message.
    #[panic_handler]
    fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
        core::arch::wasm32::unreachable()
    }
}

/// What the host has written: a body and a header, or secrets.
static INPUT: Slot<Vec<u8>> = Slot::new(Vec::new());
/// What the host holds by a handle, which is a place in this list, counted from 1.
static HELD: Slot<Vec<Option<Held>>> = Slot::new(Vec::new());
/// The last call's numbers.
static OUT: Slot<Numbers> = Slot::new(numbers::SUCCESS);
/// The last call's text: an error's message or a signature.
static TEXT: Slot<String> = Slot::new(String::new());

/// A webhook, or a store of handled events.
enum Held {
    Webhook(Arc<Webhook>),
    Store(Box<ClaimTable>),
}

/// The largest input whose memory is kept for the next one.
const KEPT: usize = 1 << 20;

/// Makes room for `length` bytes of input and says where; 0 if there is no memory for them.
#[wasm_bindgen]
pub fn reserve(length: usize) -> *mut u8 {
    INPUT.with(|input| {
        if input.len() < length {
            // Freed before the larger one is made: both together may be more than there is.
            *input = Vec::new();
            if input.try_reserve_exact(length).is_err() {
                return core::ptr::null_mut();
            }
            input.resize(length, 0);
        }
        input.as_mut_ptr()
    })
}

/// Where the numbers are that a call leaves.
#[wasm_bindgen]
pub fn out() -> *const f64 {
    OUT.as_ptr().cast()
}

/// Makes a webhook of the secrets in the input's first `length` bytes, each followed by a byte 255, which UTF-8 never has, and
/// wipes them; its handle, or 0 for an error. `standard` makes it verify by the headers of Standard Webhooks.
#[wasm_bindgen]
pub fn open(length: usize, tolerance: f64, max_event_age: f64, standard: bool) -> usize {
    let mut input = INPUT.take();
    let bytes = input.get_mut(..length).unwrap_or_default();
    let secrets = bytes.split_inclusive(|&byte| byte == u8::MAX).map(|secret| {
        let text = secret.strip_suffix(&[u8::MAX]).unwrap_or_default();
        core::str::from_utf8(text).unwrap_or_default() // the host writes UTF-8, and an empty secret is refused
    });
    let webhook = numbers::webhook(secrets, tolerance, max_event_age, standard);
    bytes.zeroize(); // the core keeps keyed states only and wipes them; these are ours to wipe
    keep(input);
    match webhook.map(|webhook| hold(Held::Webhook(Arc::new(webhook)))) {
        Ok(handle) => {
            result(numbers::SUCCESS, String::new());
            handle
        }
        Err(error) => {
            result(numbers::of_error(&error), error.to_string());
            0
        }
    }
}

/// Drops a webhook, whose keys are wiped, or a store.
#[wasm_bindgen]
pub fn close(handle: usize) {
    drop(HELD.with(|held| held.get_mut(handle.wrapping_sub(1)).and_then(Option::take)));
}

/// Verifies the input's first `body` bytes with the `header` bytes after them as the signature; a negative length is no header.
#[wasm_bindgen]
pub fn verify(handle: usize, body: usize, header: i32, now: f64) {
    with_input(handle, &|webhook, input| {
        let (body, rest) = input.split_at_checked(body).unwrap_or_default();
        let header = usize::try_from(header).ok().and_then(|length| rest.get(..length));
        event_result(webhook.verify_at(body, header, numbers::time(now)));
    });
}

/// The same by the headers of Standard Webhooks: after the body come the id, the timestamp and the signature, one after the other,
/// of so many bytes; one of none is missing.
#[wasm_bindgen]
pub fn verify_standard(handle: usize, body: usize, id: usize, timestamp: usize, signature: usize, now: f64) {
    with_input(handle, &|webhook, input| {
        let (body, rest) = input.split_at_checked(body).unwrap_or_default();
        let (id, rest) = rest.split_at_checked(id).unwrap_or_default();
        let (timestamp, rest) = rest.split_at_checked(timestamp).unwrap_or_default();
        let headers = [id, timestamp, rest.get(..signature).unwrap_or_default()].map(text_of);
        let headers = StandardHeaders::new(headers[0], headers[1], headers[2]);
        event_result(webhook.verify_at(body, &headers, numbers::time(now)));
    });
}

/// Reads the input's first `body` bytes as an event, without verifying it.
#[wasm_bindgen]
pub fn parse(body: usize) {
    let input = INPUT.take();
    event_result(Event::parse_trusted(input.get(..body).unwrap_or_default()));
    keep(input);
}

/// Signs the input's first `body` bytes.
#[wasm_bindgen]
pub fn sign(handle: usize, body: usize, timestamp: f64) {
    with_input(handle, &|webhook, input| {
        let body = input.get(..body).unwrap_or_default();
        match webhook.sign(body, numbers::time(timestamp)) {
            Ok(signature) => result(numbers::SUCCESS, signature),
            Err(error) => result(numbers::WRONG, error.to_string()),
        }
    });
}

/// Signs the input's first `body` bytes as Standard Webhooks have it; the event's id is the `id` bytes after them.
#[wasm_bindgen]
pub fn sign_standard(handle: usize, body: usize, id: usize, timestamp: f64) {
    with_input(handle, &|webhook, input| {
        let (body, rest) = input.split_at_checked(body).unwrap_or_default();
        let id = text_of(rest.get(..id).unwrap_or_default());
        let (numbers, text) = numbers::of_standard(webhook.sign_standard(body, id, numbers::time(timestamp)));
        result(numbers, text);
    });
}

/// Makes a store of handled events; its handle.
#[wasm_bindgen]
pub fn open_store(capacity: f64) -> usize {
    hold(Held::Store(Box::new(numbers::store(capacity))))
}

/// Takes a step with the id in the input's first `id` bytes: claims it, marks it as done, or gives up the claim of a token, which then
/// stands for `ttl`. What it gives is `numbers::dedup`'s; a store that is not there is full.
#[wasm_bindgen]
pub fn dedup(handle: usize, step: u32, id: usize, now: f64, ttl: f64) -> f64 {
    let input = INPUT.take();
    let id = text_of(input.get(..id).unwrap_or_default());
    let number = HELD.with(|held| match held.get_mut(handle.wrapping_sub(1)) {
        Some(Some(Held::Store(store))) => numbers::dedup(store, step, id, now, ttl),
        _ => numbers::FULL,
    });
    keep(input);
    number
}

/// Leaves the key under which shared stores keep the id in the input's first `id` bytes.
#[wasm_bindgen]
pub fn key(id: usize) {
    let input = INPUT.take();
    result(numbers::SUCCESS, store_key(text_of(input.get(..id).unwrap_or_default())).into());
    keep(input);
}

/// Leaves a code's message and hint.
#[wasm_bindgen]
pub fn describe(code: f64) {
    result(numbers::SUCCESS, numbers::describe(code));
}

/// Keeps a value; its handle.
fn hold(value: Held) -> usize {
    HELD.with(|held| {
        let free = held.iter().position(Option::is_none).unwrap_or_else(|| {
            held.push(None);
            held.len().wrapping_sub(1)
        });
        if let Some(place) = held.get_mut(free) {
            *place = Some(value);
        }
        free.saturating_add(1)
    })
}

/// The host writes UTF-8; anything else is no header and no id.
fn text_of(bytes: &[u8]) -> &str {
    core::str::from_utf8(bytes).unwrap_or_default()
}

/// `call` is not a type of its own: there is one of this for all calls.
fn with_input(handle: usize, call: &dyn Fn(&Webhook, &[u8])) {
    let input = INPUT.take();
    let webhook = HELD.with(|held| match held.get(handle.wrapping_sub(1)) {
        Some(Some(Held::Webhook(webhook))) => Some(webhook.clone()),
        _ => None,
    });
    match webhook {
        Some(webhook) => call(&webhook, &input),
        // Said, because otherwise the last call's verdict would be taken for this one's.
        None => result(numbers::WRONG, String::from("webhook must be what open() gave")),
    }
    keep(input);
}

/// Keeps the input's memory for the next one, unless it is more than most need.
fn keep(input: Vec<u8>) {
    if input.len() <= KEPT {
        INPUT.put(input);
    }
}

fn event_result(verdict: Result<Event<'_>, WebhookError>) {
    match verdict {
        Ok(event) => result(numbers::of_event(&event), String::new()),
        Err(error) => result(numbers::of_error(&error), error.to_string()),
    }
}

fn result(mut numbers: Numbers, text: String) {
    numbers[TEXT_START] = text.as_ptr().addr() as f64;
    numbers[TEXT_LENGTH] = text.len() as f64;
    OUT.put(numbers);
    TEXT.put(text);
}
