//! The evaluator against a plain walk over `serde_json` values, written from the documentation alone.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use std::ops::Bound;
use std::sync::LazyLock;

use common::generate;
use proptest::prelude::*;
use serde_json::Value;
use trawl_event::{Level, Timestamp};
use trawl_query::{Filter, Interval, Number, Pattern, Query, Range, Term, Test};

const ALIASES: [(&str, &[&str]); 3] = [
    ("message", &["msg", "log", "body"]),
    ("level", &["severity", "lvl", "log.level"]),
    ("service", &["service.name"]),
];

fn matches(filter: &Filter, event: &Value) -> bool {
    match filter {
        Filter::All => true,
        Filter::And(sides) => sides.iter().all(|side| matches(side, event)),
        Filter::Or(sides) => sides.iter().any(|side| matches(side, event)),
        Filter::Not(inner) => !matches(inner, event),
        Filter::Text(term) => texts(event).iter().any(|text| found(term, text)),
        Filter::Field { field, test } => {
            let time = timestamp_name(event).filter(|name| *name == field || field == "timestamp").is_some();
            (time && time_passes(test, time_of(event)))
                || values(event, field).iter().any(|value| passes(test, value, field))
        }
    }
}

/// The name the timestamp was sent under.
fn timestamp_name(event: &Value) -> Option<&'static str> {
    ["timestamp", "@timestamp", "time", "ts"].into_iter().find(|name| event.get(name).is_some())
}

fn time_of(event: &Value) -> Timestamp {
    match &event[timestamp_name(event).unwrap()] {
        Value::String(text) => Timestamp::parse(text).unwrap(),
        number => Timestamp::parse(&number.to_string()).unwrap(),
    }
}

fn without_timestamp(event: &Value) -> Value {
    let mut event = event.clone();
    let name = timestamp_name(&event);
    name.and_then(|name| event.as_object_mut().unwrap().remove(name));
    event
}

fn texts(event: &Value) -> Vec<String> {
    fn walk(value: &Value, out: &mut Vec<String>) {
        match value {
            Value::String(text) => out.push(text.clone()),
            Value::Array(items) => items.iter().for_each(|item| walk(item, out)),
            Value::Object(fields) => fields.values().for_each(|value| walk(value, out)),
            _ => {}
        }
    }
    let mut out = Vec::new();
    walk(&without_timestamp(event), &mut out);
    out
}

/// Every value at a dotted name; elements of arrays besides the array itself.
fn at(value: &Value, name: &str) -> Vec<Value> {
    fn whole(value: &Value, out: &mut Vec<Value>) {
        out.push(value.clone());
        if let Value::Array(items) = value {
            items.iter().for_each(|item| whole(item, out));
        }
    }
    let mut out = Vec::new();
    match value {
        Value::Object(fields) => {
            for (key, value) in fields {
                match name.strip_prefix(key.as_str()) {
                    Some("") => whole(value, &mut out),
                    Some(rest) => out.extend(rest.strip_prefix('.').map(|rest| at(value, rest)).unwrap_or_default()),
                    None => {}
                }
            }
        }
        Value::Array(items) => out.extend(items.iter().flat_map(|item| at(item, name))),
        _ => {}
    }
    out
}

/// The strings at a dotted name that is reached through objects alone.
fn strings_at(value: &Value, name: &str) -> Vec<Value> {
    let below = |(key, value): (&String, &Value)| match name.strip_prefix(key.as_str()) {
        Some("") => value.is_string().then(|| value.clone()).into_iter().collect(),
        Some(rest) => rest.strip_prefix('.').map(|rest| strings_at(value, rest)).unwrap_or_default(),
        None => Vec::new(),
    };
    value.as_object().into_iter().flatten().flat_map(below).collect()
}

fn values(event: &Value, field: &str) -> Vec<Value> {
    let event = without_timestamp(event);
    let mut found = at(&event, field);
    if let Some((_, aliases)) = ALIASES.iter().find(|(canonical, _)| *canonical == field)
        && found.iter().all(Value::is_object)
    {
        let sent = aliases.iter().map(|alias| strings_at(&event, alias)).find(|values| !values.is_empty());
        found.extend(sent.unwrap_or_default());
    }
    found
}

fn number(text: &str) -> Option<Number> {
    static DIGITS: LazyLock<regex::Regex> =
        LazyLock::new(|| regex::Regex::new(r"^-?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?$").unwrap());
    if !DIGITS.is_match(text) {
        return None;
    }
    text.parse().map(Number::Int).ok().or_else(|| text.parse().ok().filter(|f: &f64| f.is_finite()).map(Number::Float))
}

fn inside<T: PartialOrd>(interval: &Interval<T>, value: &T) -> bool {
    let low = match &interval.low {
        Bound::Included(low) => value >= low,
        Bound::Excluded(low) => value > low,
        Bound::Unbounded => true,
    };
    let high = match &interval.high {
        Bound::Included(high) => value <= high,
        Bound::Excluded(high) => value < high,
        Bound::Unbounded => true,
    };
    low && high
}

