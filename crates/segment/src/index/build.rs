//! Row groups → the index block.

use std::collections::HashSet;
use std::ops::Range;

use rayon::prelude::*;
use trawl_event::text::{any_string, fold_into, words};
use trawl_event::{Column, Texts, Values};
use xxhash_rust::xxh3::Xxh3Builder;

use super::terms::{self, Name};
use super::{
    FIVES, FIVES_FILL, FULLEST_SLOTS_LOG2, GRAMS, LONG_WORDS, LONG_WORDS_FILL, MAX_LISTED, MAX_LISTED_BYTES,
    MAX_SHARE_PERCENT, MAX_SLOTS_LOG2, MIN_CHUNK_BYTES, MIN_INDEXED_BYTES, PARTS, PARTS_LOG2, PLANES, SLOTS_PER_ITEM,
    TERMS,
};
use crate::compression::{compress_checked, decompress_checked};
use crate::encoding::push_varint;
use crate::error::Result;

/// ZSTD level of planes that wait for further row groups: gaps are small numbers, of which any level leaves a third.
const PACKING_LEVEL: i32 = 1;

/// A column as it stands in a row group.
pub(crate) struct Placed<'b> {
    pub(crate) column: &'b Column,
    /// The rows of the row group that have a value, ascending.
    pub(crate) rows: Vec<u32>,
    /// For each, its index among the values of the column.
    pub(crate) picks: Vec<u32>,
}

/// The index of the row groups so far.
#[derive(Default)]
pub(crate) struct IndexBuilder {
    row_groups: Vec<RowGroupIndex>,
}

/// The index of a row group.
#[derive(Default)]
struct RowGroupIndex {
    planes: [Plane; PLANES],
}

/// A plane of a row group, by part.
#[derive(Default)]
struct Plane {
    slots_log2: u32,
    /// How many bits there are, and how many of them are set.
    bits: u64,
    set: u64,
    /// The parts; compressed while further row groups come, since those of a large segment take much room.
    bytes: Vec<u8>,
    /// Where each part ends in the parts.
    ends: Vec<usize>,
}

impl Plane {
    /// The share of its bits that are set, in parts of 256, rounded up.
    fn fill(&self) -> u64 {
        (self.set * 256).div_ceil(self.bits.max(1))
    }

    /// Bytes of the parts.
    fn size(&self) -> usize {
        self.ends.last().copied().unwrap_or(0)
    }

    fn pack(&mut self) -> Result<()> {
        self.bytes = compress_checked(&self.bytes, PACKING_LEVEL)?;
        Ok(())
    }

    fn unpack(&self) -> Result<Vec<u8>> {
        if self.ends.is_empty() { Ok(Vec::new()) } else { decompress_checked(&self.bytes, self.size()) }
    }

    /// A part out of the parts.
    fn part<'p>(&self, part: usize, parts: &'p [u8]) -> &'p [u8] {
        let start = part.checked_sub(1).and_then(|before| self.ends.get(before)).copied().unwrap_or(0);
        self.ends.get(part).map_or(&[], |end| &parts[start..*end])
    }
}

