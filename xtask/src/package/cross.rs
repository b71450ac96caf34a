//! Builds for other platforms than this machine's, with zig as the compiler of C and the linker.

use std::ffi::OsString;
use std::path::PathBuf;

use anyhow::{Context as _, Result};
use xshell::{Shell, cmd};

use super::targets::Target;
use crate::project::{RUSTFLAGS, VERSION, dist, release_rustflags, root, target};
use crate::{python, sbom};

/// The oldest macOS. zig's own default shuts out all but the last.
const MACOS: &str = "11.0";

/// The time of a build that archives and C code have, so that two builds are the same: 1980, the first year of ZIP.
const BUILD_TIME: &str = "315532800";

/// The kinds of wheels, as arguments of maturin, with the function that CPython calls: the stable ABI, free-threaded
/// CPython 3.14, and the stable ABI of CPython 3.15 and later, which includes free-threaded builds.
const WHEELS: [(&[&str], &str); 3] = [
    (&[], "PyInit__native"),
    (&["--interpreter", "python3.14t"], "PyInit__native"),
    (&["--interpreter", "python3.15t", "--features", "pyo3/abi3t-py315"], "PyModExport__native"),
];

/// The function of the addon that Node.js calls.
const ADDON: &str = "napi_register_module_v1";

/// The tools of the builds.
pub struct Cross {
    cross: PathBuf,
    maturin: PathBuf,
    path: OsString,
    libnode: PathBuf,
}

impl Cross {
    /// Installs zig and the tools that check packages.
    pub fn setup(sh: &Shell) -> Result<Self> {
        let python = python::environment(sh, "cross", &root().join("xtask/tools/cross-requirements.txt"))?;
        let programs = python.with_file_name("");
        let path = std::env::var_os("PATH").unwrap_or_default();
        let path = std::env::join_paths(std::iter::once(programs.clone()).chain(std::env::split_paths(&path)))?;
        // On Windows, napi's build script wants Node.js as a library. The addon finds Node's symbols by itself, so an
        // empty library is enough.
        let libnode = target().join("libnode");
        sh.write_file(libnode.join("libnode.dll"), "")?;
        sh.write_file(libnode.join("libnode.a"), "!<arch>\n")?;
        let maturin = python::venv(sh)?.with_file_name("maturin");
        Ok(Self { cross: programs, maturin, path, libnode })
    }

    /// Installs Rust's standard libraries for the targets.
    pub fn add_targets(&self, sh: &Shell, targets: &[&Target]) -> Result<()> {
        let names = targets.iter().map(|target| target.rust);
        Ok(cmd!(sh, "rustup --quiet target add {names...}").run()?)
    }

    /// Returns a program of the Python environment with zig, for example `auditwheel`.
    pub fn tool(&self, name: &str) -> PathBuf {
        self.cross.join(name)
    }

    /// Builds the addon. Returns its file.
    pub fn addon(&self, sh: &Shell, to: &Target) -> Result<PathBuf> {
        let _env = self.env(sh, to, Some(ADDON))?;
        let (zig, name) = (to.zig, to.rust);
        cmd!(sh, "cargo zigbuild --quiet --locked --release --package bindings-node --target {zig}").run()?;
        Ok(target().join(name).join("release").join(to.library))
    }

    /// Builds the wheels of the SDK into `dist/`.
    pub fn wheels(&self, sh: &Shell, to: &Target) -> Result<()> {
        // maturin would add a list of exports with the module's whole name, which fails the link. A folder in the place of
        // the list stops maturin from writing the list.
        sh.create_dir(target().join("maturin/clarife_webhooks._native.def"))?;
        for (kind, function) in WHEELS {
            self.maturin(sh, to, "bindings-python/Cargo.toml", kind, Some(function))?;
        }
        Ok(())
    }

