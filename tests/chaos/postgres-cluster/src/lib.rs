//! A real PostgreSQL server on loopback, for tests and measurements: a primary that flushes every commit, and a standby
//! with synchronous replication if wanted.
//!
//! The servers end with the process that started them, even if that process is killed.

use std::io;
use std::net::SocketAddr;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use server_process::Process;

/// Time limit of a server's start.
const START_TIMEOUT: Duration = Duration::from_secs(60);
/// User of the servers if the process is root, because PostgreSQL refuses to run as root. Debian's package creates it.
const USER: &str = "postgres";
/// Settings for measurements: a commit is on disk before it returns, as by default.
const SETTINGS: &str = "max_connections = 200\nshared_buffers = 256MB\n\
                        max_wal_size = 4GB\nwal_compression = on\nrestart_after_crash = off\nlogging_collector = off\n\
                        wal_level = replica\nmax_wal_senders = 4\nhot_standby = on\n\
                        dynamic_shared_memory_type = mmap\n";

/// Returns the folder of the server's programs: the one in the variable `POSTGRES_BIN`, or the newest of Debian's.
///
/// # Errors
///
/// If neither exists; the error says what to do.
pub fn programs() -> io::Result<PathBuf> {
    if let Some(folder) = std::env::var_os("POSTGRES_BIN") {
        return Ok(folder.into());
    }
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let programs = versions.map(|version| version.path().join("bin")).filter(|bin| bin.join("postgres").is_file());
    let version = |bin: &PathBuf| -> Option<u32> { bin.parent()?.file_name()?.to_str()?.parse().ok() };
    let hint = "cannot find PostgreSQL: run `cargo xtask setup`, or set POSTGRES_BIN to the folder of its programs";
    programs.max_by_key(version).ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, hint))
}

/// A running primary, with its standby. Dropping it kills the servers; their folders stay.
#[derive(Debug)]
pub struct Cluster {
    programs: Programs,
    primary: Server,
    standby: Option<Server>,
}

/// The folder of the programs, and the network namespace that they run in, if any.
#[derive(Debug)]
struct Programs {
    folder: PathBuf,
    namespace: Option<String>,
}

#[derive(Debug)]
struct Server {
    address: SocketAddr,
    data: PathBuf,
    log: PathBuf,
    process: Option<Process>,
}

impl Cluster {
    /// Creates a primary with its files in `folder` and starts it, with a standby if `standby` is set.
    ///
    /// # Errors
    ///
    /// If a server cannot be created, or does not accept queries within a minute.
    pub fn start(programs: &Path, folder: &Path, standby: bool) -> io::Result<Self> {
        Self::start_in(None, programs, folder, standby)
    }

    /// Creates and starts the servers in a network namespace. They accept connections from its private addresses.
    ///
    /// # Errors
    ///
    /// As [`start`](Self::start).
    pub fn start_in(namespace: Option<&str>, programs: &Path, folder: &Path, standby: bool) -> io::Result<Self> {
        let programs = Programs { folder: programs.into(), namespace: namespace.map(str::to_owned) };
        if is_root() {
            let id = |file: &str, column: usize| -> Option<u32> {
                let text = std::fs::read_to_string(file).ok()?;
                let line = text.lines().find(|line| line.starts_with(&format!("{USER}:")))?;
                line.split(':').nth(column)?.parse().ok()
            };
            std::os::unix::fs::chown(folder, id("/etc/passwd", 2), id("/etc/passwd", 3))?;
        }
        let addresses = server_process::free_addresses(2)?;
        let mut servers = addresses.into_iter().zip(["primary", "standby"]).map(|(address, name)| Server {
            address,
            data: folder.join(name),
            log: folder.join(format!("{name}.log")),
            process: None,
        });
        let mut primary = servers.next().ok_or_else(|| io::Error::other("no address"))?;
        let data = primary.data.display().to_string();
        let init =
            ["-D", &data, "-U", USER, "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync", "--data-checksums"];
        run(programs.as_user("initdb").args(init))?;
        if namespace.is_some() {
            let rules = primary.data.join("pg_hba.conf");
            let text = std::fs::read_to_string(&rules)?;
            std::fs::write(rules, text + "host all all samenet trust\n")?;
        }
        primary.configure(&programs)?;
        primary.spawn(&programs)?;
        let mut cluster = Self { programs, primary, standby: None };
        cluster.wait()?;
        if standby && let Some(mut server) = servers.next() {
            let (port, data) = (cluster.primary.address.port().to_string(), server.data.display().to_string());
            let copy =
                ["-h", "127.0.0.1", "-p", &port, "-U", USER, "-D", &data, "-R", "-C", "-S", "standby", "-c", "fast"];
            run(cluster.programs.as_user("pg_basebackup").args(copy))?;
            server.configure(&cluster.programs)?;
            server.spawn(&cluster.programs)?;
            server.wait(&cluster.programs)?;
            cluster.standby = Some(server);
            cluster.query("ALTER SYSTEM SET synchronous_standby_names = '*'")?;
            cluster.query("SELECT pg_reload_conf()")?;
        }
        Ok(cluster)
    }

