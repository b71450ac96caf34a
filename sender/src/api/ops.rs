//! Operations endpoints: health, readiness, metrics and the OpenAPI document.

use axum::Json;
use axum::extract::State;
use axum::http::header;
use axum::response::IntoResponse;
use utoipa::openapi::OpenApi;

use super::Api;
use super::error::{ApiError, Refusal};
use super::extract::AdminAuth;

/// Check that the process is alive
#[utoipa::path(get, path = "/healthz", operation_id = "healthz", tag = "operation", security(()), responses((status = 200, body = String)))]
pub(super) async fn healthz() -> &'static str {
    "ok\n"
}

/// Check that events can be accepted, by writing to the store
#[utoipa::path(get, path = "/readyz", operation_id = "readyz", tag = "operation", security(()), responses(
    (status = 200, body = String),
    (status = 503, description = "The store is unavailable", body = Refusal),
))]
pub(super) async fn readyz(State(api): State<Api>) -> Result<&'static str, ApiError> {
    api.store.check().await?;
    Ok("ok\n")
}

/// Get metrics for Prometheus; requires the administrator's token
#[utoipa::path(get, path = "/metrics", operation_id = "metrics", tag = "operation", responses(
    (status = 200, body = String),
    (status = 401, description = "The token is missing or invalid", body = Refusal),
))]
pub(super) async fn metrics(_: AdminAuth, State(api): State<Api>) -> Result<impl IntoResponse, ApiError> {
    let text = api.metrics.text(api.store.stats().await?);
    Ok(([(header::CONTENT_TYPE, "application/openmetrics-text; version=1.0.0; charset=utf-8")], text))
}

/// Get the OpenAPI document
#[utoipa::path(get, path = "/openapi.json", operation_id = "getDescription", tag = "operation", security(()), responses(
    (status = 200, description = "OpenAPI 3.1", body = serde_json::Value),
))]
pub(super) async fn openapi() -> Json<OpenApi> {
    Json(super::document())
}
