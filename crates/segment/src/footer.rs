//! The footer of a segment, parsed and checked.
//!
//! What comes out of here holds only offsets that lie in the object and counts that fit
//! together, so that reading pages need not doubt them again.

use std::collections::HashMap;
use std::ops::Range;

use bytes::Buf;
use bytes::Bytes;
use parquet::basic::{Compression, LogicalType, Type as Physical};
use parquet::errors::ParquetError;
use parquet::file::metadata::{ColumnChunkMetaData, PageIndexPolicy, ParquetMetaData, ParquetMetaDataReader};
use parquet::file::reader::{ChunkReader, Length};
use parquet::file::statistics::Statistics;
use trawl_event::block::TIMESTAMP;
use trawl_event::{Kind, Path, Timestamp};

use crate::checksum;
use crate::error::{Error, Result};
use crate::format::{
    ENVELOPE, FORMAT, KEY_FORMAT, KEY_INDEX, KEY_PATHS, KEY_RAW_BYTES, KEY_REST, KEY_SOURCE, MAX_COLUMNS,
    MAX_ROW_GROUP_ROWS, REST,
};
use crate::index::Directory;
use crate::read::RowGroup;
use crate::rest::RestNames;
use crate::schema::path_of_name;

/// What a footer says.
pub(crate) struct Footer {
    pub(crate) columns: Vec<ColumnInfo>,
    pub(crate) rest: RestNames,
    pub(crate) source: String,
    pub(crate) row_groups: Vec<RowGroup>,
    /// None in segments that were written without one.
    pub(crate) index: Option<Directory>,
    /// By row group, then by column of the file: `timestamp` first, `columns`, `_rest`, `_envelope`.
    pub(crate) chunks: Vec<Vec<ChunkInfo>>,
}

/// A column of the file between `timestamp` and `_rest`.
#[derive(Clone, Debug)]
pub(crate) struct ColumnInfo {
    pub(crate) name: String,
    pub(crate) path: Path,
    pub(crate) kind: Kind,
}

/// One column of one row group.
#[derive(Clone, Debug)]
pub(crate) struct ChunkInfo {
    /// The dictionary page, if there is one.
    pub(crate) dictionary: Option<Range<u64>>,
    /// The data pages; none when no row has a value.
    pub(crate) pages: Vec<PageInfo>,
    /// Rows that have a value.
    pub(crate) values: u64,
}

/// One data page.
#[derive(Clone, Debug)]
pub(crate) struct PageInfo {
    pub(crate) bytes: Range<u64>,
    pub(crate) rows: Range<u32>,
}

/// The end of an object, to parquet's metadata parser.
struct Tail {
    bytes: Bytes,
    offset: u64,
    size: u64,
}

impl Length for Tail {
    fn len(&self) -> u64 {
        self.size
    }
}

impl ChunkReader for Tail {
    type T = bytes::buf::Reader<Bytes>;

