//! Receiving: one delivery, with a store and a handler whose outcomes the file decides.

use std::collections::BTreeMap;
use std::future::{Future, pending, ready};
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use clarife_webhooks::adapters::{DedupStore, Receiver};
use clarife_webhooks::dedup::ClaimResult;
use clarife_webhooks::{BODY_TIMEOUT, Event, UnixTime, Webhook};
use serde_json::{Value, json};

use crate::report::{Outcome, SKIPPED, body, same, strings};

type Notes = Arc<Mutex<Vec<Value>>>;

/// The notes of one walk: the calls and the reports, in order.
#[derive(Clone, Default)]
struct Walk {
    calls: Notes,
    reports: Notes,
}

pub(crate) fn receive(group: &Value, test: &Value) -> Outcome {
    let walked = framework_less(group, test)?;
    #[cfg(feature = "tower")]
    with_tower(group, test)?;
    // Without an adapter there is no method to refuse.
    if walked || cfg!(feature = "tower") { Ok(()) } else { Err(SKIPPED.to_owned()) }
}

fn framework_less(group: &Value, test: &Value) -> Result<bool, String> {
    if !test["method"].is_null() {
        return Ok(false);
    }
    let walk = Walk::default();
    let (receiver, handler) = (receiver(group, test, &walk), handler(test, &walk));
    let (body, signature) = (body(&test["body"]), test["signature"].as_str());
    let response = run(receiver.receive(&body, signature, handler));
    let response = response.map(|response| {
        let headers: BTreeMap<_, _> = response.headers().iter().copied().collect();
        json!({ "status": response.status(), "code": response.code(), "headers": headers, "body": response.body() })
    });
    check("Receiver::receive", test, &walk, response)?;
    Ok(true)
}

#[cfg(feature = "tower")]
fn with_tower(group: &Value, test: &Value) -> Outcome {
    use bytes::Bytes;
    use http_body_util::{BodyExt as _, Full};
    use tower_service::Service as _;

    let walk = Walk::default();
    let mut service = receiver(group, test, &walk).service(handler(test, &walk));
    let mut request = http::Request::new(Full::new(Bytes::from(body(&test["body"]))));
    *request.method_mut() = test["method"].as_str().unwrap_or("POST").parse().expect("a method");
    if let Some(signature) = test["signature"].as_str() {
        request.headers_mut().insert("x-clarife-signature", signature.parse().expect("a header's value"));
    }
    let response = run(service.call(request)).map(|response| {
        let (parts, body) = response.expect("no error").into_parts();
        let text = run(body.collect()).expect("no panic").expect("a body").to_bytes();
        let text = String::from_utf8(text.to_vec()).expect("a text");
        let content: Value = serde_json::from_str(&text).expect("JSON");
        let headers: BTreeMap<_, _> =
            parts.headers.iter().map(|(name, value)| (name.as_str(), value.to_str().expect("a text"))).collect();
        json!({ "status": parts.status.as_u16(), "code": content["code"], "headers": headers, "body": text })
    });
    check("Receiver::service", test, &walk, response)
}

fn receiver(group: &Value, test: &Value, walk: &Walk) -> Receiver {
    let reports = walk.reports.clone();
    let mut webhook = Webhook::from_secrets(strings(&group["webhook"]["secrets"])).expect("usable secrets");
    if let Some(seconds) = group["webhook"]["maxEventAge"].as_u64() {
        webhook = webhook.with_max_event_age(seconds);
    }
    let now = UnixTime::from_secs(test["now"].as_i64().expect("a time"));
    let timeout = group["storeTimeout"].as_u64().expect("a time");
    let mut receiver = Receiver::new(webhook)
        .with_hints(false)
        .with_clock(move || now)
        // The store is asked first: a time that has passed at once makes a step late that does not respond at once.
        .with_timer(move |time| {
            assert!(time == Duration::from_secs(timeout) || time == BODY_TIMEOUT, "{time:?}");
            ready(())
        })
        .on_error(move |error| note(&reports, json!(error.code())));
    if let Some(bytes) = group["maxBodyBytes"].as_u64() {
        receiver = receiver.with_max_body_bytes(usize::try_from(bytes).expect("a size in memory"));
    }
    if group["dedup"].is_null() {
        return receiver;
    }
    receiver = receiver.dedup(Store { outcomes: test["store"].clone(), calls: walk.calls.clone() });
    if let Some(seconds) = group["dedup"]["claimTtl"].as_u64() {
        receiver = receiver.with_claim_ttl(Duration::from_secs(seconds));
    }
    if let Some(seconds) = group["dedup"]["doneTtl"].as_u64() {
        receiver = receiver.with_done_ttl(Duration::from_secs(seconds));
    }
    receiver
}

