//! Causes of a refusal, in words, and the pages that mend them.

use super::body::{Change, Variant};
use super::header::Scheme;
use super::json;
use super::secret::Mistake;

/// The address of the documentation.
const SITE: &str = "https://clarife.github.io/clarife-webhooks/";

/// Pages of the documentation.
const PARSED: &str = "guides/mistakes/#the-body-was-parsed-first";
const BYTES: &str = "guides/mistakes/#bytes-were-added-or-lost";
const TEXT: &str = "guides/mistakes/#text-instead-of-bytes";
const SECRET: &str = "guides/mistakes/#a-wrong-secret";
const SCHEME: &str = "guides/mistakes/#a-signature-of-another-scheme";
const STANDARD: &str = "guides/standard-webhooks/";
const STRIPE: &str = "guides/migration/#from-stripe-style-code";
const OLD: &str = "guides/mistakes/#old-deliveries-are-rejected-after-an-outage";
const CLOCK: &str = "guides/mistakes/#the-clock-is-wrong";
const ERRORS: &str = "reference/errors/";

/// A cause of a refusal, and the remedy.
#[derive(Debug)]
pub(super) struct Cause {
    pub(super) code: &'static str,
    pub(super) sentence: String,
    pub(super) remedy: String,
    page: &'static str,
    /// The offset of the first changed byte of the body.
    pub(super) byte: Option<usize>,
}

impl Cause {
    fn new(code: &'static str, sentence: impl Into<String>, remedy: impl Into<String>, page: &'static str) -> Self {
        Self { code, sentence: sentence.into(), remedy: remedy.into(), page, byte: None }
    }

    /// Adds the place of the change to the sentence.
    fn at(mut self, word: &str, byte: usize) -> Self {
        self.sentence = format!("{}, {word} byte {byte}", self.sentence);
        self.byte = Some(byte);
        self
    }

    /// Returns the address of the page that mends the cause.
    pub(super) fn page(&self) -> String {
        format!("{SITE}{}", self.page)
    }

    /// Returns the cause of a changed body: `sent` became `seen`.
    pub(super) fn of_change(change: Change, sent: &Variant<'_>, seen: &Variant<'_>) -> Self {
        let (sent, seen) = (&*sent.bytes, &*seen.bytes);
        let first = sent.iter().zip(seen).take_while(|(sent, seen)| sent == seen).count();
        let raw = "pass the bytes of the body to `verify` before anything parses them";
        let added = "pass the body as it arrived, and add nothing to it in files, shells and proxies";
        let kept = "read and write the body as bytes, without a text mode that changes line ends";
        let bytes = "pass the bytes of the body, or text that was decoded from UTF-8 as a whole";
        match change {
            Change::Rewritten => {
                let (sent, seen) = (String::from_utf8_lossy(sent), String::from_utf8_lossy(seen));
                let (parts, first) = json::changes(&sent, &seen);
                let sentence = format!("the body was parsed and written again: {}", parts.join(", "));
                Self::new("body_rewritten", sentence, raw, PARSED).at("from", first)
            }
            Change::JsonString => {
                let sentence = "the body was written as a JSON string: it was serialized twice";
                Self::new("body_serialized_twice", sentence, raw, PARSED)
            }
            Change::LineEndAdded => {
                let is_line_end = seen.iter().skip(sent.len()).all(|byte| matches!(byte, b'\r' | b'\n'));
                let addition = if is_line_end { "a line end was" } else { "white space was" };
                Self::new("line_end_added", format!("{addition} added to the body"), added, BYTES).at("at", sent.len())
            }
            Change::LineEndRemoved => {
                let sentence = "the line end at the end of the body was removed";
                Self::new("line_end_removed", sentence, "do not trim the body", BYTES).at("at", seen.len())
            }
            Change::CrLf => Self::new("crlf", "line ends were changed to CRLF", kept, BYTES).at("from", first),
            Change::Lf => Self::new("lf", "line ends were changed from CRLF to LF", kept, BYTES).at("from", first),
            Change::ByteOrderMark => {
                let sentence = "a byte order mark was added at the start of the body";
                Self::new("byte_order_mark", sentence, "write and read the body without a byte order mark", BYTES)
            }
            Change::ZerosAdded => {
                let remedy = "pass the received part of the buffer only";
                Self::new("zeros_added", "zero bytes were added to the body", remedy, BYTES).at("from", sent.len())
            }
            Change::TextAdded => {
                let at = seen.windows(sent.len()).position(|part| part == sent).unwrap_or_default();
                let place = if at > 0 { "before" } else { "after" };
                let byte = if at > 0 { 0 } else { sent.len() };
                let remedy = "pass the body alone, without headers and other text";
                Self::new("text_added", format!("text was added {place} the body"), remedy, BYTES).at("at", byte)
            }
            Change::Gzip | Change::Zlib => {
                let format = if change == Change::Gzip { "gzip" } else { "deflate" };
                let sentence = format!("the body is still compressed with {format}");
                let remedy = "let the proxy or the framework decompress the body before verification";
                Self::new("compressed", sentence, remedy, BYTES)
            }
            Change::Base64 => {
                Self::new("base64", "the body is still in base64", "decode the body before verification", BYTES)
            }
            Change::Utf16 => Self::new("utf_16", "the body was written as UTF-16", bytes, TEXT),
            Change::Latin1 => {
                Self::new("latin_1", "the body is Latin-1 in place of UTF-8", bytes, TEXT).at("from", first)
            }
            Change::DecodedAsLatin1 => {
                let sentence = "the body was decoded as Latin-1 in place of UTF-8";
                Self::new("decoded_as_latin_1", sentence, bytes, TEXT).at("from", first)
            }
        }
    }

