//! One server for each way to receive in Rust.

use std::net::SocketAddr;
use std::sync::mpsc;
use std::thread;

use actix_web::{App, HttpMessage as _, HttpResponse, HttpServer, dev::Service as _, web};
use axum::{Extension, Router, body::Body, extract::Request, middleware, routing};
use clarife_webhooks::adapters::{Receiver, actix, axum::Verified};
use clarife_webhooks::{Event, WebhookResponse};
use tower_http::decompression::RequestDecompressionLayer;

use crate::Handler;

/// A way to receive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// axum's router, the tower service behind it.
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

impl Way {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::TowerService, Self::TowerLayer, Self::AxumExtractor, Self::ActixHandler, Self::ActixExtractor];
    /// Those that handle every event once.
    pub const DEDUP: [Self; 3] = [Self::TowerService, Self::TowerLayer, Self::ActixHandler];
}

/// What stands before the receiver.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Before {
    /// Nothing.
    Nothing,
    /// A layer that takes the body and leaves none.
    BodyTaker,
    /// A layer that decompresses bodies (tower only).
    Decompression,
}

/// A server on a port of its own; it ends with the process of the tests.
pub async fn start(way: Way, before: Before, receiver: Receiver, handler: Handler) -> SocketAddr {
    match way {
        Way::ActixHandler | Way::ActixExtractor => start_actix(way, before, receiver, handler),
        _ => start_axum(way, before, receiver, handler).await,
    }
}

async fn start_axum(way: Way, before: Before, receiver: Receiver, handler: Handler) -> SocketAddr {
    const PATH: &str = "/webhooks/clarife";
    let run = move |event: Event<'static>| handler.clone().handle(event);
    let outcome = |result: Result<(), _>| match result {
        Ok(()) => WebhookResponse::Handled,
        Err(_) => WebhookResponse::HandlerFailed,
    };
    let app: Router = match way {
        Way::TowerService => Router::new().route_service(PATH, receiver.service(run)),
        Way::TowerLayer => {
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
        Before::BodyTaker => app.layer(middleware::map_request(async |request: Request| {
            let (parts, body) = request.into_parts();
            let read = axum::body::to_bytes(body, usize::MAX).await;
            assert!(read.is_ok_and(|read| !read.is_empty()));
            Request::from_parts(parts, Body::empty())
        })),
        Before::Decompression => app.layer(RequestDecompressionLayer::new()),
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move { axum::serve(listener, app).await });
    address
}

fn start_actix(way: Way, before: Before, receiver: Receiver, handler: Handler) -> SocketAddr {
    let (tell, told) = mpsc::channel();
    let run = move |event: Event<'static>| handler.clone().handle(event);
    thread::spawn(move || {
        let server = HttpServer::new(move || {
            let (run, taken) = (run.clone(), before == Before::BodyTaker);
            let route = if way == Way::ActixHandler {
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
                    if taken {
                        drop(request.take_payload());
                    }
                    next.call(request)
                })
                .app_data(receiver.clone())
                .route("/webhooks/clarife", route)
        });
        let server = server.workers(1).disable_signals().bind("127.0.0.1:0").expect("a port");
        tell.send(server.addrs()[0]).expect("the test waits");
        actix_web::rt::System::new().block_on(server.run()).expect("the server runs");
    });
    told.recv().expect("an address")
}
