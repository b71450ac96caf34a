//! `cargo xtask nats`: a NATS cluster on loopback.

use anyhow::{Result, ensure};
use nats_cluster::Cluster;
use xshell::Shell;

use crate::project::step;
use crate::python;

/// Runs a command next to a cluster of three servers, which ends with the command.
pub fn run(sh: &Shell, command: &[String]) -> Result<()> {
    let cluster = start(sh)?;
    let command: Vec<String> = command.iter().map(|argument| argument.replace("{nats}", &cluster.url())).collect();
    let [program, arguments @ ..] = &command[..] else { return Ok(()) };
    let status = std::process::Command::new(program).args(arguments).status()?;
    ensure!(status.success(), "{program} failed: {status}");
    Ok(())
}

/// Starts three servers, with their files under `target`.
pub fn start(sh: &Shell) -> Result<Cluster> {
    step("NATS: three servers");
    python::venv(sh)?; // contains the server
    let folder = crate::project::target().join("nats");
    sh.remove_path(&folder)?;
    sh.create_dir(&folder)?;
    Ok(Cluster::start(&nats_cluster::server()?, &folder, 3)?)
}
