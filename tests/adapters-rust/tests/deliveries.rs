//! Every way to receive answers the same, over real HTTP.

use std::io::Write as _;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use adapters_rust::client::{Reply, head, post, post_chunks, send};
use adapters_rust::servers::{Before, Way, start};
use adapters_rust::{Handler, event, receiver, signed, webhook};
use clarife_webhooks::UnixTime;
use clarife_webhooks::testing::{Clock, sample_event, signed_request};
use clarife_webhooks::{DEFAULT_MAX_BODY_BYTES, EventType};

async fn serve(way: Way) -> (SocketAddr, Handler) {
    let handler = Handler::default();
    (start(way, Before::Nothing, receiver(&Clock::default()), handler.clone()).await, handler)
}

#[tokio::test]
async fn good_deliveries_of_every_type_are_handled() {
    for way in Way::ALL {
        let (server, handler) = serve(way).await;
        let reply =
            post(server, &signed(&event("evt_1", "Zażółć 🔑")), event("evt_1", "Zażółć 🔑").body.as_bytes()).await;
        assert_eq!(reply.verdict(), (200, "handled"), "{way:?}");
        assert_eq!(handler.calls(), 1, "{way:?}");
        for event_type in EventType::KNOWN {
            let clock = Clock::default();
            let sample = sample_event(event_type, &clock).expect("a sample");
            let request = signed_request(&webhook(), &sample, &clock).expect("a request");
            let headers: Vec<(&str, &str)> = request
                .headers()
                .iter()
                .map(|(name, value)| (name.as_str(), value.to_str().expect("a text")))
                .collect();
            let reply = post(server, &headers, request.body()).await;
            let is_document = event_type.as_str().starts_with("document.");
            assert_eq!(reply.status, if is_document { 200 } else { 500 }, "{way:?}: {event_type}: the handler decides");
        }
    }
}

#[tokio::test]
async fn bad_deliveries_are_refused_before_the_handler() {
    let good = event("evt_1", "Start");
    let header = |value: &str| vec![("x-clarife-signature", value.to_owned())];
    let signature = webhook().sign(&good.body, Clock::default().now()).expect("a timestamp");
    let stale =
        webhook().sign(&good.body, UnixTime::from_secs(Clock::default().now().as_secs() - 301)).expect("a timestamp");
    let ahead =
        webhook().sign(&good.body, UnixTime::from_secs(Clock::default().now().as_secs() + 301)).expect("a timestamp");
    let no_event = webhook().sign("{}", Clock::default().now()).expect("a timestamp");
    let tampered = good.body.replace("Start", "Stop!");
    let cases = [
        ("tampered", header(&signature), tampered.as_str(), "signature_mismatch"),
        ("stale", header(&stale), &good.body, "timestamp_too_old"),
        ("ahead", header(&ahead), &good.body, "timestamp_in_future"),
        ("missing header", vec![], &good.body, "missing_signature"),
        ("blank header", header(" "), &good.body, "missing_signature"),
        ("malformed header", header("v1=1"), &good.body, "malformed_signature"),
        ("two headers", [header(&signature), header(&signature)].concat(), &good.body, "malformed_signature"),
        ("no body", header(&signature), "", "signature_mismatch"),
        ("no event", header(&no_event), "{}", "malformed_payload"),
    ];
    for way in Way::ALL {
        let (server, handler) = serve(way).await;
        for (what, headers, body, code) in &cases {
            let reply = post(server, headers, body.as_bytes()).await;
            assert_eq!(reply.verdict(), (400, *code), "{way:?}: {what}");
            assert!(reply.head.contains("content-type: application/json"), "{way:?}: {what}: {}", reply.head);
            assert!(reply.body["error"].as_str().is_some_and(|error| !error.is_empty()), "{way:?}: {what}");
        }
        assert_eq!(handler.calls(), 0, "{way:?}");
    }
}

#[tokio::test]
async fn a_body_over_the_limit_is_refused_before_it_is_read() {
    let good = event("evt_1", "Start");
    for way in Way::ALL {
        let handler = Handler::default();
        let limited = receiver(&Clock::default()).with_max_body_bytes(good.body.len());
        let server = start(way, Before::Nothing, limited, handler.clone()).await;
        assert_eq!(
            post(server, &signed(&good), good.body.as_bytes()).await.verdict(),
            (200, "handled"),
            "{way:?}: at the limit"
        );
        let larger = format!("{} ", good.body);
        assert_eq!(post(server, &signed(&good), larger.as_bytes()).await.verdict(), (413, "body_too_large"), "{way:?}");
        // In chunks, without a declared length, and the body never ends.
        let chunks: Vec<&[u8]> = larger.as_bytes().chunks(16).collect();
        let reply = post_chunks(server, &signed(&good), &chunks, false).await;
        assert_eq!(reply.verdict(), (413, "body_too_large"), "{way:?}: chunked");
        assert_eq!(handler.calls(), 1, "{way:?}");

        // The default limit: the length alone is enough, nothing of the body is sent.
        let (server, handler) = serve(way).await;
        let length = (DEFAULT_MAX_BODY_BYTES + 1).to_string();
        let reply = send(server, &[head("POST", &[("content-length", &length)]).as_bytes()]).await;
        assert_eq!(reply.expect("an answer").verdict(), (413, "body_too_large"), "{way:?}: declared");
        assert_eq!(handler.calls(), 0, "{way:?}");
    }
}

