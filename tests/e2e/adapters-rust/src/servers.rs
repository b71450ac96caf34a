//! A server for each adapter.

use std::net::SocketAddr;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use actix_web::{App, HttpMessage as _, HttpResponse, HttpServer, dev::Service as _, web};
use axum::{Extension, Router, body::Body, extract::Request, middleware, routing};
use clarife_webhooks::adapters::{Receiver, actix, axum::Verified};
use clarife_webhooks::{Event, WebhookResponse};
use tower_http::decompression::RequestDecompressionLayer;
use tower_http::timeout::RequestBodyTimeoutLayer;

use crate::Handler;

/// An adapter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Adapter {
    /// The tower service in axum's router.
    TowerService,
    /// An axum handler behind the tower layer.
    TowerLayer,
    /// An axum handler with the extractor.
    AxumExtractor,
    /// An actix-web route with the handler.
    ActixHandler,
    /// An actix-web handler with the extractor.
    ActixExtractor,
}

impl Adapter {
    /// All adapters.
    pub const ALL: [Self; 5] =
        [Self::TowerService, Self::TowerLayer, Self::AxumExtractor, Self::ActixHandler, Self::ActixExtractor];
    /// The adapters that deduplicate.
    pub const DEDUP: [Self; 3] = [Self::TowerService, Self::TowerLayer, Self::ActixHandler];
}

/// A layer in front of the receiver.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Before {
    /// No layer.
    Nothing,
    /// A layer that consumes the body.
    BodyConsumer,
    /// A layer that decompresses bodies (tower only).
    Decompression,
    /// A layer that gives up on a body (tower only).
    TimeLimit,
}

/// Starts a server on a free port, which runs until the test process ends.
pub async fn start(adapter: Adapter, before: Before, receiver: Receiver, handler: Handler) -> SocketAddr {
    match adapter {
        Adapter::ActixHandler | Adapter::ActixExtractor => start_actix(adapter, before, receiver, handler),
        _ => start_axum(adapter, before, receiver, handler).await,
    }
}

async fn start_axum(adapter: Adapter, before: Before, receiver: Receiver, handler: Handler) -> SocketAddr {
    const PATH: &str = "/webhooks/clarife";
    let run = move |event: Event<'static>| handler.clone().handle(event);
    let outcome = |result: Result<(), _>| match result {
        Ok(()) => WebhookResponse::Handled,
        Err(_) => WebhookResponse::HandlerFailed,
    };
    let app: Router = match adapter {
        Adapter::TowerService => Router::new().route_service(PATH, receiver.service(run)),
        Adapter::TowerLayer => {
            let handle = move |Extension(event): Extension<Event<'static>>| async move { outcome(run(event).await) };
            Router::new().route(PATH, routing::any(handle).layer(receiver.layer()))
        }
        _ => {
            let handle = move |Verified(event): Verified| async move { outcome(run(event).await) };
            Router::new().route(PATH, routing::any(handle)).with_state(receiver)
        }
    };
    let app = match before {
        Before::Nothing => app,
        Before::BodyConsumer => app.layer(middleware::map_request(async |request: Request| {
            let (parts, body) = request.into_parts();
            let read = axum::body::to_bytes(body, usize::MAX).await;
            assert!(read.is_ok_and(|read| !read.is_empty()));
            Request::from_parts(parts, Body::empty())
        })),
        Before::Decompression => app.layer(RequestDecompressionLayer::new()),
        Before::TimeLimit => app.layer(RequestBodyTimeoutLayer::new(Duration::from_millis(20))),
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move { axum::serve(listener, app).await });
    address
}

fn start_actix(adapter: Adapter, before: Before, receiver: Receiver, handler: Handler) -> SocketAddr {
    let (address_sender, address) = mpsc::channel();
    let run = move |event: Event<'static>| handler.clone().handle(event);
    thread::spawn(move || {
        let server = HttpServer::new(move || {
            let (run, consumed) = (run.clone(), before == Before::BodyConsumer);
            let route = if adapter == Adapter::ActixHandler {
                web::to(actix::handler(receiver.clone(), run))
            } else {
                web::to(move |actix::Verified(event): actix::Verified| {
                    let done = run(event);
                    async move {
                        match done.await {
                            Ok(()) => HttpResponse::Ok().body(WebhookResponse::Handled.body()),
                            Err(_) => HttpResponse::InternalServerError().body(WebhookResponse::HandlerFailed.body()),
                        }
                    }
                })
            };
            App::new()
                .wrap_fn(move |mut request, next| {
                    if consumed {
                        drop(request.take_payload());
                    }
                    next.call(request)
                })
                .app_data(receiver.clone())
                .route("/webhooks/clarife", route)
        });
        let server = server.workers(1).disable_signals().bind("127.0.0.1:0").expect("a port");
        address_sender.send(server.addrs()[0]).expect("the test waits");
        actix_web::rt::System::new().block_on(server.run()).expect("the server runs");
    });
    address.recv().expect("an address")
}
