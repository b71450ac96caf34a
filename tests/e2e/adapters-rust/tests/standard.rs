//! Standard Webhooks in both directions with the published crate.

use adapters_rust::client::post;
use adapters_rust::servers::{Adapter, Before, start};
use adapters_rust::{Handler, SECRET, event, webhook};
use axum::http::{HeaderMap, HeaderValue};
use clarife_webhooks::UnixTime;
use clarife_webhooks::adapters::Receiver;
use clarife_webhooks::sender::{Signer, SigningSecret};
use clarife_webhooks::standard::StandardHeaders;
use clarife_webhooks::testing::Clock;
use clarife_webhooks::{ErrorCode, Webhook};
use standardwebhooks::Webhook as Published;

fn map(headers: &StandardHeaders<'_>) -> HeaderMap {
    headers
        .pairs()
        .into_iter()
        .map(|(name, value)| (name.parse().expect("a name"), HeaderValue::from_str(value).expect("a value")))
        .collect()
}

const SECRETS: [&str; 4] =
    [SECRET, "c2VjcmV0LWZvci10aGUtdGVzdHM=", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_AAAA"];
const BODIES: [&str; 4] = ["{}", "", r#"{"title":"Zażółć gęślą jaźń 🔑"}"#, "\u{0}\n not json"];

#[test]
fn the_published_crate_verifies_our_signatures() {
    for secret in SECRETS {
        let (ours, theirs) = (Webhook::new(secret).expect("a secret"), Published::new(secret).expect("a secret"));
        for body in BODIES {
            let headers = ours.sign_standard(body, "evt_1", UnixTime::now()).expect("an id and a time");
            theirs.verify(body.as_bytes(), &map(&headers)).expect("verifies");
            let wrong = ours.sign_standard(&format!("{body} "), "evt_1", UnixTime::now()).expect("an id and a time");
            theirs.verify(body.as_bytes(), &map(&wrong)).expect_err("another body");
        }
    }
}

#[test]
fn we_verify_the_published_crates_signatures() {
    let good = event("evt_1", "Zażółć gęślą jaźń 🔑");
    for secret in SECRETS {
        let ours = Webhook::new(secret).and_then(Webhook::require_standard_webhooks).expect("a secret");
        let theirs = Published::new(secret).expect("a secret");
        let at = Clock::default().now();
        for id in ["evt_1", "msg_2KWPBgLlAfxdpx2AI54pPJ85f4W", "a.b"] {
            let signature = theirs.sign(id, at.as_secs(), good.body.as_bytes()).expect("signs");
            let (timestamp, other) = (at.as_secs().to_string(), (at.as_secs() + 1).to_string());
            let headers = StandardHeaders::new(id, &timestamp, &signature);
            assert_eq!(ours.verify_at(&good.body, &headers, at).expect("verifies").id(), "evt_1");
            assert_eq!(ours.verify_at(&good.body, map(&headers), at).expect("verifies").id(), "evt_1");
            let headers = StandardHeaders::new(id, &other, &signature);
            let error = ours.verify_at(&good.body, &headers, at).expect_err("another time");
            assert_eq!(error.code(), ErrorCode::SignatureMismatch);
            assert_eq!(headers.signature, signature);
        }
        for body in BODIES {
            let signed = ours.sign_standard(body, "evt_1", at).expect("an id and a time");
            assert_eq!(
                signed.signature,
                theirs.sign("evt_1", at.as_secs(), body.as_bytes()).expect("signs"),
                "{secret}: {body}"
            );
        }
    }
}

#[test]
fn a_rotation_on_either_side() {
    let (old, new) = (SigningSecret::generate().expect("random"), SigningSecret::generate().expect("random"));
    let signer = Signer::new(old.clone()).rotate_to(new.clone(), UnixTime::now());
    let headers = signer.sign_standard("{}", "evt_1", UnixTime::now()).expect("an id and a time");
    for secret in [&old, &new] {
        Published::new(secret.expose()).expect("a secret").verify(b"{}", &map(&headers)).expect("verifies");
    }
    let other = SigningSecret::generate().expect("random");
    Published::new(other.expose()).expect("a secret").verify(b"{}", &map(&headers)).expect_err("another secret");
}

#[tokio::test]
async fn servers_that_require_standard_webhooks() {
    let good = event("evt_1", "Start");
    let clock = Clock::default();
    let standard = webhook().sign_standard(&good.body, "evt_1", clock.now()).expect("an id and a time");
    let clarife = [("x-clarife-signature", webhook().sign(&good.body, clock.now()).expect("a time"))];
    for adapter in Adapter::ALL {
        let (handler, at) = (Handler::default(), clock.clone());
        let webhook = webhook().require_standard_webhooks().expect("a secret");
        let receiver = Receiver::new(webhook).with_clock(move || at.now()).on_error(|_| {});
        let server = start(adapter, Before::Nothing, receiver, handler.clone()).await;
        assert_eq!(
            post(server, &standard.pairs(), good.body.as_bytes()).await.verdict(),
            (200, "handled"),
            "{adapter:?}"
        );
        let response = post(server, &clarife, good.body.as_bytes()).await;
        assert_eq!(response.verdict(), (400, "missing_signature"), "{adapter:?}");
        let twice = [standard.pairs(), standard.pairs()].concat();
        let response = post(server, &twice, good.body.as_bytes()).await;
        assert_eq!(response.verdict(), (400, "malformed_signature"), "{adapter:?}");
        assert_eq!(handler.calls(), 1, "{adapter:?}");
    }
}
