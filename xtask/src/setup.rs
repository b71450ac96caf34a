//! `cargo xtask setup`: the tools that a machine with Rust, Node and Python does not have yet.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use xshell::{Shell, cmd};

use crate::project::{debian, debian_program, root, step, unless_unchanged};
use crate::{instructions, python};

const TARGET: &str = "wasm32-unknown-unknown";
const OLDEST_NODE: u32 = 20;
const OLDEST_PYTHON: (u32, u32) = (3, 10);

/// Installs everything that the tests need.
pub fn all(sh: &Shell) -> Result<()> {
    for_packages(sh)?;
    components(sh)?;
    let chromium = chromium(sh)?;
    eprintln!("Chromium: {}", chromium.display());
    redis(sh)?;
    postgres(sh)?;
    debian_program(sh, "ssh-keygen", "openssh-client")?; // for the test of releases
    php(sh)?;
    instructions::tools(sh)
}

/// Installs the tools that build the packages. Returns the cargo command that builds for WebAssembly.
pub fn for_packages(sh: &Shell) -> Result<Vec<String>> {
    step("setup");
    programs(sh)?;
    npm(sh, &root().join("xtask/tools"))?;
    python::venv(sh)?;
    wasm_cargo(sh)
}

/// Checks the versions of Node.js and Python.
fn programs(sh: &Shell) -> Result<()> {
    let node = cmd!(sh, "node --version")
        .quiet()
        .read()
        .with_context(|| format!("cannot run node: install Node.js {OLDEST_NODE} or later"))?;
    let major = node.trim_start_matches('v').split('.').next().and_then(|major| major.parse().ok()).unwrap_or(0);
    if major < OLDEST_NODE {
        bail!("unsupported Node.js {node}: install {OLDEST_NODE} or later");
    }
    let print = "import sys, ensurepip; print(*sys.version_info[:2])";
    let python = cmd!(sh, "python3 -c {print}")
        .quiet()
        .read()
        .context("cannot run Python 3 with venv: on Debian, run apt-get install python3-venv")?;
    let version: Vec<u32> = python.split_whitespace().filter_map(|part| part.parse().ok()).collect();
    if version.as_slice() < [OLDEST_PYTHON.0, OLDEST_PYTHON.1].as_slice() {
        bail!("unsupported Python {python}: install {}.{} or later", OLDEST_PYTHON.0, OLDEST_PYTHON.1);
    }
    Ok(())
}

/// Installs the npm packages of a folder's lock file into the folder.
pub fn npm(sh: &Shell, folder: &Path) -> Result<()> {
    unless_unchanged(sh, &folder.join("package-lock.json"), &folder.join("node_modules"), || {
        let _folder = sh.push_dir(folder);
        Ok(cmd!(sh, "npm ci --no-audit --no-fund").run()?)
    })
}

/// Installs rustfmt and clippy, which minimal Rust installations do not include.
fn components(sh: &Shell) -> Result<()> {
    for component in ["rustfmt", "clippy"] {
        let cargo_name = component.trim_start_matches("rust");
        if cmd!(sh, "cargo {cargo_name} --version").quiet().ignore_stdout().ignore_stderr().run().is_err() {
            cmd!(sh, "rustup component add {component}")
                .run()
                .with_context(|| format!("cannot install {component}, which the tests need"))?;
        }
    }
    Ok(())
}

/// Installs the wasm target. Returns the cargo command that builds for WebAssembly: `cargo`, or `cargo +<toolchain>` if
/// rustup could not add the target and the standard library was built from Debian's sources.
pub fn wasm_cargo(sh: &Shell) -> Result<Vec<String>> {
    let script = root().join("xtask/src/wasm_target.sh");
    let output =
        cmd!(sh, "bash {script}").quiet().read().with_context(|| format!("cannot install the Rust target {TARGET}"))?;
    Ok(output.lines().last().unwrap_or("cargo").split_whitespace().map(str::to_owned).collect())
}

/// Returns the path of Chromium or Chrome, from `CHROMIUM`, the machine or Debian's packages.
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
    let hint = "cannot install Chromium: install it yourself, or set CHROMIUM to its path";
    debian(sh, "chromium").context(hint)?;
    installed().context(hint)
}

/// Installs a Redis server from Debian's packages, unless the machine has one or `REDIS_URL` is set.
pub fn redis(sh: &Shell) -> Result<()> {
    let installed = || cmd!(sh, "redis-server --version").quiet().ignore_stdout().ignore_stderr().run();
    if std::env::var_os("REDIS_URL").is_some() || installed().is_ok() {
        return Ok(());
    }
    let hint = "cannot install Redis: install it yourself, or set REDIS_URL to a running server";
    debian(sh, "redis-server").context(hint)?;
    installed().context(hint)
}

/// Installs a PostgreSQL server from Debian's packages, unless the machine has one or `POSTGRES_BIN` is set.
pub fn postgres(sh: &Shell) -> Result<()> {
    if postgres_cluster::programs().is_err() {
        let hint = "cannot install PostgreSQL: install it yourself, or set POSTGRES_BIN to the folder of its programs";
        // The package would start a server of its own.
        let folder = Path::new("/etc/postgresql-common/createcluster.d");
        let sudo = (cmd!(sh, "id -u").quiet().read()? != "0").then_some("sudo");
        cmd!(sh, "env {sudo...} mkdir -p {folder}").run()?;
        let file = folder.join("clarife.conf");
        cmd!(sh, "env {sudo...} tee {file}").stdin("create_main_cluster = false\n").ignore_stdout().run()?;
        debian(sh, "postgresql").context(hint)?;
    }
    postgres_cluster::programs().map(|_| ()).context("cannot find PostgreSQL")
}

/// Installs PHP from Debian's packages, unless the machine has it.
pub fn php(sh: &Shell) -> Result<()> {
    debian_program(sh, "php", "php-cli").context("cannot install PHP: install PHP 8.2 or later yourself")
}
