//! Virtual environments of Python, and the wheel.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use xshell::{Shell, cmd};

use crate::project::{RUSTFLAGS, dist, release_rustflags, root, target, unless_unchanged};
use crate::sbom;

/// Returns the Python of the virtual environment with the tools of `xtask/tools/requirements.txt`.
pub fn venv(sh: &Shell) -> Result<PathBuf> {
    environment(sh, "venv", &root().join("xtask/tools/requirements.txt"))
}

/// Returns the Python of a virtual environment under `target`, and creates the environment anew if the list of
/// requirements has changed.
pub fn environment(sh: &Shell, name: &str, requirements: &Path) -> Result<PathBuf> {
    let folder = target().join(name);
    let python = folder.join("bin/python");
    unless_unchanged(sh, requirements, &python, || {
        // --clear removes packages that are no longer on the list.
        cmd!(sh, "python3 -m venv --clear {folder}").run()?;
        let pip = "--quiet --disable-pip-version-check --no-deps".split(' ');
        cmd!(sh, "{python} -m pip install {pip...} --requirement {requirements}").run()?;
        // --no-deps installs the list only, and this check fails if the list misses a dependency.
        Ok(cmd!(sh, "{python} -m pip check").ignore_stdout().run()?)
    })?;
    Ok(python)
}

/// The versions of CPython that wheels are for. `t` is a free-threaded build.
pub const VERSIONS: [&str; 8] = ["3.10", "3.11", "3.12", "3.13", "3.14", "3.15", "3.14t", "3.15t"];

/// Returns the interpreters of this machine, of all supported versions, and prints the versions that it does not have.
pub fn interpreters(sh: &Shell) -> Result<Vec<PathBuf>> {
    // pyenv hides versions that are not selected.
    let versions = cmd!(sh, "pyenv versions --bare").quiet().ignore_stderr().read().unwrap_or_default();
    let _selected = sh.push_env("PYENV_VERSION", versions.lines().map(str::trim).collect::<Vec<_>>().join(":"));
    let print = "import sys; print(sys.executable)";
    let (mut found, mut missing) = (Vec::new(), Vec::new());
    for version in VERSIONS {
        match cmd!(sh, "python{version} -c {print}").quiet().ignore_stderr().read() {
            Ok(path) => found.push(path.into()),
            Err(_) => missing.push(version),
        }
    }
    if !missing.is_empty() {
        eprintln!("not checked, because this machine does not have them: CPython {}", missing.join(", "));
    }
    anyhow::ensure!(!found.is_empty(), "cannot find any of CPython {}", VERSIONS.join(", "));
    Ok(found)
}

/// Builds the wheel, which works for CPython 3.10 and later, into `dist/`.
pub fn build_wheel(sh: &Shell) -> Result<PathBuf> {
    let python = venv(sh)?;
    let (dist, target) = (dist(), target());
    let is_wheel = |path: &PathBuf| path.extension().is_some_and(|extension| extension == "whl");
    sh.create_dir(&dist)?;
    for old in sh.read_dir(&dist)?.iter().filter(|path| is_wheel(path)) {
        sh.remove_path(old)?;
    }
    let sbom = sbom::write(sh, "bindings-python", None)?;
    let options = "--quiet --release --locked --manifest-path bindings-python/Cargo.toml".split(' ');
    cmd!(sh, "{python} -m maturin build {options...} --sbom-include {sbom} --out {dist}")
        .env("CARGO_TARGET_DIR", target)
        .env(RUSTFLAGS, release_rustflags(&[]))
        .run()?;
    sh.read_dir(&dist)?.into_iter().find(is_wheel).context("maturin built no wheel")
}

/// Packs the sources of the Python package in a folder into `dist/`, for platforms without a wheel.
pub fn build_sdist(sh: &Shell, folder: &str) -> Result<()> {
    let (python, dist) = (venv(sh)?, dist());
    let options = ["--manifest-path", &format!("{folder}/Cargo.toml")];
    // Without its standard error, which lists every file.
    Ok(cmd!(sh, "{python} -m maturin sdist {options...} --out {dist}").ignore_stderr().run()?)
}
