//! The sender's API: JSON over HTTP. Its OpenAPI 3.1 document is generated from the handlers.

mod deliveries;
mod document;
mod error;
mod events;
mod extract;
mod ops;
mod rfc3339;
mod schemas;
pub(crate) mod server;
mod subscriptions;
#[cfg(test)]
mod tests;
pub(crate) mod token;
mod workspaces;

use std::num::NonZeroU32;
use std::ops::Deref;
use std::sync::Arc;

use axum::Router;
use axum::extract::{DefaultBodyLimit, MatchedPath, Request, State};
use axum::http::Method;
use axum::middleware::{self, Next};
use axum::response::{IntoResponse as _, Response};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use tokio::sync::Semaphore;
use tracing::Instrument as _;
use utoipa::openapi::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use self::error::{ApiError, Code};
use crate::clock::Clock;
use crate::deliver::AddressPolicy;
use crate::ids::WorkspaceId;
use crate::metrics::Metrics;
use crate::settings::Settings;
use crate::store::{Store, TokenHash};

/// Name of the workspace and of the token that `serve --dev` creates. The API refuses the name, so that it marks a store.
pub(crate) const DEVELOPMENT: &str = "Development (serve --dev)";

/// Limits of requests.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ApiLimits {
    /// Limit of a request body, in bytes.
    pub(crate) request_bytes: usize,
    /// Limit of an event as it is sent, in bytes.
    pub(crate) event_bytes: usize,
    /// Limit of the events in one request.
    pub(crate) events: usize,
    /// Limit of the deliveries on a page.
    pub(crate) page: usize,
    /// Limit of concurrent requests with a body.
    pub(crate) bodies: usize,
    /// Limit of requests per second and workspace, on average; bursts may be twice as large.
    pub(crate) requests_per_second: NonZeroU32,
}

/// State that the handlers share.
#[derive(Clone)]
pub(crate) struct Api(Arc<Shared>);

pub(crate) struct Shared {
    pub(crate) store: Arc<Store>,
    pub(crate) clock: Clock,
    pub(crate) metrics: Metrics,
    pub(crate) limits: ApiLimits,
    /// Hash of the administrator's token; without it, administration is disabled.
    pub(crate) admin: Option<TokenHash>,
    /// Addresses that endpoints may have.
    pub(crate) policy: AddressPolicy,
    rate: DefaultKeyedRateLimiter<WorkspaceId>,
    bodies: Semaphore,
}

impl Deref for Api {
    type Target = Shared;

    fn deref(&self) -> &Shared {
        &self.0
    }
}

impl Api {
    pub(crate) fn new(
        store: Arc<Store>,
        clock: Clock,
        metrics: Metrics,
        limits: ApiLimits,
        admin: Option<TokenHash>,
        policy: AddressPolicy,
    ) -> Self {
        let rate = limits.requests_per_second;
        let quota = Quota::per_second(rate).allow_burst(rate.saturating_add(rate.get()));
        let (rate, bodies) = (RateLimiter::hashmap(quota), Semaphore::new(limits.bodies));
        Self(Arc::new(Shared { store, clock, metrics, limits, admin, policy, rate, bodies }))
    }

    /// Drops the rate limiters of idle workspaces.
    pub(crate) fn tidy(&self) {
        self.rate.retain_recent();
    }

    /// Returns the router of all routes.
    pub(crate) fn router(self) -> Router {
        let (router, _) = routes();
        router
            .fallback(|| async { ApiError::not_found("path") })
            .method_not_allowed_fallback(|| async { ApiError::new(Code::MethodNotAllowed, "method not allowed") })
            .layer(DefaultBodyLimit::max(self.limits.request_bytes))
            .layer(middleware::from_fn_with_state(self.clone(), watch))
            .with_state(self)
    }
}

/// Returns the OpenAPI document of a sender with the default settings.
pub(crate) fn document() -> OpenApi {
    document::of(&Settings::default().api_limits(), AddressPolicy::Public)
}

fn routes() -> (Router<Api>, OpenApi) {
    OpenApiRouter::with_openapi(document::empty())
        .routes(routes!(workspaces::create, workspaces::list))
        .routes(routes!(workspaces::change))
        .routes(routes!(workspaces::create_token, workspaces::tokens))
        .routes(routes!(workspaces::delete_token))
        .routes(routes!(workspaces::own))
        .routes(routes!(subscriptions::create, subscriptions::list))
        .routes(routes!(subscriptions::get, subscriptions::update, subscriptions::delete))
        .routes(routes!(subscriptions::rotate_secret))
        .routes(routes!(subscriptions::activate))
        .routes(routes!(subscriptions::test))
        .routes(routes!(subscriptions::resend))
        .routes(routes!(subscriptions::warnings))
        .routes(routes!(events::accept))
        .routes(routes!(events::get))
        .routes(routes!(deliveries::list))
        .routes(routes!(deliveries::get))
        .routes(routes!(deliveries::resend))
        .routes(routes!(ops::healthz))
        .routes(routes!(ops::readyz))
        .routes(routes!(ops::metrics))
        .routes(routes!(ops::openapi))
        .split_for_parts()
}

/// Traces and counts requests, and limits concurrent requests with a body to bound memory.
async fn watch(State(api): State<Api>, request: Request, next: Next) -> Response {
    let permit = if request.method() == Method::GET { Ok(None) } else { api.bodies.try_acquire().map(Some) };
    let Ok(_permit) = permit else {
        api.metrics.responded(Code::Unavailable.status().as_u16());
        return ApiError::new(Code::Unavailable, "too many concurrent requests").retry_after(1).into_response();
    };
    let (method, path) = (request.method(), request.extensions().get::<MatchedPath>());
    let path = path.map_or("", MatchedPath::as_str);
    let span = tracing::info_span!("request", %method, path, status = tracing::field::Empty);
    let response = next.run(request).instrument(span.clone()).await;
    let status = response.status().as_u16();
    span.record("status", status);
    api.metrics.responded(status);
    response
}
