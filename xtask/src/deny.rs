//! `cargo xtask deny`: checks licenses, versions, sources and advisories of the dependencies with cargo-deny.

use std::path::PathBuf;

use anyhow::Result;
use xshell::{Shell, cmd};

use crate::project::{cargo_home, step, target};

const VERSION: &str = "0.20.2";

/// Installs cargo-deny, and checks the dependencies against `deny.toml`.
///
/// Prints a notice instead of checking advisories if their database cannot be fetched and none was fetched before.
pub fn run(sh: &Shell) -> Result<()> {
    let deny = install(sh)?;
    step("dependencies: licenses, versions, sources");
    cmd!(sh, "{deny} --locked check licenses bans sources").run()?;
    step("dependencies: advisories");
    let is_fetched = cmd!(sh, "{deny} --locked fetch db").run().is_ok();
    let databases = sh.read_dir(cargo_home().join("advisory-dbs")).unwrap_or_default(); // and a lock file
    if is_fetched || databases.iter().any(|database| database.is_dir()) {
        return Ok(cmd!(sh, "{deny} --locked --offline check advisories").run()?);
    }
    eprintln!("NOT CHECKED: the advisory database cannot be fetched");
    Ok(())
}

/// Installs cargo-deny into `target/tools`, and returns its path.
fn install(sh: &Shell) -> Result<PathBuf> {
    let folder = target().join("tools");
    let program = folder.join("bin/cargo-deny");
    let version = format!("cargo-deny {VERSION}");
    let installed = cmd!(sh, "{program} --version").quiet().ignore_stderr().read();
    if !program.exists() || installed.is_ok_and(|installed| installed.trim() != version) {
        step("installing cargo-deny, which takes several minutes");
        let build = folder.join("build");
        cmd!(sh, "cargo install --quiet --locked cargo-deny --version {VERSION} --root {folder} --target-dir {build}")
            .run()?;
        sh.remove_path(build)?; // ten times the size of the program
    }
    Ok(program)
}
