//! actix-web (feature `actix-web`).
//!
//! [`handler`] makes a handler of deliveries from a handler of events:
//!
//! ```
//! use actix_web::{App, web};
//! use clarife_webhooks::adapters::{BoxError, MemoryStore, Receiver, actix};
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
//! // Create the receiver outside the closure of `HttpServer::new`, so that all workers share one store.
//! let app = App::new().route("/webhooks/clarife", web::to(actix::handler(receiver.clone(), handle)));
//! # Ok(())
//! # }
//! ```
//!
//! [`Verified`] is an extractor. It passes every delivery on, and takes the [`Receiver`] from the application's data, with or
//! without `web::Data` around it:
//!
//! ```
//! use actix_web::{App, HttpResponse, web};
//! use clarife_webhooks::Webhook;
//! use clarife_webhooks::adapters::{Receiver, actix::Verified};
//!
//! async fn receive(Verified(event): Verified) -> HttpResponse {
//!     println!("{} {}", event.event_type(), event.id());
//!     HttpResponse::Ok().finish()
//! }
//!
//! # fn main() -> Result<(), clarife_webhooks::WebhookError> {
//! let receiver = Receiver::new(Webhook::new("whsec_c2VjcmV0")?);
//! let app = App::new().app_data(receiver).route("/webhooks/clarife", web::post().to(receive));
//! # Ok(())
//! # }
//! ```
//!
//! Neither works beside an extractor that reads the body (`web::Bytes`, `web::Json`): the second one finds no body.

use core::fmt;
use core::pin::Pin;
use std::borrow::Cow;
use std::boxed::Box;
use std::future::{Future, poll_fn};
use std::vec::Vec;

use actix_web::dev::Payload;
use actix_web::http::{Method, StatusCode, header};
use actix_web::{FromRequest, HttpRequest, HttpResponse, Responder, ResponseError, web};
use futures_core::Stream as _;

use super::body::{self, Reading};
use super::{BoxError, Receiver};
use crate::standard::StandardHeaders;
use crate::verification::{SIGNATURE_HEADER, SignatureSource, join, sealed, standard_headers};
use crate::{Event, WebhookResponse};

type Local<T> = Pin<Box<dyn Future<Output = T>>>;

/// Creates a handler for `web::to`, which receives deliveries and calls `handle` with their events.
///
/// In a route for one method (`web::post()`), actix-web answers other methods with 404.
pub fn handler<H, F, E>(
    receiver: Receiver,
    handle: H,
) -> impl Fn(HttpRequest, web::Payload) -> Local<WebhookResponse> + Clone + 'static
where
    H: Fn(Event<'static>) -> F + Clone + 'static,
    F: Future<Output = Result<(), E>> + 'static,
    E: Into<BoxError> + 'static,
{
    move |request, payload| {
        let (receiver, handle) = (receiver.clone(), handle.clone());
        Box::pin(async move {
            match read(&receiver, &request, payload.into_inner()).await {
                Ok(body) => receiver.receive(&body, request.headers(), handle).await,
                Err(response) => response,
            }
        })
    }
}

/// A verified event. It reads the request's body.
#[derive(Debug, Clone)]
pub struct Verified(pub Event<'static>);

/// The error of [`Verified`]: the response to a delivery that is refused.
#[derive(Debug, Clone)]
pub struct Rejection(pub WebhookResponse);

impl FromRequest for Verified {
    type Error = actix_web::Error;
    type Future = Local<Result<Self, Self::Error>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, payload) = (request.clone(), payload.take());
        Box::pin(async move {
            let receiver = find_receiver(&request).ok_or_else(|| {
                actix_web::error::ErrorInternalServerError(
                    "cannot verify the delivery: the application has no Receiver; add one with App::app_data",
                )
            })?;
            let body = read(receiver, &request, payload).await.map_err(Rejection)?;
            Ok(Self(receiver.verify(&body, request.headers()).map_err(Rejection)?))
        })
    }
}

/// Returns the receiver in the application's data, whether it is wrapped in `web::Data` or not.
fn find_receiver(request: &HttpRequest) -> Option<&Receiver> {
    let wrapped = || request.app_data::<web::Data<Receiver>>().map(|data| data.get_ref());
    request.app_data::<Receiver>().or_else(wrapped)
}

async fn read(receiver: &Receiver, request: &HttpRequest, payload: Payload) -> Result<Vec<u8>, WebhookResponse> {
    if request.method() != Method::POST {
        return Err(WebhookResponse::MethodNotAllowed);
    }
    body::in_time(receiver, read_all(receiver, request, payload)).await
}

async fn read_all(
    receiver: &Receiver,
    request: &HttpRequest,
    mut payload: Payload,
) -> Result<Vec<u8>, WebhookResponse> {
    let length = request.headers().get(header::CONTENT_LENGTH).map(header::HeaderValue::as_bytes);
    let mut reading = Reading::start(receiver, length)?;
    while let Some(chunk) = poll_fn(|context| Pin::new(&mut payload).poll_next(context)).await {
        reading.push(&chunk.map_err(|_| reading.broken())?)?;
    }
    reading.end()
}

impl sealed::Sealed for &header::HeaderMap {}

impl<'h> SignatureSource<'h> for &'h header::HeaderMap {
    fn signature_header(self) -> Option<Cow<'h, [u8]>> {
        join(self.get_all(SIGNATURE_HEADER).map(header::HeaderValue::as_bytes))
    }

    fn standard_headers(self) -> StandardHeaders<'h> {
        standard_headers(|name| join(self.get_all(name).map(header::HeaderValue::as_bytes)))
    }
}

impl Responder for WebhookResponse {
    type Body = actix_web::body::BoxBody;

    fn respond_to(self, _: &HttpRequest) -> HttpResponse {
        Rejection(self).error_response()
    }
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message())
    }
}

impl ResponseError for Rejection {
    fn status_code(&self) -> StatusCode {
        StatusCode::from_u16(self.0.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    fn error_response(&self) -> HttpResponse {
        let mut response = HttpResponse::build(self.status_code());
        for header in self.0.headers() {
            response.insert_header(*header);
        }
        response.body(self.0.body())
    }
}
