//! Git, as a release uses it.

use anyhow::{Context as _, Result, ensure};
use semver::Version;
use xshell::{Shell, cmd};

use crate::project::root;

/// Returns the commit of the branch, which must be checked out without any change.
pub(super) fn clean_head(sh: &Shell, branch: &str) -> Result<String> {
    ensure!(sh.path_exists(root().join(".git")), "{} is not a git repository", root().display());
    let current = cmd!(sh, "git branch --show-current").quiet().read()?;
    ensure!(current == branch, "the branch is {current:?} in place of {branch:?}");
    let changes = changes(sh)?;
    ensure!(changes.is_empty(), "the tree has changes: {changes}");
    Ok(cmd!(sh, "git rev-parse HEAD").quiet().read()?)
}

/// Returns the changed and the untracked files.
fn changes(sh: &Shell) -> Result<String> {
    let changes = cmd!(sh, "git status --porcelain --untracked-files=all").quiet().read()?;
    Ok(changes.lines().map(str::trim).collect::<Vec<_>>().join(", "))
}

/// Returns `true` if the tag exists.
pub(super) fn exists(sh: &Shell, tag: &str) -> Result<bool> {
    Ok(!cmd!(sh, "git tag --list {tag}").quiet().read()?.is_empty())
}

/// Returns the greatest version that has a tag.
pub(super) fn last_version(sh: &Shell) -> Result<Option<Version>> {
    let tags = cmd!(sh, "git tag --list v*").quiet().read()?;
    Ok(tags.lines().filter_map(|tag| Version::parse(tag.trim_start_matches('v')).ok()).max())
}

/// Returns the date in UTC.
pub(super) fn today(sh: &Shell) -> Result<String> {
    Ok(cmd!(sh, "date -u +%F").quiet().read()?)
}

/// Signs a commit with git's own key, and keeps neither the commit nor a reference to it.
pub(super) fn try_signing(sh: &Shell, head: &str) -> Result<()> {
    let format = cmd!(sh, "git config --default openpgp gpg.format").quiet().read()?;
    ensure!(format == "ssh", "git signs with {format}, and the workflow accepts keys of SSH: set gpg.format to ssh");
    let objects = cmd!(sh, "git rev-parse --path-format=absolute --git-path objects").quiet().read()?;
    let (folder, tree) = (sh.create_temp_dir()?, format!("{head}^{{tree}}"));
    cmd!(sh, "git commit-tree --gpg-sign -m signing {tree}")
        .env("GIT_OBJECT_DIRECTORY", folder.path())
        .env("GIT_ALTERNATE_OBJECT_DIRECTORIES", objects)
        .quiet()
        .ignore_stdout()
        .run()
        .context("git cannot sign: set user.signingKey")
}

/// Commits all changes and tags the commit, signed.
pub(super) fn commit_and_tag(sh: &Shell, version: &Version, tag: &str) -> Result<()> {
    let subject = format!("release: set the version to {version}");
    cmd!(sh, "git commit --quiet --all --message {subject}").quiet().run().context("cannot commit")?;
    let changes = changes(sh)?;
    ensure!(changes.is_empty(), "the commit leaves changes behind: {changes}");
    let message = format!("clarife-webhooks {version}");
    cmd!(sh, "git tag --sign --message {message} {tag}").quiet().run().context("cannot sign the tag")
}

/// Returns to a commit, without the changes since.
pub(super) fn restore(sh: &Shell, head: &str) -> Result<()> {
    Ok(cmd!(sh, "git reset --quiet --hard {head}").quiet().run()?)
}
