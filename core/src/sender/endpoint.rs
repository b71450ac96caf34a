//! Endpoint URLs.

use alloc::borrow::ToOwned;
use alloc::string::String;
use core::fmt;

use fluent_uri::Uri;
use fluent_uri::component::Host;
use serde::{Deserialize, Deserializer, Serialize, de};

/// The URL of a subscription's endpoint: `https://`, a host, and an optional port, path and query.
///
/// The parser follows the strict grammar of RFC 3986, so that every HTTP client reads the URL alike. It rejects user
/// names, fragments, backslashes, characters outside ASCII, and numbers that some systems read as IPv4 addresses. The
/// sender's address policy decides on the resolved address, not this parser.
///
/// A URL serializes as text, and deserializing applies the rules of [`parse`](Self::parse). See
/// [protocol, section 6.3](https://github.com/clarife/clarife-webhooks/blob/main/docs/protocol.md#section-6-3).
///
/// ```
/// use clarife_webhooks::sender::{EndpointUrl, EndpointUrlError};
///
/// let url = EndpointUrl::parse("https://example.com/hooks?from=clarife")?;
/// assert_eq!(url.host(), "example.com");
///
/// let error = EndpointUrl::parse("http://example.com/hooks").unwrap_err();
/// assert_eq!(error.to_string(), "invalid endpoint URL: the scheme is not https");
/// # Ok::<(), EndpointUrlError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct EndpointUrl {
    url: String,
    host: String,
}

/// The error of an invalid endpoint URL.
///
/// ```
/// use clarife_webhooks::sender::{EndpointUrl, EndpointUrlError};
/// assert_eq!(EndpointUrl::parse("https://me:pw@example.com/"), Err(EndpointUrlError::Credentials));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum EndpointUrlError {
    /// The URL is longer than 2,048 bytes.
    TooLong,
    /// The text is not an absolute URL of RFC 3986.
    Malformed,
    /// The scheme is not `https`.
    NotHttps,
    /// The host is missing, or not a host name or IP address.
    InvalidHost,
    /// The host ends in a number, which some systems read as an IPv4 address.
    NumericHost,
    /// The port is not within 1 to 65535.
    InvalidPort,
    /// The URL contains a user name or password.
    Credentials,
    /// The URL has a fragment (`#…`), which clients never send.
    Fragment,
}

impl EndpointUrl {
    /// The length limit of a URL, in bytes.
    ///
    /// See [protocol, section 6.3](https://github.com/clarife/clarife-webhooks/blob/main/docs/protocol.md#section-6-3).
    ///
    /// ```
    /// # use clarife_webhooks::sender::EndpointUrl;
    /// assert_eq!(EndpointUrl::MAX_BYTES, 2048);
    /// ```
    pub const MAX_BYTES: usize = 2048;

    /// Parses the URL of an endpoint.
    ///
    /// # Errors
    ///
    /// [`EndpointUrlError`] with the first problem of the URL.
    ///
    /// ```
    /// # use clarife_webhooks::sender::{EndpointUrl, EndpointUrlError};
    /// assert_eq!(EndpointUrl::parse("https://example.com/hooks")?.as_str(), "https://example.com/hooks");
    /// assert_eq!(EndpointUrl::parse("https://127.1/hooks"), Err(EndpointUrlError::NumericHost));
    /// # Ok::<(), EndpointUrlError>(())
    /// ```
    pub fn parse(url: &str) -> Result<Self, EndpointUrlError> {
        let endpoint = Self::parse_allowing_plain_http(url)?;
        if endpoint.is_https() { Ok(endpoint) } else { Err(EndpointUrlError::NotHttps) }
    }

