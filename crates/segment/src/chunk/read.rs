//! The pages of a column chunk → values.

use std::ops::Range;
use std::sync::Arc;

use trawl_event::{Kind, RowSet, Texts, Values};

use super::page_header::{PageHeader, PageKind};
use crate::compression::decompress_into;
use crate::directory::{ChunkInfo, PageInfo};
use crate::encoding::{bits, delta, hybrid, strings};
use crate::error::{Error, Result};
use crate::fetched::Fetched;
use crate::format::{MAX_COLUMN_BYTES, MAX_PAGE_BYTES};
use crate::selection::Selection;

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
        out.plain(&self.page, header.num_values, None)?;
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
            (encoding::RLE_DICTIONARY, true) => out.add_codes(body, count, kept.as_ref()),
            (encoding::PLAIN, false) => out.plain(body, count, kept.as_ref()),
            (encoding::DELTA_BINARY_PACKED, false) => out.delta(body, count, kept.as_ref()),
            (encoding::DELTA_LENGTH_BYTE_ARRAY, false) => out.delta_length(body, count, kept.as_ref()),
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

/// Whether the value at `index` of a page is kept.
fn is_kept(kept: Option<&RowSet>, index: usize) -> bool {
    kept.is_none_or(|kept| kept.contains(index))
}

impl Output {
    fn texts(
        &mut self,
        kept: Option<&RowSet>,
        decode: impl FnOnce(&mut dyn FnMut(&str) -> Result<()>) -> Result<()>,
    ) -> Result<()> {
        let (Values::Text(texts) | Values::Json(texts)) = &mut self.values else {
            return Err(Error::corrupt("strings in a column of numbers"));
        };
        let bytes = &mut self.bytes;
        let mut index = 0;
        decode(&mut |text| {
            if is_kept(kept, index) {
                *bytes += text.len();
                check_bytes(*bytes)?;
                texts.push(text);
            }
            index += 1;
            Ok(())
        })
    }

    fn plain(&mut self, body: &[u8], count: usize, kept: Option<&RowSet>) -> Result<()> {
        let words = || {
            let words = body.get(..count.saturating_mul(8)).ok_or_else(|| Error::corrupt("a page ends early"))?;
            Ok::<_, Error>(words.as_chunks::<8>().0.iter().enumerate().filter(|(index, _)| is_kept(kept, *index)))
        };
        match &mut self.values {
            Values::Int(values) => values.extend(words()?.map(|(_, word)| i64::from_le_bytes(*word))),
            Values::Float(values) => values.extend(words()?.map(|(_, word)| f64::from_le_bytes(*word))),
            Values::Bool(values) => {
                if body.len() < count.div_ceil(8) {
                    return Err(Error::corrupt("a page ends early"));
                }
                let mut index = 0;
                bits::unpack(body, 1, count, |bit| {
                    if is_kept(kept, index) {
                        values.push(bit == 1);
                    }
                    index += 1;
                });
            }
            Values::Text(_) | Values::Json(_) => {
                return self.texts(kept, |each| strings::decode_plain(body, count, each));
            }
        }
        Ok(())
    }

    fn delta(&mut self, mut body: &[u8], count: usize, kept: Option<&RowSet>) -> Result<()> {
        let Values::Int(values) = &mut self.values else {
            return Err(Error::corrupt("deltas in a column of another type"));
        };
        let mut decoded = delta::decode(&mut body, count)?;
        if decoded.len() != count {
            return Err(Error::corrupt("fewer numbers than rows that have one"));
        }
        match kept {
            None if values.is_empty() => *values = decoded,
            None => values.append(&mut decoded),
            Some(kept) => values.extend(kept.iter().map(|index| decoded[index])),
        }
        Ok(())
    }

    fn delta_length(&mut self, body: &[u8], count: usize, kept: Option<&RowSet>) -> Result<()> {
        let (lengths, run) = strings::decode_delta_length(body, count)?;
        let (None, Values::Text(texts) | Values::Json(texts)) = (kept, &mut self.values) else {
            return self.texts(kept, |each| strings::cut_run(run, &lengths, each));
        };
        self.bytes += run.len();
        check_bytes(self.bytes)?;
        match texts.push_run(run, lengths.into_iter()) {
            true => Ok(()),
            false => Err(Error::corrupt("strings that are not those of their page")),
        }
    }

    fn add_codes(&mut self, body: &[u8], count: usize, kept: Option<&RowSet>) -> Result<()> {
        let (width, body) = body.split_first().ok_or_else(|| Error::corrupt("a page ends early"))?;
        let width = u32::from(*width);
        match kept {
            None => hybrid::decode_codes(body, width, count, &mut self.codes),
            Some(kept) => {
                let mut codes = Vec::new();
                hybrid::decode_codes(body, width, count, &mut codes)?;
                self.codes.extend(kept.iter().map(|index| codes[index]));
                Ok(())
            }
        }
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
