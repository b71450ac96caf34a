//! The WebAssembly module of the npm package `clarife-webhooks`, and `clarife-webhooks-core.wasm` for other hosts:
//! conversions only.
//!
//! Every function takes and returns numbers, so the module has no imports and needs no glue code. The host writes bodies,
//! headers and secrets to [`reserve`]d memory, and reads the numbers of `clarife_webhooks::abi` at [`out`].
//! `bindings-node/backends/wasm.ts` is the host of the npm package. With the feature `standalone`, the module counts
//! positions in bytes. `cargo xtask codegen` writes the exports and their comments into the page for other hosts.

#![cfg_attr(target_arch = "wasm32", no_std)]

extern crate alloc;

mod handles;
mod slot;
#[cfg(test)]
mod tests;

use alloc::boxed::Box;
use alloc::string::{String, ToString as _};
use alloc::sync::Arc;
use alloc::vec::Vec;

use clarife_webhooks::abi::{self, Numbers, TEXT_LENGTH, TEXT_START};
use clarife_webhooks::dedup::{ClaimTable, store_key};
use clarife_webhooks::standard::StandardHeaders;
use clarife_webhooks::{Event, Webhook, WebhookError};
use wasm_bindgen::prelude::wasm_bindgen;
use zeroize::Zeroize as _;

use handles::Handles;
use slot::{Held, Slot};

/// An allocator and a panic handler, which take a quarter of the 10 KB of the standard library's.
#[cfg(target_arch = "wasm32")]
mod runtime {
    #[global_allocator]
    static ALLOCATOR: rlsf::SmallGlobalTlsf = rlsf::SmallGlobalTlsf::new();

    /// Traps: the host gets a `WebAssembly.RuntimeError`. There is no way to show the message.
    #[panic_handler]
    fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
        core::arch::wasm32::unreachable()
    }
}

/// The host's input: a body and texts after it, secrets, or an id.
static INPUT: Slot<Vec<u8>> = Slot::new(Vec::new());
/// The values that the host has handles of.
static VALUES: Held<Handles<Value>> = Held::new(Handles::new());
/// The numbers of the last call.
static OUT: Slot<Numbers> = Slot::new(abi::SUCCESS);
/// The text of the last call: an error's message or a signature.
static TEXT: Slot<String> = Slot::new(String::new());

/// A value behind a handle.
enum Value {
    Webhook(Arc<Webhook>),
    Store(Box<ClaimTable>),
}

/// The largest input whose memory the next input reuses.
const MAX_KEPT: usize = 1 << 20;

/// Reserves memory for `length` bytes of input and returns its address, or 0 if there is not enough memory.
#[wasm_bindgen]
pub fn reserve(length: usize) -> *mut u8 {
    INPUT.with(|input| {
        if input.len() < length {
            // Free the old memory first: both together may be more than there is.
            *input = Vec::new();
            if input.try_reserve_exact(length).is_err() {
                return core::ptr::null_mut();
            }
            input.resize(length, 0);
        }
        input.as_mut_ptr()
    })
}

/// Returns the address of the numbers, which never changes.
#[wasm_bindgen]
pub fn out() -> *const f64 {
    OUT.as_ptr().cast()
}

/// Returns the version of these functions and numbers.
#[cfg(feature = "standalone")]
#[wasm_bindgen]
pub fn abi_version() -> u32 {
    abi::VERSION
}

