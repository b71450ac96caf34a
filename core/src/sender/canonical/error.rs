//! Errors of canonical JSON, with the place in the value.

use alloc::boxed::Box;
use alloc::string::{String, ToString};
use core::fmt::{self, Write as _};

use crate::text::json::Malformed;

/// The length of a member name in a path. A longer name is cut.
const MAX_NAME_CHARS: usize = 64;

/// The kind of a [`CanonicalError`].
///
/// ```
/// use clarife_webhooks::canonical::CanonicalErrorKind;
/// assert_eq!(CanonicalErrorKind::UnsafeInteger.as_str(), "unsafe_integer");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CanonicalErrorKind {
    /// A number that readers disagree on: an integer beyond ±(2^53 − 1), which JavaScript rounds, or a floating-point
    /// number that ECMAScript writes as an integer of another value.
    UnsafeInteger,
    /// A member named `__proto__`, which sets the prototype in many JavaScript programs.
    ProtoMember,
    /// A repeated member of an object. JavaScript keeps only the last.
    DuplicateMember,
    /// NaN or an infinity, which JSON cannot represent.
    NonFiniteNumber,
    /// Objects and arrays nested deeper than 128 levels.
    TooDeep,
    /// A text that is not JSON. Only [`JsonText::parse`](super::JsonText::parse) returns this kind.
    MalformedJson,
    /// An escaped lone surrogate, which UTF-8 cannot represent. Only [`JsonText::parse`](super::JsonText::parse)
    /// returns this kind.
    LoneSurrogate,
    /// A map key other than a string, character, integer, boolean or enum variant without content.
    UnsupportedKey,
    /// A failure of the value's own `Serialize` implementation, or an unsupported value.
    Custom,
}

impl CanonicalErrorKind {
    /// Returns the kind as text for logs and responses, for example `unsafe_integer`.
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

    /// Returns the hint: the remedy, in the imperative.
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
            Self::DuplicateMember => "give each member of an object its own name; check renamed and flattened fields",
            Self::NonFiniteNumber => "send null, or omit the member",
            Self::TooDeep => "send a flatter structure",
            Self::MalformedJson => "send JSON as RFC 8259 defines it",
            Self::LoneSurrogate => "send well-formed Unicode: String.prototype.toWellFormed replaces lone surrogates",
            Self::UnsupportedKey => "use strings as the keys of maps",
            Self::Custom => "check the `Serialize` implementation of the value",
        }
    }

    const fn message(self) -> &'static str {
        match self {
            Self::UnsafeInteger => "an integer exceeds the safe range of JavaScript",
            Self::ProtoMember => "a member is named __proto__",
            Self::DuplicateMember => "a member is repeated",
            Self::NonFiniteNumber => "a number is not finite",
            Self::TooDeep => "the nesting is deeper than 128 levels",
            Self::MalformedJson => "the text is not JSON",
            Self::LoneSurrogate => "a string contains a lone surrogate",
            Self::UnsupportedKey => "a map key is not a string, integer or boolean",
            Self::Custom => "the value could not be serialized",
        }
    }
}

impl fmt::Display for CanonicalErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The error of a value without canonical JSON. It names the place and never contains the value.
///
/// For [`CanonicalErrorKind::Custom`], the message comes from the value's own `Serialize` implementation.
///
/// ```
/// use clarife_webhooks::canonical::to_canonical_json;
///
/// let error = to_canonical_json(&[[1.0, f64::NAN]]).unwrap_err();
/// assert_eq!(error.path(), "$[0][1]");
/// assert_eq!(error.to_string(), "a number is not finite at $[0][1]");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CanonicalError(Box<Details>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Details {
    kind: CanonicalErrorKind,
    path: String,
    message: Option<String>,
}

impl CanonicalError {
    /// Returns the kind of the error.
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

    /// Returns the place of the error as a JSON path, for example `$.data.items[3].n`.
    ///
    /// A name that is not an identifier is quoted (`$["a b"]`), and a name is cut after 64 characters. For text that is
    /// not JSON, the place is a line and a column.
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

    /// Returns the hint of the kind; see [`CanonicalErrorKind::hint`].
    ///
    /// ```
    /// # use clarife_webhooks::canonical::to_canonical_json;
    /// let error = to_canonical_json(&f64::NAN).unwrap_err();
    /// assert_eq!(error.hint(), "send null, or omit the member");
    /// ```
    #[must_use]
    pub fn hint(&self) -> &'static str {
        self.0.kind.hint()
    }

    #[cold]
    pub(crate) fn new(kind: CanonicalErrorKind) -> Self {
        Self(Box::new(Details { kind, path: "$".to_string(), message: None }))
    }

    #[cold]
    pub(super) fn unsupported(message: &str) -> Self {
        Self(Box::new(Details {
            kind: CanonicalErrorKind::Custom,
            path: "$".to_string(),
            message: Some(message.to_string()),
        }))
    }

    /// Creates the error of an invalid text, with a line and a column as its place.
    #[cold]
    pub(super) fn in_text(kind: CanonicalErrorKind, malformed: &Malformed) -> Self {
        let (message, path) = (malformed.problem().to_string(), malformed.place().to_string());
        Self(Box::new(Details { kind, path, message: Some(message) }))
    }

    /// Prepends an array index to the path.
    #[cold]
    pub(super) fn in_element(mut self, index: usize) -> Self {
        let mut step = String::new();
        let _ = write!(step, "[{index}]");
        self.0.path.insert_str(1, &step);
        self
    }

    /// Prepends a member name to the path. `name` is the content of a JSON string.
    #[cold]
    pub(crate) fn in_member(mut self, name: &str) -> Self {
        let bytes = name.as_bytes();
        let identifier = bytes.first().is_some_and(|byte| !byte.is_ascii_digit())
            && bytes.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'_');
        let (name, ellipsis) = match name.char_indices().nth(MAX_NAME_CHARS) {
            Some((end, _)) => (name.get(..end).unwrap_or_default(), "…"),
            None => (name, ""),
        };
        let step = if identifier { [".", name, ellipsis].concat() } else { ["[\"", name, ellipsis, "\"]"].concat() };
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
