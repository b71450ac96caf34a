//! `cargo xtask package`: what users install, into `dist/`.

use std::path::PathBuf;

use anyhow::Result;
use xshell::{Shell, cmd};

use crate::project::{dist, root, step, target};
use crate::{node, python, setup, wasm};

/// The files that users install.
pub struct Packages {
    /// The crate, unpacked, as cargo would build it from the registry.
    pub krate: PathBuf,
    /// The wheel.
    pub wheel: PathBuf,
    /// The npm packages `clarife-webhooks` and `clarife-webhooks-wasm`.
    pub npm: [PathBuf; 2],
}

/// Builds all of them.
pub fn all(sh: &Shell) -> Result<Packages> {
    let wasm_cargo = setup::for_packages(sh)?;
    sh.remove_path(dist())?;
    sh.create_dir(dist())?;
    step("package: npm");
    wasm::build(sh, &wasm_cargo)?;
    node::build(sh)?;
    let npm = [node::pack(sh)?, wasm::pack(sh)?];
    step("package: wheel");
    let wheel = python::build_wheel(sh)?;
    step("package: crate");
    let krate = pack_crate(sh)?;
    for file in sh.read_dir(dist())? {
        eprintln!("{} ({} bytes)", file.strip_prefix(root()).unwrap_or(&file).display(), file.metadata()?.len());
    }
    Ok(Packages { krate, wheel, npm })
}

fn pack_crate(sh: &Shell) -> Result<PathBuf> {
    cmd!(sh, "cargo package --quiet --locked --package clarife-webhooks --no-verify --allow-dirty").run()?;
    let folder = target().join("package");
    // All packages carry one version, this program too.
    let name = concat!("clarife-webhooks-", env!("CARGO_PKG_VERSION"));
    let packed = folder.join(format!("{name}.crate"));
    sh.copy_file(&packed, dist())?;
    let unpacked = folder.join(name);
    sh.remove_path(&unpacked)?; // a file that is no longer packed must not stay
    cmd!(sh, "tar --extract --gzip --file {packed} --directory {folder}").run()?;
    Ok(unpacked)
}
