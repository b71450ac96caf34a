//! Canonical JSON: text that JavaScript parses and serializes back to identical bytes.
//!
//! clarife's documented Node example verifies `JSON.stringify(payload)` of the parsed body instead of the raw bytes.
//! Receivers that copied the example reject a body that differs from `JSON.stringify(JSON.parse(body))`. A sender
//! therefore writes its bodies with [`to_canonical_json`], which returns bytes that survive the round trip, or an
//! error. See [protocol, section 4](https://github.com/clarife/clarife-webhooks/blob/main/docs/protocol.md#section-4).
//!
//! The serializer is hand-written. Crates for canonical JSON follow RFC 8785, which sorts all members, but
//! `JSON.stringify` keeps the order of insertion and moves array indices to the front.
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

/// Serializes a value as canonical JSON, which `JSON.stringify(JSON.parse(json))` returns unchanged.
///
/// - The text has no insignificant white space. Strings have the escapes of `JSON.stringify`: `\"`, `\\`, `\b`, `\t`,
///   `\n`, `\f`, `\r`, and `\u001f` for other control characters.
/// - Numbers have the format of ECMAScript: `1` for 1.0, `0` for -0.0, `1e+21`, `1e-7`. An `f32` has the shortest
///   digits that read back as the same `f32`, as in `serde_json`: 0.1 instead of 0.10000000149011612.
/// - A number that Python and JavaScript would read differently is an error. JavaScript writes 2^60 as
///   `1152921504606847000`, for example.
/// - Members named like array indices (`0` to `4294967294` without leading zeros) come first, in ascending order, as in
///   JavaScript. All other members keep their order.
/// - Map keys may be strings, characters, integers, booleans and enum variants without content. Bytes become an array
///   of numbers, and an enum becomes an object with one member, as in `serde_json`.
///
/// The text is written in one pass. Only an object whose array indices are out of order is rearranged at its end.
///
/// `serde_json::Number` is written like any number, even with the feature `arbitrary_precision`. `RawValue` is an error
/// of kind [`CanonicalErrorKind::Custom`]. Use [`JsonText`] for JSON text.
///
/// # Errors
///
/// [`CanonicalError`] for a value that JavaScript would change: an integer beyond ±(2^53 − 1), a number that is not
/// finite, a repeated member, a member `__proto__`, nesting deeper than 128 levels (the value itself is level 1), or a
/// map key of another type. The error names the place and never contains the value.
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

/// Serializes a value as canonical JSON, like [`to_canonical_json`], and appends the text to `out`.
///
/// # Errors
///
/// As [`to_canonical_json`]. After an error, `out` is unchanged.
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

/// Appends a value inside `depth` objects or arrays of the caller.
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
