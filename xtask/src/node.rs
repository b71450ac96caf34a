//! The npm package `clarife-webhooks`: the native addon and the face over it, into `bindings-node/dist`.

use std::path::PathBuf;

use anyhow::{Result, bail};
use xshell::{Shell, cmd};

use crate::project::{RUSTFLAGS, release_rustflags, root, target};
use crate::wasm::{bundle, check_types, declarations, licence, npm_pack};

fn package() -> PathBuf {
    root().join("bindings-node")
}

/// Builds the package for this machine.
pub fn build(sh: &Shell) -> Result<()> {
    let output = package().join("dist");
    sh.remove_path(&output)?;
    sh.create_dir(&output)?;
    cmd!(sh, "cargo build --quiet --locked --package bindings-node --release")
        .env(RUSTFLAGS, release_rustflags(&[]))
        .run()?;
    let (library, name) = addon()?;
    sh.copy_file(target().join("release").join(library), output.join(name))?;
    check_types(sh, &package())?;
    bundle(sh, &package().join("js/index.ts"), &output.join("index.cjs"), "cjs", "node")?;
    for file in ["index.mjs", "wasm.mjs"] {
        sh.copy_file(package().join("js").join(file), &output)?;
    }
    declarations(sh, &output)?;
    licence(sh, &output)
}

/// Packs the package into `dist/`, for npm to install from.
pub fn pack(sh: &Shell) -> Result<PathBuf> {
    npm_pack(sh, &package())
}

/// What cargo calls the addon, and what Node looks for (as napi-rs names addons).
fn addon() -> Result<(&'static str, String)> {
    let arch = match std::env::consts::ARCH {
        "x86_64" => "x64",
        "aarch64" => "arm64",
        other => bail!("no name is known for addons on {other}"),
    };
    let (library, platform) = match std::env::consts::OS {
        "linux" if cfg!(target_env = "musl") => ("libclarife_webhooks_node.so", format!("linux-{arch}-musl")),
        "linux" => ("libclarife_webhooks_node.so", format!("linux-{arch}-gnu")),
        "macos" => ("libclarife_webhooks_node.dylib", format!("darwin-{arch}")),
        "windows" => ("clarife_webhooks_node.dll", format!("win32-{arch}-msvc")),
        other => bail!("no name is known for addons on {other}"),
    };
    Ok((library, format!("clarife-webhooks.{platform}.node")))
}
