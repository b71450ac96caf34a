//! The writer's thread: waiting writes share a transaction, and so one flush to disk.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::sync::{Notify, mpsc, oneshot};

use super::database::Database;
use crate::store::{Result, StoreError};

/// Limit of the jobs in one transaction.
const MAX_GROUP: usize = 1024;

/// Limit of the waiting jobs; further callers wait.
const MAX_WAITING: usize = 4096;

/// Pause after a chore failed.
const PAUSE: Duration = Duration::from_millis(250);

/// Handle of the writer's thread.
pub(super) struct Writer {
    jobs: std::sync::Mutex<Option<mpsc::Sender<Job>>>,
    thread: std::sync::Mutex<Option<JoinHandle<()>>>,
    wake: Arc<Wake>,
}

/// Time from which there may be a delivery to lease.
struct Wake {
    at: AtomicI64,
    changed: Notify,
}

enum Job {
    /// Write; the reply follows when the transaction is on disk.
    Write(Box<dyn Write>),
    /// Access to committed data; it may change state in memory only.
    Access(Access),
}

type Access = Box<dyn FnOnce(Result<&mut Database>) + Send>;

trait Write: Send {
    /// Runs the write; an error aborts the whole transaction.
    fn run(&mut self, database: &mut Database) -> Result<()>;

    /// Sends the reply.
    fn finish(self: Box<Self>, failure: Option<&StoreError>);
}

struct WriteJob<F, T> {
    work: Option<F>,
    result: Option<Result<T>>,
    reply: oneshot::Sender<Result<T>>,
}

impl<F, T> Write for WriteJob<F, T>
where
    F: FnOnce(&mut Database) -> Result<T> + Send,
    T: Send,
{
    fn run(&mut self, database: &mut Database) -> Result<()> {
        let Some(work) = self.work.take() else { return Ok(()) };
        match work(database) {
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
    /// Starts the thread.
    pub(super) fn start(database: Database) -> std::io::Result<Self> {
        let (sender, receiver) = mpsc::channel(MAX_WAITING);
        let wake = Arc::new(Wake { at: AtomicI64::new(i64::MIN), changed: Notify::new() });
        let thread_wake = Arc::clone(&wake);
        let thread =
            std::thread::Builder::new().name("store".into()).spawn(move || run(database, receiver, &thread_wake))?;
        Ok(Self { jobs: Some(sender).into(), thread: Some(thread).into(), wake })
    }

    /// Runs a write; returns when it is on disk.
    pub(super) async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Database) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let (reply, receiver) = oneshot::channel();
        self.send(Job::Write(Box::new(WriteJob { work: Some(work), result: None, reply }))).await?;
        receiver.await.map_err(|_| closed())?
    }

    /// Runs `work` on committed data.
    pub(super) async fn access<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Database) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let (reply, receiver) = oneshot::channel();
        let access = move |database: Result<&mut Database>| {
            let _ = reply.send(database.and_then(work));
        };
        self.send(Job::Access(Box::new(access))).await?;
        receiver.await.map_err(|_| closed())?
    }

    /// Returns the time from which there may be a delivery to lease, in milliseconds.
    pub(super) fn wake_at(&self) -> i64 {
        self.wake.at.load(Ordering::Acquire)
    }

    /// Returns when [`wake_at`](Self::wake_at) may have changed.
    pub(super) async fn changed(&self) {
        self.wake.changed.notified().await;
    }

    /// Finishes waiting jobs and ends the thread.
    pub(super) async fn close(&self) {
        let take = |mutex: &std::sync::Mutex<Option<mpsc::Sender<Job>>>| {
            mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner).take()
        };
        drop(take(&self.jobs));
        let thread = self.thread.lock().unwrap_or_else(std::sync::PoisonError::into_inner).take();
        if let Some(thread) = thread {
            let _ = tokio::task::spawn_blocking(move || thread.join()).await;
        }
    }

    async fn send(&self, job: Job) -> Result<()> {
        let jobs = self.jobs.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clone();
        jobs.ok_or_else(closed)?.send(job).await.map_err(|_| closed())
    }
}

fn closed() -> StoreError {
    StoreError::Unavailable("the store is closed".into())
}

fn run(mut database: Database, mut jobs: mpsc::Receiver<Job>, wake: &Wake) {
    loop {
        let first = if database.has_chores() {
            match jobs.try_recv() {
                Ok(job) => Some(job),
                Err(mpsc::error::TryRecvError::Empty) => None,
                Err(mpsc::error::TryRecvError::Disconnected) => break,
            }
        } else {
            match jobs.blocking_recv() {
                Some(job) => Some(job),
                None => break,
            }
        };
        let mut group: Vec<Job> = first.into_iter().collect();
        while group.len() < MAX_GROUP
            && let Ok(job) = jobs.try_recv()
        {
            group.push(job);
        }
        serve(&mut database, group);
        let at = database.wake_at();
        if wake.at.swap(at, Ordering::AcqRel) != at || at == i64::MIN {
            wake.changed.notify_one();
        }
    }
    database.close();
}

/// Runs the writes in one transaction, then the accesses.
fn serve(database: &mut Database, group: Vec<Job>) {
    let (mut writes, mut accesses) = (Vec::new(), Vec::new());
    for job in group {
        match job {
            Job::Write(write) => writes.push(write),
            Job::Access(access) => accesses.push(access),
        }
    }
    let failure = if writes.is_empty() && !database.has_chores() {
        database.repair()
    } else {
        database.transaction(|database| {
            writes.iter_mut().try_for_each(|write| write.run(database))?;
            database.run_chore()
        })
    }
    .err();
    if let Some(error) = &failure {
        tracing::error!(%error, "a transaction of {} writes failed", writes.len());
    }
    if failure.is_some() && writes.is_empty() {
        std::thread::sleep(PAUSE); // the chore cannot be done now
    }
    writes.into_iter().for_each(|write| write.finish(failure.as_ref()));
    for access in accesses {
        match database.repair() {
            Ok(()) => access(Ok(database)),
            Err(error) => access(Err(error)),
        }
    }
}
