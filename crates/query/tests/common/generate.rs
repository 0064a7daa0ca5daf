//! Arbitrary queries and events over a small alphabet, so that they meet.

use proptest::prelude::*;
use std::ops::Bound;

use serde_json::{Value, json};
use trawl_event::{Level, Timestamp};
use trawl_query::{Filter, Interval, Number, Pattern, Range, RegexTerm, Term, Test};

const FIELDS: [&str; 12] =
    ["a", "a.b", "a.b.c", "b", "message", "msg", "level", "severity", "service", "service.name", "timestamp", "ts"];

fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => "[aAbk_ 1.\u{e9}\u{c9}-]{1,5}",
        2 => "(a|b|ab|A b|10|-1|1\\.0|true|null|warn|ERROR|k|\u{212a}|s\u{17f}|\u{1f600}a)",
        1 => "[a-c\\\\\"*/:|()\n]{1,4}",
    ]
}

fn pattern() -> impl Strategy<Value = Pattern> {
    (prop::collection::vec(text(), 1..3), any::<bool>(), any::<bool>())
        .prop_map(|(parts, open_start, open_end)| Pattern { parts, open_start, open_end })
}

fn term() -> impl Strategy<Value = Term> {
    let regexes = prop::sample::select(vec![
        "a", "ab?", "^a", "b$", "[ab]{2}", "a|b1", "\\d", "\\d\\d", "\\w+ \\w", "\\bk\\b", "a.b", "k\\B", "x*", "a/b",
        "é", "[^a]b",
    ]);
    prop_oneof![
        4 => pattern().prop_map(Term::Pattern),
        1 => (regexes, any::<bool>())
            .prop_map(|(pattern, ignore_case)| Term::Regex(RegexTerm { pattern: pattern.to_owned(), ignore_case })),
    ]
}

fn interval<T: Clone + std::fmt::Debug + 'static>(
    value: impl Strategy<Value = T> + Clone + 'static,
) -> BoxedStrategy<Interval<T>> {
    let both = (value.clone(), value.clone())
        .prop_map(|(low, high)| Interval { low: Bound::Included(low), high: Bound::Included(high) });
    let one = (value, 0..4u8).prop_map(|(value, which)| match which {
        0 => Interval { low: Bound::Included(value), high: Bound::Unbounded },
        1 => Interval { low: Bound::Excluded(value), high: Bound::Unbounded },
        2 => Interval { low: Bound::Unbounded, high: Bound::Included(value) },
        _ => Interval { low: Bound::Unbounded, high: Bound::Excluded(value) },
    });
    prop_oneof![both, one].boxed()
}

fn number() -> impl Strategy<Value = Number> + Clone {
    prop_oneof![
        (-3i64..12).prop_map(Number::Int),
        prop::sample::select(vec![-1.5, 0.5, 10.0, 1e20, -0.0, 0.1]).prop_map(Number::Float),
        any::<i64>().prop_map(Number::Int),
    ]
}

fn level() -> impl Strategy<Value = Level> + Clone {
    prop::sample::select(vec![Level::Trace, Level::Debug, Level::Info, Level::Warn, Level::Error, Level::Fatal])
}

fn time() -> impl Strategy<Value = Timestamp> + Clone {
    (0i64..10).prop_map(|second| Timestamp(second * 1_000_000_000))
}

fn field() -> impl Strategy<Value = Filter> {
    prop::sample::select(FIELDS.to_vec()).prop_flat_map(|field| {
        let test = match field {
            "timestamp" => prop_oneof![
                Just(Test::Exists),
                interval(time()).prop_map(|interval| Test::Within(Range::Times(interval))),
            ]
            .boxed(),
            "level" | "severity" => prop_oneof![
                Just(Test::Exists),
                term().prop_map(Test::Has),
                interval(level()).prop_map(|interval| Test::Within(Range::Levels(interval))),
            ]
            .boxed(),
            _ => prop_oneof![
                Just(Test::Exists),
                term().prop_map(Test::Has),
                prop_oneof![text(), Just(String::new())].prop_map(Test::Is),
                interval(number()).prop_map(|interval| Test::Within(Range::Numbers(interval))),
                interval("[a-cA-C ]{1,3}".boxed()).prop_map(|interval| Test::Within(Range::Texts(interval))),
            ]
            .boxed(),
        };
        test.prop_map(move |test| Filter::Field { field: field.to_owned(), test })
    })
}

/// Filters as the parser makes them: no AND directly in an AND, no OR directly in an OR.
pub fn filter() -> impl Strategy<Value = Filter> {
    let leaf = prop_oneof![1 => Just(Filter::All), 6 => term().prop_map(Filter::Text), 8 => field()];
    leaf.prop_recursive(3, 12, 3, |inner| {
        let not_and = inner.clone().prop_filter("flat", |side| !matches!(side, Filter::And(_)));
        let not_or = inner.clone().prop_filter("flat", |side| !matches!(side, Filter::Or(_)));
        prop_oneof![
            prop::collection::vec(not_and, 2..4).prop_map(Filter::And),
            prop::collection::vec(not_or, 2..4).prop_map(Filter::Or),
            inner.prop_map(|inner| Filter::Not(Box::new(inner))),
        ]
    })
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        6 => text().prop_map(Value::from),
        2 => (-3i64..12).prop_map(Value::from),
        1 => prop::sample::select(vec![json!(0.5), json!(10.0), json!(1e20), json!(-1.5), json!(9223372036854775807u64)]),
        1 => any::<bool>().prop_map(Value::from),
        1 => Just(Value::Null),
        1 => Just(Value::from("")),
    ];
    leaf.prop_recursive(3, 10, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Value::Array),
            prop::collection::btree_map("(a|b|c|b\\.c)", inner, 0..3)
                .prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    })
}

/// Events with a timestamp in either spelling, canonical fields under their own names or another, and attributes.
pub fn event() -> impl Strategy<Value = Value> {
    let attributes = prop::collection::btree_map("(a|b|a\\.b)", value(), 0..3);
    let canonical = (0..4u8, 0..3u8, 0..3u8, 0..3u8, 0i64..10, text(), prop_oneof![text(), "(warn|INFO|err|7)"]);
    (attributes, canonical).prop_map(|(attributes, (time, message, level, service, second, text, rank))| {
        let mut event: serde_json::Map<String, Value> = attributes.into_iter().collect();
        match time {
            0 => drop(event.insert("timestamp".into(), json!(format!("1970-01-01T00:00:0{second}Z")))),
            1 => drop(event.insert("ts".into(), json!(second))),
            2 => {
                event.insert("timestamp".into(), json!(second));
                event.insert("ts".into(), json!(text));
            }
            _ => drop(event.insert("time".into(), json!(second))),
        }
        match message {
            0 => drop(event.insert("message".into(), json!(text))),
            1 => drop(event.insert("msg".into(), json!(text))),
            _ => {}
        }
        match level {
            0 => drop(event.insert("level".into(), json!(rank))),
            1 => drop(event.insert("severity".into(), json!(rank))),
            _ => {}
        }
        match service {
            0 => drop(event.insert("service".into(), json!(text))),
            1 => drop(event.insert("service".into(), json!({"name": text}))),
            _ => {}
        }
        Value::Object(event)
    })
}
