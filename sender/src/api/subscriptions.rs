//! Subscription endpoints.

use std::net::IpAddr;

use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, Uri};
use clarife_webhooks::EventType;
use clarife_webhooks::sender::{Change, EndpointUrl, EventTypes, Signer, SigningSecret, TestEvent};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::error::{ApiError, Code};
use super::extract::{Body, Path, WorkspaceAuth};
use super::schemas::{DeliveryIdText, EventTypeName, EventTypeNames, Time, Url};
use super::{Api, rfc3339};
use crate::clock::wall;
use crate::deliver::AddressPolicy;
use crate::ids::SubscriptionId;
use crate::store::{NewEvent, SubscriptionRecord};

/// A subscription
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct SubscriptionView {
    id: String,
    #[schema(value_type = Url)]
    url: String,
    #[schema(value_type = EventTypeNames)]
    event_types: Vec<&'static str>,
    /// `true` if deliveries are attempted, `false` if they are held
    active: bool,
    /// Number of failed attempts since the last success
    consecutive_failures: u32,
    /// Reason for the deactivation
    warning: Option<WarningView>,
    #[schema(value_type = Time)]
    created_at: String,
}

/// Reason for which a subscription was deactivated
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct WarningView {
    subscription_id: String,
    #[schema(value_type = Url)]
    url: String,
    message: String,
    #[schema(value_type = Time)]
    deactivated_at: String,
}

/// Deactivated subscriptions
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Warnings {
    warnings: Vec<WarningView>,
}

/// Subscriptions of a workspace
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Subscriptions {
    subscriptions: Vec<SubscriptionView>,
}

/// A subscription with its secret
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct SubscriptionWithSecret {
    #[serde(flatten)]
    view: SubscriptionView,
    /// Signing secret; shown only once
    secret: String,
}

/// A new subscription
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewSubscription {
    /// URL that deliveries are posted to; must start with `https://`
    #[schema(value_type = Url)]
    url: String,
    /// Event types
    #[schema(value_type = EventTypeNames)]
    event_types: Vec<String>,
}

/// A change of a subscription; omitted members stay as they are
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SubscriptionChange {
    #[schema(value_type = Option<Url>)]
    url: Option<String>,
    #[schema(value_type = Option<EventTypeNames>)]
    event_types: Option<Vec<String>>,
}

/// A test event to send
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct TestRequest {
    /// Event type
    #[schema(value_type = EventTypeName)]
    r#type: String,
}

/// A delivery that was created
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Begun {
    #[schema(value_type = DeliveryIdText)]
    pub(super) delivery_id: String,
}

/// Deliveries to resend
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ResendRequest {
    /// Resend failed and held deliveries created at or after this time
    #[schema(value_type = Time)]
    since: String,
}

/// Number of deliveries resent
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

/// Parses an endpoint's URL; refuses URLs that deliveries could never be sent to.
fn endpoint(api: &Api, url: &str) -> Result<EndpointUrl, ApiError> {
    let parsed = match api.policy {
        AddressPolicy::Public => EndpointUrl::parse(url),
        AddressPolicy::PublicAndLoopback => EndpointUrl::parse_allowing_plain_http(url),
    };
    let parsed = parsed.map_err(|error| ApiError::invalid(format!("{error}: {}", error.hint())))?;
    let address: Result<IpAddr, _> = parsed.host().trim_start_matches('[').trim_end_matches(']').parse();
    if address.is_ok_and(|address| !api.policy.allows(address)) {
        return Err(ApiError::invalid("invalid endpoint URL: deliveries are never sent to this address"));
    }
    if Uri::try_from(url).is_err() {
        return Err(ApiError::invalid("invalid endpoint URL: not a valid URI"));
    }
    Ok(parsed)
}

fn types(names: &[String]) -> Result<EventTypes, ApiError> {
    EventTypes::from_names(names).map_err(|error| ApiError::invalid(error.to_string()))
}

fn no_randomness(error: impl std::fmt::Display) -> ApiError {
    ApiError::new(Code::Internal, error.to_string())
}

/// Create a subscription; its secret is shown only once
#[utoipa::path(post, path = "/v1/subscriptions", operation_id = "createSubscription", tag = "subscriptions", request_body = NewSubscription, responses(
    (status = 201, description = "The subscription with its secret", body = SubscriptionWithSecret),
    (status = 403, description = "The token does not allow this request, or the plan allows no more subscriptions"),
    (status = 500, description = "The operating system provides no randomness"),
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

