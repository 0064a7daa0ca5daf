//! The directory, as row groups are added.

use trawl_event::{Kind, Path};

use super::bytes::{push_counted, push_kind_and_path, push_signed};
use super::zones::{NOTHING, RowGroupZones};
use super::{ChunkPlaces, PagePlace, TIME_UNIT_NS};
use crate::encoding::push_varint;
use crate::error::Result;
use crate::format::FORMAT;
use crate::read::RowGroup;
use crate::rest::RestNames;

/// The sections so far.
#[derive(Default)]
pub(crate) struct DirectoryWriter {
    count: u64,
    groups: Vec<u8>,
    values: Vec<u8>,
    dictionary: Vec<u8>,
    pages: Vec<u8>,
    rows: Vec<u8>,
    leads: Vec<u8>,
    trails: Vec<u8>,
    bytes: Vec<u8>,
    times: Vec<u8>,
    levels: Vec<u8>,
    numbers: Vec<u8>,
}

impl DirectoryWriter {
    /// Adds a row group. `chunks` are those of all columns of the file, in their order.
    pub(crate) fn push(&mut self, info: &RowGroup, chunks: &[ChunkPlaces], zones: &RowGroupZones) {
        self.count += 1;
        push_varint(info.rows as u64, &mut self.groups);
        push_varint(info.granule_rows as u64, &mut self.groups);
        push_signed(info.first.0, &mut self.groups);
        push_varint(info.last.0.abs_diff(info.first.0), &mut self.groups);
        push_varint(info.raw_bytes, &mut self.groups);
        for chunk in chunks {
            push_varint(chunk.values, &mut self.values);
            if chunk.values > 0 {
                push_varint(chunk.dictionary_bytes, &mut self.dictionary);
                push_varint((chunk.pages.len() as u64).saturating_sub(1), &mut self.pages);
            }
            if chunk.values == 0 {
                push_varint(chunk.bytes, &mut self.bytes);
            }
            chunk.pages.iter().for_each(|page| self.page(page, info));
        }
        for (first, last) in &zones.times {
            let from = first.abs_diff(info.first.0) / TIME_UNIT_NS;
            let length = last.abs_diff(*first) / TIME_UNIT_NS + 2;
            push_varint(from, &mut self.times);
            push_varint(length, &mut self.times);
        }
        self.levels.extend_from_slice(&zones.levels);
        for numbers in zones.numbers.iter().flatten() {
            for zone in &numbers.zones {
                let (least, greatest) = zone.unwrap_or(NOTHING);
                self.numbers.extend_from_slice(&least.to_le_bytes());
                self.numbers.extend_from_slice(&greatest.to_le_bytes());
            }
        }
    }

    fn page(&mut self, page: &PagePlace, info: &RowGroup) {
        let granule_rows = info.granule_rows;
        let length = (page.rows.end - page.rows.start) as usize;
        let starts_whole = (page.rows.start as usize).is_multiple_of(granule_rows);
        let ends_whole = page.rows.end as usize == info.rows || (page.rows.end as usize).is_multiple_of(granule_rows);
        let code = match starts_whole && ends_whole {
            true => length.div_ceil(granule_rows) << 1,
            false => length << 1 | 1,
        };
        let first = page.rows.start as usize / granule_rows;
        let behind = (page.rows.end as usize).div_ceil(granule_rows);
        push_varint(code as u64, &mut self.rows);
        push_varint((page.granules.start as usize - first) as u64, &mut self.leads);
        push_varint((behind - page.granules.end as usize) as u64, &mut self.trails);
        push_varint(page.bytes, &mut self.bytes);
    }

    /// The directory: `index` is that of the index.
    pub(crate) fn finish(
        self,
        columns: &[(String, Path, Kind)],
        rest: &RestNames,
        source: &str,
        index: &[u8],
        level: i32,
    ) -> Result<Vec<u8>> {
        let mut head = Vec::new();
        push_varint(FORMAT, &mut head);
        push_counted(source.as_bytes(), &mut head);
        push_varint(columns.len() as u64, &mut head);
        columns.iter().for_each(|(_, path, kind)| push_kind_and_path(*kind, path, &mut head));
        head.push(u8::from(rest.is_complete()));
        push_varint(rest.iter().count() as u64, &mut head);
        rest.iter().for_each(|(path, kind)| push_kind_and_path(*kind, path, &mut head));
        push_varint(self.count, &mut head);
        let sections = [
            &head,
            &self.groups,
            &self.values,
            &self.dictionary,
            &self.pages,
            &self.rows,
            &self.leads,
            &self.trails,
            &self.bytes,
            &self.times,
            &self.levels,
            &self.numbers,
        ];
        let mut plain = Vec::with_capacity(sections.iter().map(|section| section.len() + 4).sum());
        sections.into_iter().for_each(|section| push_counted(section, &mut plain));
        push_counted(index, &mut plain);
        let compressed = crate::compression::compress_checked(&plain, level)?;
        Ok([&(compressed.len() as u32).to_le_bytes()[..], &compressed].concat())
    }
}
