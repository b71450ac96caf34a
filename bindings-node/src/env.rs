//! Node-API: reads arguments and creates results.
#![expect(unsafe_code, reason = "Node-API is a C interface")]

use core::cell::RefCell;
use core::ffi::c_void;
use core::{ptr, slice};
use std::borrow::Cow;
use std::panic::{AssertUnwindSafe, catch_unwind};

use clarife_webhooks::abi::{self, Numbers};
use clarife_webhooks::dedup::ClaimTable;
use clarife_webhooks::{Event, Webhook, WebhookError};
use encoding_rs::mem;
use napi_sys::{TypedarrayType, ValueType, napi_callback_info, napi_env, napi_status, napi_type_tag, napi_value};

/// The size of the buffer on the stack for an ordinary header, which has 170 bytes with two signatures. Node-API cuts a
/// longer text, but never inside a character of up to 4 bytes, so a cut text nearly fills the buffer. The NUL takes a byte.
pub(crate) const HEADER_BUFFER: usize = 256;
const MAY_BE_CUT: usize = HEADER_BUFFER - 4;

/// The array of numbers that JavaScript reads.
pub(crate) struct Out(*mut Numbers);

impl Out {
    /// Writes the numbers of a call and returns its value.
    pub(crate) fn result(&self, numbers: Numbers, value: napi_value) -> Result<napi_value, Failure> {
        // SAFETY: the array has that many numbers and lives as long as the environment (`Env::numbers`). A body cannot
        // overlap it, because the array never leaves the package.
        unsafe { self.0.write_unaligned(numbers) };
        Ok(value)
    }

    /// Writes a verdict, and returns the text that JavaScript does not have yet.
    pub(crate) fn event_result(
        &self,
        env: Env,
        body: &Body<'_>,
        verdict: &Result<Event<'_>, WebhookError>,
    ) -> Result<napi_value, Failure> {
        match verdict {
            Ok(event) => {
                let text = if let Body::Borrowed(_) = body { env.text(event.raw())? } else { ptr::null_mut() };
                self.result(abi::of_event(event), text)
            }
            Err(error) => self.result(abi::of_error(error), env.text(&error.to_string())?),
        }
    }
}

/// A Rust value that JavaScript can hold as an external. Node-API's type tag tells it from other externals, also from
/// those of other addons. The check takes 36 ns of the 1,240 ns that `webhook.verify` takes for a body of 314 bytes.
pub(crate) trait External {
    const TAG: napi_type_tag;
    /// The message of the `TypeError` for any other value.
    const EXPECTED: &core::ffi::CStr;
}

impl External for Webhook {
    const TAG: napi_type_tag = napi_type_tag { lower: 0xd0f4_8f9e_2f5b_4a17, upper: 0x8c3e_61a7_5d20_b9f1 };
    const EXPECTED: &core::ffi::CStr = c"webhook must be a result of open()";
}

/// An environment has one thread, and no call calls back into JavaScript, so borrows never overlap.
impl External for RefCell<ClaimTable> {
    const TAG: napi_type_tag = napi_type_tag { lower: 0x96b1_c7d3_04ea_4f52, upper: 0xb27f_3d90_e816_5ac4 };
    const EXPECTED: &core::ffi::CStr = c"store must be a result of openStore()";
}

/// A body: bytes in JavaScript's memory, or the UTF-8 of a string.
pub(crate) enum Body<'a> {
    Borrowed(&'a [u8]),
    Owned(Vec<u8>),
}

impl Body<'_> {
    pub(crate) fn bytes(&self) -> &[u8] {
        match self {
            Self::Borrowed(bytes) => bytes,
            Self::Owned(bytes) => bytes,
        }
    }
}

