//! One literal, letter case ignored, perhaps only at word borders.

use std::ops::Range;

use memchr::memmem;
use regex_automata::Input;
use regex_automata::meta::{Cache, Regex};
use regex_syntax::hir::{Hir, HirKind};
use trawl_event::Plain;

use super::ascii::AsciiFinder;
use super::{Scratch, text_at};
use crate::ast::{Pattern, RegexTerm};
use crate::regexes::{self, RegexError};
use crate::words::{is_word, word_after, word_before};

/// A literal and the borders it keeps to.
pub(crate) struct LiteralMatcher {
    search: Search,
    /// The match may not follow a word directly (it begins with a word itself).
    guards_start: bool,
    /// No word may follow the match directly (it ends with a word itself).
    guards_end: bool,
    /// Most bytes of a match; case folding can change the length.
    max_bytes: usize,
}

enum Search {
    /// No character of it has another case.
    Exact(Box<memmem::Finder<'static>>),
    /// Unicode simple case folding; where nothing but ASCII can match, another search does.
    Folded { regex: Regex, ascii: Option<Box<AsciiFinder>> },
}

impl LiteralMatcher {
    /// The matcher of `text`, with the borders of its pattern.
    pub(crate) fn new(text: &str, pattern: &Pattern) -> Result<Self, RegexError> {
        let hir = folded(text);
        let max_bytes = hir.properties().maximum_len().unwrap_or(usize::MAX);
        let search = match hir.kind() {
            HirKind::Literal(literal) => Search::Exact(Box::new(memmem::Finder::new(&literal.0).into_owned())),
            _ => Search::Folded { regex: regexes::build(&hir, None)?, ascii: AsciiFinder::new(text).map(Box::new) },
        };
        Ok(Self {
            search,
            guards_start: !pattern.open_start && text.chars().next().is_some_and(is_word),
            guards_end: !pattern.open_end && text.chars().next_back().is_some_and(is_word),
            max_bytes,
        })
    }

    pub(super) fn cache(&self) -> Option<Cache> {
        match &self.search {
            Search::Exact(_) => None,
            Search::Folded { regex, .. } => Some(regex.create_cache()),
        }
    }

    /// Notes whether only ASCII can match in `text`, before it is searched.
    pub(super) fn look_at(&self, text: &str, scratch: &mut Scratch) {
        self.look_at_bytes(text.as_bytes(), scratch);
    }

    fn look_at_bytes(&self, bytes: &[u8], scratch: &mut Scratch) {
        scratch.only_ascii = match &self.search {
            Search::Folded { ascii: Some(finder), .. } => !finder.has_other_cases() || bytes.is_ascii(),
            Search::Folded { ascii: None, .. } | Search::Exact(_) => false,
        };
    }

    /// The next occurrence in `bytes` from `at` on, whatever its borders.
    fn occurrence(&self, bytes: &[u8], at: usize, scratch: &mut Scratch) -> Option<Range<usize>> {
        match (&self.search, &mut *scratch) {
            (Search::Exact(finder), _) => {
                let start = at + finder.find(&bytes[at..])?;
                Some(start..start + finder.needle().len())
            }
            (Search::Folded { ascii: Some(finder), .. }, Scratch { only_ascii: true, .. }) => finder.find(bytes, at),
            (Search::Folded { regex, .. }, Scratch { cache: Some(cache), .. }) => {
                regex.search_with(cache, &Input::new(bytes).span(at..bytes.len())).map(|found| found.range())
            }
            (Search::Folded { regex, .. }, _) => {
                regex.find(Input::new(bytes).span(at..bytes.len())).map(|found| found.range())
            }
        }
    }