    /// Returns the cause of a changed secret.
    pub(super) fn of_mistake(mistake: Mistake) -> Self {
        let (code, sentence) = match mistake {
            Mistake::WhiteSpace => ("secret_white_space", "the secret has white space around it"),
            Mistake::Quotes => ("secret_in_quotes", "the secret is in quotes"),
            Mistake::TextAround => ("secret_with_name", "the secret has other text before it"),
            Mistake::NoPrefix => ("secret_without_prefix", "the secret has lost its prefix whsec_"),
            Mistake::PrefixAdded => {
                ("secret_prefix_added", "the sender signs without the prefix whsec_ of this secret")
            }
            Mistake::NoPadding => ("secret_without_padding", "the secret has lost the = at its end"),
            Mistake::PlusLost => ("secret_plus_lost", "the secret has spaces in place of +"),
            Mistake::UrlAlphabet => ("secret_url_alphabet", "the secret is written in the URL alphabet of base64"),
            Mistake::PercentEncoded => ("secret_percent_encoded", "the secret is percent-encoded"),
            Mistake::Hex => ("secret_in_hex", "the secret is written in hex"),
            Mistake::Decoded => ("secret_decoded", "the secret was decoded from base64"),
            Mistake::EncodedAgain => ("secret_encoded_again", "the secret was encoded in base64 once more"),
            Mistake::OneOfSeveral => ("secret_one_of_several", "the text has several secrets, and one of them fits"),
        };
        let remedy = match mistake {
            Mistake::OneOfSeveral => "pass the secrets as a list",
            _ => "pass the secret as it is in the subscription's settings, from whsec_ to the last character",
        };
        Self::new(code, sentence, remedy, SECRET)
    }

    /// Returns the cause of a key that another scheme would use.
    pub(super) fn of_key(decoded: bool) -> Self {
        if decoded {
            let sentence = "the signature was made with the secret decoded from base64";
            Self::new("key_decoded", sentence, "sign with the text of the secret, whsec_ included", SECRET)
        } else {
            let sentence = "the signature was made with the text of the secret, and Standard Webhooks decode it";
            Self::new("key_not_decoded", sentence, "sign with the bytes that the base64 after whsec_ encodes", STANDARD)
        }
    }

    /// Returns the cause of a signature whose message or header is that of another scheme.
    pub(super) fn of_scheme(scheme: Scheme) -> Self {
        let remedy =
            "verify another sender's deliveries with its own library, and sign your tests with `sign` of this one";
        match scheme {
            Scheme::Clarife => {
                let sentence = "the signature covers the body alone, and those of its header cover the time too";
                Self::new("body_alone", sentence, "send the signature in X-Clarife-Signature: t=…,v1=…", SCHEME)
            }
            Scheme::Standard => {
                let sentence = "the signature is that of Standard Webhooks, over id.time.body";
                Self::new("standard_webhooks", sentence, "require Standard Webhooks in the verifier", STANDARD)
            }
            Scheme::Stripe => Self::new("stripe", "the signature is made like Stripe's, over t.body", remedy, STRIPE),
            Scheme::GitHub => Self::new("github", "the signature has GitHub's form, sha256=", remedy, SCHEME),
        }
    }

    /// Returns the cause of a time outside the tolerance. `age` is negative for a time in the future.
    pub(super) fn of_time(age: i64, tolerance: u64) -> Self {
        let (limit, difference) = (span(tolerance), span(age.unsigned_abs()));
        let stored = "for a stored delivery, pass its time of arrival with --at";
        if age > 0 {
            let sentence = format!("it was signed {difference} ago, and the tolerance is {limit}");
            let remedy = format!("{stored}; otherwise check the server's clock, and let no proxy queue deliveries");
            Self::new("timestamp_too_old", sentence, remedy, OLD)
        } else {
            let sentence = format!("it was signed {difference} in the future, and the tolerance is {limit}");
            let remedy = format!("{stored}; otherwise synchronize the clocks of the server and the sender");
            Self::new("timestamp_in_future", sentence, remedy, CLOCK)
        }
    }

    /// Returns the cause of a time in milliseconds.
    pub(super) fn of_milliseconds() -> Self {
        let sentence = "the time of the signature is in milliseconds";
        Self::new("milliseconds", sentence, "sign with the time in whole seconds", ERRORS)
    }

