//! A filter → what must stand in a run of events for one of them to match.
//!
//! Every step may only weaken: what is not understood is [`Evidence::Anything`]. A negation always is, since a run
//! that holds a word may also hold an event without it.

use std::ops::Bound;

use regex_syntax::hir::{Class, Hir, HirKind};
use trawl_event::block::TIMESTAMP;
use trawl_event::text::{fold, fold_into};
use trawl_event::{Evidence, Fragment, Level};

use crate::ast::{Filter, Pattern, Range, RegexTerm, Term, Test};
use crate::value::Number;
use crate::{names, regexes};

/// Most strings that a part of a regex is spelled out as.
const MAX_STRINGS: usize = 16;
/// Most characters of a class that is looked at: both cases of a hexadecimal digit are 22.
const MAX_CLASS: u32 = 32;
/// Most characters of a class, case aside, that are spelled out: more would ask for many slots and skip little.
const MAX_CASES: usize = 4;
/// Longest string that a regex is spelled out as, in bytes.
const MAX_BYTES: usize = 256;
/// Deepest nesting of a regex that is followed.
const MAX_NESTING: usize = 128;

/// What a filter needs.
pub(crate) fn of_filter(filter: &Filter) -> Evidence {
    match filter {
        Filter::All | Filter::Not(_) => Evidence::Anything,
        Filter::And(sides) => Evidence::all(sides.iter().map(of_filter)),
        Filter::Or(sides) => Evidence::any(sides.iter().map(of_filter)),
        Filter::Text(term) => of_term(term),
        Filter::Field { field, test } => of_field(field, test),
    }
}

fn of_term(term: &Term) -> Evidence {
    match term {
        Term::Pattern(pattern) => Evidence::all(fragments(pattern).map(Evidence::Text)),
        Term::Regex(term) => of_regex(term),
    }
}

/// The parts of a pattern with their borders; those at a gap may stand inside words.
fn fragments(pattern: &Pattern) -> impl Iterator<Item = Fragment> {
    let last = pattern.parts.len().saturating_sub(1);
    pattern.parts.iter().enumerate().map(move |(number, part)| Fragment {
        text: part.clone(),
        starts_word: number == 0 && !pattern.open_start,
        ends_word: number == last && !pattern.open_end,
    })
}

fn of_field(field: &str, test: &Test) -> Evidence {
    if field == TIMESTAMP || names::is_timestamp_alias(field) {
        return Evidence::Anything;
    }
    match test {
        // A text of the field is a text of the event.
        Test::Has(Term::Regex(term)) => of_regex(term),
        Test::Has(Term::Pattern(pattern)) => {
            let texts = Evidence::all(fragments(pattern).map(|fragment| in_field(field, fragment)));
            match pattern.as_value() {
                Some(value) => Evidence::any([texts].into_iter().chain(scalars(field, &value.to_ascii_lowercase()))),
                None => texts,
            }
        }
        Test::Is(value) => {
            let whole = Fragment { text: value.clone(), starts_word: true, ends_word: true };
            Evidence::any([in_field(field, whole)].into_iter().chain(scalars(field, value)))
        }
        Test::Within(Range::Numbers(interval)) => {
            let (low, high) = (bound(&interval.low, f64::NEG_INFINITY), bound(&interval.high, f64::INFINITY));
            let columns = columns_of(field).into_iter();
            Evidence::any(columns.map(|name| Evidence::FieldNumber { name: name.to_owned(), low, high }))
        }
        Test::Within(Range::Levels(interval)) if names::is_level(field) => {
            let ranks = Level::ALL.into_iter().filter(|level| interval.contains(level));
            Evidence::FieldLevel { ranks: ranks.fold(0, |ranks, level| ranks | level.bit()) }
        }
        Test::Exists | Test::Within(_) => Evidence::Anything,
    }
}

/// A bound as a double, taken as included: a number that keeps to the bound keeps to its double too, when both are
/// rounded alike.
fn bound(bound: &Bound<Number>, unbounded: f64) -> f64 {
    match bound {
        Bound::Included(number) | Bound::Excluded(number) => number.as_f64(),
        Bound::Unbounded => unbounded,
    }
}

