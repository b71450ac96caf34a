//! Servers for the demo and the tests: started on a free loopback port, stopped when dropped.

use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};

const START_TIMEOUT: Duration = Duration::from_secs(60);

/// A process that serves HTTP on a port of its own.
pub struct Server {
    process: Child,
    port: u16,
    log: PathBuf,
}

impl Server {
    /// Starts what `command` gives for a port and waits until it accepts connections. The output goes to `log`.
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
            .with_context(|| format!("{name} could not be started"))?;
        let mut server = Self { process, port, log: log.into() };
        server.wait_until_ready().with_context(|| {
            let output = std::fs::read_to_string(log).unwrap_or_default();
            format!("{name} did not start; it said:\n{output}")
        })?;
        Ok(server)
    }

    /// Its URL, without a path.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Waits until the output has a line that starts with `prefix`; returns the rest of the line.
    pub fn line(&self, prefix: &str) -> Result<String> {
        let start = Instant::now();
        while start.elapsed() < START_TIMEOUT {
            let log = self.log();
            // Only whole lines: the rest of the last one may not be written yet.
            let mut lines = log.split_inclusive('\n').filter(|line| line.ends_with('\n'));
            if let Some(rest) = lines.find_map(|line| line.strip_prefix(prefix)) {
                return Ok(rest.trim().to_owned());
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        bail!("no line {prefix:?} within {START_TIMEOUT:?}; it said:\n{}", self.log())
    }

    /// What it has written so far.
    pub fn log(&self) -> String {
        std::fs::read(&self.log).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default()
    }

    fn wait_until_ready(&mut self) -> Result<()> {
        let start = Instant::now();
        while start.elapsed() < START_TIMEOUT {
            if let Some(status) = self.process.try_wait()? {
                bail!("it ended with {status}");
            }
            if TcpStream::connect(("127.0.0.1", self.port)).is_ok() {
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        bail!("it accepted no connection within {START_TIMEOUT:?}")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Returns a port that is free now; should another program take the port before a server does, starting the server fails.
pub fn free_port() -> Result<u16> {
    Ok(TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port())
}
