//! Segment → blocks.

use std::collections::HashMap;
use std::ops::Range;

use trawl_event::block::{Envelope, Projection};
use trawl_event::{Block, Column, Kind, RowSet, Timestamp, Values};

use crate::chunk::read::ChunkReader;
use crate::coalesce::coalesce;
use crate::directory::zones::GroupZones;
use crate::directory::{ChunkInfo, Directory, RowGroupInfo};
use crate::envelope;
use crate::error::{Error, Result};
use crate::fetched::Fetched;
use crate::format::{MAX_BLOCK_BYTES, bytes_of};
use crate::index::{IndexQuery, Zones};
use crate::rest;
use crate::schema::{Field, Schema};
use crate::selection::Selection;

/// What is known of a row group without reading it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RowGroup {
    /// How many events it holds.
    pub rows: usize,
    /// How many of them, as they stand, make a granule; the last one may have fewer.
    pub granule_rows: usize,
    /// The earliest.
    pub first: Timestamp,
    /// The latest.
    pub last: Timestamp,
    /// Bytes of its events as they were sent.
    pub raw_bytes: u64,
}

impl RowGroup {
    /// How many granules it has.
    pub fn granules(&self) -> usize {
        self.rows.div_ceil(self.granule_rows)
    }

    /// The rows of a granule.
    pub fn granule(&self, granule: usize) -> Range<usize> {
        let start = (granule * self.granule_rows).min(self.rows);
        start..(start + self.granule_rows).min(self.rows)
    }

    /// The rows of these granules; `None` for all rows.
    pub fn rows_of(&self, granules: &RowSet) -> Option<RowSet> {
        if granules.count() == self.granules() {
            return None;
        }
        let mut rows = RowSet::none(self.rows);
        granules.iter().flat_map(|granule| self.granule(granule)).for_each(|row| rows.insert(row));
        Some(rows)
    }
}

/// An opened segment: its directory. It does no I/O, it says which bytes it needs.
pub struct SegmentReader {
    directory: Directory,
    row_groups: Vec<RowGroup>,
    fields: Vec<Field>,
}

impl SegmentReader {
    /// Opens a segment by its directory, which stands at the front of `bytes` and at `footer_offset` of the object.
    pub fn open(bytes: &[u8], footer_offset: u64) -> Result<Self> {
        let directory = Directory::parse(bytes, footer_offset)?;
        let mut fields = Vec::with_capacity(directory.columns.len());
        for (index, column) in directory.columns.iter().enumerate() {
            let chunks = directory.row_groups.iter().filter_map(|row_group| row_group.chunks.get(index + 1));
            let rows = chunks.map(|chunk| chunk.values).sum();
            if rows > 0 {
                fields.push(Field { path: column.path.clone(), kind: column.kind, rows: Some(rows) });
            }
        }
        let in_rest = directory.rest.iter().map(|(path, kind)| Field { path: path.clone(), kind: *kind, rows: None });
        fields.extend(in_rest);
        let row_groups = directory.row_groups.iter().map(|row_group| row_group.info).collect();
        Ok(Self { directory, row_groups, fields })
    }

    /// The row groups, in order of time.
    pub fn row_groups(&self) -> &[RowGroup] {
        &self.row_groups
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
        &self.directory.source
    }

    /// The bytes of the object that [`SegmentReader::candidates`] with the same query needs.
    pub fn index_ranges(&self, query: &IndexQuery) -> Vec<Range<u64>> {
        self.directory.index.ranges(query)
    }

    /// By row group: the granules that may hold a match, as a set of granules. All that hold one are among them.
    pub fn candidates(&self, query: &IndexQuery, fetched: &Fetched) -> Result<Vec<RowSet>> {
        let zones: Vec<_> =
            self.directory.row_groups.iter().map(|group| GroupZones::new(&self.directory, group)).collect();
        let zones: Vec<&dyn Zones> = zones.iter().map(|zones| zones as &dyn Zones).collect();
        self.directory.index.candidates(query, &zones, fetched)
    }

