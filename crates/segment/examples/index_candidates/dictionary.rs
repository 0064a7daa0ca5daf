//! The other candidate: every word, sorted, with the granules it stands in.
//!
//! ```text
//!   block      zstd level 9, of about [`BLOCK_BYTES`]:  for each word, varints: bytes shared with the word before,
//!              bytes that follow, granules; then the bytes that follow
//!   postings   zstd level 9, one for each block: for each of its words the granules as varint gaps
//!   sparse     the first word of each block, and the lengths of both (4 bytes each)
//! ```
//!
//! A word takes its block and the postings of that. What may stand inside words takes all blocks, since any word may
//! hold it, and the postings of the words that do. A piece that spans words takes the end of one, whole ones and the
//! beginning of another. Fields are left out: the matrix has them, so that the dictionary comes out too small here.

use std::collections::BTreeSet;
use std::ops::Range;

use rayon::prelude::*;
use trawl_event::text::words;

use crate::needles::{Granule, Needle};

/// Bytes of a block before compression.
const BLOCK_BYTES: usize = 64 * 1024;
const LEVEL: i32 = 9;

pub struct Dictionary<'g> {
    granules: usize,
    words: Vec<Word<'g>>,
    postings: Vec<u32>,
    blocks: Vec<Block>,
    sparse_bytes: u64,
}

struct Word<'g> {
    text: &'g str,
    postings: Range<usize>,
    block: usize,
}

/// Lengths, after compression.
struct Block {
    words_bytes: u64,
    postings_bytes: u64,
}

impl<'g> Dictionary<'g> {
    pub fn new(granules: &'g [Granule]) -> Self {
        let of_granule = |(granule, number): (&'g Granule, u32)| {
            let mut found = BTreeSet::new();
            words(&granule.folded, |start, end| {
                found.insert(&granule.folded[start..end]);
            });
            found.into_iter().map(|word| (word, number)).collect::<Vec<_>>()
        };
        let numbers = (0..granules.len() as u32).into_par_iter();
        let mut pairs: Vec<(&str, u32)> = granules.par_iter().zip(numbers).flat_map_iter(of_granule).collect();
        pairs.par_sort_unstable();
        let postings = pairs.iter().map(|(_, granule)| *granule).collect();
        let mut at = 0;
        let of_word = pairs.chunk_by(|(one, _), (other, _)| one == other).map(|chunk| {
            at += chunk.len();
            Word { text: chunk[0].0, postings: at - chunk.len()..at, block: 0 }
        });
        let words = of_word.collect();
        let mut dictionary = Self { granules: granules.len(), words, postings, blocks: Vec::new(), sparse_bytes: 0 };
        dictionary.write();
        dictionary
    }

    /// Writes the blocks, of which only the lengths are kept.
    fn write(&mut self) {
        let (mut plain, mut gaps) = (Vec::new(), Vec::new());
        let mut before = "";
        for word in &mut self.words {
            if plain.is_empty() {
                before = "";
                self.sparse_bytes += word.text.len() as u64 + 8;
            }
            word.block = self.blocks.len();
            let shared = before.bytes().zip(word.text.bytes()).take_while(|(one, other)| one == other).count();
            push_varint(shared, &mut plain);
            push_varint(word.text.len() - shared, &mut plain);
            push_varint(word.postings.len(), &mut plain);
            plain.extend_from_slice(&word.text.as_bytes()[shared..]);
            before = word.text;
            let mut after = 0;
            for granule in &self.postings[word.postings.clone()] {
                push_varint((granule - after) as usize, &mut gaps);
                after = granule + 1;
            }
            if plain.len() >= BLOCK_BYTES {
                self.blocks.push(Block::of(&mut plain, &mut gaps));
            }
        }
        if !plain.is_empty() {
            self.blocks.push(Block::of(&mut plain, &mut gaps));
        }
    }

    pub fn bytes(&self) -> u64 {
        self.sparse_bytes + self.blocks.iter().map(|block| block.words_bytes + block.postings_bytes).sum::<u64>()
    }

    /// The granules that may hold the needle, and the bytes of index that say so.
    pub fn candidates(&self, needle: &Needle) -> (Vec<bool>, u64) {
        let mut read = Read::default();
        let mut candidates = vec![true; self.granules];
        for piece in &needle.pieces {
            words(piece, |start, end| {
                let (word, is_inside) = (&piece[start..end], !needle.is_word);
                let found =
                    self.granules_with(word, is_inside && start == 0, is_inside && end == piece.len(), &mut read);
                candidates.iter_mut().zip(found).for_each(|(candidate, found)| *candidate &= found);
            });
        }
        let words_bytes = read.words.iter().map(|block| self.blocks[*block].words_bytes).sum::<u64>();
        let postings_bytes = read.postings.iter().map(|block| self.blocks[*block].postings_bytes).sum::<u64>();
        (candidates, self.sparse_bytes + words_bytes + postings_bytes)
    }

    /// The granules with a word that is this one, or goes on at its open sides.
    fn granules_with(&self, part: &str, open_start: bool, open_end: bool, read: &mut Read) -> Vec<bool> {
        let from = self.words.partition_point(|word| word.text < part);
        let range = match (open_start, open_end) {
            (true, _) => 0..self.words.len(),
            (false, true) => from..from + self.words[from..].partition_point(|word| word.text.starts_with(part)),
            (false, false) => from..from + self.words[from..].partition_point(|word| word.text == part),
        };
        // A word that is not there is looked for in the block where it would stand.
        let first = range.start.min(self.words.len().saturating_sub(1));
        let looked_at = self.words.get(first..range.end.max(first + 1)).unwrap_or_default();
        read.words
            .extend(looked_at.first().zip(looked_at.last()).map_or(0..0, |(one, other)| one.block..other.block + 1));
        let mut granules = vec![false; self.granules];
        for word in &self.words[range] {
            let fits = match (open_start, open_end) {
                (true, true) => word.text.contains(part),
                (true, false) => word.text.ends_with(part),
                (false, _) => true,
            };
            if fits {
                read.postings.insert(word.block);
                self.postings[word.postings.clone()].iter().for_each(|granule| granules[*granule as usize] = true);
            }
        }
        granules
    }
}

/// The blocks that a needle reads.
#[derive(Default)]
struct Read {
    words: BTreeSet<usize>,
    postings: BTreeSet<usize>,
}

impl Block {
    /// Compresses and empties both.
    fn of(plain: &mut Vec<u8>, gaps: &mut Vec<u8>) -> Self {
        let length = |bytes: &mut Vec<u8>| zstd::bulk::compress(&std::mem::take(bytes), LEVEL).unwrap().len() as u64;
        Self { words_bytes: length(plain), postings_bytes: length(gaps) }
    }
}

fn push_varint(mut value: usize, out: &mut Vec<u8>) {
    while value > 0x7f {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}
