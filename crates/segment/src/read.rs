//! Segment → blocks.

use std::collections::HashMap;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};

use bytes::Bytes;
use trawl_event::block::{Envelope, Projection};
use trawl_event::{Block, Column, Kind, RowSet, Timestamp, Values};

use crate::chunk::read::ChunkReader;
use crate::envelope;
use crate::error::{Error, Result};
use crate::fetched::Fetched;
use crate::footer::{ChunkInfo, Footer};
use crate::format::{COALESCE_GAP_BYTES, MAX_BLOCK_BYTES, bytes_of};
use crate::index::{Candidates, GRANULE_RAW_BYTES, IndexQuery};
use crate::rest;
use crate::schema::{Field, Schema};
use crate::selection::Selection;

/// What is known of a row group without reading it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RowGroup {
    /// How many events it holds.
    pub rows: usize,
    /// The earliest.
    pub first: Timestamp,
    /// The latest.
    pub last: Timestamp,
    /// Bytes of its events as they were sent.
    pub raw_bytes: u64,
}

/// An opened segment: its metadata. It does no I/O, it says which bytes it needs.
pub struct SegmentReader {
    footer: Footer,
    fields: Vec<Field>,
}

impl SegmentReader {
    /// Opens a segment of `size` bytes by its end: `footer` is `object[footer_offset..]`.
    pub fn open(footer: Bytes, footer_offset: u64, size: u64) -> Result<Self> {
        // Every size is checked here or by the parser, which returns errors; should one of its
        // assertions fail on damaged bytes all the same, that is an error of this segment alone
        // (where panics unwind).
        let parsed = catch_unwind(AssertUnwindSafe(|| Footer::parse(footer, footer_offset, size)));
        let footer = parsed.map_err(|_| Error::corrupt("the footer cannot be parsed"))??;
        let mut fields = Vec::with_capacity(footer.columns.len());
        for (index, column) in footer.columns.iter().enumerate() {
            let rows = footer.chunks.iter().filter_map(|chunks| chunks.get(index + 1)).map(|chunk| chunk.values).sum();
            if rows > 0 {
                fields.push(Field { path: column.path.clone(), kind: column.kind, rows: Some(rows) });
            }
        }
        let in_rest = footer.rest.iter().map(|(path, kind)| Field { path: path.clone(), kind: *kind, rows: None });
        fields.extend(in_rest);
        Ok(Self { footer, fields })
    }

    /// The row groups, in order of time.
    pub fn row_groups(&self) -> &[RowGroup] {
        &self.footer.row_groups
    }

    /// Every path and kind that occurs, those in `_rest` included.
    pub fn fields(&self) -> impl Iterator<Item = &Field> {
        self.fields.iter()
    }

    /// The fields with their counts, for [`crate::SegmentWriter::new`].
    pub fn schema(&self) -> Schema {
        let mut schema = Schema::default();
        for field in &self.fields {
            schema.add(&field.path, field.kind, field.rows.unwrap_or(0));
        }
        schema
    }

    /// How many events it holds.
    pub fn events(&self) -> u64 {
        self.row_groups().iter().map(|row_group| row_group.rows as u64).sum()
    }

    /// Bytes of its events as they were sent.
    pub fn raw_bytes(&self) -> u64 {
        self.row_groups().iter().fold(0, |sum, row_group| sum.saturating_add(row_group.raw_bytes))
    }

    /// Where the events came from, as [`crate::WriteOptions::source`] gave it.
    pub fn source(&self) -> &str {
        &self.footer.source
    }

    /// How many granules a row group has: what is read or skipped as a whole.
    pub fn granules(&self, row_group: usize) -> u64 {
        match (&self.footer.index, self.row_groups().get(row_group)) {
            (Some(index), _) => index.granules(row_group),
            (None, Some(info)) => info.raw_bytes.div_ceil(GRANULE_RAW_BYTES).max(1),
            (None, None) => 0,
        }
    }

    /// The bytes of the object that [`SegmentReader::candidates`] with the same query needs.
    pub fn index_ranges(&self, query: &IndexQuery) -> Vec<Range<u64>> {
        self.footer.index.as_ref().map_or_else(Vec::new, |index| index.ranges(query))
    }

    /// By row group: the granules that may hold a match. All that hold one are among them.
    pub fn candidates(&self, query: &IndexQuery, fetched: &Fetched) -> Result<Vec<Candidates>> {
        match &self.footer.index {
            Some(index) => index.candidates(query, fetched),
            None => {
                let all = |row_group| Candidates { rows: None, granules: self.granules(row_group) };
                Ok((0..self.row_groups().len()).map(all).collect())
            }
        }
    }

    /// The bytes of the object that [`SegmentReader::read`] with the same arguments needs:
    /// ascending, disjoint, small gaps read along. No range when there is no such row group.
    pub fn ranges(&self, row_group: usize, projection: &Projection, rows: Option<&RowSet>) -> Vec<Range<u64>> {
        let Some(info) = self.row_groups().get(row_group) else { return Vec::new() };
        let selection = Selection::new(rows.filter(|rows| rows.rows() == info.rows), info.rows);
        let mut needed = Vec::new();
        for (_, chunk) in self.needed(row_group, projection) {
            let before = needed.len();
            let pages = chunk.pages.iter().filter(|page| selection.touches(&page.rows));
            needed.extend(pages.map(|page| page.bytes.clone()));
            if needed.len() > before {
                needed.extend(chunk.dictionary.clone());
            }
        }
        coalesce(needed, COALESCE_GAP_BYTES)
    }

