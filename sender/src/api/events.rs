//! Event endpoints.

use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use clarife_webhooks::EventType;
use clarife_webhooks::canonical::JsonText;
use clarife_webhooks::sender::{build_event, new_event_id};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::ToSchema;

use super::error::{ApiError, Code};
use super::extract::{Body, Path, WorkspaceAuth, objects};
use super::schemas::{self, Event, EventId, EventTypeName, Time};
use super::{Api, rfc3339};
use crate::clock::wall;
use crate::store::NewEvent;

/// The length limit of an id, in bytes.
pub(super) const MAX_ID: usize = 200;

/// One event or a batch: either the members of one event, or `events`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Incoming {
    #[serde(default, deserialize_with = "objects")]
    events: Option<Vec<IncomingEvent>>,
    id: Option<String>,
    r#type: Option<String>,
    created_at: Option<String>,
    data: Option<Box<RawValue>>,
}

/// An event to accept
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct IncomingEvent {
    /// The event's id; a random id by default. Sending an event again with its id is safe
    #[schema(value_type = Option<EventId>)]
    id: Option<String>,
    #[schema(value_type = EventTypeName)]
    r#type: String,
    /// The time of the event; now by default
    #[schema(value_type = Option<Time>)]
    created_at: Option<String>,
    /// The resource of the event
    #[schema(value_type = Object)]
    data: Box<RawValue>,
}

/// The result for each event, in the order of the request
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Acceptance {
    events: Vec<AcceptedEvent>,
}

/// The result for one event
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct AcceptedEvent {
    #[schema(value_type = EventId)]
    id: String,
    /// The number of subscriptions that the event goes to, or is held for
    deliveries: usize,
    /// True if the event was accepted before
    repeated: bool,
}

impl Incoming {
    fn into_events(self, max: usize) -> Result<Vec<IncomingEvent>, ApiError> {
        let Some(events) = self.events else {
            let missing = |name| ApiError::invalid(format!("the event has no {name}"));
            let r#type = self.r#type.ok_or_else(|| missing("type"))?;
            let data = self.data.ok_or_else(|| missing("data"))?;
            return Ok(vec![IncomingEvent { id: self.id, r#type, created_at: self.created_at, data }]);
        };
        if self.id.is_some() || self.r#type.is_some() || self.created_at.is_some() || self.data.is_some() {
            return Err(ApiError::invalid("give the members of one event, or events, not both"));
        }
        if events.is_empty() {
            return Err(ApiError::invalid("events is empty"));
        }
        if events.len() > max {
            return Err(ApiError::invalid(format!("events has more than {max} members")));
        }
        Ok(events)
    }
}

/// Refuses an id that an event cannot have.
pub(super) fn check_id(id: &str) -> Result<(), String> {
    match id {
        "" => Err("the id is empty".to_owned()),
        _ if id.len() > MAX_ID => Err(format!("the id has more than {MAX_ID} bytes")),
        // No PostgreSQL text has this character.
        _ if id.contains('\0') => Err("the id has the character U+0000".to_owned()),
        _ => Ok(()),
    }
}

/// Builds the body that is sent; errors name the event by its index.
fn prepare(event: IncomingEvent, index: usize, max_bytes: usize) -> Result<NewEvent, ApiError> {
    let invalid = |error: &dyn std::fmt::Display| ApiError::invalid(format!("event {index}: {error}"));
    let id = match event.id {
        Some(id) => check_id(&id).map(|()| id).map_err(|error| invalid(&error))?,
        None => new_event_id().map_err(|error| ApiError::new(Code::Internal, error.to_string()))?,
    };
    let created_at = event.created_at.map_or_else(|| Ok(wall()), |text| rfc3339::parse("created_at", &text))?;
    let data = JsonText::parse(event.data.get())
        .map_err(|error| invalid(&format_args!("data: {error} ({})", error.kind())))?;
    let event_type = EventType::from_name(&event.r#type);
    let body = build_event(&id, event_type, created_at, &data)
        .map_err(|error| invalid(&format_args!("{error} ({})", error.code())))?;
    if body.len() > max_bytes {
        let message = format!("event {index} has more than {max_bytes} bytes");
        return Err(ApiError::new(Code::PayloadTooLarge, message));
    }
    Ok(NewEvent { id, event_type: event.r#type, body })
}

/// Accept events; once the sender responds, the events are on disk and will be delivered
///
/// Idempotent by id: an event that was accepted before is not accepted again. An event with a known id and another type or other
/// data is refused with 409. The sender accepts all events of a request or none.
#[utoipa::path(post, path = "/v1/events", operation_id = "acceptEvents", tag = "events", request_body = schemas::Incoming, responses(
    (status = 202, description = "The events are on disk and will be delivered", body = Acceptance),
    (status = 409, description = "Another event with the same id exists, with another type or other data"),
    (status = 500, description = "The operating system provides no randomness"),
))]
pub(super) async fn accept(
    WorkspaceAuth(workspace): WorkspaceAuth,
    State(api): State<Api>,
    Body(incoming): Body<Incoming>,
) -> Result<(StatusCode, Json<Acceptance>), ApiError> {
    let events = incoming.into_events(api.limits.events)?;
    let events: Vec<NewEvent> = events
        .into_iter()
        .enumerate()
        .map(|(index, event)| prepare(event, index, api.limits.event_bytes))
        .collect::<Result<_, _>>()?;
    let ids: Vec<String> = events.iter().map(|event| event.id.clone()).collect();
    let accepted = api.store.accept(&workspace, events, api.clock.now()).await?;
    let repeated = accepted.iter().filter(|accepted| accepted.repeated).count();
    api.metrics.accepted(accepted.len().saturating_sub(repeated), repeated);
    let event = |(id, accepted): (String, crate::store::Accepted)| AcceptedEvent {
        id,
        deliveries: accepted.deliveries,
        repeated: accepted.repeated,
    };
    let events = ids.into_iter().zip(accepted).map(event).collect();
    Ok((StatusCode::ACCEPTED, Json(Acceptance { events })))
}

/// Get an event, byte for byte as it is sent
#[utoipa::path(get, path = "/v1/events/{id}", operation_id = "getEvent", tag = "events", params(("id" = EventId, Path, description = "Id of the event")), responses(
    (status = 200, description = "The event", body = Event, headers(("x-accepted-at" = Time, description = "The time at which the sender accepted the event"))),
))]
pub(super) async fn get(
    WorkspaceAuth(workspace): WorkspaceAuth,
    State(api): State<Api>,
    Path(id): Path<String>,
) -> Result<impl IntoResponse, ApiError> {
    check_id(&id).map_err(ApiError::invalid)?;
    let record = api.store.event(&workspace, &id).await?;
    let accepted_at = rfc3339::format(record.accepted_at);
    Ok(([(header::CONTENT_TYPE.as_str(), "application/json"), ("x-accepted-at", accepted_at.as_str())], record.body)
        .into_response())
}
