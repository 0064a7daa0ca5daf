//! The segment: one immutable Parquet object of events.
//!
//! A segment is a plain Parquet file, which DuckDB, ClickHouse, Spark, Athena and PyArrow read as
//! it is; and it gives every event back exactly. [`write()`] and [`SegmentWriter`] turn blocks into
//! segments, [`SegmentReader`] turns them back. There is no I/O here: the reader says which byte
//! ranges it needs ([`SegmentReader::index_ranges`], [`SegmentReader::ranges`]) and is handed them ([`Fetched`]).
//!
//! ```text
//!   0              "PAR1"
//!   4              row group 0    one chunk per column, in the order of the schema:
//!                                   [dictionary page] data page data page …
//!                  row group 1    …
//!                  index chunks   see `index`: a query reads some of them
//!   footer_offset  directory      see `directory`: all that this crate must know before it asks for pages
//!                  page indexes   column index (least, greatest, nulls per page), offset index (places of pages)
//!                  file metadata  schema, places of chunks, statistics, key-value metadata
//!   size - 8       u32 length of the file metadata, "PAR1"
//! ```
//!
//! One ranged read of [`Segment::directory_bytes`] from [`Segment::footer_offset`] on opens a segment. All of it is
//! standard Parquet (<https://parquet.apache.org/docs/file-format/>) but index chunks and directory, which other
//! readers never look at. What stands behind the directory is for them: it is written here and never read.
//!
//! | column | Parquet type | what it holds |
//! | --- | --- | --- |
//! | `timestamp` | INT64, TIMESTAMP(NANOS, UTC), required | when it happened |
//! | `service` `level` `message` `trace_id` | BYTE_ARRAY, STRING | the canonical texts; always there |
//! | one per attribute path, by name | Int INT64, Float DOUBLE, Bool BOOLEAN, Text STRING, Json JSON | the path's dotted name is the column's name; it is not nested |
//! | `_rest` | BYTE_ARRAY, JSON | per event one object, nested as sent, of all that has no column |
//! | `_envelope` | BYTE_ARRAY, STRING | null, or how timestamp and canonical fields were spelled |
//!
//! Into `_rest` go: of several kinds or paths under one name all but the one with most rows; names
//! beyond [`WriteOptions::columns_max`], those with fewest rows first; attributes whose name is that of a column
//! above; and names that are empty or hold control characters.
//!
//! | key-value metadata | value |
//! | --- | --- |
//! | `trawl.format` | `2` |
//! | `trawl.source` | [`WriteOptions::source`] |
//! | `trawl.directory` | JSON array: where the directory begins, and how many bytes it takes |
//!
//! Row groups are disjoint in time as far as the blocks are; for the order of rows inside one see `order`, for pages
//! and encodings see `chunk` and `encoding`. A *granule* is a run of rows of about [`GRANULE_RAW_BYTES`] as sent: the
//! unit in which index and zones skip and pages end. Equal input gives equal bytes. Byte by byte:
//! `docs/segment-format.md`.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used))]

mod chunk;
mod coalesce;
mod compression;
mod directory;
mod encoding;
mod envelope;
mod error;
mod fetched;
mod format;
mod index;
mod order;
mod read;
mod rest;
mod schema;
mod selection;
mod summary;
mod write;

pub use error::{Error, Result};
pub use fetched::Fetched;
pub use index::{GRANULE_RAW_BYTES, IndexQuery};
pub use read::{RowGroup, SegmentReader};
pub use schema::{Field, Schema};
pub use write::{Segment, SegmentWriter, WriteOptions, write};
