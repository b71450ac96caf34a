//! `cargo xtask postgres`: a PostgreSQL server on loopback.

use anyhow::{Result, ensure};
use postgres_cluster::Cluster;
use xshell::Shell;

use crate::project::step;
use crate::setup;

/// Runs a command next to a server, which ends with the command.
pub fn run(sh: &Shell, standby: bool, command: &[String]) -> Result<()> {
    let cluster = start(sh, standby)?;
    let url = cluster.url_with_standby();
    let command: Vec<String> = command.iter().map(|argument| argument.replace("{postgres}", &url)).collect();
    let [program, arguments @ ..] = &command[..] else { return Ok(()) };
    let status = std::process::Command::new(program).args(arguments).status()?;
    ensure!(status.success(), "{program} failed: {status}");
    Ok(())
}

/// Starts a server, with its files under `target`.
pub fn start(sh: &Shell, standby: bool) -> Result<Cluster> {
    step("PostgreSQL");
    setup::postgres(sh)?;
    let folder = crate::project::target().join("postgres");
    sh.remove_path(&folder)?;
    sh.create_dir(&folder)?;
    Ok(Cluster::start(&postgres_cluster::programs()?, &folder, standby)?)
}
