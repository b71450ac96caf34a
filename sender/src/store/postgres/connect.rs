//! The URL of a store, and the connections to its databases.

use std::ops::{Deref, DerefMut};
use std::str::FromStr as _;
use std::time::Duration;

use anyhow::Context as _;
use deadpool_postgres::{
    ClientWrapper, Manager, ManagerConfig, Object, Pool, PoolError, RecyclingMethod, Runtime, Timeouts,
};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};
use tokio_postgres::config::TargetSessionAttrs;
use tokio_postgres::tls::MakeTlsConnect;
use tokio_postgres::{Client, Config, Socket};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::schema::describe;
use super::{PATIENCE, unavailable};
use crate::store::{OpenError, Result};

/// Limit of the connections to a database.
const MAX_CONNECTIONS: usize = 24;
/// Settings of the planner. A connection plans a statement once, perhaps while `pending` is empty. The best plan for an
/// empty table reads the whole table, and 50,000 deliveries to one endpoint then took 4,045 ms of processors for 1,000,
/// in place of 495 ms. Every statement has an index for its rows, and none is worth compiling.
const PLANS: &str = "-c plan_cache_mode=force_generic_plan \
                     -c enable_seqscan=off -c enable_bitmapscan=off -c enable_hashjoin=off -c enable_mergejoin=off \
                     -c jit=off";
/// Limit of the databases of a store: an id has eight bits for its database.
const MAX_DATABASES: usize = 256;
/// Name of the schema that has the tables.
const SCHEMA: &str = "clarife_sender";

/// A connection that reads messages of the server.
type Connection = tokio_postgres::Connection<Socket, <MakeRustlsConnect as MakeTlsConnect<Socket>>::Stream>;

/// A database of a store, as the URL names it.
#[derive(Clone)]
pub(super) struct Database {
    config: Config,
    tls: MakeRustlsConnect,
    /// Schema that has the tables.
    pub(super) schema: String,
    name: String,
}

impl Database {
    /// Parses the URL of a store: `postgres://[user[:password]@]host[:port][|standby[:port]][,…][/database][?…]`.
    ///
    /// Each host is a database of its own, and a workspace belongs to one of them. A standby takes over from its
    /// primary. The user, the name of the database and the options apply to all. The options are `schema`
    /// (`clarife_sender`), `sslrootcert` (a PEM file of certificate authorities; those of Mozilla by default) and those
    /// of a PostgreSQL URL, such as `sslmode`.
    pub(super) fn parse(url: &str) -> std::result::Result<Vec<Self>, OpenError> {
        let wrong = |why: &str| OpenError::Failed { path: "postgres".into(), why: why.into() };
        let rest = url.split_once("://").ok_or_else(|| wrong("the URL must start with postgres://"))?.1;
        let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (authority, database) = rest.split_once('/').unwrap_or((rest, ""));
        let (user, hosts) = match authority.rsplit_once('@') {
            Some((user, hosts)) => (format!("{user}@"), hosts),
            None => (String::new(), authority),
        };
        let mut schema = SCHEMA.to_owned();
        let (mut options, mut roots) = (Vec::new(), None);
        for option in query.split('&').filter(|option| !option.is_empty()) {
            match option.split_once('=') {
                Some(("schema", name)) => name.clone_into(&mut schema),
                Some(("sslrootcert", file)) => roots = Some(file),
                _ => options.push(option),
            }
        }
        let is_name = schema.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_');
        if !is_name || schema.is_empty() || schema.len() > 63 || schema.starts_with(|c: char| c.is_ascii_digit()) {
            return Err(wrong("the schema must be a name of at most 63 lower-case letters, digits and _"));
        }
        let hosts: Vec<&str> = hosts.split(',').collect();
        if hosts.len() > MAX_DATABASES {
            return Err(wrong("a store has at most 256 databases"));
        }
        let tls = tls(roots).map_err(|error| wrong(&format!("{error:#}")))?;
        let databases = hosts.into_iter().map(|host| {
            let url = format!("postgres://{user}{}/{database}?{}", host.replace('|', ","), options.join("&"));
            // The error may quote the password.
            let mut config = Config::from_str(&url).map_err(|_| wrong("not a PostgreSQL URL"))?;
            if host.contains('|') {
                config.target_session_attrs(TargetSessionAttrs::ReadWrite);
            }
            if config.get_connect_timeout().is_none() {
                config.connect_timeout(PATIENCE);
            }
            config.tcp_user_timeout(PATIENCE.saturating_mul(2)).keepalives_idle(Duration::from_secs(10));
            config.application_name("clarife-sender");
            let options = config.get_options().unwrap_or_default();
            let options = format!("{options} -c search_path={schema} {PLANS}");
            config.options(&options);
            Ok(Self { config, tls: tls.clone(), schema: schema.clone(), name: format!("postgres://{host}/{database}") })
        });
        databases.collect()
    }

