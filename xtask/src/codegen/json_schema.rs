//! JSON Schema (2020-12) of events.

use anyhow::Result;
use clarife_webhooks::EventType;
use serde_json::{Map, Value, json};

use super::{Kind, NOTE, json_name, resource_of, resources, type_name};

pub(super) fn file() -> Result<String> {
    let mut definitions = Map::new();
    for resource in resources() {
        let mut properties = Map::new();
        for member in resource.members {
            // Reading takes null for every member, as for one that is not there.
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
        "description": "The body of a delivery. Other types than the listed ones, and other members than the described ones, may come at any time, and data of another shape never fails verification: this is what typed access reads.",
        "type": "object",
        "required": ["id", "type", "created_at", "data"],
        "properties": {
            "id": {"type": "string", "minLength": 1, "description": "The same in every delivery of one event."},
            "type": {"type": "string", "minLength": 1, "examples": names},
            "created_at": {"type": "string", "format": "date-time"},
            "data": {"type": "object"},
        },
        "allOf": conditions,
        "$defs": definitions,
    });
    Ok(serde_json::to_string_pretty(&schema)? + "\n")
}

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
