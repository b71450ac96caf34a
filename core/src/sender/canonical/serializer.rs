//! The implementation of serde's `Serializer`, which writes values in one pass.
//!
//! Without the `inline` attributes of `canonical`, an event takes a fifth longer.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::{self, Write as _};

use serde::ser::{self, Serialize};

use super::error::{CanonicalError, CanonicalErrorKind};
use super::key::KeySerializer;
use super::object::{Name, Object};
use super::text::{self, Escaper};
use crate::text::json::MAX_DEPTH;

type Result<T = ()> = core::result::Result<T, CanonicalError>;

/// The name of the struct as which `serde_json` serializes a number, with its feature `arbitrary_precision`.
const NUMBER: &str = "$serde_json::private::Number";

/// The name of the struct as which `serde_json` serializes a `RawValue`.
const RAW_VALUE: &str = "$serde_json::private::RawValue";

/// A serializer that appends to a text.
pub(super) struct Serializer<'o> {
    pub(super) out: &'o mut String,
    /// The member names of all open objects, outermost first, in one list.
    pub(super) names: Vec<Name>,
    depth: u32,
}

impl<'o> Serializer<'o> {
    pub(super) fn new(out: &'o mut String, depth: u32) -> Self {
        Self { out, names: Vec::with_capacity(32), depth }
    }

    /// Enters an object or array, and checks the depth.
    #[inline]
    fn descend(&mut self) -> Result {
        if self.depth >= MAX_DEPTH {
            return Err(CanonicalError::new(CanonicalErrorKind::TooDeep));
        }
        self.depth = self.depth.saturating_add(1);
        Ok(())
    }

    /// Leaves an object or array. For the content of an enum variant, this also ends the object around it.
    #[inline]
    pub(super) fn ascend(&mut self, variant: Option<&str>) {
        self.depth = self.depth.saturating_sub(1);
        if variant.is_some() {
            self.out.push('}');
            self.depth = self.depth.saturating_sub(1);
        }
    }

    /// Starts the object with one member that represents an enum variant.
    fn open_variant(&mut self, variant: &str) -> Result {
        if variant == "__proto__" {
            return Err(CanonicalError::new(CanonicalErrorKind::ProtoMember).in_member(variant));
        }
        self.descend()?;
        self.out.push_str("{\"");
        text::push_escaped(self.out, variant);
        self.out.push_str("\":");
        Ok(())
    }

    #[inline]
    fn array<'s>(&'s mut self, variant: Option<&'static str>) -> Result<Array<'s, 'o>> {
        self.descend()?;
        self.out.push('[');
        Ok(Array { serializer: self, next: 0, variant })
    }

    #[inline]
    fn object<'s>(&'s mut self, variant: Option<&'static str>) -> Result<Object<'s, 'o>> {
        self.descend()?;
        self.out.push('{');
        Ok(Object::new(self, variant))
    }
}

/// Prepends the name of an enum variant to the path of an error.
pub(super) fn in_variant(error: CanonicalError, variant: Option<&str>) -> CanonicalError {
    match variant {
        Some(variant) => error.in_member(variant),
        None => error,
    }
}

macro_rules! integers {
    ($($method:ident: $type:ty,)+) => {$(
        #[inline]
        fn $method(self, value: $type) -> Result {
            text::push_integer(self.out, value)
        }
    )+};
}

impl<'s, 'o> ser::Serializer for &'s mut Serializer<'o> {
    type Ok = ();
    type Error = CanonicalError;
    type SerializeSeq = Array<'s, 'o>;
    type SerializeTuple = Array<'s, 'o>;
    type SerializeTupleStruct = Array<'s, 'o>;
    type SerializeTupleVariant = Array<'s, 'o>;
    type SerializeMap = Object<'s, 'o>;
    type SerializeStruct = Struct<'s, 'o>;
    type SerializeStructVariant = Object<'s, 'o>;

    integers! {
        serialize_i8: i8, serialize_i16: i16, serialize_i32: i32, serialize_i64: i64, serialize_i128: i128,
        serialize_u8: u8, serialize_u16: u16, serialize_u32: u32, serialize_u64: u64, serialize_u128: u128,
    }

    #[inline]
    fn serialize_bool(self, value: bool) -> Result {
        self.out.push_str(if value { "true" } else { "false" });
        Ok(())
    }

    fn serialize_f32(self, value: f32) -> Result {
        text::push_float(self.out, value)
    }

    fn serialize_f64(self, value: f64) -> Result {
        text::push_float(self.out, value)
    }

    fn serialize_char(self, value: char) -> Result {
        self.serialize_str(value.encode_utf8(&mut [0; 4]))
    }

    #[inline]
    fn serialize_str(self, value: &str) -> Result {
        text::push_string(self.out, value);
        Ok(())
    }

