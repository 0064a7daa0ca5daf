//! Runs of bytes without which a regex cannot match.
//!
//! Every match of `(?:\d{1,3}\.){3}\d{1,3}:\d{4,5}` holds a digit, a colon and four digits in a row: a *run* of six
//! bytes, each from a set. Such a run is found several times faster than the regex goes through a text, by its rarest
//! byte (`memchr`) or, when none is rare, by looking at the last byte of where it could be and leaping over what
//! cannot hold it (R. N. Horspool, "Practical fast searching in strings", 1980, with sets in place of characters).

use regex_syntax::hir::{Hir, HirKind, Repetition};

use super::byteset::{self, ByteSet};

/// Longest run, in bytes: one bit each in a table.
const MAX_RUN: usize = 16;
/// Most copies of an expression that is repeated a fixed number of times.
const MAX_COPIES: u32 = 4;
/// Most expressions that are looked at, copies included: they multiply where repetitions are nested.
const MAX_STEPS: usize = 512;
/// Most bytes that `memchr` looks for at once.
const MAX_RARE: usize = 3;

// What things cost, in nanoseconds, as measured on one x86-64 core. Only the choice of a search depends on them.
/// One byte passed by `memchr`.
const MEMCHR_NS: f64 = 0.06;
/// One hit of `memchr`, looked at and refused.
const RARE_HIT_NS: f64 = 3.0;
/// One leap.
const LEAP_NS: f64 = 1.3;
/// Finding the text of a hit.
const MAP_NS: f64 = 15.0;
/// Asking the regex about one text.
const CONFIRM_NS: f64 = 100.0;
/// Length of a text, in bytes: it is asked about once.
const TEXT_BYTES: f64 = 100.0;
/// Most that a search for a run may cost for each byte; a regex takes about two.
const MAX_NS: f64 = 1.2;

/// A run of bytes that every match of a regex holds, and how it is looked for.
pub(super) struct Run {
    /// How many bytes.
    len: usize,
    /// For each byte, in which places of the run it may stand, as bits.
    places: Box<[u16; 256]>,
    search: Search,
    /// Most bytes of a match before the run; `None` without bound.
    pub(super) before: Option<usize>,
    /// Whether the run is all there is to the regex.
    pub(super) is_all: bool,
}

enum Search {
    /// By these bytes, of which one stands at `place`.
    Rare { bytes: Vec<u8>, place: usize },
    /// By how far the run can at least be moved on when this byte stands at its last place and does not belong there;
    /// for a byte that does, when it has another reason to be elsewhere.
    Leaps(Box<[u8; 256]>),
}

impl Run {
    /// The run of this regex that is found at the least cost, if that is worth it.
    pub(super) fn of(hir: &Hir) -> Option<Self> {
        let mut collector = Collector { runs: Vec::new(), current: Vec::new(), before: Some(0), steps: 0 };
        collector.walk(hir);
        collector.close(Some(0));
        let plans = collector.runs.into_iter().map(|(sets, before)| plan(sets, before, hir));
        let (_, best) = plans.min_by(|(a, _), (b, _)| a.total_cmp(b)).filter(|(cost_ns, _)| *cost_ns < MAX_NS)?;
        Some(best)
    }

    /// How many bytes it has.
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// Where the next run stands in `bytes`, from `at` on.
    pub(super) fn find(&self, bytes: &[u8], at: usize) -> Option<usize> {
        match &self.search {
            Search::Rare { bytes: rare, place } => {
                let mut from = at + place;
                while from < bytes.len() {
                    let rest = &bytes[from..];
                    let found = match rare[..] {
                        [one] => memchr::memchr(one, rest),
                        [one, two] => memchr::memchr2(one, two, rest),
                        [one, two, three] => memchr::memchr3(one, two, three, rest),
                        _ => None,
                    };
                    let start = from + found? - place;
                    if bytes.get(start..start + self.len).is_some_and(|window| self.misfit(window).is_none()) {
                        return Some(start);
                    }
                    from = start + place + 1;
                }
                None
            }
            Search::Leaps(leaps) => {
                let last_bit = self.len - 1;
                let mut last = at + last_bit;
                while let Some(byte) = bytes.get(last) {
                    if self.places[usize::from(*byte)] >> last_bit & 1 == 0 {
                        last += usize::from(leaps[usize::from(*byte)]);
                        continue;
                    }
                    let start = last - last_bit;
                    match self.misfit(&bytes[start..=last]) {
                        None => return Some(start),
                        // What stands there belongs nowhere in the run: on beyond it.
                        Some(place) if self.places[usize::from(bytes[start + place])] == 0 => last += place + 1,
                        Some(_) => last += usize::from(leaps[usize::from(*byte)]),
                    }
                }
                None
            }
        }
    }

    /// The last place at which these bytes are not the run.
    fn misfit(&self, window: &[u8]) -> Option<usize> {
        (0..window.len()).rev().find(|place| self.places[usize::from(window[*place])] >> place & 1 == 0)
    }
}