fn handler(test: &Value, walk: &Walk) -> impl Fn(Event<'static>) -> Handling + Clone + Send + 'static {
    let (outcome, calls) = (test["handler"].clone(), walk.calls.clone());
    move |event| {
        assert_eq!(event.id(), ID);
        note(&calls, json!({ "call": "handle" }));
        match outcome.as_str() {
            Some("returned") => Box::pin(ready(Ok(()))),
            Some("failed") => Box::pin(ready(Err(io::Error::other("the handler's own")))),
            Some("abandoned") => Box::pin(async { resume_unwind(Box::new(Abandoned)) }),
            other => panic!("an outcome: {other:?}"),
        }
    }
}

type Handling = std::pin::Pin<Box<dyn Future<Output = io::Result<()>> + Send>>;

/// The id of every event, and the token of every claim.
const ID: &str = "evt_1";
const TOKEN: &str = "token";

/// A store whose outcomes the file decides.
struct Store {
    outcomes: Value,
    calls: Notes,
}

impl Store {
    /// Notes a call; its outcome is an error where it fails, and never comes where it is late.
    async fn outcome(&self, step: &str, call: Value) -> io::Result<String> {
        note(&self.calls, call);
        match self.outcomes[step].as_str() {
            Some("failed") => Err(io::Error::other("the store's own")),
            Some("late") => pending().await,
            Some(outcome) => Ok(outcome.to_owned()),
            None => panic!("no outcome of {step}"),
        }
    }
}

impl DedupStore for Store {
    type Error = io::Error;

    async fn claim(&self, id: &str, ttl: Duration) -> io::Result<ClaimResult<String>> {
        assert_eq!(id, ID);
        Ok(match self.outcome("claim", json!({ "call": "claim", "ttl": ttl.as_secs() })).await?.as_str() {
            "new" => ClaimResult::New(TOKEN.to_owned()),
            "in_progress" => ClaimResult::InProgress,
            _ => ClaimResult::Done,
        })
    }

    async fn complete(&self, id: &str, token: &str, ttl: Duration) -> io::Result<()> {
        assert_eq!((id, token), (ID, TOKEN));
        self.outcome("complete", json!({ "call": "complete", "ttl": ttl.as_secs() })).await.map(drop)
    }

    async fn release(&self, id: &str, token: &str) -> io::Result<()> {
        assert_eq!((id, token), (ID, TOKEN));
        self.outcome("release", json!({ "call": "release" })).await.map(drop)
    }
}

fn note(notes: &Notes, what: Value) {
    notes.lock().expect("no panic").push(what);
}

fn check(entry: &str, test: &Value, walk: &Walk, response: Option<Value>) -> Outcome {
    let notes = |notes: &Notes| Value::Array(notes.lock().expect("no panic").clone());
    same(&format!("{entry}: calls"), notes(&walk.calls), test["calls"].clone())?;
    same(&format!("{entry}: reports"), notes(&walk.reports), test["reports"].clone())?;
    // The lines are on standard error, out of reach. A receiver's unit tests compare them.
    same(&format!("{entry}: logged"), notes(&walk.reports), test["logged"].clone())?;
    same(&format!("{entry}: response"), response.unwrap_or(Value::Null), test["response"].clone())
}

/// The payload of the panic of a handler that is abandoned.
struct Abandoned;

/// Runs a future that waits for nothing; returns `None` if an abandoned handler panics.
fn run<T>(future: impl Future<Output = T>) -> Option<T> {
    let mut future = std::pin::pin!(future);
    let mut poll = || future.as_mut().poll(&mut Context::from_waker(Waker::noop()));
    match catch_unwind(AssertUnwindSafe(&mut poll)) {
        Ok(Poll::Ready(output)) => Some(output),
        Ok(Poll::Pending) => panic!("the receiver waits"),
        Err(panic) if panic.is::<Abandoned>() => None,
        Err(panic) => resume_unwind(panic),
    }
}
