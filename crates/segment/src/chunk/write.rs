//! Values → the pages of a column chunk.

use std::ops::Range;

use bytes::Bytes;
use parquet::basic::{BoundaryOrder, Compression, Encoding, EncodingMask, PageType, ZstdLevel};
use parquet::column::page::{CompressedPage, Page, PageWriter};
use parquet::column::writer::ColumnCloseResult;
use parquet::data_type::ByteArray;
use parquet::file::metadata::{ColumnChunkMetaData, ColumnIndexBuilder, OffsetIndexBuilder, PageEncodingStats};
use parquet::file::page_index::column_index::ColumnIndexMetaData;
use parquet::file::page_index::offset_index::OffsetIndexMetaData;
use parquet::file::statistics::{Statistics, ValueStatistics};
use parquet::file::writer::{SerializedPageWriter, TrackedWrite};
use parquet::schema::types::ColumnDescPtr;

use super::dictionary::{self, Dictionary, Key};
use super::statistics::Bounds;
use crate::compression::compress_checked;
use crate::directory::{ChunkPlaces, PagePlace};
use crate::encoding::{bits, delta, hybrid, strings};
use crate::error::{Error, Result};
use crate::format::{
    DICTIONARY_BYTES, MAX_COLUMN_BYTES, MAX_VALUE_BYTES, MIN_DELTA_PAGE_BYTES, MIN_PAGE_BYTES, PAGE_BYTES, PAGE_VALUES,
};

/// The values of a chunk in the order of its rows.
pub(crate) enum Cells<'b> {
    Text(Vec<&'b [u8]>),
    Int(Vec<i64>),
    Float(Vec<f64>),
    Bool(Vec<bool>),
}

impl Cells<'_> {
    fn len(&self) -> usize {
        match self {
            Self::Text(texts) => texts.len(),
            Self::Int(values) => values.len(),
            Self::Float(values) => values.len(),
            Self::Bool(values) => values.len(),
        }
    }
}

/// A column chunk to be encoded.
pub(crate) struct Chunk<'b> {
    /// The values.
    pub(crate) cells: Cells<'b>,
    /// The row of each value, ascending; `None` for a required column, which has them all.
    pub(crate) rows: Option<Vec<u32>>,
    /// Rows of the row group.
    pub(crate) len: usize,
    /// Rows of a granule: pages end where granules do.
    pub(crate) granule_rows: usize,
}

impl Chunk<'_> {
    /// The row of a value.
    fn row(&self, value: usize) -> usize {
        self.rows.as_ref().map_or(value, |rows| rows[value] as usize)
    }

    /// The granule of a value.
    fn granule(&self, value: usize) -> usize {
        self.row(value) / self.granule_rows.max(1)
    }
}

/// An encoded chunk.
pub(crate) struct EncodedChunk {
    /// Its bytes.
    pub(crate) bytes: Bytes,
    /// What the file's metadata says of it.
    pub(crate) close: ColumnCloseResult,
    /// What the directory says of it.
    pub(crate) places: ChunkPlaces,
}

/// How the values of all data pages of a chunk are encoded.
enum Encoded {
    Dictionary { codes: Vec<u32>, width: u32, page: Vec<u8>, distinct: usize },
    Delta,
    DeltaLength,
    Plain,
}

impl Encoded {
    fn encoding(&self) -> Encoding {
        match self {
            Self::Dictionary { .. } => Encoding::RLE_DICTIONARY,
            Self::Delta => Encoding::DELTA_BINARY_PACKED,
            Self::DeltaLength => Encoding::DELTA_LENGTH_BYTE_ARRAY,
            Self::Plain => Encoding::PLAIN,
        }
    }
}

