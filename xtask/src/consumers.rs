//! Empty projects into which the packed artefacts are installed, as a user would: nothing in them sees the working tree.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use xshell::{Shell, cmd};

use crate::package::Packages;
use crate::project::{root, target};
use crate::python;

/// The projects, under `target/consumers`.
pub struct Consumers {
    /// An npm project with the package.
    pub npm: PathBuf,
    /// An npm project without the native addon, as on a platform without one.
    pub npm_without_addon: PathBuf,
    /// A virtual environment with the wheel and the tools that the tests use.
    pub python: PathBuf,
    /// The wheel.
    pub wheel: PathBuf,
    /// The npm package, for projects with other packages of their own.
    pub npm_package: PathBuf,
    /// A cargo workspace with the crate: the projects of tests/consumers in Rust.
    pub rust: PathBuf,
}

/// The projects of tests/consumers in Rust.
pub const RUST: [&str; 6] = ["axum", "axum-extractor", "tower", "actix-web", "redis-rust", "testing-rust"];

/// What the tests in the npm projects import, from where it is pinned.
const TOOLS: [&str; 18] = [
    "@cloudflare",
    "@hono",
    "@koa",
    "@nestjs",
    "@types",
    "express",
    "express4",
    "fast-check",
    "fastify",
    "hono",
    "ioredis",
    "koa",
    "mitata",
    "playwright-core",
    "redis",
    "reflect-metadata",
    "rxjs",
    "standardwebhooks",
];

/// Makes the projects anew.
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
    for tool in TOOLS {
        std::os::unix::fs::symlink(
            root().join("xtask/tools/node_modules").join(tool),
            folder.join("node_modules").join(tool),
        )?;
    }
    Ok(folder.to_path_buf())
}

/// The projects in Rust, on the packed crate where the repository's workspace has the crate's folder.
fn cargo_workspace(sh: &Shell, folder: &Path, packages: &Packages) -> Result<PathBuf> {
    let manifest = sh.read_file(root().join("Cargo.toml"))?;
    let (before, members) = manifest.split_once("members = [").context("the workspace has no members")?;
    let (_, after) = members.split_once(']').context("the workspace's members have no end")?;
    let after = after.replace("path = \"core\"", &format!("path = {:?}", packages.crates.core.display().to_string()));
    sh.write_file(folder.join("Cargo.toml"), format!("{before}members = {RUST:?}{after}"))?;
    sh.copy_file(root().join("Cargo.lock"), folder)?;
    for name in RUST {
        let from = root().join("tests/consumers").join(name);
        cmd!(sh, "cp --recursive {from} {folder}").quiet().run()?;
    }
    Ok(folder.to_path_buf())
}

/// Copies a folder of the repository into a project, so that its imports find what is installed there.
pub fn copy_into(sh: &Shell, folder: &str, project: &Path) -> Result<PathBuf> {
    let (from, to) = (root().join(folder), project.join(folder));
    sh.create_dir(&to)?;
    cmd!(sh, "cp --recursive --no-target-directory {from} {to}").quiet().run()?;
    Ok(to)
}
