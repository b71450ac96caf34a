//! All adapters return equal responses over HTTP.

use std::io::Write as _;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use adapters_rust::client::{Response, head, post, post_chunks, send};
use adapters_rust::servers::{Adapter, Before, start};
use adapters_rust::{Handler, event, receiver, signed, webhook};
use clarife_webhooks::UnixTime;
use clarife_webhooks::testing::{Clock, sample_event, signed_request};
use clarife_webhooks::{DEFAULT_MAX_BODY_BYTES, EventType};

async fn serve(adapter: Adapter) -> (SocketAddr, Handler) {
    let handler = Handler::default();
    (start(adapter, Before::Nothing, receiver(&Clock::default()), handler.clone()).await, handler)
}

#[tokio::test]
async fn good_deliveries_of_every_type_are_handled() {
    for adapter in Adapter::ALL {
        let (server, handler) = serve(adapter).await;
        let response =
            post(server, &signed(&event("evt_1", "Zażółć 🔑")), event("evt_1", "Zażółć 🔑").body.as_bytes()).await;
        assert_eq!(response.verdict(), (200, "handled"), "{adapter:?}");
        assert_eq!(handler.calls(), 1, "{adapter:?}");
        for event_type in EventType::KNOWN {
            let clock = Clock::default();
            let sample = sample_event(event_type, &clock).expect("a sample");
            let request = signed_request(&webhook(), &sample, &clock).expect("a request");
            let headers: Vec<(&str, &str)> = request
                .headers()
                .iter()
                .map(|(name, value)| (name.as_str(), value.to_str().expect("a text")))
                .collect();
            let response = post(server, &headers, request.body()).await;
            let is_document = event_type.as_str().starts_with("document.");
            assert_eq!(
                response.status,
                if is_document { 200 } else { 500 },
                "{adapter:?}: {event_type}: the handler decides"
            );
        }
    }
}

#[tokio::test]
async fn invalid_deliveries_are_rejected_before_the_handler() {
    let good = event("evt_1", "Start");
    let header = |value: &str| vec![("x-clarife-signature", value.to_owned())];
    let signature = webhook().sign(&good.body, Clock::default().now()).expect("a timestamp");
    let stale =
        webhook().sign(&good.body, UnixTime::from_secs(Clock::default().now().as_secs() - 301)).expect("a timestamp");
    let ahead =
        webhook().sign(&good.body, UnixTime::from_secs(Clock::default().now().as_secs() + 301)).expect("a timestamp");
    let no_event = webhook().sign("{}", Clock::default().now()).expect("a timestamp");
    let changed = good.body.replace("Start", "Stop!");
    let cases = [
        ("changed body", header(&signature), changed.as_str(), "signature_mismatch"),
        ("stale", header(&stale), &good.body, "timestamp_too_old"),
        ("ahead", header(&ahead), &good.body, "timestamp_in_future"),
        ("missing header", vec![], &good.body, "missing_signature"),
        ("blank header", header(" "), &good.body, "missing_signature"),
        ("malformed header", header("v1=1"), &good.body, "malformed_signature"),
        ("two headers", [header(&signature), header(&signature)].concat(), &good.body, "malformed_signature"),
        ("no body", header(&signature), "", "signature_mismatch"),
        ("no event", header(&no_event), "{}", "malformed_payload"),
    ];
    for adapter in Adapter::ALL {
        let (server, handler) = serve(adapter).await;
        for (name, headers, body, code) in &cases {
            let response = post(server, headers, body.as_bytes()).await;
            assert_eq!(response.verdict(), (400, *code), "{adapter:?}: {name}");
            assert!(response.head.contains("content-type: application/json"), "{adapter:?}: {name}: {}", response.head);
            assert!(response.body["error"].as_str().is_some_and(|error| !error.is_empty()), "{adapter:?}: {name}");
        }
        assert_eq!(handler.calls(), 0, "{adapter:?}");
    }
}

#[tokio::test]
async fn a_body_over_the_limit_is_rejected_before_it_is_read() {
    let good = event("evt_1", "Start");
    for adapter in Adapter::ALL {
        let handler = Handler::default();
        let limited = receiver(&Clock::default()).with_max_body_bytes(good.body.len());
        let server = start(adapter, Before::Nothing, limited, handler.clone()).await;
        assert_eq!(
            post(server, &signed(&good), good.body.as_bytes()).await.verdict(),
            (200, "handled"),
            "{adapter:?}: at the limit"
        );
        let larger = format!("{} ", good.body);
        assert_eq!(
            post(server, &signed(&good), larger.as_bytes()).await.verdict(),
            (413, "body_too_large"),
            "{adapter:?}"
        );
        // In chunks, without a declared length, and without an end.
        let chunks: Vec<&[u8]> = larger.as_bytes().chunks(16).collect();
        let response = post_chunks(server, &signed(&good), &chunks, false).await;
        assert_eq!(response.verdict(), (413, "body_too_large"), "{adapter:?}: chunked");
        assert_eq!(handler.calls(), 1, "{adapter:?}");

        // The declared length alone exceeds the default limit, without a body.
        let (server, handler) = serve(adapter).await;
        let length = (DEFAULT_MAX_BODY_BYTES + 1).to_string();
        let response = send(server, &[head("POST", &[("content-length", &length)]).as_bytes()]).await;
        assert_eq!(response.expect("a response").verdict(), (413, "body_too_large"), "{adapter:?}: declared");
        assert_eq!(handler.calls(), 0, "{adapter:?}");
    }
}

