//! tower (feature `tower`), for axum, hyper and other servers of tower services.
//!
//! [`WebhookService`] receives deliveries and calls a handler with their events:
//!
//! ```
//! use axum::Router;
//! use clarife_webhooks::adapters::{BoxError, MemoryStore, Receiver};
//! use clarife_webhooks::{Event, EventType, Webhook};
//!
//! async fn handle(event: Event<'static>) -> Result<(), BoxError> {
//!     match event.event_type() {
//!         EventType::DocumentUpdated => println!("changed: {}", event.data()),
//!         other => println!("{other}"),
//!     }
//!     Ok(())
//! }
//!
//! # fn main() -> Result<(), clarife_webhooks::WebhookError> {
//! let receiver = Receiver::new(Webhook::new("whsec_c2VjcmV0")?).dedup(MemoryStore::default());
//! let app: Router = Router::new().route_service("/webhooks/clarife", receiver.service(handle));
//! # Ok(())
//! # }
//! ```
//!
//! [`WebhookLayer`] wraps a service of your own, for example an axum handler. The request's extensions contain the event, and its
//! body is the raw body:
//!
//! ```
//! use axum::{Extension, Router, http::StatusCode, routing::post};
//! use clarife_webhooks::adapters::{MemoryStore, Receiver};
//! use clarife_webhooks::{Event, Webhook};
//!
//! async fn handle(Extension(event): Extension<Event<'static>>) -> StatusCode {
//!     println!("{} {}", event.event_type(), event.id());
//!     StatusCode::NO_CONTENT
//! }
//!
//! # fn main() -> Result<(), clarife_webhooks::WebhookError> {
//! let receiver = Receiver::new(Webhook::new("whsec_c2VjcmV0")?).dedup(MemoryStore::default());
//! let app: Router = Router::new().route("/webhooks/clarife", post(handle).layer(receiver.layer()));
//! # Ok(())
//! # }
//! ```

use core::convert::Infallible;
use core::future::poll_fn;
use core::pin::Pin;
use core::task::{Context, Poll};
use std::boxed::Box;
use std::future::Future;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{Either, Full};
use tower_layer::Layer;
use tower_service::Service;

use super::{BoxError, Receiver, body};
use crate::{Event, WebhookResponse};

impl Receiver {
    /// Creates a service that receives deliveries and calls a handler with their events.
    #[must_use]
    pub const fn service<H>(self, handler: H) -> WebhookService<H> {
        WebhookService { receiver: self, handler }
    }

    /// Creates a layer that passes verified deliveries on.
    #[must_use]
    pub const fn layer(self) -> WebhookLayer {
        WebhookLayer { receiver: self }
    }
}

/// A service that receives deliveries and calls a handler with their events.
#[derive(Debug, Clone)]
pub struct WebhookService<H> {
    receiver: Receiver,
    handler: H,
}

type Responding<R, E> = Pin<Box<dyn Future<Output = Result<Response<R>, E>> + Send>>;

impl<B, H, F, E> Service<Request<B>> for WebhookService<H>
where
    B: http_body::Body<Data: Send> + Send + 'static,
    B::Error: Into<BoxError>,
    H: Fn(Event<'static>) -> F + Clone + Send + 'static,
    F: Future<Output = Result<(), E>> + Send,
    E: Into<BoxError> + Send,
{
    type Response = Response<Full<Bytes>>;
    type Error = Infallible;
    type Future = Responding<Full<Bytes>, Infallible>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let Self { receiver, handler } = self.clone();
        Box::pin(async move {
            let (parts, body) = request.into_parts();
            let response = if parts.method == http::Method::POST {
                match body::read(&receiver, &parts.headers, body).await {
                    Ok(body) => receiver.receive(&body, &parts.headers, handler).await,
                    Err(response) => response,
                }
            } else {
                WebhookResponse::MethodNotAllowed
            };
            Ok(response.into())
        })
    }
}

/// A layer that wraps a service in a [`WebhookGate`].
#[derive(Debug, Clone)]
pub struct WebhookLayer {
    receiver: Receiver,
}

impl<S> Layer<S> for WebhookLayer {
    type Service = WebhookGate<S>;

    fn layer(&self, inner: S) -> WebhookGate<S> {
        WebhookGate { receiver: self.receiver.clone(), inner }
    }
}

/// A service that passes verified deliveries on to another service, and responds to all others itself.
///
/// The inner service receives the raw body, and the [`Event`] in the request's extensions. The gate returns the inner service's
/// response unchanged. The event is handled if the status is 2xx. After any other status, and after an error, clarife retries.
///
/// The inner service may respond with any body. The gate asks the inner service for readiness only after a delivery has
/// verified, so that requests without a valid signature hold no permit of a `ConcurrencyLimit` below the gate. With the
/// feature `axum`, the gate lifts axum's `DefaultBodyLimit` for the request: the receiver's own limit applies.
#[derive(Debug, Clone)]
pub struct WebhookGate<S> {
    receiver: Receiver,
    inner: S,
}

impl<B, S, R> Service<Request<B>> for WebhookGate<S>
where
    B: http_body::Body<Data: Send> + Send + 'static,
    B::Error: Into<BoxError>,
    S: Service<Request<Full<Bytes>>, Response = Response<R>> + Clone + Send + 'static,
    S::Future: Send,
    S::Error: Send,
    R: Send,
{
    type Response = Response<Either<Full<Bytes>, R>>;
    type Error = S::Error;
    type Future = Responding<Either<Full<Bytes>, R>, S::Error>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let Self { receiver, mut inner } = self.clone();
        let refuse = |response: WebhookResponse| Ok(Response::from(response).map(Either::Left));
        Box::pin(async move {
            let (mut parts, body) = request.into_parts();
            if parts.method != http::Method::POST {
                return refuse(WebhookResponse::MethodNotAllowed);
            }
            let verified = match body::read(&receiver, &parts.headers, body).await {
                Ok(body) => receiver.verify(&body, &parts.headers).map(|event| (event, body)),
                Err(response) => Err(response),
            };
            let (event, body) = match verified {
                Ok(verified) => verified,
                Err(response) => return refuse(response),
            };
            parts.extensions.insert(event.clone());
            #[cfg_attr(not(feature = "axum"), expect(unused_mut, reason = "only axum has a limit to lift"))]
            let mut request = Request::from_parts(parts, Full::new(Bytes::from(body)));
            #[cfg(feature = "axum")]
            axum_core::extract::DefaultBodyLimit::disable().apply(&mut request);
            let handler = async move {
                let result = match poll_fn(|context| inner.poll_ready(context)).await {
                    Ok(()) => inner.call(request).await,
                    Err(error) => Err(error),
                };
                let succeeded = result.as_ref().is_ok_and(|response| response.status().is_success());
                if succeeded { Ok(result) } else { Err((result, None)) }
            };
            let (response, result) = receiver.run(&event, handler).await;
            match result {
                Some(result) => result.map(|response| response.map(Either::Right)),
                None => refuse(response),
            }
        })
    }
}
