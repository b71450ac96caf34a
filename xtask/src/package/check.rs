//! `cargo xtask package --check`: runs the packages of a release on all platforms that this machine can imitate.

use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context as _, Result, ensure};
use toml_edit::{DocumentMut, Item};
use xshell::{Cmd, Shell, cmd};

use super::cross::{Cross, find};
use super::emulators::Emulators;
use super::targets::{TARGETS, Target};
use crate::project::{VERSION, debian_program, dist, root, step, target};
use crate::{python, setup};

/// Checks everything in `dist/` that `cargo xtask package --all-targets` built.
pub fn run(sh: &Shell) -> Result<()> {
    let start = Instant::now();
    setup::for_packages(sh)?;
    let cross = Cross::setup(sh)?;
    let emulators = Emulators::setup(sh, &cross)?;
    let project = npm_project(sh)?;
    files(sh, &cross, &project)?;
    addons(sh, &emulators, &project)?;
    wheels(sh, &cross, &emulators)?;
    programs(sh, &cross, &emulators)?;
    eprintln!("\nEverything passed, in {} s.", start.elapsed().as_secs());
    Ok(())
}

/// Installs the npm package into an empty project.
fn npm_project(sh: &Shell) -> Result<PathBuf> {
    let package = npm_package();
    ensure!(package.exists(), "no npm package in dist: run `cargo xtask package --all-targets`");
    let project = target().join("release-project");
    sh.remove_path(&project)?;
    sh.write_file(project.join("package.json"), r#"{"private": true}"#)?;
    let _folder = sh.push_dir(&project);
    cmd!(sh, "npm install --offline --no-audit --no-fund --silent {package}").run()?;
    Ok(project)
}

fn npm_package() -> PathBuf {
    dist().join(format!("clarife-webhooks-{VERSION}.tgz"))
}

/// Checks the files without running them: the systems that they need, their tags, the container and the unit.
fn files(sh: &Shell, cross: &Cross, project: &Path) -> Result<()> {
    step("the systems that addons and programs need");
    let (python, script) = (cross.tool("python"), root().join("xtask/tools/binaries.py"));
    let (addons, programs) = (project.join("node_modules/clarife-webhooks/dist"), target().join("programs"));
    let dist = dist();
    cmd!(sh, "{python} {script} {addons} {programs} {dist}").quiet().run()?;

    step("wheels: abi3audit, auditwheel");
    let wheels = |part: &str| -> Result<Vec<PathBuf>> {
        let is_wheel = |path: &PathBuf| {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            name.starts_with("clarife_webhooks-") && name.ends_with(".whl") && name.contains(part)
        };
        Ok(sh.read_dir(&dist)?.into_iter().filter(is_wheel).collect())
    };
    // Not for CPython 3.15: abi3audit does not know its entry point, PyModExport (PEP 793).
    let (abi3audit, stable) = (cross.tool("abi3audit"), wheels("-cp310-abi3-")?);
    cmd!(sh, "{abi3audit} --strict {stable...}").run()?;
    // Not for musllinux: on a machine with glibc, auditwheel reads the wrong libc.
    let auditwheel = cross.tool("auditwheel");
    for wheel in wheels("manylinux_2_17")? {
        let shown = cmd!(sh, "{auditwheel} show {wheel}").quiet().read()?;
        ensure!(shown.contains("\"manylinux_2_17_"), "auditwheel about {}: {shown}", wheel.display());
    }

    step("the archives that cargo-binstall expects");
    for target in TARGETS.iter().filter(|target| target.has_program()) {
        binstall(sh, target).with_context(|| format!("cargo-binstall on {}", target.rust))?;
    }

    step("the container's file and the unit of systemd");
    let hadolint = cross.tool("hadolint");
    cmd!(sh, "{hadolint} sender/packages/Dockerfile").run()?;
    unit(sh)
}

/// Checks that the address in the sender's manifest is that of the target's archive, and that the archive has the program
/// in the place that the manifest names.
fn binstall(sh: &Shell, target: &Target) -> Result<()> {
    let manifest: DocumentMut = sh.read_file("sender/Cargo.toml")?.parse()?;
    let settings = &manifest["package"]["metadata"]["binstall"];
    // cargo-binstall asks for Rust's default target of Windows.
    let asked = target.rust.replace("gnullvm", "msvc");
    let settings = settings["overrides"].get(&asked).unwrap_or(settings);
    let expand = |key: &str| -> Result<String> {
        let text = settings.get(key).and_then(Item::as_str).with_context(|| format!("no {key}"))?;
        Ok(text.replace("{ version }", VERSION).replace("{ target }", &asked).replace("{ bin }", "clarife-sender"))
    };
    let (address, program) = (expand("pkg-url")?, expand("bin-dir")?);
    let archive = dist().join(address.rsplit('/').next().unwrap_or_default());
    let list = if target.is_windows() {
        cmd!(sh, "python3 -m zipfile --list {archive}").quiet().read()?
    } else {
        cmd!(sh, "tar --list --file {archive}").quiet().read()?
    };
    ensure!(list.contains(&program), "{} has no {program}", archive.display());
    Ok(())
}

/// Checks the unit with `systemd-analyze`, for a program in the place where the unit expects one.
fn unit(sh: &Shell) -> Result<()> {
    debian_program(sh, "systemd-analyze", "systemd")?;
    let root = target().join("unit");
    sh.remove_path(&root)?;
    let program = program("x86_64-unknown-linux-musl", "clarife-sender");
    sh.create_dir(root.join("usr/bin"))?;
    sh.copy_file(&program, root.join("usr/bin/clarife-sender"))?;
    let units = root.join("etc/systemd/system");
    sh.create_dir(&units)?;
    sh.copy_file("sender/packages/clarife-sender.service", &units)?;
    sh.write_file(root.join("etc/clarife-sender.env"), "")?;
    Ok(cmd!(sh, "systemd-analyze verify --man=no --recursive-errors=no --root {root} clarife-sender.service").run()?)
}

/// Runs the npm package in Node.js on Linux, on arm64 and on Windows, and its addons for musl in Bun.
fn addons(sh: &Shell, emulators: &Emulators, project: &Path) -> Result<()> {
    let (smoke, package) = (root().join("tests/e2e/install/smoke.mjs"), npm_package());
    step("the npm package in Node.js: this machine, arm64, Windows");
    cmd!(sh, "node {smoke} {package} native").run()?;
    for node in [&emulators.node_arm64, &emulators.node_windows] {
        cmd!(sh, "node {smoke} --installed {project} native").env("SMOKE_NODE", node.join(" ")).run()?;
    }
    step("the addons for musl in Bun with musl: x64, arm64");
    sh.copy_file(root().join("tests/e2e/install/musl-check.cjs"), project)?;
    let _folder = sh.push_dir(project);
    for bun in [&emulators.bun_musl_x64, &emulators.bun_musl_arm64] {
        emulated(sh, bun).arg("musl-check.cjs").run()?;
    }
    Ok(())
}

/// Installs the wheels as pip does, and runs them in each CPython of this machine, on arm64 and on Windows.
fn wheels(sh: &Shell, cross: &Cross, emulators: &Emulators) -> Result<()> {
    let (smoke, wheels) = (root().join("tests/e2e/install/smoke.py"), dist());
    step("the wheel in this machine's CPython");
    for python in python::interpreters(sh)? {
        cmd!(sh, "{python} {smoke} {wheels}").run()?;
    }
    step("the wheel in CPython on arm64");
    let site = target().join("wheel-arm64");
    install_wheel(sh, cross, "manylinux_2_17_aarch64", &site)?;
    emulated(sh, &emulators.python_arm64).arg(&smoke).arg("--installed").env("PYTHONPATH", &site).run()?;

    step("the wheel in CPython on Windows");
    let program = emulators.python_windows.last().map(PathBuf::from).unwrap_or_default();
    install_wheel(sh, cross, "win_amd64", &program.with_file_name("site"))?;
    // Under Wine, CPython starts only if all three standard streams are pipes or files of its parent.
    let output = emulated(sh, &emulators.python_windows).arg(&smoke).arg("--installed").ignore_status().output()?;
    eprint!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    ensure!(output.status.success(), "the wheel fails in CPython on Windows");

    step("the sdist, built by pip");
    let sdist = dist().join(format!("clarife_webhooks-{VERSION}.tar.gz"));
    cmd!(sh, "python3 {smoke} {sdist}").env("CARGO_TARGET_DIR", target().join("sdist")).run()?;
    Ok(())
}

/// Installs the wheel of a platform into a folder for CPython 3.11, as pip does there.
fn install_wheel(sh: &Shell, cross: &Cross, platform: &str, to: &Path) -> Result<()> {
    sh.remove_path(to)?;
    let python = cross.tool("python");
    let wheel = find(sh, &format!("clarife_webhooks-{VERSION}-cp310-abi3-"), platform)?;
    let options = "--quiet --no-index --no-deps --only-binary :all: --python-version 3.11".split(' ');
    Ok(cmd!(sh, "{python} -m pip install {options...} --platform {platform} --target {to} {wheel}").run()?)
}

/// Runs `clarife-sender` from its archive, from npm and from PyPI, on arm64 and on Windows.
fn programs(sh: &Shell, cross: &Cross, emulators: &Emulators) -> Result<()> {
    let smoke = root().join("tests/e2e/install/smoke_sender.py");
    step("clarife-sender: the archive, arm64, Windows");
    let archive = dist().join(format!("clarife-sender-{VERSION}-x86_64-unknown-linux-musl.tar.gz"));
    cmd!(sh, "python3 {smoke} --archive {archive}").run()?;
    for (emulator, triple, name) in [
        (&emulators.arm64, "aarch64-unknown-linux-musl", "clarife-sender"),
        (&emulators.windows, "x86_64-pc-windows-gnullvm", "clarife-sender.exe"),
    ] {
        let program = program(triple, name);
        cmd!(sh, "python3 {smoke} {emulator...} {program}").run()?;
    }

    step("clarife-sender: npm, uv, pipx");
    let project = target().join("sender-project");
    sh.remove_path(&project)?;
    sh.write_file(project.join("package.json"), r#"{"private": true}"#)?;
    let package = |name: &str| dist().join(format!("{name}-{VERSION}.tgz"));
    let (launcher, program) = (package("clarife-sender"), package("clarife-sender-linux-x64"));
    let _folder = sh.push_dir(&project);
    // --omit: the packages of all other platforms are not in a registry yet.
    cmd!(sh, "npm install --offline --no-audit --no-fund --silent --omit optional {launcher} {program}").run()?;
    cmd!(sh, "python3 {smoke} npx --no-install clarife-sender").run()?;
    sh.remove_path("node_modules/clarife-sender-linux-x64")?;
    let alone = cmd!(sh, "npx --no-install clarife-sender --version").ignore_status().output()?;
    let message = String::from_utf8_lossy(&alone.stderr);
    let named = message.contains("cannot find the package clarife-sender-linux-x64");
    ensure!(named && alone.status.code() == Some(1), "the launcher does not name the missing package: {message}");
    let wheel = find(sh, "clarife_sender-", "musllinux_1_2_x86_64")?;
    let (uv, pipx) = (cross.tool("uvx"), cross.tool("pipx"));
    let tools = target().join("pipx");
    let _home = sh.push_env("PIPX_HOME", &tools);
    cmd!(sh, "python3 {smoke} {uv} --offline --from {wheel} clarife-sender").run()?;
    cmd!(sh, "python3 {smoke} {pipx} run --spec {wheel} clarife-sender").run()?;
    Ok(())
}

/// Starts a program of another platform.
fn emulated<'a>(sh: &'a Shell, command: &[String]) -> Cmd<'a> {
    let (program, arguments) = command.split_first().map_or(("", &[][..]), |(program, rest)| (program.as_str(), rest));
    sh.cmd(program).args(arguments)
}

/// Returns the program of a target.
fn program(triple: &str, name: &str) -> PathBuf {
    target().join("programs").join(triple).join(name)
}
