//! What can go wrong on the caller's side.

use std::io;
use std::path::PathBuf;

use crate::error::Error;

/// Why an event was not accepted.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LogError {
    /// There is no room for it.
    #[error("the queue is full")]
    Full,
    /// The logger was shut down.
    #[error("the logger is shut down")]
    Closed,
    /// The server would not take it.
    #[error("an event of {bytes} bytes is too large")]
    TooLarge {
        /// The size of its JSON.
        bytes: usize,
    },
    /// Its fields are no map and no struct, or can't be written as JSON.
    #[error("the fields of an event can't be written: {0}")]
    Fields(#[source] serde_json::Error),
    /// The spool could not be written.
    #[error("the spool can't be written: {0}")]
    Spool(#[source] io::Error),
    /// It comes from the thread that sends events: sending it would make the next.
    #[error("an event of the sending thread itself")]
    OwnThread,
    /// Its fields panicked while they were written.
    #[error("the fields of an event panicked")]
    Panicked,
}

/// Why a logger did not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// The address or the key can't be used.
    #[error(transparent)]
    Settings(#[from] Error),
    /// A fixed field can't be written as JSON.
    #[error("a fixed field can't be written: {0}")]
    Field(#[source] serde_json::Error),
    /// Another process logs to this spool: each has one of its own.
    #[error("the spool {} is in use by another process", path.display())]
    SpoolInUse {
        /// Its directory.
        path: PathBuf,
    },
    /// The spool can't be made or read.
    #[error("the spool {}: {source}", path.display())]
    Spool {
        /// Its directory.
        path: PathBuf,
        /// What is wrong.
        source: io::Error,
    },
    /// The sending thread can't be started.
    #[error("the sending thread can't be started: {0}")]
    Thread(#[source] io::Error),
}

/// Time was over before everything was settled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{events} events are left")]
pub struct Unfinished {
    /// Events that were not settled. After a shutdown those in memory are lost; those in a spool are sent after the
    /// next start.
    pub events: u64,
}
