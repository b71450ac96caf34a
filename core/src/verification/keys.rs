//! The keys of a secret, and the checks on its text.

use super::mac::Key;
use super::standard;

/// The keys of one secret, one for each scheme.
#[derive(Clone)]
pub(crate) struct Keys {
    /// The key of clarife's own scheme: the text of the secret. See
    /// [protocol, section 1](https://github.com/clarife/clarife-webhooks/blob/main/docs/protocol.md#section-1).
    pub(crate) v1: Key,
    /// The key of Standard Webhooks: the base64-decoded secret, if the secret is base64. See
    /// [protocol, section 5.3](https://github.com/clarife/clarife-webhooks/blob/main/docs/protocol.md#section-5-3).
    pub(crate) standard: Option<Key>,
}

impl Keys {
    pub(crate) fn new(secret: &str) -> Self {
        Self { v1: Key::new(secret.as_bytes()), standard: standard::key(secret) }
    }
}

/// Returns the reason why a text cannot be a secret. Every reason is a mistake in copying or in a program's settings. See
/// [protocol, section 2.1](https://github.com/clarife/clarife-webhooks/blob/main/docs/protocol.md#section-2-1).
pub(super) fn find_problem(secret: &str) -> Option<&'static str> {
    let surrounds = |is: fn(char) -> bool| secret.starts_with(is) || secret.ends_with(is);
    if secret.is_empty() {
        Some(NO_SECRET)
    } else if surrounds(char::is_whitespace) {
        Some("it starts or ends with white space")
    } else if secret.chars().any(char::is_control) {
        Some("it contains a control character")
    } else if secret.chars().any(is_invisible) {
        Some("it contains an invisible character")
    } else if surrounds(is_quote) {
        Some("it is in quotes")
    } else if NO_VALUES.contains(&secret) {
        Some("it is the text of a missing value")
    } else if is_variable(secret) {
        Some("it is a variable that was not expanded")
    } else if secret.starts_with("v1,") || secret.starts_with("t=") {
        Some("it is a signature")
    } else if ID_PREFIXES.iter().any(|prefix| secret.starts_with(prefix)) {
        Some("it is an id")
    } else {
        secret.strip_prefix(standard::PREFIX).filter(|rest| is_placeholder(rest)).map(|_| "it is a placeholder")
    }
}

/// The problem of an empty secret, and of a list without a secret.
pub(crate) const NO_SECRET: &str =
    "there is none; set CLARIFE_WEBHOOK_SECRET to the signing secret from the subscription's settings in clarife";

/// The texts that languages write for a missing value.
const NO_VALUES: [&str; 7] = ["undefined", "null", "None", "nil", "NaN", "[object Object]", "[object Promise]"];

/// The prefixes of clarife's ids. See
/// [protocol, section 6.3](https://github.com/clarife/clarife-webhooks/blob/main/docs/protocol.md#section-6-3).
const ID_PREFIXES: [&str; 5] = ["sub_", "evt_", "dlv_", "wsp_", "tok_"];

/// Returns whether a character is a format character of Unicode, which an editor or a chat may add without showing it.
const fn is_invisible(character: char) -> bool {
    matches!(
        character,
        '\u{ad}'
            | '\u{34f}'
            | '\u{61c}'
            | '\u{180e}'
            | '\u{200b}'..='\u{200f}'
            | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{feff}'
            | '\u{fff9}'..='\u{fffb}'
    )
}

const fn is_quote(character: char) -> bool {
    matches!(character, '"' | '\'' | '`' | '´' | '«' | '»' | '‹' | '›' | '\u{2018}'..='\u{201f}' | '＂' | '＇')
}

/// Returns whether a text is `$NAME`, `${NAME}`, `%NAME%`, `{{ name }}` or `<name>`.
fn is_variable(text: &str) -> bool {
    let within = |start: &str, end: &str| text.len() > 1 && text.starts_with(start) && text.ends_with(end);
    text.starts_with('$') || within("%", "%") || within("{{", "}}") || within("<", ">")
}

/// Returns whether the text after the prefix is dots or asterisks, as in `whsec_...`.
fn is_placeholder(rest: &str) -> bool {
    !rest.is_empty() && rest.chars().all(|character| matches!(character, '.' | '…' | '*' | '•'))
}
