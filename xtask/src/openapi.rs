//! `cargo xtask openapi`: the OpenAPI document of the sender, checked by two validators, and the sender's API, checked
//! against the document by schemathesis.

use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result};
use xshell::{Shell, cmd};

use crate::project::{npm_tool, root, step, target};
use crate::servers::Server;
use crate::{python, setup};

/// The administrator's token of the sender under test.
const ADMIN_TOKEN: &str = "the-administrator-of-the-openapi-test";

/// Builds the sender, and checks its document and its API.
pub fn run(sh: &Shell) -> Result<()> {
    setup::npm(sh, &root().join("xtask/tools"))?;
    cmd!(sh, "cargo build --quiet --locked --package clarife-sender").run()?;
    check(sh, &target().join("debug/clarife-sender"))
}

/// Checks the document and the API of `program`, a sender.
pub fn check(sh: &Shell, program: &Path) -> Result<()> {
    let files = root().join("tests/e2e/openapi");
    let python = python::environment(sh, "venv-openapi", &files.join("requirements.txt"))?;
    let bin = python.with_file_name("");
    let folder = target().join("openapi");
    sh.remove_path(&folder)?;
    sh.create_dir(&folder)?;

    step("the OpenAPI document: openapi-spec-validator, redocly");
    let document = folder.join("openapi.json");
    sh.write_file(&document, cmd!(sh, "{program} openapi").quiet().read()?)?;
    cmd!(sh, "{bin}/openapi-spec-validator --validation-errors all {document}").quiet().ignore_stdout().run()?;
    let redocly = npm_tool("redocly");
    cmd!(sh, "{redocly} lint --config {files}/redocly.yaml {document}")
        .env("REDOCLY_TELEMETRY", "off")
        .env("REDOCLY_SUPPRESS_UPDATE_NOTICE", "true")
        .quiet()
        .ignore_stderr() // a warning about versions of Node.js
        .run()?;

    step("the sender's API: schemathesis");
    let server = serve(program, &folder)?;
    let (url, _admin) = (server.url(), sh.push_env("ADMIN_TOKEN", ADMIN_TOKEN));
    let token = cmd!(sh, "{python} {files}/workspace.py {url}").quiet().read()?;
    let _folder = sh.push_dir(folder); // schemathesis writes files into its folder
    cmd!(sh, "{bin}/schemathesis --config-file {files}/schemathesis.toml run {url}/openapi.json")
        .env("WORKSPACE_TOKEN", token)
        .env("HOOKS", files.join("hooks.py"))
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .quiet()
        .run()
        .context("the API differs from its OpenAPI document")
}

/// Starts a sender with an empty store and without a limit of requests per second.
fn serve(program: &Path, folder: &Path) -> Result<Server> {
    Server::start("clarife-sender", &folder.join("sender.log"), |port| {
        let mut sender = Command::new(program);
        sender.args(["serve", "--store", &format!("sqlite:{}", folder.join("sender.db").display())]);
        sender.args(["--listen", &format!("127.0.0.1:{port}"), "--requests-per-second", "1000000"]);
        sender.env("CLARIFE_SENDER_ADMIN_TOKEN", ADMIN_TOKEN);
        Ok(sender)
    })
}
