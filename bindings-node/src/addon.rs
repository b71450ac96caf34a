//! The functions of the addon.
#![expect(unsafe_code, reason = "Node-API is a C interface")]

use core::cell::RefCell;
use core::ptr;

use clarife_webhooks::abi;
use clarife_webhooks::dedup::{ClaimTable, store_key};
use clarife_webhooks::standard::StandardHeaders;
use clarife_webhooks::{Event, Webhook};
use napi_sys::{napi_callback_info, napi_env, napi_value};
use zeroize::Zeroize as _;

use crate::env::{Env, Failure, HEADER_BUFFER, Out, drop_box};

/// Returns the version of Node-API: 8, which Node 12.22, 14.17, 15.12 and later versions have.
#[unsafe(no_mangle)]
extern "C" fn node_api_module_get_api_version_v1() -> i32 {
    8
}

/// Registers the addon. Node calls this for every environment (the main thread, each worker) that loads it.
#[unsafe(no_mangle)]
unsafe extern "C" fn napi_register_module_v1(env: napi_env, exports: napi_value) -> napi_value {
    #[cfg(target_env = "msvc")]
    // SAFETY: Node calls this once per environment, before any other function. The library is Node itself, which stays loaded.
    core::mem::forget(unsafe { napi_sys::setup() });
    let env = Env(env);
    env.guarded(|| {
        let (array, out) = env.numbers()?;
        env.set(exports, c"out", array)?;
        // The environment frees this when it ends, and its functions cannot be called after that.
        let out = Box::into_raw(Box::new(out));
        // SAFETY: `out` stays valid until Node calls `drop_box`.
        env.check(unsafe {
            napi_sys::napi_set_instance_data(env.0, out.cast(), Some(drop_box::<Out>), ptr::null_mut())
        })?;
        for (name, function) in [
            (c"open", open as unsafe extern "C" fn(_, _) -> _),
            (c"verify", verify),
            (c"verifyStandard", verify_standard),
            (c"parse", parse),
            (c"sign", sign),
            (c"signStandard", sign_standard),
            (c"openStore", open_store),
            (c"claim", claim),
            (c"complete", complete),
            (c"release", release),
            (c"storeKey", key),
            (c"describe", describe),
        ] {
            let mut value = ptr::null_mut();
            // SAFETY: -1 means that the name ends with a NUL, and it does; `out` outlives the function (above).
            env.check(unsafe {
                napi_sys::napi_create_function(env.0, name.as_ptr(), -1, Some(function), out.cast(), &raw mut value)
            })?;
            env.set(exports, name, value)?;
        }
        Ok(exports)
    })
}

/// Creates a webhook. `open(secrets, tolerance, maxEventAge, standard)` returns it, or an error's message.
unsafe extern "C" fn open(env: napi_env, info: napi_callback_info) -> napi_value {
    let env = Env(env);
    env.guarded(|| {
        let (out, [secrets, tolerance, max_event_age, standard]) = env.arguments(info)?;
        let (tolerance, max_event_age) = (env.number(tolerance)?, env.number(max_event_age)?);
        let standard = env.boolean(standard)?;
        let mut secrets = env.strings(secrets)?;
        let webhook = abi::webhook(&secrets, tolerance, max_event_age, standard);
        secrets.zeroize(); // the core keeps only keyed states and wipes those
        match webhook {
            Ok(webhook) => out.result(abi::SUCCESS, env.external(webhook)?),
            Err(error) => out.result(abi::of_error(&error), env.text(&error.to_string())?),
        }
    })
}

/// Verifies a delivery. `verify(webhook, body, signature, now)` returns the text of a body that came as bytes, or an
/// error's message.
unsafe extern "C" fn verify(env: napi_env, info: napi_callback_info) -> napi_value {
    let env = Env(env);
    env.guarded(|| {
        let (out, [webhook, body, signature, now]) = env.arguments(info)?;
        let webhook = env.external_value::<Webhook>(webhook)?;
        let body = env.body(body)?;
        let now = abi::time(env.number(now)?);
        let mut buffer = [0; HEADER_BUFFER];
        let header = env.header(signature, &mut buffer)?;
        out.event_result(env, &body, &webhook.verify_at(body.bytes(), header.as_deref(), now))
    })
}

/// Verifies a delivery with the headers of Standard Webhooks. `verifyStandard(webhook, body, id, timestamp, signature,
/// now)` returns what `verify` returns.
unsafe extern "C" fn verify_standard(env: napi_env, info: napi_callback_info) -> napi_value {
    let env = Env(env);
    env.guarded(|| {
        let (out, [webhook, body, id, timestamp, signature, now]) = env.arguments(info)?;
        let webhook = env.external_value::<Webhook>(webhook)?;
        let body = env.body(body)?;
        let now = abi::time(env.number(now)?);
        let (id, timestamp, signature) = (env.owned_text(id)?, env.owned_text(timestamp)?, env.owned_text(signature)?);
        let headers = StandardHeaders::new(&id, &timestamp, &signature);
        out.event_result(env, &body, &webhook.verify_at(body.bytes(), &headers, now))
    })
}

