//! A regular expression over many texts.

use std::ops::Range;

use aho_corasick::AhoCorasick;
use memchr::memmem;
use regex_automata::Input;
use regex_automata::meta::{Cache, Regex};
use trawl_event::Plain;

use super::run::Run;
use super::{Scratch, required, text_at};
use crate::regexes::Compiled;

/// Longest match of a regex that is searched for across the borders of texts, in bytes: how far
/// such a search can run beyond the end of a text for nothing.
const MAX_SPAN: usize = 128;

/// A regex and the way it goes through a column.
pub(crate) struct RegexMatcher {
    regex: Regex,
    plan: Plan,
}

enum Plan {
    /// Look for a literal that every match holds; only texts with a hit see the regex.
    One(Box<memmem::Finder<'static>>),
    /// The same with several literals.
    Many(AhoCorasick),
    /// Look for a run of bytes that every match holds.
    Run(Run),
    /// Search all texts as one: a match is short, not empty, and does not depend on what stands around it.
    Through,
    /// Each text on its own.
    Each,
}

impl RegexMatcher {
    pub(super) fn new(compiled: Compiled) -> Self {
        let Compiled { regex, hir } = compiled;
        let properties = hir.properties();
        let short = properties.maximum_len().is_some_and(|length| length <= MAX_SPAN);
        let literals = required::literals(&hir);
        let plan = match literals.as_deref() {
            Some([only]) => Plan::One(Box::new(memmem::Finder::new(only).into_owned())),
            Some(several) => AhoCorasick::new(several).map_or(Plan::Each, Plan::Many),
            None => match Run::of(&hir) {
                Some(run) => Plan::Run(run),
                None if short && properties.minimum_len() > Some(0) && properties.look_set().is_empty() => {
                    Plan::Through
                }
                None => Plan::Each,
            },
        };
        Self { regex, plan }
    }

    pub(super) fn cache(&self) -> Cache {
        self.regex.create_cache()
    }

    pub(super) fn cost(&self) -> u32 {
        match self.plan {
            Plan::One(_) => 1,
            Plan::Many(_) | Plan::Run(_) => 2,
            Plan::Through => 3,
            Plan::Each => 6,
        }
    }

    pub(super) fn is_in(&self, text: &str, scratch: &mut Scratch) -> bool {
        match &self.plan {
            Plan::Run(run) => match run.find(text.as_bytes(), 0) {
                Some(hit) => self.holds_run(run, text, hit, scratch),
                None => false,
            },
            Plan::One(_) | Plan::Many(_) | Plan::Through | Plan::Each => self.is_in_from(text, 0, scratch),
        }
    }

    /// Whether a text matches in which the first run stands at `hit`.
    fn holds_run(&self, run: &Run, text: &str, hit: usize, scratch: &mut Scratch) -> bool {
        // A match holds this run or a later one, so it cannot begin much before this one.
        let earliest = run.before.map_or(0, |before| hit.saturating_sub(before));
        run.is_all || self.is_in_from(text, earliest, scratch)
    }

    /// Whether a match begins at `at` or later. What stands before still counts for assertions.
    fn is_in_from(&self, text: &str, at: usize, scratch: &mut Scratch) -> bool {
        if scratch.stop.is_set() {
            return false;
        }
        let input = Input::new(text).span(at..text.len()).earliest(true);
        match &mut scratch.cache {
            Some(cache) => self.regex.search_half_with(cache, &input).is_some(),
            None => self.regex.search_half(&input).is_some(),
        }
    }

    /// The next match in one text from `at` on.
    pub(super) fn find_in(&self, text: &str, at: usize, scratch: &mut Scratch) -> Option<Range<usize>> {
        self.search(text.as_bytes(), at..text.len(), scratch)
    }

