//! A JSON scanner: one strict pass that checks the grammar of RFC 8259 and the nesting, and keeps only positions.
//!
//! The scanner builds no values. `serde_json` does that here, and the host's own parser in the bindings.
//!
//! The scanner is hand-written for three reasons. `serde_json` sets no limit on nesting when it skips a value. Its
//! messages quote the payload. The pass is the larger half of a verification. Property tests compare the scanner with
//! `serde_json`. `docs/design/handwritten.md` lists the alternatives.

mod escape;
#[cfg(test)]
mod tests;

use alloc::borrow::Cow;
use core::fmt;
use core::ops::Range;

#[cfg(feature = "sender")]
pub(crate) use escape::find_lone_surrogate;
pub(crate) use escape::replace_lone_surrogates;
use escape::unescape;
use wide::u8x16;

use super::simd::find;

/// The largest depth of nested objects and arrays. The outermost is level 1. See
/// [protocol, section 3.1](https://github.com/clarife/clarife-webhooks/blob/main/docs/protocol.md#section-3-1).
pub(crate) const MAX_DEPTH: u32 = 128;

/// The problem of a text that nests deeper than [`MAX_DEPTH`].
const TOO_DEEP: &str = "objects and arrays nest deeper than 128 levels";

/// The problem of a text and its place, without any content of the text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Malformed {
    problem: &'static str,
    place: Place,
}

/// The place of a problem.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Place {
    /// A JSON path.
    Path(&'static str),
    /// A line and a column, from 1. The column counts bytes.
    Position { line: usize, column: usize },
}

impl Malformed {
    pub(crate) const fn at_path(problem: &'static str, path: &'static str) -> Self {
        Self { problem, place: Place::Path(path) }
    }

    /// Creates an error at the end of `before`, the text up to the first wrong byte.
    pub(crate) fn after(before: &[u8], problem: &'static str) -> Self {
        let last_line = before.rsplit(|&byte| byte == b'\n').next().unwrap_or_default();
        let line = before.split(|&byte| byte == b'\n').count();
        Self { problem, place: Place::Position { line, column: last_line.len().saturating_add(1) } }
    }
}

#[cfg(feature = "sender")]
impl Malformed {
    pub(crate) const fn problem(&self) -> &'static str {
        self.problem
    }

    pub(crate) const fn place(&self) -> &Place {
        &self.place
    }

    pub(crate) fn is_too_deep(&self) -> bool {
        self.problem == TOO_DEEP
    }
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at {}", self.problem, self.place)
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Path(path) => f.write_str(path),
            Self::Position { line, column } => write!(f, "line {line}, column {column}"),
        }
    }
}

/// A scanner at an offset of a text.
///
/// The scanner is small and copied into the loops, so that the offset stays in a register. The functions that read
/// strings are inlined for that reason. Without `inline(always)`, parsing an event takes 30 to 40 % longer.
#[derive(Clone, Copy)]
pub(crate) struct Scanner<'a> {
    text: &'a str,
    /// The number of bytes read, at most the length of the text.
    offset: usize,
}

/// A string as written in the text, without its quotes.
pub(crate) struct RawString<'a> {
    text: &'a str,
    escaped: bool,
}

impl<'a> Scanner<'a> {
    pub(crate) const fn new(text: &'a str) -> Self {
        Self { text, offset: 0 }
    }

    /// Returns the number of bytes read.
    pub(crate) const fn offset(&self) -> usize {
        self.offset
    }

