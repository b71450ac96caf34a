//! Objects: members as they come, none twice, those named like array indices first.

use alloc::string::String;
use alloc::vec::Vec;

use serde::ser::{self, Serialize};

use super::error::{CanonicalError, CanonicalErrorKind};
use super::key::KeySerializer;
use super::serializer::{Serializer, in_variant};
use super::text;

type Result<T = ()> = core::result::Result<T, CanonicalError>;

/// A name that may be repeated is looked for among so many at once; among more, when the object ends.
const FEW: usize = 32;

/// Where a member's name stands in the text, without its quotes. Escaped names are equal exactly if the names are.
#[derive(Clone, Copy)]
pub(super) struct Name {
    start: usize,
    end: usize,
}

impl Name {
    fn of(self, text: &str) -> &str {
        text.get(self.start..self.end).unwrap_or_default()
    }

    /// The same without a look at where characters start.
    fn bytes(self, text: &str) -> &[u8] {
        text.as_bytes().get(self.start..self.end).unwrap_or_default()
    }
}

/// An object that is being written.
pub(super) struct Object<'s, 'o> {
    serializer: &'s mut Serializer<'o>,
    /// Where its first member starts in the text.
    start: usize,
    /// Where its names start in the list of names.
    names: usize,
    seen: Seen,
    /// Whether names are left to compare when the object ends.
    compare: bool,
    /// The least array index that may follow where the text ends; after a member that is no index, none may.
    next_index: u64,
    /// Whether a member named like an array index stands too late.
    rearrange: bool,
    /// The enum variant whose content this is.
    variant: Option<&'static str>,
}

impl<'s, 'o> Object<'s, 'o> {
    pub(super) fn new(serializer: &'s mut Serializer<'o>, variant: Option<&'static str>) -> Self {
        let (start, names) = (serializer.out.len(), serializer.names.len());
        Self {
            serializer,
            start,
            names,
            seen: Seen::default(),
            compare: false,
            next_index: 0,
            rearrange: false,
            variant,
        }
    }

    /// Starts a member; gives where its name starts.
    #[inline]
    fn start_name(&mut self) -> usize {
        let Serializer { out, names, .. } = &mut *self.serializer;
        out.push_str(if names.len() > self.names { ",\"" } else { "\"" });
        out.len()
    }

    /// Ends and checks the name that has been written from `start` on. A struct gives it as well: no need to wait for the copy.
    #[inline]
    fn end_name(&mut self, start: usize, given: Option<&'static str>) -> Result {
        let Serializer { out, names, .. } = &mut *self.serializer;
        let name = Name { start, end: out.len() };
        let text = given.map_or_else(|| name.bytes(out), str::as_bytes);
        let new = self.seen.insert(text);
        // What most names are: new, no array index, and not __proto__.
        if new && !matches!(text, [b'0'..=b'9' | b'_', ..]) && names.len().wrapping_sub(self.names) < FEW {
            self.next_index = u64::MAX;
            self.keep(name);
            Ok(())
        } else {
            self.check(name)
        }
    }

    /// Ends a name that may stand here.
    #[inline]
    fn keep(&mut self, name: Name) {
        self.serializer.names.push(name);
        self.serializer.out.push_str("\":");
    }

    /// Ends a name that may be an array index, `__proto__` or repeated.
    #[inline(never)]
    fn check(&mut self, name: Name) -> Result {
        if let Some(kind) = self.problem(name) {
            let error = CanonicalError::new(kind).in_member(name.of(self.serializer.out));
            return Err(in_variant(error, self.variant));
        }
        self.keep(name);
        Ok(())
    }

    /// What is wrong with the name, if something is.
    fn problem(&mut self, name: Name) -> Option<CanonicalErrorKind> {
        let Serializer { out, names, .. } = &*self.serializer;
        let text = name.of(out);
        match array_index(text).map(u64::from) {
            // In ascending order it is new, and may stay where it is.
            Some(index) if index >= self.next_index => {
                self.next_index = index.saturating_add(1);
                return None;
            }
            Some(_) => self.rearrange = true,
            None => self.next_index = u64::MAX,
        }
        let before = names.get(self.names..).unwrap_or_default();
        if text == "__proto__" {
            Some(CanonicalErrorKind::ProtoMember)
        } else if before.len() >= FEW {
            self.compare = true;
            None
        } else {
            let repeated = before.iter().any(|other| other.of(out) == text);
            repeated.then_some(CanonicalErrorKind::DuplicateMember)
        }
    }

    #[inline]
    fn value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result {
        let name = self.serializer.names.last().copied();
        value.serialize(&mut *self.serializer).map_err(|error| {
            let name = name.map(|name| name.of(self.serializer.out)).unwrap_or_default();
            in_variant(error.in_member(name), self.variant)
        })
    }

