//! Projects with the packed packages installed, as a user would. Nothing in them reads the working tree.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use serde_json::Value;
use xshell::{Shell, cmd};

use crate::frameworks::{PROJECTS, Start};
use crate::package::Packages;
use crate::project::{root, target};
use crate::python;

/// The projects, under `target/consumers`.
pub struct Consumers {
    /// An npm project with the package.
    pub npm: PathBuf,
    /// An npm project without the native addon, as on a platform without one.
    pub npm_without_addon: PathBuf,
    /// The Python of a virtual environment with the wheel and the tools of the tests.
    pub python: PathBuf,
    /// The wheel.
    pub wheel: PathBuf,
    /// The npm package, for projects with other packages of their own.
    pub npm_package: PathBuf,
    /// A cargo workspace of the Rust projects in tests/e2e/consumers, on the packed crate.
    pub rust: PathBuf,
}

/// Creates all projects anew.
pub fn install(sh: &Shell, packages: &Packages) -> Result<Consumers> {
    let folder = target().join("consumers");
    sh.remove_path(&folder)?;
    let npm = npm_project(sh, &folder.join("npm"), packages)?;
    let npm_without_addon = npm_project(sh, &folder.join("npm-without-addon"), packages)?;
    for file in sh.read_dir(npm_without_addon.join("node_modules/clarife-webhooks/dist"))? {
        if file.extension().is_some_and(|extension| extension == "node") {
            sh.remove_path(file)?;
        }
    }
    let python = python::venv(sh)?;
    let wheel = &packages.wheel;
    cmd!(sh, "{python} -m pip install --quiet --no-index --no-deps --force-reinstall {wheel}").run()?;
    let rust = cargo_workspace(sh, &folder.join("rust"), packages)?;
    let npm_package = packages.npm.clone();
    Ok(Consumers { npm, npm_without_addon, python, wheel: wheel.clone(), npm_package, rust })
}

fn npm_project(sh: &Shell, folder: &Path, packages: &Packages) -> Result<PathBuf> {
    sh.create_dir(folder)?;
    let _folder = sh.push_dir(folder);
    sh.write_file("package.json", r#"{"private": true, "type": "module"}"#)?;
    let package = &packages.npm;
    // --offline: the package has no dependencies.
    cmd!(sh, "npm install --offline --no-audit --no-fund {package}").quiet().ignore_stdout().run()?;
    for tool in tools(sh)? {
        std::os::unix::fs::symlink(
            root().join("xtask/tools/node_modules").join(&tool),
            folder.join("node_modules").join(tool),
        )?;
    }
    Ok(folder.to_path_buf())
}

/// Returns the packages and scopes that `xtask/tools/package.json` pins.
fn tools(sh: &Shell) -> Result<BTreeSet<String>> {
    let manifest: Value = serde_json::from_str(&sh.read_file(root().join("xtask/tools/package.json"))?)?;
    let pinned = manifest["devDependencies"].as_object().context("no devDependencies in xtask/tools/package.json")?;
    Ok(pinned.keys().filter_map(|name| name.split('/').next()).map(str::to_owned).collect())
}

/// Creates the workspace of the Rust projects, with the packed crate in place of the repository's.
fn cargo_workspace(sh: &Shell, folder: &Path, packages: &Packages) -> Result<PathBuf> {
    let manifest = sh.read_file(root().join("Cargo.toml"))?;
    let (before, members) = manifest.split_once("members = [").context("no members in Cargo.toml")?;
    let (_, after) = members.split_once(']').context("no end of the members in Cargo.toml")?;
    let after = after.replace("path = \"core\"", &format!("path = {:?}", packages.crates.core.display().to_string()));
    let started = PROJECTS
        .iter()
        .filter(|project| matches!(project.start, Start::Cargo | Start::WorkerRust))
        .map(|project| project.name);
    let members: Vec<&str> = started.chain(["testing-rust"]).collect();
    sh.write_file(folder.join("Cargo.toml"), format!("{before}members = {members:?}{after}"))?;
    sh.copy_file(root().join("Cargo.lock"), folder)?;
    for name in members {
        let from = root().join("tests/e2e/consumers").join(name);
        cmd!(sh, "cp --recursive {from} {folder}").quiet().run()?;
    }
    Ok(folder.to_path_buf())
}

/// Copies a folder of the repository into a project, where its imports resolve to the installed packages.
pub fn copy_into(sh: &Shell, folder: &str, project: &Path) -> Result<PathBuf> {
    let (from, to) = (root().join(folder), project.join(folder));
    sh.create_dir(&to)?;
    cmd!(sh, "cp --recursive --no-target-directory {from} {to}").quiet().run()?;
    Ok(to)
}
