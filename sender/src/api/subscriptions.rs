//! Subscriptions: who is told about what, and how that goes.

use std::net::IpAddr;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::{StatusCode, Uri};
use clarife_webhooks::EventType;
use clarife_webhooks::sender::{EndpointUrl, EventTypes, Signer, SigningSecret, TestEvent};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::error::{ApiError, Code, Refusal};
use super::extract::{Body, WorkspaceAuth};
use super::{Api, rfc3339};
use crate::clock::wall;
use crate::deliver::AddressPolicy;
use crate::ids::SubscriptionId;
use crate::store::{Change, NewEvent, SubscriptionRecord};

/// A subscription
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct SubscriptionView {
    id: String,
    url: String,
    event_types: Vec<&'static str>,
    /// Whether deliveries are attempted; if not, they are held
    active: bool,
    /// Failed attempts since the last success
    consecutive_failures: u32,
    /// Why it was deactivated
    warning: Option<WarningView>,
    created_at: String,
}

/// Why a subscription was deactivated
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct WarningView {
    subscription_id: String,
    url: String,
    message: String,
    deactivated_at: String,
}

/// Subscriptions that were deactivated
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Warnings {
    warnings: Vec<WarningView>,
}

/// A workspace's subscriptions
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Subscriptions {
    subscriptions: Vec<SubscriptionView>,
}

/// A subscription, with its secret
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct SubscriptionWithSecret {
    #[serde(flatten)]
    view: SubscriptionView,
    /// The signing secret; it is not shown again
    secret: String,
}

/// A subscription to be created
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewSubscription {
    /// Where deliveries are posted to; `https://`
    url: String,
    /// The types of events it is for; at least one
    event_types: Vec<String>,
}

/// A change to a subscription; what is left out stays
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SubscriptionChange {
    url: Option<String>,
    event_types: Option<Vec<String>>,
}

/// A test event to be sent
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct TestRequest {
    /// The type of the event
    r#type: String,
}

/// A delivery that was begun
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Begun {
    pub(super) delivery_id: String,
}

/// What is to be sent again
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ResendRequest {
    /// Everything failed or held that was created at this moment or later
    since: String,
}

/// What is sent again
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Resent {
    deliveries: u64,
}

impl From<&SubscriptionRecord> for SubscriptionView {
    fn from(record: &SubscriptionRecord) -> Self {
        let subscription = &record.subscription;
        Self {
            id: record.id.to_string(),
            url: subscription.url.to_string(),
            event_types: subscription.event_types.into(),
            active: subscription.health.is_active(),
            consecutive_failures: subscription.health.consecutive_failures(),
            warning: warning(record),
            created_at: rfc3339::format(record.created_at),
        }
    }
}

fn warning(record: &SubscriptionRecord) -> Option<WarningView> {
    let warning = record.subscription.health.warning()?;
    Some(WarningView {
        subscription_id: record.id.to_string(),
        url: record.subscription.url.to_string(),
        message: warning.to_string(),
        deactivated_at: rfc3339::format(warning.deactivated_at),
    })
}

fn with_secret(record: &SubscriptionRecord) -> SubscriptionWithSecret {
    SubscriptionWithSecret { view: record.into(), secret: record.signer.secret().expose().to_owned() }
}

/// Reads an endpoint's URL; one that could never be delivered to is refused now.
fn endpoint(api: &Api, url: &str) -> Result<EndpointUrl, ApiError> {
    let parsed = match api.policy {
        AddressPolicy::Public => EndpointUrl::parse(url),
        AddressPolicy::PublicAndLoopback => EndpointUrl::parse_allowing_plain_http(url),
    };
    let parsed = parsed.map_err(|error| ApiError::invalid(format!("{error}: {}", error.hint())))?;
    let address: Result<IpAddr, _> = parsed.host().trim_start_matches('[').trim_end_matches(']').parse();
    if address.is_ok_and(|address| !api.policy.allows(address)) {
        return Err(ApiError::invalid("the endpoint URL has an address that deliveries are never sent to"));
    }
    if Uri::try_from(url).is_err() {
        return Err(ApiError::invalid("the endpoint URL cannot be requested"));
    }
    Ok(parsed)
}

