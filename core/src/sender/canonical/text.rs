//! Strings and numbers in the format of `JSON.stringify`.

use alloc::string::String;
use core::fmt;

use super::error::{CanonicalError, CanonicalErrorKind};
use crate::text::json::{is_plain, plain_run};

/// `Number.MAX_SAFE_INTEGER`. Each integer up to this limit has its own double.
const MAX_SAFE_INTEGER: u64 = (1 << 53) - 1;

/// The escapes of `JSON.stringify` for control characters.
const CONTROLS: [&str; 32] = [
    "\\u0000", "\\u0001", "\\u0002", "\\u0003", "\\u0004", "\\u0005", "\\u0006", "\\u0007", "\\b", "\\t", "\\n",
    "\\u000b", "\\f", "\\r", "\\u000e", "\\u000f", "\\u0010", "\\u0011", "\\u0012", "\\u0013", "\\u0014", "\\u0015",
    "\\u0016", "\\u0017", "\\u0018", "\\u0019", "\\u001a", "\\u001b", "\\u001c", "\\u001d", "\\u001e", "\\u001f",
];

/// Appends a JSON string.
#[inline]
pub(crate) fn push_string(out: &mut String, text: &str) {
    out.push('"');
    push_escaped(out, text);
    out.push('"');
}

/// Appends the content of a JSON string.
#[inline]
pub(super) fn push_escaped(out: &mut String, text: &str) {
    if is_plain(text.as_bytes()) {
        out.push_str(text);
    } else {
        push_runs(out, text);
    }
}

/// Appends plain runs and escapes in turn.
fn push_runs(out: &mut String, mut text: &str) {
    loop {
        let (plain, rest) = text.split_at_checked(plain_run(text.as_bytes())).unwrap_or_default();
        out.push_str(plain);
        let Some(&byte) = rest.as_bytes().first() else { return };
        out.push_str(match byte {
            b'"' => "\\\"",
            b'\\' => "\\\\",
            _ => CONTROLS.get(usize::from(byte)).copied().unwrap_or_default(),
        });
        text = rest.get(1..).unwrap_or_default();
    }
}

/// A writer that escapes the output of a `Display` implementation.
pub(super) struct Escaper<'a>(pub(super) &'a mut String);

impl fmt::Write for Escaper<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        push_escaped(self.0, text);
        Ok(())
    }
}

/// Appends an integer within the safe range of JavaScript.
pub(super) fn push_integer<N>(out: &mut String, number: N) -> Result<(), CanonicalError>
where
    N: itoa::Integer + Copy + TryInto<i64>,
{
    let safe = number.try_into().is_ok_and(|number| number.unsigned_abs() <= MAX_SAFE_INTEGER);
    if !safe {
        return Err(CanonicalError::new(CanonicalErrorKind::UnsafeInteger));
    }
    push_digits(out, number);
    Ok(())
}

/// Appends an integer of any size, for a member name.
pub(super) fn push_digits(out: &mut String, number: impl itoa::Integer) {
    out.push_str(itoa::Buffer::new().format(number));
}

/// Appends a floating-point number in the format of ECMAScript's `Number::toString`.
///
/// From 2^53 to 1e21 ECMAScript writes a double as an integer whose last digits may be zeros that the double does not
/// have. JavaScript reads that integer back as the same double, but Python and others read another number.
pub(super) fn push_float(out: &mut String, number: impl ryu_js::Float + Into<f64>) -> Result<(), CanonicalError> {
    if !number.into().is_finite() {
        return Err(CanonicalError::new(CanonicalErrorKind::NonFiniteNumber));
    }
    let mut buffer = ryu_js::Buffer::new();
    let text = buffer.format_finite(number);
    if !is_same_everywhere(text) {
        return Err(CanonicalError::new(CanonicalErrorKind::UnsafeInteger));
    }
    out.push_str(text);
    Ok(())
}

/// Returns whether a reader with integers of any size reads the number that a reader with doubles reads.
fn is_same_everywhere(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    // 15 digits always fit into a double. Only integers parse as `u128`.
    digits.len() <= 15
        || digits
            .parse::<u128>()
            .map_or(true, |exact| digits.parse::<f64>().is_ok_and(|double| double as u128 == exact))
}

/// Appends the text of a JSON number of any length.
pub(super) fn push_number_text(out: &mut String, text: &str) -> Result<(), CanonicalError> {
    match Number::read(text) {
        Number::Integer(number) => push_integer(out, number),
        Number::Float(number) => push_float(out, number),
    }
}

/// The value of a JSON number, as JavaScript and Python read it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Number {
    /// A number without fraction and exponent, saturated beyond 128 bits.
    Integer(i128),
    /// Any other number, infinite beyond the range of doubles.
    Float(f64),
}

impl Number {
    pub(super) fn read(text: &str) -> Self {
        if text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-') {
            Self::Integer(text.parse().unwrap_or(i128::MAX))
        } else {
            Self::Float(text.parse().unwrap_or(f64::NAN))
        }
    }
}
