//! Receivers among the layers, states and extractors that people use, over real HTTP.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use actix_web::{App, HttpResponse, HttpServer, web};
use adapters_rust::client::{Response, head, post, send};
use adapters_rust::{event, receiver, signed};
use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::{any, post as post_route};
use axum::{Extension, Router};
use clarife_webhooks::Event;
use clarife_webhooks::adapters::axum::VerifiedByExtension;
use clarife_webhooks::adapters::{MemoryStore, actix};
use clarife_webhooks::testing::Clock;
use tokio::net::TcpListener;
use tower::ServiceBuilder;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;
use tower_http::limit::RequestBodyLimitLayer;
use tower_http::trace::TraceLayer;

const PATH: &str = "/webhooks/clarife";

async fn serve(app: Router) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async { axum::serve(listener, app).await });
    address
}

async fn deliver(server: SocketAddr, id: &str, title: &str) -> Response {
    let event = event(id, title);
    post(server, &signed(&event), event.body.as_bytes()).await
}

async fn accept(Extension(event): Extension<Event<'static>>) -> StatusCode {
    assert_eq!(event.id(), "evt_1");
    StatusCode::NO_CONTENT
}

#[tokio::test]
async fn the_layer_wraps_services_with_every_body() {
    let layer = || receiver(&Clock::default()).layer();
    for app in [
        Router::new()
            .route(PATH, any(accept).layer(ServiceBuilder::new().layer(layer()).layer(TraceLayer::new_for_http()))),
        Router::new()
            .route(PATH, any(accept).layer(ServiceBuilder::new().layer(layer()).layer(CompressionLayer::new()))),
        Router::new()
            .route(PATH, any(accept).layer(ServiceBuilder::new().layer(layer()).layer(CatchPanicLayer::new()))),
        Router::new().route(
            PATH,
            any(accept).layer(ServiceBuilder::new().layer(layer()).layer(RequestBodyLimitLayer::new(1 << 20))),
        ),
        Router::new()
            .route(PATH, any(accept).layer(ServiceBuilder::new().layer(TraceLayer::new_for_http()).layer(layer()))),
    ] {
        let server = serve(app).await;
        assert_eq!(deliver(server, "evt_1", "Start").await.status, 204);
        let refused = post(server, &[("x-clarife-signature", "t=1")], b"{}").await;
        assert_eq!(refused.verdict(), (400, "malformed_signature"));
    }
}

#[tokio::test]
async fn the_layer_lifts_axums_own_limit() {
    async fn read(body: Bytes) -> StatusCode {
        if body.len() > 3 << 20 { StatusCode::NO_CONTENT } else { StatusCode::BAD_REQUEST }
    }
    let server = serve(Router::new().route(PATH, post_route(read).layer(receiver(&Clock::default()).layer()))).await;
    assert_eq!(deliver(server, "evt_1", &"x".repeat(3 << 20)).await.status, 204);
}

#[tokio::test]
async fn a_body_that_does_not_arrive_holds_no_permit_of_the_inner_service() {
    let layers = ServiceBuilder::new().layer(receiver(&Clock::default()).layer()).concurrency_limit(1);
    let server = serve(Router::new().route(PATH, any(accept).layer(layers))).await;
    let stalled = tokio::spawn(async move {
        let head = head("POST", &[("content-length", "100")]);
        let _ = send(server, &[head.as_bytes(), b"{"]).await;
    });
    tokio::time::sleep(Duration::from_millis(100)).await; // the stalled request has reached the server
    let reply = tokio::time::timeout(Duration::from_secs(10), deliver(server, "evt_1", "Start")).await;
    assert_eq!(reply.expect("a response while another body is on its way").status, 204);
    stalled.abort();
}

#[tokio::test]
async fn the_extractor_takes_the_receiver_from_the_extensions() {
    struct AppState;
    async fn receive(State(_): State<Arc<AppState>>, VerifiedByExtension(event): VerifiedByExtension) -> StatusCode {
        assert_eq!(event.id(), "evt_1");
        StatusCode::NO_CONTENT
    }
    let app = Router::new().route(PATH, any(receive));
    let with = app.clone().layer(Extension(receiver(&Clock::default()))).with_state(Arc::new(AppState));
    let server = serve(with).await;
    assert_eq!(deliver(server, "evt_1", "Start").await.status, 204);
    let refused = post(server, &[("x-clarife-signature", "t=1")], b"{}").await;
    assert_eq!(refused.verdict(), (400, "malformed_signature"));
    // Without the extension the response says what is missing.
    let server = serve(app.with_state(Arc::new(AppState))).await;
    assert_eq!(deliver(server, "evt_1", "Start").await.status, 500);
}

#[tokio::test]
async fn stores_may_be_shared_by_an_arc() {
    let store = Arc::new(MemoryStore::default());
    let server = serve(Router::new().route_service(
        PATH,
        receiver(&Clock::default()).dedup(Arc::clone(&store)).service(|_| async { Ok::<_, std::io::Error>(()) }),
    ))
    .await;
    assert_eq!(deliver(server, "evt_1", "Start").await.verdict(), (200, "handled"));
    assert_eq!(deliver(server, "evt_1", "Start").await.verdict(), (200, "duplicate"));
}

#[test]
fn actix_finds_the_receiver_in_web_data() {
    async fn receive(actix::Verified(event): actix::Verified) -> HttpResponse {
        assert_eq!(event.id(), "evt_1");
        HttpResponse::NoContent().finish()
    }
    let (send, addresses) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        actix_web::rt::System::new().block_on(async {
            let receiver = receiver(&Clock::default());
            let app = move || {
                let data = web::Data::new(receiver.clone());
                App::new().app_data(data).route(PATH, web::post().to(receive))
            };
            let server = HttpServer::new(app).workers(1).bind(("127.0.0.1", 0)).expect("a port");
            send.send(server.addrs()[0]).expect("the test waits");
            server.run().await
        })
    });
    let server = addresses.recv().expect("an address");
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    assert_eq!(runtime.block_on(deliver(server, "evt_1", "Start")).status, 204);
}
