//! The response to a delivery, the same in every language and framework.

use alloc::string::{String, ToString as _};
use core::fmt;

use crate::WebhookError;

/// The response to a delivery.
///
/// A status of 2xx ends the delivery. After any other status clarife tries again. The body is JSON: `code`, and unless the status is
/// 2xx, `error`, a sentence that contains nothing of the secret or the delivery. In development, `hint` follows for a refused delivery.
///
/// A response is an [`Error`](core::error::Error), so that `?` passes the response of a refused delivery on.
///
/// ```
/// use clarife_webhooks::{UnixTime, Webhook, WebhookResponse};
///
/// assert_eq!((WebhookResponse::Handled.status(), WebhookResponse::Handled.body().as_str()), (200, r#"{"code":"handled"}"#));
///
/// let error = Webhook::new("whsec_c2VjcmV0")?.verify_at("{}", "", UnixTime::from_secs(0)).unwrap_err();
/// let response = WebhookResponse::from(error);
/// assert_eq!(response.status(), 400);
/// assert_eq!(response.body(), r#"{"code":"missing_signature","error":"the signature header is missing"}"#);
/// # Ok::<(), clarife_webhooks::WebhookError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum WebhookResponse {
    /// The handler returned.
    Handled,
    /// The event was handled before. The handler was not called.
    Duplicate,
    /// The delivery does not verify, or its body is too large or incomplete.
    Refused {
        /// The error.
        error: WebhookError,
        /// `true` if the body holds the error's hint, in development.
        with_hint: bool,
    },
    /// Another delivery of the event is being handled.
    InProgress,
    /// The handler failed.
    HandlerFailed,
    /// The store failed or was late. The handler was not called.
    StoreUnavailable,
    /// The method of the request is not POST.
    MethodNotAllowed,
    /// The receiver itself failed: an error that belongs to none of the other steps.
    ReceiverFailed,
}

impl WebhookResponse {
    /// Every response except [`Refused`](Self::Refused), which has the code of its error.
    ///
    /// ```
    /// # use clarife_webhooks::WebhookResponse;
    /// assert_eq!(WebhookResponse::ALL.map(|response| response.status()), [200, 200, 409, 500, 503, 405, 500]);
    /// ```
    pub const ALL: [Self; 7] = [
        Self::Handled,
        Self::Duplicate,
        Self::InProgress,
        Self::HandlerFailed,
        Self::StoreUnavailable,
        Self::MethodNotAllowed,
        Self::ReceiverFailed,
    ];

    /// Returns the HTTP status.
    ///
    /// ```
    /// # use clarife_webhooks::WebhookResponse;
    /// assert_eq!(WebhookResponse::InProgress.status(), 409);
    /// ```
    #[must_use]
    pub const fn status(&self) -> u16 {
        match self {
            Self::Handled | Self::Duplicate => 200,
            Self::Refused { error, .. } => error.code().status(),
            Self::InProgress => 409,
            Self::HandlerFailed | Self::ReceiverFailed => 500,
            Self::StoreUnavailable => 503,
            Self::MethodNotAllowed => 405,
        }
    }

    /// Returns the code, for programs: `in_progress` for example, or the code of the error.
    ///
    /// ```
    /// # use clarife_webhooks::WebhookResponse;
    /// assert_eq!(WebhookResponse::StoreUnavailable.code(), "store_unavailable");
    /// ```
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Handled => "handled",
            Self::Duplicate => "duplicate",
            Self::Refused { error, .. } => error.code().as_str(),
            Self::InProgress => "in_progress",
            Self::HandlerFailed => "handler_failed",
            Self::StoreUnavailable => "store_unavailable",
            Self::MethodNotAllowed => "method_not_allowed",
            Self::ReceiverFailed => "receiver_failed",
        }
    }

    /// Returns the message, a sentence for people.
    ///
    /// ```
    /// # use clarife_webhooks::WebhookResponse;
    /// assert_eq!(WebhookResponse::HandlerFailed.message(), "the handler failed");
    /// ```
    #[must_use]
    pub fn message(&self) -> String {
        match self {
            Self::Handled => "the event was handled".into(),
            Self::Duplicate => "the event was handled before".into(),
            Self::Refused { error, .. } => error.to_string(),
            Self::InProgress => "the event is being handled".into(),
            Self::HandlerFailed => "the handler failed".into(),
            Self::StoreUnavailable => "the store of handled events is not available".into(),
            Self::MethodNotAllowed => "webhooks are sent with POST".into(),
            Self::ReceiverFailed => "the receiver failed".into(),
        }
    }

    /// Returns the body, as JSON.
    ///
    /// ```
    /// # use clarife_webhooks::WebhookResponse;
    /// assert_eq!(WebhookResponse::InProgress.body(), r#"{"code":"in_progress","error":"the event is being handled"}"#);
    /// ```
    #[must_use]
    pub fn body(&self) -> String {
        let mut body = serde_json::Map::new();
        body.insert("code".into(), self.code().into());
        if self.status() >= 300 {
            body.insert("error".into(), self.message().into());
        }
        if let Self::Refused { error, with_hint: true } = self {
            body.insert("hint".into(), error.hint().into());
        }
        serde_json::Value::Object(body).to_string()
    }

    /// Returns the headers: names in lower case, and values.
    ///
    /// ```
    /// # use clarife_webhooks::WebhookResponse;
    /// assert_eq!(WebhookResponse::MethodNotAllowed.headers(), [("content-type", "application/json"), ("allow", "POST")]);
    /// ```
    #[must_use]
    pub const fn headers(&self) -> &'static [(&'static str, &'static str)] {
        const JSON: (&str, &str) = ("content-type", "application/json");
        match self {
            Self::MethodNotAllowed => &[JSON, ("allow", "POST")],
            _ => &[JSON],
        }
    }
}

impl From<WebhookError> for WebhookResponse {
    /// Creates the response to a refused delivery, without the hint.
    fn from(error: WebhookError) -> Self {
        Self::Refused { error, with_hint: false }
    }
}

/// A response of the crate `http`, with a body of any type that a text can become.
///
/// ```
/// # use clarife_webhooks::WebhookResponse;
/// let response: http::Response<String> = WebhookResponse::InProgress.into();
/// assert_eq!((response.status().as_u16(), &response.headers()["content-type"]), (409, &"application/json".parse().unwrap()));
/// ```
#[cfg(feature = "http")]
impl<B: From<String>> From<WebhookResponse> for http::Response<B> {
    fn from(response: WebhookResponse) -> Self {
        let mut http = Self::new(response.body().into());
        *http.status_mut() =
            http::StatusCode::from_u16(response.status()).unwrap_or(http::StatusCode::INTERNAL_SERVER_ERROR);
        for (name, value) in response.headers() {
            let name = http::HeaderName::from_static(name);
            http.headers_mut().insert(name, http::HeaderValue::from_static(value));
        }
        http
    }
}

impl fmt::Display for WebhookResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code(), self.message())
    }
}

impl core::error::Error for WebhookResponse {}
