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

/// Integers about which doubles are no longer exact, and those where 64 bits end.
const BIG: [i64; 8] = [
    9_007_199_254_740_991,
    9_007_199_254_740_992,
    9_007_199_254_740_993,
    -9_007_199_254_740_993,
    i64::MAX,
    i64::MAX - 1,
    i64::MIN,
    i64::MIN + 1,
];

fn number() -> impl Strategy<Value = Number> + Clone {
    prop_oneof![
        4 => (-3i64..12).prop_map(Number::Int),
        4 => prop::sample::select(vec![-1.5, 0.5, 10.0, 1e20, -1e20, -0.0, 0.1, 1e-320, 9007199254740992.0, 9.223372036854776e18])
            .prop_map(Number::Float),
        2 => prop::sample::select(BIG.to_vec()).prop_map(Number::Int),
        1 => any::<i64>().prop_map(Number::Int),
    ]
}

fn level() -> impl Strategy<Value = Level> + Clone {
    prop::sample::select(vec![Level::Trace, Level::Debug, Level::Info, Level::Warn, Level::Error, Level::Fatal])
}

fn time() -> impl Strategy<Value = Timestamp> + Clone {
    (0i64..10).prop_map(|second| Timestamp(second * 1_000_000_000))
}

/// A range, or an exact value, of numbers or levels: what zones answer.
pub fn range_filter() -> impl Strategy<Value = Filter> {
    let numbers = (prop::sample::select(vec!["a", "a.b", "a.b.c", "b", "msg", "service.name"]), interval(number()))
        .prop_map(|(field, interval)| (field, Test::Within(Range::Numbers(interval))));
    let exact = (prop::sample::select(vec!["a", "a.b", "b", "level"]), number())
        .prop_map(|(field, number)| (field, Test::Is(number.to_string())));
    let levels = (prop::sample::select(vec!["level", "severity", "lvl", "log.level"]), interval(level()))
        .prop_map(|(field, interval)| (field, Test::Within(Range::Levels(interval))));
    let leaf = prop_oneof![3 => numbers, 1 => exact, 2 => levels]
        .prop_map(|(field, test)| Filter::Field { field: field.to_owned(), test });
    let pair = prop::collection::vec(leaf.clone(), 2);
    prop_oneof![4 => leaf, 1 => pair.clone().prop_map(Filter::And), 1 => pair.prop_map(Filter::Or)]
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
        1 => prop::sample::select(vec![json!(0.5), json!(10.0), json!(1e20), json!(-1.5), json!(-0.0), json!(1e-320), json!(u64::MAX)]),
        1 => prop::sample::select(BIG.to_vec()).prop_map(Value::from),
        1 => number().prop_map(|number| Value::from(number.to_string())),
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
    let rank = prop_oneof![
        2 => text().prop_map(Value::from),
        2 => "(warn|INFO|err|7| 3 )".prop_map(Value::from),
        1 => (-1i64..26).prop_map(Value::from),
        1 => prop::sample::select(vec![json!(3.0), json!(17.0), json!(0.5), json!(true), json!(["fatal"]), json!({"a": "warn"})]),
    ];
    let canonical = (0..4u8, 0..3u8, 0..7u8, 0..3u8, 0i64..10, text(), rank);
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
            0 => drop(event.insert("level".into(), rank)),
            1 => drop(event.insert("severity".into(), rank)),
            2 => drop(event.insert("lvl".into(), json!([rank]))),
            3 => drop(event.insert("log".into(), json!({"level": rank}))),
            4 => drop(event.insert("log".into(), json!([{"level": rank}]))),
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
