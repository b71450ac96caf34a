//! The calls of a delivery, on Node-API itself. Through the attribute macros of napi-rs, the call that verifies a body
//! of 314 bytes takes 963 ns instead of 785.
#![expect(unsafe_code, reason = "Node-API is a C interface")]

use core::cell::RefCell;
use core::ffi::c_void;
use core::ops::Deref;
use core::{ptr, slice};
use std::borrow::Cow;
use std::panic::{AssertUnwindSafe, catch_unwind};

use clarife_webhooks::abi::{self, Numbers};
use clarife_webhooks::dedup::ClaimTable;
use clarife_webhooks::standard::StandardHeaders;
use clarife_webhooks::{Event, Webhook, WebhookError};
use encoding_rs::mem;
use napi::bindgen_prelude::{Float64Array, FromNapiValue, ToNapiValue};
use napi::sys::{self, TypedarrayType, ValueType, napi_callback_info, napi_env, napi_type_tag, napi_value};
use napi::{Callback, Env, Error, JsError, JsValue as _, Result, Status, check_status};
use zeroize::Zeroize as _;

/// The size of the buffer on the stack for an ordinary header, which has 170 bytes with two signatures. Node-API cuts a
/// longer text, but never inside a character of up to 4 bytes, so a cut text nearly fills the buffer. The NUL takes a
/// byte.
const HEADER_BUFFER: usize = 256;
const MAY_BE_CUT: usize = HEADER_BUFFER - 4;

/// Creates a webhook. `open(secrets, options)` returns it, or an error's message.
pub(crate) unsafe extern "C" fn open(env: napi_env, info: napi_callback_info) -> napi_value {
    guarded(env, info, |out, [secrets, options]| {
        let options: Vec<f64> = read(env, options)?;
        let mut secrets: Vec<String> = read(env, secrets)?;
        let webhook = abi::webhook(&secrets, &options);
        secrets.zeroize(); // the core keeps only keyed states and wipes those
        let env = Env::from_raw(env);
        match webhook {
            Ok(webhook) => out.result(abi::SUCCESS, Some(external(env, webhook)?)),
            Err(error) => out.result(abi::of_error(&error), Some(text(env, &abi::text_of_error(&error))?)),
        }
    })
}

/// Verifies a delivery. `verify(webhook, body, signature, now)` returns the text of a body that came as bytes, or an
/// error's message.
pub(crate) unsafe extern "C" fn verify(env: napi_env, info: napi_callback_info) -> napi_value {
    guarded(env, info, |out, [webhook, body, signature, now]| {
        let (webhook, body): (Handle<'_, Webhook>, Body<'_>) = (read(env, webhook)?, read(env, body)?);
        let now = abi::time(read(env, now)?);
        let mut buffer = [0; HEADER_BUFFER];
        let header = header(env, signature, &mut buffer)?;
        out.event_result(env, &body, &webhook.verify_at(body.bytes(), header.as_deref(), now))
    })
}

/// Verifies a delivery with the headers of Standard Webhooks. `verifyStandard(webhook, body, id, timestamp, signature,
/// now)` returns what `verify` returns.
pub(crate) unsafe extern "C" fn verify_standard(env: napi_env, info: napi_callback_info) -> napi_value {
    guarded(env, info, |out, [webhook, body, id, timestamp, signature, now]| {
        let (webhook, body): (Handle<'_, Webhook>, Body<'_>) = (read(env, webhook)?, read(env, body)?);
        let now = abi::time(read(env, now)?);
        let (id, timestamp, signature): (String, String, String) =
            (read(env, id)?, read(env, timestamp)?, read(env, signature)?);
        let headers = StandardHeaders::new(&id, &timestamp, &signature);
        out.event_result(env, &body, &webhook.verify_at(body.bytes(), &headers, now))
    })
}

/// Reads an event without verifying it. `parse(body)` returns the text of a body that came as bytes, or an error's
/// message.
pub(crate) unsafe extern "C" fn parse(env: napi_env, info: napi_callback_info) -> napi_value {
    guarded(env, info, |out, [body]| {
        let body: Body<'_> = read(env, body)?;
        out.event_result(env, &body, &Event::parse_trusted(body.bytes()))
    })
}

