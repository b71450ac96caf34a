//! A partition's stream: atomic writes of several messages, and reads.

use std::sync::Arc;
use std::time::{Duration, Instant};

use async_nats::header::{
    NATS_BATCH_COMMIT, NATS_BATCH_ID, NATS_BATCH_SEQUENCE, NATS_EXPECTED_LAST_SUBJECT_SEQUENCE, NATS_MESSAGE_TTL,
};
use async_nats::jetstream::consumer::{AckPolicy, DeliverPolicy, pull};
use async_nats::jetstream::message::StreamMessage;
use async_nats::jetstream::stream::RawMessageErrorKind;
use async_nats::jetstream::{self, ErrorCode};
use async_nats::{Client, HeaderMap, RequestErrorKind};
use bytes::Bytes;
use futures_util::StreamExt as _;
use serde::Deserialize;
use serde_json::json;
use tokio::sync::Semaphore;
use uuid::Uuid;

use crate::store::engine::{WriteError, WriteResult};
use crate::store::{Result, StoreError};

/// Limit of this worker's concurrent batches in a stream; the server refuses more than 50 in all.
const MAX_BATCHES: usize = 12;
/// Number of messages read in one request.
const PAGE_SIZE: usize = 256;
/// Time limit of a request, and time for which a failed request is retried.
pub(super) const PATIENCE: Duration = Duration::from_secs(5);
/// Pause between two tries.
const PAUSE: Duration = Duration::from_millis(100);
/// Interval at which a server confirms that it has nothing new.
const HEARTBEAT: Duration = Duration::from_secs(1);

/// A stream. Subjects are given without the stream's prefix.
#[derive(Clone)]
pub(super) struct Stream {
    client: Client,
    handle: jetstream::stream::Stream<()>,
    name: Arc<str>,
    prefix: Arc<str>,
    batches: Arc<Semaphore>,
}

/// A message to write.
#[derive(Debug, Clone)]
pub(super) struct NewMessage {
    /// Subject; the message replaces the current one on it.
    pub(super) subject: String,
    /// Contents.
    pub(super) payload: Bytes,
    /// Sequence of the message to replace, 0 for none. If another message is on the subject, nothing is written.
    pub(super) replaces: Option<u64>,
    /// Exempts the message from the stream's age limit.
    pub(super) keep_forever: bool,
}

/// A message that was read.
#[derive(Debug, Clone)]
pub(super) struct Message {
    /// Subject.
    pub(super) subject: String,
    /// Sequence in the stream.
    pub(super) sequence: u64,
    /// Contents.
    pub(super) payload: Bytes,
}

