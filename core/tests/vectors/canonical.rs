//! Canonical JSON.

use clarife_webhooks::canonical::to_canonical_json;
use serde_json::Value;

use crate::report::{Outcome, same};

pub(crate) fn canonical(_: &Value, test: &Value) -> Outcome {
    let input: Value =
        serde_json::from_str(test["input"].as_str().expect("an input")).map_err(|error| error.to_string())?;
    match (to_canonical_json(&input), test["error"].as_str()) {
        (Ok(json), None) => same("canonical", json.as_str(), test["canonical"].as_str().expect("a canonical form")),
        (Err(error), Some(kind)) => same("kind", error.kind().as_str(), kind),
        (Ok(json), Some(kind)) => Err(format!("{json} instead of {kind}")),
        (Err(error), None) => Err(error.to_string()),
    }
}