/// Claims an event's id: `claim(store, id, now, ttl)` returns the result of `abi::claim`.
pub(crate) unsafe extern "C" fn claim(env: napi_env, info: napi_callback_info) -> napi_value {
    guarded(env, info, |_, arguments| with_store(env, arguments, abi::claim))
}

/// Marks an event's id as handled: `complete(store, id, now, ttl)` returns the result of `abi::complete`.
pub(crate) unsafe extern "C" fn complete(env: napi_env, info: napi_callback_info) -> napi_value {
    guarded(env, info, |_, arguments| with_store(env, arguments, abi::complete))
}

fn with_store(
    env: napi_env,
    [store, id, now, ttl]: [napi_value; 4],
    call: fn(&mut ClaimTable, &str, f64, f64) -> f64,
) -> Result<Option<Value>> {
    let (store, id): (Handle<'_, RefCell<ClaimTable>>, String) = (read(env, store)?, read(env, id)?);
    let number = call(&mut store.borrow_mut(), &id, read(env, now)?, read(env, ttl)?);
    Ok(Some(Value(Env::from_raw(env).create_double(number)?.raw())))
}

/// Creates a function of this file. Its data is the array of numbers, because napi-rs takes 25 ns to look the array up.
pub(crate) fn function(env: Env, name: &str, function: Callback) -> Result<Value> {
    let (out, mut value) = (Out::of(env)?, ptr::null_mut());
    let length = isize::try_from(name.len()).map_err(|_| Error::from_reason("the name is too long"))?;
    // SAFETY: the name has that length, and the array lives as long as the environment.
    check_status!(unsafe {
        sys::napi_create_function(
            env.raw(),
            name.as_ptr().cast(),
            length,
            Some(function),
            ptr::from_mut(out).cast(),
            &raw mut value,
        )
    })?;
    Ok(Value(value))
}

/// Runs a call, and turns a failure or a panic into a JavaScript exception.
fn guarded<const N: usize>(
    env: napi_env,
    info: napi_callback_info,
    call: impl FnOnce(&mut Out, [napi_value; N]) -> Result<Option<Value>>,
) -> napi_value {
    let (mut count, mut arguments, mut out) = (N, [ptr::null_mut(); N], ptr::null_mut());
    // A panic would end Node. Only plain numbers outlive a call, so a panic leaves nothing half-done.
    let result = catch_unwind(AssertUnwindSafe(|| {
        // SAFETY: there is room for `count` arguments.
        check_status!(unsafe {
            sys::napi_get_cb_info(env, info, &raw mut count, arguments.as_mut_ptr(), ptr::null_mut(), &raw mut out)
        })?;
        // SAFETY: the data of every function is an `Out` (`function`), and no other call runs at the same time.
        call(unsafe { &mut *out.cast::<Out>() }, arguments)
    }));
    let panicked = |_| Error::from_reason("internal error of clarife-webhooks: please report it");
    match result.map_err(panicked).and_then(|result| result) {
        Ok(value) => value.map_or(ptr::null_mut(), |value| value.0),
        Err(error) => {
            // SAFETY: the environment is the call's own.
            unsafe { JsError::from(error).throw_into(env) };
            ptr::null_mut()
        }
    }
}

/// Reads an argument of a call.
fn read<T: FromNapiValue>(env: napi_env, value: napi_value) -> Result<T> {
    // SAFETY: the value is an argument of a call in this environment.
    unsafe { T::from_napi_value(env, value) }
}

/// Throws a `TypeError` and returns the error that tells napi-rs of it.
fn type_error(env: napi_env, message: &str) -> Error {
    let thrown = Env::from_raw(env).throw_type_error(message, None);
    thrown.err().unwrap_or_else(|| Error::new(Status::PendingException, message))
}

/// A Rust value that JavaScript can hold as an external. Node-API's type tag tells it from other externals, also from
/// those of other addons. napi-rs has its own table of externals, which makes `open` and `verify` for one
/// delivery 6 to 23 % slower.
pub(crate) trait Tagged: 'static {
    const TAG: napi_type_tag;
    /// The message of the `TypeError` for any other value.
    const EXPECTED: &str;
}

