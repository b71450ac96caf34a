//! A small sender on the core's delivery rules, for `cargo xtask demo`.
//!
//! It delivers events of all types, and deliveries that a receiver must reject, to each endpoint, and prints the
//! responses. It stores nothing and delivers one event at a time. Retries, signatures and bodies are the core's.

use std::process::ExitCode;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, Result};
use clap::Parser;
use clarife_webhooks::UnixTime;
use clarife_webhooks::canonical::to_canonical_json;
use clarife_webhooks::sender::{
    ATTEMPT_TIMEOUT, Delivery, DeliveryState, FailureKind, Health, Outcome, Signer, SigningSecret, TestEvent,
    new_event_id,
};
use clarife_webhooks::{EventType, SIGNATURE_HEADER};
use serde_json::{Value, json};

/// Deliver events to endpoints, and check their responses
#[derive(Parser)]
struct Arguments {
    /// The endpoints, as `name=url`
    #[arg(required = true)]
    endpoints: Vec<String>,
    /// The subscription's signing secret
    #[arg(long, env = "CLARIFE_WEBHOOK_SECRET", hide_env_values = true)]
    secret: String,
}

/// A delivery, with its kind of signature and the expected response.
struct Case {
    name: String,
    body: String,
    signing: Signing,
    expected: Expected,
}

/// The kind of signature.
enum Signing {
    /// With the endpoint's secret.
    Right,
    /// With another secret.
    WrongSecret,
    /// With a time in the past.
    Stale(Duration),
    /// Over a body that changes afterwards.
    Changed,
    /// With a new secret and the receiver's, as in a rotation.
    Rotated,
}

