//! JSON Schema (2020-12) of events.

use anyhow::Result;
use clarife_webhooks::EventType;
use serde_json::{Map, Value, json};

use super::{Kind, NOTE, json_name, resource_of, resources, type_name};

const DESCRIPTION: &str = "The body of a delivery, as typed access reads it. clarife may add event types and members at \
    any time. Data of another shape does not fail verification.";

/// Returns the schema.
pub(super) fn file() -> Result<String> {
    let mut definitions = Map::new();
    for resource in resources() {
        let mut properties = Map::new();
        for member in resource.members {
            // Typed access reads null as a missing member.
            let mut schema = schema(&Kind::of(member.kind));
            if schema.get("type").is_some() {
                schema["type"] = json!([schema["type"], "null"]);
            } else if schema.get("$ref").is_some() {
                schema = json!({"anyOf": [schema, {"type": "null"}]});
            }
            schema["description"] = member.doc.into();
            properties.insert(json_name(member).into(), schema);
        }
        let schema = json!({"description": resource.doc, "type": "object", "properties": properties});
        definitions.insert(resource.name.into(), schema);
    }
    for event in EventType::KNOWN {
        definitions.insert(
            format!("{}Event", type_name(event)),
            json!({
                "description": event.description(),
                "properties": {
                    "type": {"const": event.as_str()},
                    "data": {"$ref": format!("#/$defs/{}", resource_of(event))},
                },
            }),
        );
    }
    let names: Vec<&str> = EventType::KNOWN.iter().map(|event| event.as_str()).collect();
    let conditions: Vec<Value> = EventType::KNOWN
        .iter()
        .map(|event| {
            json!({
                "if": {"properties": {"type": {"const": event.as_str()}}, "required": ["type"]},
                "then": {"$ref": format!("#/$defs/{}Event", type_name(*event))},
            })
        })
        .collect();
    let schema = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$comment": NOTE,
        "title": "clarife webhook event",
        "description": DESCRIPTION,
        "type": "object",
        "required": ["id", "type", "created_at", "data"],
        "properties": {
            "id": {"type": "string", "minLength": 1, "description": "The event's id, constant over all its deliveries."},
            "type": {"type": "string", "minLength": 1, "examples": names},
            "created_at": {"type": "string", "format": "date-time"},
            "data": {"type": "object"},
        },
        "allOf": conditions,
        "$defs": definitions,
    });
    Ok(serde_json::to_string_pretty(&schema)? + "\n")
}

/// Returns the schema of a member's type.
fn schema(kind: &Kind) -> Value {
    match kind {
        Kind::String => json!({"type": "string"}),
        Kind::Integer => json!({"type": "integer"}),
        Kind::Boolean => json!({"type": "boolean"}),
        Kind::Any => json!({}),
        Kind::Resource(name) => json!({"$ref": format!("#/$defs/{name}")}),
        Kind::List(item) => json!({"type": "array", "items": schema(item)}),
    }
}