/// Creates a webhook from the secrets in the input's first `length` bytes, and wipes them. A byte 255, which UTF-8 never
/// has, ends each secret. Returns a handle, or 0 for an error. The host writes the first `options` options to [`out`]
/// before.
#[wasm_bindgen]
pub fn open(length: usize, options: usize) -> f64 {
    let mut input = INPUT.take();
    let bytes = input.get_mut(..length).unwrap_or_default();
    let secrets = bytes.split_inclusive(|&byte| byte == u8::MAX).map(|secret| {
        let text = secret.strip_suffix(&[u8::MAX]).unwrap_or_default();
        core::str::from_utf8(text).unwrap_or_default() // the host writes UTF-8, and the core refuses an empty secret
    });
    let numbers = OUT.take();
    let webhook = abi::webhook(secrets, numbers.get(..options).unwrap_or_default());
    bytes.zeroize(); // the core keeps only keyed states and wipes those
    keep_input(input);
    match webhook.map(|webhook| VALUES.with(|values| values.add(Value::Webhook(Arc::new(webhook))))) {
        Ok(handle) => {
            set_result(abi::SUCCESS, String::new());
            handle
        }
        Err(error) => {
            set_result(abi::of_error(&error), abi::text_of_error(&error));
            0.0
        }
    }
}

/// Drops a webhook, whose keys are wiped, or a store.
#[wasm_bindgen]
pub fn close(handle: f64) {
    drop(VALUES.with(|values| values.remove(handle)));
}

/// Verifies the input's first `body` bytes. The `header` bytes after them are the signature, and a negative length means
/// that the request has no header.
#[wasm_bindgen]
pub fn verify(handle: f64, body: usize, header: i32, now: f64) {
    with_webhook(handle, &|webhook, input| {
        let (body, rest) = input.split_at_checked(body).unwrap_or_default();
        let header = usize::try_from(header).ok().and_then(|length| rest.get(..length));
        set_event(webhook.verify_at(body, header, abi::time(now)));
    });
}

/// Verifies the input's first `body` bytes with the headers of Standard Webhooks. The id, the timestamp and the signature
/// follow the body, with these lengths. An empty header is missing.
#[wasm_bindgen]
pub fn verify_standard(handle: f64, body: usize, id: usize, timestamp: usize, signature: usize, now: f64) {
    with_webhook(handle, &|webhook, input| {
        let (body, rest) = input.split_at_checked(body).unwrap_or_default();
        let (id, rest) = rest.split_at_checked(id).unwrap_or_default();
        let (timestamp, rest) = rest.split_at_checked(timestamp).unwrap_or_default();
        let headers = [id, timestamp, rest.get(..signature).unwrap_or_default()].map(to_text);
        let headers = StandardHeaders::new(headers[0], headers[1], headers[2]);
        set_event(webhook.verify_at(body, &headers, abi::time(now)));
    });
}

/// Reads the input's first `body` bytes as an event, without verifying them.
#[wasm_bindgen]
pub fn parse(body: usize) {
    with_input(|input| set_event(Event::parse_trusted(input.get(..body).unwrap_or_default())));
}

/// Signs the input's first `body` bytes, and sets the text to the header.
#[wasm_bindgen]
pub fn sign(handle: f64, body: usize, timestamp: f64) {
    with_webhook(handle, &|webhook, input| {
        let body = input.get(..body).unwrap_or_default();
        match webhook.sign(body, abi::time(timestamp)) {
            Ok(signature) => set_result(abi::SUCCESS, signature),
            Err(error) => set_result(abi::INVALID_ARGUMENT, error.to_string()),
        }
    });
}

/// Signs the input's first `body` bytes as in Standard Webhooks. The `id` bytes after them are the event's id. Sets the
/// text to the values of the three headers, each in a line.
#[wasm_bindgen]
pub fn sign_standard(handle: f64, body: usize, id: usize, timestamp: f64) {
    with_webhook(handle, &|webhook, input| {
        let (body, rest) = input.split_at_checked(body).unwrap_or_default();
        let id = to_text(rest.get(..id).unwrap_or_default());
        let (numbers, text) = abi::of_standard(webhook.sign_standard(body, id, abi::time(timestamp)));
        set_result(numbers, text);
    });
}

/// Creates a store of handled events and returns its handle. A capacity of NaN is the default.
#[wasm_bindgen]
pub fn open_store(capacity: f64) -> f64 {
    VALUES.with(|values| values.add(Value::Store(Box::new(abi::store(capacity)))))
}