/// A call that failed. The package checks arguments before a call, so none of these is expected.
pub(crate) enum Failure {
    /// Node-API returned an error, and may have thrown an exception.
    Status,
    /// A `TypeError` with this message.
    Type(&'static core::ffi::CStr),
}

/// The environment of a call, valid during the call.
#[derive(Clone, Copy)]
pub(crate) struct Env(pub(crate) napi_env);

impl Env {
    /// Runs a call, and turns a failure or a panic into a JavaScript exception.
    pub(crate) fn guarded(self, call: impl FnOnce() -> Result<napi_value, Failure>) -> napi_value {
        // A panic would end Node. Only plain numbers outlive a call, so a panic leaves nothing half-done.
        let failure = match catch_unwind(AssertUnwindSafe(call)) {
            Ok(Ok(value)) => return value,
            Ok(Err(Failure::Type(message))) => {
                // SAFETY: the message ends with a NUL.
                unsafe { napi_sys::napi_throw_type_error(self.0, ptr::null(), message.as_ptr()) };
                return ptr::null_mut();
            }
            Ok(Err(Failure::Status)) => c"cannot complete the call: Node-API returned an error",
            Err(_) => c"internal error of clarife-webhooks: please report it",
        };
        let mut pending = false;
        // SAFETY: `pending` is written before it is read; the message ends with a NUL.
        unsafe {
            napi_sys::napi_is_exception_pending(self.0, &raw mut pending);
            if !pending {
                napi_sys::napi_throw_error(self.0, ptr::null(), failure.as_ptr());
            }
        }
        ptr::null_mut()
    }

    pub(crate) fn check(self, status: napi_status) -> Result<(), Failure> {
        if status == napi_sys::Status::napi_ok { Ok(()) } else { Err(Failure::Status) }
    }

    pub(crate) fn set(self, object: napi_value, name: &core::ffi::CStr, value: napi_value) -> Result<(), Failure> {
        // SAFETY: the name ends with a NUL.
        self.check(unsafe { napi_sys::napi_set_named_property(self.0, object, name.as_ptr(), value) })
    }

    /// Creates the array of numbers.
    pub(crate) fn numbers(self) -> Result<(napi_value, Out), Failure> {
        let (mut buffer, mut array, mut reference, mut data) =
            (ptr::null_mut(), ptr::null_mut(), ptr::null_mut(), ptr::null_mut());
        // SAFETY: Node-API writes all four before they are read. The reference, which is never deleted, keeps the array and
        // with it the numbers until the environment ends.
        unsafe {
            self.check(napi_sys::napi_create_arraybuffer(
                self.0,
                size_of::<Numbers>(),
                &raw mut data,
                &raw mut buffer,
            ))?;
            let count = abi::COUNT;
            self.check(napi_sys::napi_create_typedarray(
                self.0,
                TypedarrayType::float64_array,
                count,
                buffer,
                0,
                &raw mut array,
            ))?;
            self.check(napi_sys::napi_create_reference(self.0, array, 1, &raw mut reference))?;
        }
        Ok((array, Out(data.cast())))
    }

    /// Returns the call's arguments; missing arguments are `undefined`.
    pub(crate) fn arguments<'a, const N: usize>(
        self,
        info: napi_callback_info,
    ) -> Result<(&'a Out, [napi_value; N]), Failure> {
        let (mut count, mut arguments, mut data) = (N, [ptr::null_mut(); N], ptr::null_mut());
        // SAFETY: `arguments` has `count` elements; the data of every function is an `Out` that outlives it.
        unsafe {
            self.check(napi_sys::napi_get_cb_info(
                self.0,
                info,
                &raw mut count,
                arguments.as_mut_ptr(),
                ptr::null_mut(),
                &raw mut data,
            ))?;
            Ok((&*data.cast::<Out>(), arguments))
        }
    }

    pub(crate) fn number(self, value: napi_value) -> Result<f64, Failure> {
        let mut number = 0.0;
        // SAFETY: `number` is valid for writing.
        match unsafe { napi_sys::napi_get_value_double(self.0, value, &raw mut number) } {
            napi_sys::Status::napi_ok => Ok(number),
            _ => Err(Failure::Type(c"a number was expected")),
        }
    }