    /// Returns the URL of the primary's first database.
    #[must_use]
    pub fn url(&self) -> String {
        format!("postgres://{USER}@{}/postgres", self.primary.address)
    }

    /// Returns the port of the primary.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.primary.address.port()
    }

    /// Returns the URL of the primary with its standby, as the sender takes them.
    #[must_use]
    pub fn url_with_standby(&self) -> String {
        let standby = self.standby.as_ref().map(|standby| format!("|{}", standby.address)).unwrap_or_default();
        format!("postgres://{USER}@{}{standby}/postgres", self.primary.address)
    }

    /// Runs SQL on the primary; returns the rows as text.
    ///
    /// # Errors
    ///
    /// If the server cannot be reached, or refuses the SQL.
    pub fn query(&self, sql: &str) -> io::Result<String> {
        self.primary.query(&self.programs, sql)
    }

    /// Kills the primary, as a failure of its machine would.
    ///
    /// # Errors
    ///
    /// If the exit status cannot be read.
    pub fn kill(&mut self) -> io::Result<()> {
        self.primary.kill()
    }

    /// Starts a killed primary again with the same files, and waits until it accepts queries.
    ///
    /// # Errors
    ///
    /// If the server cannot be started.
    pub fn restart(&mut self) -> io::Result<()> {
        self.primary.spawn(&self.programs)?;
        self.wait()
    }

    /// Suspends the primary with its connections: it neither replies nor closes them.
    ///
    /// # Errors
    ///
    /// If the server is not running.
    pub fn pause(&self) -> io::Result<()> {
        self.primary.signal(Signal::STOP)
    }

    /// Resumes a [paused](Self::pause) primary.
    ///
    /// # Errors
    ///
    /// If the server is not running.
    pub fn resume(&self) -> io::Result<()> {
        self.primary.signal(Signal::CONT)
    }

    /// Makes the standby the primary. The old primary must be killed before.
    ///
    /// # Errors
    ///
    /// If there is no standby, or the standby does not accept writes within a minute.
    pub fn promote(&mut self) -> io::Result<()> {
        let standby = self.standby.take().ok_or_else(|| io::Error::other("there is no standby"))?;
        let data = standby.data.display().to_string();
        run(self.programs.as_user("pg_ctl").args(["promote", "-w", "-D", &data]))?;
        self.primary = standby;
        // Commits must not wait for a standby that is no longer there.
        self.query("ALTER SYSTEM SET synchronous_standby_names = ''")?;
        self.query("SELECT pg_reload_conf()").map(|_| ())
    }

    fn wait(&self) -> io::Result<()> {
        self.primary.wait(&self.programs)
    }
}

impl Server {
    fn configure(&self, programs: &Programs) -> io::Result<()> {
        let (port, sockets) = (self.address.port(), self.data.display());
        let listen = if programs.namespace.is_some() { "*" } else { "127.0.0.1" };
        let file = self.data.join("postgresql.conf");
        let text =
            format!("{SETTINGS}listen_addresses = '{listen}'\nport = {port}\nunix_socket_directories = '{sockets}'\n");
        std::fs::write(file, text)
    }