/// Encodes a chunk. Its offsets count from its own first byte.
pub(crate) fn encode(descr: ColumnDescPtr, chunk: &Chunk<'_>, zstd_level: i32) -> Result<EncodedChunk> {
    let encoded = choose(&chunk.cells);
    let pages = cut(chunk, &encoded)?;
    let mut places = ChunkPlaces { values: chunk.cells.len() as u64, ..ChunkPlaces::default() };
    let mut sink = TrackedWrite::new(Vec::new());
    let mut writer = SerializedPageWriter::new(&mut sink);
    let mut uncompressed_size = 0usize;
    let mut dictionary_offset = None;
    let mut encodings = vec![Encoding::RLE, encoded.encoding()];
    let mut page_encodings = Vec::new();
    if let Encoded::Dictionary { page, distinct, .. } = &encoded {
        let buf = Bytes::from(compress_checked(page, zstd_level)?);
        let num_values = *distinct as u32;
        let dictionary = Page::DictionaryPage { buf, num_values, encoding: Encoding::PLAIN, is_sorted: false };
        let written = writer.write_page(CompressedPage::new(dictionary, page.len()))?;
        uncompressed_size += written.uncompressed_size;
        dictionary_offset = Some(0);
        places.dictionary_bytes = written.compressed_size as u64;
        encodings.push(Encoding::PLAIN);
        page_encodings.push(PageEncodingStats {
            page_type: PageType::DICTIONARY_PAGE,
            encoding: Encoding::PLAIN,
            count: 1,
        });
    }
    let mut index = PageIndexes::new(&descr);
    let mut data_offset = None;
    let mut body = Vec::new();
    for (number, values) in pages.iter().enumerate() {
        let rows = page_rows(chunk, &pages, number);
        body.clear();
        if let Some(present) = &chunk.rows {
            body.extend_from_slice(&[0; 4]);
            let relative = present[values.clone()].iter().map(|row| row - rows.start as u32);
            hybrid::encode_presence(relative, rows.len(), &mut body);
            let length = (body.len() - 4) as u32;
            body[..4].copy_from_slice(&length.to_le_bytes());
        }
        encode_values(&chunk.cells, &encoded, values.clone(), &mut body);
        let page = Page::DataPage {
            buf: compress_checked(&body, zstd_level)?.into(),
            num_values: rows.len() as u32,
            encoding: encoded.encoding(),
            def_level_encoding: Encoding::RLE,
            rep_level_encoding: Encoding::RLE,
            statistics: None,
        };
        let written = writer.write_page(CompressedPage::new(page, body.len()))?;
        uncompressed_size += written.uncompressed_size;
        data_offset.get_or_insert(written.offset as i64);
        index.add(Bounds::of(&chunk.cells, values.clone()), rows.len(), values.len());
        index.offsets.append_offset_and_size(written.offset as i64, written.compressed_size as i32);
        if !values.is_empty() {
            let granules = chunk.granule(values.start) as u32..chunk.granule(values.end - 1) as u32 + 1;
            let rows = rows.start as u32..rows.end as u32;
            places.pages.push(PagePlace { bytes: written.compressed_size as u64, rows, granules });
        }
    }
    page_encodings.push(PageEncodingStats {
        page_type: PageType::DATA_PAGE,
        encoding: encoded.encoding(),
        count: pages.len() as i32,
    });
    writer.close()?;
    let bytes = Bytes::from(sink.into_inner()?);
    places.bytes = bytes.len() as u64;
    let metadata = ColumnChunkMetaData::builder(descr)
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(zstd_level)?))
        .set_encodings_mask(EncodingMask::new_from_encodings(encodings.iter()))
        .set_page_encoding_stats(page_encodings)
        .set_total_compressed_size(bytes.len() as i64)
        .set_total_uncompressed_size(uncompressed_size as i64)
        .set_num_values(chunk.len as i64)
        .set_data_page_offset(data_offset.unwrap_or(0))
        .set_dictionary_page_offset(dictionary_offset)
        .set_statistics(index.statistics((chunk.len - chunk.cells.len()) as u64))
        .build()?;
    let (column_index, offset_index) = index.finish(pages.len())?;
    let close = ColumnCloseResult {
        bytes_written: bytes.len() as u64,
        rows_written: chunk.len as u64,
        metadata,
        bloom_filter: None,
        column_index,
        offset_index: Some(offset_index),
    };
    Ok(EncodedChunk { bytes, close, places })
}

/// Distinct values may be at most one in this many for a dictionary of strings.
const TEXTS_PER_DISTINCT: usize = 2;
/// The same for numbers, which are short beside their codes.
const NUMBERS_PER_DISTINCT: usize = 4;

