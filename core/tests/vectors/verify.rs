//! Vectors of verification, envelopes, types and headers.

use clarife_webhooks::{Event, EventType, Resource, SignatureSource, UnixTime, Webhook, WebhookError};
use serde_json::Value;

use crate::report::{Outcome, body, same, strings};
use crate::sign::{check_error, webhook};

pub(crate) fn verify(group: &Value, test: &Value) -> Outcome {
    let header = test["signature"].as_str();
    check(group, test, header, |_| Ok(()))?;
    check(group, test, header.map(str::as_bytes), |_| Ok(()))
}

pub(crate) fn types(group: &Value, test: &Value) -> Outcome {
    check(group, test, test["signature"].as_str(), |event| resource(event, test))
}

/// Verifies with all headers of the request in a `HeaderMap`.
#[cfg(feature = "http")]
pub(crate) fn headers(group: &Value, test: &Value) -> Outcome {
    let webhook = webhook(&group["webhook"]).map_err(|error| error.to_string())?;
    check_with(&webhook, group, test, &map(test)?, |_| Ok(()))
}

#[cfg(feature = "http")]
pub(crate) fn map(test: &Value) -> Result<http::HeaderMap, String> {
    let mut map = http::HeaderMap::new();
    for pair in test["headers"].as_array().expect("headers") {
        let [name, value] = strings(pair)[..] else { return Err("not a pair".to_owned()) };
        // The text of a header value is Latin-1.
        let value = value.chars().map(|character| u8::try_from(character).expect("Latin-1")).collect::<Vec<_>>();
        let value = http::HeaderValue::from_bytes(&value).map_err(|error| error.to_string())?;
        map.append(http::HeaderName::try_from(name).map_err(|error| error.to_string())?, value);
    }
    Ok(map)
}

fn check<'h>(
    group: &Value,
    test: &Value,
    signature: impl SignatureSource<'h>,
    check: impl FnOnce(&Event<'_>) -> Outcome,
) -> Outcome {
    let webhook = webhook(&group["webhook"]).map_err(|error| error.to_string())?;
    check_with(&webhook, group, test, signature, check)
}

pub(crate) fn check_with<'h>(
    webhook: &Webhook,
    group: &Value,
    test: &Value,
    signature: impl SignatureSource<'h>,
    check: impl FnOnce(&Event<'_>) -> Outcome,
) -> Outcome {
    let raw = body(&test["body"]);
    let now = UnixTime::from_secs(test["now"].as_i64().expect("now"));
    match (webhook.verify_at(&raw, signature, now), test["error"].as_str()) {
        (Ok(event), None) => {
            check_event(&event, &raw, &test["event"])?;
            same("owned", &event.clone().into_owned(), &event)?;
            check(&event)
        }
        (Err(error), Some(code)) => {
            check_error(&error, code, &strings(&group["webhook"]["secrets"]))?;
            check_place(&error, test["where"].as_str())
        }
        (Ok(_), Some(code)) => Err(format!("accepted instead of {code}")),
        (Err(error), None) => Err(format!("{}: {error}", error.code())),
    }
}

fn check_place(error: &WebhookError, expected: Option<&str>) -> Outcome {
    let message = error.to_string();
    let malformed = error.code().as_str() == "malformed_payload";
    match (message.rsplit_once(" at "), expected) {
        (Some((_, place)), Some(expected)) => same("place", place, expected),
        (None, _) if malformed => Err(format!("no place: {message}")),
        (None, Some(_)) => Err(format!("no place: {message}")),
        _ => Ok(()),
    }
}

fn check_event(event: &Event<'_>, raw: &[u8], expected: &Value) -> Outcome {
    same("raw", event.raw().as_bytes(), raw)?;
    let text = |name: &str| expected[name].as_str().unwrap_or_default();
    same("id", event.id(), text("id"))?;
    same("type", event.event_type().as_str(), text("type"))?;
    same("known", event.event_type().is_known(), expected["known"] == true)?;
    same("EventType::from_name", EventType::from_name(text("type")), event.event_type())?;
    let created_at = (event.created_at().as_secs(), u64::from(event.created_at().subsec_nanos()));
    let expected_time = &expected["createdAt"];
    let expected_time = (expected_time["seconds"].as_i64().unwrap(), expected_time["nanos"].as_u64().unwrap());
    same("created_at", created_at, expected_time)?;
    if let Some(data) = expected["data"].as_str() {
        same("data", event.data(), data)?;
    }
    // The ranges for bindings, in bytes and in UTF-16 code units.
    let layout = event.layout();
    same("data by its range", &event.raw()[layout.data.clone()], event.data())?;
    let string = |json: &str| serde_json::from_str::<String>(json).map_err(|error| format!("{json}: {error}"));
    same("id by its range", string(&event.raw()[layout.id.clone()])?.as_str(), event.id())?;
    same("type by its range", string(&event.raw()[layout.event_type.clone()])?.as_str(), event.event_type().as_str())?;
    let units = event.raw().encode_utf16().collect::<Vec<_>>();
    let utf16 = layout.clone().utf16(event.raw());
    for (member, range, bytes) in [
        ("id", utf16.id, layout.id),
        ("type", utf16.event_type, layout.event_type),
        ("created_at", utf16.created_at, layout.created_at),
        ("data", utf16.data, layout.data),
    ] {
        let text = String::from_utf16(&units[range]).map_err(|error| error.to_string())?;
        same(&format!("{member} in UTF-16"), text.as_str(), &event.raw()[bytes])?;
    }
    Ok(())
}

fn resource(event: &Event<'_>, test: &Value) -> Outcome {
    let Some(expected) = test.get("resource") else {
        let _ = event.resource(); // any result, without a panic
        return Ok(());
    };
    match (event.resource(), expected["error"].as_str()) {
        (Ok(resource), None) => {
            let kind = match resource {
                Resource::Document(_) => "document",
                Resource::Share(_) => "share",
                Resource::Media(_) => "media",
                Resource::Project(_) => "project",
                Resource::Folder(_) => "folder",
                Resource::Generation(_) => "generation",
                _ => "unknown",
            };
            same("kind", kind, expected["kind"].as_str().expect("a kind"))?;
            // Serializing the resource must restore the data, except members that are null.
            let serialized = serde_json::to_value(&resource).map_err(|error| error.to_string())?;
            let data: Value = serde_json::from_str(event.data()).map_err(|error| error.to_string())?;
            same("resource", without_nulls(serialized), without_nulls(data))
        }
        (Err(error), Some(path)) => same("path", error.path(), path),
        (Ok(_), Some(path)) => Err(format!("no error at {path}")),
        (Err(error), None) => Err(error.to_string()),
    }
}

fn without_nulls(value: Value) -> Value {
    match value {
        Value::Object(members) => members
            .into_iter()
            .filter(|(_, value)| !value.is_null())
            .map(|(name, value)| (name, without_nulls(value)))
            .collect(),
        Value::Array(items) => items.into_iter().map(without_nulls).collect(),
        other => other,
    }
}
