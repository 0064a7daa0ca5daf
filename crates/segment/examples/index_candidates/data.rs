//! Events, read or generated, as a segment.

use std::io::{BufRead, BufReader};

use trawl_event::shred::{Shredder, TimeRule};
use trawl_event::{Block, Timestamp};
use trawl_segment::{Schema, Segment, SegmentWriter, WriteOptions};

/// Bytes of events of each generated set.
const GENERATED_BYTES: usize = 24_000_000;

/// Makes an event of its number.
type Generator = fn(u64, &mut Random) -> String;

/// Sets that are hard on an index, by name.
pub const WORST_CASES: [(&str, Generator); 7] = [
    ("every word unique", |n, random| message(n, &words(random, 8, |random| random.hex(16)))),
    ("no word", |n, random| {
        let signs: Vec<char> = "!#$%&()*+,-./:;<=>?@[]^{|}~   ".chars().collect();
        message(n, &(0..120).map(|_| signs[random.below(signs.len())]).collect::<String>())
    }),
    ("one giant word", |n, random| {
        message(n, &(0..60_000).map(|_| char::from(b'a' + random.below(26) as u8)).collect::<String>())
    }),
    ("Cyrillic", |n, random| message(n, &words(random, 12, |random| random.vocabulary(0x430, 32)))),
    // As many characters as are in use.
    ("Chinese", |n, random| message(n, &words(random, 4, |random| random.characters(0x4e00, 5_000, 8)))),
    ("emoji", |n, random| message(n, &words(random, 8, |random| random.characters(0x1f600, 80, 7)))),
    ("five random ids", |n, random| {
        let [trace, span, request, user, session] = [32, 16, 32, 16, 24].map(|digits| random.hex(digits));
        format!(
            r#"{{"timestamp":{},"service":"checkout","level":"INFO","message":"request {request} done in {} ms","trace_id":"{trace}","span_id":"{span}","user":"{user}","session":"{session}"}}"#,
            time(n),
            random.below(900)
        )
    }),
];

/// Epoch milliseconds of an event.
fn time(number: u64) -> u64 {
    1_772_445_600_000 + number * 10
}

fn message(number: u64, text: &str) -> String {
    format!(r#"{{"timestamp":{},"message":"{text}"}}"#, time(number))
}

fn words(random: &mut Random, count: usize, word: impl Fn(&mut Random) -> String) -> String {
    (0..count).map(|_| word(random)).collect::<Vec<_>>().join(" ")
}

/// The segment of a file or of a worst case.
pub fn segment(name: &str, most_bytes: usize) -> Segment {
    let options = WriteOptions { source: "index candidates".into(), ..WriteOptions::compaction() };
    let mut blocks = Blocks { options: &options, shredder: Shredder::default(), bytes: 0, done: Vec::new() };
    match WORST_CASES.iter().find(|(case, _)| *case == name) {
        Some((_, generate)) => {
            let (mut random, mut bytes) = (Random::default(), 0);
            for number in 0.. {
                let event = generate(number, &mut random);
                bytes += event.len();
                blocks.push(event.as_bytes());
                if bytes >= GENERATED_BYTES {
                    break;
                }
            }
        }
        None => {
            let mut lines = BufReader::with_capacity(1 << 20, std::fs::File::open(name).expect(name));
            let (mut line, mut bytes) = (Vec::new(), 0);
            while bytes < most_bytes && lines.read_until(b'\n', &mut line).unwrap() > 0 {
                bytes += line.len();
                blocks.push(line.trim_ascii_end());
                line.clear();
            }
        }
    }
    let blocks = blocks.finish();
    let mut writer = SegmentWriter::new(&options, Schema::of_blocks(&blocks)).unwrap();
    blocks.iter().for_each(|block| writer.push(block).unwrap());
    writer.finish().unwrap()
}

/// Blocks of a row group each, as the compactor makes them.
struct Blocks<'o> {
    options: &'o WriteOptions,
    shredder: Shredder,
    bytes: usize,
    done: Vec<Block>,
}

impl Blocks<'_> {
    fn push(&mut self, event: &[u8]) {
        let is_full = self.bytes + event.len() > self.options.row_group_bytes as usize
            || self.shredder.rows() == self.options.row_group_rows;
        if is_full {
            self.cut();
        }
        self.bytes += event.len();
        let rule = TimeRule { received: Timestamp(0), oldest: Timestamp::MIN, latest: Timestamp::MAX };
        self.shredder.push(event, &rule).unwrap();
    }

    fn cut(&mut self) {
        self.done.push(std::mem::take(&mut self.shredder).finish());
        self.bytes = 0;
    }

    fn finish(mut self) -> Vec<Block> {
        self.cut();
        self.done
    }
}

/// Numbers that are the same in every run (Knuth's MMIX generator).
pub struct Random(u64);

impl Default for Random {
    fn default() -> Self {
        Self(20_260_302)
    }
}

impl Random {
    /// A number below `end`, or 0.
    pub fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % end.max(1)
    }

    fn hex(&mut self, digits: usize) -> String {
        (0..digits).map(|_| char::from_digit(self.below(16) as u32, 16).unwrap()).collect()
    }

    /// Some characters of `count` from `first` on.
    fn characters(&mut self, first: u32, count: usize, most: usize) -> String {
        let length = 1 + self.below(most);
        (0..length).map(|_| char::from_u32(first + self.below(count) as u32).unwrap()).collect()
    }

    /// A word of a vocabulary of fifty thousand, of which the r-th is about 1/r as frequent as the first.
    fn vocabulary(&mut self, first: u32, letters: usize) -> String {
        let rank = 50_000f64.powf(self.below(1 << 20) as f64 / f64::from(1 << 20)) as u64;
        let mut of_rank = Self(rank.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let length = 2 + of_rank.below(12);
        // Some letters are more frequent than others.
        let mut letter = || of_rank.below(letters).min(of_rank.below(letters)) as u32;
        (0..length).map(|_| char::from_u32(first + letter()).unwrap()).collect()
    }
}
