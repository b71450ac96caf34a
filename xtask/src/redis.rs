//! A Redis server for the tests of deduplication stores.

use std::process::Command;

use anyhow::Result;
use xshell::Shell;

use crate::project::target;
use crate::servers::Server;

/// The variable with the server's URL.
pub const URL: &str = "REDIS_URL";

/// Starts a server without persistence, and sets [`URL`] for all commands of this shell.
///
/// Returns `None` if [`URL`] is already set. The server stops when it is dropped.
pub fn start(sh: &Shell) -> Result<Option<Server>> {
    if std::env::var_os(URL).is_some() {
        return Ok(None);
    }
    let folder = target().join("redis");
    sh.create_dir(&folder)?;
    let server = Server::start("redis", &folder.join("redis.log"), |port| {
        let mut redis = Command::new("redis-server");
        redis.args(["--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--port"]).arg(port.to_string());
        redis.arg("--dir").arg(&folder);
        Ok(redis)
    })?;
    sh.set_var(URL, server.url().replace("http:", "redis:"));
    Ok(Some(server))
}
