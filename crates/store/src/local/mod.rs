//! The ports on one machine: files, SQLite and threads. `trawl local` runs the stages on these.
//!
//! * [`stream`]: the log on disk, many shards in one write-ahead log
//! * [`objects`]: objects as files
//! * [`catalog`], [`searches`], [`documents`]: SQLite
//! * [`workers`]: scan workers as a pool of threads
//! * [`clock`]: the wall clock and random ids, the only place that touches either
//!
//! **Blocking.** Apart from appends to the stream and scan tasks, which hand over to a thread of
//! their own and wait without one, these adapters do file work directly in the future they return.
//! Stages run on threads set aside for them, so nothing else waits behind a slow disk, and a call
//! has ended when its future has: no work goes on behind a dropped future.

use std::fmt::Display;
use std::fs::File;
use std::io::{self, ErrorKind};
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::ports::StoreError;

pub mod catalog;
pub mod clock;
pub mod documents;
pub mod objects;
pub mod searches;
mod sqlite;
pub mod stream;
pub mod workers;

pub use catalog::LocalCatalog;
pub use clock::{RandomIds, System, SystemClock};
pub use documents::LocalDocuments;
pub use objects::LocalObjects;
pub use searches::LocalSearches;
pub use stream::{LocalStream, Pending, StreamOptions};
pub use workers::LocalWorkers;

/// What an I/O error means to a caller: some pass by themselves or when somebody makes room.
fn io_error(doing: impl Display, path: &Path, error: &io::Error) -> StoreError {
    let text = format!("{doing} {}: {error}", path.display());
    match error.kind() {
        ErrorKind::NotFound
        | ErrorKind::PermissionDenied
        | ErrorKind::ReadOnlyFilesystem
        | ErrorKind::AlreadyExists
        | ErrorKind::IsADirectory
        | ErrorKind::NotADirectory
        | ErrorKind::InvalidFilename
        | ErrorKind::InvalidInput
        | ErrorKind::Unsupported => StoreError::Permanent(text),
        _ => StoreError::Transient(text),
    }
}

/// Makes the names in a directory durable: a file's own fsync does not cover its entry.
fn sync_dir(dir: &Path) -> io::Result<()> {
    File::open(dir)?.sync_all()
}

/// Makes a directory and those above it, each entry durable. Does nothing where it exists.
fn create_dirs(dir: &Path) -> io::Result<()> {
    if dir.as_os_str().is_empty() || dir.is_dir() {
        return Ok(());
    }
    let parent = dir.parent().unwrap_or(Path::new(""));
    create_dirs(parent)?;
    let mut builder = std::fs::DirBuilder::new();
    // What is in it is its owner's: events, hashes of keys, what they are hashed with.
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    match builder.create(dir) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => return Err(error),
        _ => {}
    }
    sync_dir(if parent.as_os_str().is_empty() { Path::new(".") } else { parent })
}

/// Locks a mutex whose data is whole at every point where a holder could panic.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
