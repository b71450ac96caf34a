//! A small sender over the core's delivery rules, for `cargo xtask demo`: it delivers every type of event, and deliveries that a
//! receiver must refuse, to each endpoint, and says what was answered.
//!
//! It keeps nothing and delivers one event at a time; the retries, the signing and the bodies are the core's.

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

/// Deliver events to endpoints and check what they answer.
#[derive(Parser)]
struct Arguments {
    /// The endpoints, as `name=url`
    #[arg(required = true)]
    endpoints: Vec<String>,
    /// The subscription's signing secret
    #[arg(long, env = "CLARIFE_WEBHOOK_SECRET", hide_env_values = true)]
    secret: String,
}

/// One thing to deliver: how it is signed, and what a receiver must make of it.
struct Case {
    name: String,
    body: String,
    signing: Signing,
    expected: Expected,
}

enum Signing {
    Right,
    WrongSecret,
    /// Signed this long ago.
    Stale(Duration),
    /// The body is changed after it was signed.
    Tampered,
    /// By a secret just rotated in, and the receiver's beside it.
    Rotated,
}

enum Expected {
    /// 200 `handled`.
    Handled,
    /// 400, with this code.
    Refused(&'static str),
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

/// Delivers everything to every endpoint; whether all of them answered as they should.
fn run(arguments: &Arguments) -> Result<bool> {
    let secret = SigningSecret::parse(&arguments.secret).context("the secret is none of clarife's")?;
    let signer = Signer::new(secret);
    let endpoints: Vec<(&str, &str)> = arguments
        .endpoints
        .iter()
        .map(|endpoint| endpoint.split_once('=').context("an endpoint is `name=url`"))
        .collect::<Result<_>>()?;

    print!("\n{:40}", "delivery");
    endpoints.iter().for_each(|(name, _)| print!("{name:25}"));
    println!();
    let mut wrong: u32 = 0;
    for case in cases()? {
        print!("{:40}", case.name);
        for (_, url) in &endpoints {
            let (right, answer) = deliver(&signer, &case, url)?;
            print!("{:25}", if right { answer } else { format!("WRONG: {answer}") });
            wrong += u32::from(!right);
        }
        println!();
    }
    println!();
    if wrong == 0 {
        println!("Every endpoint gave the right answer to every delivery.");
    } else {
        println!("{wrong} answers are WRONG.");
    }
    Ok(wrong == 0)
}

fn cases() -> Result<Vec<Case>> {
    let mut cases = Vec::new();
    for event_type in EventType::KNOWN {
        let body = TestEvent::new(event_type, now())?.body;
        cases.push(Case { name: event_type.to_string(), body, signing: Signing::Right, expected: Expected::Handled });
    }
    let created_at = now().to_rfc3339().context("a year of four digits")?;
    let body = to_canonical_json(
        &json!({"created_at": created_at, "data": {"title": "Żółw 🐢"}, "id": new_event_id()?, "type": "video.rendered"}),
    )?;
    cases.push(Case { name: "a type of tomorrow".into(), body, signing: Signing::Right, expected: Expected::Handled });

    let (name, body) =
        ("signed by two secrets (rotation)".into(), TestEvent::new(EventType::ShareUpdated, now())?.body);
    cases.push(Case { name, body, signing: Signing::Rotated, expected: Expected::Handled });

    for (name, signing, code) in [
        ("tampered with", Signing::Tampered, "signature_mismatch"),
        ("signed with another secret", Signing::WrongSecret, "signature_mismatch"),
        ("signed 301 s ago", Signing::Stale(Duration::from_secs(301)), "timestamp_too_old"),
    ] {
        let body = TestEvent::new(EventType::DocumentUpdated, now())?.body;
        cases.push(Case { name: name.into(), body, signing, expected: Expected::Refused(code) });
    }
    Ok(cases)
}

/// Attempts the delivery until its state says that it is over; a refusal that is wanted ends it at once.
fn deliver(signer: &Signer, case: &Case, url: &str) -> Result<(bool, String)> {
    let mut health = Health::new();
    let mut delivery = Delivery::new(&health, now());
    let mut answer = (false, "no answer".to_owned());
    while let DeliveryState::Pending { attempt, due } = delivery.state() {
        std::thread::sleep(Duration::from_millis(
            due.as_millis().saturating_sub(now().as_millis()).max(0).unsigned_abs(),
        ));
        let (header, body) = sign(signer, case)?;
        let (outcome, json) = post(url, &header, &body);
        answer = judge(&case.expected, outcome, &json);
        if answer.0 {
            break;
        }
        let recorded = delivery.record(&health, attempt, outcome, now());
        (delivery, health) = (recorded.delivery, recorded.health);
    }
    Ok(answer)
}

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
        Signing::Tampered => {
            let header = signer.sign(&body, now)?;
            body = body.replacen("Getting started", "Getting startet", 1);
            header
        }
        Signing::Rotated => signer.rotate(now)?.sign(&body, now)?,
    };
    Ok((header, body))
}

/// One attempt: what came of it, and the answer's JSON if it has any.
fn post(url: &str, header: &str, body: &str) -> (Outcome, Value) {
    let agent: ureq::Agent = ureq::Agent::config_builder()
        .timeout_global(Some(ATTEMPT_TIMEOUT))
        .max_redirects(0)
        .http_status_as_error(false)
        .build()
        .into();
    match agent.post(url).header("Content-Type", "application/json").header(SIGNATURE_HEADER, header).send(body) {
        Ok(mut answer) => {
            let json = answer.body_mut().with_config().limit(64 * 1024).read_to_string().unwrap_or_default();
            (Outcome::Status(answer.status().as_u16()), serde_json::from_str(&json).unwrap_or_default())
        }
        Err(ureq::Error::Timeout(_)) => (Outcome::Failure(FailureKind::Timeout), Value::Null),
        Err(_) => (Outcome::Failure(FailureKind::Connection), Value::Null),
    }
}

fn judge(expected: &Expected, outcome: Outcome, json: &Value) -> (bool, String) {
    let (status, code) = match expected {
        Expected::Handled => (200, "handled"),
        Expected::Refused(code) => (400, *code),
    };
    let right = outcome == Outcome::Status(status) && json["code"] == code;
    (right, if right { format!("{status} {code}") } else { format!("{outcome} {json}") })
}

fn now() -> UnixTime {
    let elapsed = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    UnixTime::from_millis(i64::try_from(elapsed.as_millis()).unwrap_or(i64::MAX))
}
