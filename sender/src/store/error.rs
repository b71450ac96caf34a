//! What can go wrong in an engine.

use std::fmt;
use std::path::PathBuf;

use clarife_webhooks::sender::{PlanLimitReached, ResendError};

/// Why an engine did not do what it was asked to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum StoreError {
    /// There is no such thing in this workspace.
    NotFound(&'static str),
    /// An event of this id was accepted before, with another type or other data.
    Conflict {
        /// Which of the given events it is, counted from 0.
        index: usize,
    },
    /// The workspace's plan allows no more subscriptions.
    PlanLimit(PlanLimitReached),
    /// The delivery is not one to be sent again.
    Resend(ResendError),
    /// The store does not work at the moment; nothing was changed, as far as one can know.
    Unavailable(String),
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotFound(what) => write!(f, "there is no such {what}"),
            Self::Conflict { index } => {
                write!(f, "event {index} has the id of an earlier event but another type or other data")
            }
            Self::PlanLimit(error) => error.fmt(f),
            Self::Resend(error) => error.fmt(f),
            Self::Unavailable(why) => write!(f, "the store is not available: {why}"),
        }
    }
}

impl std::error::Error for StoreError {}

/// Why a store was not opened. The file is as it was.
#[derive(Debug)]
pub(crate) enum OpenError {
    /// Another process has it open.
    InUse(PathBuf),
    /// It belongs to another program.
    Foreign(PathBuf),
    /// A later version of this program has written it.
    Newer {
        /// The store.
        path: PathBuf,
        /// The version of its schema.
        found: i64,
        /// The latest that this program knows.
        known: i64,
    },
    /// It is damaged.
    Corrupt {
        /// The store.
        path: PathBuf,
        /// The first thing found wrong.
        what: String,
    },
    /// It cannot be read or written.
    Failed {
        /// The store.
        path: PathBuf,
        /// What the system or SQLite said.
        why: String,
    },
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InUse(path) => write!(f, "the store {} is in use by another process", path.display()),
            Self::Foreign(path) => write!(f, "{} is not a store of this program", path.display()),
            Self::Newer { path, found, known } => write!(
                f,
                "the store {} was written by a later version (schema {found}, this program knows {known}); use that version",
                path.display()
            ),
            Self::Corrupt { path, what } => {
                write!(f, "the store {} is damaged ({what}); restore a backup", path.display())
            }
            Self::Failed { path, why } => write!(f, "the store {} cannot be opened: {why}", path.display()),
        }
    }
}

impl std::error::Error for OpenError {}