impl IndexBuilder {
    /// Adds a row group of `rows` rows, so many a granule, with these columns.
    pub(crate) fn push(
        &mut self,
        columns: &[Placed<'_>],
        rows: usize,
        granule_rows: usize,
        raw_bytes: u64,
    ) -> Result<()> {
        if raw_bytes < MIN_INDEXED_BYTES {
            self.row_groups.push(RowGroupIndex::default());
            return Ok(());
        }
        let names: Vec<Name> = columns.iter().map(|placed| Name::of(&placed.column.path.name())).collect();
        let collect = |pieces: Pieces| -> Vec<[Vec<u32>; PLANES]> {
            let granules = (0..rows.div_ceil(granule_rows)).into_par_iter();
            let collected = granules.map_init(
                || Granule::new(pieces),
                |granule, number| {
                    let range = (number * granule_rows) as u32..((number + 1) * granule_rows) as u32;
                    columns.iter().zip(&names).for_each(|(placed, name)| granule.column(placed, *name, &range));
                    granule.take()
                },
            );
            collected.collect()
        };
        let encode_plane = |granules: &[[Vec<u32>; PLANES]], plane: usize| {
            let sets: Vec<&[u32]> = granules.iter().map(|granule| granule[plane].as_slice()).collect();
            encode(&sets, plane)
        };
        let granules = collect(Pieces::Grams);
        let mut planes: [Plane; PLANES] = std::array::from_fn(|plane| encode_plane(&granules, plane));
        drop(granules);
        // A row group has grams or fives; the plane that it lacks says nothing of it.
        if planes[GRAMS].fill() >= FIVES_FILL {
            planes[FIVES] = encode_plane(&collect(Pieces::Fives), FIVES);
            planes[GRAMS] = Plane::default();
        } else {
            planes[FIVES] = Plane::default();
        }
        planes.iter_mut().try_for_each(Plane::pack)?;
        self.row_groups.push(RowGroupIndex { planes });
        Ok(())
    }

    /// The chunks and the directory of the index of row groups that take `data_bytes`.
    pub(crate) fn finish(self, data_bytes: usize, level: i32) -> Result<(Vec<u8>, Vec<u8>)> {
        let mut directory = Vec::new();
        push_varint(self.row_groups.len() as u64, &mut directory);
        for row_group in &self.row_groups {
            row_group.planes.iter().for_each(|plane| push_varint(u64::from(plane.slots_log2), &mut directory));
        }
        let mut block = Vec::new();
        for plane in 0..PLANES {
            let (parts_per_chunk, chunks) = self.chunks(plane, level)?;
            let bytes = chunks.iter().map(Vec::len).sum::<usize>();
            let is_wanted = match plane {
                LONG_WORDS => self.sum(FIVES).bits > 0 || self.sum(GRAMS).fill() >= LONG_WORDS_FILL,
                _ => self.sum(plane).bits > 0,
            };
            if !is_wanted || (block.len() + bytes) * 100 > data_bytes * MAX_SHARE_PERCENT {
                push_varint(0, &mut directory);
                continue;
            }
            push_varint(parts_per_chunk as u64, &mut directory);
            push_varint(self.sum(plane).fill(), &mut directory);
            for chunk in chunks {
                push_varint(chunk.len() as u64, &mut directory);
                block.extend_from_slice(&chunk);
            }
        }
        Ok((block, directory))
    }

    /// The bits of a plane in all row groups.
    fn sum(&self, plane: usize) -> Plane {
        let planes = self.row_groups.iter().map(|row_group| &row_group.planes[plane]);
        let (bits, set) = planes.fold((0, 0), |(bits, set), plane| (bits + plane.bits, set + plane.set));
        Plane { bits, set, ..Plane::default() }
    }

    /// The chunks of a plane, and how many parts stand in each.
    fn chunks(&self, plane: usize, level: i32) -> Result<(usize, Vec<Vec<u8>>)> {
        let planes = self.row_groups.iter().map(|row_group| &row_group.planes[plane]);
        let planes = planes.map(|plane| Ok((plane, plane.unpack()?))).collect::<Result<Vec<_>>>()?;
        let bytes: usize = planes.iter().map(|(plane, _)| plane.size()).sum();
        let count = (bytes / MIN_CHUNK_BYTES).clamp(1, PARTS);
        // A power of two, so that every chunk has as many parts.
        let count = 1 << count.ilog2();
        let parts_per_chunk = PARTS / count;
        let chunks = (0..count).into_par_iter().map(|chunk| {
            let mut plain = Vec::with_capacity(bytes / count * 2);
            for part in chunk * parts_per_chunk..(chunk + 1) * parts_per_chunk {
                for (plane, parts) in &planes {
                    let bytes = plane.part(part, parts);
                    push_varint(bytes.len() as u64, &mut plain);
                    plain.extend_from_slice(bytes);
                }
            }
            compress_checked(&plain, level)
        });
        Ok((parts_per_chunk, chunks.collect::<Result<_>>()?))
    }
}

/// Writes the sets of the granules of a row group, slot by slot.
fn encode(sets: &[&[u32]], plane: usize) -> Plane {
    let max_slots_log2 = MAX_SLOTS_LOG2[plane];
    let fullest = sets.iter().map(|set| set.len()).max().unwrap_or(0);
    let average = sets.iter().map(|set| set.len()).sum::<usize>() / sets.len().max(1);
    let for_items = |items: usize| (items * SLOTS_PER_ITEM[plane]).max(1).next_power_of_two().ilog2();
    let slots_log2 = for_items(fullest).min(FULLEST_SLOTS_LOG2).max(for_items(average));
    let slots_log2 = slots_log2.clamp(PARTS_LOG2, max_slots_log2);
    let slot_of = |slot: u32| slot as usize >> (max_slots_log2 - slots_log2);
    let slots_per_part = (1usize << slots_log2) / PARTS;
    let mut plane = Plane {
        slots_log2,
        bits: (sets.len() as u64) << slots_log2,
        set: 0,
        bytes: Vec::new(),
        ends: Vec::with_capacity(PARTS),
    };
    // Sets are ascending, so a part is the next few slots of each: its bits are put in their order in a small bitmap.
    let mut left: Vec<&[u32]> = sets.to_vec();
    let mut bits = vec![0u64; (slots_per_part * sets.len()).div_ceil(64)];
    for part in 0..PARTS {
        let first = part * slots_per_part;
        for (granule, left) in left.iter_mut().enumerate() {
            let count = left.partition_point(|slot| slot_of(*slot) < first + slots_per_part);
            let (of_part, rest) = left.split_at(count);
            *left = rest;
            for slot in of_part {
                let bit = (slot_of(*slot) - first) * sets.len() + granule;
                bits[bit / 64] |= 1 << (bit % 64);
            }
        }
        let mut after = 0u64;
        for (index, word) in bits.iter_mut().enumerate() {
            let mut rest = std::mem::take(word);
            while rest != 0 {
                let bit = index as u64 * 64 + u64::from(rest.trailing_zeros());
                push_varint(bit - after, &mut plane.bytes);
                plane.set += 1;
                after = bit + 1;
                rest &= rest - 1;
            }
        }
        plane.ends.push(plane.bytes.len());
    }
    plane
}

/// A set of slots as a bitmap.
struct Slots {
    words: Vec<u64>,
    log2: u32,
}

impl Slots {
    fn new(log2: u32) -> Self {
        Self { words: vec![0; 1 << (log2 - 6)], log2 }
    }