    /// Parses the URL of an endpoint, and accepts `http://` too, for development on one machine.
    ///
    /// Plain HTTP exposes deliveries and their signatures to the network.
    ///
    /// # Errors
    ///
    /// As [`parse`](Self::parse).
    ///
    /// ```
    /// use clarife_webhooks::sender::EndpointUrl;
    /// assert!(!EndpointUrl::parse_allowing_plain_http("http://127.0.0.1:8080/")?.is_https());
    /// # Ok::<(), clarife_webhooks::sender::EndpointUrlError>(())
    /// ```
    pub fn parse_allowing_plain_http(url: &str) -> Result<Self, EndpointUrlError> {
        if url.len() > Self::MAX_BYTES {
            return Err(EndpointUrlError::TooLong);
        }
        let uri = Uri::parse(url).map_err(|_| EndpointUrlError::Malformed)?;
        let scheme = uri.scheme().as_str();
        if !scheme.eq_ignore_ascii_case("https") && !scheme.eq_ignore_ascii_case("http") {
            return Err(EndpointUrlError::NotHttps);
        }
        let authority = uri.authority().ok_or(EndpointUrlError::InvalidHost)?;
        if authority.has_userinfo() {
            return Err(EndpointUrlError::Credentials);
        }
        if let Host::RegName(name) = authority.host_parsed() {
            check_host_name(name.as_str())?;
        }
        if matches!(authority.host_parsed(), Host::IpvFuture { .. }) {
            return Err(EndpointUrlError::InvalidHost);
        }
        if authority.has_port() && !matches!(authority.port_to_u16(), Ok(Some(1..))) {
            return Err(EndpointUrlError::InvalidPort);
        }
        if uri.has_fragment() {
            return Err(EndpointUrlError::Fragment);
        }
        Ok(Self { url: url.to_owned(), host: authority.host().to_ascii_lowercase() })
    }

    /// Returns the URL as text, unchanged.
    ///
    /// ```
    /// # use clarife_webhooks::sender::EndpointUrl;
    /// assert_eq!(EndpointUrl::parse("https://Example.com:443")?.as_str(), "https://Example.com:443");
    /// # Ok::<(), clarife_webhooks::sender::EndpointUrlError>(())
    /// ```
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.url
    }

    /// Returns the host name in lower case, or the IP address, with brackets around an IPv6 address.
    ///
    /// ```
    /// # use clarife_webhooks::sender::EndpointUrl;
    /// assert_eq!(EndpointUrl::parse("https://Example.com:8443/hooks")?.host(), "example.com");
    /// assert_eq!(EndpointUrl::parse("https://[2001:DB8::1]/hooks")?.host(), "[2001:db8::1]");
    /// # Ok::<(), clarife_webhooks::sender::EndpointUrlError>(())
    /// ```
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Returns whether the scheme is `https`. Outside development, a sender must not deliver to any other scheme.
    ///
    /// ```
    /// # use clarife_webhooks::sender::EndpointUrl;
    /// assert!(EndpointUrl::parse("https://example.com/hooks")?.is_https());
    /// assert!(!EndpointUrl::parse_allowing_plain_http("http://localhost:3000/")?.is_https());
    /// # Ok::<(), clarife_webhooks::sender::EndpointUrlError>(())
    /// ```
    #[must_use]
    pub fn is_https(&self) -> bool {
        self.url.get(..6).is_some_and(|start| start.eq_ignore_ascii_case("https:"))
    }

    /// Deserializes a URL from the sender's own store, which may contain plain HTTP for development.
    pub(super) fn deserialize_stored<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let url = String::deserialize(deserializer)?;
        Self::parse_allowing_plain_http(&url).map_err(de::Error::custom)
    }
}

/// Checks a host name: at most 253 bytes, in labels of 1 to 63 letters, digits, hyphens (RFC 1123) and underscores.
fn check_host_name(name: &str) -> Result<(), EndpointUrlError> {
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    if name.len() > 253 || !name.split('.').all(label) {
        return Err(EndpointUrlError::InvalidHost);
    }
    // "Ends in a number" of the WHATWG URL standard: 127.1, 2130706433, 0x7f.0.0.1.
    let last = name.rsplit('.').next().unwrap_or_default().as_bytes();
    let hexadecimal = matches!(last, [b'0', b'x' | b'X', digits @ ..] if digits.iter().all(u8::is_ascii_hexdigit));
    if hexadecimal || last.iter().all(u8::is_ascii_digit) {
        return Err(EndpointUrlError::NumericHost);
    }
    Ok(())
}