    /// Returns the cause that an error of the verification names.
    pub(super) fn of_error(error: &clarife_webhooks::WebhookError) -> Self {
        Self::new(error.code().as_str(), error.to_string(), error.hint(), ERRORS)
    }

    /// Returns the probable cause if no candidate fits.
    pub(super) fn probable(body: &[u8], content_length: Option<usize>) -> Self {
        let raw = "read the body once, as bytes, and pass these bytes";
        let text = String::from_utf8_lossy(body);
        if body.is_empty() {
            return Self::new("body_empty", "the body is empty: something read it before", raw, PARSED);
        }
        if text.starts_with("[object ") {
            return Self::new("body_not_raw", "the body is the text of a parsed object", raw, PARSED);
        }
        if let Some(length) = content_length.filter(|length| *length > body.len()) {
            let sentence = format!("the body is cut: it has {} of {length} bytes", body.len());
            return Self::new("body_cut", sentence, "read the body to its end", BYTES);
        }
        if let Err(error) = serde_json::from_slice::<serde::de::IgnoredAny>(body) {
            if error.is_eof() {
                let cause =
                    Self::new("body_cut", "the body is cut: its JSON does not end", "read the body to its end", BYTES);
                return cause.at("at", body.len());
            }
            return Self::new("body_not_json", "the body is not JSON, and no known change of JSON", raw, PARSED);
        }
        if let Some(at) = text.find('\u{fffd}') {
            let sentence = "the body has replacement characters: it was decoded in pieces or from another encoding";
            return Self::new("replacement_characters", sentence, "pass the bytes of the body", TEXT).at("from", at);
        }
        match json::canonical(&text).filter(|sent| *sent != text) {
            Some(sent) => {
                let (parts, first) = json::changes(&sent, &text);
                let parts = parts.join(", ");
                let sentence = format!("no candidate fits, and the body is not as clarife writes it: {parts}");
                let remedy = "pass the bytes of the body to `verify` before anything parses them, and check the secret";
                Self::new("body_rewritten", sentence, remedy, PARSED).at("from", first)
            }
            None => Self::new(
                "other_secret",
                "no change of the secret or the body fits: the secret is probably that of another subscription",
                "copy the signing secret from the settings of the subscription that sent this delivery",
                SECRET,
            ),
        }
    }
}

/// Returns a duration in words, with its two largest units.
pub(super) fn span(seconds: u64) -> String {
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86_400);
    let pair = |large: u64, name: &str, small: u64, other: &str| {
        if small == 0 { format!("{large} {name}") } else { format!("{large} {name} {small} {other}") }
    };
    match (days, hours, minutes) {
        (1.., ..) => pair(days, "d", hours % 24, "h"),
        (_, 1.., _) => pair(hours, "h", minutes % 60, "min"),
        (.., 1..) => pair(minutes, "min", seconds % 60, "s"),
        _ => format!("{seconds} s"),
    }
}

#[cfg(test)]
mod tests {
    use super::{BYTES, CLOCK, Cause, ERRORS, OLD, PARSED, SCHEME, SECRET, STANDARD, STRIPE, TEXT, span};

    #[test]
    fn durations_are_words() {
        let words = [0, 59, 60, 75, 3600, 11_520, 86_400, 180_000].map(span);
        assert_eq!(words, ["0 s", "59 s", "1 min", "1 min 15 s", "1 h", "3 h 12 min", "1 d", "2 d 2 h"]);
    }

    #[test]
    fn every_page_exists() {
        let pages = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/pages/");
        for page in [PARSED, BYTES, TEXT, SECRET, SCHEME, STANDARD, STRIPE, OLD, CLOCK, ERRORS] {
            let (path, anchor) = page.split_once("/#").unwrap_or((page.trim_end_matches('/'), ""));
            let text = std::fs::read_to_string(format!("{pages}{path}.md")).unwrap_or_default();
            let is_heading = |line: &str| {
                line.strip_prefix("## ")
                    .is_some_and(|title| title.to_lowercase().replace('\'', "").replace(' ', "-") == anchor)
            };
            assert!(!text.is_empty() && (anchor.is_empty() || text.lines().any(is_heading)), "{page}");
        }
    }

    #[test]
    fn what_cannot_be_undone_has_a_probable_cause() {
        for (body, length, code) in [
            ("", None, "body_empty"),
            ("[object Object]", None, "body_not_raw"),
            ("{\"a\":1", None, "body_cut"),
            ("{}", Some(3), "body_cut"),
            ("a=b", None, "body_not_json"),
            ("{\"a\":\"\u{fffd}\"}", None, "replacement_characters"),
            ("{\"a\": 1}", None, "body_rewritten"),
            ("{\"a\":1}", Some(7), "other_secret"),
        ] {
            assert_eq!(Cause::probable(body.as_bytes(), length).code, code, "{body}");
        }
    }
}