    fn search(&self, bytes: &[u8], span: Range<usize>, scratch: &mut Scratch) -> Option<Range<usize>> {
        let input = Input::new(bytes).span(span);
        let found = match &mut scratch.cache {
            Some(cache) => self.regex.search_with(cache, &input),
            None => self.regex.search(&input),
        };
        found.map(|found| found.range())
    }

    /// See [`super::Matcher::scan`].
    pub(super) fn scan(&self, texts: Plain<'_>, scratch: &mut Scratch, mut matches: impl FnMut(usize)) {
        let bytes = texts.bytes();
        match &self.plan {
            Plan::One(finder) => self.scan_hits(texts, scratch, matches, |at| {
                let start = at + finder.find(&bytes[at..])?;
                Some(start..start + finder.needle().len())
            }),
            Plan::Many(finder) => self.scan_hits(texts, scratch, matches, |at| {
                let found = finder.find(aho_corasick::Input::new(bytes).span(at..bytes.len()))?;
                Some(found.range())
            }),
            Plan::Run(run) => self.scan_runs(run, texts, scratch, matches),
            Plan::Through => self.scan_through(texts, scratch, matches),
            Plan::Each => {
                for (index, text) in texts.iter().enumerate() {
                    if self.is_in(text, scratch) {
                        matches(index);
                    }
                }
            }
        }
    }

    fn scan_hits(
        &self,
        texts: Plain<'_>,
        scratch: &mut Scratch,
        mut matches: impl FnMut(usize),
        mut next_hit: impl FnMut(usize) -> Option<Range<usize>>,
    ) {
        let (mut at, mut from) = (0, 0);
        while at < texts.bytes().len()
            && let Some(hit) = next_hit(at)
        {
            let (index, _, end) = text_at(texts.offsets(), from, hit.start);
            from = index;
            // A hit that runs over the end may hide a shorter literal in this text: let the regex decide.
            if self.is_in(texts.get(index), scratch) {
                matches(index);
            }
            at = end;
        }
    }

    fn scan_runs(&self, run: &Run, texts: Plain<'_>, scratch: &mut Scratch, mut matches: impl FnMut(usize)) {
        let bytes = texts.bytes();
        let (mut at, mut from) = (0, 0);
        while let Some(hit) = run.find(bytes, at) {
            let (index, start, end) = text_at(texts.offsets(), from, hit);
            from = index;
            at = end;
            // Over the end of its text: so is every other one that begins later in it.
            if hit + run.len() > end {
                continue;
            }
            if self.holds_run(run, texts.get(index), hit - start, scratch) {
                matches(index);
            }
        }
    }

    fn scan_through(&self, texts: Plain<'_>, scratch: &mut Scratch, mut matches: impl FnMut(usize)) {
        let (bytes, offsets) = (texts.bytes(), texts.offsets());
        let (mut at, mut from) = (0, 0);
        while at < bytes.len() && !scratch.stop.is_set() {
            let reach = end_of_window(offsets, from, at);
            let Some(found) = self.search(bytes, at..reach, scratch) else {
                at = reach;
                continue;
            };
            let (index, start, end) = text_at(offsets, from, found.start);
            from = index;
            // Over the end of its text: another match may lie inside, not before this one began.
            let inside = found.end <= end || self.is_in(&texts.get(index)[found.start - start..], scratch);
            if inside {
                matches(index);
            }
            at = end;
        }
    }
}

/// Bytes that are searched in one go, about: between two of them a search can be given up.
const WINDOW_BYTES: usize = if cfg!(test) { 8 } else { 1 << 20 };

/// The end of a text about a window behind `at`, given a text that is not behind it.
fn end_of_window(offsets: &[u32], from: usize, at: usize) -> usize {
    let wanted = u32::try_from(at + WINDOW_BYTES).unwrap_or(u32::MAX);
    let behind = from + offsets.get(from..).map_or(0, |offsets| offsets.partition_point(|offset| *offset < wanted));
    let last = offsets.last().copied().unwrap_or_default();
    offsets.get(behind).copied().unwrap_or(last) as usize
}
