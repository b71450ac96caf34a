//! Operations endpoints: health, readiness, metrics and the OpenAPI document.

use axum::Json;
use axum::extract::State;
use axum::http::header;
use axum::response::IntoResponse;
use utoipa::openapi::OpenApi;

use super::error::ApiError;
use super::extract::AdminAuth;
use super::{Api, document};

/// The content type of OpenMetrics.
const METRICS_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Check that the process is alive
#[utoipa::path(get, path = "/healthz", operation_id = "healthz", tag = "operation", security(()), responses((status = 200, description = "`ok`", body = String)))]
pub(super) async fn healthz() -> &'static str {
    "ok\n"
}

/// Check that events can be accepted, by writing to the store
#[utoipa::path(get, path = "/readyz", operation_id = "readyz", tag = "operation", security(()), responses(
    (status = 200, description = "`ok`", body = String),
    (status = 503, description = "The store is unavailable"),
))]
pub(super) async fn readyz(State(api): State<Api>) -> Result<&'static str, ApiError> {
    api.store.check().await?;
    Ok("ok\n")
}

/// Get metrics for Prometheus
#[utoipa::path(get, path = "/metrics", operation_id = "metrics", tag = "operation", security(("administrator" = [])), responses(
    (status = 200, description = "The metrics", body = String, content_type = METRICS_TYPE),
))]
pub(super) async fn metrics(_: AdminAuth, State(api): State<Api>) -> Result<impl IntoResponse, ApiError> {
    let text = api.metrics.text(api.store.stats().await?);
    Ok(([(header::CONTENT_TYPE, METRICS_TYPE)], text))
}

/// Get the OpenAPI document
#[utoipa::path(get, path = "/openapi.json", operation_id = "getDescription", tag = "operation", security(()), responses(
    (status = 200, description = "OpenAPI 3.1", body = Object),
))]
pub(super) async fn openapi(State(api): State<Api>) -> Json<OpenApi> {
    Json(document::of(&api.limits, api.policy))
}
