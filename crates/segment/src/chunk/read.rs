//! The pages of a column chunk → values.

use std::ops::Range;
use std::sync::Arc;

use trawl_event::{Kind, Texts, Values};

use super::page_header::{PageHeader, PageKind};
use crate::compression::decompress_into;
use crate::directory::{ChunkInfo, PageInfo};
use crate::encoding::{bits, delta, hybrid, strings};
use crate::error::{Error, Result};
use crate::fetched::Fetched;
use crate::format::{MAX_COLUMN_BYTES, MAX_PAGE_BYTES};
use crate::selection::{Kept, Selection};

/// Parquet's numbers of the encodings that segments use.
mod encoding {
    pub(super) const PLAIN: i32 = 0;
    pub(super) const DELTA_BINARY_PACKED: i32 = 5;
    pub(super) const DELTA_LENGTH_BYTE_ARRAY: i32 = 6;
    pub(super) const RLE_DICTIONARY: i32 = 8;
}

/// Takes the values of a chunk out of its pages.
pub(crate) struct ChunkReader<'r> {
    fetched: &'r Fetched,
    page: Vec<u8>,
    /// The rows of a page that have a value.
    present: Vec<u32>,
}

impl<'r> ChunkReader<'r> {
    pub(crate) fn new(fetched: &'r Fetched) -> Self {
        Self { fetched, page: Vec::new(), present: Vec::new() }
    }

    /// The selected rows that have a value, by their new numbers, and the values. The rows of a required column
    /// are not listed: they are all.
    pub(crate) fn read(
        &mut self,
        chunk: &ChunkInfo,
        pages: &[PageInfo],
        kind: Kind,
        required: bool,
        selection: &Selection<'_>,
    ) -> Result<(Vec<u32>, Values)> {
        let mut pages = pages.iter().filter(|page| selection.touches(&page.valued)).peekable();
        let mut out = Output { rows: Vec::new(), values: Values::new(kind), codes: Vec::new(), bytes: 0 };
        let dictionary = match (&chunk.dictionary, pages.peek()) {
            (Some(range), Some(_)) => {
                let fetched = self.fetched;
                Some(fetched.dictionary(range.start, || self.dictionary(range.clone(), kind))?)
            }
            _ => None,
        };
        for info in pages {
            let header = self.load(info.bytes.clone(), PageKind::Data)?;
            self.data_page(info, &header, required, selection, dictionary.is_some(), &mut out)?;
        }
        if let Some(dictionary) = dictionary {
            out.decode(&dictionary)?;
        }
        Ok((out.rows, out.values))
    }

    /// Decompresses the page at `range` into `self.page`.
    fn load(&mut self, range: Range<u64>, kind: PageKind) -> Result<PageHeader> {
        let bytes = self.fetched.get(range)?;
        let mut body: &[u8] = &bytes;
        let header = PageHeader::take(&mut body)?;
        if header.kind != kind || header.compressed_size != body.len() {
            return Err(Error::corrupt("another page than the metadata says"));
        }
        if header.uncompressed_size > MAX_PAGE_BYTES {
            return Err(Error::corrupt("a page takes too much room"));
        }
        self.page.clear();
        self.page.reserve(header.uncompressed_size);
        let len = decompress_into(body, &mut self.page)?;
        if len != header.uncompressed_size {
            return Err(Error::corrupt("a page of another size than its header says"));
        }
        Ok(header)
    }

    fn dictionary(&mut self, range: Range<u64>, kind: Kind) -> Result<Dictionary> {
        let header = self.load(range, PageKind::Dictionary)?;
        let mut out = Output { rows: Vec::new(), values: Values::new(kind), codes: Vec::new(), bytes: 0 };
        // The least value takes a byte, so that the count is bounded by what was decompressed.
        if header.num_values > self.page.len() {
            return Err(Error::corrupt("a dictionary of more values than bytes"));
        }
        out.plain(&self.page, header.num_values, &None)?;
        Ok(match out.values {
            Values::Text(texts) | Values::Json(texts) => Dictionary::texts(texts),
            Values::Int(values) => Dictionary::Int(values),
            Values::Float(values) => Dictionary::Float(values),
            Values::Bool(_) => return Err(Error::Unsupported("a dictionary of booleans".into())),
        })
    }

