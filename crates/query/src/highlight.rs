//! What to mark in the text of a result.

use std::fmt;
use std::ops::Range;

use crate::ast::{Filter, Pattern, Term, Test};
use crate::matcher::Matcher;

/// A term of the query, ready to be found again in the texts of its results.
pub struct Highlight {
    /// The field it was asked of; any text without one.
    pub field: Option<String>,
    /// The term. An exact value (`field:="…"`) stands here as the phrase it is.
    pub term: Term,
    matcher: Matcher,
}

impl Highlight {
    fn new(field: Option<&str>, term: &Term) -> Option<Self> {
        // A parsed query compiles; what does not is not found either.
        let matcher = Matcher::new(term).ok()?;
        Some(Self { field: field.map(str::to_owned), term: term.clone(), matcher })
    }

    /// Where in `text` the term is found: byte ranges on character borders, ascending and apart.
    pub fn ranges(&self, text: &str) -> Vec<Range<usize>> {
        self.matcher.ranges(text)
    }
}

impl fmt::Debug for Highlight {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Highlight").field("field", &self.field).field("term", &self.term).finish_non_exhaustive()
    }
}

/// The terms of a filter, but for those under a NOT.
pub(crate) fn of_filter(filter: &Filter) -> Vec<Highlight> {
    match filter {
        Filter::All | Filter::Not(_) => Vec::new(),
        Filter::And(sides) | Filter::Or(sides) => sides.iter().flat_map(of_filter).collect(),
        Filter::Text(term) => Highlight::new(None, term).into_iter().collect(),
        Filter::Field { field, test: Test::Has(term) } => Highlight::new(Some(field), term).into_iter().collect(),
        Filter::Field { field, test: Test::Is(text) } if !text.is_empty() => {
            let exact = Pattern { open_start: true, open_end: true, ..Pattern::phrase(text.as_str()) };
            Highlight::new(Some(field), &Term::Pattern(exact)).into_iter().collect()
        }
        Filter::Field { test: Test::Is(_) | Test::Exists | Test::Within(_), .. } => Vec::new(),
    }
}
