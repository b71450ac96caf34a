//! Server processes of the demo and the tests.

use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};

const START_TIMEOUT: Duration = Duration::from_secs(60);

/// A server process on a free loopback port, which ends when it is dropped.
pub struct Server {
    process: Child,
    port: u16,
    log: PathBuf,
}

impl Server {
    /// Starts the command that `command` returns for a port, and waits until it accepts connections. Its output goes
    /// into the file `log`.
    pub fn start(name: &str, log: &Path, command: impl FnOnce(u16) -> Result<Command>) -> Result<Self> {
        let port = free_port()?;
        if let Some(folder) = log.parent() {
            std::fs::create_dir_all(folder)?;
        }
        let output = std::fs::File::create(log)?;
        let process = command(port)?
            .stdin(Stdio::null())
            .stdout(output.try_clone()?)
            .stderr(output)
            .spawn()
            .with_context(|| format!("cannot start {name}"))?;
        let mut server = Self { process, port, log: log.into() };
        server.wait_until_ready().with_context(|| {
            let output = std::fs::read_to_string(log).unwrap_or_default();
            format!("cannot start {name}, its output:\n{output}")
        })?;
        Ok(server)
    }

    /// Returns the server's URL, without a path.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Waits until the output has a line that starts with `prefix`, and returns the rest of the line.
    pub fn line(&self, prefix: &str) -> Result<String> {
        let start = Instant::now();
        while start.elapsed() < START_TIMEOUT {
            let log = self.log();
            // Only complete lines: the end of the last line may not be written yet.
            let mut lines = log.split_inclusive('\n').filter(|line| line.ends_with('\n'));
            if let Some(rest) = lines.find_map(|line| line.strip_prefix(prefix)) {
                return Ok(rest.trim().to_owned());
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        bail!("no line {prefix:?} within {START_TIMEOUT:?} in the output:\n{}", self.log())
    }

    /// Returns the server's output so far.
    pub fn log(&self) -> String {
        std::fs::read(&self.log).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default()
    }

    fn wait_until_ready(&mut self) -> Result<()> {
        let start = Instant::now();
        while start.elapsed() < START_TIMEOUT {
            if let Some(status) = self.process.try_wait()? {
                bail!("the process ended with {status}");
            }
            if TcpStream::connect(("127.0.0.1", self.port)).is_ok() {
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        bail!("no connection accepted within {START_TIMEOUT:?}")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Returns a port that is free now. A server fails to start if another program takes the port first.
pub fn free_port() -> Result<u16> {
    Ok(TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port())
}
