//! Errors of a store.

use std::fmt;
use std::path::PathBuf;

use clarife_webhooks::sender::{PlanLimitReached, ResendError};

/// Reason for which a call failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum StoreError {
    /// The workspace has nothing of this kind with that id.
    NotFound(&'static str),
    /// An event with this id was accepted before, with another type or other data.
    Conflict {
        /// Index of the event in the request, from 0.
        index: usize,
    },
    /// The workspace's plan allows no more subscriptions.
    PlanLimit(PlanLimitReached),
    /// The delivery cannot be resent.
    Resend(ResendError),
    /// The store does not work at the moment. The call most likely changed nothing.
    Unavailable(String),
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotFound(kind) => write!(f, "{kind} not found"),
            Self::Conflict { index } => {
                write!(f, "event {index} has the id of an earlier event but another type or other data")
            }
            Self::PlanLimit(error) => error.fmt(f),
            Self::Resend(error) => error.fmt(f),
            Self::Unavailable(why) => write!(f, "the store is unavailable: {why}"),
        }
    }
}

impl std::error::Error for StoreError {}

/// Reason for which a store was not opened. The store is unchanged.
#[derive(Debug)]
pub(crate) enum OpenError {
    /// Another process uses the store.
    InUse(PathBuf),
    /// The store belongs to another program.
    Foreign(PathBuf),
    /// A later version of this program wrote the store.
    Newer {
        /// The store.
        path: PathBuf,
        /// Version of the store's schema.
        found: i64,
        /// Latest version that this program supports.
        known: i64,
    },
    /// An earlier version of this program wrote the store, and there is no migration.
    Older {
        /// The store.
        path: PathBuf,
        /// Version of the store's schema.
        found: i64,
        /// Version that this program requires.
        known: i64,
    },
    /// The store is damaged.
    Corrupt {
        /// The store.
        path: PathBuf,
        /// The first damage found.
        damage: String,
    },
    /// The store cannot be read or written.
    Failed {
        /// The store.
        path: PathBuf,
        /// Message of the system, of SQLite or of NATS.
        why: String,
    },
    /// The backup cannot be written. The store is unchanged as well.
    Backup {
        /// File of the backup.
        path: PathBuf,
        /// Message of the system or of SQLite.
        why: String,
    },
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Self::InUse(path)
        | Self::Foreign(path)
        | Self::Newer { path, .. }
        | Self::Older { path, .. }
        | Self::Corrupt { path, .. }
        | Self::Failed { path, .. }
        | Self::Backup { path, .. }) = self;
        let action = if matches!(self, Self::Backup { .. }) { "write the backup" } else { "open the store" };
        write!(f, "cannot {action} {}: ", path.display())?;
        match self {
            Self::InUse(_) => f.write_str("another process is using it"),
            Self::Foreign(_) => f.write_str("it is not a store of this program"),
            Self::Newer { found, known, .. } => {
                write!(f, "a later version wrote it (schema {found}, this program supports {known}); use that version")
            }
            Self::Older { found, known, .. } => write!(
                f,
                "an earlier version wrote it (schema {found}, this program requires {known}); create a new store"
            ),
            Self::Corrupt { damage, .. } => write!(f, "it is damaged ({damage}); restore a backup"),
            Self::Failed { why, .. } | Self::Backup { why, .. } => f.write_str(why),
        }
    }
}

impl std::error::Error for OpenError {}
