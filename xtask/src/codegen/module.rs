//! The interface of `clarife-webhooks-core.wasm` for hosts in other languages: the file of its numbers, and the tables of
//! its page.

use anyhow::{Context as _, Result};
use clarife_webhooks::abi::{DONE, FULL, IN_PROGRESS, SLOTS, VERSION, WEBHOOK_OPTIONS, WebhookOption};
use clarife_webhooks::{ErrorCode, EventType};
use regex::Regex;
use serde_json::{Map, Value, json};

use super::markdown::table;
use crate::project::root;

/// An exported function.
struct Function {
    name: String,
    /// Names and types of WebAssembly.
    parameters: Vec<(String, &'static str)>,
    result: Option<&'static str>,
    doc: String,
}

/// Reads the exports from the source of the module.
fn functions() -> Result<Vec<Function>> {
    let source = std::fs::read_to_string(root().join("bindings-wasm/src/lib.rs"))?;
    let export = Regex::new(
        r#"((?:/// .*\n)+)(?:#\[cfg\(feature = "standalone"\)\]\n)?#\[wasm_bindgen\]\npub fn (\w+)\((.*)\)(?: -> (.+))? \{"#,
    )?;
    let functions: Vec<Function> = export
        .captures_iter(&source)
        .map(|found| {
            let parameters = found[3].split(", ").filter(|parameter| !parameter.is_empty()).map(|parameter| {
                let (name, kind) = parameter.split_once(": ").context("a parameter without a type")?;
                Ok((name.to_owned(), wasm_type(kind)?))
            });
            Ok(Function {
                name: found[2].to_owned(),
                parameters: parameters.collect::<Result<_>>()?,
                result: found.get(4).map(|kind| wasm_type(kind.as_str())).transpose()?,
                doc: found[1].replace("/// ", "").replace("[`", "`").replace("`]", "`").trim().replace('\n', " "),
            })
        })
        .collect::<Result<_>>()?;
    anyhow::ensure!(
        functions.len() == source.matches("#[wasm_bindgen]").count(),
        "cannot read an export of the module"
    );
    Ok(functions)
}

/// Returns the type of WebAssembly for a type of Rust.
fn wasm_type(rust: &str) -> Result<&'static str> {
    match rust {
        "f64" => Ok("f64"),
        "usize" | "u32" | "i32" | "*mut u8" | "*const f64" => Ok("i32"),
        other => anyhow::bail!("unexpected type of an export: {other}"),
    }
}

/// The results of a store, with their numbers and descriptions.
const STORE: [(&str, f64, &str); 3] = [
    ("IN_PROGRESS", IN_PROGRESS, "Another worker is handling the event"),
    ("DONE", DONE, "The event was handled before"),
    ("FULL", FULL, "The store is full, or the handle is not that of a store"),
];

/// Returns the file of the numbers, for programs.
pub(super) fn file() -> Result<String> {
    let mut exports = Map::new();
    for Function { name, parameters, result, .. } in functions()? {
        let parameters: Vec<&str> = parameters.iter().map(|(_, kind)| *kind).collect();
        exports.insert(name, json!({ "parameters": parameters, "result": result }));
    }
    let store: Map<String, Value> =
        STORE.iter().map(|(name, number, _)| ((*name).into(), json!(*number as i64))).collect();
    let file = json!({
        "version": VERSION,
        "functions": exports,
        "numbers": SLOTS.map(|(name, ..)| name),
        "options": WEBHOOK_OPTIONS.iter().map(|(name, ..)| name).collect::<Vec<_>>(),
        "errors": ErrorCode::ALL.map(ErrorCode::as_str),
        "event_types": EventType::KNOWN.map(|event| event.to_string()),
        "store": store,
    });
    Ok(format!("{file:#}\n"))
}

/// Returns the version and the table of the functions.
pub(super) fn exports() -> Result<String> {
    let rows = functions()?.into_iter().map(|Function { name, parameters, result, doc }| {
        let parameters: Vec<String> = parameters.iter().map(|(name, kind)| format!("{name}: {kind}")).collect();
        let result = result.map(|kind| format!(" -> {kind}")).unwrap_or_default();
        format!("`{name}({}){result}` | {doc}", parameters.join(", "))
    });
    Ok(format!("The version is **{VERSION}**.\n\n{}", table("function | ", rows)))
}

/// Returns the table of the numbers that a call leaves.
pub(super) fn numbers() -> String {
    table("number | name | ", SLOTS.map(|(name, index, doc)| format!("{index} | `{name}` | {doc}")))
}

/// Returns the table of a webhook's options.
pub(super) fn options() -> String {
    let rows = WEBHOOK_OPTIONS.iter().zip(0..).map(|((name, option, doc), index)| {
        let kind = match option {
            WebhookOption::Seconds(_) => "seconds",
            WebhookOption::Switch(_) => "1 for on",
        };
        format!("{index} | `{name}` | {kind} | {doc}")
    });
    table("number | option | value | ", rows)
}

/// Returns the table of the error codes.
pub(super) fn errors() -> String {
    let rows =
        ErrorCode::ALL.into_iter().zip(1..).map(|(code, number)| format!("{number} | [`{code}`](errors.md#{code})"));
    table("verdict | code", rows)
}

/// Returns the table of the known event types.
pub(super) fn event_types() -> String {
    table("number | type", EventType::KNOWN.into_iter().zip(0..).map(|(event, number)| format!("{number} | `{event}`")))
}

/// Returns the table of a store's results.
pub(super) fn store() -> String {
    table("result | name | ", STORE.map(|(name, number, doc)| format!("{number} | `{name}` | {doc}")))
}
