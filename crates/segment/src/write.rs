//! Blocks → segment.

use std::sync::Arc;

use bytes::Bytes;
use parquet::basic::{ConvertedType, LogicalType, Repetition, TimeUnit, Type as Physical};
use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::types::Type;
use rayon::prelude::*;
use trawl_event::block::TIMESTAMP;
use trawl_event::{Block, Column, Kind, Timestamp, Values, Zones};

use crate::chunk::write::{Cells, Chunk, EncodedChunk, encode};
use crate::directory::{self, DirectoryWriter};
use crate::envelope;
use crate::error::{Error, Result};
use crate::format::{
    ENVELOPE, FORMAT, KEY_DIRECTORY, KEY_FORMAT, KEY_SOURCE, MAX_BLOCK_BYTES, MAX_ROW_GROUP_ROWS, REST, bytes_of,
};
use crate::index::build::{IndexBuilder, Placed};
use crate::index::granule_rows;
use crate::order::Kinds;
use crate::read::RowGroup;
use crate::rest::{self, RestNames};
use crate::schema::{Layout, Schema};
use crate::summary::Summary;

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
            row_group_rows: 512 * 1024,
            row_group_bytes: 64 << 20,
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
    /// Where the directory begins: `bytes[footer_offset..]` is what [`crate::SegmentReader::open`] takes.
    pub footer_offset: u64,
    /// Bytes of the directory: more than these are not needed to open the segment.
    pub directory_bytes: u64,
    /// Bytes of the index and the directory.
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
    /// What is known of all events, for planning.
    pub zones: Zones,
}

/// Writes one block as a segment of one or more row groups.
pub fn write(block: &Block, options: &WriteOptions) -> Result<Segment> {
    let mut writer = SegmentWriter::new(options, Schema::of_blocks([block]))?;
    writer.push(block)?;
    writer.finish()
}

/// Writes a segment block by block, so that one row group at a time is in memory.
pub struct SegmentWriter {
    file: SerializedFileWriter<Vec<u8>>,
    options: WriteOptions,
    layout: Layout,
    rest: RestNames,
    index: IndexBuilder,
    directory: DirectoryWriter,
    summary: Summary,
    /// By row group.
    raw_bytes: Vec<u64>,
    events: u64,
    time_range: Option<(Timestamp, Timestamp)>,
}

impl SegmentWriter {
    /// Begins a segment. `schema` covers every block that will be pushed; what it does
    /// not name goes into `_rest`.
    pub fn new(options: &WriteOptions, schema: Schema) -> Result<Self> {
        let layout = schema.layout(options.columns_max);
        let properties = WriterProperties::builder()
            .set_created_by(concat!("trawl version ", env!("CARGO_PKG_VERSION")).into())
            .build();
        Ok(Self {
            file: SerializedFileWriter::new(Vec::new(), Arc::new(parquet_schema(&layout)?), Arc::new(properties))?,
            options: options.clone(),
            layout,
            rest: RestNames::default(),
            index: IndexBuilder::default(),
            directory: DirectoryWriter::default(),
            summary: Summary::default(),
            raw_bytes: Vec::new(),
            events: 0,
            time_range: None,
        })
    }

