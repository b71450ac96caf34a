//! `cargo xtask package`: builds the packages that users install, into `dist/`.

mod check;
mod cross;
mod emulators;
mod sender;
pub mod targets;

use std::path::PathBuf;
use std::thread;

use anyhow::{Result, anyhow};
use xshell::{Shell, cmd};

pub use self::check::run as check;
use self::cross::Cross;
use self::targets::Target;
use crate::project::{VERSION, dist, root, shell, step, target};
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

/// Builds the packages for this machine, with this machine's own compiler: quick, and enough for the tests.
pub fn all(sh: &Shell) -> Result<Packages> {
    let wasm_cargo = setup::for_packages(sh)?;
    sh.remove_path(dist())?;
    sh.create_dir(dist())?;
    step("package: addon");
    let addon = npm::build_addon(sh)?;
    step("package: wheel");
    let wheel = python::build_wheel(sh)?;
    let (npm, crates) = pack_portable(sh, &wasm_cargo, &[(Target::host()?, addon)])?;
    finish(sh)?;
    Ok(Packages { crates, wheel, npm })
}

/// Builds everything that a release consists of, for `targets`.
pub fn release(sh: &Shell, targets: &[&Target]) -> Result<()> {
    let wasm_cargo = setup::for_packages(sh)?;
    let cross = Cross::setup(sh)?;
    cross.add_targets(sh, targets)?;
    sh.remove_path(dist())?;
    sh.create_dir(dist())?;
    // Each final crate keeps one core busy, so the programs are built beside the libraries.
    let (addons, programs) = thread::scope(|scope| {
        let programs = scope.spawn(|| {
            let sh = shell()?;
            let with_program = targets.iter().filter(|to| to.has_program());
            with_program
                .map(|&to| {
                    step(&format!("clarife-sender: {}", to.rust));
                    Ok((to, cross.program(&sh, to)?))
                })
                .collect::<Result<Vec<_>>>()
        });
        let addons = targets.iter().map(|&to| {
            step(&format!("addon and wheels: {}", to.rust));
            let addon = cross.addon(sh, to)?;
            cross.wheels(sh, to)?;
            Ok((to, addon))
        });
        let addons: Result<Vec<_>> = addons.collect();
        let programs = programs.join().map_err(|_| anyhow!("the build of clarife-sender panicked"));
        Ok::<_, anyhow::Error>((addons?, programs??))
    })?;
    pack_portable(sh, &wasm_cargo, &addons)?;
    step("package: clarife-sender");
    python::build_sdist(sh, "sender")?;
    sender::pack(sh, &programs)?;
    finish(sh)
}

/// Packs what is the same for every platform: the npm package with the addons, the module for other hosts, the vectors
/// and the sources. Returns the npm package and the crates.
fn pack_portable(sh: &Shell, wasm_cargo: &[String], addons: &[(&Target, PathBuf)]) -> Result<(PathBuf, Crates)> {
    step("package: npm");
    npm::build(sh, wasm_cargo, addons)?;
    let npm = npm::pack(sh)?;
    step("package: the module for other hosts, and the vectors");
    wasm::build_standalone(sh, wasm_cargo)?;
    vectors::pack(sh)?;
    step("package: sources");
    python::build_sdist(sh, "bindings-python")?;
    Ok((npm, pack_crates(sh)?))
}

/// Lints the packages, and prints the files of `dist/` with their sizes.
fn finish(sh: &Shell) -> Result<()> {
    package_lints::check(sh)?;
    for file in sh.read_dir(dist())?.into_iter().filter(|path| path.is_file()) {
        eprintln!("{} ({} bytes)", file.strip_prefix(root()).unwrap_or(&file).display(), file.metadata()?.len());
    }
    Ok(())
}

/// Packs the crates into `dist/`, and unpacks them under `target`.
pub fn pack_crates(sh: &Shell) -> Result<Crates> {
    // In one command, because the sender's archive depends on the unpublished core.
    let options = "--package clarife-webhooks --package clarife-sender --no-verify --allow-dirty".split(' ');
    cmd!(sh, "cargo package --quiet --locked {options...}").run()?;
    let folder = target().join("package");
    let unpack = |name: &str| -> Result<PathBuf> {
        let name = format!("{name}-{VERSION}");
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
