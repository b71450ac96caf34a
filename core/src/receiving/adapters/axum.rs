//! axum (feature `axum`): [`Verified`], an extractor of verified events.
//!
//! The router's state is a [`Receiver`], or contains one (`#[derive(FromRef)]`). A delivery that does not verify gets its response before
//! the handler is called. The body has the receiver's limit, not axum's `DefaultBodyLimit`.
//!
//! ```
//! use axum::{Router, http::StatusCode, routing::post};
//! use clarife_webhooks::adapters::{Receiver, axum::Verified};
//! use clarife_webhooks::{Resource, Webhook};
//!
//! async fn receive(Verified(event): Verified) -> StatusCode {
//!     match event.resource() {
//!         Ok(Resource::Document(document)) => println!("{} {:?}", event.event_type(), document.title),
//!         _ => println!("{}", event.event_type()),
//!     }
//!     StatusCode::OK
//! }
//!
//! # fn main() -> Result<(), clarife_webhooks::WebhookError> {
//! let receiver = Receiver::new(Webhook::new("whsec_c2VjcmV0")?);
//! let app: Router = Router::new().route("/webhooks/clarife", post(receive)).with_state(receiver);
//! # Ok(())
//! # }
//! ```
//!
//! The extractor passes every delivery on. For deduplication, use the service or the layer of the feature `tower`.

use axum_core::extract::{FromRef, FromRequest, Request};
use axum_core::response::{IntoResponse, Response};
use http::StatusCode;

use super::{Receiver, body};
use crate::{Event, WebhookResponse};

/// A verified event. It reads the request's body, and so must be the last argument of a handler.
#[derive(Debug, Clone)]
pub struct Verified(pub Event<'static>);

impl<S> FromRequest<S> for Verified
where
    S: Send + Sync,
    Receiver: FromRef<S>,
{
    type Rejection = WebhookResponse;

    async fn from_request(request: Request, state: &S) -> Result<Self, WebhookResponse> {
        verify(&Receiver::from_ref(state), request).await.map(Self)
    }
}

/// A verified event, by the [`Receiver`] in the request's extensions. For routers whose state cannot contain a receiver: an
/// `Arc` of a state, or a state of another crate, for which Rust allows no `FromRef`.
///
/// ```
/// use std::sync::Arc;
///
/// use axum::extract::{Extension, State};
/// use axum::{Router, http::StatusCode, routing::post};
/// use clarife_webhooks::Webhook;
/// use clarife_webhooks::adapters::{Receiver, axum::VerifiedByExtension};
///
/// struct AppState;
///
/// async fn receive(State(_state): State<Arc<AppState>>, VerifiedByExtension(event): VerifiedByExtension) -> StatusCode {
///     println!("{} {}", event.event_type(), event.id());
///     StatusCode::OK
/// }
///
/// # fn main() -> Result<(), clarife_webhooks::WebhookError> {
/// let receiver = Receiver::new(Webhook::new("whsec_c2VjcmV0")?);
/// let app: Router =
///     Router::new().route("/webhooks/clarife", post(receive)).layer(Extension(receiver)).with_state(Arc::new(AppState));
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct VerifiedByExtension(pub Event<'static>);

impl<S: Send + Sync> FromRequest<S> for VerifiedByExtension {
    type Rejection = Response;

    async fn from_request(request: Request, _: &S) -> Result<Self, Response> {
        let Some(receiver) = request.extensions().get::<Receiver>().cloned() else {
            let message = "cannot verify the delivery: the request has no Receiver; add one with axum::Extension";
            return Err((StatusCode::INTERNAL_SERVER_ERROR, message).into_response());
        };
        verify(&receiver, request).await.map(Self).map_err(IntoResponse::into_response)
    }
}

async fn verify(receiver: &Receiver, request: Request) -> Result<Event<'static>, WebhookResponse> {
    let (parts, body) = request.into_parts();
    if parts.method != http::Method::POST {
        return Err(WebhookResponse::MethodNotAllowed);
    }
    let body = body::read(receiver, &parts.headers, body).await?;
    receiver.verify(&body, &parts.headers)
}

impl IntoResponse for WebhookResponse {
    fn into_response(self) -> Response {
        self.into()
    }
}
