//! The native addon of the npm package `clarife-webhooks`: conversions only.
//!
//! `raw.rs` has the calls of a delivery, on Node-API itself, and `addon.rs` has the other functions, through napi-rs.
//! The addon reads bodies where they are, and leaves the numbers of `clarife_webhooks::abi` in an array that both sides
//! see. `backends/native.ts` is the other side.

#![cfg(not(test))] // napi-rs exports nothing in a test

mod addon;
mod raw;
