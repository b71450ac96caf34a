//! `cargo xtask package`: builds the packages that users install, into `dist/`.

use std::path::PathBuf;

use anyhow::Result;
use xshell::{Shell, cmd};

use crate::project::{dist, root, step, target};
use crate::{npm, package_lints, python, setup, vectors, wasm};

/// Packages that users install.
pub struct Packages {
    /// The crates `clarife-webhooks` and `clarife-sender`.
    pub crates: Crates,
    /// The wheel.
    pub wheel: PathBuf,
    /// The npm package.
    pub npm: PathBuf,
}

/// Folders of the unpacked crates, as cargo would download them from the registry.
#[derive(Clone)]
pub struct Crates {
    /// `clarife-webhooks`.
    pub core: PathBuf,
    /// `clarife-sender`.
    pub sender: PathBuf,
}

/// Builds all packages.
pub fn all(sh: &Shell) -> Result<Packages> {
    let wasm_cargo = setup::for_packages(sh)?;
    sh.remove_path(dist())?;
    sh.create_dir(dist())?;
    step("package: npm");
    npm::build(sh, &wasm_cargo)?;
    let npm = npm::pack(sh)?;
    step("package: the module for other hosts, and the vectors");
    wasm::build_standalone(sh, &wasm_cargo)?;
    vectors::pack(sh)?;
    step("package: wheel");
    let wheel = python::build_wheel(sh)?;
    python::build_sdist(sh)?;
    step("package: crates");
    let crates = pack_crates(sh)?;
    package_lints::check(sh)?;
    for file in sh.read_dir(dist())? {
        eprintln!("{} ({} bytes)", file.strip_prefix(root()).unwrap_or(&file).display(), file.metadata()?.len());
    }
    Ok(Packages { crates, wheel, npm })
}

/// Packs the crates into `dist/`, and unpacks them under `target`.
pub fn pack_crates(sh: &Shell) -> Result<Crates> {
    // In one command, because the sender's archive depends on the unpublished core.
    let options = "--package clarife-webhooks --package clarife-sender --no-verify --allow-dirty".split(' ');
    cmd!(sh, "cargo package --quiet --locked {options...}").run()?;
    let folder = target().join("package");
    let unpack = |name: &str| -> Result<PathBuf> {
        // All packages have this program's version.
        let name = format!("{name}-{}", env!("CARGO_PKG_VERSION"));
        let packed = folder.join(format!("{name}.crate"));
        sh.copy_file(&packed, dist())?;
        let unpacked = folder.join(name);
        sh.remove_path(&unpacked)?; // removes files that are no longer packed
        // --touch: the archive has one time for all files, by which cargo would take the last build for a fresh one.
        cmd!(sh, "tar --extract --touch --gzip --file {packed} --directory {folder}").run()?;
        Ok(unpacked)
    };
    Ok(Crates { core: unpack("clarife-webhooks")?, sender: unpack("clarife-sender")? })
}