    /// Adds a block as a row group of its own, or as several (cut by time) when it exceeds
    /// the limits of the options. Row groups are disjoint in time if the blocks are.
    pub fn push(&mut self, block: &Block) -> Result<()> {
        let Some((first, last)) = block.time_range() else { return Ok(()) };
        let bytes = block.columns.iter().map(|column| bytes_of(&column.values)).sum::<usize>();
        if bytes > MAX_BLOCK_BYTES {
            let (bytes, limit) = (bytes as u64, MAX_BLOCK_BYTES as u64);
            return Err(Error::TooLarge { what: "a block", bytes, limit });
        }
        let kinds = Kinds::of(block);
        let rows = block.rows();
        let row_max = self.options.row_group_rows.clamp(1, MAX_ROW_GROUP_ROWS);
        let groups_by_bytes = block.raw_bytes.div_ceil(self.options.row_group_bytes.max(1)).min(rows as u64) as usize;
        let groups = rows.div_ceil(row_max).max(groups_by_bytes).max(1);
        if groups == 1 {
            self.push_rows(block, &kinds.arrange(block, 0..rows as u32), block.raw_bytes)?;
        } else {
            let mut by_time: Vec<u32> = (0..rows as u32).collect();
            by_time.sort_by_key(|row| block.timestamps[*row as usize]);
            let mut raw_bytes_left = block.raw_bytes;
            let group_rows = rows.div_ceil(groups);
            let parts = by_time.chunks_mut(group_rows);
            let last_part = parts.len() - 1;
            for (number, part) in parts.enumerate() {
                part.sort_unstable();
                let share = match number == last_part {
                    true => raw_bytes_left,
                    false => (u128::from(block.raw_bytes) * part.len() as u128 / rows as u128) as u64,
                };
                raw_bytes_left -= share;
                self.push_rows(block, &kinds.arrange(block, part.iter().copied()), share)?;
            }
        }
        self.events += rows as u64;
        self.time_range = Some(match self.time_range {
            Some((earliest, latest)) => (earliest.min(first), latest.max(last)),
            None => (first, last),
        });
        Ok(())
    }

