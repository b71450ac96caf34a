//! `cargo xtask workflows`: the workflows of GitHub Actions, and the scripts that they run.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};
use regex::Regex;
use xshell::{Shell, cmd};

use crate::package::targets::TARGETS;
use crate::project::{debian_program, root, step};
use crate::python::{self, VERSIONS};

/// The pages whose commands install something.
const PAGES: [&str; 2] = ["README.md", "docs/pages/sender/try.md"];

/// Lints the workflows, tests their scripts, and compares them with the repository.
pub fn check(sh: &Shell) -> Result<()> {
    step("workflows");
    lint(sh)?;
    let tests = root().join("xtask/release/tests.py");
    let python = python::venv(sh)?;
    cmd!(sh, "{python} {tests}").quiet().run()?;
    let read = |name: &str| sh.read_file(root().join(".github/workflows").join(name));
    platforms(&read("packages.yml")?)?;
    updates(sh)?;
    let install = read("install.yml")?;
    for page in PAGES {
        commands(&sh.read_file(root().join(page))?, &install).with_context(|| format!("cannot accept {page}"))?;
    }
    Ok(())
}

fn lint(sh: &Shell) -> Result<()> {
    for (program, package) in [("shellcheck", "shellcheck"), ("ssh-keygen", "openssh-client")] {
        debian_program(sh, program, package)?;
    }
    let bin = python::venv(sh)?.with_file_name("");
    // A named shellcheck must exist. Without the option, jactionlint leaves out what it does not find.
    cmd!(sh, "{bin}/jactionlint --shellcheck=shellcheck").run()?;
    cmd!(sh, "{bin}/zizmor --offline --quiet .github").run()?;
    let scripts = cmd!(sh, "git ls-files *.sh .ci/run").quiet().read()?;
    let scripts = scripts.lines();
    Ok(cmd!(sh, "shellcheck --severity=warning {scripts...}").run()?)
}

/// Checks that the packages are tested on each platform, once, and with each version of CPython.
fn platforms(workflow: &str) -> Result<()> {
    let (_, tests) = workflow.split_once("\n  smoke:\n").context("packages.yml has no job `smoke`")?;
    let target = Regex::new(r"\btarget: ([a-z0-9_-]+)")?;
    let mut tested: Vec<_> = target.captures_iter(tests).map(|found| found.extract::<1>().1[0]).collect();
    let mut targets = TARGETS.each_ref().map(|target| target.rust);
    tested.sort_unstable();
    targets.sort_unstable();
    ensure!(tested == targets, "packages.yml tests {tested:?}, not {targets:?}");
    let pythons = Regex::new(r"\n  PYTHONS: (.+)\n")?;
    let pythons = pythons.captures(workflow).context("packages.yml has no PYTHONS")?.extract::<1>().1[0];
    ensure!(pythons == VERSIONS.join(" "), "packages.yml tests with Python {pythons}, not {VERSIONS:?}");
    Ok(())
}

/// Checks that Dependabot updates every lock file.
fn updates(sh: &Shell) -> Result<()> {
    let dependabot = sh.read_file(root().join(".github/dependabot.yml"))?;
    let list = Regex::new(r"package-ecosystem: (\w+)\n +directories: \[(.+)\]")?;
    for (ecosystem, files) in [("cargo", "*Cargo.lock"), ("npm", "*package-lock.json"), ("pip", "*requirements.txt")] {
        let mut lists = list.captures_iter(&dependabot).map(|found| found.extract().1);
        let [_, folders] = lists.find(|[name, _]| *name == ecosystem).context("dependabot.yml has too few lists")?;
        let folders: BTreeSet<_> = folders.split(", ").map(PathBuf::from).collect();
        for lock in cmd!(sh, "git ls-files {files}").quiet().read()?.lines() {
            let folder = Path::new("/").join(lock).parent().map(Path::to_path_buf).unwrap_or_default();
            let found = folders.contains(&folder) || folders.contains(&folder.with_file_name("*"));
            ensure!(found, "dependabot.yml does not update {lock}");
        }
    }
    Ok(())
}

/// Checks that `install.yml` tests every command of a page that installs a package. The names of its steps are commands.
fn commands(page: &str, workflow: &str) -> Result<()> {
    let step = Regex::new(r"(?m)^ +- name: (.+)$")?;
    let tested: BTreeSet<_> = step.captures_iter(workflow).map(|found| found.extract::<1>().1[0]).collect();
    // In an indented or a fenced block. Prose has names in backquotes.
    let programs = "npm|npx|pip|pipx|uvx|docker|cargo add|cargo install|cargo binstall";
    let installs = Regex::new(&format!("(?m)^ *((?:{programs}) [^`\n]*clarife-[^`\n]+)$"))?;
    for (_, [command]) in installs.captures_iter(page).map(|found| found.extract()) {
        let found = tested.iter().any(|tested| command == *tested || command.starts_with(&format!("{tested} ")));
        ensure!(found, "install.yml has no step `{command}`");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{TARGETS, VERSIONS, commands, platforms};

    #[test]
    fn each_platform_is_tested_once() {
        let names = TARGETS.each_ref().map(|target| target.rust);
        let workflow = |targets: &[&str], pythons: &[&str]| {
            let targets: String =
                targets.iter().map(|target| format!("- {{ target: {target}, node: 20 }}\n")).collect();
            format!("env:\n  PYTHONS: {}\njobs:\n  build:\n    target: a\n  smoke:\n{targets}", pythons.join(" "))
        };
        assert!(platforms(&workflow(&names, &VERSIONS)).is_ok());
        assert!(platforms(&workflow(&names[1..], &VERSIONS)).is_err());
        assert!(platforms(&workflow(&[names[0]; 8], &VERSIONS)).is_err());
        assert!(platforms(&workflow(&names, &VERSIONS[1..])).is_err());
    }

    #[test]
    fn each_command_of_a_page_is_a_step() {
        let workflow = "steps:\n      - name: npx clarife-sender\n      - name: pip install clarife-webhooks\n";
        let check = |page: &str| commands(page, workflow).is_ok();
        assert!(check("    npx clarife-sender\n\n    npx clarife-sender listen --port 3000\n    cargo build\n"));
        assert!(!check("    npx clarife-sender-next\n"));
        assert!(check("npm and PyPI have clarife-sender and `clarife-webhooks`\npip `clarife-webhooks` is a wheel\n"));
        assert!(!check("```sh\nuvx clarife-sender\n```\n"));
        assert!(!check("    pip install clarife-webhooks[flask]\n"));
    }
}
