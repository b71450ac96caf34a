//! `cargo xtask codegen`: generates files of other languages from the core's error codes, event types and resources.
//!
//! The files are committed. The tests run `--check`, which fails if a file differs from the core.

mod abi;
mod adapters;
mod flow;
mod frameworks;
mod json_schema;
mod markdown;
mod module;
mod python;
mod samples;
mod typescript;

use std::collections::BTreeSet;
use std::path::PathBuf;

use anyhow::{Context as _, Result, bail};
use clarife_webhooks::{EventType, MemberModel, RESOURCE_MODELS, ResourceModel};
use xshell::{Shell, cmd};

use crate::frameworks::check as check_frameworks;
use crate::project::root;
use crate::release::current_version;

/// Writes the files and the test vectors, or only compares them with `check`.
pub fn run(sh: &Shell, check: bool) -> Result<()> {
    check_frameworks(sh)?;
    let flag = check.then_some("--check");
    cmd!(sh, "node tests/vectors/generate.mjs {flag...}").quiet().run()?;
    let mut files = vec![
        ("bindings-node/api/generated.ts", typescript::file()),
        ("bindings-node/api/flow.generated.ts", typescript::flow_file()),
        ("bindings-node/api/abi.generated.ts", abi::file()),
        ("bindings-node/api/webhook-options.generated.ts", abi::webhook_options()),
        ("bindings-node/adapters/generated.ts", adapters::file()),
        ("bindings-node/adapters/samples.generated.ts", samples::typescript()?),
        ("bindings-python/python/clarife_webhooks/_types.py", python::file()),
        ("bindings-python/python/clarife_webhooks/_handlers.py", python::handlers()),
        ("bindings-python/python/clarife_webhooks/_constants.py", python::constants()),
        ("bindings-python/python/clarife_webhooks/_samples.py", samples::python()?),
        ("core/schema/events.schema.json", json_schema::file()?),
        ("bindings-wasm/abi.json", module::file()?),
    ];
    for page in markdown::FILES {
        files.push((page, markdown::fill(&sh.read_file(page)?).with_context(|| page.to_owned())?));
    }
    files.push(("bindings-node/tests/types/events.generated.ts", typescript::event_program()));
    files.push(("bindings-python/tests/typing/events_generated.py", python::event_program()));
    files.push(("bindings-node/tests/types/receivers.generated.ts", frameworks::type_program(false)));
    files.push(("bindings-node/tests/types/receivers.generated.cts", frameworks::type_program(true)));
    let manifest = "bindings-node/package.json";
    let npm = frameworks::fill_exports(&sh.read_file(manifest)?).and_then(|npm| fill_version(sh, &npm));
    files.push((manifest, npm.with_context(|| manifest.to_owned())?));
    let config = "docs/mkdocs.yml";
    files.push((config, frameworks::fill_navigation(&sh.read_file(config)?).with_context(|| config.to_owned())?));
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
        bail!("outdated files: {}: run `cargo xtask codegen` and commit the result", stale.join(", "));
    }
    Ok(())
}

/// Fills the version of the npm package's manifest.
fn fill_version(sh: &Shell, manifest: &str) -> Result<String> {
    let key = "\n  \"version\": \"";
    let (before, rest) = manifest.split_once(key).context("no version")?;
    let (_, after) = rest.split_once('"').context("no end of the version")?;
    Ok(format!("{before}{key}{}\"{after}", current_version(sh)?))
}

/// The type of a member, for other languages.
enum Kind {
    String,
    Integer,
    Boolean,
    Any,
    Resource(&'static str),
    List(Box<Kind>),
}

impl Kind {
    /// Parses a type in Rust.
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

/// Returns the member's name in JSON, without the `r#` of Rust's keywords.
fn json_name(member: &MemberModel) -> &'static str {
    member.name.trim_start_matches("r#")
}

/// Returns `true` if clarife documents the resource's members. Otherwise only `id` is known.
fn is_published(resource: &ResourceModel) -> bool {
    resource.members.len() > 1
}

/// Returns the name of the resource in events of this type.
fn resource_of(event: EventType<'_>) -> String {
    format!("{:?}", event.resource_kind())
}

/// Returns the names of the resources of all known events, each once.
fn event_resources() -> BTreeSet<String> {
    EventType::KNOWN.into_iter().map(resource_of).collect()
}

/// Returns the name of an event type as a type's name: `DocumentUpdated` for `document.updated`.
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