/// The best way to look for a run, and its cost for each byte in nanoseconds.
fn plan(sets: Vec<ByteSet>, before: Option<usize>, hir: &Hir) -> (f64, Run) {
    let len = sets.len();
    let mut places = Box::new([0u16; 256]);
    let mut leaps = Box::new([len as u8; 256]);
    for (place, set) in sets.iter().enumerate() {
        for byte in set.iter() {
            places[usize::from(byte)] |= 1 << place;
            if place + 1 < len {
                // Later places overwrite earlier ones: what is left is the shortest leap.
                leaps[usize::from(byte)] = (len - 1 - place) as u8;
            }
        }
    }
    let shares: Vec<f64> = sets.iter().map(ByteSet::share).collect();
    let hits = shares.iter().product::<f64>().min(1.0 / TEXT_BYTES);
    let rarest = (0..len).filter(|place| sets[*place].iter().count() <= MAX_RARE);
    let rarest = rarest.min_by(|a, b| shares[*a].total_cmp(&shares[*b]));
    let mean_leap: f64 = (0..=u8::MAX).map(|byte| byteset::share(byte) * f64::from(leaps[usize::from(byte)])).sum();
    let leaps_ns = LEAP_NS / mean_leap.max(1.0);
    let (search_ns, search) = match rarest.map(|place| (MEMCHR_NS + shares[place] * RARE_HIT_NS, place)) {
        Some((ns, place)) if ns <= leaps_ns => (ns, Search::Rare { bytes: sets[place].iter().collect(), place }),
        _ => (leaps_ns, Search::Leaps(leaps)),
    };
    let properties = hir.properties();
    let is_all = before == Some(0)
        && properties.minimum_len() == Some(len)
        && properties.maximum_len() == Some(len)
        && properties.look_set().is_empty();
    let hit_ns = if is_all { MAP_NS } else { MAP_NS + CONFIRM_NS };
    (search_ns + hits * hit_ns, Run { len, places, search, before, is_all })
}

/// Collects the runs of an expression from its beginning to its end.
struct Collector {
    /// Each with the most bytes before it.
    runs: Vec<(Vec<ByteSet>, Option<usize>)>,
    current: Vec<ByteSet>,
    /// Most bytes before the current run.
    before: Option<usize>,
    steps: usize,
}

impl Collector {
    fn walk(&mut self, hir: &Hir) {
        self.steps += 1;
        if self.steps > MAX_STEPS {
            return self.close(hir.properties().maximum_len());
        }
        match hir.kind() {
            // What an assertion looks at is not part of the match: the bytes around it are still side by side.
            HirKind::Empty | HirKind::Look(_) => {}
            HirKind::Literal(literal) => literal.0.iter().for_each(|byte| self.push(ByteSet::of(*byte))),
            HirKind::Class(class) => match ByteSet::of_class(class) {
                Some(set) => self.push(set),
                None => self.close(hir.properties().maximum_len()),
            },
            HirKind::Capture(capture) => self.walk(&capture.sub),
            HirKind::Concat(parts) => parts.iter().for_each(|part| self.walk(part)),
            HirKind::Repetition(repetition) if repetition.min > 0 => self.repeat(hir, repetition),
            HirKind::Repetition(_) | HirKind::Alternation(_) => self.close(hir.properties().maximum_len()),
        }
    }

    fn repeat(&mut self, hir: &Hir, repetition: &Repetition) {
        let single = match repetition.sub.kind() {
            HirKind::Class(class) => ByteSet::of_class(class),
            HirKind::Literal(literal) if literal.0.len() == 1 => Some(ByteSet::of(literal.0[0])),
            _ => None,
        };
        let most = repetition.max.map(|max| max as usize);
        match single {
            Some(set) => {
                let copies = (repetition.min as usize).min(MAX_RUN);
                (0..copies).for_each(|_| self.push(set.clone()));
                if most != Some(copies) {
                    // The first copies end a run; the last ones, which may be the same, begin another.
                    self.close(most.map(|most| most - copies));
                    (0..copies).for_each(|_| self.current.push(set.clone()));
                    self.before = self.before.map(|before| before - copies);
                }
            }
            None => {
                let copies = match repetition.max {
                    Some(max) if max == repetition.min && max <= MAX_COPIES => max,
                    _ => 1,
                };
                (0..copies).for_each(|_| self.walk(&repetition.sub));
                if repetition.max != Some(copies) {
                    self.close(hir.properties().maximum_len());
                }
            }
        }
    }

    fn push(&mut self, set: ByteSet) {
        if self.current.len() == MAX_RUN {
            self.close(Some(0));
        }
        self.current.push(set);
    }

    /// Ends the current run; the next one begins after a gap of at most so many bytes.
    fn close(&mut self, gap: Option<usize>) {
        let run = std::mem::take(&mut self.current);
        let len = run.len();
        if len > 0 {
            self.runs.push((run, self.before));
        }
        self.before = self.before.zip(gap).and_then(|(before, gap)| before.checked_add(gap)?.checked_add(len));
    }
}
