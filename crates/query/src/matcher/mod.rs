//! Finding a term in texts: in one, or in a whole column at once.
//!
//! A column's texts lie end to end, so one search runs over all of them; where it hits, the offsets
//! say in which text. What is found across the border of two texts is in neither.

mod ascii;
mod byteset;
mod literal;
mod regex;
mod required;
mod run;
#[cfg(test)]
mod tests;

use regex_automata::meta::Cache;
use trawl_event::Plain;

use crate::ast::Term;
use crate::error::QueryError;
use crate::regexes::{self, Compiled, RegexError};
use crate::stop::Stop;

use literal::LiteralMatcher;
use regex::RegexMatcher;

/// A compiled term.
pub(crate) enum Matcher {
    Literal(LiteralMatcher),
    Regex(RegexMatcher),
}

/// The memory that a search needs besides the matcher.
pub(crate) struct Scratch {
    cache: Option<Cache>,
    /// Only ASCII can match in what is searched, as [`LiteralMatcher::look_at`] found.
    only_ascii: bool,
    /// Once it is set nothing is found any more.
    stop: Stop,
}

impl Matcher {
    pub(crate) fn new(term: &Term) -> Result<Self, QueryError> {
        // A parsed query has compiled before; the column matters only for one put together by hand.
        match term {
            Term::Regex(term) => Self::regex(regexes::compile(term)),
            Term::Pattern(pattern) => match &*pattern.parts {
                [only] => LiteralMatcher::new(only, pattern).map(Self::Literal).map_err(|error| error.at(1)),
                _ => Self::regex(regexes::compile_own(&literal::with_gaps(pattern))),
            },
        }
    }

    fn regex(compiled: Result<Compiled, RegexError>) -> Result<Self, QueryError> {
        compiled.map(|compiled| Self::Regex(RegexMatcher::new(compiled))).map_err(|error| error.at(1))
    }

    /// Memory for searches with this matcher.
    pub(crate) fn scratch(&self, stop: &Stop) -> Scratch {
        let cache = match self {
            Self::Literal(matcher) => matcher.cache(),
            Self::Regex(matcher) => Some(matcher.cache()),
        };
        Scratch { cache, only_ascii: false, stop: stop.clone() }
    }

    /// Whether the term is found in one text.
    pub(crate) fn is_in(&self, text: &str, scratch: &mut Scratch) -> bool {
        match self {
            Self::Literal(matcher) => {
                matcher.look_at(text, scratch);
                matcher.find_in(text, 0, scratch).is_some()
            }
            Self::Regex(matcher) => matcher.is_in(text, scratch),
        }
    }

    /// Whether a string in this JSON may hold the term: a quick look without parsing.
    pub(crate) fn may_be_in_json(&self, json: &str, scratch: &mut Scratch) -> bool {
        match self {
            // Without escapes a string stands in the JSON as it is, between quotes, which end words.
            Self::Literal(_) => memchr::memchr(b'\\', json.as_bytes()).is_some() || self.is_in(json, scratch),
            Self::Regex(_) => true,
        }
    }

    /// Gives `found` the index of each text that holds the term, ascending.
    pub(crate) fn scan(&self, texts: Plain<'_>, scratch: &mut Scratch, found: impl FnMut(usize)) {
        match self {
            Self::Literal(matcher) => matcher.scan(texts, scratch, found),
            Self::Regex(matcher) => matcher.scan(texts, scratch, found),
        }
    }

    /// Where the term is found in one text: byte ranges, ascending and apart, none empty.
    pub(crate) fn ranges(&self, text: &str) -> Vec<std::ops::Range<usize>> {
        let mut scratch = self.scratch(&Stop::never());
        let mut ranges = Vec::new();
        let mut at = 0;
        if let Self::Literal(matcher) = self {
            matcher.look_at(text, &mut scratch);
        }
        loop {
            let found = match self {
                Self::Literal(matcher) => matcher.find_in(text, at, &mut scratch),
                Self::Regex(matcher) => matcher.find_in(text, at, &mut scratch),
            };
            match found {
                Some(range) if range.is_empty() => at = range.end + 1,
                Some(range) => {
                    at = range.end;
                    ranges.push(range);
                }
                None => return ranges,
            }
            if at > text.len() {
                return ranges;
            }
        }
    }

    /// How dear a search is, for choosing what to do first.
    pub(crate) fn cost(&self) -> u32 {
        match self {
            Self::Literal(_) => 1,
            Self::Regex(matcher) => matcher.cost(),
        }
    }
}

/// The text that holds byte `at`, searched from text `from` on, and its ends.
fn text_at(offsets: &[u32], from: usize, at: usize) -> (usize, usize, usize) {
    let at = at as u32;
    // The next hit is mostly near: double the step until it is passed, then halve.
    let mut step = 1;
    while offsets.get(from + step).is_some_and(|offset| *offset <= at) {
        step *= 2;
    }
    let window = &offsets[from + step / 2..(from + step).min(offsets.len())];
    let index = from + step / 2 + window.partition_point(|offset| *offset <= at) - 1;
    (index, offsets[index] as usize, offsets[index + 1] as usize)
}