fn time_passes(test: &Test, time: Timestamp) -> bool {
    let is = |text: Option<&str>| text.and_then(Timestamp::parse) == Some(time);
    let parsed = |bound: &Bound<String>| match bound {
        Bound::Included(text) => Timestamp::parse(text).map(Bound::Included),
        Bound::Excluded(text) => Timestamp::parse(text).map(Bound::Excluded),
        Bound::Unbounded => Some(Bound::Unbounded),
    };
    let in_texts = |interval: Interval<String>| match (parsed(&interval.low), parsed(&interval.high)) {
        (Some(low), Some(high)) => inside(&Interval { low, high }, &time),
        _ => false,
    };
    match test {
        Test::Exists => true,
        Test::Has(Term::Pattern(pattern)) => is(pattern.as_value()),
        Test::Has(Term::Regex(_)) | Test::Within(Range::Levels(_)) => false,
        Test::Is(text) => is(Some(text)),
        Test::Within(Range::Times(interval)) => inside(interval, &time),
        Test::Within(Range::Texts(interval)) => in_texts(interval.clone()),
        Test::Within(Range::Numbers(interval)) => {
            let text = |bound: &Bound<Number>| bound.map(|number| number.to_string());
            in_texts(Interval { low: text(&interval.low), high: text(&interval.high) })
        }
    }
}

fn passes(test: &Test, value: &Value, field: &str) -> bool {
    let scalar = |text: &str| match value {
        Value::Null => text == "null",
        Value::Bool(bool) => text == bool.to_string(),
        Value::Number(digits) => number(text).is_some_and(|wanted| Some(wanted) == number(&digits.to_string())),
        _ => false,
    };
    match test {
        Test::Exists => !value.is_null(),
        Test::Has(term) => match value {
            Value::String(text) => found(term, text),
            _ => match term {
                Term::Pattern(pattern) => pattern.as_value().is_some_and(|text| scalar(&text.to_lowercase())),
                Term::Regex(_) => false,
            },
        },
        Test::Is(wanted) => value.as_str().map_or_else(|| scalar(wanted), |text| text == wanted),
        Test::Within(Range::Numbers(interval)) => match value {
            Value::String(text) => number(text).is_some_and(|number| inside(interval, &number)),
            Value::Number(digits) => number(&digits.to_string()).is_some_and(|number| inside(interval, &number)),
            _ => false,
        },
        Test::Within(Range::Texts(interval)) => value.as_str().is_some_and(|text| inside(interval, &text.to_owned())),
        Test::Within(Range::Levels(interval)) => {
            assert!(["level", "severity"].contains(&field));
            let rank = match value {
                Value::String(text) => Level::of_text(text),
                // 17.0 is the number 17.
                Value::Number(number) => match Number::parse(&number.to_string()).map(Number::normal) {
                    Some(Number::Int(int)) => Level::of_number(int),
                    _ => None,
                },
                _ => None,
            };
            rank.is_some_and(|rank| inside(interval, &rank))
        }
        Test::Within(Range::Times(_)) => false,
    }
}

/// Simple case folding of the characters that the generator uses.
fn fold(c: char) -> char {
    match c {
        '\u{212a}' => 'k',
        '\u{17f}' => 's',
        c => c.to_lowercase().next().unwrap(),
    }
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

fn found(term: &Term, text: &str) -> bool {
    match term {
        Term::Pattern(pattern) => pattern_found(pattern, text),
        Term::Regex(term) => {
            // The generated patterns have no negated classes, so switching Unicode off piecewise says the same.
            let mut pattern = term.pattern.clone();
            for (class, ascii) in
                [("\\d", "[0-9]"), ("\\w", "[0-9A-Za-z_]"), ("\\b", "(?-u:\\b)"), ("\\B", "(?-u:\\B)")]
            {
                pattern = pattern.replace(class, ascii);
            }
            regex::RegexBuilder::new(&pattern).case_insensitive(term.ignore_case).build().unwrap().is_match(text)
        }
    }
}

fn pattern_found(pattern: &Pattern, text: &str) -> bool {
    let text: Vec<char> = text.chars().collect();
    let parts: Vec<Vec<char>> = pattern.parts.iter().map(|part| part.chars().collect()).collect();
    let stands = |part: &[char], at: usize| {
        at + part.len() <= text.len() && part.iter().zip(&text[at..]).all(|(a, b)| fold(*a) == fold(*b))
    };
    let inside_word = |at: usize| at > 0 && at < text.len() && is_word(text[at - 1]) && is_word(text[at]);
    // Where the parts so far may end.
    let mut ends: Vec<usize> = (0..=text.len())
        .filter(|at| stands(&parts[0], *at) && (pattern.open_start || !inside_word(*at)))
        .map(|at| at + parts[0].len())
        .collect();
    for part in &parts[1..] {
        let mut next = Vec::new();
        for end in ends {
            for at in end..=text.len() {
                if stands(part, at) {
                    next.push(at + part.len());
                }
                if at < text.len() && text[at].is_whitespace() {
                    break;
                }
            }
        }
        ends = next;
    }
    ends.iter().any(|end| pattern.open_end || !inside_word(*end))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_evaluator_agrees_with_a_plain_walk(
        filters in prop::collection::vec(generate::filter(), 1..6),
        events in prop::collection::vec(generate::event(), 1..30),
    ) {
        let texts: Vec<String> = events.iter().map(Value::to_string).collect();
        let block = common::block(&texts);
        let coded = common::coded(&block);
        for filter in filters {
            let query = Query::parse(&filter.to_string()).unwrap();
            let wanted: Vec<usize> = (0..events.len()).filter(|row| matches(&filter, &events[*row])).collect();
            for block in [&block, &coded] {
                let found: Vec<usize> = common::rows(&query, block).iter().collect();
                prop_assert_eq!(&found, &wanted, "{} over {:#?}", filter, texts);
                let found: Vec<usize> = common::rows_by_stages(&query, block).iter().collect();
                prop_assert_eq!(&found, &wanted, "{} in stages over {:#?}", filter, texts);
            }
        }
    }
}