    fn data_page(
        &mut self,
        info: &PageInfo,
        header: &PageHeader,
        required: bool,
        selection: &Selection<'_>,
        has_dictionary: bool,
        out: &mut Output,
    ) -> Result<()> {
        let row_count = info.rows.len();
        if header.num_values != row_count {
            return Err(Error::corrupt("a page of another number of rows than the metadata says"));
        }
        let mut body: &[u8] = &self.page;
        let (count, kept) = if required {
            (row_count, selection.of_required(&info.rows))
        } else {
            let (length, rest) = body.split_first_chunk::<4>().ok_or_else(|| Error::corrupt("a page ends early"))?;
            body = rest;
            let levels = crate::encoding::take_bytes(&mut body, u32::from_le_bytes(*length) as usize)?;
            self.present.clear();
            hybrid::decode_presence(levels, row_count, info.rows.start, &mut self.present)?;
            (self.present.len(), selection.renumber(&info.rows, &self.present, &mut out.rows))
        };
        if count == 0 {
            return Ok(());
        }
        match (header.encoding, has_dictionary) {
            (encoding::RLE_DICTIONARY, true) => out.add_codes(body, count, &kept),
            (encoding::PLAIN, false) => out.plain(body, count, &kept),
            (encoding::DELTA_BINARY_PACKED, false) => out.delta(body, count, &kept),
            (encoding::DELTA_LENGTH_BYTE_ARRAY, false) => out.delta_length(body, count, &kept),
            (other, _) => Err(Error::Unsupported(format!("encoding {other}"))),
        }
    }
}

/// The distinct values of a chunk.
#[derive(Debug)]
pub(crate) enum Dictionary {
    Texts { texts: Arc<Texts>, longest: usize },
    Int(Vec<i64>),
    Float(Vec<f64>),
}

impl Dictionary {
    fn texts(texts: Texts) -> Self {
        Self::Texts { longest: texts.iter().map(str::len).max().unwrap_or(0), texts: Arc::new(texts) }
    }

    /// Bytes of memory that it takes.
    pub(crate) fn size_bytes(&self) -> usize {
        match self {
            Self::Texts { texts, .. } => texts.size_bytes(),
            Self::Int(values) => size_of_val(values.as_slice()),
            Self::Float(values) => size_of_val(values.as_slice()),
        }
    }
}

/// What was read of a chunk so far.
struct Output {
    rows: Vec<u32>,
    values: Values,
    /// Of a chunk with a dictionary: the code of each value.
    codes: Vec<u32>,
    /// Bytes of texts.
    bytes: usize,
}

/// Appends the values that are kept.
fn keep<T: Copy>(values: &mut Vec<T>, read: &[T], kept: &Kept) {
    match kept {
        None => values.extend_from_slice(read),
        Some(runs) => runs.iter().for_each(|run| values.extend_from_slice(&read[run.clone()])),
    }
}

impl Output {
    /// Cuts a run of text by its lengths.
    fn texts(&mut self, lengths: &[u32], run: &str, kept: &Kept) -> Result<()> {
        let (Values::Text(texts) | Values::Json(texts)) = &mut self.values else {
            return Err(Error::corrupt("strings in a column of numbers"));
        };
        let wrong = || Error::corrupt("strings that are not those of their page");
        let length_of = |range: Range<usize>| lengths[range].iter().map(|length| *length as usize).sum::<usize>();
        let (mut value, mut at) = (0, 0);
        for range in kept.as_deref().unwrap_or(&[0..lengths.len()]) {
            at += length_of(value..range.start);
            let end = at + length_of(range.clone());
            let cut = run.get(at..end).ok_or_else(wrong)?;
            self.bytes += cut.len();
            check_bytes(self.bytes)?;
            if !texts.push_run(cut, lengths[range.clone()].iter().copied()) {
                return Err(wrong());
            }
            (value, at) = (range.end, end);
        }
        if kept.is_none() && at != run.len() {
            return Err(wrong());
        }
        Ok(())
    }

