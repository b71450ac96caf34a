//! Node-API: reading arguments and making answers.
#![expect(unsafe_code, reason = "Node-API is a C interface")]

use core::cell::RefCell;
use core::ffi::c_void;
use core::{ptr, slice};
use std::borrow::Cow;
use std::panic::{AssertUnwindSafe, catch_unwind};

use clarife_webhooks::dedup::ClaimTable;
use clarife_webhooks::{Event, Webhook, WebhookError};
use encoding_rs::mem;
use napi_sys::{TypedarrayType, ValueType, napi_callback_info, napi_env, napi_status, napi_value};

use crate::numbers::{self, Numbers};

/// Room for an ordinary header on the stack, 170 bytes with two signatures. Node-API cuts a text that does not fit, never inside a
/// character, which has up to 4 bytes; so one that was cut nearly fills the room. One byte is for the NUL.
pub(crate) const HEADER_ROOM: usize = 256;
const MAY_BE_CUT: usize = HEADER_ROOM - 4;

/// The array that the face reads.
pub(crate) struct Out(*mut Numbers);

impl Out {
    /// Leaves the numbers of a call, and returns its value.
    pub(crate) fn result(&self, numbers: Numbers, value: napi_value) -> Result<napi_value, Failure> {
        // SAFETY: the array has that many numbers and is never freed before the environment is (`Env::numbers`); a body
        // cannot overlap it, because only the face holds it.
        unsafe { self.0.write_unaligned(numbers) };
        Ok(value)
    }

    /// Leaves a verdict on a body, and returns the text that the face lacks.
    pub(crate) fn event_result(
        &self,
        env: Env,
        body: &Body<'_>,
        verdict: &Result<Event<'_>, WebhookError>,
    ) -> Result<napi_value, Failure> {
        match verdict {
            Ok(event) => {
                let text = if let Body::Borrowed(_) = body { env.text(event.raw())? } else { ptr::null_mut() };
                self.result(numbers::of_event(event), text)
            }
            Err(error) => self.result(numbers::of_error(error), env.text(&error.to_string())?),
        }
    }
}

/// A value as JavaScript holds it. The mark, which comes first, tells it from another kind's and from another addon's.
#[repr(C)]
struct Held<T> {
    mark: u64,
    value: T,
}

/// What JavaScript can hold.
pub(crate) trait Holdable {
    const MARK: u64;
    /// What is said of anything else.
    const WANTED: &core::ffi::CStr;
}

impl Holdable for Webhook {
    const MARK: u64 = 0x636c_6172_6966_6531;
    const WANTED: &core::ffi::CStr = c"webhook must be what open() gave";
}

/// One environment has one thread, and no call calls back into JavaScript.
impl Holdable for RefCell<ClaimTable> {
    const MARK: u64 = 0x636c_6172_6966_6532;
    const WANTED: &core::ffi::CStr = c"store must be what openStore() gave";
}

/// A body: bytes where they lie in JavaScript's memory, or a string's UTF-8.
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

