//! JSON that stays the same, byte for byte, when JavaScript reads and writes it (protocol, section 4).
//!
//! clarife's documented Node example verifies `JSON.stringify(payload)` of the parsed body, not the raw bytes. A body whose
//! bytes differ from what `JSON.stringify(JSON.parse(body))` gives is refused by everyone who copied that example. So a
//! sender writes its bodies with [`to_canonical_json`], which gives bytes that survive the round trip, or an error.
//!
//! ```
//! use clarife_webhooks::canonical::to_canonical_json;
//! let data = serde_json::json!({"count": 2.0});
//! assert_eq!(data.to_string(), r#"{"count":2.0}"#); // JavaScript would write 2
//! assert_eq!(to_canonical_json(&data)?, r#"{"count":2}"#);
//! # Ok::<(), clarife_webhooks::canonical::CanonicalError>(())
//! ```

mod error;
mod json_text;
mod key;
mod object;
mod serializer;
mod text;

use alloc::string::String;

use serde::Serialize;

pub use error::{CanonicalError, CanonicalErrorKind};
pub use json_text::JsonText;
use serializer::Serializer;
pub(crate) use text::push_string;

/// Writes a value as canonical JSON: exactly what `JSON.stringify(JSON.parse(json))` gives for the result.
///
/// - No insignificant space. Strings with the escapes of `JSON.stringify`: `\"`, `\\`, `\b`, `\t`, `\n`, `\f`, `\r`, and
///   `\u001f` for other control characters; everything else as it is.
/// - Numbers as ECMAScript writes them: `1` for 1.0, `0` for -0.0, `1e+21`, `1e-7`. An `f32` is written with the shortest
///   digits that read back to the same `f32`, as `serde_json` does it: 0.1, not 0.10000000149011612. A number that Python
///   would read as another number than JavaScript is refused: 2^60 is written `1152921504606847000`.
/// - Members named like array indices (`0` to `4294967294` without leading zeros) first and ascending, since JavaScript
///   moves them there; all others in the order in which they were given. Nothing else is sorted.
/// - Map keys may be strings, characters, integers, booleans and enum variants without content; bytes become an
///   array of numbers, enums an object of one member: all as `serde_json` does it.
///
/// The text is written once, from the front; only an object whose index-named members come out of order is rearranged
/// when it ends.
///
/// `serde_json`'s numbers are written as any number, under its feature `arbitrary_precision` too. Its `RawValue` is refused
/// as [`CanonicalErrorKind::Custom`]: [`JsonText`] is for JSON text.
///
/// # Errors
///
/// A [`CanonicalError`] for what JavaScript would not give back as it was: an integer type beyond ±(2^53 − 1), a
/// number that is not finite, a repeated member, a member `__proto__`, nesting deeper than 128 levels (the value itself is
/// level 1), a map key of another type. It names the place, never the value.
///
/// ```
/// use clarife_webhooks::canonical::{CanonicalErrorKind, to_canonical_json};
/// use serde_json::json;
///
/// let json = to_canonical_json(&json!({"words": 412.0, "title": "Start\n", "7": 1e21}))?;
/// assert_eq!(json, r#"{"7":1e+21,"title":"Start\n","words":412}"#);
///
/// let error = to_canonical_json(&json!({"items": [{"n": 9_007_199_254_740_993_u64}]})).unwrap_err();
/// assert_eq!(error.kind(), CanonicalErrorKind::UnsafeInteger);
/// assert_eq!(error.path(), "$.items[0].n");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn to_canonical_json<T: Serialize + ?Sized>(value: &T) -> Result<String, CanonicalError> {
    let mut out = String::with_capacity(512);
    append_canonical_json(&mut out, value)?;
    Ok(out)
}

/// The same as [`to_canonical_json`], written to the end of `out`, so that one buffer can be used again and again.
///
/// # Errors
///
/// As [`to_canonical_json`]; `out` is then as it was before.
///
/// ```
/// use clarife_webhooks::canonical::append_canonical_json;
///
/// let mut lines = String::new();
/// append_canonical_json(&mut lines, &[1.5, 2.0])?;
/// assert!(append_canonical_json(&mut lines, &[f64::NAN]).is_err());
/// assert_eq!(lines, "[1.5,2]");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn append_canonical_json<T: Serialize + ?Sized>(out: &mut String, value: &T) -> Result<(), CanonicalError> {
    append_at_depth(out, value, 0)
}

/// Writes a value that stands inside `depth` objects or arrays which the caller writes.
pub(crate) fn append_at_depth<T: Serialize + ?Sized>(
    out: &mut String,
    value: &T,
    depth: u32,
) -> Result<(), CanonicalError> {
    let start = out.len();
    let result = value.serialize(&mut Serializer::new(out, depth));
    if result.is_err() {
        out.truncate(start);
    }
    result
}

#[cfg(test)]
mod tests;