    /// Where to look on when an occurrence at `start..end` of `text` is refused; `None` when it is a match.
    ///
    /// The next place is chosen so that a run of overlapping occurrences (`aaaa` in a long `aaaaaaaa`)
    /// is left in one step: the search stays linear.
    fn refused(&self, text: &str, found: &Range<usize>) -> Option<usize> {
        let inside_start = self.guards_start && word_before(text, found.start);
        let inside_end = self.guards_end && word_after(text, found.end);
        if !inside_start && !inside_end {
            return None;
        }
        let end_of_word = |from: usize| {
            let rest = &text[from..];
            from + rest.find(|c| !is_word(c)).unwrap_or(rest.len())
        };
        let next_character = found.start + text[found.start..].chars().next().map_or(1, char::len_utf8);
        let next = if self.guards_start {
            // A match begins where a word does: not again within this word.
            end_of_word(found.start)
        } else {
            // A match ends where a word does: not before the end of the word after this one.
            let at = end_of_word(found.end).saturating_sub(self.max_bytes);
            (at..text.len()).find(|at| text.is_char_boundary(*at)).unwrap_or(text.len())
        };
        Some(next.max(next_character))
    }

    /// The next match in one text, which was looked at before, from `at` on.
    pub(super) fn find_in(&self, text: &str, mut at: usize, scratch: &mut Scratch) -> Option<Range<usize>> {
        loop {
            let found = self.occurrence(text.as_bytes(), at, scratch)?;
            match self.refused(text, &found) {
                None => return Some(found),
                Some(next) => at = next,
            }
        }
    }

    /// See [`super::Matcher::scan`].
    pub(super) fn scan(&self, texts: Plain<'_>, scratch: &mut Scratch, mut matches: impl FnMut(usize)) {
        let (bytes, offsets) = (texts.bytes(), texts.offsets());
        self.look_at_bytes(bytes, scratch);
        let (mut at, mut from) = (0, 0);
        while let Some(found) = self.occurrence(bytes, at, scratch) {
            let (index, start, end) = text_at(offsets, from, found.start);
            from = index;
            at = if found.end > end {
                // It runs over the end of its text, and so does every one that starts later here.
                end
            } else {
                match self.refused(texts.get(index), &(found.start - start..found.end - start)) {
                    Some(next) => start + next,
                    None => {
                        matches(index);
                        end
                    }
                }
            };
            if at >= bytes.len() {
                return;
            }
        }
    }
}

/// The literal with each character in all its cases.
fn folded(text: &str) -> Hir {
    Hir::concat(text.chars().map(folded_char).collect())
}

fn folded_char(c: char) -> Hir {
    use regex_syntax::hir::{Class, ClassUnicode, ClassUnicodeRange};
    let mut class = ClassUnicode::new([ClassUnicodeRange::new(c, c)]);
    // The folding tables are compiled in; without them a character would stand for itself.
    if class.try_case_fold_simple().is_err() {
        return Hir::literal(c.encode_utf8(&mut [0; 4]).as_bytes());
    }
    Hir::class(Class::Unicode(class))
}

/// What a word is made of, as a class of a regex; see [`is_word`].
const WORD: &str = r"\p{Alphabetic}\p{N}_";

/// A pattern with wildcards in the middle as a regex. The borders are part of what it matches, which
/// changes nothing in whether it matches.
pub(super) fn with_gaps(pattern: &Pattern) -> RegexTerm {
    let guarded = |c: Option<char>, open: bool| !open && c.is_some_and(is_word);
    let first = pattern.parts.first().and_then(|part| part.chars().next());
    let last = pattern.parts.last().and_then(|part| part.chars().next_back());
    let mut regex = String::new();
    if guarded(first, pattern.open_start) {
        regex.push_str(&format!(r"(?:\A|(?-i:[^{WORD}]))"));
    }
    for (index, part) in pattern.parts.iter().enumerate() {
        if index > 0 {
            regex.push_str(r"\P{White_Space}*");
        }
        regex_syntax::escape_into(part, &mut regex);
    }
    if guarded(last, pattern.open_end) {
        regex.push_str(&format!(r"(?:\z|(?-i:[^{WORD}]))"));
    }
    RegexTerm { pattern: regex, ignore_case: true }
}
