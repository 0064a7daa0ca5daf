//! The names and bounds of the format. The crate's head has the picture.

use trawl_event::Values;

/// Version of the format, in [`KEY_FORMAT`] and in the directory.
pub(crate) const FORMAT: u64 = 2;

/// Key-value metadata: the version of the format.
pub(crate) const KEY_FORMAT: &str = "trawl.format";
/// Key-value metadata: where the events came from.
pub(crate) const KEY_SOURCE: &str = "trawl.source";
/// Key-value metadata: JSON array, where the directory begins and how many bytes it takes.
pub(crate) const KEY_DIRECTORY: &str = "trawl.directory";

/// Column of what has no column of its own.
pub(crate) const REST: &str = "_rest";
/// Column of how canonical fields were spelled.
pub(crate) const ENVELOPE: &str = "_envelope";

/// A data page goes on until it has so many bytes of values: smaller ones compress worse.
pub(crate) const MIN_PAGE_BYTES: usize = 64 * 1024;
/// The same for integers that are kept as differences, which compress little: halving the page costs 2 %, and a
/// needle reads a page of times for nearly every granule.
pub(crate) const MIN_DELTA_PAGE_BYTES: usize = 32 * 1024;
/// Most values in a data page: what some rows of it cost to decode.
pub(crate) const PAGE_VALUES: usize = 64 * 1024;
/// Most bytes of values in a data page, but for a single larger value.
pub(crate) const PAGE_BYTES: usize = 512 * 1024;
/// Largest page that is read, in bytes after decompression: a page of one event of 1 MB
/// in every column would stay far below.
pub(crate) const MAX_PAGE_BYTES: usize = 64 << 20;
/// Most bytes of values in a dictionary.
pub(crate) const DICTIONARY_BYTES: usize = 1 << 20;
/// Longest bound of strings in statistics, in bytes.
pub(crate) const STATISTICS_BYTES: usize = 32;

/// Most rows in a row group that is written or read.
pub(crate) const MAX_ROW_GROUP_ROWS: usize = 1 << 22;
/// Most bytes of one column's values in a row group that is written or read: offsets
/// into them are 32 bits wide.
pub(crate) const MAX_COLUMN_BYTES: usize = 512 << 20;
/// Most bytes of all columns' values in a block that is written, or that one read gives back.
pub(crate) const MAX_BLOCK_BYTES: usize = 1 << 30;
/// Longest string that is written: it must fit a page with room for its levels.
pub(crate) const MAX_VALUE_BYTES: usize = MAX_PAGE_BYTES / 2;
/// Most granules of a row group that is read: one for every 64 bytes as sent of the largest row group.
pub(crate) const MAX_GRANULES: usize = 1 << 20;
/// Most columns of a segment that is read.
pub(crate) const MAX_COLUMNS: usize = 100_000;
/// Most names of `_rest` that are listed; when there are more, any name may be in it.
pub(crate) const MAX_REST_NAMES: usize = 10_000;

/// Bytes that values take in a block.
pub(crate) fn bytes_of(values: &Values) -> usize {
    match values {
        Values::Text(texts) | Values::Json(texts) => texts.size_bytes(),
        Values::Int(values) => values.len() * size_of::<i64>(),
        Values::Float(values) => values.len() * size_of::<f64>(),
        Values::Bool(values) => values.len(),
    }
}
