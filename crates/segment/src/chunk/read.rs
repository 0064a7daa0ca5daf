//! The pages of a column chunk → values.

use std::ops::Range;

use trawl_event::{Kind, Texts, Values};

use super::page_header::{PageHeader, PageKind};
use crate::encoding::{bits, delta, hybrid, strings};
use crate::error::{Error, Result};
use crate::fetched::Fetched;
use crate::footer::{ChunkInfo, PageInfo};
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
    decompressor: zstd::bulk::Decompressor<'static>,
    page: Vec<u8>,
}

impl<'r> ChunkReader<'r> {
    pub(crate) fn new(fetched: &'r Fetched) -> Result<Self> {
        Ok(Self { fetched, decompressor: zstd::bulk::Decompressor::new()?, page: Vec::new() })
    }

    /// The selected rows that have a value, by their new numbers, and the values.
    pub(crate) fn read(
        &mut self,
        chunk: &ChunkInfo,
        kind: Kind,
        required: bool,
        selection: &Selection<'_>,
    ) -> Result<(Vec<u32>, Values)> {
        let mut out = Output { rows: Vec::new(), values: Values::new(kind), bytes: 0 };
        let mut dictionary = None;
        for info in chunk.pages.iter().filter(|page| selection.touches(&page.rows)) {
            if let (Some(range), None) = (&chunk.dictionary, &dictionary) {
                dictionary = Some(self.dictionary(range.clone(), kind)?);
            }
            let header = self.load(info.bytes.clone(), PageKind::Data)?;
            self.data_page(info, &header, required, selection, dictionary.as_ref(), &mut out)?;
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
        let decompressed = self.decompressor.decompress_to_buffer(body, &mut self.page);
        let len = decompressed.map_err(|_| Error::corrupt("a page cannot be decompressed"))?;
        if len != header.uncompressed_size {
            return Err(Error::corrupt("a page of another size than its header says"));
        }
        Ok(header)
    }

    fn dictionary(&mut self, range: Range<u64>, kind: Kind) -> Result<Values> {
        let header = self.load(range, PageKind::Dictionary)?;
        let mut out = Output { rows: Vec::new(), values: Values::new(kind), bytes: 0 };
        // The least value takes a byte, so that the count is bounded by what was decompressed.
        if header.num_values > self.page.len() {
            return Err(Error::corrupt("a dictionary of more values than bytes"));
        }
        out.plain(&self.page, header.num_values, |_| true)?;
        Ok(out.values)
    }

    fn data_page(
        &mut self,
        info: &PageInfo,
        header: &PageHeader,
        required: bool,
        selection: &Selection<'_>,
        dictionary: Option<&Values>,
        out: &mut Output,
    ) -> Result<()> {
        let row_count = info.rows.len();
        if header.num_values != row_count {
            return Err(Error::corrupt("a page of another number of rows than the metadata says"));
        }
        let mut body: &[u8] = &self.page;
        let mut present = Vec::new();
        if required {
            present.extend(info.rows.clone());
        } else {
            let (length, rest) = body.split_first_chunk::<4>().ok_or_else(|| Error::corrupt("a page ends early"))?;
            body = rest;
            let levels = crate::encoding::take_bytes(&mut body, u32::from_le_bytes(*length) as usize)?;
            hybrid::decode_presence(levels, row_count, info.rows.start, &mut present)?;
        }
        if present.is_empty() {
            return Ok(());
        }
        let count = present.len();
        let keep = selection.renumber(&present, &mut out.rows);
        let keep = |index: usize| keep.as_ref().is_none_or(|keep| keep.contains(index));
        match (header.encoding, dictionary) {
            (encoding::RLE_DICTIONARY, Some(dictionary)) => out.codes(body, count, dictionary, keep),
            (encoding::PLAIN, _) => out.plain(body, count, keep),
            (encoding::DELTA_BINARY_PACKED, _) => out.delta(body, count, keep),
            (encoding::DELTA_LENGTH_BYTE_ARRAY, _) => {
                out.texts(keep, |each| strings::decode_delta_length(body, count, each))
            }
            (other, _) => Err(Error::Unsupported(format!("encoding {other}"))),
        }
    }
}

/// What was read of a chunk so far.
struct Output {
    rows: Vec<u32>,
    values: Values,
    /// Bytes of texts.
    bytes: usize,
}

impl Output {
    fn texts(
        &mut self,
        keep: impl Fn(usize) -> bool,
        decode: impl FnOnce(&mut dyn FnMut(&str) -> Result<()>) -> Result<()>,
    ) -> Result<()> {
        let (Values::Text(texts) | Values::Json(texts)) = &mut self.values else {
            return Err(Error::corrupt("strings in a column of numbers"));
        };
        let bytes = &mut self.bytes;
        let mut index = 0;
        decode(&mut |text| {
            if keep(index) {
                push_text(texts, text, bytes)?;
            }
            index += 1;
            Ok(())
        })
    }