    /// Writes a row group of these rows of the block, in this order.
    fn push_rows<'b>(&mut self, block: &'b Block, order: &[u32], raw_bytes: u64) -> Result<()> {
        let mut columns: Vec<Option<&'b Column>> = vec![None; self.layout.columns.len()];
        let mut rest_columns: Vec<&'b Column> = Vec::new();
        for column in &block.columns {
            match self.layout.column_of(&column.path, column.values.kind()) {
                Some(index) => columns[index] = Some(column),
                None => rest_columns.push(column),
            }
        }
        let granule_rows = granule_rows(order.len(), raw_bytes);
        let places = Places::new(block.rows(), order, granule_rows);
        let level = self.options.zstd_level;
        let schema = self.file.schema_descr();
        let last = schema.num_columns() - 1;

        let times: Vec<i64> = order.iter().map(|row| block.timestamps[*row as usize]).collect();
        let place = |column: &&'b Column| places.place(column);
        let mut placed: Vec<Placed<'b>> = columns.par_iter().flatten().map(place).collect();
        let mut next = placed.iter();
        let by_column: Vec<Option<&Placed<'b>>> =
            columns.iter().map(|column| column.and_then(|_| next.next())).collect();
        let others: Vec<Placed<'b>> = rest_columns.iter().map(place).collect();
        let zones = directory::build::zones(&times, granule_rows, &by_column, &others);
        let info = RowGroup {
            rows: order.len(),
            granule_rows,
            first: Timestamp(times.iter().copied().min().unwrap_or_default()),
            last: Timestamp(times.iter().copied().max().unwrap_or_default()),
            raw_bytes,
        };
        let times = Chunk { cells: Cells::Int(times), rows: None, len: order.len(), granule_rows };
        let mut encoded = vec![encode(schema.column(0), &times, level)?];
        let chunks: Vec<_> = by_column.iter().map(|placed| places.chunk(*placed)).collect();
        let attributes: Vec<_> = chunks
            .par_iter()
            .enumerate()
            .map(|(index, chunk)| encode(schema.column(index + 1), chunk, level))
            .collect();
        for chunk in attributes {
            encoded.push(chunk?);
        }
        drop(chunks);
        let (rest_rows, rest_texts) = rest::build(&rest_columns, |row| places.of(row));
        encoded.push(encode(schema.column(last - 1), &places.texts_chunk(&rest_rows, &rest_texts), level)?);
        let envelopes = envelope_texts(block)?;
        encoded.push(encode(schema.column(last), &places.envelope_chunk(block, order, &envelopes), level)?);

        for column in rest_columns.iter().filter(|column| column.rows.iter().any(|row| places.of(*row).is_some())) {
            self.rest.insert(&column.path, column.values.kind());
        }
        placed.extend(others);
        self.summary.push(&placed, &zones);
        self.index.push(&placed, order.len(), granule_rows, raw_bytes)?;
        let mut row_group = self.file.next_row_group()?;
        let mut chunk_places = Vec::with_capacity(encoded.len());
        for EncodedChunk { bytes, close, places } in encoded {
            row_group.append_column(&bytes, close)?;
            chunk_places.push(places);
        }
        row_group.close()?;
        self.directory.push(&info, &chunk_places, &zones);
        self.raw_bytes.push(raw_bytes);
        Ok(())
    }

    /// Events pushed so far.
    pub fn events(&self) -> u64 {
        self.events
    }

    /// Bytes of the segment so far, without footer.
    pub fn bytes_written(&self) -> u64 {
        self.file.bytes_written() as u64
    }

    /// Writes the footer.
    pub fn finish(mut self) -> Result<Segment> {
        let (first, last) = self.time_range.ok_or(Error::Empty)?;
        for (key, value) in [(KEY_FORMAT, FORMAT.to_string()), (KEY_SOURCE, self.options.source.clone())] {
            self.file.append_key_value_metadata(KeyValue::new(key.to_owned(), value));
        }
        let level = self.options.zstd_level;
        let (chunks, index_directory) = std::mem::take(&mut self.index).finish(self.file.bytes_written(), level)?;
        self.file.write_all(&chunks)?;
        let footer_offset = self.file.bytes_written() as u64;
        let directory = std::mem::take(&mut self.directory);
        let columns = &self.layout.columns;
        let directory = directory.finish(columns, &self.rest, &self.options.source, &index_directory, level)?;
        self.file.write_all(&directory)?;
        let place = format!("[{footer_offset},{}]", directory.len());
        self.file.append_key_value_metadata(KeyValue::new(KEY_DIRECTORY.to_owned(), place));
        let bytes = Bytes::from(self.file.into_inner()?);
        Ok(Segment {
            content_hash: xxhash_rust::xxh3::xxh3_128(&bytes),
            bytes,
            footer_offset,
            directory_bytes: directory.len() as u64,
            index_bytes: (chunks.len() + directory.len()) as u64,
            events: self.events,
            raw_bytes: self.raw_bytes.iter().sum(),
            first,
            last,
            zones: self.summary.finish(),
        })
    }
}

/// Where the rows of a block stand in the row group.
struct Places {
    /// By row of the block; [`Places::NONE`] for those of other row groups.
    place: Vec<u32>,
    len: usize,
    granule_rows: usize,
}

impl Places {
    const NONE: u32 = u32::MAX;

    fn new(block_rows: usize, order: &[u32], granule_rows: usize) -> Self {
        let mut place = vec![Self::NONE; block_rows];
        for (row, at) in order.iter().zip(0u32..) {
            place[*row as usize] = at;
        }
        Self { place, len: order.len(), granule_rows }
    }

    fn of(&self, row: u32) -> Option<u32> {
        self.place.get(row as usize).copied().filter(|place| *place != Self::NONE)
    }

