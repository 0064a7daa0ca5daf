//! The index block → the granules that may hold a match.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use bytes::Bytes;
use trawl_event::RowSet;

use super::format::take_count;
use super::query::{IndexQuery, Node, Slot, Zone};
use super::{GRAMS_TARGET, MAX_CHUNK_BYTES, MAX_SLOTS_LOG2, MIN_GRAMS, PARTS, PARTS_LOG2, PLANES};
use crate::coalesce::coalesce;
use crate::compression::decompress_checked;
use crate::encoding::take_varint;
use crate::error::{Error, Result};
use crate::fetched::Fetched;

/// What the zones of a row group say.
pub(crate) trait Zones {
    /// The granules that may hold such a value; `None` when nothing is known of them.
    fn granules(&self, zone: &Zone) -> Option<RowSet>;
}

/// Where everything stands in the index.
#[derive(Debug)]
pub(crate) struct Index {
    row_groups: Vec<RowGroupIndex>,
    planes: [PlaneIndex; PLANES],
    chunks_start: u64,
}

#[derive(Debug)]
struct RowGroupIndex {
    rows: usize,
    granule_rows: usize,
    /// By plane; zero when the row group has no such plane.
    slots_log2: [u32; PLANES],
}

impl RowGroupIndex {
    fn granules(&self) -> usize {
        self.rows.div_ceil(self.granule_rows)
    }
}

#[derive(Debug, Default)]
struct PlaneIndex {
    /// 0: there is no such plane.
    parts_per_chunk: usize,
    /// How many grams of a fragment are asked for; of no meaning in other planes.
    grams: usize,
    chunks: Vec<Range<u64>>,
}

impl Index {
    /// Parses the directory of an index whose chunks end at `end`. `row_groups` are the rows and the rows per granule
    /// of each row group.
    pub(crate) fn parse(mut plain: &[u8], end: u64, row_groups: &[(usize, usize)]) -> Result<Self> {
        if take_count(&mut plain, row_groups.len())? != row_groups.len() {
            return Err(Error::corrupt("the index is of other row groups"));
        }
        let mut indexed = Vec::with_capacity(row_groups.len());
        for (rows, granule_rows) in row_groups {
            let mut slots_log2 = [0; PLANES];
            for (log2, most) in slots_log2.iter_mut().zip(MAX_SLOTS_LOG2) {
                *log2 = take_count(&mut plain, most as usize)? as u32;
            }
            if slots_log2.iter().any(|log2| (1..PARTS_LOG2).contains(log2)) {
                return Err(Error::corrupt("the index has too few slots"));
            }
            indexed.push(RowGroupIndex { rows: *rows, granule_rows: *granule_rows, slots_log2 });
        }
        let mut planes: [PlaneIndex; PLANES] = Default::default();
        let mut length = 0u64;
        for plane in &mut planes {
            plane.parts_per_chunk = take_count(&mut plain, PARTS)?;
            if plane.parts_per_chunk == 0 {
                continue;
            }
            if !plane.parts_per_chunk.is_power_of_two() {
                return Err(Error::corrupt("chunks of the index do not fit its parts"));
            }
            plane.grams = grams_for(take_count(&mut plain, 256)? as f64 / 256.0);
            for _ in 0..PARTS / plane.parts_per_chunk {
                let start = length;
                length = length.saturating_add(take_varint(&mut plain)?);
                plane.chunks.push(start..length);
            }
        }
        let start = end.checked_sub(length).ok_or_else(|| Error::corrupt("the index lies outside its place"))?;
        for chunk in planes.iter_mut().flat_map(|plane| &mut plane.chunks) {
            *chunk = chunk.start + start..chunk.end + start;
        }
        Ok(Self { row_groups: indexed, planes, chunks_start: start })
    }

    /// Where the chunks begin in the object.
    pub(crate) fn chunks_start(&self) -> u64 {
        self.chunks_start
    }

    fn part_of(slot: Slot) -> usize {
        (slot.hash >> (u32::BITS - PARTS_LOG2)) as usize
    }

    /// The chunk of a slot, if its plane is there.
    fn chunk_of(&self, slot: Slot) -> Option<(usize, usize)> {
        let plane = &self.planes[slot.plane];
        (plane.parts_per_chunk > 0).then(|| (slot.plane, Self::part_of(slot) / plane.parts_per_chunk))
    }

    fn chunks_of(&self, query: &IndexQuery) -> BTreeSet<(usize, usize)> {
        let mut slots = Vec::new();
        self.slots_of(&query.root, &mut slots);
        slots.into_iter().filter_map(|slot| self.chunk_of(slot)).collect()
    }

    /// The bytes of the object that [`Index::candidates`] needs.
    pub(crate) fn ranges(&self, query: &IndexQuery) -> Vec<Range<u64>> {
        let chunks = self.chunks_of(query).into_iter().map(|(plane, chunk)| self.planes[plane].chunks[chunk].clone());
        coalesce(chunks.collect())
    }

    /// By row group: the granules in which the formula holds, as far as index and zones know.
    pub(crate) fn candidates(
        &self,
        query: &IndexQuery,
        zones: &[&dyn Zones],
        fetched: &Fetched,
    ) -> Result<Vec<RowSet>> {
        let mut chunks = BTreeMap::new();
        for (plane, chunk) in self.chunks_of(query) {
            let place = &self.planes[plane];
            let bytes = fetched.get(place.chunks[chunk].clone())?;
            let loaded = Chunk::load(&bytes, place.parts_per_chunk * self.row_groups.len())?;
            chunks.insert((plane, chunk), loaded);
        }
        let mut found = Vec::with_capacity(self.row_groups.len());
        for ((number, row_group), zones) in self.row_groups.iter().enumerate().zip(zones) {
            let granules = self.evaluate(&query.root, number, *zones, &chunks)?;
            found.push(granules.unwrap_or_else(|| RowSet::all(row_group.granules())));
        }
        Ok(found)
    }