    /// Returns the name of the database for errors, without the password.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Makes a connection that is not in the pool, for notifications.
    pub(super) async fn connect(&self) -> Result<(Client, Connection)> {
        self.config.connect(self.tls.clone()).await.map_err(unavailable)
    }

    /// Creates the pool of connections. No connection is made yet.
    pub(super) fn pool(&self) -> std::result::Result<Pool, OpenError> {
        let manager = ManagerConfig { recycling_method: RecyclingMethod::Fast };
        let manager = Manager::from_config(self.config.clone(), self.tls.clone(), manager);
        let wait = Some(PATIENCE);
        let pool = Pool::builder(manager)
            .max_size(MAX_CONNECTIONS)
            .timeouts(Timeouts { wait, create: wait, recycle: wait })
            .runtime(Runtime::Tokio1)
            .build();
        pool.map_err(|error| OpenError::Failed { path: self.name().into(), why: error.to_string() })
    }
}

/// Returns the settings of encrypted connections, with the certificate authorities of a file or of Mozilla.
fn tls(file: Option<&str>) -> anyhow::Result<MakeRustlsConnect> {
    let mut roots = RootCertStore::empty();
    match file {
        None => roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned()),
        Some(file) => {
            let context = || format!("cannot read the certificates of sslrootcert={file}");
            let certificates: Vec<_> =
                CertificateDer::pem_file_iter(file).and_then(Iterator::collect).with_context(context)?;
            for certificate in certificates {
                roots.add(certificate).with_context(context)?;
            }
            anyhow::ensure!(!roots.is_empty(), "cannot read the certificates of sslrootcert={file}: the file has none");
        }
    }
    let provider = rustls::crypto::ring::default_provider();
    let config = ClientConfig::builder_with_provider(provider.into()).with_safe_default_protocol_versions()?;
    Ok(MakeRustlsConnect::new(config.with_root_certificates(roots).with_no_client_auth()))
}

/// A connection. It is closed, and not used again, unless the work on it ended well.
pub(super) struct Session(Option<Object>);

impl Session {
    /// Takes a connection from the pool.
    pub(super) async fn open(pool: &Pool) -> Result<Self> {
        pool.get().await.map(|client| Self(Some(client))).map_err(|error| match error {
            PoolError::Backend(error) => unavailable(describe(&error)),
            error => unavailable(error.to_string()),
        })
    }

    /// Gives the connection back to the pool.
    pub(super) fn keep(mut self) {
        drop(self.0.take());
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        if let Some(client) = self.0.take() {
            drop(Object::take(client));
        }
    }
}

impl Deref for Session {
    type Target = ClientWrapper;

    #[expect(clippy::expect_used, reason = "the connection is taken only by functions that consume the session")]
    fn deref(&self) -> &ClientWrapper {
        self.0.as_ref().expect("the connection is there until the end")
    }
}

impl DerefMut for Session {
    #[expect(clippy::expect_used, reason = "the connection is taken only by functions that consume the session")]
    fn deref_mut(&mut self) -> &mut ClientWrapper {
        self.0.as_mut().expect("the connection is there until the end")
    }
}
