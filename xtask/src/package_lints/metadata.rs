//! The metadata of a package, which is the same on all registries.

use anyhow::{Context as _, Result, ensure};
use toml_edit::{DocumentMut, Item};
use xshell::Shell;

use super::contents::manifest;
use super::{Kind, Package};
use crate::project::root;

/// Metadata of the workspace, from which that of all packages follows.
struct Metadata {
    author: String,
    license: String,
    homepage: String,
    repository: String,
}

impl Metadata {
    fn of_workspace(sh: &Shell) -> Result<Self> {
        let manifest: DocumentMut = sh.read_file("Cargo.toml")?.parse()?;
        let package = &manifest["workspace"]["package"];
        let text =
            |key: &str| package.get(key).and_then(Item::as_str).map(str::to_owned).with_context(|| format!("no {key}"));
        let author =
            package["authors"].as_array().and_then(|authors| authors.get(0)?.as_str()).context("no authors")?;
        Ok(Self {
            author: author.to_owned(),
            license: text("license")?,
            homepage: text("homepage")?,
            repository: text("repository")?,
        })
    }
}

/// Checks a package's metadata.
pub(super) fn check(sh: &Shell, package: &Package) -> Result<()> {
    let Metadata { author, license, homepage, repository } = Metadata::of_workspace(sh)?;
    match package.kind {
        Kind::Npm => {
            let manifest = manifest(sh, package)?;
            for (pointer, expected) in [
                ("/author", author),
                ("/license", license),
                ("/homepage", homepage),
                ("/repository/url", format!("git+{repository}.git")),
                ("/bugs", format!("{repository}/issues")),
                ("/publishConfig/access", "public".into()),
            ] {
                let found = manifest.pointer(pointer).and_then(|value| value.as_str());
                ensure!(found == Some(&expected), "{pointer} is {found:?} in place of {expected:?}");
            }
            ensure!(
                manifest.pointer("/publishConfig/provenance") == Some(&true.into()),
                "the package has no provenance"
            );
            ensure!(manifest["keywords"].is_array(), "the package has no keywords");
        }
        Kind::Wheel | Kind::Sdist => {
            let metadata = core_metadata(sh, package)?;
            for line in [
                format!("Author: {author}"),
                format!("License-Expression: {license}"),
                format!("Project-URL: Homepage, {homepage}"),
                format!("Project-URL: Repository, {repository}"),
                format!("Project-URL: Changelog, {repository}/blob/main/CHANGELOG.md"),
                format!("Project-URL: Issues, {repository}/issues"),
            ] {
                ensure!(metadata.lines().any(|found| found == line), "the metadata has no line {line:?}");
            }
            let documentation = metadata.lines().find_map(|line| line.strip_prefix("Project-URL: Documentation, "));
            check_page(&homepage, documentation.context("the metadata has no documentation")?)?;
            for field in ["Keywords: ", "Classifier: ", "Requires-Python: "] {
                ensure!(metadata.contains(&format!("\n{field}")), "the metadata has no {field}");
            }
        }
        Kind::Crate => {
            let manifest: DocumentMut = sh.read_file(package.folder.join("Cargo.toml"))?.parse()?;
            let package = &manifest["package"];
            let text = |key: &str| package.get(key).and_then(Item::as_str);
            check_page(&homepage, text("documentation").context("the crate has no documentation")?)?;
            for (key, expected) in [("license", license), ("homepage", homepage), ("repository", repository)] {
                let found = text(key);
                ensure!(found == Some(&expected), "{key} is {found:?} in place of {expected:?}");
            }
            for key in ["authors", "categories", "description", "keywords", "readme", "rust-version"] {
                ensure!(package.get(key).is_some(), "the crate has no {key}");
            }
        }
    }
    Ok(())
}

/// Checks that an address on the site is that of a page.
fn check_page(homepage: &str, address: &str) -> Result<()> {
    let page = address.strip_prefix(homepage).map(|page| root().join("docs/pages").join(page.trim_end_matches('/')));
    ensure!(page.is_none_or(|page| page.with_extension("md").exists()), "the site has no page {address}");
    Ok(())
}

/// Returns the page that the registry shows.
pub(super) fn readme(sh: &Shell, package: &Package) -> Result<String> {
    if matches!(package.kind, Kind::Npm | Kind::Crate) {
        return Ok(sh.read_file(package.folder.join("README.md"))?);
    }
    let metadata = core_metadata(sh, package)?;
    Ok(metadata.split_once("\n\n").context("the metadata has no description")?.1.to_owned())
}

/// Returns the core metadata of a package of Python.
fn core_metadata(sh: &Shell, package: &Package) -> Result<String> {
    let folder = match package.kind {
        Kind::Wheel => sh
            .read_dir(&package.folder)?
            .into_iter()
            .find(|folder| folder.extension().is_some_and(|extension| extension == "dist-info"))
            .context("the wheel has no dist-info")?,
        _ => package.folder.clone(),
    };
    let name = if package.kind == Kind::Wheel { "METADATA" } else { "PKG-INFO" };
    Ok(sh.read_file(folder.join(name))?)
}