    /// The slots of those grams that are asked for.
    fn asked<'g>(&self, plane: usize, hashes: &'g [u32]) -> impl Iterator<Item = Slot> + use<'g> {
        hashes.iter().take(self.planes[plane].grams).map(move |hash| Slot { plane, hash: *hash })
    }

    fn slots_of(&self, node: &Node, slots: &mut Vec<Slot>) {
        match node {
            Node::Everything | Node::Zone(_) => {}
            Node::Slot(slot) => slots.push(*slot),
            Node::Grams { plane, hashes } => slots.extend(self.asked(*plane, hashes)),
            Node::All(sides) | Node::Any(sides) => sides.iter().for_each(|side| self.slots_of(side, slots)),
        }
    }

    /// The granules of a row group in which `node` holds; `None` for all.
    fn evaluate(
        &self,
        node: &Node,
        row_group: usize,
        zones: &dyn Zones,
        chunks: &BTreeMap<(usize, usize), Chunk>,
    ) -> Result<Option<RowSet>> {
        let info = &self.row_groups[row_group];
        match node {
            Node::Everything => Ok(None),
            Node::Zone(zone) => Ok(zones.granules(zone)),
            Node::Slot(slot) if info.slots_log2[slot.plane] == 0 => Ok(None),
            Node::Grams { plane, hashes } => {
                let mut left: Option<RowSet> = None;
                for slot in self.asked(*plane, hashes) {
                    let found = self.evaluate(&Node::Slot(slot), row_group, zones, chunks)?;
                    left = both(left, found);
                    if left.as_ref().is_some_and(RowSet::is_empty) {
                        break;
                    }
                }
                Ok(left)
            }
            Node::Slot(slot) => {
                let Some(place) = self.chunk_of(*slot) else { return Ok(None) };
                let chunk = chunks.get(&place).ok_or_else(|| Error::corrupt("the index lacks a chunk"))?;
                let part = Self::part_of(*slot) % self.planes[slot.plane].parts_per_chunk;
                let bytes = chunk.part(part * self.row_groups.len() + row_group);
                let within = slot.hash << PARTS_LOG2 >> PARTS_LOG2 >> (u32::BITS - info.slots_log2[slot.plane]);
                row_of(bytes, within as usize, info.granules()).map(Some)
            }
            Node::All(sides) => {
                let mut left: Option<RowSet> = None;
                for side in sides {
                    let found = self.evaluate(side, row_group, zones, chunks)?;
                    left = both(left, found);
                    if left.as_ref().is_some_and(RowSet::is_empty) {
                        break;
                    }
                }
                Ok(left)
            }
            Node::Any(sides) => {
                let mut found = RowSet::none(info.granules());
                for side in sides {
                    match self.evaluate(side, row_group, zones, chunks)? {
                        Some(more) => found.union(&more),
                        None => return Ok(None),
                    }
                }
                Ok(Some(found))
            }
        }
    }
}

/// The granules in both sets; `None` stands for all.
fn both(left: Option<RowSet>, right: Option<RowSet>) -> Option<RowSet> {
    match (left, right) {
        (Some(mut left), Some(right)) => {
            left.intersect(&right);
            Some(left)
        }
        (left, right) => left.or(right),
    }
}

/// How many grams skip enough where such a share of the bits is set.
fn grams_for(fill: f64) -> usize {
    let wanted = GRAMS_TARGET.ln() / fill.clamp(0.001, 0.999).ln();
    (wanted.ceil() as usize).max(MIN_GRAMS)
}

/// The granules of one slot of a part.
fn row_of(mut part: &[u8], slot: usize, granules: usize) -> Result<RowSet> {
    let mut row = RowSet::none(granules);
    let (start, end) = ((slot * granules) as u64, ((slot + 1) * granules) as u64);
    let mut after = 0u64;
    while !part.is_empty() {
        let bit = after.saturating_add(take_varint(&mut part)?);
        if bit >= end {
            break;
        }
        if bit >= start {
            row.insert((bit - start) as usize);
        }
        after = bit + 1;
    }
    Ok(row)
}

/// A chunk after decompression.
struct Chunk {
    plain: Bytes,
    /// By part, then by row group.
    parts: Vec<Range<usize>>,
}

impl Chunk {
    fn load(bytes: &[u8], count: usize) -> Result<Self> {
        let plain = decompress_checked(bytes, MAX_CHUNK_BYTES)?;
        let mut rest: &[u8] = &plain;
        let mut parts = Vec::with_capacity(count);
        for _ in 0..count {
            let length = take_varint(&mut rest)?;
            let start = plain.len() - rest.len();
            let length = usize::try_from(length).ok().filter(|length| *length <= rest.len());
            let length = length.ok_or_else(|| Error::corrupt("a part of the index ends early"))?;
            rest = &rest[length..];
            parts.push(start..start + length);
        }
        Ok(Self { plain: plain.into(), parts })
    }

    fn part(&self, index: usize) -> &[u8] {
        self.parts.get(index).map_or(&[], |range| &self.plain[range.clone()])
    }
}