    /// Returns the text between two offsets of this scanner.
    pub(crate) fn slice(&self, range: Range<usize>) -> &'a str {
        self.text.get(range).unwrap_or_default()
    }

    /// Creates an error at the next byte.
    #[cold]
    pub(crate) fn fail(self, problem: &'static str) -> Malformed {
        Malformed::after(self.text.as_bytes().get(..self.offset).unwrap_or_default(), problem)
    }

    /// Returns the next byte without reading it.
    #[inline]
    pub(crate) fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.offset).copied()
    }

    /// Returns the unread rest of the text.
    #[inline]
    fn rest(&self) -> &'a [u8] {
        self.text.as_bytes().get(self.offset..).unwrap_or_default()
    }

    /// Skips bytes, which must exist.
    #[inline]
    pub(crate) fn advance(&mut self, bytes: usize) {
        self.offset = self.offset.wrapping_add(bytes);
    }

    /// Reads `byte` if it is next, and returns whether it was.
    #[inline]
    pub(crate) fn eat(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        if found {
            self.advance(1);
        }
        found
    }

    #[inline]
    pub(crate) fn skip_whitespace(&mut self) {
        while let Some(b' ' | b'\t' | b'\n' | b'\r') = self.peek() {
            self.advance(1);
        }
    }

    /// Reads a member's name, the colon and white space, up to the value.
    #[inline(always)]
    pub(crate) fn name(&mut self) -> Result<RawString<'a>, Malformed> {
        self.check_quote()?;
        let name = self.string()?;
        self.colon()?;
        Ok(name)
    }

    #[inline(always)]
    fn skip_name(&mut self) -> Result<(), Malformed> {
        self.check_quote()?;
        self.skip_string()?;
        self.colon()
    }

    #[inline]
    fn check_quote(&self) -> Result<(), Malformed> {
        if self.peek() == Some(b'"') { Ok(()) } else { Err(self.fail("a member name was expected")) }
    }

    #[inline]
    fn colon(&mut self) -> Result<(), Malformed> {
        self.skip_whitespace();
        if !self.eat(b':') {
            return Err(self.fail("a colon was expected"));
        }
        self.skip_whitespace();
        Ok(())
    }

    /// Reads past a value: a comma and white space (returns `true`), or the end of the container (returns `false`).
    #[inline]
    pub(crate) fn more(&mut self, end: u8) -> Result<bool, Malformed> {
        self.skip_whitespace();
        if self.eat(b',') {
            self.skip_whitespace();
            Ok(true)
        } else if self.eat(end) {
            Ok(false)
        } else if end == b'}' {
            Err(self.fail("a comma or the end of the object was expected"))
        } else {
            Err(self.fail("a comma or the end of the array was expected"))
        }
    }

    /// Reads a string, starting at its opening quote.
    #[inline(always)]
    pub(crate) fn string(&mut self) -> Result<RawString<'a>, Malformed> {
        let start = self.offset();
        let escaped = self.skip_string()?;
        let text = self.slice(start.saturating_add(1)..self.offset().saturating_sub(1));
        Ok(RawString { text, escaped })
    }

    /// Skips a string, starting at its opening quote, and returns whether the string contains an escape.
    #[inline(always)]
    fn skip_string(&mut self) -> Result<bool, Malformed> {
        self.advance(1);
        let mut escaped = false;
        loop {
            self.advance(plain_run(self.rest()));
            match self.peek() {
                Some(b'"') => {
                    self.advance(1);
                    return Ok(escaped);
                }
                Some(b'\\') => {
                    escaped = true;
                    self.advance(1);
                    self.escape()?;
                }
                Some(_) => return Err(self.fail("a control character is not escaped")),
                None => return Err(self.fail("a string is not terminated")),
            }
        }
    }

    fn escape(&mut self) -> Result<(), Malformed> {
        match self.peek() {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => self.advance(1),
            Some(b'u') => {
                self.advance(1);
                for _ in 0..4 {
                    if !self.peek().is_some_and(|byte| byte.is_ascii_hexdigit()) {
                        return Err(self.fail("four hex digits were expected"));
                    }
                    self.advance(1);
                }
            }
            _ => return Err(self.fail("an escape is invalid")),
        }
        Ok(())
    }

    fn digits(&mut self) -> Result<(), Malformed> {
        let count = self.rest().iter().take_while(|byte| byte.is_ascii_digit()).count();
        self.advance(count);
        if count == 0 { Err(self.fail("a digit was expected")) } else { Ok(()) }
    }

    fn number(&mut self) -> Result<(), Malformed> {
        self.eat(b'-');
        if !self.eat(b'0') {
            self.digits()?;
        }
        if self.eat(b'.') {
            self.digits()?;
        }
        if self.eat(b'e') || self.eat(b'E') {
            if !self.eat(b'+') {
                self.eat(b'-');
            }
            self.digits()?;
        }
        Ok(())
    }

    fn literal(&mut self, literal: &'static str) -> Result<(), Malformed> {
        for byte in literal.bytes() {
            if !self.eat(byte) {
                return Err(self.fail("a value was expected"));
            }
        }
        Ok(())
    }

    /// Reads a value of any kind inside `level` objects or arrays.
    pub(crate) fn value(&mut self, level: u32) -> Result<(), Malformed> {
        let mut scanner = *self;
        // The open containers, the innermost in the lowest bit: 1 for an object, 0 for an array. 128 bits hold
        // MAX_DEPTH.
        let mut open: u128 = 0;
        let mut depth = level;
        let mut in_object = false;
        loop {
            if in_object {
                scanner.skip_name()?;
            }
            match scanner.peek() {
                Some(b'"') => {
                    scanner.skip_string()?;
                }
                Some(bracket @ (b'{' | b'[')) => {
                    if depth >= MAX_DEPTH {
                        return Err(scanner.fail(TOO_DEEP));
                    }
                    depth = depth.saturating_add(1);
                    scanner.advance(1);
                    scanner.skip_whitespace();
                    in_object = bracket == b'{';
                    open = (open << 1) | u128::from(in_object);
                    if scanner.peek() != Some(closing(in_object)) {
                        continue;
                    }
                }
                Some(b'-' | b'0'..=b'9') => scanner.number()?,
                Some(b't') => scanner.literal("true")?,
                Some(b'f') => scanner.literal("false")?,
                Some(b'n') => scanner.literal("null")?,
                _ => return Err(scanner.fail("a value was expected")),
            }
            // A value has ended, or an empty container is about to end: close all containers that end here.
            loop {
                if depth == level {
                    *self = scanner;
                    return Ok(());
                }
                in_object = open & 1 == 1;
                if scanner.more(closing(in_object))? {
                    break;
                }
                open >>= 1;
                depth = depth.saturating_sub(1);
            }
        }
    }

    /// Checks that only white space is left.
    pub(crate) fn end(&mut self) -> Result<(), Malformed> {
        self.skip_whitespace();
        if self.rest().is_empty() { Ok(()) } else { Err(self.fail("text follows the value")) }
    }
}