    /// By granule of a row group: bounds of the times of its events, in nanoseconds.
    pub fn granule_times(&self, row_group: usize) -> &[(i64, i64)] {
        self.directory.row_groups.get(row_group).map_or(&[], |row_group| row_group.zones.times.as_slice())
    }

    /// The bytes of the object that [`SegmentReader::read`] with the same arguments needs and that are not there yet:
    /// ascending, disjoint, small gaps read along. No range when there is no such row group.
    pub fn ranges(
        &self,
        row_group: usize,
        projection: &Projection,
        rows: Option<&RowSet>,
        fetched: &Fetched,
    ) -> Vec<Range<u64>> {
        let Some(info) = self.row_groups().get(row_group) else { return Vec::new() };
        let selection = Selection::new(rows.filter(|rows| rows.rows() == info.rows), info.rows);
        let Some(group) = self.directory.row_groups.get(row_group) else { return Vec::new() };
        let mut needed = Vec::new();
        for (_, chunk) in self.needed(group, projection) {
            let before = needed.len();
            let pages = group.pages(chunk).iter().filter(|page| selection.touches(&page.valued));
            needed.extend(pages.map(|page| page.bytes.clone()));
            if needed.len() > before {
                needed.extend(chunk.dictionary.clone());
            }
        }
        needed.retain(|range| !fetched.has(range));
        coalesce(needed)
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
        let group = &self.directory.row_groups[row_group];
        let selection = Selection::new(rows, info.rows);
        let mut reader = ChunkReader::new(fetched);
        let share = u128::from(info.raw_bytes) * selection.len() as u128 / info.rows as u128;
        let mut block = Block {
            timestamps: vec![0; selection.len()],
            envelope_codes: vec![0; selection.len()],
            envelopes: vec![Envelope::default()],
            raw_bytes: share as u64,
            ..Block::default()
        };
        let mut bytes = 0usize;
        for (column, chunk) in self.needed(group, projection) {
            let (kind, required) = match column {
                Needed::Timestamps => (Kind::Int, true),
                Needed::Attribute(index) => (self.directory.columns[index].kind, false),
                Needed::Rest => (Kind::Json, false),
                Needed::Envelopes => (Kind::Text, false),
            };
            let (rows, values) = reader.read(chunk, group.pages(chunk), kind, required, &selection)?;
            bytes = bytes.saturating_add(bytes_of(&values));
            if bytes > MAX_BLOCK_BYTES {
                return Err(Error::TooLarge { what: "a block", bytes: bytes as u64, limit: MAX_BLOCK_BYTES as u64 });
            }
            match (column, values) {
                (Needed::Timestamps, Values::Int(times)) if times.len() == selection.len() => block.timestamps = times,
                (Needed::Timestamps, _) => return Err(Error::corrupt("an event without a time")),
                (Needed::Attribute(_), values) if values.is_empty() => {}
                (Needed::Attribute(index), values) => {
                    let path = self.directory.columns[index].path.clone();
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
        if self.directory.columns.iter().any(|known| known.kind == kind && known.path == column.path) {
            return Err(Error::corrupt("a value both in its column and in _rest"));
        }
        block.columns.push(column);
        Ok(())
    }

    /// The chunks that a projection takes, without those where no row has a value.
    fn needed<'r>(
        &'r self,
        group: &'r RowGroupInfo,
        projection: &'r Projection,
    ) -> impl Iterator<Item = (Needed, &'r ChunkInfo)> {
        let columns = &self.directory.columns;
        let attribute = |index: usize| Needed::Attribute(index);
        let kinds = std::iter::once(Needed::Timestamps)
            .chain((0..columns.len()).map(attribute))
            .chain([Needed::Rest, Needed::Envelopes]);
        kinds.zip(&group.chunks).filter(|(needed, chunk)| {
            let wanted = || match needed {
                Needed::Timestamps => projection.wants_times(),
                Needed::Attribute(index) => projection.wants(&columns[*index].name, columns[*index].kind),
                Needed::Rest => self.directory.rest.wanted_by(projection),
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
    /// An index into the directory's columns.
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