fn types(names: &[String]) -> Result<EventTypes, ApiError> {
    EventTypes::from_names(names).map_err(|error| ApiError::invalid(error.to_string()))
}

fn no_randomness(error: impl std::fmt::Display) -> ApiError {
    ApiError::new(Code::Internal, error.to_string())
}

/// Subscribe; the secret is shown now and not again
#[utoipa::path(post, path = "/v1/subscriptions", operation_id = "createSubscription", tag = "subscriptions", request_body = NewSubscription, responses(
    (status = 201, body = SubscriptionWithSecret),
    (status = "4XX", body = Refusal),
))]
pub(super) async fn create(
    WorkspaceAuth(workspace): WorkspaceAuth,
    State(api): State<Api>,
    Body(new): Body<NewSubscription>,
) -> Result<(StatusCode, Json<SubscriptionWithSecret>), ApiError> {
    let (url, types) = (endpoint(&api, &new.url)?, types(&new.event_types)?);
    let signer = Signer::generate().map_err(no_randomness)?;
    let record = api.store.subscribe(&workspace, url, types, signer, api.clock.now()).await?;
    Ok((StatusCode::CREATED, Json(with_secret(&record))))
}

/// All subscriptions, oldest first
#[utoipa::path(get, path = "/v1/subscriptions", operation_id = "listSubscriptions", tag = "subscriptions", responses(
    (status = 200, body = Subscriptions),
    (status = "4XX", body = Refusal),
))]
pub(super) async fn list(
    WorkspaceAuth(workspace): WorkspaceAuth,
    State(api): State<Api>,
) -> Result<Json<Subscriptions>, ApiError> {
    let records = api.store.subscriptions(&workspace).await?;
    let subscriptions = records.iter().map(|record| record.as_ref().into()).collect();
    Ok(Json(Subscriptions { subscriptions }))
}

/// One subscription
#[utoipa::path(get, path = "/v1/subscriptions/{id}", operation_id = "getSubscription", tag = "subscriptions", params(("id" = String, Path, description = "The subscription's id")), responses(
    (status = 200, body = SubscriptionView),
    (status = "4XX", body = Refusal),
))]
pub(super) async fn get(
    WorkspaceAuth(workspace): WorkspaceAuth,
    State(api): State<Api>,
    Path(id): Path<String>,
) -> Result<Json<SubscriptionView>, ApiError> {
    Ok(Json(api.store.subscription(&workspace, &id.into()).await?.as_ref().into()))
}

/// Change a subscription's URL or types
#[utoipa::path(patch, path = "/v1/subscriptions/{id}", operation_id = "updateSubscription", tag = "subscriptions", request_body = SubscriptionChange, params(("id" = String, Path, description = "The subscription's id")), responses(
    (status = 200, body = SubscriptionView),
    (status = "4XX", body = Refusal),
))]
pub(super) async fn update(
    WorkspaceAuth(workspace): WorkspaceAuth,
    State(api): State<Api>,
    Path(id): Path<String>,
    Body(change): Body<SubscriptionChange>,
) -> Result<Json<SubscriptionView>, ApiError> {
    let url = change.url.map(|url| endpoint(&api, &url)).transpose()?;
    let event_types = change.event_types.map(|names| types(&names)).transpose()?;
    let record = apply(&api, &workspace, id, Change::Update { url, event_types }).await?;
    Ok(Json(record.as_ref().into()))
}

/// Delete a subscription, and its deliveries with it
#[utoipa::path(delete, path = "/v1/subscriptions/{id}", operation_id = "deleteSubscription", tag = "subscriptions", params(("id" = String, Path, description = "The subscription's id")), responses(
    (status = 204),
    (status = "4XX", body = Refusal),
))]
pub(super) async fn delete(
    WorkspaceAuth(workspace): WorkspaceAuth,
    State(api): State<Api>,
    Path(id): Path<String>,
) -> Result<StatusCode, ApiError> {
    api.store.unsubscribe(&workspace, &id.into()).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A new secret; the old one signs beside it for 24 hours
#[utoipa::path(post, path = "/v1/subscriptions/{id}/rotate-secret", operation_id = "rotateSecret", tag = "subscriptions", params(("id" = String, Path, description = "The subscription's id")), responses(
    (status = 200, body = SubscriptionWithSecret),
    (status = "4XX", body = Refusal),
))]
pub(super) async fn rotate_secret(
    WorkspaceAuth(workspace): WorkspaceAuth,
    State(api): State<Api>,
    Path(id): Path<String>,
) -> Result<Json<SubscriptionWithSecret>, ApiError> {
    let secret = SigningSecret::generate().map_err(no_randomness)?;
    let record = apply(&api, &workspace, id, Change::Rotate(secret)).await?;
    Ok(Json(with_secret(&record)))
}