    /// Builds the wheel of the program `clarife-sender` into `dist/`. Returns the program.
    pub fn program(&self, sh: &Shell, to: &Target) -> Result<PathBuf> {
        self.maturin(sh, to, "sender/Cargo.toml", &[], None)?;
        let wheel = find(sh, "clarife_sender-", to.wheel)?;
        let unpacked = target().join("programs").join(to.rust);
        sh.remove_path(&unpacked)?;
        let python = self.tool("python");
        cmd!(sh, "{python} -m zipfile --extract {wheel} {unpacked}").run()?;
        let name = if to.is_windows() { "clarife-sender.exe" } else { "clarife-sender" };
        let program = unpacked.join(name);
        let scripts = format!("clarife_sender-{VERSION}.data/scripts");
        sh.copy_file(unpacked.join(scripts).join(name), &program)?;
        cmd!(sh, "chmod 755 {program}").quiet().run()?; // Python's zipfile does not restore modes
        if to.is_musl() {
            // The program is static, so it runs on glibc too.
            let (wheels, platform) = (self.tool("wheel"), to.wheel.replace("musllinux_1_2", "+manylinux_2_17"));
            cmd!(sh, "{wheels} tags --remove --platform-tag {platform} {wheel}").ignore_stdout().run()?;
        }
        Ok(program)
    }

    /// Builds a wheel of a library that exports one function, or of a program.
    fn maturin(&self, sh: &Shell, to: &Target, manifest: &str, more: &[&str], export: Option<&str>) -> Result<()> {
        let _env = self.env(sh, to, export)?;
        let _target = sh.push_env("CARGO_TARGET_DIR", if export.is_some() { target() } else { programs() });
        let (maturin, name, dist) = (&self.maturin, to.rust, dist());
        // maturin takes the version of glibc from the tag.
        let tag: &[&str] = if to.wheel.starts_with("manylinux") { &["--compatibility", "manylinux2014"] } else { &[] };
        let package = if export.is_some() { "bindings-python" } else { "clarife-sender" };
        let sbom = sbom::write(sh, package, Some(to.rust))?;
        let options = ["build", "--quiet", "--release", "--locked", "--strip", "--zig"];
        cmd!(sh, "{maturin} {options...} --manifest-path {manifest} --target {name} {tag...} {more...} --sbom-include {sbom} --out {dist}")
            .run()
            .with_context(|| format!("cannot build a wheel for {name}"))
    }

    /// Sets the environment of a build: of a library that exports one function, or of a program.
    fn env<'a>(&self, sh: &'a Shell, to: &Target, export: Option<&str>) -> Result<[xshell::PushEnv<'a>; 6]> {
        let mut flags = Vec::new();
        if to.npm.0 == "darwin" {
            // The program reads the system's certificates on macOS. The linker needs the names of the functions for that,
            // in text files in place of Apple's SDK.
            flags.push(format!("-Clink-arg=-F{}", root().join("xtask/tools/macos").display()));
        }
        if let Some(export) = export {
            if to.is_musl() {
                // A library must not bring a libc of its own into Node or Python.
                flags.push("-Ctarget-feature=-crt-static".to_owned());
            }
            if to.is_windows() {
                // Without a list, zig exports everything, and the file grows by a tenth.
                let list = target().join("exports").join(export).with_extension("def");
                sh.write_file(&list, format!("EXPORTS\n{export}\n"))?;
                flags.push(format!("-Clink-arg={}", list.display()));
            }
        }
        let flags: Vec<&str> = flags.iter().map(String::as_str).collect();
        Ok([
            sh.push_env("PATH", &self.path),
            sh.push_env(RUSTFLAGS, release_rustflags(&flags)),
            sh.push_env("CARGO_PROFILE_RELEASE_STRIP", "symbols"),
            sh.push_env("LIBNODE_PATH", &self.libnode),
            sh.push_env("MACOSX_DEPLOYMENT_TARGET", MACOS),
            sh.push_env("SOURCE_DATE_EPOCH", BUILD_TIME),
        ])
    }
}

/// Returns the target folder of programs. Cargo builds in two folders at a time, and in one folder once at a time.
fn programs() -> PathBuf {
    target().join("sender")
}

/// Returns the file in `dist/` that starts with `name` and contains `platform`.
pub fn find(sh: &Shell, name: &str, platform: &str) -> Result<PathBuf> {
    let matches = |path: &PathBuf| {
        let file = path.file_name().unwrap_or_default().to_string_lossy();
        file.starts_with(name) && file.contains(platform)
    };
    let context = || format!("no file {name}…{platform}… in dist: run `cargo xtask package --all-targets`");
    sh.read_dir(dist())?.into_iter().find(matches).with_context(context)
}
