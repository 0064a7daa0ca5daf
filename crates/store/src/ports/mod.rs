//! What a stage may ask of the world. Each trait is as narrow as its callers need.
//!
//! Every method may fail with [`StoreError`]. A failure that is *ambiguous* (the response was
//! lost) looks like any other: callers must be right whether or not the operation took place,
//! so every write here is safe to repeat.

pub mod catalog;
pub mod clock;
pub mod documents;
pub mod objects;
pub mod searches;
pub mod stream;
pub mod workers;

pub use catalog::{
    Catalog, Claim, Commit, CommitOutcome, Origin, Place, Replacement, Retired, SegmentKey, SegmentRow, Snapshot,
    Totals,
};
pub use clock::{Clock, Ids};
pub use documents::{Document, DocumentKey, Documents, Kind};
pub use objects::{ObjectMeta, Objects, Put};
pub use searches::{SearchId, Searches, Version};
pub use stream::{NewRecord, Position, Record, ShardId, Stream};
pub use workers::{FieldCount, Launcher, RowKey, ScanEvent, ScanResult, ScanTask, Source, Unreadable, Want, Workers};

/// Why a port could not do what was asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// Come back later: the other side is busy.
    #[error("throttled: {0}")]
    Throttled(String),
    /// It may work when tried again.
    #[error("{0}")]
    Transient(String),
    /// Trying again will not help (the data is not what it should be, the request is too large).
    #[error("{0}")]
    Permanent(String),
}

impl StoreError {
    /// Whether the same call may succeed later.
    pub fn is_retryable(&self) -> bool {
        !matches!(self, Self::Permanent(_))
    }
}

/// What every port call gives.
pub type Result<T> = std::result::Result<T, StoreError>;
