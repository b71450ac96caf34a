//! `cargo xtask ports`: the vectors in hosts and languages without a package: the verifier in PHP, and the module
//! `clarife-webhooks-core.wasm` in Wasmtime and in Node.js without the package's JavaScript.

use anyhow::Result;
use xshell::{Shell, cmd};

use crate::project::{dist, root, step};
use crate::{python, runtimes, setup, vectors, wasm};

/// Builds the module and the archive, and walks the vectors.
pub fn run(sh: &Shell) -> Result<()> {
    let wasm_cargo = setup::for_packages(sh)?;
    sh.create_dir(dist())?;
    wasm::build_standalone(sh, &wasm_cargo)?;
    vectors::pack(sh)?;
    walk(sh)
}

/// Walks the vectors of the archive in `dist/`, with the module beside it.
pub fn walk(sh: &Shell) -> Result<()> {
    step("vectors: other languages and hosts");
    setup::php(sh)?;
    let (vectors, module, tests) = (vectors::unpack(sh)?, wasm::standalone(), root().join("tests"));
    let hosts = tests.join("e2e/module");
    let python = python::environment(sh, "venv-module", &hosts.join("requirements.txt"))?;
    wasm::check_standalone(sh)?;
    cmd!(sh, "{python} {hosts}/exports.py {module}").quiet().run()?;
    cmd!(sh, "node {tests}/runners/wiped.mjs {module}").quiet().run()?;
    cmd!(sh, "{python} {hosts}/host.py {module}").quiet().ignore_stdout().run()?;
    cmd!(sh, "node {hosts}/host.mjs {module}").quiet().ignore_stdout().run()?;
    runtimes::run(vec![
        cmd!(sh, "php {tests}/ports/php/vectors.php {vectors}"),
        cmd!(sh, "{python} {hosts}/vectors.py {module} {vectors}"),
        cmd!(sh, "node {hosts}/vectors.mjs {module} {vectors}"),
    ])
}