    fn get_read(&self, start: u64) -> Result<Self::T, ParquetError> {
        let end = self.size.saturating_sub(start) as usize;
        Ok(self.get_bytes(start, end)?.reader())
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes, ParquetError> {
        let outside = || ParquetError::EOF(format!("bytes at {start} are not part of the footer"));
        let from = usize::try_from(start.checked_sub(self.offset).ok_or_else(outside)?).map_err(|_| outside())?;
        let to = from.checked_add(length).filter(|to| *to <= self.bytes.len()).ok_or_else(outside)?;
        Ok(self.bytes.slice(from..to))
    }
}

impl Footer {
    /// Parses `bytes`, which are those of the object from `offset` to its end at `size`.
    pub(crate) fn parse(bytes: Bytes, offset: u64, size: u64) -> Result<Self> {
        if offset.checked_add(bytes.len() as u64) != Some(size) {
            return Err(Error::corrupt("the footer does not reach to the end of the object"));
        }
        // A fuzzer never hits upon a checksum; what lies behind it is to be tried all the same.
        if !cfg!(fuzzing) {
            checksum::verify(&bytes)?;
        }
        let tail = Tail { bytes, offset, size };
        let metadata = ParquetMetaDataReader::new()
            .with_column_index_policy(PageIndexPolicy::Skip)
            .with_offset_index_policy(PageIndexPolicy::Optional)
            .parse_and_finish(&tail)?;
        let keys = KeyValues::of(&metadata);
        if keys.get(KEY_FORMAT)? != FORMAT {
            return Err(Error::Unsupported("another version of the segment format".into()));
        }
        let columns = columns(&metadata, keys.get(KEY_PATHS)?)?;
        let raw_bytes: Vec<u64> = parse_json(keys.get(KEY_RAW_BYTES)?)?;
        if raw_bytes.len() != metadata.num_row_groups() {
            return Err(Error::corrupt("the number of row groups is not clear"));
        }
        let mut row_groups = Vec::with_capacity(raw_bytes.len());
        let mut chunks = Vec::with_capacity(raw_bytes.len());
        for (index, raw_bytes) in raw_bytes.into_iter().enumerate() {
            let (row_group, of_group) = row_group(&metadata, index, raw_bytes, offset)?;
            row_groups.push(row_group);
            chunks.push(of_group);
        }
        let rest = RestNames::from_json(keys.get(KEY_REST)?)?;
        let index = match keys.find(KEY_INDEX) {
            Some(place) => Some(directory(place, &tail, &row_groups)?),
            None => None,
        };
        Ok(Self { columns, rest, source: keys.get(KEY_SOURCE)?.to_owned(), row_groups, index, chunks })
    }
}

struct KeyValues<'m>(HashMap<&'m str, &'m str>);

impl<'m> KeyValues<'m> {
    fn of(metadata: &'m ParquetMetaData) -> Self {
        let pairs = metadata.file_metadata().key_value_metadata().into_iter().flatten();
        Self(pairs.filter_map(|pair| Some((pair.key.as_str(), pair.value.as_deref()?))).collect())
    }

    fn find(&self, key: &str) -> Option<&'m str> {
        self.0.get(key).copied()
    }

    fn get(&self, key: &str) -> Result<&'m str> {
        self.find(key).ok_or_else(|| Error::Unsupported(format!("a Parquet file without {key}")))
    }
}

/// The directory of the index, which stands at the front of the footer.
fn directory(place: &str, tail: &Tail, row_groups: &[RowGroup]) -> Result<Directory> {
    let (start, length): (u64, usize) = parse_json(place)?;
    let rows: Vec<usize> = row_groups.iter().map(|row_group| row_group.rows).collect();
    Directory::parse(&tail.get_bytes(start, length)?, start, &rows)
}

fn parse_json<T: serde::de::DeserializeOwned>(json: &str) -> Result<T> {
    serde_json::from_str(json).map_err(|error| Error::corrupt(format!("metadata: {error}")))
}

fn columns(metadata: &ParquetMetaData, paths: &str) -> Result<Vec<ColumnInfo>> {
    let paths: HashMap<String, Vec<String>> = parse_json(paths)?;
    let schema = metadata.file_metadata().schema_descr();
    let flat = schema
        .columns()
        .iter()
        .all(|column| column.max_rep_level() == 0 && column.max_def_level() <= 1 && column.path().parts().len() == 1);
    if !flat || schema.num_columns() > MAX_COLUMNS {
        return Err(Error::Unsupported("nested or too many columns".into()));
    }
    let [time, columns @ .., rest, envelope] = schema.columns() else {
        return Err(Error::Unsupported("too few columns".into()));
    };
    let is_required = |column: &parquet::schema::types::ColumnDescPtr| column.max_def_level() == 0;
    if (time.name(), rest.name(), envelope.name()) != (TIMESTAMP, REST, ENVELOPE)
        || time.physical_type() != Physical::INT64
        || [rest, envelope].iter().any(|column| column.physical_type() != Physical::BYTE_ARRAY)
        || !is_required(time)
        || columns.iter().chain([rest, envelope]).any(is_required)
    {
        return Err(Error::Unsupported("other columns than those of a segment".into()));
    }
    let mut seen = std::collections::HashSet::new();
    columns
        .iter()
        .map(|column| {
            let name = column.name().to_owned();
            let kind = match (column.physical_type(), column.logical_type_ref()) {
                (Physical::BYTE_ARRAY, Some(LogicalType::Json)) => Kind::Json,
                (Physical::BYTE_ARRAY, _) => Kind::Text,
                (Physical::INT64, _) => Kind::Int,
                (Physical::DOUBLE, _) => Kind::Float,
                (Physical::BOOLEAN, _) => Kind::Bool,
                (other, _) => return Err(Error::Unsupported(format!("a column of {other}"))),
            };
            let path = match paths.get(&name) {
                Some(keys) if !keys.is_empty() => Path::new(keys.iter().map(String::as_str)),
                _ => path_of_name(&name),
            };
            if !seen.insert(path.clone()) {
                return Err(Error::corrupt("two columns of one path"));
            }
            Ok(ColumnInfo { name, path, kind })
        })
        .collect()
}