    fn spawn(&mut self, programs: &Programs) -> io::Result<()> {
        if self.process.is_none() {
            let mut server = programs.as_user("postgres");
            server.arg("-D").arg(&self.data);
            self.process = Some(Process::spawn(&self.log, &server)?);
        }
        Ok(())
    }

    /// Waits until the server accepts queries.
    fn wait(&self, programs: &Programs) -> io::Result<()> {
        let start = Instant::now();
        while self.query(programs, "SELECT 1").is_err() {
            if start.elapsed() > START_TIMEOUT {
                let log = std::fs::read_to_string(&self.log).unwrap_or_default();
                let end = log.get(log.len().saturating_sub(2000)..).unwrap_or(&log);
                return Err(io::Error::new(io::ErrorKind::TimedOut, format!("PostgreSQL is not ready: {end}")));
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        Ok(())
    }

    fn query(&self, programs: &Programs, sql: &str) -> io::Result<String> {
        let url = format!("postgres://{USER}@{}/postgres?connect_timeout=5", self.address);
        run(programs.command("psql").args(["-XAtq", "-v", "ON_ERROR_STOP=1", &url, "-c", sql]))
    }

    fn kill(&mut self) -> io::Result<()> {
        let Some(process) = self.process.take() else { return Ok(()) };
        let connections = children(process.id());
        process.kill()?;
        // The server cannot start again before they have noticed its end.
        for process in &connections {
            let _ = kill_process(*process, Signal::KILL); // may have ended
        }
        let start = Instant::now();
        while connections.iter().any(|process| runs(*process)) && start.elapsed() < START_TIMEOUT {
            std::thread::sleep(Duration::from_millis(10));
        }
        Ok(())
    }

    /// Sends a signal to the server and to the processes of its connections.
    fn signal(&self, signal: Signal) -> io::Result<()> {
        let server = self
            .process
            .as_ref()
            .map(Process::id)
            .ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, "the server is not running"))?;
        kill_process(server, signal)?;
        for process in children(server) {
            let _ = kill_process(process, signal); // may have ended
        }
        Ok(())
    }
}

/// Tells whether a process runs: a zombie does not.
fn runs(process: Pid) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", process.as_raw_nonzero())).unwrap_or_default();
    stat.rsplit(") ").next().is_some_and(|stat| !stat.is_empty() && !stat.starts_with('Z'))
}

/// Returns the processes that a server has started, one for each connection.
fn children(server: Pid) -> Vec<Pid> {
    let parent = server.as_raw_nonzero().to_string();
    let processes = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let children = processes.filter_map(|process| {
        let stat = std::fs::read_to_string(process.path().join("stat")).ok()?;
        let is_child = stat.rsplit(") ").next()?.split(' ').nth(1) == Some(&parent);
        Pid::from_raw(process.file_name().to_str()?.parse().ok()?).filter(|_| is_child)
    });
    children.collect()
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.kill(); // errors cannot be returned here
    }
}

fn is_root() -> bool {
    std::fs::metadata("/proc/self").is_ok_and(|process| process.uid() == 0)
}

impl Programs {
    /// Returns the command of a program.
    fn command(&self, program: &str) -> Command {
        self.wrap(Command::new(self.folder.join(program)))
    }

    /// Returns the command of a program, as the user of the servers if this process is root.
    fn as_user(&self, program: &str) -> Command {
        if !is_root() {
            return self.command(program);
        }
        let mut command = Command::new("setpriv");
        command.args(["--reuid", USER, "--regid", USER, "--clear-groups"]).arg(self.folder.join(program));
        let mut command = self.wrap(command);
        command.current_dir("/");
        command
    }

    /// Returns a command that runs in the namespace.
    fn wrap(&self, command: Command) -> Command {
        let Some(namespace) = &self.namespace else { return command };
        let mut wrapped = Command::new("ip");
        wrapped.args(["netns", "exec", namespace]).arg(command.get_program()).args(command.get_args());
        wrapped
    }
}

/// Runs a command; returns its output.
fn run(command: &mut Command) -> io::Result<String> {
    let output = command.stdin(Stdio::null()).output()?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).trim_end().to_owned());
    }
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    Err(io::Error::other(format!("{} failed: {error}", command.get_program().display())))
}
