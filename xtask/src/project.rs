//! Where things are.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use flate2::Compression;
use flate2::write::GzEncoder;
use xshell::Shell;

/// The repository's root.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().map(Path::to_path_buf).unwrap_or_default()
}

/// Where cargo builds; everything that is made for the tests is there too.
pub fn target() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), |folder| root().join(folder))
}

/// Where the packages go that users install.
pub fn dist() -> PathBuf {
    root().join("dist")
}

/// A program of an npm package that `xtask/tools/package.json` pins.
pub fn npm_tool(name: &str) -> PathBuf {
    root().join("xtask/tools/node_modules/.bin").join(name)
}

/// A shell in the root.
pub fn shell() -> Result<Shell> {
    let sh = Shell::new()?;
    sh.change_dir(root());
    Ok(sh)
}

/// Says what is being done.
pub fn step(what: &str) {
    eprintln!("\n== {what}");
}

/// Runs `work` unless `input` is as it was when it last ran well; the copy under `target` remembers.
pub fn unless_unchanged(sh: &Shell, input: &Path, output: &Path, work: impl FnOnce() -> Result<()>) -> Result<()> {
    let name = input.strip_prefix(root()).unwrap_or(input).to_string_lossy().replace('/', "-");
    let stamp = target().join("setup").join(name);
    let now = sh.read_file(input)?;
    if output.exists() && sh.read_file(&stamp).is_ok_and(|before| before == now) {
        return Ok(());
    }
    work()?;
    sh.write_file(&stamp, now).context("the stamp could not be written")
}

/// Returns the size of a file after gzip, in bytes.
pub fn gzipped_size(sh: &Shell, file: &Path) -> Result<usize> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(&sh.read_binary_file(file)?)?;
    Ok(encoder.finish()?.len())
}

/// Where cargo keeps what it installs and downloads.
pub fn cargo_home() -> PathBuf {
    let home = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    home.or_else(|| std::env::home_dir().map(|home| home.join(".cargo"))).unwrap_or_default()
}

/// The variable that cargo takes [`release_rustflags`] from.
pub const RUSTFLAGS: &str = "CARGO_ENCODED_RUSTFLAGS";

/// The flags of what is released, with `more`: no path of the building machine in it, which panic messages would otherwise name.
pub fn release_rustflags(more: &[&str]) -> String {
    let remap = |from: &Path, to: &str| format!("--remap-path-prefix={}={to}", from.display());
    let mut flags = vec![remap(&cargo_home(), "cargo"), remap(&root(), "clarife-webhooks")];
    // Nor of the registry that it uses, so that the size does not depend on one.
    let registries = std::fs::read_dir(cargo_home().join("registry/src")).into_iter().flatten().flatten();
    flags.extend(registries.map(|registry| remap(&registry.path(), "crates")));
    flags.extend(more.iter().map(|&flag| flag.to_owned()));
    flags.join("\u{1f}") // what cargo splits at: a path may hold spaces
}
