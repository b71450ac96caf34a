//! The verdict of Rust on each delivery from standard input, for the parity tests of the repository.

use std::io::{BufRead as _, Write as _};

use clarife_webhooks::{Event, UnixTime, Webhook, WebhookError};
use serde_json::{Value, json};

/// The range of Python's `datetime`, in milliseconds. The languages are compared within this range.
const DATETIME_RANGE: [i64; 2] = [-62_135_596_800_000, 253_402_300_799_999];

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut output = std::io::stdout().lock();
    for line in std::io::stdin().lock().lines() {
        let verdict = verdict(&serde_json::from_str(&line?)?)?;
        writeln!(output, "{verdict}")?;
    }
    Ok(())
}

fn verdict(delivery: &Value) -> Result<Value, Box<dyn std::error::Error>> {
    let body = hex::decode(delivery["body"].as_str().unwrap_or_default())?;
    let secrets: Vec<String> = serde_json::from_value(delivery["secrets"].clone())?;
    let now = UnixTime::from_secs(delivery["now"].as_i64().unwrap_or_default());
    let verified = Webhook::from_secrets(&secrets).and_then(|mut webhook| {
        if let Some(tolerance) = delivery["tolerance"].as_u64() {
            webhook = webhook.with_tolerance(tolerance);
        }
        if let Some(age) = delivery["maxEventAge"].as_u64() {
            webhook = webhook.with_max_event_age(age);
        }
        webhook.verify_at(&body, delivery["signature"].as_str(), now)
    });
    Ok(match verified {
        Ok(event) => accepted(&event),
        Err(error) => rejected(&error),
    })
}

fn accepted(event: &Event<'_>) -> Value {
    let [first, last] = DATETIME_RANGE;
    let created_at = event.created_at().as_millis().clamp(first, last);
    let event_type = event.event_type().as_str();
    let raw = hex::encode(event.raw());
    json!({"id": event.id(), "type": event_type, "createdAt": created_at, "raw": raw, "data": true})
}

fn rejected(error: &WebhookError) -> Value {
    json!({"code": error.code().as_str(), "message": error.to_string(), "hint": error.hint()})
}
