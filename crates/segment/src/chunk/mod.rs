//! One column of one row group: its pages.
//!
//! ```text
//!   [dictionary page: distinct values, PLAIN]        when it pays
//!   data page (v1), values encoded, then ZSTD:
//!     u32 length | definition levels, hybrid         not for `timestamp`
//!     values of the rows that have one
//!   data page …
//! ```
//!
//! A page ends after a number of values or bytes, never because of rows without a value:
//! a column that few rows have is one small page.

pub(crate) mod dictionary;
pub(crate) mod page_header;
pub(crate) mod read;
pub(crate) mod statistics;
pub(crate) mod write;
