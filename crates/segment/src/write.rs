//! Blocks → segment.

use bytes::Bytes;
use trawl_event::{Block, Timestamp};

use crate::error::{Error, Result};
use crate::schema::Schema;

/// How a segment is written.
#[derive(Clone, Debug)]
pub struct WriteOptions {
    /// ZSTD level of the pages.
    pub zstd_level: i32,
    /// Most rows in a row group.
    pub row_group_rows: usize,
    /// Most bytes of events (as they were sent) in a row group: bounds what a reader takes in at once.
    pub row_group_bytes: u64,
    /// Most attribute paths that get a column of their own.
    pub columns_max: usize,
    /// Where the events came from. It stands in the segment, so that equal events from
    /// different origins do not become the same object.
    pub source: String,
}

impl Default for WriteOptions {
    /// What a persister uses: quick, for segments that are soon merged.
    fn default() -> Self {
        Self {
            zstd_level: 1,
            row_group_rows: 256 * 1024,
            row_group_bytes: 128 << 20,
            columns_max: 1000,
            source: String::new(),
        }
    }
}

impl WriteOptions {
    /// What a compactor uses: small, for segments that stay.
    pub fn compaction() -> Self {
        Self { zstd_level: 9, ..Self::default() }
    }
}

/// A segment that is ready to be stored.
#[derive(Clone, Debug)]
pub struct Segment {
    /// The object.
    pub bytes: Bytes,
    /// Where index and footer begin: `bytes[footer_offset..]` is what [`crate::SegmentReader::open`] takes.
    pub footer_offset: u64,
    /// Bytes of the index block.
    pub index_bytes: u64,
    /// XXH3-128 of `bytes`.
    pub content_hash: u128,
    /// How many events it holds.
    pub events: u64,
    /// Bytes of these events as they were sent.
    pub raw_bytes: u64,
    /// The earliest event.
    pub first: Timestamp,
    /// The latest event.
    pub last: Timestamp,
}

/// Writes one block as a segment of one or more row groups.
pub fn write(block: &Block, options: &WriteOptions) -> Result<Segment> {
    let mut writer = SegmentWriter::new(options, Schema::of_blocks([block]))?;
    writer.push(block)?;
    writer.finish()
}

/// Writes a segment block by block, so that one row group at a time is in memory.
pub struct SegmentWriter {}

impl SegmentWriter {
    /// Begins a segment. `schema` covers every block that will be pushed; what it does
    /// not name goes into `_rest`.
    pub fn new(options: &WriteOptions, schema: Schema) -> Result<Self> {
        let _ = (options, schema);
        Err(Error::Empty)
    }

    /// Adds a block as a row group of its own, or as several (cut by time) when it exceeds
    /// the limits of the options. Row groups are disjoint in time if the blocks are.
    pub fn push(&mut self, block: &Block) -> Result<()> {
        let _ = block;
        Err(Error::Empty)
    }

    /// Events pushed so far.
    pub fn events(&self) -> u64 {
        0
    }

    /// Bytes of the segment so far, without footer.
    pub fn bytes_written(&self) -> u64 {
        0
    }

    /// Writes the footer.
    pub fn finish(self) -> Result<Segment> {
        Err(Error::Empty)
    }
}
