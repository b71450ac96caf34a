//! Sources of the signature: a header value, or the headers of a request.

use alloc::borrow::Cow;
use alloc::string::String;
use alloc::vec::Vec;

use super::standard::StandardHeaders;

/// The signature header, in lower case like HTTP/2 and most frameworks.
///
/// See [protocol, section 1](https://github.com/clarife/clarife-webhooks/blob/main/docs/protocol.md#section-1).
///
/// ```
/// # use clarife_webhooks::{SIGNATURE_HEADER, UnixTime, Webhook};
/// # let webhook = Webhook::new("whsec_c2VjcmV0")?;
/// # let body = r#"{"id":"1","type":"a.b","created_at":"2026-03-28T12:00:00Z","data":{}}"#;
/// # let now = UnixTime::from_secs(1_774_699_200);
/// # let headers = std::collections::HashMap::from([("x-clarife-signature", webhook.sign(body, now)?)]);
/// let event = webhook.verify_at(body, headers.get(SIGNATURE_HEADER), now)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub const SIGNATURE_HEADER: &str = "x-clarife-signature";

/// A source of the signature for [`Webhook::verify`](crate::Webhook::verify).
///
/// A source is the header's value, `None` for a request without the header, the [`StandardHeaders`], or (feature
/// `http`) all headers of the request. Several headers of one name count as one, joined by a comma (RFC 9110, section
/// 5.3).
///
/// ```
/// # use clarife_webhooks::{UnixTime, Webhook};
/// # let (webhook, now) = (Webhook::new("whsec_c2VjcmV0")?, UnixTime::from_secs(1_774_699_200));
/// # let body = r#"{"id":"1","type":"a.b","created_at":"2026-03-28T12:00:00Z","data":{}}"#;
/// # let signature = webhook.sign(body, now)?;
/// webhook.verify_at(body, signature.as_str(), now)?;
/// webhook.verify_at(body, signature.as_bytes(), now)?;
/// webhook.verify_at(body, Some(&signature), now)?; // as `HashMap::get` returns it
/// webhook.verify_at(body, Some(signature), now)?; // as the runtime of Cloudflare Workers returns it
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not the signature of a delivery",
    label = "pass the value of the X-Clarife-Signature header, `None` if it is missing, or all headers",
    note = "with the feature `http`, all headers are a `HeaderMap` of the crate `http` 1, and with `actix-web` one of actix-web 4",
    note = "from the headers of another type, pass the value as `&str`, `String` or bytes, for example \
            `headers.get(\"x-clarife-signature\").map(|value| value.as_bytes())`"
)]
pub trait SignatureSource<'h>: sealed::Sealed {
    /// Returns the value of the signature header, if the header is present.
    ///
    /// ```
    /// use clarife_webhooks::SignatureSource;
    /// assert_eq!("t=1,v1=00".signature_header().as_deref(), Some(b"t=1,v1=00".as_slice()));
    /// assert_eq!(None::<&str>.signature_header(), None);
    /// ```
    fn signature_header(self) -> Option<Cow<'h, [u8]>>;

    /// Returns the headers of Standard Webhooks. For a header value alone, they are empty.
    ///
    /// ```
    /// # use clarife_webhooks::SignatureSource;
    /// assert!("t=1,v1=00".standard_headers().signature.is_empty());
    /// ```
    fn standard_headers(self) -> StandardHeaders<'h>
    where
        Self: Sized,
    {
        StandardHeaders::default()
    }
}

/// A raw body for [`Webhook::verify`](crate::Webhook::verify): text or bytes in any type that lends them, such as `&str`,
/// `Vec<u8>` and `bytes::Bytes`.
///
/// ```compile_fail,E0277
/// # use clarife_webhooks::{UnixTime, Webhook};
/// # let webhook = Webhook::new("whsec_c2VjcmV0").unwrap();
/// let parsed = serde_json::json!({}); // the signature covers the bytes, which are lost
/// webhook.verify_at(&parsed, "t=1,v1=00", UnixTime::from_secs(1));
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a raw body",
    label = "pass the body as received, byte for byte, before anything parses it",
    note = "the signature covers the bytes: a body that was parsed and serialized again has others",
    note = "the raw body is `Bytes` in axum and actix-web, `to_bytes` of hyper's body, and `&[u8]`, `Vec<u8>` or `&str` elsewhere"
)]
pub trait RawBody {
    /// Returns the bytes.
    fn raw_bytes(&self) -> &[u8];
}

#[diagnostic::do_not_recommend]
impl<T: AsRef<[u8]> + ?Sized> RawBody for T {
    fn raw_bytes(&self) -> &[u8] {
        self.as_ref()
    }
}

