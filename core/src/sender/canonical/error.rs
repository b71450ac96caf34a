//! Why a value has no canonical JSON, and where.

use alloc::boxed::Box;
use alloc::string::{String, ToString};
use core::fmt::{self, Write as _};

use crate::text::json::Malformed;

/// A longer member name is cut in a path.
const MAX_NAME_CHARS: usize = 64;

/// What kept a value from being written as canonical JSON.
///
/// ```
/// use clarife_webhooks::canonical::CanonicalErrorKind;
/// assert_eq!(CanonicalErrorKind::UnsafeInteger.as_str(), "unsafe_integer");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CanonicalErrorKind {
    /// An integer beyond ±(2^53 − 1), which JavaScript rounds, or a floating-point number that ECMAScript writes as an integer
    /// of another value, which Python reads.
    UnsafeInteger,
    /// A member named `__proto__`, which is the prototype in too many programs.
    ProtoMember,
    /// A member that stands twice in one object; JavaScript keeps the last one only.
    DuplicateMember,
    /// NaN or an infinity, which JSON cannot hold.
    NonFiniteNumber,
    /// Objects and arrays nested deeper than 128 levels.
    TooDeep,
    /// A text that is not JSON; only [`JsonText::parse`](super::JsonText::parse) returns this kind.
    MalformedJson,
    /// An escaped half of a surrogate pair, which UTF-8 cannot hold; only [`JsonText::parse`](super::JsonText::parse)
    /// returns this kind.
    LoneSurrogate,
    /// A map key that is no string, character, integer, boolean or enum variant without content.
    UnsupportedKey,
    /// The value's own `Serialize` implementation failed, or gave something that is not supported.
    Custom,
}

impl CanonicalErrorKind {
    /// The kind as it is written in logs and answers, for example `unsafe_integer`.
    ///
    /// ```
    /// # use clarife_webhooks::canonical::CanonicalErrorKind;
    /// assert_eq!(CanonicalErrorKind::NonFiniteNumber.as_str(), "non_finite_number");
    /// ```
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::UnsafeInteger => "unsafe_integer",
            Self::ProtoMember => "proto_member",
            Self::DuplicateMember => "duplicate_member",
            Self::NonFiniteNumber => "non_finite_number",
            Self::TooDeep => "too_deep",
            Self::MalformedJson => "malformed_json",
            Self::LoneSurrogate => "lone_surrogate",
            Self::UnsupportedKey => "unsupported_key",
            Self::Custom => "custom",
        }
    }

    /// What to do about it.
    ///
    /// ```
    /// # use clarife_webhooks::canonical::CanonicalErrorKind;
    /// assert_eq!(CanonicalErrorKind::UnsafeInteger.hint(), "send large numbers as strings");
    /// ```
    #[must_use]
    pub const fn hint(self) -> &'static str {
        match self {
            Self::UnsafeInteger => "send large numbers as strings",
            Self::ProtoMember => "give the member another name",
            Self::DuplicateMember => "name every member of an object once; look for renamed and flattened fields",
            Self::NonFiniteNumber => "send null, or leave the member out",
            Self::TooDeep => "send a flatter structure",
            Self::MalformedJson => "send JSON as RFC 8259 defines it",
            Self::LoneSurrogate => "send well-formed Unicode: String.prototype.toWellFormed replaces lone surrogates",
            Self::UnsupportedKey => "use strings as the keys of maps",
            Self::Custom => "look at how the value is serialized",
        }
    }

    const fn message(self) -> &'static str {
        match self {
            Self::UnsafeInteger => "an integer is beyond what JavaScript holds exactly",
            Self::ProtoMember => "a member is named __proto__",
            Self::DuplicateMember => "a member is repeated",
            Self::NonFiniteNumber => "a number is not finite",
            Self::TooDeep => "the nesting is deeper than 128 levels",
            Self::MalformedJson => "the text is not JSON",
            Self::LoneSurrogate => "a string holds half of a surrogate pair",
            Self::UnsupportedKey => "the key of a map is no string, integer or boolean",
            Self::Custom => "the value could not be serialized",
        }
    }
}

