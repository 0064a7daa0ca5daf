//! The Parquet segment: writer and reader.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used))]

mod error;
mod fetched;
mod read;
mod schema;
mod write;

pub use error::{Error, Result};
pub use fetched::Fetched;
pub use read::{RowGroup, SegmentReader};
pub use schema::{Field, Schema};
pub use write::{Segment, SegmentWriter, WriteOptions, write};
