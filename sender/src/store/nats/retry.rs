//! Retrying a change that another process interfered with.

use super::stream::WriteError;
use crate::store::Result;

/// Limit of the tries of one change.
pub(super) const MAX_TRIES: usize = 16;

/// Runs `change` again while it fails with [`WriteError::Conflict`], up to [`MAX_TRIES`] times.
///
/// `change` reads the records that it changes anew each time.
pub(super) async fn retry_on_conflict<T, F>(change: impl Fn() -> F) -> Result<T>
where
    F: Future<Output = std::result::Result<T, WriteError>>,
{
    for _ in 0..MAX_TRIES {
        match change().await {
            Err(WriteError::Conflict) => {}
            result => return Ok(result?),
        }
    }
    Err(WriteError::Conflict.into())
}
