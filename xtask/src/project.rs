//! Paths of the repository, and helpers of all commands.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use flate2::Compression;
use flate2::write::GzEncoder;
use xshell::{Shell, cmd};

/// The version of all packages, and of this program.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Returns the repository's root. `cargo run` names the package that runs, and the test of releases a copy of it.
pub fn root() -> PathBuf {
    let package = std::env::var_os("CARGO_MANIFEST_DIR").unwrap_or_else(|| env!("CARGO_MANIFEST_DIR").into());
    Path::new(&package).parent().map(Path::to_path_buf).unwrap_or_default()
}

/// Returns cargo's target folder, which also holds everything that the tests make.
pub fn target() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), |folder| root().join(folder))
}

/// Returns the folder of the packages that users install.
pub fn dist() -> PathBuf {
    root().join("dist")
}

/// Returns the path of a program from an npm package that `xtask/tools/package.json` pins.
pub fn npm_tool(name: &str) -> PathBuf {
    root().join("xtask/tools/node_modules/.bin").join(name)
}

/// Creates a shell whose working directory is the root.
pub fn shell() -> Result<Shell> {
    let sh = Shell::new()?;
    sh.change_dir(root());
    Ok(sh)
}

/// Prints the name of the step that starts.
pub fn step(name: &str) {
    eprintln!("\n== {name}");
}

/// Runs `work`, unless `output` exists and `input` is unchanged since the last successful run.
///
/// A copy of `input` under `target` is the record of that run.
pub fn unless_unchanged(sh: &Shell, input: &Path, output: &Path, work: impl FnOnce() -> Result<()>) -> Result<()> {
    let name = input.strip_prefix(root()).unwrap_or(input).to_string_lossy().replace('/', "-");
    let stamp = target().join("setup").join(name);
    let now = sh.read_file(input)?;
    if output.exists() && sh.read_file(&stamp).is_ok_and(|before| before == now) {
        return Ok(());
    }
    work()?;
    sh.write_file(&stamp, now).context("cannot record the successful run")
}

/// Returns the size of a file after gzip, in bytes.
pub fn gzipped_size(sh: &Shell, file: &Path) -> Result<usize> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(&sh.read_binary_file(file)?)?;
    Ok(encoder.finish()?.len())
}

/// Returns cargo's home folder, with installed programs and downloaded crates.
pub fn cargo_home() -> PathBuf {
    let home = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    home.or_else(|| std::env::home_dir().map(|home| home.join(".cargo"))).unwrap_or_default()
}

/// The variable through which cargo receives [`release_rustflags`].
pub const RUSTFLAGS: &str = "CARGO_ENCODED_RUSTFLAGS";

/// Returns the compiler flags of release builds, followed by `more`.
///
/// They replace the paths of the build machine, which panic messages would name otherwise.
pub fn release_rustflags(more: &[&str]) -> String {
    let remap = |from: &Path, to: &str| format!("--remap-path-prefix={}={to}", from.display());
    let mut flags = vec![remap(&cargo_home(), "cargo"), remap(&root(), "clarife-webhooks")];
    // The registry's path too, or the size of the packages would depend on its length.
    let registries = std::fs::read_dir(cargo_home().join("registry/src")).into_iter().flatten().flatten();
    flags.extend(registries.map(|registry| remap(&registry.path(), "crates")));
    flags.extend(more.iter().map(|&flag| flag.to_owned()));
    flags.join("\u{1f}") // cargo's separator, because a path may contain spaces
}

/// Installs a Debian package, unless the machine has its program, which is a name or a path.
pub fn debian_program(sh: &Shell, program: &str, package: &str) -> Result<()> {
    let installed = || cmd!(sh, "which {program}").quiet().ignore_stdout().ignore_stderr().run();
    if installed().is_ok() {
        return Ok(());
    }
    let hint = || format!("cannot install {program}: install it yourself");
    debian(sh, package).with_context(hint)?;
    installed().with_context(hint)
}

/// Installs a Debian package.
pub fn debian(sh: &Shell, package: &str) -> Result<()> {
    // GitHub's runners have a user who may become root.
    let sudo = (cmd!(sh, "id -u").quiet().read()? != "0").then_some("sudo");
    cmd!(sh, "env {sudo...} apt-get update -qq").run()?;
    let install = "apt-get install -y -qq --no-install-recommends".split(' ');
    Ok(cmd!(sh, "env {sudo...} DEBIAN_FRONTEND=noninteractive {install...} {package}").ignore_stdout().run()?)
}
