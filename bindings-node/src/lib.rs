//! The native addon of the npm package `clarife-webhooks`: conversions only, on Node-API itself.
//!
//! A call through the attribute macros of napi-rs costs ten times as much as a call of a plain function, which is about
//! the HMAC of a small body. The addon reads bodies where they are, and leaves the numbers of `clarife_webhooks::abi` in
//! an array that both sides see. `backends/native.ts` is the other side.

extern crate alloc;

mod addon;
mod env;
