//! The types that users have in their hands: headers, bodies, states and errors.

use std::collections::HashMap;

use adapters_rust::{event, receiver, signed, webhook};
use axum::http::{HeaderMap, HeaderValue};
use clarife_webhooks::adapters::Receiver;
use clarife_webhooks::testing::{Clock, test_event};
use clarife_webhooks::{EventType, Resource, SIGNATURE_HEADER, SignatureSource, UnixTime, WebhookResponse};
use serde_json::json;

fn verifies<'h>(name: &str, signature: impl SignatureSource<'h>) {
    let good = event("evt_1", "Start");
    let verified = webhook().verify_at(&good.body, signature, Clock::default().now());
    assert!(verified.is_ok(), "{name}: {verified:?}");
}

#[test]
#[allow(clippy::needless_borrows_for_generic_args, reason = "a reference is the type under test")]
fn a_signature_of_every_type_is_accepted() {
    let good = event("evt_1", "Start");
    let text = signed(&good)[0].1.clone();
    let value = HeaderValue::from_str(&text).expect("visible ASCII");
    let mut headers = HeaderMap::new();
    headers.insert(SIGNATURE_HEADER, value.clone());
    verifies("&HeaderValue", &value);
    verifies("HeaderMap::get", headers.get(SIGNATURE_HEADER));
    verifies("&HeaderMap", &headers);
    verifies("Option<&HeaderMap>", Some(&headers));
    verifies("HeaderMap", headers.clone());
    verifies("to_str", value.to_str().ok());
    verifies("&str", text.as_str());
    verifies("String", text.clone());
    verifies("Option<String>", Some(text.clone()));
    let optional = Some(text.clone());
    verifies("&Option<String>", &optional);
    verifies("&Option<String> again", &optional);
    verifies("Cow", String::from_utf8_lossy(text.as_bytes()));
    verifies("Vec<u8>", text.clone().into_bytes());
    verifies("&[u8]", text.as_bytes());
    verifies("HashMap<String, String>::get", HashMap::from([("a".to_owned(), text.clone())]).get("a"));
    verifies("HashMap<&str, &str>::get", HashMap::from([("a", text.as_str())]).get("a"));

    let mut actix = actix_web::http::header::HeaderMap::new();
    let name = actix_web::http::header::HeaderName::from_static(SIGNATURE_HEADER);
    actix.insert(name, actix_web::http::header::HeaderValue::from_str(&text).expect("visible ASCII"));
    verifies("actix's HeaderMap::get", actix.get(SIGNATURE_HEADER));
    verifies("actix's &HeaderMap", &actix);
}

#[test]
fn a_body_of_every_type_is_accepted() {
    let good = event("evt_1", "Start");
    let (signature, now, webhook) = (signed(&good)[0].1.clone(), Clock::default().now(), webhook());
    let bytes = axum::body::Bytes::from(good.body.clone());
    assert!(webhook.verify_at(&bytes, &signature, now).is_ok());
    assert!(webhook.verify_at(&bytes[..], &signature, now).is_ok());
    assert!(webhook.verify_at(&good.body, &signature, now).is_ok());
    assert!(webhook.verify_at(good.body.as_str(), &signature, now).is_ok());
    assert!(webhook.verify_at(good.body.as_bytes(), &signature, now).is_ok());
    assert!(webhook.verify_at(&bytes.to_vec(), &signature, now).is_ok());
}

#[test]
fn no_time_panics() {
    let good = event("evt_1", "Start");
    for millis in [1_774_699_200_000, i64::MAX, i64::MIN, -1] {
        let clock = Clock::at(UnixTime::from_secs(millis)); // milliseconds where seconds are wanted
        let refused = receiver(&clock).verify(good.body.as_bytes(), &signed(&good)[0].1).expect_err("another time");
        assert!(refused.code().starts_with("timestamp_"), "{refused}");
        clock.advance(std::time::Duration::MAX);
        let refused = receiver(&clock).verify(good.body.as_bytes(), &signed(&good)[0].1).expect_err("another time");
        assert!(refused.code().starts_with("timestamp_"), "{refused}");
    }
}

#[test]
fn a_response_is_an_error_and_main_shows_sentence_and_hint() {
    fn verify(receiver: &Receiver) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        receiver.verify(b"{}", None::<&str>)?;
        Ok(())
    }
    let error = verify(&receiver(&Clock::default())).expect_err("refused");
    assert_eq!(error.to_string(), "missing_signature: the signature header is missing");
    assert!(error.is::<WebhookResponse>());

    // `main` prints the Debug form.
    let error = clarife_webhooks::Webhook::new("").expect_err("no secret");
    let shown = format!("{error:?}");
    assert!(shown.contains(&error.to_string()) && shown.contains(error.hint()), "{shown}");
}

#[test]
fn hints_are_in_the_body_in_development_alone() {
    let body = |receiver: Receiver| receiver.verify(b"{}", None::<&str>).expect_err("refused").body();
    let hint = clarife_webhooks::ErrorCode::MissingSignature.hint();
    let plain = r#"{"code":"missing_signature","error":"the signature header is missing"}"#;
    let hinted = format!(
        r#"{{"code":"missing_signature","error":"the signature header is missing","hint":{}}}"#,
        serde_json::Value::from(hint)
    );
    assert_eq!(body(receiver(&Clock::default()).with_hints(true)), hinted);
    assert_eq!(body(receiver(&Clock::default()).with_hints(false)), plain);
    assert_eq!(body(receiver(&Clock::default())), if cfg!(debug_assertions) { hinted.as_str() } else { plain });
}

#[test]
fn an_event_for_a_handler_has_the_members_of_the_test() {
    let title = |data| match test_event(EventType::DocumentUpdated, data).expect("an event").resource() {
        Ok(Resource::Document(document)) => (document.title, document.word_count),
        other => panic!("{other:?}"),
    };
    assert_eq!(title(json!({})), (Some("Getting started".to_owned()), Some(7)));
    assert_eq!(title(json!({ "title": "Start" })), (Some("Start".to_owned()), Some(7)));
    assert_eq!(title(json!({ "title": null })).1, Some(7));
    for event_type in EventType::KNOWN {
        let event = test_event(event_type, json!({ "mine": [1] })).expect("an event");
        assert_eq!(event.event_type(), event_type);
        assert!(event.data().contains(r#""mine":[1]"#), "{}", event.data());
    }
    let unknown = test_event(EventType::Unknown("video.rendered"), json!({ "id": "vid_1" })).expect("an event");
    assert_eq!((unknown.event_type(), unknown.data()), (EventType::Unknown("video.rendered"), r#"{"id":"vid_1"}"#));
    for data in [json!([]), json!(null), json!("text")] {
        assert!(test_event(EventType::ShareCreated, data).is_err());
    }
    assert!(test_event(EventType::Unknown(""), json!({})).is_err());
    assert!(test_event(EventType::ShareCreated, json!({ "n": u64::MAX })).is_err());
}
