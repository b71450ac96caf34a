//! Vectors of deduplication: claims and done marks in memory.

use std::collections::HashMap;
use std::time::Duration;

use clarife_webhooks::UnixTime;
use clarife_webhooks::dedup::{ClaimResult, ClaimTable, ClaimToken, store_key};
use serde_json::Value;

use crate::report::{Outcome, body, same};

/// The start of the clock. The files count from 0.
const START: i64 = 1_711_612_800_000;

pub(crate) fn dedup(group: &Value, test: &Value) -> Outcome {
    let capacity = usize::try_from(group["capacity"].as_u64().expect("a capacity")).expect("a capacity in memory");
    let mut store = ClaimTable::new(capacity);
    let mut tokens = HashMap::new();
    for (index, step) in test["steps"].as_array().expect("steps").iter().enumerate() {
        apply(&mut store, &mut tokens, step).map_err(|got| format!("step {}: {got}", index + 1))?;
        same("within the capacity", store.len() <= capacity, true)?;
    }
    Ok(())
}

fn apply<'t>(store: &mut ClaimTable, tokens: &mut HashMap<&'t str, ClaimToken>, step: &'t Value) -> Outcome {
    let id = match step["id"].as_str() {
        Some(id) => id.to_owned(),
        None => String::from_utf8(body(&step["id"])).expect("a text"),
    };
    let expected = step["expect"].as_str().unwrap_or_default();
    let now = START + step["at"].as_i64().unwrap_or_default();
    let ttl = Duration::from_millis(step["ttl"].as_u64().unwrap_or_default());
    match step["step"].as_str().expect("a step") {
        "claim" => {
            let claim = store.claim(&id, UnixTime::from_millis(now), ttl);
            if let Ok(ClaimResult::New(token)) = claim {
                tokens.insert(step["token"].as_str().unwrap_or_default(), token);
                same("a token that is a number", ClaimToken::from_number(token.to_number()), token)?;
            }
            let got = match claim {
                Ok(ClaimResult::New(_)) => "new",
                Ok(ClaimResult::InProgress) => "in_progress",
                Ok(ClaimResult::Done) => "done",
                Err(_) => "full",
            };
            same("claim", got, expected)
        }
        "complete" => same(
            "complete",
            if store.complete(&id, UnixTime::from_millis(now), ttl).is_ok() { "ok" } else { "full" },
            expected,
        ),
        "release" => {
            store.release(&id, tokens[step["token"].as_str().expect("a token")]);
            Ok(())
        }
        "key" => same("key", store_key(&id).as_ref(), step["key"].as_str().expect("a key")),
        other => panic!("a step: {other}"),
    }
}