impl Tagged for Webhook {
    const TAG: napi_type_tag = napi_type_tag { lower: 0xd0f4_8f9e_2f5b_4a17, upper: 0x8c3e_61a7_5d20_b9f1 };
    const EXPECTED: &str = "webhook must be a result of open()";
}

/// An environment has one thread, and no call calls back into JavaScript, so borrows never overlap.
impl Tagged for RefCell<ClaimTable> {
    const TAG: napi_type_tag = napi_type_tag { lower: 0x96b1_c7d3_04ea_4f52, upper: 0xb27f_3d90_e816_5ac4 };
    const EXPECTED: &str = "store must be a result of openStore()";
}

/// Creates an external.
pub(crate) fn external<T: Tagged>(env: Env, value: T) -> Result<Value> {
    let (boxed, mut external) = (Box::into_raw(Box::new(value)).cast(), ptr::null_mut());
    // SAFETY: the box stays valid until Node calls `drop_box`, when the value is collected or the environment ends. The
    // tag is a constant.
    unsafe {
        let drop_box = Some(drop_box::<T> as unsafe extern "C" fn(_, _, _));
        check_status!(sys::napi_create_external(env.raw(), boxed, drop_box, ptr::null_mut(), &raw mut external))?;
        check_status!(sys::napi_type_tag_object(env.raw(), external, &T::TAG))?;
    }
    Ok(Value(external))
}

/// Drops a box that Node owned.
unsafe extern "C" fn drop_box<T>(_: napi_env, data: *mut c_void, _: *mut c_void) {
    // SAFETY: Node calls this once, with the box that it received together with this function.
    drop(unsafe { Box::from_raw(data.cast::<T>()) });
}

/// The value of an external, valid during the call.
pub(crate) struct Handle<'a, T>(&'a T);

impl<T: Tagged> FromNapiValue for Handle<'_, T> {
    unsafe fn from_napi_value(env: napi_env, value: napi_value) -> Result<Self> {
        let (mut is_tagged, mut data) = (false, ptr::null_mut());
        // SAFETY: both are valid for writing, and the tag is a constant.
        let status = unsafe { sys::napi_check_object_type_tag(env, value, &T::TAG, &raw mut is_tagged) };
        if status != sys::Status::napi_ok || !is_tagged {
            return Err(type_error(env, T::EXPECTED));
        }
        // SAFETY: `data` is valid for writing.
        check_status!(unsafe { sys::napi_get_value_external(env, value, &raw mut data) })?;
        // SAFETY: only `external` gives this tag, to an external of a boxed `T`; the call's argument keeps it alive.
        Ok(Self(unsafe { &*data.cast::<T>() }))
    }
}

impl<T> Deref for Handle<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        self.0
    }
}

/// The array of numbers that JavaScript reads.
pub(crate) struct Out(Float64Array);

impl Out {
    pub(crate) const fn new(array: Float64Array) -> Self {
        Self(array)
    }

    /// Returns the array of an environment.
    pub(crate) fn of(env: Env) -> Result<&'static mut Self> {
        env.get_instance_data()?.ok_or_else(|| Error::from_reason("the addon is not registered"))
    }

    /// Writes the numbers of a call and returns its value.
    pub(crate) fn result<T>(&mut self, numbers: Numbers, value: T) -> Result<T> {
        // SAFETY: only this thread reaches the array, which never leaves the package, and no JavaScript runs here.
        unsafe { self.0.as_mut() }.copy_from_slice(&numbers);
        Ok(value)
    }

    /// Writes a verdict, and returns the text that JavaScript does not have yet.
    fn event_result(
        &mut self,
        env: napi_env,
        body: &Body<'_>,
        verdict: &core::result::Result<Event<'_>, WebhookError>,
    ) -> Result<Option<Value>> {
        let env = Env::from_raw(env);
        match verdict {
            Ok(event) => {
                let text = if let Body::Borrowed(_) = body { Some(text(env, event.raw())?) } else { None };
                self.result(abi::of_event(event), text)
            }
            Err(error) => self.result(abi::of_error(error), Some(text(env, &abi::text_of_error(error))?)),
        }
    }
}

