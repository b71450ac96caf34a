//! The addon's functions, as Node calls them.
#![expect(unsafe_code, reason = "Node-API is a C interface")]

use core::cell::RefCell;
use core::ptr;

use clarife_webhooks::dedup::{ClaimTable, store_key};
use clarife_webhooks::standard::StandardHeaders;
use clarife_webhooks::{Event, Webhook};
use napi_sys::{napi_callback_info, napi_env, napi_value};
use zeroize::Zeroize as _;

use crate::env::{Env, Failure, HEADER_ROOM, Out, drop_box};
use crate::numbers;

/// Node-API 8: Node 12.22, 14.17, 15.12 and later.
#[unsafe(no_mangle)]
extern "C" fn node_api_module_get_api_version_v1() -> i32 {
    8
}

/// Node calls this for every environment (main thread, each worker) that loads the addon.
#[unsafe(no_mangle)]
unsafe extern "C" fn napi_register_module_v1(env: napi_env, exports: napi_value) -> napi_value {
    #[cfg(target_env = "msvc")]
    // SAFETY: called once per environment before any other function; the library is Node itself and is never unloaded.
    core::mem::forget(unsafe { napi_sys::setup() });
    let env = Env(env);
    env.guarded(|| {
        let (array, out) = env.numbers()?;
        env.set(exports, c"out", array)?;
        // Freed with the environment, after which its functions cannot be called.
        let out = Box::into_raw(Box::new(out));
        // SAFETY: `out` is ours until `drop_box` gets it.
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
            // SAFETY: the name ends with a NUL, which is what -1 says; `out` outlives the function (above).
            env.check(unsafe {
                napi_sys::napi_create_function(env.0, name.as_ptr(), -1, Some(function), out.cast(), &raw mut value)
            })?;
            env.set(exports, name, value)?;
        }
        Ok(exports)
    })
}

/// `open(secrets, tolerance, maxEventAge, standard)`: a webhook, or an error's message.
unsafe extern "C" fn open(env: napi_env, info: napi_callback_info) -> napi_value {
    let env = Env(env);
    env.guarded(|| {
        let (out, [secrets, tolerance, max_event_age, standard]) = env.arguments(info)?;
        let (tolerance, max_event_age) = (env.number(tolerance)?, env.number(max_event_age)?);
        let standard = env.boolean(standard)?;
        let mut secrets = env.strings(secrets)?;
        let webhook = numbers::webhook(&secrets, tolerance, max_event_age, standard);
        secrets.zeroize(); // the core keeps keyed states only and wipes them; these copies are ours to wipe
        match webhook {
            Ok(webhook) => out.result(numbers::SUCCESS, env.external(webhook)?),
            Err(error) => out.result(numbers::of_error(&error), env.text(&error.to_string())?),
        }
    })
}

/// `verify(webhook, body, signature, now)`: the text of a body that came as bytes, or an error's message.
unsafe extern "C" fn verify(env: napi_env, info: napi_callback_info) -> napi_value {
    let env = Env(env);
    env.guarded(|| {
        let (out, [webhook, body, signature, now]) = env.arguments(info)?;
        let webhook = env.held::<Webhook>(webhook)?;
        let body = env.body(body)?;
        let now = numbers::time(env.number(now)?);
        let mut room = [0; HEADER_ROOM];
        let header = env.header(signature, &mut room)?;
        out.event_result(env, &body, &webhook.verify_at(body.bytes(), header.as_deref(), now))
    })
}

/// `verifyStandard(webhook, body, id, timestamp, signature, now)`: the same by the headers of Standard Webhooks.
unsafe extern "C" fn verify_standard(env: napi_env, info: napi_callback_info) -> napi_value {
    let env = Env(env);
    env.guarded(|| {
        let (out, [webhook, body, id, timestamp, signature, now]) = env.arguments(info)?;
        let webhook = env.held::<Webhook>(webhook)?;
        let body = env.body(body)?;
        let now = numbers::time(env.number(now)?);
        let (id, timestamp, signature) = (env.owned_text(id)?, env.owned_text(timestamp)?, env.owned_text(signature)?);
        let headers = StandardHeaders::new(&id, &timestamp, &signature);
        out.event_result(env, &body, &webhook.verify_at(body.bytes(), &headers, now))
    })
}