/// The expected response.
enum Expected {
    /// 200 `handled`.
    Handled,
    /// 400, with this code.
    Rejected(&'static str),
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Delivers all cases to all endpoints. Returns `true` if all responses are as expected.
fn run(arguments: &Arguments) -> Result<bool> {
    let secret = SigningSecret::parse(&arguments.secret).context("invalid secret")?;
    let signer = Signer::new(secret);
    let endpoints: Vec<(&str, &str)> = arguments
        .endpoints
        .iter()
        .map(|endpoint| {
            endpoint.split_once('=').with_context(|| format!("invalid endpoint {endpoint}: not `name=url`"))
        })
        .collect::<Result<_>>()?;

    print!("\n{:40}", "delivery");
    endpoints.iter().for_each(|(name, _)| print!("{name:25}"));
    println!();
    let mut wrong: u32 = 0;
    for case in cases()? {
        print!("{:40}", case.name);
        for (_, url) in &endpoints {
            let (right, response) = deliver(&signer, &case, url)?;
            print!("{:25}", if right { response } else { format!("WRONG: {response}") });
            wrong += u32::from(!right);
        }
        println!();
    }
    println!();
    if wrong == 0 {
        println!("All responses are as expected.");
    } else {
        println!("{wrong} responses are WRONG.");
    }
    Ok(wrong == 0)
}

/// Returns all deliveries of the demo.
fn cases() -> Result<Vec<Case>> {
    let mut cases = Vec::new();
    for event_type in EventType::KNOWN {
        let body = TestEvent::new(event_type, now())?.body;
        cases.push(Case { name: event_type.to_string(), body, signing: Signing::Right, expected: Expected::Handled });
    }
    let created_at = now().to_rfc3339().context("invalid clock: the year has more than four digits")?;
    let body = to_canonical_json(
        &json!({"created_at": created_at, "data": {"title": "Żółw 🐢"}, "id": new_event_id()?, "type": "video.rendered"}),
    )?;
    cases.push(Case { name: "an unknown type".into(), body, signing: Signing::Right, expected: Expected::Handled });

    let (name, body) =
        ("signed with two secrets (rotation)".into(), TestEvent::new(EventType::ShareUpdated, now())?.body);
    cases.push(Case { name, body, signing: Signing::Rotated, expected: Expected::Handled });

    for (name, signing, code) in [
        ("changed in transit", Signing::Changed, "signature_mismatch"),
        ("signed with another secret", Signing::WrongSecret, "signature_mismatch"),
        ("signed 301 s ago", Signing::Stale(Duration::from_secs(301)), "timestamp_too_old"),
    ] {
        let body = TestEvent::new(EventType::DocumentUpdated, now())?.body;
        cases.push(Case { name: name.into(), body, signing, expected: Expected::Rejected(code) });
    }
    Ok(cases)
}

/// Attempts a delivery until it ends, or until the response is as expected. Returns `true` in that case, and the
/// response.
fn deliver(signer: &Signer, case: &Case, url: &str) -> Result<(bool, String)> {
    let mut health = Health::new();
    let mut delivery = Delivery::new(&health, now());
    let mut response = (false, "no response".to_owned());
    while let DeliveryState::Pending { attempt, due } = delivery.state() {
        std::thread::sleep(Duration::from_millis(
            due.as_millis().saturating_sub(now().as_millis()).max(0).unsigned_abs(),
        ));
        let (header, body) = sign(signer, case)?;
        let (outcome, json) = post(url, &header, &body);
        response = judge(&case.expected, outcome, &json);
        if response.0 {
            break;
        }
        let recorded = delivery.record(&health, attempt, outcome, now());
        (delivery, health) = (recorded.delivery, recorded.health);
    }
    Ok(response)
}

/// Returns the signature header and the body of a delivery.
fn sign(signer: &Signer, case: &Case) -> Result<(String, String)> {
    let mut body = case.body.clone();
    let now = now();
    let header = match case.signing {
        Signing::Right => signer.sign(&body, now)?,
        Signing::WrongSecret => Signer::generate()?.sign(&body, now)?,
        Signing::Stale(age) => {
            let seconds = i64::try_from(age.as_secs())?;
            signer.sign(&body, UnixTime::from_secs(now.as_secs() - seconds))?
        }
        Signing::Changed => {
            let header = signer.sign(&body, now)?;
            body = body.replacen("Getting started", "Getting startet", 1);
            header
        }
        Signing::Rotated => signer.rotate(now)?.sign(&body, now)?,
    };
    Ok((header, body))
}

/// Makes one attempt. Returns its outcome, and the response's JSON or null.
fn post(url: &str, header: &str, body: &str) -> (Outcome, Value) {
    let agent: ureq::Agent = ureq::Agent::config_builder()
        .timeout_global(Some(ATTEMPT_TIMEOUT))
        .max_redirects(0)
        .http_status_as_error(false)
        .build()
        .into();
    match agent.post(url).header("Content-Type", "application/json").header(SIGNATURE_HEADER, header).send(body) {
        Ok(mut response) => {
            let json = response.body_mut().with_config().limit(64 * 1024).read_to_string().unwrap_or_default();
            (Outcome::Status(response.status().as_u16()), serde_json::from_str(&json).unwrap_or_default())
        }
        Err(ureq::Error::Timeout(_)) => (Outcome::Failure(FailureKind::Timeout), Value::Null),
        Err(_) => (Outcome::Failure(FailureKind::Connection), Value::Null),
    }
}

/// Compares an outcome with the expected response. Returns the result, and the response as text.
fn judge(expected: &Expected, outcome: Outcome, json: &Value) -> (bool, String) {
    let (status, code) = match expected {
        Expected::Handled => (200, "handled"),
        Expected::Rejected(code) => (400, *code),
    };
    let right = outcome == Outcome::Status(status) && json["code"] == code;
    (right, if right { format!("{status} {code}") } else { format!("{outcome} {json}") })
}

fn now() -> UnixTime {
    let elapsed = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    UnixTime::from_millis(i64::try_from(elapsed.as_millis()).unwrap_or(i64::MAX))
}
