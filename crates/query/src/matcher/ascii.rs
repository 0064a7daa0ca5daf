//! An ASCII literal in either case.
//!
//! Its three rarest neighbouring bytes, in all their cases, are at most eight patterns: a vectorised search of few
//! short patterns finds them, and what stands around is compared. A regex would do the same and then run its automaton
//! forwards and backwards over each hit.

use std::ops::Range;

use aho_corasick::Span;
use aho_corasick::packed::{Config, MatchKind, Searcher};

use super::byteset::share;

/// Bytes that are searched for.
const WINDOW: usize = 3;
/// Longest literal, in bytes: comparing at each hit takes so many steps at most, however the text repeats itself.
const MAX_BYTES: usize = 64;

/// Searches for one literal.
pub(super) struct AsciiFinder {
    searcher: Searcher,
    /// In lower case.
    literal: Vec<u8>,
    /// Where in it the window begins.
    offset: usize,
}

impl AsciiFinder {
    /// The finder of `text`; `None` when it is not ASCII, too short or too long, or the processor lacks what it takes.
    pub(super) fn new(text: &str) -> Option<Self> {
        if !text.is_ascii() || !(WINDOW..=MAX_BYTES).contains(&text.len()) {
            return None;
        }
        let literal = text.to_ascii_lowercase().into_bytes();
        let rarity = |window: &[u8]| -> f64 { window.iter().map(|byte| share(*byte)).product() };
        let windows = literal.windows(WINDOW).enumerate();
        let (offset, window) = windows.min_by(|(_, one), (_, other)| rarity(one).total_cmp(&rarity(other)))?;
        let mut patterns: Vec<Vec<u8>> = vec![Vec::new()];
        for byte in window {
            let upper = byte.to_ascii_uppercase();
            let cases = if upper == *byte { vec![*byte] } else { vec![*byte, upper] };
            let longer = patterns.iter().flat_map(|pattern| cases.iter().map(|case| [pattern, &[*case][..]].concat()));
            patterns = longer.collect();
        }
        let searcher = Config::new().match_kind(MatchKind::LeftmostFirst).builder().extend(patterns).build()?;
        Some(Self { searcher, literal, offset })
    }

    /// Whether a character that is not ASCII can stand for one of the literal's: `ſ` for `s`, the Kelvin sign for `k`.
    pub(super) fn has_other_cases(&self) -> bool {
        self.literal.iter().any(|byte| matches!(byte, b's' | b'k'))
    }

    /// The next occurrence from `at` on.
    pub(super) fn find(&self, bytes: &[u8], at: usize) -> Option<Range<usize>> {
        let mut from = at + self.offset;
        while from < bytes.len() {
            let hit = self.searcher.find_in(bytes, Span { start: from, end: bytes.len() })?;
            let start = hit.start() - self.offset;
            let found = start..start + self.literal.len();
            if bytes.get(found.clone()).is_some_and(|found| found.eq_ignore_ascii_case(&self.literal)) {
                return Some(found);
            }
            from = hit.start() + 1;
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_first_occurrence_is_found_in_any_case(text in "[abA :é]{0,60}", literal in "[abAB :]{3,6}", at in 0usize..60) {
            let at = at.min(text.len());
            // The processor may lack what it takes.
            if let Some(finder) = AsciiFinder::new(&literal) {
                let holds = |start: &usize| {
                    let found = text.as_bytes().get(*start..start + literal.len());
                    found.is_some_and(|found| found.eq_ignore_ascii_case(literal.as_bytes()))
                };
                let expected = (at..text.len()).find(holds).map(|start| start..start + literal.len());
                prop_assert_eq!(finder.find(text.as_bytes(), at), expected);
            }
        }
    }

    #[test]
    fn what_cannot_be_found_this_way_is_refused() {
        assert!(["ab", "größe", &"a".repeat(MAX_BYTES + 1)].iter().all(|text| AsciiFinder::new(text).is_none()));
    }
}
