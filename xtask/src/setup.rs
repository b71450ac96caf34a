//! `cargo xtask setup`: everything that a machine with Rust, Node and Python lacks.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use xshell::{Shell, cmd};

use crate::project::{root, step, unless_unchanged};
use crate::{instructions, python};

const TARGET: &str = "wasm32-unknown-unknown";
const OLDEST_NODE: u32 = 20;
const OLDEST_PYTHON: (u32, u32) = (3, 10);

/// All of it.
pub fn all(sh: &Shell) -> Result<()> {
    for_packages(sh)?;
    components(sh)?;
    let chromium = chromium(sh)?;
    eprintln!("Chromium: {}", chromium.display());
    redis(sh)?;
    instructions::tools(sh)
}

/// What building the packages needs; the cargo command that builds for WebAssembly.
pub fn for_packages(sh: &Shell) -> Result<Vec<String>> {
    step("setup");
    programs(sh)?;
    npm(sh, &root().join("xtask/tools"))?;
    python::venv(sh)?;
    wasm_cargo(sh)
}

fn programs(sh: &Shell) -> Result<()> {
    let node = cmd!(sh, "node --version")
        .quiet()
        .read()
        .context("Node.js is not installed: it cannot be installed from here")?;
    let major = node.trim_start_matches('v').split('.').next().and_then(|major| major.parse().ok()).unwrap_or(0);
    if major < OLDEST_NODE {
        bail!("Node.js is {node}, and {OLDEST_NODE} or later is needed");
    }
    let print = "import sys, ensurepip; print(*sys.version_info[:2])";
    let python = cmd!(sh, "python3 -c {print}")
        .quiet()
        .read()
        .context("Python 3 with venv is not installed: on Debian, apt-get install python3-venv")?;
    let version: Vec<u32> = python.split_whitespace().filter_map(|part| part.parse().ok()).collect();
    if version.as_slice() < [OLDEST_PYTHON.0, OLDEST_PYTHON.1].as_slice() {
        bail!("Python is {python}, and {}.{} or later is needed", OLDEST_PYTHON.0, OLDEST_PYTHON.1);
    }
    Ok(())
}

/// The npm packages of a folder's lock file, into the folder.
pub fn npm(sh: &Shell, folder: &Path) -> Result<()> {
    unless_unchanged(sh, &folder.join("package-lock.json"), &folder.join("node_modules"), || {
        let _folder = sh.push_dir(folder);
        Ok(cmd!(sh, "npm ci --no-audit --no-fund").run()?)
    })
}

/// rustfmt and clippy, which minimal Rust installations lack.
fn components(sh: &Shell) -> Result<()> {
    for component in ["rustfmt", "clippy"] {
        let cargo_name = component.trim_start_matches("rust");
        if cmd!(sh, "cargo {cargo_name} --version").quiet().ignore_stdout().ignore_stderr().run().is_err() {
            cmd!(sh, "rustup component add {component}")
                .run()
                .context("rustfmt and clippy are needed for the tests")?;
        }
    }
    Ok(())
}

/// The cargo command that builds for WebAssembly: `cargo`, or `cargo +<toolchain>` where rustup cannot add the target
/// and the standard library was built from Debian's sources.
fn wasm_cargo(sh: &Shell) -> Result<Vec<String>> {
    let script = root().join("xtask/src/wasm_target.sh");
    let answer = cmd!(sh, "bash {script}")
        .quiet()
        .read()
        .with_context(|| format!("the Rust target {TARGET} could not be installed"))?;
    Ok(answer.lines().last().unwrap_or("cargo").split_whitespace().map(str::to_owned).collect())
}

/// A Chromium or Chrome, from the machine or from Debian's packages; `CHROMIUM` names another one.
pub fn chromium(sh: &Shell) -> Result<PathBuf> {
    if let Some(path) = std::env::var_os("CHROMIUM") {
        return Ok(path.into());
    }
    let installed = || {
        ["chromium", "chromium-browser", "google-chrome"]
            .iter()
            .find_map(|name| cmd!(sh, "which {name}").quiet().ignore_stderr().read().ok())
            .map(PathBuf::from)
    };
    if let Some(path) = installed() {
        return Ok(path);
    }
    let hint = "no Chromium here and it could not be installed: install it, or name one in CHROMIUM";
    debian(sh, "chromium").context(hint)?;
    installed().context(hint)
}

/// A Redis server, from the machine or from Debian's packages; `REDIS_URL` names one that runs.
pub fn redis(sh: &Shell) -> Result<()> {
    let installed = || cmd!(sh, "redis-server --version").quiet().ignore_stdout().ignore_stderr().run();
    if std::env::var_os("REDIS_URL").is_some() || installed().is_ok() {
        return Ok(());
    }
    let hint = "no Redis here and it could not be installed: install it, or name one that runs in REDIS_URL";
    debian(sh, "redis-server").context(hint)?;
    installed().context(hint)
}

/// Installs one of Debian's packages.
pub fn debian(sh: &Shell, package: &str) -> Result<()> {
    cmd!(sh, "apt-get update -qq").run()?;
    Ok(cmd!(sh, "apt-get install -y -qq --no-install-recommends {package}")
        .env("DEBIAN_FRONTEND", "noninteractive")
        .ignore_stdout()
        .run()?)
}
