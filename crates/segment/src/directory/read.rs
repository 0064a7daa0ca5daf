//! The directory, parsed and checked.
//!
//! What comes out of here holds only offsets that lie in the object and counts that fit together, so that reading
//! pages need not doubt them again.

use std::collections::HashSet;

use trawl_event::{Kind, Timestamp};

use super::bytes::Section;
use super::zones::{NOTHING, NumberZones, RowGroupZones};
use super::{ChunkInfo, ColumnInfo, DATA_START, Directory, MAX_DIRECTORY_BYTES, PageInfo, RowGroupInfo, TIME_UNIT_NS};
use crate::compression::decompress_checked;
use crate::error::{Error, Result};
use crate::format::{FORMAT, MAX_COLUMNS, MAX_GRANULES, MAX_ROW_GROUP_ROWS};
use crate::index::Index;
use crate::read::RowGroup;
use crate::rest::RestNames;

/// The sections behind the head.
struct Sections<'d> {
    groups: Section<'d>,
    values: Section<'d>,
    dictionary: Section<'d>,
    pages: Section<'d>,
    rows: Section<'d>,
    leads: Section<'d>,
    trails: Section<'d>,
    bytes: Section<'d>,
    times: Section<'d>,
    levels: Section<'d>,
    numbers: Section<'d>,
}

impl Directory {
    /// Parses the directory at the front of `bytes`, which stand at `offset` of the object.
    pub(crate) fn parse(bytes: &[u8], offset: u64) -> Result<Self> {
        let (length, rest) =
            bytes.split_first_chunk::<4>().ok_or_else(|| Error::corrupt("the directory ends early"))?;
        let compressed = rest.get(..u32::from_le_bytes(*length) as usize);
        let compressed = compressed.ok_or_else(|| Error::corrupt("the directory ends early"))?;
        let plain = decompress_checked(compressed, MAX_DIRECTORY_BYTES)?;
        let mut plain = Section(&plain);
        let mut section = || plain.counted().map(Section);
        let mut head = section()?;
        let mut sections = Sections {
            groups: section()?,
            values: section()?,
            dictionary: section()?,
            pages: section()?,
            rows: section()?,
            leads: section()?,
            trails: section()?,
            bytes: section()?,
            times: section()?,
            levels: section()?,
            numbers: section()?,
        };
        let index = section()?;
        if head.number()? != FORMAT {
            return Err(Error::Unsupported("another version of the segment format".into()));
        }
        let source = head.text()?.to_owned();
        let columns = columns(&mut head)?;
        let is_complete = head.byte()? != 0;
        let names = (0..head.count()?).map(|_| head.kind_and_path().map(|(kind, path)| (path, kind)));
        let rest = RestNames::new(names.collect::<Result<_>>()?, is_complete);
        let count = head.number()?;
        let mut start = DATA_START;
        let mut row_groups = Vec::new();
        for _ in 0..count {
            row_groups.push(sections.row_group(&columns, &mut start)?);
        }
        sections.end()?;
        let granules: Vec<(usize, usize)> =
            row_groups.iter().map(|row_group| (row_group.info.rows, row_group.info.granule_rows)).collect();
        let index = Index::parse(index.0, offset, &granules)?;
        if index.chunks_start() < start {
            return Err(Error::corrupt("row groups reach into the index"));
        }
        Ok(Self { columns, rest, source, row_groups, index })
    }
}

fn columns(head: &mut Section<'_>) -> Result<Vec<ColumnInfo>> {
    let count = head.count()?;
    if count > MAX_COLUMNS {
        return Err(Error::Unsupported("too many columns".into()));
    }
    let mut seen = HashSet::new();
    let mut columns = Vec::with_capacity(count);
    for _ in 0..count {
        let (kind, path) = head.kind_and_path()?;
        if !seen.insert(path.clone()) {
            return Err(Error::corrupt("two columns of one path"));
        }
        columns.push(ColumnInfo { name: path.name(), path, kind });
    }
    Ok(columns)
}

