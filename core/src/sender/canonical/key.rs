//! Map keys, of the types that `serde_json` accepts, except floating-point numbers.

use alloc::string::String;
use core::fmt::{self, Write as _};

use serde::ser::{self, Impossible, Serialize};

use super::error::{CanonicalError, CanonicalErrorKind};
use super::text::{self, Escaper};

type Result<T = ()> = core::result::Result<T, CanonicalError>;
type Unsupported = Impossible<(), CanonicalError>;

/// A serializer for keys. It appends the content of a JSON string, without quotes.
pub(super) struct KeySerializer<'o>(pub(super) &'o mut String);

fn unsupported<T>() -> Result<T> {
    Err(CanonicalError::new(CanonicalErrorKind::UnsupportedKey))
}

macro_rules! integers {
    ($($method:ident: $type:ty,)+) => {$(
        fn $method(self, value: $type) -> Result {
            text::push_digits(self.0, value);
            Ok(())
        }
    )+};
}

macro_rules! unsupported {
    ($($method:ident($($argument:ty),*) -> $out:ty;)+) => {$(
        fn $method(self, $(_: $argument),*) -> Result<$out> {
            unsupported()
        }
    )+};
}

impl ser::Serializer for KeySerializer<'_> {
    type Ok = ();
    type Error = CanonicalError;
    type SerializeSeq = Unsupported;
    type SerializeTuple = Unsupported;
    type SerializeTupleStruct = Unsupported;
    type SerializeTupleVariant = Unsupported;
    type SerializeMap = Unsupported;
    type SerializeStruct = Unsupported;
    type SerializeStructVariant = Unsupported;

    integers! {
        serialize_i8: i8, serialize_i16: i16, serialize_i32: i32, serialize_i64: i64, serialize_i128: i128,
        serialize_u8: u8, serialize_u16: u16, serialize_u32: u32, serialize_u64: u64, serialize_u128: u128,
    }

    fn serialize_bool(self, value: bool) -> Result {
        self.serialize_str(if value { "true" } else { "false" })
    }

    fn serialize_char(self, value: char) -> Result {
        self.serialize_str(value.encode_utf8(&mut [0; 4]))
    }

    #[inline]
    fn serialize_str(self, value: &str) -> Result {
        text::push_escaped(self.0, value);
        Ok(())
    }

    fn serialize_unit_variant(self, _name: &'static str, _index: u32, variant: &'static str) -> Result {
        self.serialize_str(variant)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, _name: &'static str, value: &T) -> Result {
        value.serialize(self)
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result {
        value.serialize(self)
    }

    fn collect_str<T: fmt::Display + ?Sized>(self, value: &T) -> Result {
        write!(Escaper(self.0), "{value}").map_err(ser::Error::custom)
    }

    unsupported! {
        serialize_f32(f32) -> ();
        serialize_f64(f64) -> ();
        serialize_bytes(&[u8]) -> ();
        serialize_none() -> ();
        serialize_unit() -> ();
        serialize_unit_struct(&'static str) -> ();
        serialize_seq(Option<usize>) -> Unsupported;
        serialize_tuple(usize) -> Unsupported;
        serialize_tuple_struct(&'static str, usize) -> Unsupported;
        serialize_tuple_variant(&'static str, u32, &'static str, usize) -> Unsupported;
        serialize_map(Option<usize>) -> Unsupported;
        serialize_struct(&'static str, usize) -> Unsupported;
        serialize_struct_variant(&'static str, u32, &'static str, usize) -> Unsupported;
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _name: &'static str,
        _index: u32,
        _variant: &'static str,
        _value: &T,
    ) -> Result {
        unsupported()
    }
}
