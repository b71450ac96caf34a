//! Projects with npm packages of their own, in `target/apps`.
//!
//! Their packages are installed once, and the packed package anew in each run.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Result, bail};
use xshell::{Shell, cmd};

use crate::consumers::Consumers;
use crate::project::{root, target, unless_unchanged};

/// Copies a project, installs its packages and the packed package, and runs one of its scripts. Returns the copy's path.
pub(super) fn install_and_run(sh: &Shell, consumers: &Consumers, name: &str, script: &str) -> Result<PathBuf> {
    let to = copy(sh, consumers, &super::source(name))?;
    let _folder = sh.push_dir(&to);
    let run = cmd!(sh, "npm run {script}")
        // Turns off telemetry.
        .envs([("NEXT_TELEMETRY_DISABLED", "1"), ("ASTRO_TELEMETRY_DISABLED", "1")])
        .quiet()
        .ignore_status()
        .output()?;
    if !run.status.success() {
        let output = [run.stdout, run.stderr].concat();
        bail!("npm run {script} failed in {name}:\n{}", String::from_utf8_lossy(&output));
    }
    Ok(to)
}

/// Copies the project in the folder `from`, and installs its packages and the packed package. Returns the copy's path.
pub fn copy(sh: &Shell, consumers: &Consumers, from: &Path) -> Result<PathBuf> {
    let to = target().join("apps").join(from.file_name().unwrap_or_default());
    sh.create_dir(&to)?;
    for old in sh.read_dir(&to)?.into_iter().filter(|path| !path.ends_with("node_modules")) {
        sh.remove_path(old)?;
    }
    for file in sh.read_dir(from)?.into_iter().filter(|path| !path.ends_with("node_modules")) {
        cmd!(sh, "cp --recursive {file} {to}").quiet().run()?;
    }
    let _folder = sh.push_dir(&to);
    unless_unchanged(sh, &from.join("package-lock.json"), &to.join("node_modules"), || {
        Ok(cmd!(sh, "npm ci --no-audit --no-fund").run()?)
    })?;
    // npm does not replace a package of the same name and version.
    sh.remove_path(to.join("node_modules/clarife-webhooks"))?;
    let package = &consumers.npm_package;
    // SvelteKit bundles packages of development.
    cmd!(sh, "npm install --save-dev --offline --no-audit --no-fund --silent {package}").quiet().run()?;
    Ok(to)
}

/// Returns a command with arguments: `node`, or a program of the project's packages.
///
/// It runs in another folder than the project's, because a receiver must start from any. Arguments that name a file of
/// the project become its path.
pub(super) fn command(folder: &Path, command: &str) -> Command {
    let mut words = command.split(' ');
    let mut command = match words.next() {
        Some(name) if name != "node" => program(folder, name),
        _ => Command::new("node"),
    };
    let path = |word: &str| if folder.join(word).exists() { folder.join(word).into() } else { OsString::from(word) };
    command.args(words.map(path)).current_dir(root());
    command
}

/// Returns the command of a program from the project's packages, to run in the project's folder.
pub(super) fn program(folder: &Path, name: &str) -> Command {
    let mut program = Command::new(folder.join("node_modules/.bin").join(name));
    program.current_dir(folder);
    program
}
