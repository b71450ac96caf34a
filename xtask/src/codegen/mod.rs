//! `cargo xtask codegen`: the core's codes, types of events and resources, in the forms other languages read.
//!
//! The files are committed; `--check`, which the tests run, fails where one is not what the core says.

mod abi;
mod adapters;
mod flow;
mod json_schema;
mod markdown;
mod python;
mod samples;
mod typescript;

use std::path::PathBuf;

use anyhow::{Context as _, Result, bail};
use clarife_webhooks::{EventType, MemberModel, RESOURCE_MODELS, ResourceModel};
use xshell::{Shell, cmd};

use crate::project::root;

/// Writes the files and the test vectors, or with `check` only compares them.
pub fn run(sh: &Shell, check: bool) -> Result<()> {
    let flag = check.then_some("--check");
    cmd!(sh, "node tests/vectors/generate.mjs {flag...}").quiet().run()?;
    let mut files = vec![
        ("bindings-node/api/generated.ts", typescript::file()),
        ("bindings-node/api/flow.generated.ts", typescript::flow_file()),
        ("bindings-node/api/abi.generated.ts", abi::file()),
        ("bindings-node/adapters/generated.ts", adapters::file()),
        ("bindings-node/adapters/samples.generated.ts", samples::typescript()?),
        ("bindings-python/python/clarife_webhooks/_types.py", python::file()),
        ("bindings-python/python/clarife_webhooks/_handlers.py", python::handlers()),
        ("bindings-python/python/clarife_webhooks/_constants.py", python::constants()),
        ("bindings-python/python/clarife_webhooks/_samples.json", samples::json()?),
        ("core/schema/events.schema.json", json_schema::file()?),
    ];
    for page in markdown::FILES {
        files.push((page, markdown::fill(&sh.read_file(page)?).with_context(|| page.to_owned())?));
    }
    let mut stale = Vec::new();
    for (name, content) in files {
        let path: PathBuf = root().join(name);
        if std::fs::read_to_string(&path).is_ok_and(|now| now == content) {
            continue;
        }
        if check {
            stale.push(name);
        } else {
            if let Some(folder) = path.parent() {
                std::fs::create_dir_all(folder)?;
            }
            std::fs::write(&path, content)?;
            eprintln!("wrote {name}");
        }
    }
    if !stale.is_empty() {
        bail!("not what the core says: {}; run `cargo xtask codegen` and commit the result", stale.join(", "));
    }
    Ok(())
}

/// The type of a member, as far as the languages tell types apart.
enum Kind {
    String,
    Integer,
    Boolean,
    Any,
    Resource(&'static str),
    List(Box<Kind>),
}

impl Kind {
    fn of(rust: &'static str) -> Self {
        match rust.trim() {
            "String" => Self::String,
            "i64" => Self::Integer,
            "bool" => Self::Boolean,
            "Value" => Self::Any,
            rust => match rust.strip_prefix("Vec").map(str::trim_start).and_then(|rest| rest.strip_prefix('<')) {
                Some(inner) => Self::List(Box::new(Self::of(inner.trim_end_matches('>')))),
                None => Self::Resource(rust),
            },
        }
    }
}

/// The member's name in JSON: Rust writes `type` as `r#type`.
fn json_name(member: &MemberModel) -> &'static str {
    member.name.trim_start_matches("r#")
}

/// Whether clarife publishes the resource's shape: where it does not, only the id is known and every member may be read.
fn is_published(resource: &ResourceModel) -> bool {
    resource.members.len() > 1
}

/// The resource that events of this type are about.
fn resource_of(event: EventType<'_>) -> String {
    format!("{:?}", event.resource_kind())
}

/// `document.updated` as a type's name, `DocumentUpdated`.
fn type_name(event: EventType<'_>) -> String {
    format!("{event:?}")
}

fn resources() -> impl Iterator<Item = &'static ResourceModel> {
    RESOURCE_MODELS.iter()
}

/// Returns a text as a literal of TypeScript or Python, in single quotes where that spares escapes.
fn literal(text: &str) -> String {
    if text.contains('"') && !text.contains(['\'', '\\', '\n']) { format!("'{text}'") } else { format!("{text:?}") }
}

const NOTE: &str = "Generated from the core by `cargo xtask codegen`: do not edit.";
