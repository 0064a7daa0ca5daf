//! The directory: all that a reader must know of a segment before it asks for pages.
//!
//! It says again what the Parquet metadata says, and more, in a tenth of the bytes: with hundreds of columns a
//! Parquet footer takes longer to fetch and to parse than a needle takes to find. Other readers never look at it,
//! and Trawl never looks at the Parquet footer. It stands where the catalog says (`footer_offset`), so one ranged
//! read opens a segment.
//!
//! ```text
//!   u32 length of the rest, little endian
//!   zstd with checksum, of these sections, each a varint length and its bytes:
//!     head       format · source · columns: kind, keys · rest: complete?, kind, keys
//!     groups     per row group: rows · rows per granule · first, last - first (ns) · raw bytes
//!     values     per chunk: values                        chunks: by row group, then by column of the file:
//!     dictionary per chunk with values: bytes             `timestamp`, the columns, `_rest`, `_envelope`
//!     pages      per chunk with values: pages - 1
//!     rows       per page: rows (see below)
//!     leads      per page: granules at its start without a value
//!     trails     per page: granules at its end without a value
//!     bytes      per page: bytes; per chunk without values: those of its empty page
//!     times      per granule: first - first of the row group (ms, down), last - first (ms, up)
//!     levels     per granule: a byte, the ranks of its levels as bits
//!     numbers    per chunk of numbers, per granule within its pages: least, greatest (see `zones`)
//!     index      the directory of the index, see `index`
//! ```
//!
//! Numbers are LEB128 varints, signed ones in zigzag. Rows of a page: `granules << 1` when it is whole granules or
//! reaches the end of the row group, else `rows << 1 | 1`. Chunks stand one after the other without gaps, row groups
//! too, the first at byte 4: lengths say where everything is.

pub(crate) mod build;
mod bytes;
mod read;
mod write;
pub(crate) mod zones;

use std::ops::Range;

use trawl_event::{Kind, Path};

use crate::read::RowGroup;
use crate::rest::RestNames;

pub(crate) use write::DirectoryWriter;
pub(crate) use zones::RowGroupZones;

/// Where the first row group begins: behind `PAR1`.
const DATA_START: u64 = 4;
/// Nanoseconds of the unit of times in zones.
const TIME_UNIT_NS: u64 = 1_000_000;
/// Largest directory that is read, in bytes after decompression.
const MAX_DIRECTORY_BYTES: usize = 64 << 20;

/// Where the parts of a chunk stand, as the writer knows it.
#[derive(Clone, Debug, Default)]
pub(crate) struct ChunkPlaces {
    /// Rows that have a value.
    pub(crate) values: u64,
    /// Bytes of the dictionary page; 0 without one.
    pub(crate) dictionary_bytes: u64,
    /// The data pages; none when no row has a value.
    pub(crate) pages: Vec<PagePlace>,
    /// All its bytes: an empty page, when no row has a value.
    pub(crate) bytes: u64,
}

/// A data page, as the writer knows it.
#[derive(Clone, Debug)]
pub(crate) struct PagePlace {
    pub(crate) bytes: u64,
    pub(crate) rows: Range<u32>,
    /// From the first granule with a value to behind the last.
    pub(crate) granules: Range<u32>,
}

/// What a directory says.
pub(crate) struct Directory {
    pub(crate) columns: Vec<ColumnInfo>,
    pub(crate) rest: RestNames,
    pub(crate) source: String,
    pub(crate) row_groups: Vec<RowGroupInfo>,
    pub(crate) index: crate::index::Index,
}

/// A column of the file between `timestamp` and `_rest`.
#[derive(Clone, Debug)]
pub(crate) struct ColumnInfo {
    pub(crate) name: String,
    pub(crate) path: Path,
    pub(crate) kind: Kind,
}

/// A row group.
pub(crate) struct RowGroupInfo {
    pub(crate) info: RowGroup,
    /// By column of the file: `timestamp` first, the columns, `_rest`, `_envelope`.
    pub(crate) chunks: Vec<ChunkInfo>,
    /// The pages of all chunks.
    pages: Vec<PageInfo>,
    pub(crate) zones: RowGroupZones,
}

impl RowGroupInfo {
    /// The data pages of one of its chunks.
    pub(crate) fn pages(&self, chunk: &ChunkInfo) -> &[PageInfo] {
        self.pages.get(chunk.pages.start as usize..chunk.pages.end as usize).unwrap_or_default()
    }
}

/// One column of one row group.
#[derive(Clone, Debug)]
pub(crate) struct ChunkInfo {
    /// The dictionary page, if there is one.
    pub(crate) dictionary: Option<Range<u64>>,
    /// Rows that have a value.
    pub(crate) values: u64,
    /// Its pages among those of the row group.
    pages: Range<u32>,
}

/// One data page.
#[derive(Clone, Debug)]
pub(crate) struct PageInfo {
    pub(crate) bytes: Range<u64>,
    pub(crate) rows: Range<u32>,
    /// From the first granule with a value to behind the last, in rows.
    pub(crate) valued: Range<u32>,
}
