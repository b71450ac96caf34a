//! What the README and the documentation's pages have from the core: tables of errors, answers and events; and in the README, whose
//! readers see the file as it is, the examples, which are files that the tests run.

use std::fmt::Write as _;

use anyhow::{Context as _, Result};
use clarife_webhooks::{ErrorCode, EventType, WebhookError, WebhookResponse};

use super::{Kind, is_published, json_name, resource_of, resources};
use crate::project::root;

/// The files with something to fill in.
pub(super) const FILES: [&str; 3] = ["README.md", "docs/pages/reference/errors.md", "docs/pages/reference/events.md"];

/// Fills what stands between `<!-- begin: … -->` and `<!-- end -->`: a table's name, or a file's path.
pub(super) fn fill(page: &str) -> Result<String> {
    let mut filled = String::new();
    let mut rest = page;
    while let Some((before, after)) = rest.split_once("<!-- begin: ") {
        let (what, after) = after.split_once(" -->").context("a begin without its end")?;
        let (_, after) = after.split_once("<!-- end -->").context("a begin without its end")?;
        let content = match what {
            "errors" => errors(),
            "error-reference" => error_reference(),
            "responses" => responses(),
            "events" => events(),
            "resources" => resources_tables(),
            path => file(path)?,
        };
        let _ = write!(filled, "{before}<!-- begin: {what} -->\n\n{content}\n<!-- end -->");
        rest = after;
    }
    filled.push_str(rest);
    Ok(filled)
}

fn file(path: &str) -> Result<String> {
    let content = std::fs::read_to_string(root().join(path)).with_context(|| format!("{path} is quoted"))?;
    let language = match path.rsplit('.').next() {
        Some("rs") => "rust,ignore",
        Some("py") => "python",
        _ => "js",
    };
    Ok(format!("```{language}\n{content}```\n"))
}

/// What is wrong and what to do, for the README.
fn errors() -> String {
    let rows = ErrorCode::ALL.map(|code| format!("`{code}` | {} | {}", WebhookError::from(code), code.hint()));
    table("`code` | what is wrong | what to do", rows)
}

/// The same with the status, and links to what the page says of each: a code that it says nothing of is a dead link.
fn error_reference() -> String {
    let rows = ErrorCode::ALL.map(|code| {
        format!("[`{code}`](#{code}) | {} | {} | {}", code.status(), WebhookError::from(code), code.hint())
    });
    table("`code` | status | what is wrong | what to do", rows)
}

/// What adapters answer but for errors.
fn responses() -> String {
    let rows = WebhookResponse::ALL
        .map(|response| format!("{} | `{}` | {}", response.status(), response.code(), response.message()));
    table("status | `code` | what it says", rows)
}

fn events() -> String {
    let rows = EventType::KNOWN.map(|event| {
        let resource = resource_of(event);
        format!("`{event}` | {} | [{resource}](#{})", event.description(), resource.to_lowercase())
    });
    table("`type` | what happened | `data`", rows)
}

/// A section for each resource, in the order of the core.
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
                "\nclarife publishes no more of it; what else there is can be read.\n"
            };
            format!("### {}\n\n{}\n\n{members}{open}", resource.name, resource.doc)
        })
        .collect();
    sections.join("\n")
}

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

fn table(head: &str, rows: impl IntoIterator<Item = String>) -> String {
    let mut table = format!("| {head} |\n|{}\n", "---|".repeat(head.split(" | ").count()));
    for row in rows {
        let _ = writeln!(table, "| {row} |");
    }
    table
}
