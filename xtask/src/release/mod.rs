//! `cargo xtask release VERSION`: sets the version, moves the changelog, commits and tags. It publishes nothing and
//! pushes nothing.

mod changelog;
mod git;
mod versions;

use anyhow::{Context as _, Result, ensure};
use semver::Version;
use xshell::{Shell, cmd};

use crate::codegen;
use crate::project::step;
pub use versions::{check as check_versions, current as current_version};

/// The branch that releases are made on.
const BRANCH: &str = "main";

/// Commits a version and tags the commit. A refusal writes nothing, and a later failure restores everything.
pub fn run(sh: &Shell, version: &str) -> Result<()> {
    prepare(sh, version).context("cannot release")
}

fn prepare(sh: &Shell, version: &str) -> Result<()> {
    let version = parse(version)?;
    let tag = format!("v{version}");
    let head = git::clean_head(sh, BRANCH)?;
    ensure!(!git::exists(sh, &tag)?, "the tag {tag} exists");
    if let Some(last) = git::last_version(sh)? {
        ensure!(version > last, "{version} is not greater than the last release, {last}");
    }
    let current = check_versions(sh)?;
    ensure!(version >= current, "{version} is less than {current}, the version of Cargo.toml");
    let changelog = changelog::release(&sh.read_file(changelog::FILE)?, &version, &git::today(sh)?)?;
    step("release: nothing generated differs");
    codegen::run(sh, true)?;
    git::try_signing(sh, &head)?;

    step(&format!("release: {tag}"));
    let written = write(sh, &version, &changelog).and_then(|()| git::commit_and_tag(sh, &version, &tag));
    if let Err(error) = written {
        git::restore(sh, &head).with_context(|| format!("{error:#}, and cannot restore {head}"))?;
        return Err(error);
    }
    eprintln!(
        "\n{tag} is committed and tagged on this machine. To publish it, run\n\n    git push origin {BRANCH} {tag}\n"
    );
    Ok(())
}

/// Parses a version that the workflow publishes.
fn parse(text: &str) -> Result<Version> {
    let version = Version::parse(text).with_context(|| format!("{text:?} is not a semantic version"))?;
    let is_plain = version.pre.is_empty() && version.build.is_empty();
    ensure!(is_plain, "{text:?} is not MAJOR.MINOR.PATCH, and the workflow publishes nothing else");
    Ok(version)
}

/// Writes the version and the changelog, and checks the result.
fn write(sh: &Shell, version: &Version, changelog: &str) -> Result<()> {
    versions::set(sh, version)?;
    sh.write_file(changelog::FILE, changelog)?;
    codegen::run(sh, false)?; // the npm package's version
    let found = check_versions(sh)?;
    ensure!(found == *version, "the version is {found} after {version} was set");
    codegen::run(sh, true)?;
    Ok(cmd!(sh, "cargo metadata --locked --format-version 1").quiet().ignore_stdout().run()?)
}
