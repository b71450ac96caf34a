//! The version, in every file that has it.

use anyhow::{Context as _, Result, ensure};
use semver::Version;
use serde_json::Value;
use toml_edit::{DocumentMut, Item, Table, value};
use xshell::{Shell, cmd};

const MANIFEST: &str = "Cargo.toml";
const NPM: &str = "bindings-node/package.json";
const CRATE: &str = "clarife-webhooks";

/// Returns the version of the workspace, which all other copies must equal.
pub fn current(sh: &Shell) -> Result<Version> {
    let version = text(&workspace(&toml(sh, MANIFEST)?)["package"]["version"]);
    version.parse().with_context(|| format!("the version {version:?} of {MANIFEST}"))
}

/// Checks that the version is the same in all files, and returns it.
pub fn check(sh: &Shell) -> Result<Version> {
    let current = current(sh)?;
    let npm: Value = serde_json::from_str(&sh.read_file(NPM)?)?;
    let manifest = toml(sh, MANIFEST)?;
    let mut copies = vec![
        (NPM.to_owned(), npm["version"].as_str().unwrap_or_default().to_owned()),
        (format!("a dependency of {MANIFEST}"), text(&workspace(&manifest)["dependencies"][CRATE]["version"])),
    ];
    for file in lock_files(sh)? {
        let mut lock = toml(sh, &file)?;
        for package in own_packages(&mut lock)?.filter(|package| text(&package["name"]) == CRATE) {
            copies.push((file.clone(), text(&package["version"])));
        }
    }
    let expected = current.to_string();
    copies.retain(|(_, version)| *version != expected);
    let differing: Vec<_> = copies.iter().map(|(file, version)| format!("{version} in {file}")).collect();
    ensure!(differing.is_empty(), "the versions differ: {current} in {MANIFEST}, {}", differing.join(", "));
    Ok(current)
}

/// Sets the version in the manifest and in the lock files. The npm package's version is generated from the manifest's.
pub(super) fn set(sh: &Shell, version: &Version) -> Result<()> {
    let (old, new) = (current(sh)?.to_string(), version.to_string());
    let mut manifest = toml(sh, MANIFEST)?;
    manifest["workspace"]["package"]["version"] = value(&new);
    manifest["workspace"]["dependencies"][CRATE]["version"] = value(&new);
    sh.write_file(MANIFEST, manifest.to_string())?;
    // Not by `cargo update`, which would download what the workspaces outside this one depend on.
    for file in lock_files(sh)? {
        let mut lock = toml(sh, &file)?;
        for package in own_packages(&mut lock)?.filter(|package| text(&package["version"]) == old) {
            package["version"] = value(&new);
        }
        sh.write_file(&file, lock.to_string())?;
    }
    Ok(())
}

fn toml(sh: &Shell, file: &str) -> Result<DocumentMut> {
    sh.read_file(file)?.parse().with_context(|| format!("cannot read {file}"))
}

fn workspace(manifest: &DocumentMut) -> &Item {
    &manifest["workspace"]
}

/// Returns the lock files of this workspace and of those apart from it.
fn lock_files(sh: &Shell) -> Result<Vec<String>> {
    let files = cmd!(sh, "git ls-files Cargo.lock **/Cargo.lock").quiet().read()?;
    Ok(files.lines().map(str::to_owned).collect())
}

/// Returns the packages of a lock file that come from this repository.
fn own_packages(lock: &mut DocumentMut) -> Result<impl Iterator<Item = &mut Table>> {
    let packages = lock["package"].as_array_of_tables_mut().context("a lock file without packages")?;
    Ok(packages.iter_mut().filter(|package| !package.contains_key("source")))
}

fn text(item: &Item) -> String {
    item.as_str().unwrap_or_default().to_owned()
}