/// The columns in which values of a field may stand.
fn columns_of(field: &str) -> Vec<&str> {
    let mut columns = vec![field];
    for canonical in names::canonical_of(field, false) {
        columns.push(canonical);
    }
    columns
}

fn in_field(field: &str, fragment: Fragment) -> Evidence {
    let in_column = |name: &str| Evidence::FieldText { name: name.to_owned(), fragment: fragment.clone() };
    let columns = Evidence::any(columns_of(field).into_iter().map(in_column));
    Evidence::all([Evidence::Text(fragment), columns])
}

/// The values other than strings that a text spells.
fn scalars(field: &str, text: &str) -> Vec<Evidence> {
    let value = match Number::parse(text).map(Number::normal) {
        Some(Number::Int(int)) => Some(int.to_string()),
        Some(Number::Float(_)) => None,
        None if matches!(text, "true" | "false") => Some(text.to_owned()),
        None if text == "null" => None,
        None => return Vec::new(),
    };
    columns_of(field)
        .into_iter()
        .map(|name| Evidence::FieldValue { name: name.to_owned(), value: value.clone() })
        .collect()
}

/// A regex compiles if it was parsed; one put together by hand may not, and then tells nothing.
fn of_regex(term: &RegexTerm) -> Evidence {
    regexes::parse(term).map_or(Evidence::Anything, |hir| of_hir(&hir, 0).into_evidence())
}

/// What is known of an expression.
struct Found {
    /// All the strings it matches, folded, if they are few; none of them is longer than [`MAX_BYTES`].
    exact: Option<Vec<String>>,
    /// What else every match holds.
    needs: Vec<Evidence>,
}

impl Found {
    fn nothing() -> Self {
        Self { exact: None, needs: Vec::new() }
    }

    fn exactly(strings: Vec<String>) -> Self {
        let fits = strings.len() <= MAX_STRINGS && strings.iter().all(|string| string.len() <= MAX_BYTES);
        match fits {
            true => Self { exact: Some(strings), needs: Vec::new() },
            false => Self { exact: None, needs: vec![one_of(strings)] },
        }
    }

    /// What every match holds, once which strings these are no longer matters.
    fn into_evidence(self) -> Evidence {
        Evidence::all(self.needs.into_iter().chain(self.exact.map(one_of)))
    }
}

/// One of these stands in the text.
fn one_of(strings: Vec<String>) -> Evidence {
    if strings.iter().any(String::is_empty) {
        return Evidence::Anything;
    }
    Evidence::any(strings.into_iter().map(|string| Evidence::Text(Fragment::inside(string))))
}

fn of_hir(hir: &Hir, depth: usize) -> Found {
    if depth > MAX_NESTING {
        return Found::nothing();
    }
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => Found::exactly(vec![String::new()]),
        HirKind::Literal(literal) => std::str::from_utf8(&literal.0).map_or_else(
            |_| Found::nothing(),
            |text| {
                let mut folded = String::new();
                fold_into(text, &mut folded);
                Found::exactly(vec![folded])
            },
        ),
        HirKind::Class(Class::Unicode(class)) => {
            let characters = class.iter().map(|range| u32::from(range.end()) - u32::from(range.start()) + 1);
            if characters.fold(0u32, u32::saturating_add) > MAX_CLASS {
                return Found::nothing();
            }
            let all = class.iter().flat_map(|range| range.start()..=range.end());
            let mut strings: Vec<String> = all.map(|c| fold(c).to_string()).collect();
            strings.sort_unstable();
            strings.dedup();
            match strings.len() <= MAX_CASES {
                true => Found::exactly(strings),
                false => Found::nothing(),
            }
        }
        HirKind::Class(Class::Bytes(_)) => Found::nothing(),
        HirKind::Capture(capture) => of_hir(&capture.sub, depth + 1),
        HirKind::Repetition(repetition) if repetition.min == 0 => Found::nothing(),
        HirKind::Repetition(repetition) => {
            let inner = of_hir(&repetition.sub, depth + 1);
            match (repetition.min, repetition.max) {
                (1, Some(1)) => inner,
                _ => Found { exact: None, needs: vec![inner.into_evidence()] },
            }
        }
        HirKind::Concat(parts) => concat(parts, depth),
        HirKind::Alternation(parts) => alternation(parts, depth),
    }
}

