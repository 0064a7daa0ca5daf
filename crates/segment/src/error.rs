//! What can go wrong with a segment.

use parquet::errors::ParquetError;

/// The result of writing or reading a segment.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a segment could not be written or read.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A segment holds at least one event.
    #[error("a segment of no events cannot be written")]
    Empty,
    /// More than a value, a column of a row group or a block may hold; the caller hands over less at a time.
    #[error("{what} has {bytes} bytes, the limit is {limit}")]
    TooLarge {
        /// What is too large.
        what: &'static str,
        /// How many bytes it has.
        bytes: u64,
        /// How many it may have.
        limit: u64,
    },
    /// The bytes are not those of a segment, or were damaged.
    #[error("corrupt segment: {0}")]
    Corrupt(String),
    /// A Parquet feature that this writer does not use.
    #[error("unsupported segment: {0}")]
    Unsupported(String),
    /// Bytes that [`crate::SegmentReader::ranges`] had asked for are not among those fetched.
    #[error("bytes {start}..{end} of the segment were not fetched")]
    NotFetched {
        /// The first byte.
        start: u64,
        /// The byte after the last.
        end: u64,
    },
    /// There is no such row group, or a row set of another size came with it.
    #[error("no row group {index} of {rows} rows")]
    NoSuchRowGroup {
        /// Its index.
        index: usize,
        /// The rows the caller counted on.
        rows: usize,
    },
    /// The metadata could not be written or read.
    #[error("parquet metadata: {0}")]
    Parquet(#[from] ParquetError),
    /// A page could not be compressed.
    #[error("compression: {0}")]
    Compression(#[from] std::io::Error),
}

impl Error {
    pub(crate) fn corrupt(what: impl Into<String>) -> Self {
        Self::Corrupt(what.into())
    }
}