impl<'a> RawString<'a> {
    /// Decodes the string. Returns `None` for an escaped lone surrogate, which is not Unicode text.
    pub(crate) fn decode(&self) -> Option<Cow<'a, str>> {
        if self.escaped { unescape(self.text).map(Into::into) } else { Some(self.text.into()) }
    }
}

/// Returns the bracket that ends a container.
#[inline]
const fn closing(object: bool) -> u8 {
    if object { b'}' } else { b']' }
}

/// Returns the length of the plain start of a string: bytes without a quote, a backslash or a control character.
#[inline(always)]
pub(crate) fn plain_run(bytes: &[u8]) -> usize {
    find(bytes, |byte| byte < 0x20 || byte == b'"' || byte == b'\\', not_plain)
}

/// Returns whether all bytes are plain.
///
/// The last 16 bytes overlap the blocks before. A loop over the rest would make canonical JSON of an event 4 to 10 %
/// slower, because the processor cannot predict its end.
#[cfg(feature = "sender")]
#[inline]
pub(crate) fn is_plain(bytes: &[u8]) -> bool {
    let plain = |block: [u8; 16]| not_plain(u8x16::new(block)).to_bitmask() == 0;
    match bytes.last_chunk() {
        Some(last) => bytes.as_chunks().0.iter().all(|block| plain(*block)) && plain(*last),
        None => plain_run(bytes) == bytes.len(),
    }
}

/// Returns a mask with all bits set in each byte that is not plain.
#[inline(always)]
fn not_plain(block: u8x16) -> u8x16 {
    block.min(CONTROLS).simd_eq(block) | block.simd_eq(QUOTES) | block.simd_eq(BACKSLASHES)
}

const CONTROLS: u8x16 = u8x16::splat(0x1f);
const QUOTES: u8x16 = u8x16::splat(b'"');
const BACKSLASHES: u8x16 = u8x16::splat(b'\\');