    fn plain(&mut self, body: &[u8], count: usize, keep: impl Fn(usize) -> bool) -> Result<()> {
        let words = || {
            let words = body.get(..count.saturating_mul(8)).ok_or_else(|| Error::corrupt("a page ends early"))?;
            Ok::<_, Error>(words.as_chunks::<8>().0.iter().enumerate().filter(|(index, _)| keep(*index)))
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
                    if keep(index) {
                        values.push(bit == 1);
                    }
                    index += 1;
                });
            }
            Values::Text(_) | Values::Json(_) => {
                return self.texts(keep, |each| strings::decode_plain(body, count, each));
            }
        }
        Ok(())
    }

    fn delta(&mut self, mut body: &[u8], count: usize, keep: impl Fn(usize) -> bool) -> Result<()> {
        let Values::Int(values) = &mut self.values else {
            return Err(Error::corrupt("deltas in a column of another type"));
        };
        let decoded = delta::decode(&mut body, count)?;
        if decoded.len() != count {
            return Err(Error::corrupt("fewer numbers than rows that have one"));
        }
        values.extend(decoded.into_iter().enumerate().filter(|(index, _)| keep(*index)).map(|(_, value)| value));
        Ok(())
    }

    fn codes(&mut self, body: &[u8], count: usize, dictionary: &Values, keep: impl Fn(usize) -> bool) -> Result<()> {
        let (width, body) = body.split_first().ok_or_else(|| Error::corrupt("a page ends early"))?;
        let width = u32::from(*width);
        let unknown = || Error::corrupt("a code that the dictionary does not have");
        let mut index = 0;
        let mut kept = |code: u32| {
            let kept = keep(index).then_some(code as usize);
            index += 1;
            kept
        };
        match (&mut self.values, dictionary) {
            (Values::Text(texts), Values::Text(known)) | (Values::Json(texts), Values::Json(known)) => {
                let bytes = &mut self.bytes;
                hybrid::decode_each(body, width, count, |code| match kept(code) {
                    Some(code) if code < known.len() => push_text(texts, known.get(code), bytes),
                    Some(_) => Err(unknown()),
                    None => Ok(()),
                })
            }
            (Values::Int(values), Values::Int(known)) => hybrid::decode_each(body, width, count, |code| {
                if let Some(code) = kept(code) {
                    values.push(*known.get(code).ok_or_else(unknown)?);
                }
                Ok(())
            }),
            (Values::Float(values), Values::Float(known)) => hybrid::decode_each(body, width, count, |code| {
                if let Some(code) = kept(code) {
                    values.push(*known.get(code).ok_or_else(unknown)?);
                }
                Ok(())
            }),
            _ => Err(Error::Unsupported("a dictionary of booleans".into())),
        }
    }
}

fn push_text(texts: &mut Texts, text: &str, bytes: &mut usize) -> Result<()> {
    // `Texts` counts in 32 bits; a repeated code could otherwise blow up a small file.
    *bytes += text.len();
    if *bytes > MAX_COLUMN_BYTES {
        return Err(Error::TooLarge { what: "a column", bytes: *bytes as u64, limit: MAX_COLUMN_BYTES as u64 });
    }
    texts.push(text);
    Ok(())
}
