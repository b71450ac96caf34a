//! Extractors: authentication, body and query.

use std::time::Duration;

use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{FromRequest, FromRequestParts, Query, Request};
use axum::http::request::Parts;
use axum::http::{StatusCode, header};
use governor::clock::{Clock as _, DefaultClock};
use serde::de::DeserializeOwned;

use super::Api;
use super::error::{ApiError, Code};
use super::token;
use crate::ids::WorkspaceId;

/// Time limit for receiving a request body.
const BODY_TIMEOUT: Duration = Duration::from_secs(30);

/// Authenticated workspace, within its rate limit.
pub(super) struct WorkspaceAuth(pub(super) WorkspaceId);

/// Authenticated administrator.
pub(super) struct AdminAuth;

/// JSON body.
pub(super) struct Body<T>(pub(super) T);

/// Query parameters.
pub(super) struct Params<T>(pub(super) T);

enum Caller {
    Admin,
    Workspace(WorkspaceId),
}

async fn caller(parts: &Parts, api: &Api) -> Result<Caller, ApiError> {
    let unauthorized = |message: &str| ApiError::new(Code::Unauthorized, message);
    let header = parts.headers.get(header::AUTHORIZATION).ok_or_else(|| unauthorized("missing bearer token"))?;
    let bearer = header.to_str().ok().and_then(|header| header.split_once(' '));
    let (_, secret) = bearer
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
        .ok_or_else(|| unauthorized("invalid Authorization header: no bearer token"))?;
    let hash = token::hash(secret.trim());
    // Hashes are compared, so the timing reveals nothing about a token.
    if api.admin == Some(hash) {
        return Ok(Caller::Admin);
    }
    let workspace = api.store.authenticate(&hash, api.clock.now()).await?;
    workspace.map(Caller::Workspace).ok_or_else(|| unauthorized("invalid token: unknown or expired"))
}

impl FromRequestParts<Api> for WorkspaceAuth {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Self, ApiError> {
        let Caller::Workspace(workspace) = caller(parts, api).await? else {
            return Err(ApiError::new(
                Code::Forbidden,
                "this request requires a workspace's token, not the administrator's",
            ));
        };
        match api.rate.check_key(&workspace) {
            Ok(()) => Ok(Self(workspace)),
            Err(until) => {
                let wait = until.wait_time_from(DefaultClock::default().now()).as_secs().saturating_add(1);
                Err(ApiError::new(Code::RateLimited, "too many requests").retry_after(wait))
            }
        }
    }
}

impl FromRequestParts<Api> for AdminAuth {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Self, ApiError> {
        match caller(parts, api).await? {
            Caller::Admin => Ok(Self),
            Caller::Workspace(_) => Err(ApiError::new(
                Code::Forbidden,
                "this request requires the administrator's token, not a workspace's",
            )),
        }
    }
}

impl<T: DeserializeOwned> FromRequest<Api> for Body<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, api: &Api) -> Result<Self, ApiError> {
        let bytes = tokio::time::timeout(BODY_TIMEOUT, Bytes::from_request(request, api)).await;
        let bytes =
            bytes.map_err(|_| ApiError::invalid("cannot read the request body: timed out"))?.map_err(unreadable)?;
        let value = serde_json::from_slice(&bytes);
        value.map(Self).map_err(|error| ApiError::invalid(format!("invalid request body: {error}")))
    }
}

fn unreadable(rejection: BytesRejection) -> ApiError {
    if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE {
        ApiError::new(Code::PayloadTooLarge, "the request body is too large")
    } else {
        ApiError::invalid("cannot read the request body")
    }
}

impl<T: DeserializeOwned + Send> FromRequestParts<Api> for Params<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &Api) -> Result<Self, ApiError> {
        let query = Query::try_from_uri(&parts.uri);
        query.map(|Query(params)| Self(params)).map_err(|error| ApiError::invalid(error.body_text()))
    }
}