/// Reads an event without verifying it. `parse(body)` returns the text of a body that came as bytes, or an error's message.
unsafe extern "C" fn parse(env: napi_env, info: napi_callback_info) -> napi_value {
    let env = Env(env);
    env.guarded(|| {
        let (out, [body]) = env.arguments(info)?;
        let body = env.body(body)?;
        out.event_result(env, &body, &Event::parse_trusted(body.bytes()))
    })
}

/// Signs a body. `sign(webhook, body, timestamp)` returns the signature header, or an error's message.
unsafe extern "C" fn sign(env: napi_env, info: napi_callback_info) -> napi_value {
    let env = Env(env);
    env.guarded(|| {
        let (out, [webhook, body, timestamp]) = env.arguments(info)?;
        let webhook = env.external_value::<Webhook>(webhook)?;
        let body = env.body(body)?;
        match webhook.sign(body.bytes(), abi::time(env.number(timestamp)?)) {
            Ok(signature) => out.result(abi::SUCCESS, env.text(&signature)?),
            Err(error) => out.result(abi::INVALID_ARGUMENT, env.text(&error.to_string())?),
        }
    })
}

/// Signs a body as in Standard Webhooks. `signStandard(webhook, body, id, timestamp)` returns the headers' values, one in
/// each line, or an error's message.
unsafe extern "C" fn sign_standard(env: napi_env, info: napi_callback_info) -> napi_value {
    let env = Env(env);
    env.guarded(|| {
        let (out, [webhook, body, id, timestamp]) = env.arguments(info)?;
        let webhook = env.external_value::<Webhook>(webhook)?;
        let (body, id) = (env.body(body)?, env.owned_text(id)?);
        let timestamp = abi::time(env.number(timestamp)?);
        let (numbers, text) = abi::of_standard(webhook.sign_standard(body.bytes(), &id, timestamp));
        out.result(numbers, env.text(&text)?)
    })
}

/// Creates a store of handled events: `openStore(capacity)`.
unsafe extern "C" fn open_store(env: napi_env, info: napi_callback_info) -> napi_value {
    let env = Env(env);
    env.guarded(|| {
        let (_, [capacity]) = env.arguments(info)?;
        env.external(RefCell::new(abi::store(env.number(capacity)?)))
    })
}

/// Claims an event's id: `claim(store, id, now, ttl)` returns the result of `abi::claim`.
unsafe extern "C" fn claim(env: napi_env, info: napi_callback_info) -> napi_value {
    let env = Env(env);
    env.guarded(|| {
        let (_, [store, id, now, ttl]) = env.arguments(info)?;
        let (now, ttl) = (env.number(now)?, env.number(ttl)?);
        with_store(env, store, id, |store, id| abi::claim(store, id, now, ttl))
    })
}

/// Marks an event's id as handled: `complete(store, id, now, ttl)` returns the result of `abi::complete`.
unsafe extern "C" fn complete(env: napi_env, info: napi_callback_info) -> napi_value {
    let env = Env(env);
    env.guarded(|| {
        let (_, [store, id, now, ttl]) = env.arguments(info)?;
        let (now, ttl) = (env.number(now)?, env.number(ttl)?);
        with_store(env, store, id, |store, id| abi::complete(store, id, now, ttl))
    })
}

/// Releases a claim: `release(store, id, token)` returns 0.
unsafe extern "C" fn release(env: napi_env, info: napi_callback_info) -> napi_value {
    let env = Env(env);
    env.guarded(|| {
        let (_, [store, id, token]) = env.arguments(info)?;
        let token = env.number(token)?;
        with_store(env, store, id, |store, id| {
            abi::release(store, id, token);
            0.0
        })
    })
}

fn with_store(
    env: Env,
    store: napi_value,
    id: napi_value,
    call: impl FnOnce(&mut ClaimTable, &str) -> f64,
) -> Result<napi_value, Failure> {
    let id = env.owned_text(id)?;
    let mut store = env.external_value::<RefCell<ClaimTable>>(store)?.borrow_mut();
    env.new_number(call(&mut store, &id))
}

/// Returns the key of an event's id in stores that several processes share: `storeKey(id)`.
unsafe extern "C" fn key(env: napi_env, info: napi_callback_info) -> napi_value {
    let env = Env(env);
    env.guarded(|| {
        let (_, [id]) = env.arguments(info)?;
        env.text(&store_key(&env.owned_text(id)?))
    })
}

/// Returns an error code's message and hint: `describe(code)`.
unsafe extern "C" fn describe(env: napi_env, info: napi_callback_info) -> napi_value {
    let env = Env(env);
    env.guarded(|| {
        let (_, [code]) = env.arguments(info)?;
        env.text(&abi::describe(env.number(code)?))
    })
}