impl EndpointUrlError {
    /// Returns the hint: the remedy, in the imperative.
    ///
    /// ```
    /// # use clarife_webhooks::sender::EndpointUrl;
    /// let error = EndpointUrl::parse("https://example.com:0/hooks").unwrap_err();
    /// assert_eq!(error.hint(), "omit the port, or use a port from 1 to 65535");
    /// ```
    #[must_use]
    pub const fn hint(self) -> &'static str {
        match self {
            Self::TooLong => "use a shorter path or query",
            Self::Malformed => {
                "write the full URL, for example https://example.com/webhooks; percent-encode characters outside ASCII, and \
                 write an international host name in its xn-- form"
            }
            Self::NotHttps => "use an endpoint with https; certificates are free",
            Self::InvalidHost => {
                "use a host name such as example.com; write an international host name in its xn-- form"
            }
            Self::NumericHost => "write an IPv4 address as four decimal numbers without leading zeros",
            Self::InvalidPort => "omit the port, or use a port from 1 to 65535",
            Self::Credentials => "omit the user name and password; the signature authenticates the sender",
            Self::Fragment => "omit the # and the text after it",
        }
    }
}

impl fmt::Display for EndpointUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.url)
    }
}

impl fmt::Display for EndpointUrlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TooLong => "invalid endpoint URL: longer than 2048 bytes",
            Self::Malformed => "invalid endpoint URL: not an absolute URL",
            Self::NotHttps => "invalid endpoint URL: the scheme is not https",
            Self::InvalidHost => "invalid endpoint URL: no valid host name",
            Self::NumericHost => "invalid endpoint URL: a number instead of a host name",
            Self::InvalidPort => "invalid endpoint URL: port not within 1 to 65535",
            Self::Credentials => "invalid endpoint URL: contains a user name",
            Self::Fragment => "invalid endpoint URL: contains a fragment",
        })
    }
}

impl core::error::Error for EndpointUrlError {}

impl TryFrom<String> for EndpointUrl {
    type Error = EndpointUrlError;

    fn try_from(url: String) -> Result<Self, EndpointUrlError> {
        Self::parse(&url)
    }
}

impl From<EndpointUrl> for String {
    fn from(endpoint: EndpointUrl) -> Self {
        endpoint.url
    }
}

#[cfg(test)]
mod tests {
    use super::{EndpointUrl, EndpointUrlError as Error};
    use alloc::string::ToString;

