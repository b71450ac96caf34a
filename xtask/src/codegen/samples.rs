//! The core's sample events, for the testing helpers of other languages.

use anyhow::Result;
use clarife_webhooks::EventType;
use clarife_webhooks::UnixTime;
use clarife_webhooks::sender::{build_event, sample_resource};
use serde_json::{Map, Value};

use super::NOTE;

/// The time of all samples: 2026-03-28T12:00:00Z, as in clarife's documentation.
const CREATED_AT: UnixTime = UnixTime::from_secs(1_774_699_200);

/// Returns a sample event of each type, by its type, as JSON.
fn json() -> Result<String> {
    let mut samples = Map::new();
    for event_type in EventType::KNOWN {
        let id = format!("evt_sample_{}", event_type.as_str().replace('.', "_"));
        let body = build_event(&id, event_type, CREATED_AT, &sample_resource(event_type))?;
        samples.insert(event_type.as_str().into(), serde_json::from_str::<Value>(&body)?);
    }
    Ok(serde_json::to_string_pretty(&samples)? + "\n")
}

/// Returns the samples as a module of Python. Tools that freeze programs take modules with a package, but no data files.
pub(super) fn python() -> Result<String> {
    let samples = json()?;
    Ok(format!(
        "# {NOTE}\n\"\"\"A sample event of each type.\"\"\"\n\nimport json\nfrom typing import Any, Final\n\n\
         SAMPLES: Final[dict[str, Any]] = json.loads(r\"\"\"{}\"\"\")\n",
        samples.trim_end()
    ))
}

/// Returns the samples as a TypeScript constant.
pub(super) fn typescript() -> Result<String> {
    let samples = json()?;
    Ok(format!(
        "// {NOTE}\n\n/** A sample event of each type, by its type. */\nexport const SAMPLES = {};\n",
        samples.trim_end()
    ))
}
