//! The names of map members: what `serde_json` takes as a key, floating-point numbers left out.

use alloc::string::String;
use core::fmt::{self, Write as _};

use serde::ser::{self, Impossible, Serialize};

use super::error::{CanonicalError, CanonicalErrorKind};
use super::text::{self, Escaper};

type Result<T = ()> = core::result::Result<T, CanonicalError>;
type No = Impossible<(), CanonicalError>;

/// Writes a key as the content of a JSON string, quotes left out, to the end of the text.
pub(super) struct KeySerializer<'o>(pub(super) &'o mut String);

fn refused<T>() -> Result<T> {
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

macro_rules! refused {
    ($($method:ident($($argument:ty),*) -> $out:ty;)+) => {$(
        fn $method(self, $(_: $argument),*) -> Result<$out> {
            refused()
        }
    )+};
}

impl ser::Serializer for KeySerializer<'_> {
    type Ok = ();
    type Error = CanonicalError;
    type SerializeSeq = No;
    type SerializeTuple = No;
    type SerializeTupleStruct = No;
    type SerializeTupleVariant = No;
    type SerializeMap = No;
    type SerializeStruct = No;
    type SerializeStructVariant = No;

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

    refused! {
        serialize_f32(f32) -> ();
        serialize_f64(f64) -> ();
        serialize_bytes(&[u8]) -> ();
        serialize_none() -> ();
        serialize_unit() -> ();
        serialize_unit_struct(&'static str) -> ();
        serialize_seq(Option<usize>) -> No;
        serialize_tuple(usize) -> No;
        serialize_tuple_struct(&'static str, usize) -> No;
        serialize_tuple_variant(&'static str, u32, &'static str, usize) -> No;
        serialize_map(Option<usize>) -> No;
        serialize_struct(&'static str, usize) -> No;
        serialize_struct_variant(&'static str, u32, &'static str, usize) -> No;
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _name: &'static str,
        _index: u32,
        _variant: &'static str,
        _value: &T,
    ) -> Result {
        refused()
    }
}
