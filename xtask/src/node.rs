//! The npm package `clarife-webhooks`: the native addon and the face over it, into `bindings-node/dist`.

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use xshell::{Shell, cmd};

use crate::project::{RUSTFLAGS, npm_tool, release_rustflags, root, target};
use crate::wasm::{bundle, bundle_each, check_types, declarations, licence, npm_pack};

/// The entries beside the main one, each a file of its own for both module systems. They import the main one by its name, so
/// that there is one engine and one `WebhookError`, and none of them needs the framework that it is for.
const ADAPTERS: [&str; 9] = ["cloudflare", "express", "fastify", "koa", "lambda", "nestjs", "node", "redis", "testing"];

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
    adapters(sh, &output)?;
    licence(sh, &output)
}

/// The adapters, after the declarations of the main entry, which they are checked against.
fn adapters(sh: &Shell, output: &Path) -> Result<()> {
    let folder = package().join("js/adapters");
    let sources = ADAPTERS.map(|adapter| folder.join(adapter).with_extension("ts"));
    for (format, extension) in [("esm", "mjs"), ("cjs", "cjs")] {
        let to = format!("--outdir={}", output.display());
        let named = format!("--out-extension:.js=.{extension}");
        bundle_each(sh, &sources, &[to, named, "--platform=neutral".into()], format)?;
    }
    for adapter in ADAPTERS {
        let declarations = format!("export * from \"./types/adapters/{adapter}.js\";\n");
        sh.write_file(output.join(adapter).with_extension("d.mts"), declarations)?;
    }
    let (tsc, types) = (npm_tool("tsc"), output.join("types/adapters"));
    Ok(cmd!(sh, "{tsc} --project {folder} --outDir {types}").run()?)
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