    pub(crate) fn boolean(self, value: napi_value) -> Result<bool, Failure> {
        let mut boolean = false;
        // SAFETY: `boolean` is valid for writing.
        match unsafe { napi_sys::napi_get_value_bool(self.0, value, &raw mut boolean) } {
            napi_sys::Status::napi_ok => Ok(boolean),
            _ => Err(Failure::Type(c"a boolean was expected")),
        }
    }

    pub(crate) fn new_number(self, number: f64) -> Result<napi_value, Failure> {
        let mut value = ptr::null_mut();
        // SAFETY: `value` is valid for writing.
        self.check(unsafe { napi_sys::napi_create_double(self.0, number, &raw mut value) })?;
        Ok(value)
    }

    /// Creates a string. Node 20 takes several times as long as this to decode UTF-8.
    pub(crate) fn text(self, text: &str) -> Result<napi_value, Failure> {
        let mut value = ptr::null_mut();
        // SAFETY: each text has the given number of units.
        self.check(unsafe {
            if text.is_ascii() {
                napi_sys::napi_create_string_latin1(
                    self.0,
                    text.as_ptr().cast(),
                    length(text.as_bytes())?,
                    &raw mut value,
                )
            } else if mem::is_str_latin1(text) {
                let units = mem::encode_latin1_lossy(text); // lossless: the text is Latin-1
                napi_sys::napi_create_string_latin1(self.0, units.as_ptr().cast(), length(&units)?, &raw mut value)
            } else {
                let mut units = vec![0; text.len()];
                let written = mem::convert_str_to_utf16(text, &mut units);
                units.truncate(written);
                napi_sys::napi_create_string_utf16(self.0, units.as_ptr(), length(&units)?, &raw mut value)
            }
        })?;
        Ok(value)
    }

    /// Returns a string in UTF-8. Node-API replaces lone surrogates by U+FFFD.
    fn string(self, value: napi_value) -> Result<Vec<u8>, Failure> {
        let mut length = 0;
        // SAFETY: without a buffer, Node-API writes only the length.
        let status =
            unsafe { napi_sys::napi_get_value_string_utf8(self.0, value, ptr::null_mut(), 0, &raw mut length) };
        if status != napi_sys::Status::napi_ok {
            return Err(Failure::Type(c"a string was expected"));
        }
        let mut bytes = vec![0; length.saturating_add(1)];
        // SAFETY: the buffer holds the string and a NUL.
        self.check(unsafe {
            napi_sys::napi_get_value_string_utf8(self.0, value, bytes.as_mut_ptr().cast(), bytes.len(), &raw mut length)
        })?;
        bytes.truncate(length);
        Ok(bytes)
    }

    pub(crate) fn owned_text(self, value: napi_value) -> Result<String, Failure> {
        String::from_utf8(self.string(value)?).map_err(|_| Failure::Status)
    }

    pub(crate) fn strings(self, array: napi_value) -> Result<Vec<String>, Failure> {
        let mut length = 0;
        // SAFETY: `length` is valid for writing.
        self.check(unsafe { napi_sys::napi_get_array_length(self.0, array, &raw mut length) })?;
        (0..length)
            .map(|index| {
                let mut value = ptr::null_mut();
                // SAFETY: `value` is valid for writing.
                self.check(unsafe { napi_sys::napi_get_element(self.0, array, index, &raw mut value) })?;
                self.owned_text(value)
            })
            .collect()
    }

