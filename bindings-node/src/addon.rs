//! The addon's functions, as Node calls them.
#![expect(unsafe_code, reason = "Node-API is a C interface")]

use core::ptr;

use clarife_webhooks::Event;
use napi_sys::{napi_callback_info, napi_env, napi_value};
use zeroize::Zeroize as _;

use crate::env::{Env, HEADER_ROOM, Out, drop_box};
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
            (c"parse", parse),
            (c"sign", sign),
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

/// `open(secrets, tolerance, maxEventAge)`: a webhook, or an error's message.
unsafe extern "C" fn open(env: napi_env, info: napi_callback_info) -> napi_value {
    let env = Env(env);
    env.guarded(|| {
        let (out, [secrets, tolerance, max_event_age]) = env.arguments(info)?;
        let mut secrets = env.strings(secrets)?;
        let webhook = numbers::webhook(&secrets, env.number(tolerance)?, env.number(max_event_age)?);
        secrets.zeroize(); // the core keeps keyed states only and wipes them; these copies are ours to wipe
        match webhook {
            Ok(webhook) => out.answer(numbers::SUCCESS, env.external(webhook)?),
            Err(error) => out.answer(numbers::of_error(&error), env.text(&error.to_string())?),
        }
    })
}

/// `verify(webhook, body, signature, now)`: the text of a body that came as bytes, or an error's message.
unsafe extern "C" fn verify(env: napi_env, info: napi_callback_info) -> napi_value {
    let env = Env(env);
    env.guarded(|| {
        let (out, [webhook, body, signature, now]) = env.arguments(info)?;
        let webhook = env.webhook(webhook)?;
        let body = env.body(body)?;
        let now = numbers::seconds(env.number(now)?);
        let mut room = [0; HEADER_ROOM];
        let header = env.header(signature, &mut room)?;
        out.answer_event(env, &body, &webhook.verify_at(body.bytes(), header.as_deref(), now))
    })
}

/// `parse(body)`: the text of an event that came as bytes, or an error's message. Nothing is verified.
unsafe extern "C" fn parse(env: napi_env, info: napi_callback_info) -> napi_value {
    let env = Env(env);
    env.guarded(|| {
        let (out, [body]) = env.arguments(info)?;
        let body = env.body(body)?;
        out.answer_event(env, &body, &Event::parse_trusted(body.bytes()))
    })
}

/// `sign(webhook, body, timestamp)`: the signature header, or an error's message.
unsafe extern "C" fn sign(env: napi_env, info: napi_callback_info) -> napi_value {
    let env = Env(env);
    env.guarded(|| {
        let (out, [webhook, body, timestamp]) = env.arguments(info)?;
        let webhook = env.webhook(webhook)?;
        let body = env.body(body)?;
        match webhook.sign(body.bytes(), numbers::seconds(env.number(timestamp)?)) {
            Ok(signature) => out.answer(numbers::SUCCESS, env.text(&signature)?),
            Err(error) => out.answer(numbers::WRONG, env.text(&error.to_string())?),
        }
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
