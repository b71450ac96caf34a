//! Bodies that do not arrive: the connection ends, a layer gives up, or the receiver's own time passes.

use std::future::{pending, ready};
use std::net::SocketAddr;
use std::sync::mpsc::{Receiver as Codes, channel};
use std::time::Duration;

use adapters_rust::client::{head, post, send};
use adapters_rust::servers::{Adapter, Before, start};
use adapters_rust::{Handler, event, receiver, signed};
use clarife_webhooks::BODY_TIMEOUT;
use clarife_webhooks::adapters::Receiver;
use clarife_webhooks::testing::Clock;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// Starts a server, and returns the codes of its errors beside the address.
async fn serve(adapter: Adapter, before: Before, receiver: Receiver) -> (SocketAddr, Codes<String>, Handler) {
    let (sender, codes) = channel();
    let handler = Handler::default();
    let receiver = receiver.on_error(move |error| {
        let _ = sender.send(error.code().to_owned());
    });
    (start(adapter, before, receiver, handler.clone()).await, codes, handler)
}

/// Waits for the code of an error, on a thread on which a test may wait.
async fn code(codes: Codes<String>) -> String {
    let wait = move || codes.recv_timeout(Duration::from_secs(30)).expect("an error");
    tokio::task::spawn_blocking(wait).await.expect("no panic")
}

#[tokio::test]
async fn a_connection_that_ends_in_the_body_is_reported_as_such() {
    for adapter in Adapter::ALL {
        for head in [
            head("POST", &[("content-length", "100")]) + "{\"id\":",
            head("POST", &[("transfer-encoding", "chunked")]) + "6\r\n{\"id\":\r\n",
            head("POST", &[("transfer-encoding", "chunked")]) + "6\r\n{\"id\":\r\nno chunk\r\n",
        ] {
            let (server, codes, handler) = serve(adapter, Before::Nothing, receiver(&Clock::default())).await;
            let mut stream = TcpStream::connect(server).await.expect("a connection");
            stream.write_all(head.as_bytes()).await.expect("sent");
            stream.shutdown().await.expect("shut down");
            let mut response = Vec::new();
            let _ = stream.read_to_end(&mut response).await;
            assert_eq!(code(codes).await, "body_incomplete", "{adapter:?}: {head}");
            let response = String::from_utf8_lossy(&response);
            assert!(response.is_empty() || response.contains(r#""code":"body_incomplete""#), "{adapter:?}: {response}");
            assert_eq!(handler.calls(), 0, "{adapter:?}");
        }
    }
}

#[tokio::test]
async fn a_body_that_stalls_is_given_up_with_a_timer() {
    for adapter in Adapter::ALL {
        // A timer whose time for the body has passed, and for a store never does.
        let timed = receiver(&Clock::default())
            .with_timer(|time| async move { if time == BODY_TIMEOUT { ready(()).await } else { pending().await } });
        let (server, codes, handler) = serve(adapter, Before::Nothing, timed).await;
        let head = head("POST", &[("content-length", "100")]);
        let response = send(server, &[head.as_bytes(), b"{\"id\":"]).await.expect("a response");
        assert_eq!(response.verdict(), (400, "body_incomplete"), "{adapter:?}");
        assert_eq!(code(codes).await, "body_incomplete", "{adapter:?}");
        assert_eq!(handler.calls(), 0, "{adapter:?}");
    }
}

#[tokio::test]
async fn a_body_in_time_is_handled() {
    let good = event("evt_1", "Start");
    for adapter in Adapter::ALL {
        let timed = receiver(&Clock::default()).with_timer(tokio::time::sleep);
        let (server, _, handler) = serve(adapter, Before::Nothing, timed).await;
        assert_eq!(post(server, &signed(&good), good.body.as_bytes()).await.verdict(), (200, "handled"), "{adapter:?}");
        assert_eq!(handler.calls(), 1, "{adapter:?}");
    }
}

#[tokio::test]
async fn a_layer_that_gives_up_on_a_body_is_no_malformed_event() {
    for adapter in [Adapter::TowerService, Adapter::TowerLayer, Adapter::AxumExtractor] {
        let (server, codes, handler) = serve(adapter, Before::TimeLimit, receiver(&Clock::default())).await;
        let head = head("POST", &[("content-length", "100")]);
        let response = send(server, &[head.as_bytes(), b"{\"id\":"]).await.expect("a response");
        assert_eq!(response.verdict(), (400, "body_incomplete"), "{adapter:?}");
        assert_eq!(code(codes).await, "body_incomplete", "{adapter:?}");
        assert_eq!(handler.calls(), 0, "{adapter:?}");
    }
}
