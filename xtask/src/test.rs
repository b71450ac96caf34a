//! `cargo xtask test`: every test there is.

use std::ffi::OsStr;
use std::time::Instant;

use anyhow::Result;
use xshell::{Shell, cmd};

use crate::consumers::{self, Consumers};
use crate::project::{npm_tool, root, step, target};
use crate::{
    codegen, demo, docs, instructions, npm, package, packed, parity, python, receivers, redis, runtimes, sending,
    setup, torture,
};

/// The numbers that are submitted to a sender with each engine; `cargo xtask numbers` takes a million.
const NUMBERS: u64 = 100_000;

/// Everything, from a fresh clone on; the first failure ends it.
pub fn run(sh: &Shell) -> Result<()> {
    let start = Instant::now();
    setup::all(sh)?;
    let _redis = redis::start(sh)?;
    step("generated files");
    codegen::run(sh, true)?;
    let python = python::venv(sh)?;
    cmd!(sh, "{python} tests/vectors/validate.py").quiet().run()?;
    rust(sh)?;
    instructions::check(sh)?;
    let packages = package::all(sh)?;
    let consumers = consumers::install(sh, &packages)?;
    javascript_tests(sh, &consumers)?;
    python_tests(sh, &consumers)?;
    runtimes::walk(sh, &consumers)?;
    parity::compare(sh, &consumers)?;
    receivers::run(sh, &consumers, &[])?;
    let sender = packed::test(sh, &packages.crates)?;
    sending::run(sh, &consumers, &sender)?;
    sending::numbers(sh, &consumers, &sender, NUMBERS)?;
    demo::show(sh, &consumers)?;
    docs::build(sh)?;
    npm::report_sizes(sh, &consumers)?;
    eprintln!("\nEverything passed, in {} s.", start.elapsed().as_secs());
    Ok(())
}

/// The projects of `tests/consumers`, all or those that are named.
pub fn consumers(sh: &Shell, names: &[String]) -> Result<()> {
    let _redis = redis::start(sh)?;
    receivers::run(sh, &consumers::install(sh, &package::all(sh)?)?, names)
}

/// Runs the tests of the npm package alone.
pub fn javascript(sh: &Shell) -> Result<()> {
    let _redis = redis::start(sh)?;
    let consumers = consumers::install(sh, &package::all(sh)?)?;
    javascript_tests(sh, &consumers)?;
    receivers::build(sh, &consumers, &[])?;
    npm::report_sizes(sh, &consumers)
}

/// Only the numbers that a sender delivers, with each engine.
pub fn numbers(sh: &Shell, count: u64) -> Result<()> {
    let packages = package::all(sh)?;
    let consumers = consumers::install(sh, &packages)?;
    sending::numbers(sh, &consumers, &packed::test(sh, &packages.crates)?, count)
}

fn rust(sh: &Shell) -> Result<()> {
    step("Rust: format, lints");
    cmd!(sh, "cargo fmt --all --check").run()?;
    cmd!(sh, "cargo clippy --quiet --workspace --all-targets --all-features -- -D warnings").run()?;
    // The core alone, as a receiver and an embedded target have it.
    cmd!(sh, "cargo check --quiet --package clarife-webhooks --no-default-features").run()?;
    step("Rust: tests");
    cmd!(sh, "cargo test --quiet --workspace --all-features").run()?;
    torture::short(sh)?;
    step("the capacity model against the simulation");
    let simulate = target().join("debug/simulate");
    cmd!(sh, "{simulate} --seconds 120").quiet().ignore_stdout().run()?;
    Ok(())
}

/// Runs the tests of the API with the native addon and with WebAssembly, then those of the adapters and the types, in a
/// project with the packed package.
fn javascript_tests(sh: &Shell, consumers: &Consumers) -> Result<()> {
    for (entry, project) in [
        ("clarife-webhooks", &consumers.npm),
        ("clarife-webhooks/wasm", &consumers.npm),
        ("clarife-webhooks", &consumers.npm_without_addon),
    ] {
        step(&format!("JavaScript: {entry} in {}", project.file_name().unwrap_or_default().to_string_lossy()));
        let tests = consumers::copy_into(sh, "bindings-node/tests", project)?;
        let _folder = sh.push_dir(tests.join("api"));
        cmd!(sh, "node --test --test-reporter=spec").env("ENTRY", entry).run()?;
    }
    step("JavaScript: the adapters");
    let tests = consumers.npm.join("bindings-node/tests");
    {
        let _folder = sh.push_dir(tests.join("adapters"));
        cmd!(sh, "node --test --test-reporter=spec").env("TOOLS", npm_tool("")).run()?;
    }
    step("TypeScript: types");
    let tsc = npm_tool("tsc");
    for config in sh.read_dir(tests.join("types"))? {
        if config.file_name().is_some_and(|name| name.to_string_lossy().starts_with("tsconfig")) {
            cmd!(sh, "{tsc} --project {config}").run()?;
        }
    }
    Ok(())
}

/// What needs no framework, and a framework's module, which needs its own and says so.
const WITHOUT_FRAMEWORKS: &str = r#"
import doctest, importlib, sys

for name in ["", ".dedup", ".testing", ".wsgi", ".asgi", ".redis"]:
    module = importlib.import_module(f"clarife_webhooks{name}")
    if name not in (".asgi", ".redis"):
        run = doctest.testmod(module)
        assert run.attempted and not run.failed, name
for name in ["aiohttp", "fastapi", "flask", "django"]:
    try:
        importlib.import_module(f"clarife_webhooks.{name}")
    except ModuleNotFoundError as error:
        assert error.name in (name, "asgiref"), error
    else:
        sys.exit(f"{name} is not alone")
"#;

fn python_tests(sh: &Shell, consumers: &Consumers) -> Result<()> {
    let python = &consumers.python;
    let tests = root().join("bindings-python/tests");
    step("Python: tests, mypy, stubtest");
    cmd!(sh, "{python} -m pytest --quiet {tests}").run()?;
    step("Python: the wheel alone in an empty environment");
    let empty = consumers.npm.with_file_name("python");
    let (alone, wheel) = (empty.join("bin/python"), &consumers.wheel);
    cmd!(sh, "python3 -m venv --without-pip {empty}").run()?;
    cmd!(sh, "{python} -m pip --python {alone} install --quiet --no-index {wheel}").run()?;
    cmd!(sh, "{alone} -c {WITHOUT_FRAMEWORKS}").run()?;
    step("Python: pyright");
    let (pyright, programs) = (npm_tool("pyright"), tests.join("typing"));
    cmd!(sh, "{pyright} --pythonpath {python} --project {programs}").run()?;
    // That every public thing has a type. It finds the package by the environment, and only outside its sources.
    let path = std::env::var_os("PATH").unwrap_or_default();
    let path = [python.with_file_name("").into_os_string(), path].join(OsStr::new(":"));
    let _folder = sh.push_dir(&empty);
    cmd!(sh, "{pyright} --verifytypes clarife_webhooks --ignoreexternal").env("PATH", path).run()?;
    Ok(())
}