/// Activate a subscription again; what has failed or was held stays until it is sent again
#[utoipa::path(post, path = "/v1/subscriptions/{id}/activate", operation_id = "activateSubscription", tag = "subscriptions", params(("id" = String, Path, description = "The subscription's id")), responses(
    (status = 200, body = SubscriptionView),
    (status = "4XX", body = Refusal),
))]
pub(super) async fn activate(
    WorkspaceAuth(workspace): WorkspaceAuth,
    State(api): State<Api>,
    Path(id): Path<String>,
) -> Result<Json<SubscriptionView>, ApiError> {
    Ok(Json(apply(&api, &workspace, id, Change::Activate).await?.as_ref().into()))
}

async fn apply(
    api: &Api,
    workspace: &crate::ids::WorkspaceId,
    id: String,
    change: Change,
) -> Result<std::sync::Arc<SubscriptionRecord>, ApiError> {
    // By the system's clock: until when an old secret signs is compared with that.
    Ok(api.store.change(workspace, &SubscriptionId::from(id), change, wall()).await?)
}

/// Send a test event: one attempt, shown in the log, not counted
#[utoipa::path(post, path = "/v1/subscriptions/{id}/test", operation_id = "sendTestEvent", tag = "subscriptions", request_body = TestRequest, params(("id" = String, Path, description = "The subscription's id")), responses(
    (status = 202, body = Begun),
    (status = "4XX", body = Refusal),
))]
pub(super) async fn test(
    WorkspaceAuth(workspace): WorkspaceAuth,
    State(api): State<Api>,
    Path(id): Path<String>,
    Body(request): Body<TestRequest>,
) -> Result<(StatusCode, Json<Begun>), ApiError> {
    let event_type = EventType::from_name(&request.r#type);
    let test = TestEvent::new(event_type, wall()).map_err(|error| ApiError::invalid(error.to_string()))?;
    let event = NewEvent { id: test.id, event_type: event_type.to_string(), body: test.body };
    let delivery = api.store.accept_test(&workspace, &id.into(), event, api.clock.now()).await?;
    Ok((StatusCode::ACCEPTED, Json(Begun { delivery_id: delivery.to_string() })))
}

/// Send everything again that has failed or is held, since a moment
#[utoipa::path(post, path = "/v1/subscriptions/{id}/resend", operation_id = "resendSince", tag = "subscriptions", request_body = ResendRequest, params(("id" = String, Path, description = "The subscription's id")), responses(
    (status = 202, body = Resent),
    (status = "4XX", body = Refusal),
))]
pub(super) async fn resend(
    WorkspaceAuth(workspace): WorkspaceAuth,
    State(api): State<Api>,
    Path(id): Path<String>,
    Body(request): Body<ResendRequest>,
) -> Result<(StatusCode, Json<Resent>), ApiError> {
    let since = rfc3339::parse("since", &request.since)?;
    let deliveries = api.store.resend_since(&workspace, &id.into(), since, api.clock.now()).await?;
    Ok((StatusCode::ACCEPTED, Json(Resent { deliveries })))
}

/// Subscriptions that were deactivated after failures, and why
#[utoipa::path(get, path = "/v1/warnings", operation_id = "listWarnings", tag = "subscriptions", responses(
    (status = 200, body = Warnings),
    (status = "4XX", body = Refusal),
))]
pub(super) async fn warnings(
    WorkspaceAuth(workspace): WorkspaceAuth,
    State(api): State<Api>,
) -> Result<Json<Warnings>, ApiError> {
    let records = api.store.subscriptions(&workspace).await?;
    Ok(Json(Warnings { warnings: records.iter().filter_map(|record| warning(record)).collect() }))
}
