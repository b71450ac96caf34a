//! One strict pass over a JSON text that keeps nothing: it checks the grammar of RFC 8259 and the nesting, and says
//! where a value starts and ends. Building objects is left to whoever reads them (`serde_json` here, the host's own parser
//! in the bindings).
//!
//! Why not `serde_json` for this pass: skipping a value with it sets no limit on nesting, its messages quote the
//! payload, and the pass is the larger half of what verification costs. The tests hold it against `serde_json`.

mod escape;
#[cfg(test)]
mod tests;

use alloc::borrow::Cow;
use core::fmt;
use core::ops::Range;

#[cfg(feature = "sender")]
pub(crate) use escape::find_lone_surrogate;
pub(crate) use escape::mend_lone_surrogates;
use escape::unescape;
use wide::u8x16;

use super::simd::find;

/// How deep objects and arrays may nest, the outermost being level 1 (protocol, section 3).
pub(crate) const MAX_DEPTH: u32 = 128;

/// The problem of a text that nests deeper than [`MAX_DEPTH`].
const TOO_DEEP: &str = "objects and arrays nest deeper than 128 levels";

/// What is wrong with a text, and where; never what stands there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Malformed {
    problem: &'static str,
    place: Place,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Place {
    /// A JSON path.
    Path(&'static str),
    /// 1-based; the column counts bytes.
    Position { line: usize, column: usize },
}

impl Malformed {
    pub(crate) const fn at_path(problem: &'static str, path: &'static str) -> Self {
        Self { problem, place: Place::Path(path) }
    }

    /// The place is the end of `before`, the text up to the first byte that is wrong.
    pub(crate) fn after(before: &[u8], problem: &'static str) -> Self {
        let last_line = before.rsplit(|&byte| byte == b'\n').next().unwrap_or_default();
        let line = before.split(|&byte| byte == b'\n').count();
        Self { problem, place: Place::Position { line, column: last_line.len().saturating_add(1) } }
    }
}

impl Malformed {
    #[cfg(feature = "sender")]
    pub(crate) const fn problem(&self) -> &'static str {
        self.problem
    }

    #[cfg(feature = "sender")]
    pub(crate) const fn place(&self) -> &Place {
        &self.place
    }

    #[cfg(feature = "sender")]
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

/// A place in a text from which the next token is read.
///
/// Small and copied into the loops, so that the place stays in a register: most of the pass is waiting for the next place. What
/// reads a string is inlined for the same reason, in WebAssembly only where it repeats, because there size counts more.
#[derive(Clone, Copy)]
pub(crate) struct Scanner<'a> {
    text: &'a str,
    /// How many bytes have been read, never more than there are.
    at: usize,
}

/// A string of the text as it stands there, quotes left out.
pub(crate) struct RawString<'a> {
    text: &'a str,
    escaped: bool,
}

impl<'a> Scanner<'a> {
    pub(crate) const fn new(text: &'a str) -> Self {
        Self { text, at: 0 }
    }

    /// How many bytes have been read.
    pub(crate) const fn offset(&self) -> usize {
        self.at
    }

