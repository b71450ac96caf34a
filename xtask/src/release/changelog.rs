//! The move of the changelog's entries into a release.

use anyhow::{Context as _, Result, ensure};
use semver::Version;

/// The changelog, in the format of Keep a Changelog.
pub(super) const FILE: &str = "CHANGELOG.md";
const UNRELEASED: &str = "## Unreleased\n";

/// Returns the changelog with the unreleased entries under a version and a date.
pub(super) fn release(changelog: &str, version: &Version, date: &str) -> Result<String> {
    let (before, after) =
        changelog.split_once(UNRELEASED).with_context(|| format!("{FILE} has no section Unreleased"))?;
    let entries = after.split("\n## ").next().unwrap_or_default();
    ensure!(entries.lines().any(|line| line.starts_with("- ")), "{FILE} has no entries under Unreleased");
    let dated = format!("## {version} - ");
    ensure!(!changelog.contains(&dated), "{FILE} has a section for {version}");
    Ok(format!("{before}{UNRELEASED}\n{dated}{date}\n{after}"))
}
