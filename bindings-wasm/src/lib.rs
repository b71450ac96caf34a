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

use alloc::string::{String, ToString as _};
use alloc::sync::Arc;
use alloc::vec::Vec;

use clarife_webhooks::Webhook;
use wasm_bindgen::prelude::wasm_bindgen;
use zeroize::Zeroize as _;

use numbers::Numbers;
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

/// What the host has written: a body and a header, or a secret.
static INPUT: Slot<Vec<u8>> = Slot::new(Vec::new());
/// The secrets of the webhook that is about to be opened.
static SECRETS: Slot<Vec<String>> = Slot::new(Vec::new());
/// Handles are places in this list, counted from 1.
static WEBHOOKS: Slot<Vec<Option<Arc<Webhook>>>> = Slot::new(Vec::new());
/// The last call's numbers, then where its text is and how long.
static OUT: Slot<[f64; 11]> = Slot::new([0.0; 11]);
/// The last call's text: an error's message or a signature.
static TEXT: Slot<String> = Slot::new(String::new());

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

/// Where the eleven numbers are that a call leaves.
#[wasm_bindgen]
pub fn out() -> *const f64 {
    OUT.with(|out| out.as_ptr())
}

/// Takes the input's first `length` bytes as a secret of the webhook that [`open`] will make, and wipes them.
#[wasm_bindgen]
pub fn secret(length: usize) {
    INPUT.with(|input| {
        let bytes = input.get_mut(..length).unwrap_or_default();
        SECRETS.with(|secrets| secrets.push(String::from_utf8(bytes.to_vec()).unwrap_or_default()));
        bytes.zeroize();
    });
}

/// Makes a webhook of the secrets given before; its handle, or 0 for an error.
#[wasm_bindgen]
pub fn open(tolerance: f64, max_event_age: f64) -> usize {
    let mut secrets = SECRETS.take();
    let webhook = numbers::webhook(&secrets, tolerance, max_event_age);
    secrets.zeroize(); // the core keeps keyed states only and wipes them; these copies are ours to wipe
    match webhook {
        Ok(webhook) => {
            answer(numbers::SUCCESS, String::new());
            WEBHOOKS.with(|webhooks| {
                let free = webhooks.iter().position(Option::is_none).unwrap_or(webhooks.len());
                webhooks.resize(webhooks.len().max(free.saturating_add(1)), None);
                if let Some(place) = webhooks.get_mut(free) {
                    *place = Some(Arc::new(webhook));
                }
                free.saturating_add(1)
            })
        }
        Err(error) => {
            answer(numbers::of_error(&error), error.to_string());
            0
        }
    }
}

/// Drops a webhook and wipes its keys.
#[wasm_bindgen]
pub fn close(handle: usize) {
    WEBHOOKS.with(|webhooks| webhooks.get_mut(handle.wrapping_sub(1)).map(Option::take));
}

/// Verifies the input's first `body` bytes with the `header` bytes after them as the signature; a negative length is no header.
#[wasm_bindgen]
pub fn verify(handle: usize, body: usize, header: i32, now: f64) {
    with_input(handle, |webhook, input| {
        let (body, rest) = input.split_at_checked(body).unwrap_or_default();
        let header = usize::try_from(header).ok().and_then(|length| rest.get(..length));
        match webhook.verify_at(body, header, numbers::seconds(now)) {
            Ok(event) => answer(numbers::of_event(&event), String::new()),
            Err(error) => answer(numbers::of_error(&error), error.to_string()),
        }
    });
}

/// Signs the input's first `body` bytes.
#[wasm_bindgen]
pub fn sign(handle: usize, body: usize, timestamp: f64) {
    with_input(handle, |webhook, input| {
        match webhook.sign(input.get(..body).unwrap_or_default(), numbers::seconds(timestamp)) {
            Ok(signature) => answer(numbers::SUCCESS, signature),
            Err(error) => answer(numbers::INVALID_TIMESTAMP, error.to_string()),
        }
    });
}

fn with_input(handle: usize, call: impl FnOnce(&Webhook, &[u8])) {
    let webhook = WEBHOOKS.with(|webhooks| webhooks.get(handle.wrapping_sub(1)).cloned().flatten());
    let input = INPUT.take();
    if let Some(webhook) = webhook {
        call(&webhook, &input);
    }
    INPUT.with(|place| *place = input);
}

fn answer(numbers: Numbers, text: String) {
    let [a, b, c, d, e, f, g, h, i] = numbers;
    let place = [text.as_ptr().addr() as f64, text.len() as f64];
    let [start, length] = place;
    OUT.with(|out| *out = [a, b, c, d, e, f, g, h, i, start, length]);
    TEXT.with(|place| *place = text);
}