    /// Returns the signature header; `None` for `undefined`.
    pub(crate) fn header(
        self,
        value: napi_value,
        buffer: &mut [u8; HEADER_BUFFER],
    ) -> Result<Option<Cow<'_, [u8]>>, Failure> {
        let mut length = 0;
        // SAFETY: the length is the buffer's own.
        let status = unsafe {
            napi_sys::napi_get_value_string_utf8(
                self.0,
                value,
                buffer.as_mut_ptr().cast(),
                buffer.len(),
                &raw mut length,
            )
        };
        match status {
            napi_sys::Status::napi_ok if length >= MAY_BE_CUT => Ok(Some(self.string(value)?.into())),
            napi_sys::Status::napi_ok => Ok(buffer.get(..length).map(Cow::Borrowed)),
            _ if self.kind(value)? == ValueType::napi_undefined => Ok(None),
            _ => Err(Failure::Type(c"signature must be a string")),
        }
    }

    fn kind(self, value: napi_value) -> Result<i32, Failure> {
        let mut kind = 0;
        // SAFETY: `kind` is valid for writing.
        self.check(unsafe { napi_sys::napi_typeof(self.0, value, &raw mut kind) })?;
        Ok(kind)
    }

    pub(crate) fn body<'a>(self, value: napi_value) -> Result<Body<'a>, Failure> {
        let (mut kind, mut length, mut data, mut buffer, mut plain) = (0, 0, ptr::null_mut(), ptr::null_mut(), false);
        // SAFETY: all are valid for writing, and the first call sets `buffer` before the second reads it.
        let status = unsafe {
            match napi_sys::napi_get_typedarray_info(
                self.0,
                value,
                &raw mut kind,
                &raw mut length,
                &raw mut data,
                &raw mut buffer,
                ptr::null_mut(),
            ) {
                napi_sys::Status::napi_ok => napi_sys::napi_is_arraybuffer(self.0, buffer, &raw mut plain),
                status => status,
            }
        };
        if status != napi_sys::Status::napi_ok && self.kind(value)? == ValueType::napi_string {
            return self.string(value).map(Body::Owned);
        }
        // Other threads write to a shared buffer, and other element types have other lengths.
        if status != napi_sys::Status::napi_ok || !plain || kind != TypedarrayType::uint8_array {
            return Err(Failure::Type(c"body must be a string or a Uint8Array"));
        }
        if length == 0 || data.is_null() {
            return Ok(Body::Borrowed(&[]));
        }
        // SAFETY: there are `length` bytes. The call's argument keeps them alive. No JavaScript runs before the call returns,
        // and no other thread can reach a buffer that is not shared, so the bytes do not change.
        Ok(Body::Borrowed(unsafe { slice::from_raw_parts(data.cast(), length) }))
    }

    pub(crate) fn external<T: External>(self, value: T) -> Result<napi_value, Failure> {
        let boxed = Box::into_raw(Box::new(value));
        let mut value = ptr::null_mut();
        // SAFETY: `boxed` stays valid until Node calls `drop_box`, when the value is collected or the environment ends.
        self.check(unsafe {
            napi_sys::napi_create_external(self.0, boxed.cast(), Some(drop_box::<T>), ptr::null_mut(), &raw mut value)
        })?;
        // SAFETY: the tag is a constant.
        self.check(unsafe { napi_sys::napi_type_tag_object(self.0, value, &T::TAG) })?;
        Ok(value)
    }

    pub(crate) fn external_value<'a, T: External>(self, value: napi_value) -> Result<&'a T, Failure> {
        let (mut is_tagged, mut data) = (false, ptr::null_mut());
        // SAFETY: both are valid for writing, and the tag is a constant.
        let status = unsafe { napi_sys::napi_check_object_type_tag(self.0, value, &T::TAG, &raw mut is_tagged) };
        if status != napi_sys::Status::napi_ok || !is_tagged {
            return Err(Failure::Type(T::EXPECTED));
        }
        // SAFETY: `data` is valid for writing.
        self.check(unsafe { napi_sys::napi_get_value_external(self.0, value, &raw mut data) })?;
        // SAFETY: only `external` gives this tag, to an external of a boxed `T`; the call's argument keeps it alive.
        Ok(unsafe { &*data.cast::<T>() })
    }
}

fn length<T>(units: &[T]) -> Result<isize, Failure> {
    isize::try_from(units.len()).map_err(|_| Failure::Status)
}

/// Drops a box that Node owned.
pub(crate) unsafe extern "C" fn drop_box<T>(_: napi_env, data: *mut c_void, _: *mut c_void) {
    // SAFETY: Node calls this once, with the box that it received together with this function.
    drop(unsafe { Box::from_raw(data.cast::<T>()) });
}
