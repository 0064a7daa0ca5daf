//! What the index of a segment costs and skips: `index_report SEGMENT.parquet`.
//!
//! Needles are cut from texts of the segment by a fixed seed. Of the granules that do not hold a needle, the share
//! that would be read for it is printed, with the bytes and requests of index that this takes.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)]

use std::collections::HashSet;

use bytes::Bytes;
use trawl_event::block::Projection;
use trawl_event::text::{fold_into, words};
use trawl_event::{Evidence, Fragment, Values};
use trawl_segment::{Fetched, IndexQuery, SegmentReader};

/// Needles of each class.
const NEEDLES: usize = 60;
/// Texts shorter than this give no needle, in bytes.
const MIN_TEXT: usize = 24;

/// Pieces that a granule must hold all of, and whether they are whole words.
struct Needle {
    pieces: Vec<String>,
    is_word: bool,
}

fn main() {
    let path = std::env::args().nth(1).expect("the path of a segment");
    let object = Bytes::from(std::fs::read(path).unwrap());
    let (reader, footer_offset) = open(&object);
    let mut granules: Vec<(usize, usize, String)> = Vec::new();
    let mut samples: Vec<String> = Vec::new();
    let mut random = random();
    let everything = Fetched::whole(object.clone());
    for (row_group, info) in reader.row_groups().iter().enumerate() {
        let texts = Projection::Some { texts: true, names: Default::default(), envelopes: false, times: true };
        let block = reader.read(row_group, &texts, None, &everything).unwrap();
        let rows = info.granule_rows;
        let base = granules.len();
        granules.extend((0..info.granules()).map(|granule| (row_group, granule, String::new())));
        for column in &block.columns {
            let Values::Text(texts) = &column.values else { continue };
            let mut seen = HashSet::new();
            for (row, text) in column.rows.iter().zip(texts.iter()) {
                let granule = *row as usize / rows;
                if seen.insert((granule, text)) {
                    fold_into(text, &mut granules[base + granule].2);
                    granules[base + granule].2.push('\n');
                }
            }
            let text = texts.get(random() % texts.len().max(1)).to_owned();
            samples.extend((text.len() >= MIN_TEXT && text.is_ascii()).then_some(text));
        }
    }
    let raw = reader.raw_bytes();
    println!(
        "{} bytes, footer and directory {}, {} granules",
        object.len(),
        object.len() as u64 - footer_offset,
        granules.len()
    );
    println!("events as sent: {raw} bytes; {} texts to cut needles from", samples.len());
    let mut piece = |text: &str, length: usize, half: usize| {
        let (from, room) = (half * text.len() / 2, text.len() / if half < 2 { 2 } else { 1 });
        let at = if half < 2 { from } else { 0 } + random() % (room - length + 1).max(1);
        text[at..at + length].to_lowercase()
    };
    type Cut<'c> = &'c mut dyn FnMut(&str) -> Option<Needle>;
    let piece = std::cell::RefCell::new(&mut piece);
    let inside = |pieces: Vec<String>| Some(Needle { pieces, is_word: false });
    let classes: [(&str, Cut<'_>); 4] = [
        ("a whole word", &mut |text| {
            let mut found = Vec::new();
            words(text, |start, end| found.push(text[start..end].to_lowercase()));
            let at = text.len() % found.len().max(1);
            found.get(at).map(|word| Needle { pieces: vec![word.clone()], is_word: true })
        }),
        ("a substring of 8", &mut |text| inside(vec![piece.borrow_mut()(text, 8, 2)])),
        ("a substring of 12", &mut |text| inside(vec![piece.borrow_mut()(text, 12, 2)])),
        ("a regex with two literals of 6", &mut |text| {
            let mut piece = piece.borrow_mut();
            inside(vec![piece(text, 6, 0), piece(text, 6, 1)])
        }),
    ];
    for (name, cut) in classes {
        let step = (samples.len() / NEEDLES).max(1);
        let needles: Vec<Needle> = samples.iter().step_by(step).filter_map(|text| cut(text)).collect();
        report(name, &needles, &reader, &object, &granules);
    }
}

fn report(name: &str, needles: &[Needle], reader: &SegmentReader, object: &Bytes, granules: &[(usize, usize, String)]) {
    let (mut without, mut read, mut gets, mut bytes) = (0u64, 0u64, 0u64, 0u64);
    for needle in needles {
        let fragment = |text: &String| {
            Evidence::Text(Fragment { text: text.clone(), starts_word: needle.is_word, ends_word: needle.is_word })
        };
        let query = IndexQuery::new(&Evidence::all(needle.pieces.iter().map(fragment)));
        let ranges = reader.index_ranges(&query);
        gets += ranges.len() as u64;
        bytes += ranges.iter().map(|range| range.end - range.start).sum::<u64>();
        let part = |range: &std::ops::Range<u64>| (range.start, object.slice(range.start as usize..range.end as usize));
        let fetched: Fetched = ranges.iter().map(part).collect();
        let found = reader.candidates(&query, &fetched).unwrap();
        for (row_group, granule, text) in granules {
            let is_candidate = found[*row_group].contains(*granule);
            let holds = needle.pieces.iter().all(|piece| holds(text, piece, needle.is_word));
            assert!(is_candidate || !holds, "{:?} is hidden", needle.pieces);
            without += u64::from(!holds);
            read += u64::from(is_candidate && !holds);
        }
    }
    let count = needles.len().max(1) as f64;
    let share = read as f64 * 100.0 / without.max(1) as f64;
    println!(
        "{name}: {share:.2} % of the granules without it are read ({} needles; index: {:.1} requests, {:.0} bytes each)",
        needles.len(),
        gets as f64 / count,
        bytes as f64 / count
    );
}

fn holds(text: &str, piece: &str, is_word: bool) -> bool {
    let is_letter =
        |byte: Option<&u8>| byte.is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b'_' || *byte > 127);
    text.match_indices(piece).any(|(at, _)| {
        let bytes = text.as_bytes();
        let before = at.checked_sub(1).and_then(|before| bytes.get(before));
        !is_word || (!is_letter(before) && !is_letter(bytes.get(at + piece.len())))
    })
}

/// A segment by the longest end of it that opens: the catalog, which knows, is not at hand here.
fn open(object: &Bytes) -> (SegmentReader, u64) {
    let key = b"trawl.directory";
    let at = object.windows(key.len()).rposition(|window| window == key).expect("a segment with an index");
    let digits = object[at..].iter().skip_while(|byte| **byte != b'[').skip(1).take_while(|byte| byte.is_ascii_digit());
    let offset = digits.fold(0, |offset, digit| offset * 10 + u64::from(digit - b'0'));
    let reader = SegmentReader::open(&object[offset as usize..], offset).unwrap();
    (reader, offset)
}

/// Numbers that are the same in every run (Knuth's MMIX generator).
fn random() -> impl FnMut() -> usize {
    let mut state = 20_260_302u64;
    move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize
    }
}