    fn serialize_bytes(self, value: &[u8]) -> Result {
        self.collect_seq(value)
    }

    #[inline]
    fn serialize_none(self) -> Result {
        self.serialize_unit()
    }

    #[inline]
    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result {
        value.serialize(self)
    }

    #[inline]
    fn serialize_unit(self) -> Result {
        self.out.push_str("null");
        Ok(())
    }

    fn serialize_unit_struct(self, _name: &'static str) -> Result {
        self.serialize_unit()
    }

    fn serialize_unit_variant(self, _name: &'static str, _index: u32, variant: &'static str) -> Result {
        self.serialize_str(variant)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, _name: &'static str, value: &T) -> Result {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
        value: &T,
    ) -> Result {
        self.open_variant(variant)?;
        value.serialize(&mut *self).map_err(|error| error.in_member(variant))?;
        self.out.push('}');
        self.ascend(None);
        Ok(())
    }

    #[inline]
    fn serialize_seq(self, _length: Option<usize>) -> Result<Array<'s, 'o>> {
        self.array(None)
    }

    fn serialize_tuple(self, _length: usize) -> Result<Array<'s, 'o>> {
        self.array(None)
    }

    fn serialize_tuple_struct(self, _name: &'static str, _length: usize) -> Result<Array<'s, 'o>> {
        self.array(None)
    }

    fn serialize_tuple_variant(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
        _length: usize,
    ) -> Result<Array<'s, 'o>> {
        self.open_variant(variant)?;
        self.array(Some(variant)).map_err(|error| error.in_member(variant))
    }

    #[inline]
    fn serialize_map(self, _length: Option<usize>) -> Result<Object<'s, 'o>> {
        self.object(None)
    }

    #[inline]
    fn serialize_struct(self, name: &'static str, _length: usize) -> Result<Struct<'s, 'o>> {
        match name {
            NUMBER => Ok(Struct::Number(self)),
            RAW_VALUE => Err(CanonicalError::unsupported("raw JSON text is not supported; use JsonText")),
            _ => self.object(None).map(Struct::Object),
        }
    }

    fn serialize_struct_variant(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
        _length: usize,
    ) -> Result<Object<'s, 'o>> {
        self.open_variant(variant)?;
        self.object(Some(variant)).map_err(|error| error.in_member(variant))
    }

    fn collect_str<T: fmt::Display + ?Sized>(self, value: &T) -> Result {
        self.out.push('"');
        write!(Escaper(self.out), "{value}").map_err(ser::Error::custom)?;
        self.out.push('"');
        Ok(())
    }
}

/// A struct in progress.
pub(super) enum Struct<'s, 'o> {
    /// An ordinary struct, written as an object.
    Object(Object<'s, 'o>),
    /// A number of `serde_json`, whose only field is the text.
    Number(&'s mut Serializer<'o>),
}

impl ser::SerializeStruct for Struct<'_, '_> {
    type Ok = ();
    type Error = CanonicalError;

    #[inline]
    fn serialize_field<T: Serialize + ?Sized>(&mut self, name: &'static str, value: &T) -> Result {
        match self {
            Self::Object(object) => object.serialize_field(name, value),
            Self::Number(serializer) => {
                let mut text = String::new();
                value.serialize(KeySerializer(&mut text))?;
                text::push_number_text(serializer.out, &text)
            }
        }
    }

    #[inline]
    fn end(self) -> Result {
        match self {
            Self::Object(object) => ser::SerializeStruct::end(object),
            Self::Number(_) => Ok(()),
        }
    }
}

/// An array in progress.
pub(super) struct Array<'s, 'o> {
    serializer: &'s mut Serializer<'o>,
    /// The index of the next element.
    next: usize,
    /// The enum variant whose content this array is.
    variant: Option<&'static str>,
}

impl Array<'_, '_> {
    #[inline]
    fn element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result {
        let index = self.next;
        self.next = index.saturating_add(1);
        if index > 0 {
            self.serializer.out.push(',');
        }
        value.serialize(&mut *self.serializer).map_err(|error| in_variant(error.in_element(index), self.variant))
    }

    fn finish(self) {
        self.serializer.out.push(']');
        self.serializer.ascend(self.variant);
    }
}

macro_rules! arrays {
    ($($trait:ident::$method:ident,)+) => {$(
        impl ser::$trait for Array<'_, '_> {
            type Ok = ();
            type Error = CanonicalError;

            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result {
                self.element(value)
            }

            fn end(self) -> Result {
                self.finish();
                Ok(())
            }
        }
    )+};
}

arrays! {
    SerializeSeq::serialize_element,
    SerializeTuple::serialize_element,
    SerializeTupleStruct::serialize_field,
    SerializeTupleVariant::serialize_field,
}