fn row_group(
    metadata: &ParquetMetaData,
    index: usize,
    raw_bytes: u64,
    data_end: u64,
) -> Result<(RowGroup, Vec<ChunkInfo>)> {
    let row_group = metadata.row_group(index);
    let rows = usize::try_from(row_group.num_rows()).ok().filter(|rows| (1..=MAX_ROW_GROUP_ROWS).contains(rows));
    let rows = rows.ok_or_else(|| Error::corrupt("a row group of no or too many rows"))?;
    let schema = metadata.file_metadata().schema_descr();
    if row_group.num_columns() != schema.num_columns() {
        return Err(Error::corrupt("a row group lacks columns"));
    }
    let page_index = metadata.page_index_for_row_group(index);
    let mut chunks = Vec::with_capacity(row_group.num_columns());
    for (number, chunk) in row_group.columns().iter().enumerate() {
        let pages = page_index.page_locations(number).ok_or_else(|| Error::corrupt("a column lacks its pages"))?;
        chunks.push(chunk_info(chunk, pages, rows, data_end)?);
    }
    let times = row_group.columns().first().and_then(ColumnChunkMetaData::statistics);
    let Some(Statistics::Int64(times)) = times else {
        return Err(Error::corrupt("a row group lacks its times"));
    };
    let (Some(first), Some(last)) = (times.min_opt(), times.max_opt()) else {
        return Err(Error::corrupt("a row group lacks its times"));
    };
    let row_group = RowGroup { rows, first: Timestamp(*first), last: Timestamp(*last), raw_bytes };
    Ok((row_group, chunks))
}

fn chunk_info(
    chunk: &ColumnChunkMetaData,
    locations: &[parquet::file::page_index::offset_index::PageLocation],
    rows: usize,
    data_end: u64,
) -> Result<ChunkInfo> {
    if !matches!(chunk.compression(), Compression::ZSTD(_)) {
        return Err(Error::Unsupported(format!("compression {:?}", chunk.compression())));
    }
    let misplaced = || Error::corrupt("a page lies outside its place");
    let data_offset = u64::try_from(chunk.data_page_offset()).map_err(|_| misplaced())?;
    let start = match chunk.dictionary_page_offset() {
        Some(offset) => u64::try_from(offset).map_err(|_| misplaced())?,
        None => data_offset,
    };
    let len = u64::try_from(chunk.compressed_size()).map_err(|_| misplaced())?;
    let end = start.checked_add(len).filter(|end| *end <= data_end).ok_or_else(misplaced)?;
    if start > data_offset {
        return Err(misplaced());
    }
    let nulls = chunk.statistics().and_then(Statistics::null_count_opt).unwrap_or(0);
    let values = (rows as u64).checked_sub(nulls).ok_or_else(|| Error::corrupt("more nulls than rows"))?;
    if values == 0 {
        return Ok(ChunkInfo { dictionary: None, pages: Vec::new(), values });
    }
    let mut pages = Vec::with_capacity(locations.len());
    let mut next_offset = data_offset;
    for (number, location) in locations.iter().enumerate() {
        let first_row = |row: i64| usize::try_from(row).ok().filter(|row| *row <= rows).ok_or_else(misplaced);
        let page_start = u64::try_from(location.offset).map_err(|_| misplaced())?;
        let page_len = u64::try_from(location.compressed_page_size).map_err(|_| misplaced())?;
        let page_end = page_start.checked_add(page_len).filter(|page_end| *page_end <= end).ok_or_else(misplaced)?;
        let row_start = first_row(location.first_row_index)?;
        let row_end = match locations.get(number + 1) {
            Some(next) => first_row(next.first_row_index)?,
            None => rows,
        };
        if page_start != next_offset || row_start >= row_end || (number == 0 && row_start != 0) {
            return Err(misplaced());
        }
        next_offset = page_end;
        pages.push(PageInfo { bytes: page_start..page_end, rows: row_start as u32..row_end as u32 });
    }
    if next_offset != end || pages.is_empty() {
        return Err(misplaced());
    }
    let dictionary = (start < data_offset).then_some(start..data_offset);
    Ok(ChunkInfo { dictionary, pages, values })
}
