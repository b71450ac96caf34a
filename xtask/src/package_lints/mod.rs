//! Lints of the packed packages in `dist/`, as the registries' users download them.

mod contents;
mod metadata;
mod readme;

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail, ensure};
use xshell::{Shell, cmd};

use crate::project::{dist, npm_tool, root, step, target};
use crate::python;

/// Validates bills of materials by the schema of their format.
const VALIDATE_SBOMS: &str = "
import sys
from pathlib import Path
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

validator = JsonStrictValidator(SchemaVersion.V1_6)
for name in sys.argv[1:]:
    if error := validator.validate_str(Path(name).read_text()):
        sys.exit(f'{name}: {error}')
";

/// The format of a package.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    Npm,
    Wheel,
    Sdist,
    Crate,
}

impl Kind {
    fn of(file: &Path) -> Option<Self> {
        Some(match file.extension()?.to_str()? {
            "tgz" => Self::Npm,
            "whl" => Self::Wheel,
            "gz" if is_sdist(file) => Self::Sdist,
            "crate" => Self::Crate,
            _ => return None,
        })
    }
}

/// Returns `true` for the name of an sdist, which has an underscore where archives of programs have a hyphen.
fn is_sdist(file: &Path) -> bool {
    file.file_name().is_some_and(|name| name.to_string_lossy().starts_with("clarife_"))
}

/// An unpacked package.
struct Package {
    kind: Kind,
    /// The packed file.
    file: PathBuf,
    /// The folder of the package's own files.
    folder: PathBuf,
}

/// Checks all packages in `dist/`.
pub fn check(sh: &Shell) -> Result<()> {
    step("package: lints");
    let python = python::environment(sh, "venv-package-lints", &root().join("xtask/tools/package-lints.txt"))?;
    let unpacked = target().join("package-lints");
    sh.remove_path(&unpacked)?;
    let mut packages = Vec::new();
    for file in sh.read_dir(dist())? {
        let Some(kind) = Kind::of(&file) else { continue };
        let package =
            unpack(sh, kind, &file, &unpacked).with_context(|| format!("cannot unpack {}", file.display()))?;
        lint(sh, &package).with_context(|| format!("cannot publish {}", file.display()))?;
        packages.push(package);
    }
    for kind in [Kind::Npm, Kind::Wheel, Kind::Sdist, Kind::Crate] {
        ensure!(packages.iter().any(|package| package.kind == kind), "dist/ has no package of the kind {kind:?}");
    }
    let of_python = packages.iter().filter(|package| matches!(package.kind, Kind::Wheel | Kind::Sdist));
    let files: Vec<_> = of_python.map(|package| &package.file).collect();
    cmd!(sh, "{python} -m twine --no-color check --strict {files...}").quiet().run()?;
    let sboms = contents::sboms(&packages)?;
    cmd!(sh, "{python} -c {VALIDATE_SBOMS} {sboms...}").quiet().run().context("an SBOM is not CycloneDX")?;
    let projects = ["bindings-python/pyproject.toml", "sender/pyproject.toml"];
    Ok(cmd!(sh, "{python} -m validate_pyproject {projects...}").quiet().ignore_stdout().run()?)
}

/// Unpacks a package into a folder of its own.
fn unpack(sh: &Shell, kind: Kind, file: &Path, unpacked: &Path) -> Result<Package> {
    let to = unpacked.join(file.file_name().context("no file name")?);
    sh.create_dir(&to)?;
    if kind == Kind::Wheel {
        cmd!(sh, "python3 -m zipfile --extract {file} {to}").quiet().run()?;
        return Ok(Package { kind, file: file.into(), folder: to });
    }
    cmd!(sh, "tar --extract --gzip --file {file} --directory {to}").quiet().run()?;
    let [folder] = &sh.read_dir(&to)?[..] else { bail!("an archive must have one folder") };
    Ok(Package { kind, file: file.into(), folder: folder.clone() })
}

/// Checks one package.
fn lint(sh: &Shell, package: &Package) -> Result<()> {
    if package.kind == Kind::Npm {
        let (file, publint) = (&package.file, npm_tool("publint"));
        let report = cmd!(sh, "{publint} --strict {file}").quiet().ignore_status().read()?;
        ensure!(report.contains("All good!"), "publint has found: {report}");
        if contents::has_types(sh, package)? {
            let attw = npm_tool("attw"); // of its rules, none is ignored
            let report = cmd!(sh, "{attw} --format ascii {file}").quiet().ignore_status().output()?;
            ensure!(report.status.success(), "attw has found: {}", String::from_utf8_lossy(&report.stdout));
        }
    }
    contents::check(sh, package)?;
    metadata::check(sh, package)?;
    readme::check(&metadata::readme(sh, package)?)
}
