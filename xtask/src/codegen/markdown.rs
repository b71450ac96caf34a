//! Generated blocks of the README and the documentation: tables of errors, responses and events, and in the README the
//! examples, which are files that the tests run.

use std::fmt::Write as _;

use anyhow::{Context as _, Result};
use clarife_webhooks::{ErrorCode, EventType, WebhookError, WebhookResponse};

use super::{Kind, frameworks, is_published, json_name, module, resource_of, resources};
use crate::package::targets;
use crate::project::root;

/// The files with generated blocks.
pub(super) const FILES: [&str; 9] = [
    "README.md",
    "bindings-node/README.md",
    "docs/pages/index.md",
    "docs/pages/frameworks/index.md",
    "docs/pages/reference/errors.md",
    "docs/pages/reference/events.md",
    "docs/pages/reference/python.md",
    "docs/pages/reference/wasm-module.md",
    "tests/ports/README.md",
];

/// Fills the blocks between `<!-- begin: … -->` and `<!-- end -->`. A block names a table or a file's path.
pub(super) fn fill(page: &str) -> Result<String> {
    let mut filled = String::new();
    let mut rest = page;
    while let Some((before, after)) = rest.split_once("<!-- begin: ") {
        let (name, after) = after.split_once(" -->").context("unclosed comment of a block")?;
        let (_, after) = after.split_once("<!-- end -->").with_context(|| format!("no end of block {name}"))?;
        let content = match name {
            "errors" => errors(),
            "error-reference" => error_reference(),
            "responses" => responses(),
            "events" => events(),
            "resources" => resources_tables(),
            "cases of the port" => cases_of_port()?,
            "module: functions" => module::exports()?,
            "module: numbers" => module::numbers(),
            "module: options" => module::options(),
            "module: errors" => module::errors(),
            "module: event types" => module::event_types(),
            "module: store" => module::store(),
            "framework-names" => frameworks::names(),
            "framework-links" => frameworks::links(),
            "entries of JavaScript" => frameworks::entries(),
            "platforms" => table("system | processors", targets::rows()),
            "python-adapters" => frameworks::python_references(),
            name => match name.strip_prefix("frameworks of ") {
                Some(language) => frameworks::tables(language)?,
                None => file(name)?,
            },
        };
        let _ = write!(filled, "{before}<!-- begin: {name} -->\n\n{content}\n<!-- end -->");
        rest = after;
    }
    filled.push_str(rest);
    Ok(filled)
}

/// Returns a file as a code block.
fn file(path: &str) -> Result<String> {
    let content = std::fs::read_to_string(root().join(path)).with_context(|| format!("cannot quote {path}"))?;
    let language = match path.rsplit('.').next() {
        Some("rs") => "rust,ignore",
        Some("py") => "python",
        _ => "js",
    };
    Ok(format!("```{language}\n{content}```\n"))
}

/// Returns the table of the vector files that the port's runner walks, with their numbers of cases.
fn cases_of_port() -> Result<String> {
    let runner = std::fs::read_to_string(root().join("tests/ports/php/vectors.php"))?;
    let (_, files) = runner.split_once("const WALKERS = [").context("the port's runner has no list of files")?;
    let files = files.split_once("];").map(|(files, _)| files).unwrap_or_default();
    let rows = files.split('\'').skip(1).step_by(4).map(|file| {
        let content = std::fs::read_to_string(root().join(format!("tests/vectors/{file}.json")))?;
        let content: serde_json::Value = serde_json::from_str(&content)?;
        Ok(format!("`{file}` | {}", content["numberOfTests"]))
    });
    Ok(table("file | cases", rows.collect::<Result<Vec<_>>>()?))
}

/// Returns the table of error codes for the README.
fn errors() -> String {
    let rows = ErrorCode::ALL.map(|code| format!("`{code}` | {} | {}", WebhookError::from(code), code.hint()));
    table("`code` | error | remedy", rows)
}

/// Returns the table of error codes with statuses, and links to the page's section for each code. A missing section is
/// a dead link.
fn error_reference() -> String {
    let rows = ErrorCode::ALL.map(|code| {
        format!("[`{code}`](#{code}) | {} | {} | {}", code.status(), WebhookError::from(code), code.hint())
    });
    table("`code` | status | error | remedy", rows)
}

/// Returns the table of an adapter's responses other than errors.
fn responses() -> String {
    let rows = WebhookResponse::ALL
        .map(|response| format!("{} | `{}` | {}", response.status(), response.code(), response.message()));
    table("status | `code` | message", rows)
}

/// Returns the table of event types.
fn events() -> String {
    let rows = EventType::KNOWN.map(|event| {
        let resource = resource_of(event);
        format!("`{event}` | {} | [{resource}](#{})", event.description(), resource.to_lowercase())
    });
    table("`type` | event | `data`", rows)
}

/// Returns a section for each resource, in the core's order.
fn resources_tables() -> String {
    let sections: Vec<String> = resources()
        .map(|resource| {
            let members = table(
                "member | type | ",
                resource.members.iter().map(|member| {
                    let null = if member.nullable { " or null" } else { "" };
                    format!("`{}` | {}{null} | {}", json_name(member), kind(&Kind::of(member.kind)), member.doc)
                }),
            );
            let open = if is_published(resource) {
                ""
            } else {
                "\nclarife documents no other members, but they can be read.\n"
            };
            format!("### {}\n\n{}\n\n{members}{open}", resource.name, resource.doc)
        })
        .collect();
    sections.join("\n")
}

/// Returns a type as text.
fn kind(kind: &Kind) -> String {
    match kind {
        Kind::String => "string".into(),
        Kind::Integer => "integer".into(),
        Kind::Boolean => "boolean".into(),
        Kind::Any => "anything".into(),
        Kind::Resource(name) => format!("[{name}](#{})", name.to_lowercase()),
        Kind::List(item) => format!("list of {}", self::kind(item)),
    }
}

/// Returns a table of `head` and rows, whose cells are separated by ` | `.
pub(super) fn table(head: &str, rows: impl IntoIterator<Item = String>) -> String {
    let mut table = format!("| {head} |\n|{}\n", "---|".repeat(head.split(" | ").count()));
    for row in rows {
        let _ = writeln!(table, "| {row} |");
    }
    table
}
