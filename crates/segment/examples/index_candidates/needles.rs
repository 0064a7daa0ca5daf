//! What stands in each granule, and needles cut from it.

use std::collections::HashSet;

use bytes::Bytes;
use trawl_event::Values;
use trawl_event::block::Projection;
use trawl_event::text::{any_string, fold_into, is_word, words};
use trawl_segment::{Fetched, SegmentReader};

use crate::data::Random;

/// Texts of fewer characters give no needle.
const MIN_TEXT: usize = 24;
/// Texts that are tried for a needle.
const TRIES: usize = 1_000;
/// Between two texts: a noncharacter, which no text of the data holds.
const BETWEEN: char = '\u{10ffff}';

/// The distinct texts of a granule, folded.
#[derive(Default)]
pub struct Granule {
    /// With [`BETWEEN`] behind each.
    pub folded: String,
    /// Where each begins.
    starts: Vec<u32>,
}

impl Granule {
    fn push(&mut self, text: &str) {
        self.starts.push(self.folded.len() as u32);
        fold_into(text, &mut self.folded);
        self.folded.push(BETWEEN);
    }

    fn any_text(&self, random: &mut Random) -> &str {
        let start = self.starts.get(random.below(self.starts.len())).map_or(0, |start| *start as usize);
        self.folded[start..].split(BETWEEN).next().unwrap_or_default()
    }

    /// Whether all pieces of the needle stand in it.
    pub fn holds(&self, needle: &Needle) -> bool {
        needle.pieces.iter().all(|piece| {
            self.folded.match_indices(piece.as_str()).any(|(at, _)| {
                let before = self.folded[..at].chars().next_back();
                let after = self.folded[at + piece.len()..].chars().next();
                !needle.is_word || !(before.is_some_and(is_word) || after.is_some_and(is_word))
            })
        })
    }
}

/// The granules of all row groups, in order.
pub fn granules_of(reader: &SegmentReader, object: &Bytes) -> Vec<Granule> {
    let whole = Fetched::whole(object.clone());
    let texts = Projection::Some { texts: true, names: Default::default(), envelopes: false, times: true };
    let mut granules = Vec::new();
    for (row_group, info) in reader.row_groups().iter().enumerate() {
        let block = reader.read(row_group, &texts, None, &whole).unwrap();
        let base = granules.len();
        granules.resize_with(base + info.granules(), Granule::default);
        for column in &block.columns {
            let mut seen = HashSet::new();
            let (Values::Text(texts) | Values::Json(texts)) = &column.values else { continue };
            for (row, text) in column.rows.iter().zip(texts.iter()) {
                let number = *row as usize / info.granule_rows;
                if !seen.insert((number, text)) {
                    continue;
                }
                let granule: &mut Granule = &mut granules[base + number];
                match &column.values {
                    Values::Json(_) => {
                        any_string(text, |string| {
                            granule.push(string);
                            false
                        });
                    }
                    _ => granule.push(text),
                }
            }
        }
    }
    granules
}

/// Pieces that a granule must hold all of, and whether they are whole words.
pub struct Needle {
    pub pieces: Vec<String>,
    pub is_word: bool,
}

/// A sort of needle.
#[derive(Clone, Copy)]
pub enum Class {
    Word,
    /// A substring of so many characters.
    Inside(usize),
    /// What a regex of two literals of six characters with anything between them needs.
    TwoLiterals,
}

impl Class {
    pub const ALL: [Self; 4] = [Self::Word, Self::Inside(8), Self::Inside(12), Self::TwoLiterals];

    /// A needle from a text of any granule; `None` when no text has one.
    pub fn cut(self, granules: &[Granule], random: &mut Random) -> Option<Needle> {
        (0..TRIES).find_map(|_| {
            let text = granules.get(random.below(granules.len()))?.any_text(random);
            let characters: Vec<char> = text.chars().collect();
            if characters.len() < MIN_TEXT {
                return None;
            }
            let mut piece = |from: usize, to: usize, length: usize| -> String {
                let at = from + random.below(to - from - length + 1);
                characters[at..at + length].iter().collect()
            };
            let middle = characters.len() / 2;
            let (pieces, is_word) = match self {
                Self::Word => {
                    let mut found = Vec::new();
                    words(text, |start, end| found.push(&text[start..end]));
                    (vec![(*found.get(random.below(found.len()))?).to_owned()], true)
                }
                Self::Inside(length) => (vec![piece(0, characters.len(), length)], false),
                Self::TwoLiterals => (vec![piece(0, middle, 6), piece(middle, characters.len(), 6)], false),
            };
            Some(Needle { pieces, is_word })
        })
    }
}
