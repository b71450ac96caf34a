//! History endpoints: deliveries and attempts.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use clarife_webhooks::sender::{DeliveryKind, DeliveryState, Outcome};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::error::ApiError;
use super::events::check_id;
use super::extract::{Params, Path, WorkspaceAuth};
use super::schemas::{DeliveryIdText, EventId, EventTypeName, FailureKindName, FailureReasonName, PageSize, Time};
use super::subscriptions::Begun;
use super::{Api, rfc3339};
use crate::ids::DeliveryId;
use crate::store::{Attempt, DeliveryFilter, DeliveryRecord, StateName};

/// Default number of deliveries on a page.
pub(super) const DEFAULT_PAGE: usize = 50;

/// A delivery
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct DeliveryView {
    #[schema(value_type = DeliveryIdText)]
    id: String,
    #[schema(value_type = EventId)]
    event_id: String,
    #[schema(value_type = EventTypeName)]
    event_type: String,
    subscription_id: String,
    /// `true` for a test event
    test: bool,
    state: StateName,
    /// Number of attempts made
    attempts: u32,
    /// Time at which the next attempt is due
    #[schema(value_type = Option<Time>)]
    next_attempt_at: Option<String>,
    /// Time at which the delivery succeeded or failed
    #[schema(value_type = Option<Time>)]
    ended_at: Option<String>,
    /// Reason for the failure
    #[schema(value_type = Option<FailureReasonName>)]
    reason: Option<&'static str>,
    #[schema(value_type = Time)]
    created_at: String,
    /// Id of the delivery that resends this one
    #[schema(value_type = Option<DeliveryIdText>)]
    resent_as: Option<String>,
}

impl From<&DeliveryRecord> for DeliveryView {
    fn from(record: &DeliveryRecord) -> Self {
        let state = record.delivery.state();
        let (attempts, next, ended, reason) = match state {
            DeliveryState::Pending { attempt, due } => (attempt.saturating_sub(1), Some(due), None, None),
            DeliveryState::Delivered { attempts, at } => (attempts, None, Some(at), None),
            DeliveryState::Failed { reason, attempts, at } => (attempts, None, Some(at), Some(reason.as_str())),
            DeliveryState::Held { .. } => (0, None, None, None),
        };
        Self {
            id: record.id.to_string(),
            event_id: record.event_id.clone(),
            event_type: record.event_type.clone(),
            subscription_id: record.subscription.to_string(),
            test: record.delivery.kind() == DeliveryKind::Test,
            state: (&state).into(),
            attempts,
            next_attempt_at: next.map(rfc3339::format),
            ended_at: ended.map(rfc3339::format),
            reason,
            created_at: rfc3339::format(record.created_at),
            resent_as: record.resent_as.map(|id| id.to_string()),
        }
    }
}

/// An attempt
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct AttemptView {
    number: u32,
    #[schema(value_type = Time)]
    started_at: String,
    #[schema(value_type = Time)]
    ended_at: String,
    /// Status of the response
    status: Option<u16>,
    /// Reason for which there was no response
    #[schema(value_type = Option<FailureKindName>)]
    failure: Option<&'static str>,
    /// The failure in words, of at most 300 characters
    error: Option<String>,
    /// First 1,024 bytes of the response body
    #[serde(rename = "answer")]
    response_body: String,
}

impl From<&Attempt> for AttemptView {
    fn from(attempt: &Attempt) -> Self {
        let (status, failure) = match attempt.outcome {
            Outcome::Status(status) => (Some(status), None),
            Outcome::Failure(kind) => (None, Some(kind.as_str())),
        };
        Self {
            number: attempt.number,
            started_at: rfc3339::format(attempt.started_at),
            ended_at: rfc3339::format(attempt.ended_at),
            status,
            failure,
            error: attempt.error.clone(),
            response_body: String::from_utf8_lossy(&attempt.response_body).into_owned(),
        }
    }
}

/// A delivery with its attempts
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct DeliveryDetail {
    #[serde(flatten)]
    delivery: DeliveryView,
    attempts_made: Vec<AttemptView>,
}

