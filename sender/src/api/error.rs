//! Error responses in clarife's format: `{"error": "…", "code": "…"}`.

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use crate::store::StoreError;

/// An error response.
#[derive(Debug)]
pub(crate) struct ApiError {
    code: Code,
    message: String,
    retry_after: Option<u64>,
}

/// Body of an error response.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct Refusal {
    /// Message for people
    error: String,
    /// Code for programs
    code: Code,
}

/// Code of an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(crate) enum Code {
    /// The request is invalid (400).
    ValidationError,
    /// The token is missing, unknown or expired (401).
    Unauthorized,
    /// The token does not allow this request (403).
    Forbidden,
    /// The plan allows no more subscriptions (403).
    PlanLimitReached,
    /// The resource does not exist (404).
    NotFound,
    /// The path does not support this method (405).
    MethodNotAllowed,
    /// The request conflicts with the current state (409).
    Conflict,
    /// The request or an event in it is too large (413).
    PayloadTooLarge,
    /// The workspace has sent too many requests (429).
    RateLimited,
    /// The sender failed (500).
    Internal,
    /// The store is unavailable (503).
    Unavailable,
}

impl Code {
    /// All codes.
    pub(super) const ALL: [Self; 11] = [
        Self::ValidationError,
        Self::Unauthorized,
        Self::Forbidden,
        Self::PlanLimitReached,
        Self::NotFound,
        Self::MethodNotAllowed,
        Self::Conflict,
        Self::PayloadTooLarge,
        Self::RateLimited,
        Self::Internal,
        Self::Unavailable,
    ];

    /// Returns the meaning of a code as text for the OpenAPI document.
    pub(super) const fn meaning(self) -> &'static str {
        match self {
            Self::ValidationError => "The request is invalid",
            Self::Unauthorized => "The token is missing, unknown or expired",
            Self::Forbidden => "The token does not allow this request",
            Self::PlanLimitReached => "The plan allows no more subscriptions",
            Self::NotFound => "The resource does not exist",
            Self::MethodNotAllowed => "The path does not support this method",
            Self::Conflict => "The request conflicts with the current state",
            Self::PayloadTooLarge => "The request or an event in it is too large",
            Self::RateLimited => "The workspace has sent too many requests",
            Self::Internal => "The sender failed",
            Self::Unavailable => "The store is unavailable, or too many requests arrive at once; nothing was stored",
        }
    }

    pub(super) const fn status(self) -> StatusCode {
        match self {
            Self::ValidationError => StatusCode::BAD_REQUEST,
            Self::Unauthorized => StatusCode::UNAUTHORIZED,
            Self::Forbidden | Self::PlanLimitReached => StatusCode::FORBIDDEN,
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::Conflict => StatusCode::CONFLICT,
            Self::PayloadTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::RateLimited => StatusCode::TOO_MANY_REQUESTS,
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
            Self::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        }
    }
}

impl ApiError {
    pub(crate) fn new(code: Code, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), retry_after: None }
    }

    pub(crate) fn invalid(message: impl Into<String>) -> Self {
        Self::new(Code::ValidationError, message)
    }

    pub(crate) fn not_found(kind: &str) -> Self {
        Self::new(Code::NotFound, format!("{kind} not found"))
    }

    /// Sets the number of seconds after which the request may be retried.
    pub(crate) fn retry_after(mut self, seconds: u64) -> Self {
        self.retry_after = Some(seconds);
        self
    }
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        let message = error.to_string();
        match error {
            StoreError::NotFound(_) => Self::new(Code::NotFound, message),
            StoreError::Conflict { .. } | StoreError::Resend(_) => Self::new(Code::Conflict, message),
            StoreError::PlanLimit(_) => Self::new(Code::PlanLimitReached, message),
            // The store's message is logged, not sent to the client.
            StoreError::Unavailable(why) => {
                tracing::error!(why, "refused a request");
                Self::new(Code::Unavailable, "the store is unavailable; try again").retry_after(1)
            }
        }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let body = Json(Refusal { error: self.message, code: self.code });
        let mut response = (self.code.status(), body).into_response();
        if let Some(seconds) = self.retry_after {
            response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
        }
        if self.code == Code::Unauthorized {
            response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}