/// Claims the id in the input's first `id` bytes. Returns the token, which counts from 1, or a result of the store. Times
/// are in milliseconds.
#[wasm_bindgen]
pub fn claim(handle: f64, id: usize, now: f64, ttl: f64) -> f64 {
    with_store(handle, id, &|store, id| abi::claim(store, id, now, ttl))
}

/// Marks the id in the input's first `id` bytes as handled. Returns 0, or the result of a full store. Times are in
/// milliseconds.
#[wasm_bindgen]
pub fn complete(handle: f64, id: usize, now: f64, ttl: f64) -> f64 {
    with_store(handle, id, &|store, id| abi::complete(store, id, now, ttl))
}

/// Releases a token's claim of the id in the input's first `id` bytes.
#[wasm_bindgen]
pub fn release(handle: f64, id: usize, token: f64) {
    with_store(handle, id, &|store, id| {
        abi::release(store, id, token);
        0.0
    });
}

/// Returns 1 if a full store has removed a done mark that was still alive.
#[wasm_bindgen]
pub fn take_evicted(handle: f64) -> f64 {
    with_store(handle, 0, &|store, _| f64::from(u8::from(store.take_evicted())))
}

/// Sets the text to the key of the id in the input's first `id` bytes, in stores that several processes share.
#[wasm_bindgen]
pub fn key(id: usize) {
    with_input(|input| set_result(abi::SUCCESS, store_key(to_text(input.get(..id).unwrap_or_default())).into()));
}

/// Sets the text to the message and the hint of an error code's number, each in a line.
#[wasm_bindgen]
pub fn describe(code: f64) {
    set_result(abi::SUCCESS, abi::describe(code));
}

/// Returns bytes as text. The host writes UTF-8; other bytes are an empty text.
fn to_text(bytes: &[u8]) -> &str {
    core::str::from_utf8(bytes).unwrap_or_default()
}

/// Calls a function with the input.
fn with_input<R>(call: impl FnOnce(&[u8]) -> R) -> R {
    let input = INPUT.take();
    let result = call(&input);
    keep_input(input);
    result
}

/// Calls a function with a webhook and the input. The call is a trait object, so the module has one copy of this code.
fn with_webhook(handle: f64, call: &dyn Fn(&Webhook, &[u8])) {
    let webhook = VALUES.with(|values| match values.get_mut(handle) {
        Some(Value::Webhook(webhook)) => Some(webhook.clone()),
        _ => None,
    });
    with_input(|input| match webhook {
        Some(webhook) => call(&webhook, input),
        // Without a result of its own, this call would have the last call's verdict.
        None => set_result(abi::INVALID_ARGUMENT, String::from("webhook must be a result of open()")),
    });
}

/// Calls a function with a store and the id in the input's first `id` bytes. A missing store counts as full.
fn with_store(handle: f64, id: usize, call: &dyn Fn(&mut ClaimTable, &str) -> f64) -> f64 {
    with_input(|input| {
        VALUES.with(|values| match values.get_mut(handle) {
            Some(Value::Store(store)) => call(store, to_text(input.get(..id).unwrap_or_default())),
            _ => abi::FULL,
        })
    })
}

/// Keeps the input's memory for the next input, unless it is unusually large.
fn keep_input(input: Vec<u8>) {
    if input.len() <= MAX_KEPT {
        INPUT.put(input);
    }
}

fn set_event(verdict: Result<Event<'_>, WebhookError>) {
    match verdict {
        Ok(event) => set_result(numbers_of(&event), String::new()),
        Err(error) => set_result(abi::of_error(&error), abi::text_of_error(&error)),
    }
}

/// Returns the numbers of an event with positions for the host: JavaScript slices strings, and other hosts slice bytes.
fn numbers_of(event: &Event<'_>) -> Numbers {
    if cfg!(feature = "standalone") { abi::of_event_in_bytes(event) } else { abi::of_event(event) }
}

fn set_result(mut numbers: Numbers, text: String) {
    numbers[TEXT_START] = text.as_ptr().addr() as f64;
    numbers[TEXT_LENGTH] = text.len() as f64;
    OUT.put(numbers);
    TEXT.put(text);
}