/// A page of deliveries, newest first
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Deliveries {
    deliveries: Vec<DeliveryView>,
    /// Value of `before` for the next page; null on the last page
    #[schema(value_type = Option<DeliveryIdText>)]
    next: Option<String>,
}

/// Filter and page of deliveries
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct DeliveryQuery {
    /// Only deliveries of this subscription
    subscription_id: Option<String>,
    /// Only deliveries of this event
    #[param(value_type = Option<EventId>)]
    event_id: Option<String>,
    /// Only deliveries in this state
    state: Option<StateName>,
    /// Only deliveries older than this one
    #[param(value_type = Option<DeliveryIdText>)]
    before: Option<String>,
    /// Limit of the page
    #[param(value_type = Option<PageSize>)]
    limit: Option<usize>,
}

fn parse_id(id: &str) -> Result<DeliveryId, ApiError> {
    DeliveryId::parse(id).ok_or_else(|| ApiError::not_found("delivery"))
}

/// List deliveries, newest first
#[utoipa::path(get, path = "/v1/deliveries", operation_id = "listDeliveries", tag = "deliveries", params(DeliveryQuery), responses(
    (status = 200, description = "The page", body = Deliveries),
    (status = 404, description = "The subscription does not exist"),
))]
pub(super) async fn list(
    WorkspaceAuth(workspace): WorkspaceAuth,
    State(api): State<Api>,
    Params(query): Params<DeliveryQuery>,
) -> Result<Json<Deliveries>, ApiError> {
    let max = api.limits.page;
    let limit = query.limit.unwrap_or(DEFAULT_PAGE.min(max));
    if !(1..=max).contains(&limit) {
        return Err(ApiError::invalid(format!("invalid limit: must be 1 to {max}")));
    }
    let before = query
        .before
        .as_deref()
        .map(|id| DeliveryId::parse(id).ok_or_else(|| ApiError::invalid("invalid before: not a delivery id")));
    if let Some(id) = &query.event_id {
        check_id(id).map_err(|error| ApiError::invalid(format!("invalid event_id: {error}")))?;
    }
    let filter = DeliveryFilter {
        subscription: query.subscription_id.map(Into::into),
        event_id: query.event_id,
        state: query.state,
        before: before.transpose()?,
        limit,
    };
    let page = api.store.deliveries(&workspace, &filter).await?;
    let last = page.deliveries.last().filter(|_| page.more);
    Ok(Json(Deliveries {
        next: last.map(|delivery| delivery.id.to_string()),
        deliveries: page.deliveries.iter().map(DeliveryView::from).collect(),
    }))
}

/// Get a delivery and its attempts
#[utoipa::path(get, path = "/v1/deliveries/{id}", operation_id = "getDelivery", tag = "deliveries", params(("id" = String, Path, description = "Id of the delivery")), responses(
    (status = 200, description = "The delivery with its attempts", body = DeliveryDetail),
))]
pub(super) async fn get(
    WorkspaceAuth(workspace): WorkspaceAuth,
    State(api): State<Api>,
    Path(id): Path<String>,
) -> Result<Json<DeliveryDetail>, ApiError> {
    let (delivery, attempts) = api.store.delivery(&workspace, parse_id(&id)?).await?;
    let attempts_made = attempts.iter().map(AttemptView::from).collect();
    Ok(Json(DeliveryDetail { delivery: (&delivery).into(), attempts_made }))
}

/// Resend a failed or held delivery
#[utoipa::path(post, path = "/v1/deliveries/{id}/resend", operation_id = "resendDelivery", tag = "deliveries", params(("id" = String, Path, description = "Id of the delivery")), responses(
    (status = 202, description = "The delivery will be sent again", body = Begun),
    (status = 409, description = "The delivery is a test event or neither failed nor held, or its subscription is deactivated"),
))]
pub(super) async fn resend(
    WorkspaceAuth(workspace): WorkspaceAuth,
    State(api): State<Api>,
    Path(id): Path<String>,
) -> Result<(StatusCode, Json<Begun>), ApiError> {
    let delivery = api.store.resend(&workspace, parse_id(&id)?, api.clock.now()).await?;
    Ok((StatusCode::ACCEPTED, Json(Begun { delivery_id: delivery.to_string() })))
}