/// `parse(body)`: the text of an event that came as bytes, or an error's message. Nothing is verified.
unsafe extern "C" fn parse(env: napi_env, info: napi_callback_info) -> napi_value {
    let env = Env(env);
    env.guarded(|| {
        let (out, [body]) = env.arguments(info)?;
        let body = env.body(body)?;
        out.event_result(env, &body, &Event::parse_trusted(body.bytes()))
    })
}

/// `sign(webhook, body, timestamp)`: the signature header, or an error's message.
unsafe extern "C" fn sign(env: napi_env, info: napi_callback_info) -> napi_value {
    let env = Env(env);
    env.guarded(|| {
        let (out, [webhook, body, timestamp]) = env.arguments(info)?;
        let webhook = env.held::<Webhook>(webhook)?;
        let body = env.body(body)?;
        match webhook.sign(body.bytes(), numbers::time(env.number(timestamp)?)) {
            Ok(signature) => out.result(numbers::SUCCESS, env.text(&signature)?),
            Err(error) => out.result(numbers::WRONG, env.text(&error.to_string())?),
        }
    })
}

/// `signStandard(webhook, body, id, timestamp)`: the headers of Standard Webhooks, each in a line, or an error's message.
unsafe extern "C" fn sign_standard(env: napi_env, info: napi_callback_info) -> napi_value {
    let env = Env(env);
    env.guarded(|| {
        let (out, [webhook, body, id, timestamp]) = env.arguments(info)?;
        let webhook = env.held::<Webhook>(webhook)?;
        let (body, id) = (env.body(body)?, env.owned_text(id)?);
        let timestamp = numbers::time(env.number(timestamp)?);
        let (numbers, text) = numbers::of_standard(webhook.sign_standard(body.bytes(), &id, timestamp));
        out.result(numbers, env.text(&text)?)
    })
}

/// `openStore(capacity)`: a store of handled events.
unsafe extern "C" fn open_store(env: napi_env, info: napi_callback_info) -> napi_value {
    let env = Env(env);
    env.guarded(|| {
        let (_, [capacity]) = env.arguments(info)?;
        env.external(RefCell::new(numbers::store(env.number(capacity)?)))
    })
}

/// `claim(store, id, now, ttl)`: a token, or one of the numbers that are none.
unsafe extern "C" fn claim(env: napi_env, info: napi_callback_info) -> napi_value {
    dedup(Env(env), info, numbers::CLAIM)
}

/// `complete(store, id, now, ttl)`: 0, or that the store is full.
unsafe extern "C" fn complete(env: napi_env, info: napi_callback_info) -> napi_value {
    dedup(Env(env), info, numbers::COMPLETE)
}

/// `release(store, id, token)`: 0.
unsafe extern "C" fn release(env: napi_env, info: napi_callback_info) -> napi_value {
    let env = Env(env);
    env.guarded(|| {
        let (_, [store, id, token]) = env.arguments(info)?;
        take_step(env, numbers::RELEASE, store, id, 0.0, env.number(token)?)
    })
}

fn dedup(env: Env, info: napi_callback_info, step: u32) -> napi_value {
    env.guarded(|| {
        let (_, [store, id, now, ttl]) = env.arguments(info)?;
        take_step(env, step, store, id, env.number(now)?, env.number(ttl)?)
    })
}

fn take_step(
    env: Env,
    step: u32,
    store: napi_value,
    id: napi_value,
    now: f64,
    ttl: f64,
) -> Result<napi_value, Failure> {
    let id = env.owned_text(id)?;
    let mut store = env.held::<RefCell<ClaimTable>>(store)?.borrow_mut();
    env.new_number(numbers::dedup(&mut store, step, &id, now, ttl))
}

/// `storeKey(id)`: the key under which shared stores keep an event's id.
unsafe extern "C" fn key(env: napi_env, info: napi_callback_info) -> napi_value {
    let env = Env(env);
    env.guarded(|| {
        let (_, [id]) = env.arguments(info)?;
        env.text(&store_key(&env.owned_text(id)?))
    })
}

/// `describe(code)`: a code's message and hint.
unsafe extern "C" fn describe(env: napi_env, info: napi_callback_info) -> napi_value {
    let env = Env(env);
    env.guarded(|| {
        let (_, [code]) = env.arguments(info)?;
        env.text(&numbers::describe(env.number(code)?))
    })
}
