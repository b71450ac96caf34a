//! The functions that are not on the path of a delivery, through the attribute macros of napi-rs.

use core::cell::RefCell;

use clarife_webhooks::Webhook;
use clarife_webhooks::abi;
use clarife_webhooks::dedup::{ClaimTable, store_key};
use napi::bindgen_prelude::{Float64ArraySlice, Object, Result};
use napi::{Callback, Env};
use napi_derive::napi;

use crate::raw::{self, Body, Handle, Out, Value, external};

/// Registers what the attribute macros do not: the array of numbers and the functions of `raw.rs`. Node calls this for
/// every environment (the main thread, each worker) that loads the addon.
#[napi(module_exports)]
pub(crate) fn init(mut exports: Object<'_>, env: Env) -> Result<()> {
    let array = Float64ArraySlice::copy_from(&env, abi::SUCCESS)?;
    exports.set("out", array)?;
    env.set_instance_data(Out::new(array.into_typed_array(&env)?), (), |_| ())?;
    for (name, function) in [
        ("open", raw::open as Callback),
        ("verify", raw::verify),
        ("verifyStandard", raw::verify_standard),
        ("parse", raw::parse),
        ("claim", raw::claim),
        ("complete", raw::complete),
    ] {
        exports.set(name, raw::function(env, name, function)?)?;
    }
    Ok(())
}

/// Signs a body. `sign(webhook, body, timestamp)` returns the signature header, or an error's message.
#[napi(catch_unwind)]
pub(crate) fn sign(env: Env, webhook: Handle<'_, Webhook>, body: Body<'_>, timestamp: f64) -> Result<String> {
    match webhook.sign(body.bytes(), abi::time(timestamp)) {
        Ok(signature) => Out::of(env)?.result(abi::SUCCESS, signature),
        Err(error) => Out::of(env)?.result(abi::INVALID_ARGUMENT, error.to_string()),
    }
}

/// Signs a body as in Standard Webhooks. `signStandard(webhook, body, id, timestamp)` returns the headers' values, one
/// in each line, or an error's message.
#[napi(catch_unwind)]
pub(crate) fn sign_standard(
    env: Env,
    webhook: Handle<'_, Webhook>,
    body: Body<'_>,
    id: String,
    timestamp: f64,
) -> Result<String> {
    let (numbers, text) = abi::of_standard(webhook.sign_standard(body.bytes(), &id, abi::time(timestamp)));
    Out::of(env)?.result(numbers, text)
}

/// Creates a store of handled events: `openStore(capacity)`.
#[napi(catch_unwind)]
pub(crate) fn open_store(env: Env, capacity: f64) -> Result<Value> {
    external(env, RefCell::new(abi::store(capacity)))
}

/// Releases a claim: `release(store, id, token)`.
#[napi(catch_unwind)]
pub(crate) fn release(store: Handle<'_, RefCell<ClaimTable>>, id: String, token: f64) {
    abi::release(&mut store.borrow_mut(), &id, token);
}

/// Returns whether a full store has removed a done mark that was still alive: `takeEvicted(store)`.
#[napi(catch_unwind)]
pub(crate) fn take_evicted(store: Handle<'_, RefCell<ClaimTable>>) -> bool {
    store.borrow_mut().take_evicted()
}

/// Returns the key of an event's id in stores that several processes share: `storeKey(id)`.
#[napi(js_name = "storeKey", catch_unwind)]
pub(crate) fn key(id: String) -> String {
    store_key(&id).into_owned()
}

/// Returns an error code's message and hint: `describe(code)`.
#[napi(catch_unwind)]
pub(crate) fn describe(code: f64) -> String {
    abi::describe(code)
}
