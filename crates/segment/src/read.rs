//! Segment → blocks.

use std::ops::Range;

use bytes::Bytes;
use trawl_event::block::Projection;
use trawl_event::{Block, RowSet, Timestamp};

use crate::error::{Error, Result};
use crate::fetched::Fetched;
use crate::schema::{Field, Schema};

/// What is known of a row group without reading it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RowGroup {
    /// How many events it holds.
    pub rows: usize,
    /// The earliest.
    pub first: Timestamp,
    /// The latest.
    pub last: Timestamp,
    /// Bytes of its events as they were sent.
    pub raw_bytes: u64,
}

/// An opened segment: its metadata. It does no I/O, it says which bytes it needs.
pub struct SegmentReader {}

impl SegmentReader {
    /// Opens a segment of `size` bytes by its end: `footer` is `object[footer_offset..]`.
    pub fn open(footer: Bytes, footer_offset: u64, size: u64) -> Result<Self> {
        let _ = (footer, footer_offset, size);
        Err(Error::Empty)
    }

    /// The row groups, in order of time.
    pub fn row_groups(&self) -> &[RowGroup] {
        &[]
    }

    /// Every path and kind that occurs, those in `_rest` included.
    pub fn fields(&self) -> impl Iterator<Item = &Field> {
        [].iter()
    }

    /// The fields with their counts, for [`crate::SegmentWriter::new`].
    pub fn schema(&self) -> Schema {
        Schema::default()
    }

    /// How many events it holds.
    pub fn events(&self) -> u64 {
        0
    }

    /// Bytes of its events as they were sent.
    pub fn raw_bytes(&self) -> u64 {
        0
    }

    /// Where the events came from, as [`crate::WriteOptions::source`] gave it.
    pub fn source(&self) -> &str {
        ""
    }

    /// The bytes of the object that [`SegmentReader::read`] with the same arguments needs:
    /// ascending, disjoint, small gaps read along. No range when there is no such row group.
    pub fn ranges(&self, row_group: usize, projection: &Projection, rows: Option<&RowSet>) -> Vec<Range<u64>> {
        let _ = (row_group, projection, rows);
        Vec::new()
    }

    /// Reads a row group, or only some of its rows (renumbered in order), and of their
    /// columns those of the projection.
    pub fn read(
        &self,
        row_group: usize,
        projection: &Projection,
        rows: Option<&RowSet>,
        fetched: &Fetched,
    ) -> Result<Block> {
        let _ = (row_group, projection, rows, fetched);
        Err(Error::Empty)
    }
}