#[tokio::test]
async fn a_body_in_odd_pieces_is_one_body() {
    let good = event("evt_1", "Zażółć gęślą jaźń 🔑");
    let bytes = good.body.as_bytes();
    let split = bytes.iter().position(|byte| *byte > 0x7f).expect("a character of several bytes") + 1;
    assert!(std::str::from_utf8(&bytes[..split]).is_err());
    for way in Way::ALL {
        let (server, handler) = serve(way).await;
        for chunks in
            [bytes.chunks(1).collect::<Vec<_>>(), vec![&bytes[..split], &bytes[split..]], bytes.chunks(7).collect()]
        {
            let reply = post_chunks(server, &signed(&good), &chunks, true).await;
            assert_eq!(reply.verdict(), (200, "handled"), "{way:?}");
        }
        // Of a declared length, in two packets.
        let mut headers = signed(&good);
        headers.push(("content-length", bytes.len().to_string()));
        let headers: Vec<(&str, &str)> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let reply = send(server, &[head("POST", &headers).as_bytes(), &bytes[..split], &bytes[split..]]).await;
        assert_eq!(reply.expect("an answer").verdict(), (200, "handled"), "{way:?}");
        assert_eq!(handler.calls(), 4, "{way:?}");
    }
}

#[tokio::test]
async fn a_compressed_body_is_not_what_was_signed_unless_a_layer_unpacks_it() {
    let good = event("evt_1", "Start");
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(good.body.as_bytes()).expect("memory takes it");
    let compressed = encoder.finish().expect("memory takes it");
    let mut headers = signed(&good);
    headers.push(("content-encoding", "gzip".to_owned()));
    for way in Way::ALL {
        let (server, handler) = serve(way).await;
        assert_eq!(post(server, &headers, &compressed).await.verdict(), (400, "signature_mismatch"), "{way:?}");
        assert_eq!(handler.calls(), 0, "{way:?}");
    }
    for way in [Way::TowerService, Way::TowerLayer, Way::AxumExtractor] {
        let handler = Handler::default();
        let server = start(way, Before::Decompression, receiver(&Clock::default()), handler.clone()).await;
        assert_eq!(post(server, &headers, &compressed).await.verdict(), (200, "handled"), "{way:?}");
        // A small body that unpacks to a large one meets the limit.
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        encoder.write_all(&vec![b' '; DEFAULT_MAX_BODY_BYTES + 1]).expect("memory takes it");
        let bomb = encoder.finish().expect("memory takes it");
        assert_eq!(post(server, &headers, &bomb).await.verdict(), (413, "body_too_large"), "{way:?}");
        assert_eq!(handler.calls(), 1, "{way:?}");
    }
}

#[tokio::test]
async fn only_post_is_answered() {
    for way in Way::ALL {
        let (server, handler) = serve(way).await;
        for method in ["GET", "PUT", "DELETE", "OPTIONS"] {
            let reply = send(server, &[head(method, &[]).as_bytes()]).await.expect("an answer");
            assert_eq!(reply.verdict(), (405, "method_not_allowed"), "{way:?}: {method}");
            assert!(reply.head.contains("allow: post"), "{way:?}: {method}: {}", reply.head);
        }
        assert_eq!(handler.calls(), 0, "{way:?}");
    }
}

#[tokio::test]
async fn a_handler_that_fails_is_called_again_when_the_event_is_sent_again() {
    let bad = event("evt_1", "fail at first");
    for way in Way::ALL {
        let (server, handler) = serve(way).await;
        assert_eq!(
            post(server, &signed(&bad), bad.body.as_bytes()).await.verdict(),
            (500, "handler_failed"),
            "{way:?}"
        );
        assert_eq!(post(server, &signed(&bad), bad.body.as_bytes()).await.verdict(), (200, "handled"), "{way:?}");
        assert_eq!(handler.calls(), 2, "{way:?}");
    }
}

#[tokio::test]
async fn a_body_that_was_taken_gets_a_hint() {
    let good = event("evt_1", "Start");
    for way in Way::ALL {
        let (handler, hints) = (Handler::default(), Arc::new(Mutex::new(Vec::new())));
        let told = Arc::clone(&hints);
        let receiver =
            receiver(&Clock::default()).on_error(move |error| told.lock().expect("no panic").push(error.to_string()));
        let server = start(way, Before::BodyTaker, receiver, handler.clone()).await;
        let reply: Reply = post(server, &signed(&good), good.body.as_bytes()).await;
        assert_eq!(reply.verdict(), (500, "body_not_raw"), "{way:?}");
        let hints = hints.lock().expect("no panic").join("\n");
        assert!(hints.starts_with("body_not_raw: ") && hints.contains("axum"), "{way:?}: {hints}");
        assert_eq!(handler.calls(), 0, "{way:?}");
    }
}

#[tokio::test]
async fn a_client_that_hangs_up_harms_nothing() {
    let good = event("evt_1", "Start");
    for way in Way::ALL {
        let (server, handler) = serve(way).await;
        let length = (good.body.len() + 10).to_string();
        let cut = head("POST", &[("content-length", &length)]);
        let stream = tokio::net::TcpStream::connect(server).await.expect("a connection");
        stream.try_write(format!("{cut}{}", good.body).as_bytes()).expect("room");
        drop(stream);
        assert_eq!(post(server, &signed(&good), good.body.as_bytes()).await.verdict(), (200, "handled"), "{way:?}");
        assert_eq!(handler.calls(), 1, "{way:?}");
    }
}