fn choose(cells: &Cells<'_>) -> Encoded {
    match cells {
        Cells::Text(texts) => match dictionary::encode(texts, TEXTS_PER_DISTINCT, DICTIONARY_BYTES) {
            Some((dictionary, codes)) => {
                let mut page = Vec::with_capacity(dictionary.size());
                strings::encode_plain(dictionary.values().iter().copied(), &mut page);
                with_dictionary(&dictionary, codes, page)
            }
            None => Encoded::DeltaLength,
        },
        Cells::Int(values) => match dictionary::encode(values, NUMBERS_PER_DISTINCT, DICTIONARY_BYTES) {
            Some((dictionary, codes)) => {
                let page = dictionary.values().iter().flat_map(|value| value.to_le_bytes()).collect();
                with_dictionary(&dictionary, codes, page)
            }
            None => Encoded::Delta,
        },
        Cells::Float(values) => {
            let bits: Vec<i64> = values.iter().map(|value| value.to_bits() as i64).collect();
            match dictionary::encode(&bits, NUMBERS_PER_DISTINCT, DICTIONARY_BYTES) {
                Some((dictionary, codes)) => {
                    let page = dictionary.values().iter().flat_map(|value| value.to_le_bytes()).collect();
                    with_dictionary(&dictionary, codes, page)
                }
                None => Encoded::Plain,
            }
        }
        Cells::Bool(_) => Encoded::Plain,
    }
}

fn with_dictionary<K: Key>(dictionary: &Dictionary<K>, codes: Vec<u32>, page: Vec<u8>) -> Encoded {
    let distinct = dictionary.values().len();
    Encoded::Dictionary { codes, width: bits::width_of(distinct.saturating_sub(1) as u64).max(1), page, distinct }
}

fn encode_values(cells: &Cells<'_>, encoded: &Encoded, range: Range<usize>, out: &mut Vec<u8>) {
    if let Encoded::Dictionary { codes, width, .. } = encoded {
        out.push(*width as u8);
        hybrid::encode(&codes[range], *width, out);
        return;
    }
    match cells {
        Cells::Text(texts) => strings::encode_delta_length(&texts[range], out),
        Cells::Int(values) => delta::encode(&values[range], out),
        Cells::Float(values) => values[range].iter().for_each(|value| out.extend_from_slice(&value.to_le_bytes())),
        Cells::Bool(values) => bits::pack(values[range].iter().map(|value| u64::from(*value)), 1, out),
    }
}

/// The values of each page; one page even when there is no value.
///
/// A page ends where a granule does, at the first such place where it has [`MIN_PAGE_BYTES`] (or
/// [`MIN_DELTA_PAGE_BYTES`]), or where the next granule would make it too large: a search that wants one granule decodes
/// little else. It ends within a granule only when that granule alone is too large.
fn cut(chunk: &Chunk<'_>, encoded: &Encoded) -> Result<Vec<Range<usize>>> {
    check_sizes(&chunk.cells)?;
    let count = chunk.cells.len();
    // Nearly what a value takes before compression, in bits.
    let bits_of = |value: usize| match (encoded, &chunk.cells) {
        (Encoded::Dictionary { width, .. }, _) => *width as usize,
        (_, Cells::Text(texts)) => (texts[value].len() + 1) * 8,
        (Encoded::Delta, _) => 32,
        (_, Cells::Bool(_)) => 1,
        (_, Cells::Int(_) | Cells::Float(_)) => 64,
    };
    let min_bits = 8 * if matches!(encoded, Encoded::Delta) { MIN_DELTA_PAGE_BYTES } else { MIN_PAGE_BYTES };
    let mut pages = Vec::new();
    // Where the page and its last granule begin, and the bits of either.
    let (mut start, mut bits) = (0, 0);
    let (mut granule_start, mut granule_bits) = (0, 0);
    for value in 0..count {
        if value > start && chunk.granule(value) != chunk.granule(value - 1) {
            if bits >= min_bits {
                pages.push(start..value);
                (start, bits) = (value, 0);
            }
            (granule_start, granule_bits) = (value, 0);
        }
        let more = bits_of(value);
        while value > start && (bits + more > PAGE_BYTES * 8 || value - start >= PAGE_VALUES) {
            let at = if granule_start > start { granule_start } else { value };
            pages.push(start..at);
            bits = if at == value { 0 } else { granule_bits };
            start = at;
        }
        bits += more;
        granule_bits += more;
    }
    pages.push(start..count);
    Ok(pages)
}

/// Refuses what could not be read again.
fn check_sizes(cells: &Cells<'_>) -> Result<()> {
    let Cells::Text(texts) = cells else { return Ok(()) };
    let (mut longest, mut total) = (0, 0);
    for text in texts {
        longest = longest.max(text.len());
        total += text.len();
    }
    let too_large = |what, bytes, limit| Err(Error::TooLarge { what, bytes: bytes as u64, limit: limit as u64 });
    match () {
        () if longest > MAX_VALUE_BYTES => too_large("a value", longest, MAX_VALUE_BYTES),
        () if total > MAX_COLUMN_BYTES => too_large("a column", total, MAX_COLUMN_BYTES),
        () => Ok(()),
    }
}