pub(crate) mod sealed {
    pub trait Sealed {}
    impl Sealed for &str {}
    impl Sealed for &&str {}
    impl Sealed for alloc::string::String {}
    impl Sealed for &alloc::string::String {}
    impl Sealed for &[u8] {}
    impl Sealed for alloc::vec::Vec<u8> {}
    impl Sealed for &alloc::vec::Vec<u8> {}
    impl Sealed for alloc::borrow::Cow<'_, str> {}
    impl<const N: usize> Sealed for &[u8; N] {}
    impl<T: Sealed> Sealed for Option<T> {}
    impl<'h, T> Sealed for &'h Option<T> where &'h T: Sealed {}
    impl Sealed for &super::StandardHeaders<'_> {}
    #[cfg(feature = "http")]
    impl Sealed for &http::HeaderMap {}
    #[cfg(feature = "http")]
    impl Sealed for http::HeaderMap {}
    #[cfg(feature = "http")]
    impl Sealed for &http::HeaderValue {}
    #[cfg(feature = "actix-web")]
    impl Sealed for &actix_web::http::header::HeaderValue {}
}

/// Implements the source for the types of a header's value.
macro_rules! values {
    ($($value:ty: |$self:ident| $bytes:expr;)*) => {$(
        impl<'h> SignatureSource<'h> for $value {
            fn signature_header(self) -> Option<Cow<'h, [u8]>> {
                let $self = self;
                Some($bytes.into())
            }
        }
    )*};
}

values! {
    &'h str: |value| value.as_bytes();
    &'h &'h str: |value| value.as_bytes();
    String: |value| value.into_bytes();
    &'h String: |value| value.as_bytes();
    &'h [u8]: |value| value;
    Vec<u8>: |value| value;
    &'h Vec<u8>: |value| value;
}

#[cfg(feature = "http")]
values! {
    &'h http::HeaderValue: |value| value.as_bytes();
}

#[cfg(feature = "actix-web")]
values! {
    &'h actix_web::http::header::HeaderValue: |value| value.as_bytes();
}

impl<'h> SignatureSource<'h> for Cow<'h, str> {
    fn signature_header(self) -> Option<Cow<'h, [u8]>> {
        Some(match self {
            Self::Borrowed(value) => value.as_bytes().into(),
            Self::Owned(value) => value.into_bytes().into(),
        })
    }
}

impl<'h, T: SignatureSource<'h>> SignatureSource<'h> for Option<T> {
    fn signature_header(self) -> Option<Cow<'h, [u8]>> {
        self.and_then(T::signature_header)
    }

    fn standard_headers(self) -> StandardHeaders<'h> {
        self.map(T::standard_headers).unwrap_or_default()
    }
}

impl<'h, T> SignatureSource<'h> for &'h Option<T>
where
    &'h T: SignatureSource<'h>,
{
    fn signature_header(self) -> Option<Cow<'h, [u8]>> {
        self.as_ref().signature_header()
    }

    fn standard_headers(self) -> StandardHeaders<'h> {
        self.as_ref().standard_headers()
    }
}

impl<'h, const N: usize> SignatureSource<'h> for &'h [u8; N] {
    fn signature_header(self) -> Option<Cow<'h, [u8]>> {
        Some(self.as_slice().into())
    }
}

impl<'h> SignatureSource<'h> for &'h StandardHeaders<'_> {
    fn signature_header(self) -> Option<Cow<'h, [u8]>> {
        None
    }

    fn standard_headers(self) -> StandardHeaders<'h> {
        StandardHeaders::new(&self.id, &self.timestamp, &self.signature)
    }
}

#[cfg(feature = "http")]
impl<'h> SignatureSource<'h> for &'h http::HeaderMap {
    fn signature_header(self) -> Option<Cow<'h, [u8]>> {
        join(self.get_all(SIGNATURE_HEADER).iter().map(http::HeaderValue::as_bytes))
    }

    fn standard_headers(self) -> StandardHeaders<'h> {
        standard_headers(|name| join(self.get_all(name).iter().map(http::HeaderValue::as_bytes)))
    }
}

#[cfg(feature = "http")]
impl<'h> SignatureSource<'h> for http::HeaderMap {
    fn signature_header(self) -> Option<Cow<'h, [u8]>> {
        Some((&self).signature_header()?.into_owned().into())
    }

    fn standard_headers(self) -> StandardHeaders<'h> {
        (&self).standard_headers().into_owned()
    }
}

/// Joins the values of one header.
#[cfg(any(feature = "http", feature = "actix-web"))]
pub(crate) fn join<'h>(mut values: impl Iterator<Item = &'h [u8]>) -> Option<Cow<'h, [u8]>> {
    let mut joined = Cow::Borrowed(values.next()?);
    for value in values {
        let all = joined.to_mut();
        all.extend_from_slice(b", ");
        all.extend_from_slice(value);
    }
    Some(joined)
}

/// Creates the headers of Standard Webhooks with a function that returns a header by name.
#[cfg(any(feature = "http", feature = "actix-web"))]
pub(crate) fn standard_headers<'h>(find: impl Fn(&'static str) -> Option<Cow<'h, [u8]>>) -> StandardHeaders<'h> {
    // Invalid UTF-8 is malformed, and so is its replacement U+FFFD.
    let [id, timestamp, signature] = crate::standard::HEADERS.map(|name| match find(name) {
        Some(Cow::Borrowed(bytes)) => String::from_utf8_lossy(bytes),
        Some(Cow::Owned(bytes)) => String::from_utf8_lossy(&bytes).into_owned().into(),
        None => Cow::default(),
    });
    StandardHeaders { id, timestamp, signature }
}