/// A message to request from the leader.
#[derive(Clone, Copy)]
enum Lookup<'a> {
    /// The latest on a subject.
    Last(&'a str),
    /// The first on a subject at or after a sequence.
    Next(&'a str, u64),
    /// The one with a sequence.
    At(u64),
}

/// Outcome of a failed publish.
enum PublishError {
    /// Nothing was written; the write may be tried again.
    Retry,
    /// Retrying does not help.
    Final(WriteError),
}

impl From<StoreError> for PublishError {
    fn from(error: StoreError) -> Self {
        Self::Final(WriteError::Failed(error))
    }
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Reply {
    Error { error: jetstream::Error },
    Done { seq: u64 },
}

pub(super) fn unavailable(error: impl std::fmt::Display) -> StoreError {
    StoreError::Unavailable(error.to_string())
}

impl Stream {
    pub(super) fn new(
        context: &jetstream::Context,
        handle: jetstream::stream::Stream<()>,
        name: &str,
        prefix: &str,
    ) -> Self {
        let batches = Arc::new(Semaphore::new(MAX_BATCHES));
        Self { client: context.client(), handle, name: name.into(), prefix: prefix.into(), batches }
    }

    /// Writes all messages or none; returns the sequence of the last one. Sequences are consecutive.
    pub(super) async fn write(&self, writes: Vec<NewMessage>) -> WriteResult<u64> {
        self.write_within(PATIENCE, writes).await
    }

    /// Writes all messages or none, and retries for `patience` while the stream has no leader.
    pub(super) async fn write_within(&self, patience: Duration, writes: Vec<NewMessage>) -> WriteResult<u64> {
        let _permit = if writes.len() > 1 { self.batches.acquire().await.ok() } else { None };
        let start = Instant::now();
        loop {
            match self.try_write(&writes).await {
                // Nothing was written: the stream has no leader at the moment, or too many batches are in flight.
                Err(PublishError::Retry) if start.elapsed() < patience => tokio::time::sleep(PAUSE).await,
                Err(PublishError::Retry) => return Err(WriteError::Failed(unavailable("the stream does not reply"))),
                Err(PublishError::Final(error)) => return Err(error),
                Ok(sequence) => return Ok(sequence),
            }
        }
    }

    async fn try_write(&self, writes: &[NewMessage]) -> std::result::Result<u64, PublishError> {
        let batch = (writes.len() > 1).then(|| Uuid::new_v4().simple().to_string());
        let Some((last, others)) = writes.split_last() else { return Ok(0) };
        for (number, write) in (1_usize..).zip(others) {
            let headers = write.headers(batch.as_deref(), number);
            let subject = format!("{}{}", self.prefix, write.subject);
            let sent = self.client.publish_with_headers(subject, headers, write.payload.clone()).await;
            sent.map_err(unavailable)?;
        }
        let mut headers = last.headers(batch.as_deref(), writes.len());
        if batch.is_some() {
            headers.insert(NATS_BATCH_COMMIT, "1");
        }
        let subject = format!("{}{}", self.prefix, last.subject);
        let reply = self.client.request_with_headers(subject, headers, last.payload.clone()).await;
        let reply = reply.map_err(|error| match error.kind() {
            RequestErrorKind::NoResponders => PublishError::Retry,
            _ => unavailable(error).into(),
        })?;
        match serde_json::from_slice(&reply.payload) {
            Ok(Reply::Done { seq }) => Ok(seq),
            Ok(Reply::Error { error }) => Err(match error.error_code() {
                ErrorCode::STREAM_WRONG_LAST_SEQUENCE | ErrorCode::STREAM_WRONG_LAST_SEQUENCE_CONSTANT => {
                    PublishError::Final(WriteError::Conflict)
                }
                ErrorCode::ATOMIC_PUBLISH_INCOMPLETE_BATCH | ErrorCode::ATOMIC_PUBLISH_TOO_MANY_INFLIGHT => {
                    PublishError::Retry
                }
                _ => unavailable(error).into(),
            }),
            Err(_) => Err(unavailable("cannot parse the server's reply").into()),
        }
    }

    /// Writes one message.
    pub(super) async fn write_one(&self, subject: &str, payload: impl Into<Bytes>) -> Result<u64> {
        let write =
            NewMessage { subject: subject.into(), payload: payload.into(), replaces: None, keep_forever: false };
        self.write(vec![write]).await.map_err(|error| match error {
            WriteError::Failed(error) => error,
            WriteError::Conflict => unavailable("a write conflicted that replaces nothing"),
        })
    }

    /// Reads the latest message on a subject from the stream's leader.
    pub(super) async fn last(&self, subject: &str) -> Result<Option<Message>> {
        self.get(Lookup::Last(&format!("{}{subject}", self.prefix))).await
    }

    /// Reads the message with a sequence from any server, and from the leader if that server lacks it.
    pub(super) async fn at(&self, sequence: u64) -> Result<Option<Message>> {
        match self.handle.direct_get(sequence).await {
            Ok(message) => Ok(Some(self.convert(message))),
            Err(_) => self.get(Lookup::At(sequence)).await,
        }
    }

    /// Requests a message from the leader, with retries: a stream has no leader for a moment after a server failed.
    async fn get(&self, lookup: Lookup<'_>) -> Result<Option<Message>> {
        let start = Instant::now();
        loop {
            let found = match lookup {
                Lookup::Last(subject) => self.handle.get_last_raw_message_by_subject(subject).await,
                Lookup::Next(subject, from) => self.handle.get_first_raw_message_by_subject(subject, from).await,
                Lookup::At(sequence) => self.handle.get_raw_message(sequence).await,
            };
            match found {
                Ok(message) => return Ok(Some(self.convert(message))),
                Err(error) if error.kind() == RawMessageErrorKind::NoMessageFound => return Ok(None),
                Err(error) if start.elapsed() >= PATIENCE => return Err(unavailable(error)),
                Err(_) => tokio::time::sleep(PAUSE).await,
            }
        }
    }

    /// Returns the first and the last sequence from the leader.
    pub(super) async fn bounds(&self) -> Result<(u64, u64)> {
        let state = self.handle.get_info().await.map_err(unavailable)?.state;
        Ok((state.first_sequence, state.last_sequence))
    }

    /// Reads the messages on a subject (wildcards allowed) from `from` and before `to`.
    ///
    /// Any server returns most of them. The leader then returns those that the server lacks.
    pub(super) async fn range(&self, subject: &str, from: u64, to: u64) -> Result<Vec<Message>> {
        let mut found = Vec::new();
        let mut next = from;
        while next < to {
            let page = self.page(subject, next).await?;
            let full = page.len() == PAGE_SIZE;
            let Some(last) = page.last() else { break };
            next = last.sequence.saturating_add(1);
            found.extend(page.into_iter().filter(|read| read.sequence < to));
            if !full {
                break;
            }
        }
        let subject = format!("{}{subject}", self.prefix);
        while next < to
            && let Some(read) = self.get(Lookup::Next(&subject, next)).await?.filter(|read| read.sequence < to)
        {
            next = read.sequence.saturating_add(1);
            found.push(read);
        }
        Ok(found)
    }

    /// Reads up to [`PAGE_SIZE`] messages from a sequence, from any server.
    pub(super) async fn page(&self, subject: &str, from: u64) -> Result<Vec<Message>> {
        let inbox = self.client.new_inbox();
        let mut replies = self.client.subscribe(inbox.clone()).await.map_err(unavailable)?;
        let filter = format!("{}{subject}", self.prefix);
        let request = json!({ "seq": from, "next_by_subj": filter, "batch": PAGE_SIZE }).to_string();
        let api = format!("$JS.API.DIRECT.GET.{}", self.name);
        self.client.publish_with_reply(api, inbox, request.into()).await.map_err(unavailable)?;
        let mut found = Vec::new();
        loop {
            let reply = tokio::time::timeout(PATIENCE, replies.next()).await.map_err(unavailable)?;
            let reply = reply.ok_or_else(|| unavailable("the connection was closed"))?;
            match reply.status.map(|status| status.as_u16()) {
                None => {}
                Some(204 | 404) => return Ok(found), // end of the batch; no messages
                Some(status) => return Err(unavailable(format!("cannot read: status {status}"))),
            }
            let message = StreamMessage::try_from(reply).map_err(unavailable)?;
            found.push(self.convert(message));
        }
    }

    /// Deletes a message.
    pub(super) async fn delete(&self, sequence: u64) -> Result<()> {
        match self.handle.delete_message(sequence).await {
            Ok(_) => Ok(()),
            Err(error) => match self.at(sequence).await? {
                None => Ok(()), // another worker was faster
                Some(_) => Err(unavailable(error)),
            },
        }
    }

    /// Deletes all messages on a subject, wildcards allowed.
    pub(super) async fn purge(&self, subject: &str) -> Result<()> {
        let filter = format!("{}{subject}", self.prefix);
        self.handle.purge().filter(filter).await.map(|_| ()).map_err(unavailable)
    }

    /// Reads the messages on the subjects from a sequence in order and without gaps, until `each` returns `false`.
    /// Calls `starts` when reading starts, and again after each interruption.
    pub(super) async fn follow(
        &self,
        subjects: &[&str],
        from: u64,
        starts: impl Fn(),
        mut each: impl FnMut(Message) -> bool,
    ) {
        let filters: Vec<String> = subjects.iter().map(|subject| format!("{}{subject}", self.prefix)).collect();
        let mut next = from.max(1);
        loop {
            match self.follow_once(&filters, &mut next, &starts, &mut each).await {
                Ok(()) => return,
                Err(error) => tracing::debug!(stream = %self.name, %error, "reading was interrupted and restarts"),
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }

    async fn follow_once(
        &self,
        filters: &[String],
        next: &mut u64,
        starts: &impl Fn(),
        each: &mut impl FnMut(Message) -> bool,
    ) -> Result<()> {
        let config = pull::Config {
            filter_subjects: filters.to_vec(),
            deliver_policy: DeliverPolicy::ByStartSequence { start_sequence: *next },
            ack_policy: AckPolicy::None,
            memory_storage: true,
            num_replicas: 1,
            inactive_threshold: Duration::from_secs(30),
            ..pull::Config::default()
        };
        let consumer = self.handle.create_consumer(config).await.map_err(unavailable)?;
        let messages = consumer.stream().heartbeat(HEARTBEAT).expires(HEARTBEAT.saturating_mul(10)).messages().await;
        let mut messages = messages.map_err(unavailable)?;
        starts();
        let mut expected: u64 = 1;
        while let Some(message) = messages.next().await {
            let message = message.map_err(unavailable)?;
            let info = message.info().map_err(unavailable)?;
            if info.consumer_sequence != expected {
                return Err(unavailable("a message was skipped"));
            }
            expected = expected.saturating_add(1);
            let sequence = info.stream_sequence;
            *next = sequence.saturating_add(1);
            let (message, _) = message.split();
            let subject = self.local(&message.subject);
            if !each(Message { subject, sequence, payload: message.payload }) {
                return Ok(());
            }
        }
        Err(unavailable("the connection was closed"))
    }

    fn convert(&self, message: StreamMessage) -> Message {
        Message { subject: self.local(&message.subject), sequence: message.sequence, payload: message.payload }
    }

    fn local(&self, subject: &str) -> String {
        subject.strip_prefix(&*self.prefix).unwrap_or(subject).to_owned()
    }
}

impl NewMessage {
    fn headers(&self, batch: Option<&str>, number: usize) -> HeaderMap {
        let mut headers = HeaderMap::new();
        if let Some(sequence) = self.replaces {
            headers.insert(NATS_EXPECTED_LAST_SUBJECT_SEQUENCE, sequence.to_string());
        }
        if self.keep_forever {
            headers.insert(NATS_MESSAGE_TTL, "never");
        }
        if let Some(batch) = batch {
            headers.insert(NATS_BATCH_ID, batch);
            headers.insert(NATS_BATCH_SEQUENCE, number.to_string());
        }
        headers
    }
}
