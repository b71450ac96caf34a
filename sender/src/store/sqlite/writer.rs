//! The writer's thread: waiting writes share a transaction, and so one flush to disk.

use std::fs::File;
use std::sync::{Mutex, PoisonError};
use std::thread::JoinHandle;

use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot};

use crate::store::{Result, StoreError};

/// Limit of the jobs in one transaction.
const MAX_GROUP: usize = 1024;

/// Limit of the waiting jobs; further callers wait.
const MAX_WAITING: usize = 4096;

/// Handle of the writer's thread.
pub(super) struct Writer {
    jobs: Mutex<Option<mpsc::Sender<Box<dyn Job>>>>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

trait Job: Send {
    /// Runs the write; an error aborts the whole transaction.
    fn run(&mut self, connection: &Connection) -> Result<()>;

    /// Sends the reply, once the transaction is on disk or has failed.
    fn finish(self: Box<Self>, failure: Option<&StoreError>);
}

struct Write<F, T> {
    work: Option<F>,
    result: Option<Result<T>>,
    reply: oneshot::Sender<Result<T>>,
}

impl<F, T> Job for Write<F, T>
where
    F: FnOnce(&Connection) -> Result<T> + Send,
    T: Send,
{
    fn run(&mut self, connection: &Connection) -> Result<()> {
        let Some(work) = self.work.take() else { return Ok(()) };
        match work(connection) {
            Err(error @ StoreError::Unavailable(_)) => Err(error),
            result => {
                self.result = Some(result);
                Ok(())
            }
        }
    }

    fn finish(self: Box<Self>, failure: Option<&StoreError>) {
        let result = match failure {
            Some(error) => Err(error.clone()),
            None => self.result.unwrap_or_else(|| Err(closed())),
        };
        let _ = self.reply.send(result); // the caller may be gone
    }
}

impl Writer {
    /// Starts the thread. The lock on the store is held until the thread ends.
    pub(super) fn start(connection: Connection, lock: File) -> std::io::Result<Self> {
        let (sender, receiver) = mpsc::channel(MAX_WAITING);
        let thread = std::thread::Builder::new().name("store".into()).spawn(move || {
            run(&connection, receiver);
            drop((connection, lock));
        })?;
        Ok(Self { jobs: Some(sender).into(), thread: Some(thread).into() })
    }

    /// Runs a write; returns when it is on disk.
    ///
    /// A write that fails with another error than [`StoreError::Unavailable`] must not have written anything.
    pub(super) async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let (reply, receiver) = oneshot::channel();
        let jobs = self.jobs.lock().unwrap_or_else(PoisonError::into_inner).clone().ok_or_else(closed)?;
        jobs.send(Box::new(Write { work: Some(work), result: None, reply })).await.map_err(|_| closed())?;
        drop(jobs);
        receiver.await.map_err(|_| closed())?
    }

    /// Tells whether the thread has been told to end.
    pub(super) fn is_closed(&self) -> bool {
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner).is_none()
    }

    /// Finishes waiting jobs and ends the thread.
    pub(super) async fn close(&self) {
        drop(self.jobs.lock().unwrap_or_else(PoisonError::into_inner).take());
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread {
            let _ = tokio::task::spawn_blocking(move || thread.join()).await;
        }
    }
}

fn closed() -> StoreError {
    StoreError::Unavailable("the store is closed".into())
}

fn run(connection: &Connection, mut jobs: mpsc::Receiver<Box<dyn Job>>) {
    while let Some(first) = jobs.blocking_recv() {
        let mut group = vec![first];
        while group.len() < MAX_GROUP
            && let Ok(job) = jobs.try_recv()
        {
            group.push(job);
        }
        let failure = transact(connection, &mut group).err();
        if let Some(error) = &failure {
            tracing::error!(%error, "a transaction of {} writes failed", group.len());
        }
        group.into_iter().for_each(|job| job.finish(failure.as_ref()));
    }
    // The file alone is the store.
    if let Err(error) = connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())) {
        tracing::warn!(%error, "cannot move the write-ahead log into the store");
    }
}

/// Runs the jobs in a transaction: either all of it is on disk afterwards, or nothing has changed.
fn transact(connection: &Connection, group: &mut [Box<dyn Job>]) -> Result<()> {
    if !connection.is_autocommit() {
        connection.execute_batch("ROLLBACK")?; // the last rollback failed
    }
    connection.execute_batch("BEGIN IMMEDIATE")?;
    let result = group.iter_mut().try_for_each(|job| job.run(connection));
    let result = result.and_then(|()| Ok(connection.execute_batch("COMMIT")?));
    if result.is_err() && !connection.is_autocommit() {
        let _ = connection.execute_batch("ROLLBACK"); // tried again before the next transaction
    }
    result
}
