//! Connecting to the servers, and opening the streams of a store.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use async_nats::jetstream::{self, stream::Config};

use super::options::Options;
use super::schema::SCHEMA;
use super::stream::Stream;
use crate::store::OpenError;

/// The oldest supported server: the first with atomic batches.
const OLDEST_SERVER: (u32, u32) = (2, 12);
/// Time for which creating a stream is retried while the servers start.
const STARTUP: Duration = Duration::from_secs(15);
pub(super) const SCHEMA_KEY: &str = "clarife-sender-schema";
const PARTITIONS_KEY: &str = "clarife-sender-partitions";

/// Connects to the servers; refuses servers that are too old.
pub(super) async fn connect(options: &Options) -> std::result::Result<jetstream::Context, String> {
    let mut connect = async_nats::ConnectOptions::new()
        .name("clarife-sender")
        .max_reconnects(None)
        .require_tls(options.tls)
        .request_timeout(Some(Duration::from_secs(5)));
    if let Some((user, password)) = &options.user {
        connect = connect.user_and_password(user.clone(), password.clone());
    }
    let client = connect.connect(options.servers.clone()).await.map_err(|error| error.to_string())?;
    let version = client.server_info().version;
    if is_too_old(&version) {
        let (major, minor) = OLDEST_SERVER;
        return Err(format!("NATS {version} is too old; version {major}.{minor} or later is required"));
    }
    Ok(jetstream::ContextBuilder::new().timeout(Duration::from_secs(5)).build(client))
}

pub(super) fn is_too_old(version: &str) -> bool {
    let mut parts = version.split('.').map(|part| part.parse::<u32>().unwrap_or(0));
    (parts.next().unwrap_or(0), parts.next().unwrap_or(0)) < OLDEST_SERVER
}

/// Opens the streams of the store; creates those that do not exist.
pub(super) async fn open_streams(
    context: &jetstream::Context,
    options: &Options,
) -> std::result::Result<Vec<Stream>, OpenError> {
    let path: std::path::PathBuf = options.name().into();
    let failed = |why: String| OpenError::Failed { path: path.clone(), why };
    let config = |index: u16, partitions: u16| {
        let name = format!("{}-{index}", options.store);
        let metadata = [(SCHEMA_KEY, SCHEMA.to_string()), (PARTITIONS_KEY, partitions.to_string())];
        Config {
            subjects: vec![format!("{}.{index}.>", options.store)],
            name,
            max_messages_per_subject: 1,
            max_age: options.max_age,
            num_replicas: options.replicas,
            allow_direct: true,
            allow_message_ttl: true,
            allow_atomic_publish: true,
            metadata: metadata.into_iter().map(|(key, value)| (key.to_owned(), value)).collect::<HashMap<_, _>>(),
            ..Config::default()
        }
    };
    let start = Instant::now();
    let mut partitions = options.partitions;
    let mut streams = Vec::new();
    let mut index = 0;
    while index < partitions {
        let config = config(index, partitions);
        let name = config.name.clone();
        let stream = loop {
            match context.get_or_create_stream(config.clone()).await {
                Ok(stream) => break stream,
                Err(error) if start.elapsed() >= STARTUP => return Err(failed(error.to_string())),
                Err(_) => tokio::time::sleep(Duration::from_millis(200)).await,
            }
        };
        let found = &stream.cached_info().config;
        let number = |key: &str| found.metadata.get(key).and_then(|value| value.parse::<i64>().ok());
        let schema = number(SCHEMA_KEY).ok_or_else(|| OpenError::Foreign(path.clone()))?;
        if schema > SCHEMA {
            return Err(OpenError::Newer { path: path.clone(), found: schema, known: SCHEMA });
        }
        if schema < SCHEMA {
            return Err(OpenError::Older { path: path.clone(), found: schema, known: SCHEMA });
        }
        // The number of partitions is fixed when the store is created.
        partitions = number(PARTITIONS_KEY).and_then(|number| u16::try_from(number).ok()).unwrap_or(partitions);
        let handle = context.get_stream_no_info(&name).await.map_err(|error| failed(error.to_string()))?;
        streams.push(Stream::new(context, handle, &name, &format!("{}.{index}.", options.store)));
        index = index.saturating_add(1);
    }
    Ok(streams)
}