/// The rows of a page: from its first value, or where that value's granule begins if the page before ended with
/// a granule, to the rows of the next page.
fn page_rows(chunk: &Chunk<'_>, pages: &[Range<usize>], number: usize) -> Range<usize> {
    let start_of = |number: usize| match pages.get(number) {
        None => chunk.len,
        Some(_) if number == 0 => 0,
        Some(values) => match chunk.granule(values.start) {
            granule if granule != chunk.granule(values.start - 1) => granule * chunk.granule_rows,
            _ => chunk.row(values.start),
        },
    };
    start_of(number)..start_of(number + 1)
}

/// Column index, offset index and chunk statistics, as pages are added.
struct PageIndexes {
    columns: ColumnIndexBuilder,
    offsets: OffsetIndexBuilder,
    is_float: bool,
    all: Option<Bounds>,
    unbounded: bool,
    ascending: bool,
    last: Option<Bounds>,
}

impl PageIndexes {
    fn new(descr: &ColumnDescPtr) -> Self {
        Self {
            columns: ColumnIndexBuilder::new(descr.physical_type()),
            offsets: OffsetIndexBuilder::new(),
            is_float: descr.physical_type() == parquet::basic::Type::DOUBLE,
            all: None,
            unbounded: false,
            ascending: true,
            last: None,
        }
    }

    fn add(&mut self, bounds: Option<Bounds>, rows: usize, values: usize) {
        self.offsets.append_row_count(rows as i64);
        let nan_count = self.is_float.then_some(0);
        let nulls = (rows - values) as i64;
        let Some(bounds) = bounds else {
            self.unbounded |= values > 0;
            self.columns.append(true, Vec::new(), Vec::new(), nulls, nan_count);
            return;
        };
        let (min, max) = bounds.plain();
        self.columns.append(false, min, max, nulls, nan_count);
        if let Some(last) = &self.last {
            self.ascending &= follows(last, &bounds);
        }
        self.last = Some(bounds.clone());
        self.all = match self.all.take() {
            Some(all) => all.and(bounds),
            None => Some(bounds),
        };
    }

    fn statistics(&self, nulls: u64) -> Statistics {
        let nulls = Some(nulls);
        let bounds = self.all.clone().filter(|_| !self.unbounded);
        match bounds {
            Some(Bounds::Text { min, max, min_exact, max_exact }) => {
                ValueStatistics::new(Some(ByteArray::from(min)), Some(ByteArray::from(max)), None, nulls, false)
                    .with_min_is_exact(min_exact)
                    .with_max_is_exact(max_exact)
                    .into()
            }
            Some(Bounds::Int { min, max }) => ValueStatistics::new(Some(min), Some(max), None, nulls, false).into(),
            Some(Bounds::Float { min, max }) => {
                ValueStatistics::new(Some(min), Some(max), None, nulls, false).with_nan_count(Some(0)).into()
            }
            Some(Bounds::Bool { min, max }) => ValueStatistics::new(Some(min), Some(max), None, nulls, false).into(),
            None => ValueStatistics::<ByteArray>::new(None, None, None, nulls, false).into(),
        }
    }

    fn finish(mut self, pages: usize) -> Result<(Option<ColumnIndexMetaData>, OffsetIndexMetaData)> {
        self.columns.set_boundary_order(match self.ascending {
            true => BoundaryOrder::ASCENDING,
            false => BoundaryOrder::UNORDERED,
        });
        // Of a single page the chunk's statistics say the same.
        let columns = if pages > 1 && !self.unbounded { Some(self.columns.build()?) } else { None };
        Ok((columns, self.offsets.build()))
    }
}

/// Whether neither bound falls.
fn follows(last: &Bounds, next: &Bounds) -> bool {
    match (last, next) {
        (Bounds::Text { min, max, .. }, Bounds::Text { min: a, max: b, .. }) => min <= a && max <= b,
        (Bounds::Int { min, max }, Bounds::Int { min: a, max: b }) => min <= a && max <= b,
        (Bounds::Float { min, max }, Bounds::Float { min: a, max: b }) => min <= a && max <= b,
        (Bounds::Bool { min, max }, Bounds::Bool { min: a, max: b }) => min <= a && max <= b,
        _ => false,
    }
}
