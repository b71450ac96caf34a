//! A software bill of materials in the format CycloneDX: the crates that are linked into a package.
//!
//! Maturin's own names folders of the build machine, and crates that other members of the workspace use.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use anyhow::{Context as _, Result};
use serde_json::{Value, json};
use toml_edit::{DocumentMut, Item};
use xshell::{Shell, cmd};

use crate::project::target;

/// A crate and its direct dependencies, each by its package URL.
struct Linked {
    component: Value,
    dependencies: BTreeSet<String>,
}

/// Writes the bill of a crate of this workspace for a target, or else for this machine, and returns its path.
///
/// It names neither the machine nor the time, so that equal sources have an equal bill.
pub fn write(sh: &Shell, package: &str, triple: Option<&str>) -> Result<PathBuf> {
    let lock: DocumentMut = sh.read_file("Cargo.lock")?.parse()?;
    let tree = "--edges normal,no-proc-macro --no-dedupe --prefix depth".split(' ');
    let format = " {p} | {l} | {r}";
    let chosen = triple.map(|triple| format!("--target={triple}"));
    let lines =
        cmd!(sh, "cargo tree --locked --package {package} {chosen...} {tree...} --format {format}").quiet().read()?;
    let mut crates = BTreeMap::<String, Linked>::new();
    let mut parents: Vec<String> = Vec::new();
    for line in lines.lines() {
        let (depth, name, version, license, repository) =
            parse(line).with_context(|| format!("unknown line {line}"))?;
        let url = format!("pkg:cargo/{name}@{version}");
        parents.truncate(depth);
        if let Some(parent) = parents.last().and_then(|parent| crates.get_mut(parent)) {
            parent.dependencies.insert(url.clone());
        }
        parents.push(url.clone());
        crates.entry(url.clone()).or_insert_with(|| Linked {
            component: component(&url, name, version, license, repository, checksum(&lock, name, version)),
            dependencies: BTreeSet::new(),
        });
    }
    let root = parents.first().context("cargo tree printed nothing")?;
    let bill = json!({
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": { "component": crates.get(root).map(|root| &root.component) },
        "components": crates.iter().filter(|(url, _)| *url != root).map(|(_, own)| &own.component).collect::<Vec<_>>(),
        "dependencies": crates
            .iter()
            .map(|(url, own)| json!({ "ref": url, "dependsOn": own.dependencies }))
            .collect::<Vec<_>>(),
    });
    let file = target().join("sbom").join(triple.unwrap_or("host")).join(format!("{package}.cyclonedx.json"));
    sh.write_file(&file, serde_json::to_string_pretty(&bill)? + "\n")?;
    Ok(file)
}

/// Parses a line such as `1 serde v1.0.229 | MIT OR Apache-2.0 | https://…`.
fn parse(line: &str) -> Option<(usize, &str, &str, &str, &str)> {
    let mut parts = line.split(" | ");
    let mut words = parts.next()?.split(' ');
    let depth = words.next()?.parse().ok()?;
    Some((depth, words.next()?, words.next()?.trim_start_matches('v'), parts.next()?, parts.next()?.trim()))
}

fn component(url: &str, name: &str, version: &str, license: &str, repository: &str, checksum: Option<&str>) -> Value {
    let mut component = json!({
        "type": "library",
        "bom-ref": url,
        "name": name,
        "version": version,
        "licenses": [{ "expression": license.replace('/', " OR ") }], // the slash is crates.io's old notation
        "purl": url,
    });
    if let Some(checksum) = checksum {
        component["hashes"] = json!([{ "alg": "SHA-256", "content": checksum }]);
    }
    if !repository.is_empty() {
        component["externalReferences"] = json!([{ "type": "vcs", "url": repository }]);
    }
    component
}

/// Returns the checksum of a crate in the lock file. Crates of this repository have none.
fn checksum<'a>(lock: &'a DocumentMut, name: &str, version: &str) -> Option<&'a str> {
    let has = |item: Option<&Item>, text: &str| item.and_then(Item::as_str) == Some(text);
    let mut packages = lock.get("package")?.as_array_of_tables()?.iter();
    packages
        .find(|package| has(package.get("name"), name) && has(package.get("version"), version))?
        .get("checksum")?
        .as_str()
}
