//! The files of a package.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Result, ensure};
use regex::bytes::Regex;
use serde_json::Value;
use xshell::Shell;

use super::{Kind, Package};
use crate::project::{cargo_home, root};

/// Files that npm packs without being asked.
const ALWAYS_IN_NPM: [&str; 3] = ["LICENSE", "README.md", "package.json"];

/// Checks that a package has its license, no file by accident, and no path of this machine.
pub(super) fn check(sh: &Shell, package: &Package) -> Result<()> {
    let files = files(&package.folder)?;
    let license = sh.read_file(root().join("LICENSE"))?;
    let has_license =
        |file: &PathBuf| file.ends_with("LICENSE") && fs::read_to_string(file).is_ok_and(|text| text == license);
    ensure!(files.iter().any(has_license), "the package has no LICENSE");
    let top: BTreeSet<_> =
        sh.read_dir(&package.folder)?.iter().filter_map(|path| Some(path.file_name()?.to_str()?.to_owned())).collect();
    match package.kind {
        Kind::Npm => {
            let manifest = manifest(sh, package)?;
            let listed = manifest["files"].as_array().into_iter().flatten().filter_map(Value::as_str);
            let expected: BTreeSet<_> = listed.chain(ALWAYS_IN_NPM).map(str::to_owned).collect();
            ensure!(top == expected, "the package has {top:?} in place of {expected:?}");
        }
        Kind::Wheel => {
            let other = top
                .iter()
                .find(|name| *name != "clarife_webhooks" && !name.contains(".dist-info") && !name.contains(".data"));
            ensure!(other.is_none(), "the wheel has the unknown folder {other:?}");
        }
        Kind::Sdist => ensure!(top.contains("Cargo.lock"), "the sources have no Cargo.lock"),
        Kind::Crate => {
            for name in ["LICENSE", "README.md", "Cargo.lock"] {
                ensure!(top.contains(name), "the crate has no {name}");
            }
            let generator = files.iter().find(|file| file.to_string_lossy().contains("tests/vectors/files/generat"));
            ensure!(generator.is_none(), "the crate has the generator of the vectors");
        }
    }
    no_local_paths(&files)
}

/// Returns the bills of materials, of which every wheel must have one.
pub(super) fn sboms(packages: &[Package]) -> Result<Vec<PathBuf>> {
    let mut sboms = Vec::new();
    for wheel in packages.iter().filter(|package| package.kind == Kind::Wheel) {
        let before = sboms.len();
        let files = files(&wheel.folder)?.into_iter();
        sboms.extend(files.filter(|file| file.parent().is_some_and(|folder| folder.ends_with("sboms"))));
        ensure!(sboms.len() > before, "{} has no SBOM", wheel.file.display());
    }
    Ok(sboms)
}

/// Returns `true` if an npm package has types.
pub(super) fn has_types(sh: &Shell, package: &Package) -> Result<bool> {
    Ok(manifest(sh, package)?.get("types").is_some())
}

/// Returns the manifest of an npm package.
pub(super) fn manifest(sh: &Shell, package: &Package) -> Result<Value> {
    Ok(serde_json::from_str(&sh.read_file(package.folder.join("package.json"))?)?)
}

/// Checks that no file names a folder of this machine.
fn no_local_paths(files: &[PathBuf]) -> Result<()> {
    let folders = [root(), cargo_home(), std::env::home_dir().unwrap_or_default()];
    let folders = folders.iter().filter(|folder| folder.parent().is_some());
    // With the slash, because a text such as `/root` is part of other paths too.
    let pattern: Vec<_> = folders.map(|folder| regex::escape(&format!("{}/", folder.display()))).collect();
    let local = Regex::new(&pattern.join("|"))?;
    for file in files {
        let bytes = fs::read(file)?;
        let found = local.find(&bytes).map(|found| String::from_utf8_lossy(found.as_bytes()));
        ensure!(found.is_none(), "{} names {}", file.display(), found.unwrap_or_default());
    }
    Ok(())
}

/// Returns all files below a folder.
fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let (mut files, mut folders) = (Vec::new(), vec![folder.to_path_buf()]);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder)? {
            let path = entry?.path();
            if path.is_dir() { folders.push(path) } else { files.push(path) }
        }
    }
    Ok(files)
}
