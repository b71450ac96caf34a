//! Refusals, in clarife's shape: `{"error": "…", "code": "…"}`.

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use crate::store::StoreError;

/// Why a request was refused.
#[derive(Debug)]
pub(crate) struct ApiError {
    code: Code,
    message: String,
    retry_after: Option<u64>,
}

/// What a refusal says.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct Refusal {
    /// What is wrong, for people
    error: String,
    /// What is wrong, for programs
    code: Code,
}

/// What is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(crate) enum Code {
    /// The request is not as it must be (400).
    ValidationError,
    /// There is no token, or none that is valid (401).
    Unauthorized,
    /// The token does not open this (403).
    Forbidden,
    /// The plan allows no more (403).
    PlanLimitReached,
    /// There is no such thing (404).
    NotFound,
    /// There is something here, but not for this method (405).
    MethodNotAllowed,
    /// It contradicts what is there (409).
    Conflict,
    /// The request, or an event in it, is too large (413).
    PayloadTooLarge,
    /// There were too many requests (429).
    RateLimited,
    /// Something is wrong with the sender itself (500).
    Internal,
    /// What was sent cannot be kept at the moment (503).
    Unavailable,
}

impl Code {
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

    pub(crate) fn not_found(what: &str) -> Self {
        Self::new(Code::NotFound, format!("there is no such {what}"))
    }

    /// It may be tried again after so many seconds.
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
            // What the store said is for the log, not for a stranger.
            StoreError::Unavailable(why) => {
                tracing::error!(why, "a request was refused");
                Self::new(Code::Unavailable, "this cannot be kept at the moment; try again").retry_after(1)
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
