//! Projects with npm packages of their own, in `target/apps`: these are installed once, and the packed artefact anew each time.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Result, bail};
use xshell::{Shell, cmd};

use crate::consumers::Consumers;
use crate::project::{target, unless_unchanged};

/// Copies a project, installs what it needs and the packed artefact, and builds it.
pub(super) fn install(sh: &Shell, consumers: &Consumers, name: &str) -> Result<PathBuf> {
    install_and_run(sh, consumers, name, "build")
}

/// The same with a project's tests.
pub(super) fn test(sh: &Shell, consumers: &Consumers, name: &str) -> Result<()> {
    install_and_run(sh, consumers, name, "test").map(|_| ())
}

fn install_and_run(sh: &Shell, consumers: &Consumers, name: &str, script: &str) -> Result<PathBuf> {
    let (from, to) = (super::source(name), target().join("apps").join(name));
    sh.create_dir(&to)?;
    for old in sh.read_dir(&to)?.into_iter().filter(|path| !path.ends_with("node_modules")) {
        sh.remove_path(old)?;
    }
    for file in sh.read_dir(&from)?.into_iter().filter(|path| !path.ends_with("node_modules")) {
        cmd!(sh, "cp --recursive {file} {to}").quiet().run()?;
    }
    let _folder = sh.push_dir(&to);
    unless_unchanged(sh, &from.join("package-lock.json"), &to.join("node_modules"), || {
        Ok(cmd!(sh, "npm ci --no-audit --no-fund").run()?)
    })?;
    // npm does not replace a package of the same name and version.
    sh.remove_path(to.join("node_modules/clarife-webhooks"))?;
    let package = &consumers.npm_package;
    cmd!(sh, "npm install --offline --no-audit --no-fund --silent {package}").quiet().run()?;
    let run = cmd!(sh, "npm run {script}")
        // They report on their users unless told otherwise.
        .envs([("NEXT_TELEMETRY_DISABLED", "1"), ("ASTRO_TELEMETRY_DISABLED", "1")])
        .quiet()
        .ignore_status()
        .output()?;
    if !run.status.success() {
        let said = [run.stdout, run.stderr].concat();
        bail!("npm run {script} failed in {name}:\n{}", String::from_utf8_lossy(&said));
    }
    Ok(to)
}

/// A program of one of the project's packages, in the project's folder.
pub(super) fn program(folder: &Path, name: &str) -> Command {
    let mut program = Command::new(folder.join("node_modules/.bin").join(name));
    program.current_dir(folder);
    program
}