    /// Reads a row group, or only some of its rows (renumbered in order), and of their
    /// columns those of the projection.
    pub fn read(
        &self,
        row_group: usize,
        projection: &Projection,
        rows: Option<&RowSet>,
        fetched: &Fetched,
    ) -> Result<Block> {
        let expected = rows.map_or(0, RowSet::rows);
        let info = self.row_groups().get(row_group).filter(|info| rows.is_none() || info.rows == expected);
        let info = info.ok_or(Error::NoSuchRowGroup { index: row_group, rows: expected })?;
        let selection = Selection::new(rows, info.rows);
        let mut reader = ChunkReader::new(fetched)?;
        let share = u128::from(info.raw_bytes) * selection.len() as u128 / info.rows as u128;
        let mut block = Block {
            envelope_codes: vec![0; selection.len()],
            envelopes: vec![Envelope::default()],
            raw_bytes: share as u64,
            ..Block::default()
        };
        let mut bytes = 0usize;
        for (column, chunk) in self.needed(row_group, projection) {
            let (kind, required) = match column {
                Needed::Timestamps => (Kind::Int, true),
                Needed::Attribute(index) => (self.footer.columns[index].kind, false),
                Needed::Rest => (Kind::Json, false),
                Needed::Envelopes => (Kind::Text, false),
            };
            let (rows, values) = reader.read(chunk, kind, required, &selection)?;
            bytes = bytes.saturating_add(bytes_of(&values));
            if bytes > MAX_BLOCK_BYTES {
                return Err(Error::TooLarge { what: "a block", bytes: bytes as u64, limit: MAX_BLOCK_BYTES as u64 });
            }
            match (column, values) {
                (Needed::Timestamps, Values::Int(times)) if times.len() == selection.len() => block.timestamps = times,
                (Needed::Timestamps, _) => return Err(Error::corrupt("an event without a time")),
                (Needed::Attribute(_), values) if values.is_empty() => {}
                (Needed::Attribute(index), values) => {
                    let path = self.footer.columns[index].path.clone();
                    block.columns.push(Column { path, rows, values });
                }
                (Needed::Rest, Values::Json(texts)) => {
                    for column in rest::parse(&rows, texts.iter())? {
                        self.add_rest_column(column, projection, &mut block)?;
                    }
                }
                (Needed::Envelopes, Values::Text(texts)) => set_envelopes(&mut block, &rows, texts.iter())?,
                (Needed::Rest | Needed::Envelopes, _) => return Err(Error::corrupt("a column of another type")),
            }
        }
        Ok(block)
    }

    fn add_rest_column(&self, column: Column, projection: &Projection, block: &mut Block) -> Result<()> {
        let kind = column.values.kind();
        if !projection.wants(&column.path.name(), kind) {
            return Ok(());
        }
        // What has a Parquet column is not in `_rest`; a block must not hold a column twice.
        if self.footer.columns.iter().any(|known| known.kind == kind && known.path == column.path) {
            return Err(Error::corrupt("a value both in its column and in _rest"));
        }
        block.columns.push(column);
        Ok(())
    }

    /// The chunks that a projection takes, without those where no row has a value.
    fn needed<'r>(
        &'r self,
        row_group: usize,
        projection: &'r Projection,
    ) -> impl Iterator<Item = (Needed, &'r ChunkInfo)> {
        let columns = &self.footer.columns;
        let attribute = |index: usize| Needed::Attribute(index);
        let kinds = std::iter::once(Needed::Timestamps)
            .chain((0..columns.len()).map(attribute))
            .chain([Needed::Rest, Needed::Envelopes]);
        let chunks = self.footer.chunks.get(row_group).map(Vec::as_slice).unwrap_or_default();
        kinds.zip(chunks).filter(|(needed, chunk)| {
            let wanted = || match needed {
                Needed::Timestamps => true,
                Needed::Attribute(index) => projection.wants(&columns[*index].name, columns[*index].kind),
                Needed::Rest => self.footer.rest.wanted_by(projection),
                Needed::Envelopes => projection.wants_envelopes(),
            };
            chunk.values > 0 && wanted()
        })
    }
}

/// A column of the file, by what it is for.
#[derive(Clone, Copy)]
enum Needed {
    Timestamps,
    /// An index into the footer's columns.
    Attribute(usize),
    Rest,
    Envelopes,
}

fn set_envelopes<'t>(block: &mut Block, rows: &[u32], texts: impl Iterator<Item = &'t str>) -> Result<()> {
    let mut known: HashMap<&str, u32> = HashMap::new();
    for (row, text) in rows.iter().zip(texts) {
        let code = match known.get(text) {
            Some(code) => *code,
            None => {
                let code = block.envelopes.len() as u32;
                block.envelopes.push(envelope::from_text(text)?);
                known.insert(text, code);
                code
            }
        };
        if let Some(slot) = block.envelope_codes.get_mut(*row as usize) {
            *slot = code;
        }
    }
    Ok(())
}

/// Sorts ranges and joins those that are no further apart than `gap`.
pub(crate) fn coalesce(mut ranges: Vec<Range<u64>>, gap: u64) -> Vec<Range<u64>> {
    ranges.sort_unstable_by_key(|range| range.start);
    let mut joined: Vec<Range<u64>> = Vec::new();
    for range in ranges {
        match joined.last_mut() {
            Some(last) if range.start <= last.end.saturating_add(gap) => last.end = last.end.max(range.end),
            _ => joined.push(range),
        }
    }
    joined
}