#[tokio::test]
async fn a_body_in_odd_pieces_is_one_body() {
    let good = event("evt_1", "Zażółć gęślą jaźń 🔑");
    let bytes = good.body.as_bytes();
    let split = bytes.iter().position(|byte| *byte > 0x7f).expect("a character of several bytes") + 1;
    assert!(std::str::from_utf8(&bytes[..split]).is_err());
    for adapter in Adapter::ALL {
        let (server, handler) = serve(adapter).await;
        for chunks in
            [bytes.chunks(1).collect::<Vec<_>>(), vec![&bytes[..split], &bytes[split..]], bytes.chunks(7).collect()]
        {
            let response = post_chunks(server, &signed(&good), &chunks, true).await;
            assert_eq!(response.verdict(), (200, "handled"), "{adapter:?}");
        }
        // With a declared length, in two packets.
        let mut headers = signed(&good);
        headers.push(("content-length", bytes.len().to_string()));
        let headers: Vec<(&str, &str)> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let response = send(server, &[head("POST", &headers).as_bytes(), &bytes[..split], &bytes[split..]]).await;
        assert_eq!(response.expect("a response").verdict(), (200, "handled"), "{adapter:?}");
        assert_eq!(handler.calls(), 4, "{adapter:?}");
    }
}

#[tokio::test]
async fn a_compressed_body_needs_a_layer_that_decompresses_it() {
    let good = event("evt_1", "Start");
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(good.body.as_bytes()).expect("writes to memory");
    let compressed = encoder.finish().expect("writes to memory");
    let mut headers = signed(&good);
    headers.push(("content-encoding", "gzip".to_owned()));
    for adapter in Adapter::ALL {
        let (server, handler) = serve(adapter).await;
        assert_eq!(post(server, &headers, &compressed).await.verdict(), (400, "signature_mismatch"), "{adapter:?}");
        assert_eq!(handler.calls(), 0, "{adapter:?}");
    }
    for adapter in [Adapter::TowerService, Adapter::TowerLayer, Adapter::AxumExtractor] {
        let handler = Handler::default();
        let server = start(adapter, Before::Decompression, receiver(&Clock::default()), handler.clone()).await;
        assert_eq!(post(server, &headers, &compressed).await.verdict(), (200, "handled"), "{adapter:?}");
        // The limit applies to the decompressed body.
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        encoder.write_all(&vec![b' '; DEFAULT_MAX_BODY_BYTES + 1]).expect("writes to memory");
        let bomb = encoder.finish().expect("writes to memory");
        assert_eq!(post(server, &headers, &bomb).await.verdict(), (413, "body_too_large"), "{adapter:?}");
        assert_eq!(handler.calls(), 1, "{adapter:?}");
    }
}

#[tokio::test]
async fn only_post_is_allowed() {
    for adapter in Adapter::ALL {
        let (server, handler) = serve(adapter).await;
        for method in ["GET", "PUT", "DELETE", "OPTIONS"] {
            let response = send(server, &[head(method, &[]).as_bytes()]).await.expect("a response");
            assert_eq!(response.verdict(), (405, "method_not_allowed"), "{adapter:?}: {method}");
            assert!(response.head.contains("allow: post"), "{adapter:?}: {method}: {}", response.head);
        }
        assert_eq!(handler.calls(), 0, "{adapter:?}");
    }
}

#[tokio::test]
async fn a_handler_that_fails_is_called_again_when_the_event_is_retried() {
    let bad = event("evt_1", "fail at first");
    for adapter in Adapter::ALL {
        let (server, handler) = serve(adapter).await;
        assert_eq!(
            post(server, &signed(&bad), bad.body.as_bytes()).await.verdict(),
            (500, "handler_failed"),
            "{adapter:?}"
        );
        assert_eq!(post(server, &signed(&bad), bad.body.as_bytes()).await.verdict(), (200, "handled"), "{adapter:?}");
        assert_eq!(handler.calls(), 2, "{adapter:?}");
    }
}

#[tokio::test]
async fn a_consumed_body_gets_a_hint() {
    let good = event("evt_1", "Start");
    for adapter in Adapter::ALL {
        let (handler, hints) = (Handler::default(), Arc::new(Mutex::new(Vec::new())));
        let reported = Arc::clone(&hints);
        let receiver = receiver(&Clock::default())
            .on_error(move |error| reported.lock().expect("no panic").push(error.to_string()));
        let server = start(adapter, Before::BodyConsumer, receiver, handler.clone()).await;
        let response: Response = post(server, &signed(&good), good.body.as_bytes()).await;
        assert_eq!(response.verdict(), (500, "body_not_raw"), "{adapter:?}");
        let hints = hints.lock().expect("no panic").join("\n");
        assert!(hints.starts_with("body_not_raw: ") && hints.contains("axum"), "{adapter:?}: {hints}");
        assert_eq!(handler.calls(), 0, "{adapter:?}");
    }
}

#[tokio::test]
async fn a_disconnected_client_does_not_affect_others() {
    let good = event("evt_1", "Start");
    for adapter in Adapter::ALL {
        let (server, handler) = serve(adapter).await;
        let length = (good.body.len() + 10).to_string();
        let cut = head("POST", &[("content-length", &length)]);
        let stream = tokio::net::TcpStream::connect(server).await.expect("a connection");
        stream.try_write(format!("{cut}{}", good.body).as_bytes()).expect("room");
        drop(stream);
        assert_eq!(post(server, &signed(&good), good.body.as_bytes()).await.verdict(), (200, "handled"), "{adapter:?}");
        assert_eq!(handler.calls(), 1, "{adapter:?}");
    }
}
