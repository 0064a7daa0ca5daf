//! Which attribute paths become Parquet columns.

use trawl_event::{Block, Kind, Path};

use crate::read::SegmentReader;

/// One path of one kind that occurs in a segment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// Where its values stand in their events.
    pub path: Path,
    /// Their type.
    pub kind: Kind,
    /// How many events have one; `None` when it is known only that it occurs (in `_rest`).
    pub rows: Option<u64>,
}

/// The paths, kinds and row counts of what is going to be written. The Parquet columns
/// follow from it: see the crate's head.
#[derive(Clone, Debug, Default)]
pub struct Schema {}

impl Schema {
    /// What these blocks hold together.
    pub fn of_blocks<'b>(blocks: impl IntoIterator<Item = &'b Block>) -> Self {
        let _ = blocks.into_iter();
        Self::default()
    }

    /// What these segments hold together.
    pub fn union<'r>(readers: impl IntoIterator<Item = &'r SegmentReader>) -> Self {
        let _ = readers.into_iter();
        Self::default()
    }
}
