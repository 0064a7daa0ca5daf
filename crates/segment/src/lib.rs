//! The Parquet segment: writer and reader.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used))]

mod chunk;
mod encoding;
mod envelope;
mod error;
mod fetched;
mod footer;
mod format;
mod order;
mod read;
mod rest;
mod schema;
mod selection;
mod write;

pub use error::{Error, Result};
pub use fetched::Fetched;
pub use read::{RowGroup, SegmentReader};
pub use schema::{Field, Schema};
pub use write::{Segment, SegmentWriter, WriteOptions, write};
