//! Extractors: authentication, body and query.

use std::fmt;
use std::marker::PhantomData;
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{FromRequest, FromRequestParts, Query, Request};
use axum::http::request::Parts;
use axum::http::{StatusCode, header};
use governor::clock::{Clock as _, DefaultClock};
use serde::de::value::MapAccessDeserializer;
use serde::de::{DeserializeOwned, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

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

/// Body that is a JSON object.
pub(super) struct Body<T>(pub(super) T);

/// Value of a JSON object. A derived struct alone would take an array as its members too.
struct Object<T>(T);

/// Parameters of the path.
pub(super) struct Path<T>(pub(super) T);

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
        value
            .map(|Object(value)| Self(value))
            .map_err(|error| ApiError::invalid(format!("invalid request body: {error}")))
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for Members<T> {
            type Value = T;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a JSON object")
            }

            fn visit_map<A: MapAccess<'de>>(self, members: A) -> Result<T, A::Error> {
                T::deserialize(MapAccessDeserializer::new(members))
            }
        }

        deserializer.deserialize_map(Members(PhantomData)).map(Self)
    }
}

/// Deserializes an optional list of JSON objects.
pub(super) fn objects<'de, D, T>(deserializer: D) -> Result<Option<Vec<T>>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    let list: Option<Vec<Object<T>>> = Option::deserialize(deserializer)?;
    Ok(list.map(|list| list.into_iter().map(|Object(value)| value).collect()))
}

fn unreadable(rejection: BytesRejection) -> ApiError {
    if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE {
        ApiError::new(Code::PayloadTooLarge, "the request body is too large")
    } else {
        ApiError::invalid("cannot read the request body")
    }
}

impl<T: DeserializeOwned + Send> FromRequestParts<Api> for Path<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Self, ApiError> {
        let path = axum::extract::Path::from_request_parts(parts, api).await;
        path.map(|path| Self(path.0)).map_err(|error| ApiError::invalid(error.body_text()))
    }
}

impl<T: DeserializeOwned + Send> FromRequestParts<Api> for Params<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &Api) -> Result<Self, ApiError> {
        let query = Query::try_from_uri(&parts.uri);
        query.map(|Query(params)| Self(params)).map_err(|error| ApiError::invalid(error.body_text()))
    }
}
