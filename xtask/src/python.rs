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

/// Packs the sources of the wheel into `dist/`, for platforms without a wheel.
pub fn build_sdist(sh: &Shell) -> Result<()> {
    let (python, dist) = (venv(sh)?, dist());
    let options = "--manifest-path bindings-python/Cargo.toml".split(' ');
    // Without its standard error, which lists every file.
    Ok(cmd!(sh, "{python} -m maturin sdist {options...} --out {dist}").ignore_stderr().run()?)
}