    #[inline]
    fn finish(mut self) -> Result {
        if self.compare || self.rearrange {
            self.compare_and_rearrange()?;
        }
        let Self { serializer, names, variant, .. } = self;
        serializer.names.truncate(names);
        serializer.out.push('}');
        serializer.ascend(variant);
        Ok(())
    }

    #[cold]
    fn compare_and_rearrange(&mut self) -> Result {
        let Serializer { out, names, .. } = &mut *self.serializer;
        let mine = names.get_mut(self.names..).unwrap_or_default();
        if self.compare {
            mine.sort_unstable_by(|a, b| a.of(out).cmp(b.of(out)));
            let pairs = mine.iter().zip(mine.iter().skip(1));
            if let Some((name, _)) = pairs.map(|(a, b)| (a.of(out), b.of(out))).find(|(a, b)| a == b) {
                let error = CanonicalError::new(CanonicalErrorKind::DuplicateMember).in_member(name);
                return Err(in_variant(error, self.variant));
            }
        }
        if self.rearrange {
            mine.sort_unstable_by_key(|name| name.start);
            rearrange(out, self.start, mine);
        }
        Ok(())
    }
}

/// Puts the members that stand from `start` to the end of the text into JavaScript's order.
fn rearrange(text: &mut String, start: usize, names: &[Name]) {
    // A member starts with its name's quote, and ends before the comma of the next one.
    let ends = names.iter().skip(1).map(|next| next.start.saturating_sub(2)).chain([text.len()]);
    let mut members: Vec<_> = names
        .iter()
        .zip(ends)
        .map(|(name, end)| {
            let rank = array_index(name.of(text)).map_or(u64::MAX, u64::from);
            (rank, text.get(name.start.saturating_sub(1)..end).unwrap_or_default())
        })
        .collect();
    members.sort_by_key(|&(rank, _)| rank);
    let members: Vec<_> = members.into_iter().map(|(_, member)| member).collect();
    let members = members.join(",");
    text.truncate(start);
    text.push_str(&members);
}

/// The array index that a name stands for: canonical decimal, at most 2^32 − 2 (ECMAScript, "array index").
fn array_index(name: &str) -> Option<u32> {
    if !name.as_bytes().first()?.is_ascii_digit() || (name.starts_with('0') && name.len() > 1) {
        return None;
    }
    name.parse().ok().filter(|&index| index < u32::MAX)
}

/// Which names there have been: a bit for the hash of each. One whose bit is not set is new.
#[derive(Default)]
struct Seen([u64; 4]);

impl Seen {
    /// Adds a name; whether it is certainly new. The hash is of its length and three of its bytes.
    #[inline]
    fn insert(&mut self, name: &[u8]) -> bool {
        let byte = |at: usize| u64::from(name.get(at).copied().unwrap_or_default());
        let length = name.len();
        let mixed = length as u64 ^ byte(0) << 16 ^ byte(length / 2) << 32 ^ byte(length.wrapping_sub(1)) << 48;
        let hash = mixed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let Some(bits) = self.0.get_mut((hash >> 62) as usize) else { return false };
        let bit = 1 << (hash >> 56 & 63);
        let new = *bits & bit == 0;
        *bits |= bit;
        new
    }
}

impl ser::SerializeMap for Object<'_, '_> {
    type Ok = ();
    type Error = CanonicalError;

    #[inline]
    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result {
        let start = self.start_name();
        key.serialize(KeySerializer(self.serializer.out)).map_err(|error| in_variant(error, self.variant))?;
        self.end_name(start, None)
    }

    #[inline]
    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result {
        self.value(value)
    }

    fn end(self) -> Result {
        self.finish()
    }
}

macro_rules! structs {
    ($($trait:ident,)+) => {$(
        impl ser::$trait for Object<'_, '_> {
            type Ok = ();
            type Error = CanonicalError;

            #[inline]
            fn serialize_field<T: Serialize + ?Sized>(&mut self, name: &'static str, value: &T) -> Result {
                let start = self.start_name();
                text::push_escaped(self.serializer.out, name);
                self.end_name(start, Some(name))?;
                self.value(value)
            }

            fn end(self) -> Result {
                self.finish()
            }
        }
    )+};
}

structs! {
    SerializeStruct,
    SerializeStructVariant,
}

#[cfg(test)]
mod tests {
    use super::array_index;

    #[test]
    fn array_indices_are_canonical_decimals_below_the_largest() {
        for (name, index) in [
            ("0", Some(0)),
            ("7", Some(7)),
            ("4294967294", Some(4_294_967_294)),
            ("4294967295", None),
            ("4294967296", None),
            ("99999999999999999999", None),
            ("", None),
            ("00", None),
            ("07", None),
            ("+7", None),
            ("-0", None),
            ("-1", None),
            ("1.0", None),
            ("1e3", None),
            (" 1", None),
            ("1 ", None),
            ("٣", None),
        ] {
            assert_eq!(array_index(name), index, "{name:?}");
        }
    }
}
