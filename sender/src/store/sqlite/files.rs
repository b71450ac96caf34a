//! Files of a store: only their owner may read them, because the store has signing secrets in clear.

use std::fs::OpenOptions;
use std::path::Path;

use crate::store::OpenError;

/// Returns options for a new file that only its owner may read, whatever the umask is.
pub(super) fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

/// Creates the file of a store if it does not exist. SQLite creates the files beside it with the same mode.
pub(super) fn create(path: &Path) -> std::io::Result<()> {
    let file = private().create(true).truncate(false).open(path)?;
    #[cfg(unix)]
    {
        let mode = std::os::unix::fs::MetadataExt::mode(&file.metadata()?) & 0o777;
        if mode & 0o077 != 0 {
            tracing::warn!(
                store = %path.display(), mode = format_args!("{mode:o}"),
                "other users may access the store, which contains signing secrets; run chmod 600"
            );
        }
    }
    drop(file);
    Ok(())
}

/// Refuses names that SQLite takes for something else than a file.
pub(super) fn check_name(path: &Path) -> Result<(), OpenError> {
    let name = path.to_string_lossy();
    if name.starts_with(':') || name.starts_with("file:") {
        let why = "not the path of a file, and the store must be on disk; use `sqlite:FILE`".to_owned();
        return Err(OpenError::Failed { path: path.into(), why });
    }
    Ok(())
}
