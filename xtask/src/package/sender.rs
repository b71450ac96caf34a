//! The program `clarife-sender` for those who have no Rust: archives and npm packages.
//! Its wheels are in `cross.rs`, which takes the program for both out of the wheel. The container image has the program of
//! the archive.

use std::path::{Path, PathBuf};

use anyhow::Result;
use serde_json::{Map, Value, json};
use xshell::{Shell, cmd};

use super::targets::Target;
use crate::project::{VERSION, dist, root, target};

/// Packs the programs of `targets`, each with its file.
pub fn pack(sh: &Shell, programs: &[(&Target, PathBuf)]) -> Result<()> {
    let documents = documents(sh)?;
    for (to, program) in programs {
        archive(sh, to, program, &documents)?;
        npm_platform(sh, to, program)?;
    }
    npm_launcher(sh, programs)
}

/// Writes completions and man pages with the program of this machine. They are the same on every platform.
fn documents(sh: &Shell) -> Result<PathBuf> {
    let folder = target().join("programs/documents");
    sh.remove_path(&folder)?;
    let (man, completions) = (folder.join("man"), folder.join("completions"));
    sh.create_dir(&man)?;
    cmd!(sh, "cargo build --quiet --locked --package clarife-sender").run()?;
    let sender = target().join("debug/clarife-sender");
    cmd!(sh, "{sender} man {man}").run()?;
    for (shell, file) in [
        ("bash", "clarife-sender.bash"),
        ("zsh", "_clarife-sender"),
        ("fish", "clarife-sender.fish"),
        ("powershell", "clarife-sender.ps1"),
    ] {
        sh.write_file(completions.join(file), cmd!(sh, "{sender} completions {shell}").quiet().read()?)?;
    }
    Ok(folder)
}

/// Packs an archive: the program, its license, completions, and on Unix man pages and the unit of systemd.
fn archive(sh: &Shell, to: &Target, program: &Path, documents: &Path) -> Result<()> {
    let name = format!("clarife-sender-{VERSION}-{}", to.rust);
    let parent = target().join("programs/archives");
    let folder = parent.join(&name);
    sh.remove_path(&folder)?;
    sh.create_dir(&folder)?;
    for file in [program, &root().join("LICENSE"), &root().join("sender/README.md")] {
        sh.copy_file(file, &folder)?;
    }
    let completions = documents.join("completions");
    cmd!(sh, "cp --recursive {completions} {folder}").quiet().run()?;
    let _parent = sh.push_dir(&parent);
    if to.is_windows() {
        let archive = dist().join(format!("{name}.zip"));
        cmd!(sh, "python3 -m zipfile --create {archive} {name}").run()?;
        return Ok(());
    }
    let man = documents.join("man");
    cmd!(sh, "cp --recursive {man} {folder}").quiet().run()?;
    if to.npm.0 == "linux" {
        sh.copy_file(root().join("sender/packages/clarife-sender.service"), &folder)?;
    }
    let archive = dist().join(format!("{name}.tar.gz"));
    let plain = "--sort=name --owner=0 --group=0 --numeric-owner --mtime=@0 --gzip".split(' ');
    Ok(cmd!(sh, "tar --create {plain...} --file {archive} {name}").run()?)
}

/// Packs the npm package of one platform, which contains the program alone.
fn npm_platform(sh: &Shell, to: &Target, program: &Path) -> Result<()> {
    let (system, processor) = to.npm;
    let name = npm_name(to);
    let manifest = json!({
        "description": format!("The program clarife-sender for {system} on {processor}"),
        "keywords": ["clarife", "webhook", "sender"],
        "os": [system],
        "cpu": [processor],
        "preferUnplugged": true,
        "files": [program.file_name().unwrap_or_default().to_string_lossy()],
    });
    npm_pack(sh, &name, manifest, &[program, &root().join("sender/README.md")])
}

/// Packs the npm package that users install. npm adds the package of the user's platform.
fn npm_launcher(sh: &Shell, programs: &[(&Target, PathBuf)]) -> Result<()> {
    let platforms: Map<String, Value> = programs.iter().map(|(to, _)| (npm_name(to), json!(VERSION))).collect();
    let launcher = root().join("sender/packages/clarife-sender.cjs");
    let manifest = json!({
        "description": "The reference sender of clarife webhooks: deliver, receive and inspect on your own machine",
        "keywords": ["clarife", "webhook", "signature", "sender"],
        "bin": { "clarife-sender": "clarife-sender.cjs" },
        "engines": { "node": ">=18" },
        "optionalDependencies": platforms,
        "files": ["clarife-sender.cjs"],
    });
    npm_pack(sh, "clarife-sender", manifest, &[&launcher, &root().join("sender/README.md")])
}

fn npm_name(to: &Target) -> String {
    format!("clarife-sender-{}-{}", to.npm.0, to.npm.1)
}

/// Packs files and a manifest into `dist/`. All packages have the homepage, license and so on of the SDK's manifest.
fn npm_pack(sh: &Shell, name: &str, mut manifest: Value, files: &[&Path]) -> Result<()> {
    let shared: Value = serde_json::from_str(&sh.read_file(root().join("bindings-node/package.json"))?)?;
    manifest["name"] = json!(name);
    manifest["version"] = json!(VERSION);
    manifest["type"] = json!("commonjs");
    for key in ["author", "license", "homepage", "bugs", "publishConfig"] {
        manifest[key] = shared[key].clone();
    }
    manifest["repository"] = json!({ "type": "git", "url": shared["repository"]["url"], "directory": "sender" });
    let folder = target().join("programs/npm").join(name);
    sh.remove_path(&folder)?;
    sh.create_dir(&folder)?;
    sh.write_file(folder.join("package.json"), serde_json::to_string_pretty(&manifest)?)?;
    sh.copy_file(root().join("LICENSE"), &folder)?;
    for file in files {
        sh.copy_file(file, &folder)?;
    }
    let _folder = sh.push_dir(&folder);
    let to = dist();
    Ok(cmd!(sh, "npm pack --silent --pack-destination {to}").ignore_stdout().run()?)
}