    #[test]
    fn urls_are_strict() {
        for (url, expected) in [
            ("https://example.com", Ok("example.com")),
            ("HTTPS://Example.COM:443/a/b?c=d&e=%20", Ok("example.com")),
            ("https://xn--bcher-kva.example/", Ok("xn--bcher-kva.example")),
            ("https://a_b.example/", Ok("a_b.example")),
            ("https://192.0.2.1:8443/", Ok("192.0.2.1")),
            ("https://[2001:DB8::1]/", Ok("[2001:db8::1]")),
            ("https://4u.example/", Ok("4u.example")),
            ("https://example.0xyz/", Ok("example.0xyz")),
            ("https://example.com:65535/", Ok("example.com")),
            ("http://example.com/", Err(Error::NotHttps)),
            ("ftp://example.com/", Err(Error::NotHttps)),
            ("javascript:alert(1)", Err(Error::NotHttps)),
            ("httpss://example.com/", Err(Error::NotHttps)),
            ("", Err(Error::Malformed)),
            ("example.com/hooks", Err(Error::Malformed)),
            ("//example.com/", Err(Error::Malformed)),
            ("/hooks", Err(Error::Malformed)),
            (" https://example.com/", Err(Error::Malformed)),
            ("https://example.com/ ", Err(Error::Malformed)),
            ("https://example.com/\n", Err(Error::Malformed)),
            ("https://example.com/a b", Err(Error::Malformed)),
            ("https://example.com/%zz", Err(Error::Malformed)),
            ("https://example.com\\@evil.example/", Err(Error::Malformed)),
            ("https://bücher.example/", Err(Error::Malformed)),
            ("https://example.com/é", Err(Error::Malformed)),
            ("https://[::1/", Err(Error::Malformed)),
            ("https://[fe80::1%25eth0]/", Err(Error::Malformed)),
            ("https:", Err(Error::InvalidHost)),
            ("https:/example.com", Err(Error::InvalidHost)),
            ("https:example.com", Err(Error::InvalidHost)),
            ("https:///hooks", Err(Error::InvalidHost)),
            ("https://:443/", Err(Error::InvalidHost)),
            ("https://.example/", Err(Error::InvalidHost)),
            ("https://example..com/", Err(Error::InvalidHost)),
            ("https://example.com./", Err(Error::InvalidHost)),
            ("https://-a.example/", Err(Error::InvalidHost)),
            ("https://a-.example/", Err(Error::InvalidHost)),
            ("https://exa%6dple.com/", Err(Error::InvalidHost)),
            ("https://exa!mple.com/", Err(Error::InvalidHost)),
            ("https://[v1.a]/", Err(Error::InvalidHost)),
            ("https://127.1/", Err(Error::NumericHost)),
            ("https://2130706433/", Err(Error::NumericHost)),
            ("https://0x7f000001/", Err(Error::NumericHost)),
            ("https://0x/", Err(Error::NumericHost)),
            ("https://127.0.0.0x1/", Err(Error::NumericHost)),
            ("https://0177.0.0.1/", Err(Error::NumericHost)),
            ("https://256.0.0.1/", Err(Error::NumericHost)),
            ("https://1.2.3.4.5/", Err(Error::NumericHost)),
            ("https://example.com:0/", Err(Error::InvalidPort)),
            ("https://example.com:65536/", Err(Error::InvalidPort)),
            ("https://example.com:/", Err(Error::InvalidPort)),
            ("https://user@example.com/", Err(Error::Credentials)),
            ("https://user:secret@example.com/", Err(Error::Credentials)),
            ("https://@example.com/", Err(Error::Credentials)),
            ("https://example.com/#", Err(Error::Fragment)),
            ("https://example.com/#a", Err(Error::Fragment)),
        ] {
            let parsed = EndpointUrl::parse(url);
            assert_eq!(parsed.as_ref().map(EndpointUrl::host), expected.as_ref().copied(), "{url:?}");
            if let Ok(endpoint) = parsed {
                assert_eq!(endpoint.as_str(), url);
            }
        }
    }

    #[test]
    fn lengths_are_limited_on_both_sides() {
        let url = |bytes: usize| ["https://example.com/", &"a".repeat(bytes - 20)].concat();
        assert!(EndpointUrl::parse(&url(2048)).is_ok());
        assert_eq!(EndpointUrl::parse(&url(2049)), Err(Error::TooLong));
        let label = |bytes| ["https://", &"a".repeat(bytes), ".example/"].concat();
        assert!(EndpointUrl::parse(&label(63)).is_ok());
        assert_eq!(EndpointUrl::parse(&label(64)), Err(Error::InvalidHost));
        let name = |last| ["https://", &"a.".repeat(64), &"b".repeat(62), ".", &"c".repeat(last), "/"].concat();
        assert!(EndpointUrl::parse(&name(62)).is_ok()); // 253 bytes
        assert_eq!(EndpointUrl::parse(&name(63)), Err(Error::InvalidHost));
    }

    #[test]
    fn plain_http_needs_its_own_function() {
        let endpoint = EndpointUrl::parse_allowing_plain_http("HTTP://localhost:3000/").expect("is fine");
        assert!(!endpoint.is_https());
        assert!(EndpointUrl::parse("hTTps://localhost/").expect("is fine").is_https());
        let json = serde_json::to_string(&endpoint).expect("is JSON");
        let error = serde_json::from_str::<EndpointUrl>(&json).expect_err("is http");
        assert_eq!(error.to_string(), Error::NotHttps.to_string());
    }
}
