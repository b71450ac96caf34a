//! What those who run the sender ask.

use axum::Json;
use axum::extract::State;
use axum::http::header;
use axum::response::IntoResponse;
use utoipa::openapi::OpenApi;

use super::Api;
use super::error::{ApiError, Refusal};
use super::extract::AdminAuth;

/// Whether the process lives
#[utoipa::path(get, path = "/healthz", operation_id = "healthz", tag = "operation", security(()), responses((status = 200, body = String)))]
pub(super) async fn healthz() -> &'static str {
    "ok\n"
}

/// Whether events are accepted: something is written
#[utoipa::path(get, path = "/readyz", operation_id = "readyz", tag = "operation", security(()), responses(
    (status = 200, body = String),
    (status = 503, description = "The store takes nothing", body = Refusal),
))]
pub(super) async fn readyz(State(api): State<Api>) -> Result<&'static str, ApiError> {
    api.store.check().await?;
    Ok("ok\n")
}

/// Metrics for Prometheus; needs the administrator's token
#[utoipa::path(get, path = "/metrics", operation_id = "metrics", tag = "operation", responses(
    (status = 200, body = String),
    (status = 401, description = "No valid token", body = Refusal),
))]
pub(super) async fn metrics(_: AdminAuth, State(api): State<Api>) -> Result<impl IntoResponse, ApiError> {
    let text = api.metrics.text(api.store.stats().await?);
    Ok(([(header::CONTENT_TYPE, "application/openmetrics-text; version=1.0.0; charset=utf-8")], text))
}

/// This description
#[utoipa::path(get, path = "/openapi.json", operation_id = "getDescription", tag = "operation", security(()), responses(
    (status = 200, description = "OpenAPI 3.1", body = serde_json::Value),
))]
pub(super) async fn openapi() -> Json<OpenApi> {
    Json(super::document())
}
