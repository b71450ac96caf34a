//! Vectors of Standard Webhooks.

use clarife_webhooks::UnixTime;
use clarife_webhooks::Webhook;
use clarife_webhooks::standard::{HEADERS, StandardHeaders, StandardSignError};
use serde_json::Value;

use crate::report::{Outcome, body, same, strings};
use crate::sign::{check_error, webhook};
use crate::verify::check_with;

pub(crate) fn standard(group: &Value, test: &Value) -> Outcome {
    match group["operation"].as_str().expect("an operation") {
        "verify" => verify(group, test),
        "sign" => sign(test),
        "construct" => construct(test),
        other => panic!("an operation: {other}"),
    }
}

fn verify(group: &Value, test: &Value) -> Outcome {
    let webhook = webhook(&group["webhook"]).and_then(Webhook::require_standard_webhooks);
    let webhook = webhook.map_err(|error| error.to_string())?;
    let [id, timestamp, signature] = HEADERS.map(|name| values(test, name).join(", "));
    check_with(&webhook, group, test, &StandardHeaders::new(&id, &timestamp, &signature), |_| Ok(()))?;
    #[cfg(feature = "http")]
    check_with(&webhook, group, test, &crate::verify::map(test)?, |_| Ok(()))?;
    Ok(())
}

fn values<'t>(test: &'t Value, name: &str) -> Vec<&'t str> {
    let pairs = test["headers"].as_array().expect("headers").iter().map(strings);
    pairs.filter(|pair| pair[0].eq_ignore_ascii_case(name)).map(|pair| pair[1]).collect()
}

fn sign(test: &Value) -> Outcome {
    let webhook = webhook(test).map_err(|error| error.to_string())?;
    let (raw, id) = (body(&test["body"]), test["id"].as_str().expect("an id"));
    let timestamp = test["timestamp"].as_i64().expect("a timestamp");
    match (webhook.sign_standard(&raw, id, UnixTime::from_secs(timestamp)), test["error"].as_str()) {
        (Ok(headers), None) => {
            same("id", headers.id.as_ref(), id)?;
            same("timestamp", headers.timestamp.as_ref(), timestamp.to_string().as_str())?;
            same("signature", headers.signature.as_ref(), test["signature"].as_str().expect("a signature"))
        }
        (Err(StandardSignError::Secret(error)), Some(code)) => check_error(&error, code, &strings(&test["secrets"])),
        (Err(StandardSignError::InvalidId), Some("invalid_id"))
        | (Err(StandardSignError::InvalidTimestamp), Some("invalid_timestamp")) => Ok(()),
        (signed, _) => Err(format!("{signed:?}")),
    }
}

fn construct(test: &Value) -> Outcome {
    // Each of these secrets is valid for X-Clarife-Signature.
    let webhook = webhook(test).map_err(|error| error.to_string())?;
    match (webhook.require_standard_webhooks(), test["error"].as_str()) {
        (Ok(_), None) => Ok(()),
        (Err(error), Some(code)) => check_error(&error, code, &strings(&test["secrets"])),
        (Ok(_), Some(code)) => Err(format!("accepted instead of {code}")),
        (Err(error), None) => Err(error.to_string()),
    }
}
