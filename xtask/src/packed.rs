//! Tests of the packed crate and the packed sender as users build them: outside the workspace, and without
//! dev-dependencies.

use std::path::{Path, PathBuf};

use anyhow::Result;
use xshell::{Shell, cmd};

use crate::package::Crates;
use crate::project::{root, step, target};

/// The core's tests of vectors and properties, which need no dev-dependency.
const CORE_TESTS: [&str; 3] = ["vectors.rs", "properties.rs", "sender_canonical.rs"];

/// Arguments for a build with features that other crates may enable. `sender_canonical` is left out, because it reads
/// numbers in a way that these features change.
const OTHER_FEATURES: [&str; 6] = ["--features", "others", "--test", "numbers", "--test", "vectors"];

/// Builds and tests the packed crate, and builds the packed sender. Returns the path of the sender's program.
pub fn test(sh: &Shell, crates: &Crates) -> Result<PathBuf> {
    let folder = target().join("packed");
    sh.remove_path(&folder)?;
    let krate = copy_out(sh, &crates.core, &folder.join("crate"), "")?;
    let _quiet = sh.push_env("CARGO_TARGET_DIR", target());

    step("the packed crate: its own tests");
    in_folder(sh, &krate, |sh| Ok(cmd!(sh, "cargo test --quiet --features sender,http,adapters,testing").run()?))?;

    step("the packed crate in a user's project: vectors and properties");
    let user = copy_out(sh, &root().join("tests/e2e/packed"), &folder.join("user"), "")?;
    let data = krate.join("tests");
    for file in CORE_TESTS {
        sh.copy_file(data.join(file), user.join("tests"))?;
    }
    for name in ["vectors", "documented-example.cjs"] {
        let (from, to) = (data.join(name), user.join("tests"));
        cmd!(sh, "cp --recursive {from} {to}").quiet().run()?;
    }
    sh.copy_file(root().join("Cargo.lock"), &user)?;
    in_folder(sh, &user, |sh| {
        cmd!(sh, "cargo test --quiet").run()?;
        Ok(cmd!(sh, "cargo test --quiet {OTHER_FEATURES...}").run()?)
    })?;

    step("the packed sender");
    let patch = "\n[patch.crates-io]\nclarife-webhooks = { path = \"../crate\" }\n";
    let sender = copy_out(sh, &crates.sender, &folder.join("sender"), patch)?;
    in_folder(sh, &sender, |sh| Ok(cmd!(sh, "cargo build --quiet").run()?))?;
    let program = folder.join("clarife-sender");
    sh.copy_file(target().join("debug/clarife-sender"), &program)?; // the workspace's own build overwrites the original
    Ok(program)
}

/// Copies a crate into a workspace of its own, and appends `more` to its manifest.
fn copy_out(sh: &Shell, from: &Path, to: &Path, more: &str) -> Result<PathBuf> {
    sh.create_dir(to.with_file_name(""))?;
    cmd!(sh, "cp --recursive {from} {to}").quiet().run()?;
    let manifest = to.join("Cargo.toml");
    let text = sh.read_file(&manifest)?;
    sh.write_file(&manifest, format!("{text}\n[workspace]\n{more}"))?;
    Ok(to.to_path_buf())
}

fn in_folder(sh: &Shell, folder: &Path, run: impl FnOnce(&Shell) -> Result<()>) -> Result<()> {
    let _folder = sh.push_dir(folder);
    run(sh)
}