impl Sections<'_> {
    fn row_group(&mut self, columns: &[ColumnInfo], start: &mut u64) -> Result<RowGroupInfo> {
        let rows = self.groups.at_most(MAX_ROW_GROUP_ROWS as u64, "rows of a row group")? as usize;
        let granule_rows = self.groups.at_most(MAX_ROW_GROUP_ROWS as u64, "rows of a granule")? as usize;
        if rows == 0 || granule_rows == 0 || rows.div_ceil(granule_rows) > MAX_GRANULES {
            return Err(Error::corrupt("a row group without rows or granules, or with too many"));
        }
        let first = self.groups.signed()?;
        let last = first.checked_add_unsigned(self.groups.number()?);
        let last = last.ok_or_else(|| Error::corrupt("a row group outside all time"))?;
        let raw_bytes = self.groups.number()?;
        let info = RowGroup { rows, granule_rows, first: Timestamp(first), last: Timestamp(last), raw_bytes };
        let mut chunks = Vec::with_capacity(columns.len() + 3);
        let mut pages = Vec::new();
        for _ in 0..columns.len() + 3 {
            chunks.push(self.chunk(&info, &mut pages, start)?);
        }
        if chunks.first().is_none_or(|times| times.values != rows as u64) {
            return Err(Error::corrupt("an event without a time"));
        }
        let zones = self.zones(&info, columns, &chunks, &pages)?;
        Ok(RowGroupInfo { info, chunks, pages, zones })
    }

    fn chunk(&mut self, info: &RowGroup, pages: &mut Vec<PageInfo>, offset: &mut u64) -> Result<ChunkInfo> {
        let values = self.values.at_most(info.rows as u64, "values of a chunk")?;
        let first_page = pages.len() as u32;
        if values == 0 {
            // The file holds an empty page, which is skipped over.
            *offset = advance(*offset, self.bytes.number()?)?;
            return Ok(ChunkInfo { dictionary: None, values, pages: first_page..first_page });
        }
        let start = *offset;
        *offset = advance(start, self.dictionary.number()?)?;
        let dictionary = (*offset > start).then_some(start..*offset);
        let mut row = 0usize;
        for _ in 0..=self.pages.number()? {
            pages.push(self.page(info, &mut row, offset)?);
        }
        if row != info.rows {
            return Err(Error::corrupt("the pages of a chunk have not all its rows"));
        }
        Ok(ChunkInfo { dictionary, values, pages: first_page..pages.len() as u32 })
    }

    fn page(&mut self, info: &RowGroup, row: &mut usize, offset: &mut u64) -> Result<PageInfo> {
        let wrong = || Error::corrupt("a page lies outside its place");
        let code = self.rows.at_most((MAX_ROW_GROUP_ROWS as u64) << 1 | 1, "rows of a page")? as usize;
        let length = if code & 1 == 0 { (code >> 1).saturating_mul(info.granule_rows) } else { code >> 1 };
        let rows = *row..(*row + length).min(info.rows);
        let (first, behind) = (rows.start / info.granule_rows, rows.end.div_ceil(info.granule_rows));
        let from = first + self.leads.at_most(MAX_GRANULES as u64, "granules of a page")? as usize;
        let trail = self.trails.at_most(MAX_GRANULES as u64, "granules of a page")? as usize;
        let upto = behind.checked_sub(trail).ok_or_else(wrong)?;
        let valued = (from * info.granule_rows).max(rows.start)..(upto * info.granule_rows).min(rows.end);
        if valued.is_empty() {
            return Err(wrong());
        }
        let start = *offset;
        *offset = advance(start, self.bytes.number()?)?;
        *row = rows.end;
        let narrow = |range: std::ops::Range<usize>| range.start as u32..range.end as u32;
        Ok(PageInfo { bytes: start..*offset, rows: narrow(rows), valued: narrow(valued) })
    }

    fn zones(
        &mut self,
        info: &RowGroup,
        columns: &[ColumnInfo],
        chunks: &[ChunkInfo],
        pages: &[PageInfo],
    ) -> Result<RowGroupZones> {
        let mut zones = RowGroupZones::default();
        for _ in 0..info.granules() {
            let mut far = || self.times.number().map(|units| units.saturating_mul(TIME_UNIT_NS));
            let first = info.first.0.saturating_add_unsigned(far()?);
            zones.times.push((first, first.saturating_add_unsigned(far()?)));
            zones.levels.push(self.levels.byte()?);
        }
        let of_column = columns.iter().zip(chunks.get(1..).unwrap_or_default());
        for (column, chunk) in of_column {
            let pages = pages.get(chunk.pages.start as usize..chunk.pages.end as usize).unwrap_or_default();
            let ends = pages.first().zip(pages.last()).filter(|_| matches!(column.kind, Kind::Int | Kind::Float));
            zones.numbers.push(match ends {
                Some((first, last)) => {
                    let granule_of = |row: u32| row / info.granule_rows as u32;
                    let granules = granule_of(first.valued.start)..granule_of(last.valued.end - 1) + 1;
                    let mut zone =
                        || Ok(Some((self.numbers.short()?, self.numbers.short()?)).filter(|z| *z != NOTHING));
                    Some(NumberZones { zones: granules.clone().map(|_| zone()).collect::<Result<_>>()?, granules })
                }
                None => None,
            });
        }
        Ok(zones)
    }

    fn end(self) -> Result<()> {
        let Self { groups, values, dictionary, pages, rows, leads, trails, bytes, times, levels, numbers } = self;
        let all = [groups, values, dictionary, pages, rows, leads, trails, bytes, times, levels, numbers];
        all.iter().try_for_each(Section::ends)
    }
}

fn advance(offset: u64, length: u64) -> Result<u64> {
    offset.checked_add(length).ok_or_else(|| Error::corrupt("a page lies outside its place"))
}
