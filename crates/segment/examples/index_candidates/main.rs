//! The index of a segment and the other one that was thought of, measured side by side:
//! `cargo run --profile quick -p trawl-segment --example index_candidates -- [--mb N] [events.ndjson …] [worst]`
//!
//! Each file (its first N MB), and for `worst` each generated worst case, becomes a segment as the compactor writes
//! it. The *matrix* is the index in it. The *dictionary* is built here, beside it: all words with postings by granule
//! (see `dictionary`). Needles are cut by a fixed seed from texts of the events. Printed are the bytes of both, and
//! of the granules that do not hold a needle the share that either would have read for it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout, clippy::print_stderr)]

mod data;
mod dictionary;
mod needles;

use bytes::Bytes;
use rayon::prelude::*;
use trawl_event::{Evidence, Fragment};
use trawl_segment::{Fetched, IndexQuery, Segment, SegmentReader};

use data::Random;
use dictionary::Dictionary;
use needles::{Class, Granule, Needle, granules_of};

/// Needles of each class.
const NEEDLES: usize = 200;
/// Below so many granules one granule more or less makes a share meaningless.
const FEW_GRANULES: usize = 20;
/// The name of all generated sets, as an argument.
const WORST: &str = "worst";

fn main() {
    let mut most_bytes = usize::MAX;
    let mut names = Vec::new();
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--mb" => most_bytes = arguments.next().unwrap().parse::<usize>().unwrap() * 1_000_000,
            WORST => names.extend(data::WORST_CASES.iter().map(|(name, _)| (*name).to_owned())),
            _ => names.push(argument),
        }
    }
    println!("M: matrix, D: dictionary; shares of the granules without the needle; KB: index that a needle reads\n");
    println!("| data | raw MB | granules | segment MB | index M | index D | directory |");
    println!("| --- | --- | --- | --- | --- | --- | --- |");
    let mut skips = Vec::new();
    for name in &names {
        let segment = data::segment(name, most_bytes);
        let (sizes, skip) = measure(name, &segment);
        println!("{sizes}");
        skips.push(skip);
    }
    println!("\n| data | word M | word D | 8 M | 8 D | 12 M | 12 D | 6 + 6 M | 6 + 6 D | KB word M | D | KB 8 M | D |");
    println!("| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |");
    skips.iter().for_each(|skip| println!("{skip}"));
}

/// The rows of a data set in both tables.
fn measure(name: &str, segment: &Segment) -> (String, String) {
    let directory = &segment.bytes[segment.footer_offset as usize..][..segment.directory_bytes as usize];
    let reader = SegmentReader::open(directory, segment.footer_offset).unwrap();
    let granules = granules_of(&reader, &segment.bytes);
    let dictionary = Dictionary::new(&granules);
    let name = name.rsplit('/').next().unwrap_or(name).trim_end_matches(".ndjson");
    let matrix = Matrix { reader, object: segment.bytes.clone() };

    let size = segment.bytes.len() as u64;
    let matrix_bytes = segment.index_bytes - segment.directory_bytes;
    let dictionary_bytes = dictionary.bytes();
    let share = |part: u64, of: u64| format!("{} KB, {:.1} %", part / 1000, part as f64 * 100.0 / of as f64);
    let sizes = format!(
        "| {name} | {:.1} | {} | {:.2} | {} | {} | {} |",
        segment.raw_bytes as f64 / 1e6,
        granules.len(),
        size as f64 / 1e6,
        share(matrix_bytes, size),
        share(dictionary_bytes, size - matrix_bytes + dictionary_bytes),
        share(segment.directory_bytes, size),
    );

    let mut random = Random::default();
    let classes = Class::ALL.map(|class| {
        let needles: Vec<Needle> = (0..NEEDLES).filter_map(|_| class.cut(&granules, &mut random)).collect();
        compare(&needles, &matrix, &dictionary, &granules)
    });
    let few = if granules.len() < FEW_GRANULES { " (few granules)" } else { "" };
    let shares = classes.iter().map(|[matrix, dictionary]| format!(" {} | {} |", matrix.share(), dictionary.share()));
    let reads = [0, 1].map(|class: usize| format!(" {} | {} |", classes[class][0].kb(), classes[class][1].kb()));
    (sizes, format!("| {name}{few} |{}{}", shares.collect::<String>(), reads.concat()))
}

/// What an index let through, over some needles.
#[derive(Default)]
struct Outcome {
    needles: u64,
    /// Granules without the needle, summed over the needles.
    without: u64,
    /// Those of them that are read.
    in_vain: u64,
    index_bytes: u64,
}

impl Outcome {
    fn share(&self) -> String {
        match self.without {
            0 => "–".to_owned(),
            without => format!("{:.1} %", self.in_vain as f64 * 100.0 / without as f64),
        }
    }

    fn kb(&self) -> String {
        match self.needles {
            0 => "–".to_owned(),
            needles => (self.index_bytes / needles).div_ceil(1000).to_string(),
        }
    }

    fn add(&mut self, needle: &Needle, (candidates, bytes): (Vec<bool>, u64), holding: &[bool]) {
        self.needles += 1;
        self.index_bytes += bytes;
        for (is_candidate, holds) in candidates.into_iter().zip(holding) {
            assert!(is_candidate || !holds, "{:?} is hidden", needle.pieces);
            self.without += u64::from(!holds);
            self.in_vain += u64::from(is_candidate && !holds);
        }
    }
}

/// Matrix and dictionary.
fn compare(needles: &[Needle], matrix: &Matrix, dictionary: &Dictionary<'_>, granules: &[Granule]) -> [Outcome; 2] {
    let mut outcomes = [Outcome::default(), Outcome::default()];
    for needle in needles {
        let holding: Vec<bool> = granules.par_iter().map(|granule| granule.holds(needle)).collect();
        outcomes[0].add(needle, matrix.candidates(needle), &holding);
        outcomes[1].add(needle, dictionary.candidates(needle), &holding);
    }
    outcomes
}

/// The index inside the segment.
struct Matrix {
    reader: SegmentReader,
    object: Bytes,
}

impl Matrix {
    /// The granules that may hold the needle, and the bytes of index that say so.
    fn candidates(&self, needle: &Needle) -> (Vec<bool>, u64) {
        let fragment = |text: &String| {
            Evidence::Text(Fragment { text: text.clone(), starts_word: needle.is_word, ends_word: needle.is_word })
        };
        let query = IndexQuery::new(&Evidence::all(needle.pieces.iter().map(fragment)));
        let ranges = self.reader.index_ranges(&query);
        let bytes = ranges.iter().map(|range| range.end - range.start).sum();
        let part =
            |range: &std::ops::Range<u64>| (range.start, self.object.slice(range.start as usize..range.end as usize));
        let fetched: Fetched = ranges.iter().map(part).collect();
        let found = self.reader.candidates(&query, &fetched).unwrap();
        let of_row_group = |(granules, info): (&trawl_event::RowSet, &trawl_segment::RowGroup)| {
            (0..info.granules()).map(|granule| granules.contains(granule)).collect::<Vec<_>>()
        };
        (found.iter().zip(self.reader.row_groups()).flat_map(of_row_group).collect(), bytes)
    }
}