    /// Which values of a column stand in the row group, in its order.
    fn place<'b>(&self, column: &'b Column) -> Placed<'b> {
        let (rows, picks) = self.sorted(&column.rows);
        Placed { column, rows, picks }
    }

    /// These values as they are encoded.
    fn chunk<'b>(&self, placed: Option<&Placed<'b>>) -> Chunk<'b> {
        let Some(Placed { column, rows, picks }) = placed else {
            return self.filled(Cells::Bool(Vec::new()), Vec::new());
        };
        let cells = match &column.values {
            Values::Text(texts) | Values::Json(texts) => {
                Cells::Text(picks.iter().map(|index| texts.get(*index as usize).as_bytes()).collect())
            }
            Values::Int(values) => Cells::Int(picks.iter().map(|index| values[*index as usize]).collect()),
            Values::Float(values) => Cells::Float(picks.iter().map(|index| values[*index as usize]).collect()),
            Values::Bool(values) => Cells::Bool(picks.iter().map(|index| values[*index as usize]).collect()),
        };
        self.filled(cells, rows.clone())
    }

    fn filled<'b>(&self, cells: Cells<'b>, rows: Vec<u32>) -> Chunk<'b> {
        Chunk { cells, rows: Some(rows), len: self.len, granule_rows: self.granule_rows }
    }

    fn texts_chunk<'b>(&self, rows: &[u32], texts: &'b [String]) -> Chunk<'b> {
        self.filled(Cells::Text(texts.iter().map(String::as_bytes).collect()), rows.to_vec())
    }

    fn envelope_chunk<'b>(&self, block: &Block, order: &[u32], texts: &'b [Option<String>]) -> Chunk<'b> {
        let (rows, cells) = order
            .iter()
            .zip(0u32..)
            .filter_map(|(row, place)| {
                let code = block.envelope_codes[*row as usize];
                Some((place, texts[code as usize].as_ref()?.as_bytes()))
            })
            .unzip();
        self.filled(Cells::Text(cells), rows)
    }

    /// The places of `rows`, ascending, and for each its index in `rows`.
    fn sorted(&self, rows: &[u32]) -> (Vec<u32>, Vec<u32>) {
        let placed = rows.iter().zip(0u32..).filter_map(|(row, index)| Some((self.of(*row)?, index)));
        // Full columns are put in place one by one; sparse ones are sorted, which spares a walk over all rows.
        if rows.len() >= self.len / 8 {
            let mut slots = vec![Self::NONE; self.len];
            placed.for_each(|(place, index)| slots[place as usize] = index);
            slots.iter().zip(0u32..).filter(|(index, _)| **index != Self::NONE).map(|(index, at)| (at, *index)).unzip()
        } else {
            let mut placed: Vec<(u32, u32)> = placed.collect();
            placed.sort_unstable();
            placed.into_iter().unzip()
        }
    }
}

fn envelope_texts(block: &Block) -> Result<Vec<Option<String>>> {
    block.envelopes.iter().map(envelope::to_text).collect()
}

fn parquet_schema(layout: &Layout) -> Result<Type> {
    let time = LogicalType::timestamp(true, TimeUnit::NANOS);
    let mut fields = vec![Arc::new(
        Type::primitive_type_builder(TIMESTAMP, Physical::INT64)
            .with_repetition(Repetition::REQUIRED)
            .with_logical_type(Some(time))
            .build()?,
    )];
    let fixed = [(REST, Kind::Json), (ENVELOPE, Kind::Text)];
    let columns = layout.columns.iter().map(|(name, _, kind)| (name.as_str(), *kind));
    for (name, kind) in columns.chain(fixed) {
        let (physical, logical, converted) = match kind {
            Kind::Text => (Physical::BYTE_ARRAY, Some(LogicalType::String), ConvertedType::UTF8),
            Kind::Json => (Physical::BYTE_ARRAY, Some(LogicalType::Json), ConvertedType::JSON),
            Kind::Int => (Physical::INT64, None, ConvertedType::NONE),
            Kind::Float => (Physical::DOUBLE, None, ConvertedType::NONE),
            Kind::Bool => (Physical::BOOLEAN, None, ConvertedType::NONE),
        };
        let field = Type::primitive_type_builder(name, physical)
            .with_repetition(Repetition::OPTIONAL)
            .with_logical_type(logical)
            .with_converted_type(converted)
            .build()?;
        fields.push(Arc::new(field));
    }
    Ok(Type::group_type_builder("event").with_fields(fields).build()?)
}
