//! The native addon behind `clarife-webhooks`: conversions only, on Node-API itself.
//!
//! Not on napi-rs's attribute macros, because a call through them costs ten times a call of a plain function, about as
//! much as the HMAC of a small body. Bodies are read where they lie, and verdicts are numbers in an array that both
//! sides see; `js/native.ts` is the other side.

extern crate alloc;

mod addon;
mod env;
#[path = "../../bindings-wasm/src/numbers.rs"]
mod numbers;