    fn plain(&mut self, body: &[u8], count: usize, kept: &Kept) -> Result<()> {
        let words = || {
            let words = body.get(..count.saturating_mul(8)).ok_or_else(|| Error::corrupt("a page ends early"))?;
            Ok::<_, Error>(words.as_chunks::<8>().0)
        };
        match &mut self.values {
            Values::Int(values) => {
                let read: Vec<i64> = words()?.iter().map(|word| i64::from_le_bytes(*word)).collect();
                keep(values, &read, kept);
            }
            Values::Float(values) => {
                let read: Vec<f64> = words()?.iter().map(|word| f64::from_le_bytes(*word)).collect();
                keep(values, &read, kept);
            }
            Values::Bool(values) => {
                if body.len() < count.div_ceil(8) {
                    return Err(Error::corrupt("a page ends early"));
                }
                let mut read = Vec::with_capacity(count);
                bits::unpack(body, 1, count, |bit| read.push(bit == 1));
                keep(values, &read, kept);
            }
            Values::Text(_) | Values::Json(_) => {
                let (lengths, run) = strings::decode_plain(body, count)?;
                return self.texts(&lengths, &run, kept);
            }
        }
        Ok(())
    }

    fn delta(&mut self, mut body: &[u8], count: usize, kept: &Kept) -> Result<()> {
        let Values::Int(values) = &mut self.values else {
            return Err(Error::corrupt("deltas in a column of another type"));
        };
        let decoded = delta::decode(&mut body, count)?;
        if decoded.len() != count {
            return Err(Error::corrupt("fewer numbers than rows that have one"));
        }
        match kept {
            None if values.is_empty() => *values = decoded,
            _ => keep(values, &decoded, kept),
        }
        Ok(())
    }

    fn delta_length(&mut self, body: &[u8], count: usize, kept: &Kept) -> Result<()> {
        let (lengths, run) = strings::decode_delta_length(body, count)?;
        self.texts(&lengths, run, kept)
    }

    fn add_codes(&mut self, body: &[u8], count: usize, kept: &Kept) -> Result<()> {
        let (width, body) = body.split_first().ok_or_else(|| Error::corrupt("a page ends early"))?;
        let width = u32::from(*width);
        if kept.is_none() {
            return hybrid::decode_codes(body, width, count, &mut self.codes);
        }
        let mut codes = Vec::new();
        hybrid::decode_codes(body, width, count, &mut codes)?;
        keep(&mut self.codes, &codes, kept);
        Ok(())
    }

    /// Turns codes into the values they stand for.
    fn decode(&mut self, dictionary: &Dictionary) -> Result<()> {
        let unknown = || Error::corrupt("a code that the dictionary does not have");
        let codes = std::mem::take(&mut self.codes);
        fn of_codes<T: Copy>(known: &[T], codes: &[u32]) -> Option<Vec<T>> {
            codes.iter().map(|code| known.get(*code as usize).copied()).collect()
        }
        self.values = match (dictionary, &self.values) {
            (Dictionary::Texts { texts, longest }, Values::Text(_)) => Values::Text(coded(texts, *longest, codes)?),
            (Dictionary::Texts { texts, longest }, Values::Json(_)) => Values::Json(coded(texts, *longest, codes)?),
            (Dictionary::Int(known), Values::Int(_)) => Values::Int(of_codes(known, &codes).ok_or_else(unknown)?),
            (Dictionary::Float(known), Values::Float(_)) => Values::Float(of_codes(known, &codes).ok_or_else(unknown)?),
            _ => return Err(Error::corrupt("a dictionary of another type")),
        };
        Ok(())
    }
}

/// Coded texts, which may have to be written out one day.
fn coded(known: &Arc<Texts>, longest: usize, codes: Vec<u32>) -> Result<Texts> {
    let texts = Texts::coded(known.clone(), codes);
    let texts = texts.ok_or_else(|| Error::corrupt("a code that the dictionary does not have"))?;
    // A repeated code could blow up a small file.
    if longest.saturating_mul(texts.len()) > MAX_COLUMN_BYTES {
        check_bytes(texts.iter().map(str::len).sum())?;
    }
    Ok(texts)
}

/// Fails beyond what [`Texts`] can count, which is 32 bits.
fn check_bytes(bytes: usize) -> Result<()> {
    if bytes > MAX_COLUMN_BYTES {
        return Err(Error::TooLarge { what: "a column", bytes: bytes as u64, limit: MAX_COLUMN_BYTES as u64 });
    }
    Ok(())
}