fn concat(parts: &[Hir], depth: usize) -> Found {
    let mut needs = Vec::new();
    // The strings that the parts since the last unknown one spell.
    let mut run = vec![String::new()];
    let mut all_exact = true;
    for part in parts {
        let found = of_hir(part, depth + 1);
        needs.extend(found.needs);
        let next = match found.exact {
            Some(strings) => match cross(&run, &strings) {
                Some(longer) => {
                    run = longer;
                    continue;
                }
                None => strings,
            },
            None => vec![String::new()],
        };
        all_exact = false;
        needs.push(one_of(std::mem::replace(&mut run, next)));
    }
    if all_exact {
        return Found { exact: Some(run), needs };
    }
    needs.push(one_of(run));
    Found { exact: None, needs }
}

/// Each of `left` with each of `right`, if these are few.
fn cross(left: &[String], right: &[String]) -> Option<Vec<String>> {
    let longest = |strings: &[String]| strings.iter().map(String::len).max().unwrap_or(0);
    let fits = left.len() * right.len() <= MAX_STRINGS && longest(left) + longest(right) <= MAX_BYTES;
    fits.then(|| left.iter().flat_map(|a| right.iter().map(move |b| format!("{a}{b}"))).collect())
}

fn alternation(parts: &[Hir], depth: usize) -> Found {
    let found: Vec<Found> = parts.iter().map(|part| of_hir(part, depth + 1)).collect();
    if found.iter().all(|part| part.exact.is_some() && part.needs.is_empty()) {
        return Found::exactly(found.into_iter().flat_map(|part| part.exact.unwrap_or_default()).collect());
    }
    Found { exact: None, needs: vec![Evidence::any(found.into_iter().map(Found::into_evidence))] }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Query;

    fn of(query: &str) -> Evidence {
        Query::parse(query).unwrap().evidence()
    }

    fn inside(text: &str) -> Evidence {
        Evidence::Text(Fragment::inside(text))
    }

    #[test]
    fn a_sequence_needs_all_and_an_alternation_one() {
        assert_eq!(
            of(r"/Abcd\d+(efgh|ijkl)x?/"),
            Evidence::All(vec![inside("abcd"), Evidence::Any(vec![inside("efgh"), inside("ijkl")]),])
        );
        assert_eq!(of("/ab[xX]c/i"), inside("abxc"));
        assert_eq!(of("/(abcd)?/"), Evidence::Anything);
        assert_eq!(of("/^$/"), Evidence::Anything);
    }

    #[test]
    fn negations_tell_nothing() {
        assert_eq!(of("-abcd"), Evidence::Anything);
        assert_eq!(of("abcd OR -efgh"), Evidence::Anything);
        assert_eq!(of("*abcd* -efgh"), inside("abcd"));
    }

    #[test]
    fn a_gap_opens_words_at_both_of_its_ends() {
        let side = |text: &str, starts_word, ends_word| {
            Evidence::Text(Fragment { text: text.to_owned(), starts_word, ends_word })
        };
        assert_eq!(of("GET*users"), Evidence::All(vec![side("GET", true, false), side("users", false, true)]));
    }

    #[test]
    fn cases_of_a_character_fold_alike() {
        use regex_syntax::hir::{ClassUnicode, ClassUnicodeRange};
        for c in (0..=u32::from(char::MAX)).filter_map(char::from_u32) {
            let mut class = ClassUnicode::new([ClassUnicodeRange::new(c, c)]);
            class.try_case_fold_simple().unwrap();
            for other in class.iter().flat_map(|range| range.start()..=range.end()) {
                assert_eq!(fold(other), fold(c), "{c:?} and {other:?}");
            }
        }
    }
}
