//! Strings and numbers as `JSON.stringify` writes them.

use alloc::string::String;
use core::fmt;

use super::error::{CanonicalError, CanonicalErrorKind};
use crate::json::{is_plain, plain_run};

/// `Number.MAX_SAFE_INTEGER`: every integer up to it, and none after, has a double of its own.
const MAX_SAFE_INTEGER: u64 = (1 << 53) - 1;

/// What `JSON.stringify` writes for the control characters.
const CONTROLS: [&str; 32] = [
    "\\u0000", "\\u0001", "\\u0002", "\\u0003", "\\u0004", "\\u0005", "\\u0006", "\\u0007", "\\b", "\\t", "\\n",
    "\\u000b", "\\f", "\\r", "\\u000e", "\\u000f", "\\u0010", "\\u0011", "\\u0012", "\\u0013", "\\u0014", "\\u0015",
    "\\u0016", "\\u0017", "\\u0018", "\\u0019", "\\u001a", "\\u001b", "\\u001c", "\\u001d", "\\u001e", "\\u001f",
];

#[inline]
pub(crate) fn push_string(out: &mut String, text: &str) {
    out.push('"');
    push_escaped(out, text);
    out.push('"');
}

/// Writes the content of a JSON string.
#[inline]
pub(super) fn push_escaped(out: &mut String, text: &str) {
    if is_plain(text.as_bytes()) {
        out.push_str(text);
    } else {
        push_runs(out, text);
    }
}

/// Copies the runs between the characters that are escaped.
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

/// Escapes what a `Display` implementation writes.
pub(super) struct Escaper<'a>(pub(super) &'a mut String);

impl fmt::Write for Escaper<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        push_escaped(self.0, text);
        Ok(())
    }
}

/// Writes an integer that JavaScript holds exactly.
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

/// Writes an integer of any size, for a name.
pub(super) fn push_digits(out: &mut String, number: impl itoa::Integer) {
    out.push_str(itoa::Buffer::new().format(number));
}

/// Writes a finite floating-point number as ECMAScript's `Number::toString` does.
pub(super) fn push_float(out: &mut String, number: impl ryu_js::Float) {
    out.push_str(ryu_js::Buffer::new().format_finite(number));
}