/// A call that cannot be carried out. The face gives values that can be, so none of these is expected.
pub(crate) enum Failure {
    /// Node-API refused; it may have left an exception.
    Status,
    /// A `TypeError` with this message.
    Type(&'static core::ffi::CStr),
}

/// The environment of a call, valid for as long as the call lasts.
#[derive(Clone, Copy)]
pub(crate) struct Env(pub(crate) napi_env);

impl Env {
    /// Runs a call so that whatever goes wrong becomes a JavaScript exception.
    pub(crate) fn guarded(self, call: impl FnOnce() -> Result<napi_value, Failure>) -> napi_value {
        // A panic must not reach Node, which it would end; nothing of a call outlives it but plain numbers.
        let failure = match catch_unwind(AssertUnwindSafe(call)) {
            Ok(Ok(value)) => return value,
            Ok(Err(Failure::Type(message))) => {
                // SAFETY: the message ends with a NUL.
                unsafe { napi_sys::napi_throw_type_error(self.0, ptr::null(), message.as_ptr()) };
                return ptr::null_mut();
            }
            Ok(Err(Failure::Status)) => c"Node-API refused a call of clarife-webhooks",
            Err(_) => c"clarife-webhooks failed; please report this",
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

    /// The array of numbers, and where they are.
    pub(crate) fn numbers(self) -> Result<(napi_value, Out), Failure> {
        let (mut buffer, mut array, mut reference, mut data) =
            (ptr::null_mut(), ptr::null_mut(), ptr::null_mut(), ptr::null_mut());
        // SAFETY: Node-API writes all four before they are read. The reference, which is never given up, keeps the array
        // and with it the numbers for as long as the environment lives.
        unsafe {
            self.check(napi_sys::napi_create_arraybuffer(
                self.0,
                size_of::<Numbers>(),
                &raw mut data,
                &raw mut buffer,
            ))?;
            let count = numbers::COUNT;
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

    /// The call's arguments; those that were not given are `undefined`.
    pub(crate) fn arguments<'a, const N: usize>(
        self,
        info: napi_callback_info,
    ) -> Result<(&'a Out, [napi_value; N]), Failure> {
        let (mut count, mut arguments, mut data) = (N, [ptr::null_mut(); N], ptr::null_mut());
        // SAFETY: `arguments` has room for `count`; the data of every function is the `Out` that outlives it.
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

    /// A new string. Given UTF-8, Node 20 decodes it itself, and takes several times as long as this.
    pub(crate) fn text(self, text: &str) -> Result<napi_value, Failure> {
        let mut value = ptr::null_mut();
        // SAFETY: both texts have as many units as is said.
        self.check(unsafe {
            if text.is_ascii() {
                napi_sys::napi_create_string_latin1(
                    self.0,
                    text.as_ptr().cast(),
                    length(text.as_bytes())?,
                    &raw mut value,
                )
            } else if mem::is_str_latin1(text) {
                let units = mem::encode_latin1_lossy(text); // without a loss
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

    /// A string in UTF-8. Node-API reads lone surrogates as U+FFFD.
    fn string(self, value: napi_value) -> Result<Vec<u8>, Failure> {
        let mut length = 0;
        // SAFETY: without a buffer, only the length is written.
        let status =
            unsafe { napi_sys::napi_get_value_string_utf8(self.0, value, ptr::null_mut(), 0, &raw mut length) };
        if status != napi_sys::Status::napi_ok {
            return Err(Failure::Type(c"a string was expected"));
        }
        let mut bytes = vec![0; length.saturating_add(1)];
        // SAFETY: the buffer has room for the string and a NUL.
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

    /// The signature header; `None` for `undefined`.
    pub(crate) fn header(
        self,
        value: napi_value,
        room: &mut [u8; HEADER_ROOM],
    ) -> Result<Option<Cow<'_, [u8]>>, Failure> {
        let mut length = 0;
        // SAFETY: the buffer has as many bytes as it says.
        let status = unsafe {
            napi_sys::napi_get_value_string_utf8(self.0, value, room.as_mut_ptr().cast(), room.len(), &raw mut length)
        };
        match status {
            napi_sys::Status::napi_ok if length >= MAY_BE_CUT => Ok(Some(self.string(value)?.into())),
            napi_sys::Status::napi_ok => Ok(room.get(..length).map(Cow::Borrowed)),
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
        // SAFETY: all are valid for writing; `buffer` is set before it is used, because the first call succeeded.
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
        // A shared buffer, which other threads write to, is none; other element types have other lengths.
        if status != napi_sys::Status::napi_ok || !plain || kind != TypedarrayType::uint8_array {
            return Err(Failure::Type(c"body must be a string or a Uint8Array"));
        }
        if length == 0 || data.is_null() {
            return Ok(Body::Borrowed(&[]));
        }
        // SAFETY: Node-API says that there are `length` bytes. The call holds them by its argument, no JavaScript runs before it
        // returns, and no other thread reaches a buffer that is not shared: they stay, and stay as they are.
        Ok(Body::Borrowed(unsafe { slice::from_raw_parts(data.cast(), length) }))
    }

    pub(crate) fn external<T: Holdable>(self, value: T) -> Result<napi_value, Failure> {
        let held = Box::into_raw(Box::new(Held { mark: T::MARK, value }));
        let mut value = ptr::null_mut();
        // SAFETY: `held` is ours until `drop_box` gets it, when the value is collected or the environment ends.
        self.check(unsafe {
            napi_sys::napi_create_external(
                self.0,
                held.cast(),
                Some(drop_box::<Held<T>>),
                ptr::null_mut(),
                &raw mut value,
            )
        })?;
        Ok(value)
    }

    pub(crate) fn held<'a, T: Holdable>(self, value: napi_value) -> Result<&'a T, Failure> {
        let mut held = ptr::null_mut();
        // SAFETY: `held` is valid for writing.
        let status = unsafe { napi_sys::napi_get_value_external(self.0, value, &raw mut held) };
        let held = held.cast::<Held<T>>();
        // SAFETY: only the face, which keeps what `external` gave it to itself, calls these functions, so this starts with a mark,
        // and is a `Held<T>` where the mark is T's; the call's argument keeps it. The mark is there to stop a mistake, not an
        // attacker who calls the addon directly.
        if status != napi_sys::Status::napi_ok || held.is_null() || unsafe { (*held).mark } != T::MARK {
            return Err(Failure::Type(T::WANTED));
        }
        // SAFETY: as above.
        Ok(unsafe { &(*held).value })
    }
}

fn length<T>(units: &[T]) -> Result<isize, Failure> {
    isize::try_from(units.len()).map_err(|_| Failure::Status)
}

/// Drops what was handed to Node.
pub(crate) unsafe extern "C" fn drop_box<T>(_: napi_env, data: *mut c_void, _: *mut c_void) {
    // SAFETY: Node calls this once, with the box that was given with it.
    drop(unsafe { Box::from_raw(data.cast::<T>()) });
}