/// List subscriptions, oldest first
#[utoipa::path(get, path = "/v1/subscriptions", operation_id = "listSubscriptions", tag = "subscriptions", responses(
    (status = 200, description = "The subscriptions", body = Subscriptions),
))]
pub(super) async fn list(
    WorkspaceAuth(workspace): WorkspaceAuth,
    State(api): State<Api>,
) -> Result<Json<Subscriptions>, ApiError> {
    let records = api.store.subscriptions(&workspace).await?;
    let subscriptions = records.iter().map(|record| record.as_ref().into()).collect();
    Ok(Json(Subscriptions { subscriptions }))
}

/// Get a subscription
#[utoipa::path(get, path = "/v1/subscriptions/{id}", operation_id = "getSubscription", tag = "subscriptions", params(("id" = String, Path, description = "Id of the subscription")), responses(
    (status = 200, description = "The subscription", body = SubscriptionView),
))]
pub(super) async fn get(
    WorkspaceAuth(workspace): WorkspaceAuth,
    State(api): State<Api>,
    Path(id): Path<String>,
) -> Result<Json<SubscriptionView>, ApiError> {
    Ok(Json(api.store.subscription(&workspace, &id.into()).await?.as_ref().into()))
}

/// Change a subscription's URL or event types
#[utoipa::path(patch, path = "/v1/subscriptions/{id}", operation_id = "updateSubscription", tag = "subscriptions", request_body = SubscriptionChange, params(("id" = String, Path, description = "Id of the subscription")), responses(
    (status = 200, description = "The subscription after the change", body = SubscriptionView),
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

/// Delete a subscription and its deliveries
#[utoipa::path(delete, path = "/v1/subscriptions/{id}", operation_id = "deleteSubscription", tag = "subscriptions", params(("id" = String, Path, description = "Id of the subscription")), responses(
    (status = 204, description = "The subscription is deleted"),
))]
pub(super) async fn delete(
    WorkspaceAuth(workspace): WorkspaceAuth,
    State(api): State<Api>,
    Path(id): Path<String>,
) -> Result<StatusCode, ApiError> {
    api.store.unsubscribe(&workspace, &id.into()).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Replace the secret; the old one stays valid for 24 hours
#[utoipa::path(post, path = "/v1/subscriptions/{id}/rotate-secret", operation_id = "rotateSecret", tag = "subscriptions", params(("id" = String, Path, description = "Id of the subscription")), responses(
    (status = 200, description = "The subscription with its new secret", body = SubscriptionWithSecret),
    (status = 500, description = "The operating system provides no randomness"),
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

/// Activate a subscription; failed and held deliveries stay until they are resent
#[utoipa::path(post, path = "/v1/subscriptions/{id}/activate", operation_id = "activateSubscription", tag = "subscriptions", params(("id" = String, Path, description = "Id of the subscription")), responses(
    (status = 200, description = "The active subscription", body = SubscriptionView),
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
    // The system time, because the old secret's expiry is compared with the system time.
    Ok(api.store.change(workspace, &SubscriptionId::from(id), change, wall()).await?)
}

/// Send a test event: one attempt, listed in the history, without effect on the subscription's health
#[utoipa::path(post, path = "/v1/subscriptions/{id}/test", operation_id = "sendTestEvent", tag = "subscriptions", request_body = TestRequest, params(("id" = String, Path, description = "Id of the subscription")), responses(
    (status = 202, description = "The test event will be sent once", body = Begun),
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

/// Resend failed and held deliveries created since a time
#[utoipa::path(post, path = "/v1/subscriptions/{id}/resend", operation_id = "resendSince", tag = "subscriptions", request_body = ResendRequest, params(("id" = String, Path, description = "Id of the subscription")), responses(
    (status = 202, description = "The deliveries will be sent again", body = Resent),
    (status = 409, description = "The subscription is deactivated"),
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

/// List deactivated subscriptions with the reasons
#[utoipa::path(get, path = "/v1/warnings", operation_id = "listWarnings", tag = "subscriptions", responses(
    (status = 200, description = "The deactivated subscriptions", body = Warnings),
))]
pub(super) async fn warnings(
    WorkspaceAuth(workspace): WorkspaceAuth,
    State(api): State<Api>,
) -> Result<Json<Warnings>, ApiError> {
    let records = api.store.subscriptions(&workspace).await?;
    Ok(Json(Warnings { warnings: records.iter().filter_map(|record| warning(record)).collect() }))
}
