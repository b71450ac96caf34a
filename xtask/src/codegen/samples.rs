//! The core's sample events, for the packages' helpers for tests.

use anyhow::Result;
use clarife_webhooks::EventType;
use clarife_webhooks::UnixTime;
use clarife_webhooks::sender::{build_event, sample_resource};
use serde_json::{Map, Value};

use super::NOTE;

/// 2026-03-28T12:00:00Z, as in the documentation.
const CREATED_AT: UnixTime = UnixTime::from_secs(1_774_699_200);

/// An event of every type, by its type.
pub(super) fn json() -> Result<String> {
    let mut samples = Map::new();
    for event_type in EventType::KNOWN {
        let id = format!("evt_sample_{}", event_type.as_str().replace('.', "_"));
        let body = build_event(&id, event_type, CREATED_AT, &sample_resource(event_type))?;
        samples.insert(event_type.as_str().into(), serde_json::from_str::<Value>(&body)?);
    }
    Ok(serde_json::to_string_pretty(&samples)? + "\n")
}

pub(super) fn typescript() -> Result<String> {
    let samples = json()?;
    Ok(format!(
        "// {NOTE}\n\n/** An event of every type, by its type. */\nexport const SAMPLES = {};\n",
        samples.trim_end()
    ))
}
