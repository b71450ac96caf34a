//! Vectors of construction, signing and HMAC.

use clarife_webhooks::{ErrorCode, UnixTime, Webhook, WebhookError};
use serde_json::Value;

use crate::report::{Outcome, SKIPPED, body, same, strings};

/// Creates a webhook with the secrets and options of a group or a case.
pub(crate) fn webhook(fields: &Value) -> Result<Webhook, WebhookError> {
    let mut webhook = Webhook::from_secrets(strings(&fields["secrets"]))?;
    if let Some(tolerance) = fields.get("tolerance") {
        webhook = webhook.with_tolerance(tolerance.as_u64().expect("a tolerance"));
    }
    if let Some(age) = fields.get("maxEventAge") {
        webhook = webhook.with_max_event_age(age.as_u64().expect("an age"));
    }
    Ok(webhook)
}

pub(crate) fn construct(group: &Value, test: &Value) -> Outcome {
    let secrets = strings(&test["secrets"]);
    let single = match secrets.as_slice() {
        [secret] => Webhook::new(secret),
        _ => Webhook::from_secrets(&secrets),
    };
    for result in [single, webhook(test)] {
        match (result, test["error"].as_str()) {
            (Ok(webhook), None) => {
                let timestamp = UnixTime::from_secs(group["timestamp"].as_i64().expect("a timestamp"));
                let signature = webhook.sign(&body(&group["body"]), timestamp).map_err(|error| error.to_string())?;
                same("signature", signature.as_str(), test["signature"].as_str().expect("a signature"))?;
                let shown = format!("{webhook:?}");
                if secrets.iter().any(|secret| secret.len() > 4 && shown.contains(secret)) {
                    return Err(format!("Debug shows the secret: {shown}"));
                }
            }
            (Err(error), Some(code)) => check_error(&error, code, &secrets)?,
            (Ok(_), Some(code)) => return Err(format!("accepted instead of {code}")),
            (Err(error), None) => return Err(format!("{}: {error}", error.code())),
        }
    }
    Ok(())
}

/// Checks the code, the message and the hint of an error.
pub(crate) fn check_error(error: &WebhookError, code: &str, secrets: &[&str]) -> Outcome {
    same("code", error.code().as_str(), code)?;
    let message = error.to_string();
    if secrets.iter().any(|secret| secret.trim().len() > 4 && message.contains(secret.trim())) {
        return Err(format!("the message shows the secret: {message}"));
    }
    if message.ends_with('.')
        || !message.starts_with(char::is_lowercase)
        || message.contains('\n')
        || message.contains("evt_")
    {
        return Err(format!("the message violates the format: {message}"));
    }
    // Where the caller's mistake shows, a mismatch has a closer hint.
    if error.code() != ErrorCode::SignatureMismatch {
        same("hint", error.hint(), error.code().hint())?;
    }
    same("hint is there", error.hint().is_empty(), false)
}

pub(crate) fn sign(_: &Value, test: &Value) -> Outcome {
    let webhook = webhook(test).map_err(|error| error.to_string())?;
    let signed =
        webhook.sign(&body(&test["body"]), UnixTime::from_secs(test["timestamp"].as_i64().expect("a timestamp")));
    match (signed, test["error"].as_str()) {
        (Ok(header), None) => same("header", header.as_str(), test["header"].as_str().expect("a header")),
        (Err(_), Some("invalid_timestamp")) => Ok(()),
        (signed, _) => Err(format!("{signed:?}")),
    }
}

/// Checks an HMAC through `verify`, with the key as the secret and the message as the body.
///
/// No message is an event, so a valid tag results in `malformed_payload` and an invalid tag in `signature_mismatch`.
/// The unit test in `src/verification/mac.rs` walks the keys that cannot be secrets, and the shorter tags.
pub(crate) fn hmac(_: &Value, test: &Value) -> Outcome {
    let key = hex::decode(test["key"].as_str().expect("a key")).expect("hex");
    let message = hex::decode(test["msg"].as_str().expect("a message")).expect("hex");
    let tag = test["tag"].as_str().expect("a tag");
    let Some(webhook) = String::from_utf8(key).ok().and_then(|secret| Webhook::new(secret).ok()) else {
        return Err(SKIPPED.to_owned());
    };
    let expected = match (tag.len(), test["result"].as_str()) {
        (64, Some("valid")) => ErrorCode::MalformedPayload,
        (64, _) => ErrorCode::SignatureMismatch,
        _ => ErrorCode::MalformedSignature,
    };
    let error = webhook
        .verify_at(&message, format!("t=0,v1={tag}").as_str(), UnixTime::from_secs(0))
        .expect_err("a message is not an event");
    same("code", error.code(), expected)
}