    fn insert(&mut self, hash: u32) {
        let slot = (hash >> (u32::BITS - self.log2)) as usize;
        self.words[slot / 64] |= 1 << (slot % 64);
    }

    /// The slots, ascending; none are left.
    fn take(&mut self) -> Vec<u32> {
        let mut slots = Vec::with_capacity(self.words.iter().map(|word| word.count_ones() as usize).sum());
        for (index, word) in self.words.iter_mut().enumerate() {
            let mut rest = std::mem::take(word);
            while rest != 0 {
                slots.push((index * 64) as u32 + rest.trailing_zeros());
                rest &= rest - 1;
            }
        }
        slots
    }
}

/// Which pieces of texts are collected: with grams all there is else, fives alone.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Pieces {
    Grams,
    Fives,
}

/// What stands in one granule.
struct Granule {
    pieces: Pieces,
    slots: [Slots; PLANES],
    folded: String,
}

/// The distinct values of a column in a granule, while they are few.
type Listed<T> = HashSet<T, Xxh3Builder>;

impl Granule {
    fn new(pieces: Pieces) -> Self {
        Self { slots: MAX_SLOTS_LOG2.map(Slots::new), folded: String::new(), pieces }
    }

    fn take(&mut self) -> [Vec<u32>; PLANES] {
        self.slots.each_mut().map(Slots::take)
    }

    /// Adds what stands in these rows of a column.
    fn column(&mut self, placed: &Placed<'_>, name: Name, rows: &Range<u32>) {
        let start = placed.rows.partition_point(|row| *row < rows.start);
        let end = start + placed.rows[start..].partition_point(|row| *row < rows.end);
        let picks = &placed.picks[start..end];
        if picks.is_empty() {
            return;
        }
        match &placed.column.values {
            Values::Text(texts) => self.texts(texts, picks, name),
            Values::Int(values) => {
                let mut listed = Listed::default();
                let few = picks.iter().all(|pick| {
                    listed.insert(values[*pick as usize]);
                    listed.len() <= MAX_LISTED
                });
                match few {
                    true => listed.iter().for_each(|value| self.term(name.value(&value.to_string()))),
                    false => self.term(name.open()),
                }
            }
            Values::Bool(values) => {
                for bool in [true, false] {
                    if picks.iter().any(|pick| values[*pick as usize] == bool) {
                        self.term(name.value(if bool { "true" } else { "false" }));
                    }
                }
            }
            Values::Float(_) => self.term(name.open()),
            Values::Json(texts) => {
                self.term(name.open());
                let mut last = None;
                for pick in picks {
                    let json = texts.get(*pick as usize);
                    if last != Some(json) {
                        any_string(json, |text| {
                            self.text(text);
                            false
                        });
                        last = Some(json);
                    }
                }
            }
        }
    }

    fn texts(&mut self, texts: &Texts, picks: &[u32], name: Name) {
        let mut listed: Listed<&str> = Listed::default();
        let mut is_open = false;
        let mut last = None;
        for pick in picks {
            let text = texts.get(*pick as usize);
            if last == Some(text) {
                continue;
            }
            last = Some(text);
            is_open |= text.len() > MAX_LISTED_BYTES;
            if !is_open {
                if !listed.insert(text) {
                    continue;
                }
                is_open = listed.len() > MAX_LISTED;
            }
            self.text(text);
        }
        if is_open {
            self.term(name.open());
            return;
        }
        let mut folded = std::mem::take(&mut self.folded);
        for text in listed {
            folded.clear();
            fold_into(text, &mut folded);
            words(&folded, |start, end| self.term(name.word(&folded[start..end])));
        }
        self.folded = folded;
    }

    fn term(&mut self, hash: u32) {
        if self.pieces == Pieces::Grams {
            self.slots[TERMS].insert(hash);
        }
    }

    /// Adds the words and grams of a text.
    fn text(&mut self, text: &str) {
        let mut folded = std::mem::take(&mut self.folded);
        folded.clear();
        fold_into(text, &mut folded);
        match self.pieces {
            Pieces::Grams => {
                words(&folded, |start, end| {
                    let word = &folded[start..end];
                    let plane = if terms::is_long(word) { LONG_WORDS } else { TERMS };
                    self.slots[plane].insert(terms::word(word));
                });
                terms::grams(&folded, |hash| self.slots[GRAMS].insert(hash));
            }
            Pieces::Fives => terms::fives(&folded, |hash| self.slots[FIVES].insert(hash)),
        }
        self.folded = folded;
    }
}