/// A JavaScript value of the call's environment.
pub(crate) struct Value(napi_value);

impl ToNapiValue for Value {
    unsafe fn to_napi_value(_: napi_env, value: Self) -> Result<napi_value> {
        Ok(value.0)
    }
}

/// Creates a string. Node 20 takes several times as long as this to decode UTF-8.
fn text(env: Env, text: &str) -> Result<Value> {
    let string = if text.is_ascii() {
        env.create_string_latin1(text)?
    } else if mem::is_str_latin1(text) {
        env.create_string_latin1(mem::encode_latin1_lossy(text))? // lossless: the text is Latin-1
    } else {
        let mut units = vec![0; text.len()];
        let written = mem::convert_str_to_utf16(text, &mut units);
        units.truncate(written);
        env.create_string_utf16(units)?
    };
    Ok(Value(string.raw()))
}

/// A body: bytes in JavaScript's memory, or the UTF-8 of a string.
pub(crate) enum Body<'a> {
    Borrowed(&'a [u8]),
    Owned(String),
}

impl Body<'_> {
    pub(crate) fn bytes(&self) -> &[u8] {
        match self {
            Self::Borrowed(bytes) => bytes,
            Self::Owned(text) => text.as_bytes(),
        }
    }
}

impl FromNapiValue for Body<'_> {
    unsafe fn from_napi_value(env: napi_env, value: napi_value) -> Result<Self> {
        let (mut kind, mut length, mut data, mut buffer, mut plain) = (0, 0, ptr::null_mut(), ptr::null_mut(), false);
        // SAFETY: all are valid for writing, and the first call sets `buffer` before the second reads it.
        let status = unsafe {
            match sys::napi_get_typedarray_info(
                env,
                value,
                &raw mut kind,
                &raw mut length,
                &raw mut data,
                &raw mut buffer,
                ptr::null_mut(),
            ) {
                sys::Status::napi_ok => sys::napi_is_arraybuffer(env, buffer, &raw mut plain),
                status => status,
            }
        };
        if status != sys::Status::napi_ok && kind_of(env, value) == ValueType::napi_string {
            return read(env, value).map(Body::Owned);
        }
        // Other threads write to a shared buffer, and other element types have other lengths.
        if status != sys::Status::napi_ok || !plain || kind != TypedarrayType::uint8_array {
            return Err(type_error(env, "body must be a string or a Uint8Array"));
        }
        if length == 0 || data.is_null() {
            return Ok(Body::Borrowed(&[]));
        }
        // SAFETY: there are `length` bytes. The call's argument keeps them alive. No JavaScript runs before the call
        // returns, and no other thread can reach a buffer that is not shared, so the bytes do not change.
        Ok(Body::Borrowed(unsafe { slice::from_raw_parts(data.cast(), length) }))
    }
}

/// Returns the signature header; `None` for `undefined`.
fn header(env: napi_env, value: napi_value, buffer: &mut [u8; HEADER_BUFFER]) -> Result<Option<Cow<'_, [u8]>>> {
    let mut length = 0;
    // SAFETY: the length is the buffer's own.
    let status = unsafe {
        sys::napi_get_value_string_utf8(env, value, buffer.as_mut_ptr().cast(), buffer.len(), &raw mut length)
    };
    match status {
        sys::Status::napi_ok if length >= MAY_BE_CUT => Ok(Some(read::<String>(env, value)?.into_bytes().into())),
        sys::Status::napi_ok => Ok(buffer.get(..length).map(Cow::Borrowed)),
        _ if kind_of(env, value) == ValueType::napi_undefined => Ok(None),
        _ => Err(type_error(env, "signature must be a string")),
    }
}

fn kind_of(env: napi_env, value: napi_value) -> i32 {
    let mut kind = -1;
    // SAFETY: `kind` is valid for writing.
    unsafe { sys::napi_typeof(env, value, &raw mut kind) };
    kind
}
