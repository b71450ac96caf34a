//! Facts about the machine, the runtimes and the packages.

use anyhow::Result;
use serde_json::Value;
use xshell::{Cmd, Shell, cmd};

use super::projects::Projects;
use crate::project::{npm_tool, root};
use crate::setup;

/// Names and values, in the order of the report.
pub type Facts = Vec<(&'static str, String)>;

/// Collects the facts.
pub fn gather(sh: &Shell, projects: &Projects) -> Result<Facts> {
    let output = |command: Cmd<'_>| command.quiet().ignore_stderr().read().unwrap_or_default();
    let (deno, bun, chromium, python) = (npm_tool("deno"), npm_tool("bun"), setup::chromium(sh)?, &projects.python);
    let processors = sh.read_file("/proc/cpuinfo").unwrap_or_default();
    let processor = processors.lines().find_map(|line| line.strip_prefix("model name")).unwrap_or_default();
    let sha = if processors.contains(" sha_ni") { "with" } else { "without" };
    let cores = std::thread::available_parallelism()?;
    let load = sh.read_file("/proc/loadavg").unwrap_or_default();
    Ok(vec![
        ("when", output(cmd!(sh, "date --utc +%Y-%m-%dT%H:%MZ"))),
        ("code", output(cmd!(sh, "git describe --always --dirty"))),
        (
            "processor",
            format!("{}, {sha} SHA extensions, {cores} cores", processor.trim_start_matches([' ', '\t', ':'])),
        ),
        ("system", output(cmd!(sh, "uname --kernel-name --kernel-release --machine"))),
        ("load when it began", load.split_whitespace().take(3).collect::<Vec<_>>().join(" ")),
        ("Rust", output(cmd!(sh, "rustc --version"))),
        ("Node", output(cmd!(sh, "node --version"))),
        ("Python", output(cmd!(sh, "{python} --version"))),
        ("Deno", first_line(&output(cmd!(sh, "{deno} --version")))),
        ("Bun", output(cmd!(sh, "{bun} --version"))),
        ("workerd", pinned(sh, "xtask/tools/package.json", "devDependencies", &["workerd"])?),
        ("Chromium", output(cmd!(sh, "{chromium} --version"))),
        (
            "npm packages",
            pinned(
                sh,
                "tests/speed/bench/js/package.json",
                "dependencies",
                &["stripe", "svix", "standardwebhooks", "@octokit/webhooks-methods"],
            )?,
        ),
        ("Python packages", requirements(sh)?),
        ("crates", crates(sh)?),
    ])
}

fn first_line(text: &str) -> String {
    text.lines().next().unwrap_or_default().to_owned()
}

/// Returns the versions of these packages in a `package.json`.
fn pinned(sh: &Shell, file: &str, list: &str, names: &[&str]) -> Result<String> {
    let package: Value = serde_json::from_str(&sh.read_file(root().join(file))?)?;
    let version = |name: &&str| package[list][*name].as_str().map(|version| format!("{name} {version}"));
    Ok(names.iter().filter_map(version).collect::<Vec<_>>().join(", "))
}

/// Returns the first list of the benchmark's requirements.
fn requirements(sh: &Shell) -> Result<String> {
    let text = sh.read_file(root().join("tests/speed/bench/python/requirements.txt"))?;
    let named = text.lines().skip(1).take_while(|line| !line.is_empty());
    Ok(named.map(|line| line.replace("==", " ")).collect::<Vec<_>>().join(", "))
}

/// Returns the versions of the compared crates.
fn crates(sh: &Shell) -> Result<String> {
    let lock = sh.read_file(root().join("tests/speed/bench/rust/Cargo.lock"))?;
    let version = |name: &str| {
        let (_, rest) = lock.split_once(&format!("name = \"{name}\"\nversion = \""))?;
        Some(format!("{name} {}", rest.split('"').next()?))
    };
    let names = ["standardwebhooks", "svix", "hmac", "sha2", "ring", "aws-lc-rs", "serde_json"];
    Ok(names.into_iter().filter_map(version).collect::<Vec<_>>().join(", "))
}