impl fmt::Display for CanonicalErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A value that has no canonical JSON; names the place, never the value.
///
/// (For [`CanonicalErrorKind::Custom`] the message is what the value's own `Serialize` implementation said.)
///
/// ```
/// use clarife_webhooks::canonical::to_canonical_json;
///
/// let error = to_canonical_json(&[[1.0, f64::NAN]]).unwrap_err();
/// assert_eq!(error.path(), "$[0][1]");
/// assert_eq!(error.to_string(), "a number is not finite at $[0][1]");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CanonicalError(Box<Particulars>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Particulars {
    kind: CanonicalErrorKind,
    path: String,
    message: Option<String>,
}

impl CanonicalError {
    /// What is wrong.
    ///
    /// ```
    /// # use clarife_webhooks::canonical::{CanonicalErrorKind, to_canonical_json};
    /// let error = to_canonical_json(&u64::MAX).unwrap_err();
    /// assert_eq!(error.kind(), CanonicalErrorKind::UnsafeInteger);
    /// ```
    #[must_use]
    pub fn kind(&self) -> CanonicalErrorKind {
        self.0.kind
    }

    /// Where it is, as a JSON path: `$.data.items[3].n`; a line and a column for text that is not JSON. Names that are no identifiers are quoted, `$["a b"]`, and
    /// cut after 64 characters.
    ///
    /// ```
    /// # use clarife_webhooks::canonical::to_canonical_json;
    /// let error = to_canonical_json(&serde_json::json!({"items": [{"a b": u64::MAX}]})).unwrap_err();
    /// assert_eq!(error.path(), r#"$.items[0]["a b"]"#);
    /// ```
    #[must_use]
    pub fn path(&self) -> &str {
        &self.0.path
    }

    /// What to do about it; the same as [`CanonicalErrorKind::hint`].
    ///
    /// ```
    /// # use clarife_webhooks::canonical::to_canonical_json;
    /// let error = to_canonical_json(&f64::NAN).unwrap_err();
    /// assert_eq!(error.hint(), "send null, or leave the member out");
    /// ```
    #[must_use]
    pub fn hint(&self) -> &'static str {
        self.0.kind.hint()
    }

    #[cold]
    pub(crate) fn new(kind: CanonicalErrorKind) -> Self {
        Self(Box::new(Particulars { kind, path: "$".to_string(), message: None }))
    }

    #[cold]
    pub(super) fn unsupported(message: &str) -> Self {
        Self(Box::new(Particulars {
            kind: CanonicalErrorKind::Custom,
            path: "$".to_string(),
            message: Some(message.to_string()),
        }))
    }

    /// Creates the error of a text that was not read, with the line and column in place of a path.
    #[cold]
    pub(super) fn in_text(kind: CanonicalErrorKind, malformed: &Malformed) -> Self {
        let (message, path) = (malformed.problem().to_string(), malformed.place().to_string());
        Self(Box::new(Particulars { kind, path, message: Some(message) }))
    }

    /// The error as it is seen from the array whose element it is in.
    #[cold]
    pub(super) fn in_element(mut self, index: usize) -> Self {
        let mut step = String::new();
        let _ = write!(step, "[{index}]");
        self.0.path.insert_str(1, &step);
        self
    }

    /// The error as it is seen from the object whose member it is in; `name` is the content of a JSON string.
    #[cold]
    pub(crate) fn in_member(mut self, name: &str) -> Self {
        let bytes = name.as_bytes();
        let identifier = bytes.first().is_some_and(|byte| !byte.is_ascii_digit())
            && bytes.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'_');
        let (shown, cut) = match name.char_indices().nth(MAX_NAME_CHARS) {
            Some((end, _)) => (name.get(..end).unwrap_or_default(), "…"),
            None => (name, ""),
        };
        let step = if identifier { [".", shown, cut].concat() } else { ["[\"", shown, cut, "\"]"].concat() };
        self.0.path.insert_str(1, &step);
        self
    }
}

impl fmt::Display for CanonicalError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let message = self.0.message.as_deref().unwrap_or(self.0.kind.message());
        write!(f, "{message} at {}", self.0.path)
    }
}

impl core::error::Error for CanonicalError {}

impl serde::ser::Error for CanonicalError {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self::unsupported(&message.to_string())
    }
}