    /// The text between two offsets that this scanner has given.
    pub(crate) fn slice(&self, range: Range<usize>) -> &'a str {
        self.text.get(range).unwrap_or_default()
    }

    /// An error at the byte that would be read next.
    #[cold]
    pub(crate) fn fail(self, problem: &'static str) -> Malformed {
        Malformed::after(self.text.as_bytes().get(..self.at).unwrap_or_default(), problem)
    }

    /// The next byte, which is not read.
    #[inline]
    pub(crate) fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    /// What is not read yet.
    #[inline]
    fn rest(&self) -> &'a [u8] {
        self.text.as_bytes().get(self.at..).unwrap_or_default()
    }

    /// Reads bytes that are there.
    #[inline]
    pub(crate) fn advance(&mut self, bytes: usize) {
        self.at = self.at.wrapping_add(bytes);
    }

    /// Reads `byte` if it is the next one.
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

    /// Reads a member's name and its colon, up to where its value starts.
    #[cfg_attr(not(target_arch = "wasm32"), inline(always))]
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

    /// Reads what follows a member's value or an element: `true` for a comma, up to where the next one starts, `false` for the end.
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

    /// Reads the whole of a string, from its opening quote.
    #[cfg_attr(not(target_arch = "wasm32"), inline(always))]
    pub(crate) fn string(&mut self) -> Result<RawString<'a>, Malformed> {
        let start = self.offset();
        let escaped = self.skip_string()?;
        let text = self.slice(start.saturating_add(1)..self.offset().saturating_sub(1));
        Ok(RawString { text, escaped })
    }

    /// The same, and says only whether the string holds an escape.
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
                Some(_) => return Err(self.fail("a control character was not escaped")),
                None => return Err(self.fail("a string was not ended")),
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
            _ => return Err(self.fail("an escape is unknown")),
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

    /// Reads a value, of any kind, that stands inside `level` objects or arrays.
    pub(crate) fn value(&mut self, level: u32) -> Result<(), Malformed> {
        let mut scanner = *self;
        // The open containers, innermost in the lowest bit: 1 for an object, 0 for an array. 128 bits are MAX_DEPTH.
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
            // A value has ended, or an empty container is about to: close what ends here.
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

    /// Checks that nothing but white space is left.
    pub(crate) fn end(&mut self) -> Result<(), Malformed> {
        self.skip_whitespace();
        if self.rest().is_empty() { Ok(()) } else { Err(self.fail("the text goes on after its value")) }
    }
}

impl<'a> RawString<'a> {
    /// What the string stands for; `None` where an escaped lone surrogate makes it no Unicode text.
    pub(crate) fn decode(&self) -> Option<Cow<'a, str>> {
        if self.escaped { unescape(self.text).map(Into::into) } else { Some(self.text.into()) }
    }
}

/// What ends a container.
#[inline]
const fn closing(object: bool) -> u8 {
    if object { b'}' } else { b']' }
}

/// How many bytes from the start need no look inside a string: no quote, no backslash, no control character.
#[inline(always)]
pub(crate) fn plain_run(bytes: &[u8]) -> usize {
    find(bytes, |byte| byte < 0x20 || byte == b'"' || byte == b'\\', not_plain)
}

/// Whether that is all of them. What is left of 16 is looked at together with bytes before it: a loop over it would end at another
/// place each time, which the processor cannot foresee.
#[cfg(feature = "sender")]
#[inline]
pub(crate) fn is_plain(bytes: &[u8]) -> bool {
    let plain = |block: [u8; 16]| not_plain(u8x16::new(block)).to_bitmask() == 0;
    match bytes.last_chunk() {
        Some(last) => bytes.as_chunks().0.iter().all(|block| plain(*block)) && plain(*last),
        None => {
            let few = || ends::<4>(bytes).or_else(|| ends::<2>(bytes)).or_else(|| ends::<1>(bytes));
            ends::<8>(bytes).or_else(few).is_none_or(plain)
        }
    }
}

/// The first and the last `N` bytes, up to 8, which are all of at most twice as many.
#[cfg(feature = "sender")]
#[inline]
fn ends<const N: usize>(bytes: &[u8]) -> Option<[u8; 16]> {
    let mut block = [b' '; 16];
    let (first, last) = block.split_at_mut(8);
    *first.first_chunk_mut::<N>()? = *bytes.first_chunk()?;
    *last.first_chunk_mut::<N>()? = *bytes.last_chunk()?;
    Some(block)
}

/// All bits of the bytes that need a look.
#[inline(always)]
fn not_plain(block: u8x16) -> u8x16 {
    block.min(CONTROLS).simd_eq(block) | block.simd_eq(QUOTES) | block.simd_eq(BACKSLASHES)
}

const CONTROLS: u8x16 = u8x16::splat(0x1f);
const QUOTES: u8x16 = u8x16::splat(b'"');
const BACKSLASHES: u8x16 = u8x16::splat(b'\\');
