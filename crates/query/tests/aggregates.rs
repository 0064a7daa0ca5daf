//! Tables: what each function computes, how rows are ordered, and that splitting changes nothing.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use common::{block, coded, generate, projected, query, rows, table};
use proptest::prelude::*;
use serde_json::{Value, json};
use trawl_event::{Block, RowSet};
use trawl_query::{ErrorCode, MAX_GROUPS, Partial, SortKey, sort_key};

const EVENTS: [&str; 7] = [
    r#"{"timestamp":"2024-05-01T00:00:10Z","service":"a","level":"info","ms":10,"tags":["x","y","x"]}"#,
    r#"{"timestamp":"2024-05-01T00:00:50Z","service":"a","level":"warn","ms":20.5,"tags":[]}"#,
    r#"{"timestamp":"2024-05-01T00:01:10Z","service":"b","level":"error","ms":"30"}"#,
    r#"{"timestamp":"2024-05-01T00:02:10Z","service":"b","ms":null,"tags":["y",null]}"#,
    r#"{"timestamp":"2024-05-01T00:02:20Z","ms":[1,2]}"#,
    r#"{"timestamp":"2024-05-01T00:02:30.5Z","service":"c","ms":"-","code":500}"#,
    r#"{"timestamp":"2024-05-01T00:02:40Z","service":"c","code":500.0,"flag":true}"#,
];

fn check(text: &str, columns: Value, wanted: Value) {
    let found = serde_json::to_value(table(text, &EVENTS)).unwrap();
    assert_eq!(found, json!({"columns": columns, "rows": wanted}), "{text}");
}

#[test]
fn functions_compute_what_they_say() {
    check(
        "| stats count(), count(ms), count(tags)",
        json!(["count()", "count(ms)", "count(tags)"]),
        json!([[7, 5, 3]]),
    );
    check("| stats sum(ms), avg(ms)", json!(["sum(ms)", "avg(ms)"]), json!([[63.5, 12.7]]));
    check("| stats min(ms) as least, max(ms)", json!(["least", "max(ms)"]), json!([[1, 30]]));
    check("| stats p50(ms), p100(ms), p25(ms)", json!(["p50(ms)", "p100(ms)", "p25(ms)"]), json!([[10.0, 30.0, 2.0]]));
    check(
        "| stats count_distinct(service), count_distinct(tags), count_distinct(code), sum(code)",
        json!(["count_distinct(service)", "count_distinct(tags)", "count_distinct(code)", "sum(code)"]),
        json!([[3, 2, 1, 1000.0]]),
    );
    check(
        "service:a | stats min(timestamp), max(timestamp)",
        json!(["min(timestamp)", "max(timestamp)"]),
        json!([["2024-05-01T00:00:10.000Z", "2024-05-01T00:00:50.000Z"]]),
    );
    check("| stats min(service), max(level)", json!(["min(service)", "max(level)"]), json!([["a", "warn"]]));
}

#[test]
fn no_events_make_one_row_of_nothing() {
    check(
        "nowhere | stats count(), sum(ms), avg(ms), min(ms), p9(ms), count_distinct(ms)",
        json!(["count()", "sum(ms)", "avg(ms)", "min(ms)", "p9(ms)", "count_distinct(ms)"]),
        json!([[0, null, null, null, null, 0]]),
    );
    check("nowhere | stats count() by service", json!(["service", "count()"]), json!([]));
    check("nowhere | timechart 1m", json!(["timestamp", "count()"]), json!([]));
}

#[test]
fn groups_are_made_of_values_and_a_missing_one_is_null() {
    check(
        "| stats count() by service",
        json!(["service", "count()"]),
        json!([["a", 2], ["b", 2], ["c", 2], [null, 1]]),
    );
    check("code:* | stats count() by code", json!(["code", "count()"]), json!([[500, 2]]));
    check("| stats count() by flag", json!(["flag", "count()"]), json!([[true, 1], [null, 6]]));
    check("| stats count() by tags", json!(["tags", "count()"]), json!([["x", 1], ["y", 2], [null, 5]]));
    check(
        "service:a | stats count() by service, level",
        json!(["service", "level", "count()"]),
        json!([["a", "info", 1], ["a", "warn", 1]]),
    );
}

#[test]
fn timechart_cuts_buckets_at_multiples_of_their_width() {
    check(
        "| timechart 1m",
        json!(["timestamp", "count()"]),
        json!([["2024-05-01T00:00:00.000Z", 2], ["2024-05-01T00:01:00.000Z", 1], ["2024-05-01T00:02:00.000Z", 4]]),
    );
    check(
        "service:(a OR b) | timechart 1d count() as n, sum(ms) by service",
        json!(["timestamp", "service", "n", "sum(ms)"]),
        json!([["2024-05-01T00:00:00.000Z", "a", 2, 30.5], ["2024-05-01T00:00:00.000Z", "b", 2, 30]]),
    );
}

#[test]
fn top_counts_values_greatest_first() {
    check("| top 2 service", json!(["service", "count"]), json!([["a", 2], ["b", 2]]));
    check("| top tags", json!(["tags", "count"]), json!([["y", 2], ["x", 1]]));
}

#[test]
fn pipes_after_an_aggregate_work_on_its_table() {
    check(
        "| stats count() as n, sum(ms) by service | sort -sum(ms) | limit 2 | fields sum(ms), service",
        json!(["sum(ms)", "service"]),
        json!([[30.5, "a"], [30, "b"]]),
    );
    check(
        "| stats count() by level | sort level desc | fields level",
        json!(["level"]),
        json!([["error"], ["warn"], ["info"], [null]]),
    );
}

#[test]
fn more_groups_than_the_limit_are_refused() {
    let query = query("x | stats count() by n");
    let numbers = |range: std::ops::Range<usize>| {
        let events: Vec<String> = range.map(|n| format!(r#"{{"message":"x","n":{n}}}"#)).collect();
        let block = block(&events);
        let mut partial = Partial::new(&query).unwrap();
        partial.add(&query, &block, &rows(&query, &block)).map(|()| partial)
    };
    let error = numbers(0..MAX_GROUPS + 1).unwrap_err();
    assert_eq!((error.code, error.column), (ErrorCode::TooManyGroups, 5));
    let mut full = numbers(0..MAX_GROUPS).unwrap();
    assert!(full.merge(numbers(0..10).unwrap()).is_ok());
    assert_eq!(full.merge(numbers(MAX_GROUPS..MAX_GROUPS + 1).unwrap()).unwrap_err().code, ErrorCode::TooManyGroups);
}

#[test]
fn partials_of_different_queries_do_not_merge() {
    let mut one = Partial::new(&query("| stats count()")).unwrap();
    let other = Partial::new(&query("| stats sum(x)")).unwrap();
    assert_eq!(one.merge(other).unwrap_err().code, ErrorCode::PartialMismatch);
}

#[test]
fn events_are_sorted_by_number_text_rank_or_time_with_missing_ones_last() {
    let events = [
        r#"{"ts":5,"n":10,"level":"warn"}"#,
        r#"{"ts":4,"n":"9","level":"ERR"}"#,
        r#"{"ts":3,"n":"x","level":"info"}"#,
        r#"{"ts":2,"n":null}"#,
        r#"{"ts":1,"n":[8.5,99],"level":"odd"}"#,
    ];
    let block = block(&events);
    let order = |text: &str| {
        let query = query(text);
        let projected = projected(&block, &query);
        let mut keys: Vec<(SortKey, usize)> =
            (0..events.len()).map(|row| (sort_key(&query, &projected, row).unwrap(), row)).collect();
        let sent = serde_json::to_string(&keys).unwrap();
        assert_eq!(serde_json::from_str::<Vec<(SortKey, usize)>>(&sent).unwrap(), keys);
        keys.sort();
        keys.into_iter().map(|(_, row)| row).collect::<Vec<_>>()
    };
    assert_eq!(order("| sort n"), [4, 1, 0, 2, 3]);
    assert_eq!(order("| sort -n"), [2, 0, 1, 4, 3]);
    assert_eq!(order("| sort level desc"), [4, 1, 0, 2, 3]);
    assert_eq!(order("| sort timestamp"), [4, 3, 2, 1, 0]);
    assert_eq!(order("| sort ts desc"), [0, 1, 2, 3, 4]);
    assert_eq!(sort_key(&query("n:10 | limit 1"), &block, 0), None);
}

#[test]
fn a_block_adds_up_to_the_sum_of_its_rows() {
    let events: Vec<String> = (0..3000)
        .map(|n: usize| {
            let service = ["a", "b", "c"][n / 7 % 3];
            let mut event = json!({"ts": n * 37 % 5000, "service": service, "n": n % 11, "f": n as f64 / 4.0, "word": format!("w{}", n * n % 97)});
            match n % 20 {
                0 => event["n"] = json!("7.5"),
                1 => event["tags"] = json!(["x", service, "x"]),
                2 => event["rare"] = json!(n.is_multiple_of(3)),
                3 => event["level"] = json!("warn"),
                _ => event["level"] = json!(["info", "error"][n % 2]),
            }
            event.to_string()
        })
        .collect();
    let plain = block(&events);
    for text in [
        "| stats count(), count(tags), count(rare), max(word), min(n), p90(n), count_distinct(word), sum(f)",
        "| stats count(), sum(n), avg(f), count_distinct(word) by service",
        "| stats count(level), min(level), max(rare), count_distinct(n) by level, rare",
        "| stats count(), p10(word) by word, tags, n",
        "| timechart 1m count(), min(timestamp), max(word) by service, level",
        "| top 5 tags",
        "| top 200 f",
    ] {
        let query = query(text);
        let subsets: [&dyn Fn(usize) -> bool; 4] =
            [&|_| true, &|row| row % 3 == 1, &|row| row % 700 == 20, &|row| row < 64];
        for subset in subsets {
            let rows = RowSet::from_fn(events.len(), subset);
            let mut by_row = Partial::new(&query).unwrap();
            for row in rows.iter() {
                let single = block(&events[row..=row]);
                by_row.add(&query, &single, &RowSet::all(1)).unwrap();
            }
            for block in [&plain, &coded(&plain)] {
                let mut at_once = Partial::new(&query).unwrap();
                at_once.add(&query, block, &rows).unwrap();
                assert_eq!(at_once.finish(&query), by_row.finish(&query), "{text} over {} rows", rows.count());
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn however_events_are_split_the_table_is_the_same(
        events in prop::collection::vec(generate::event(), 0..30),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..4),
        text in prop::sample::select(vec![
            "| stats count(), count(a), sum(a), avg(b), min(a), max(a), p50(a), p99(b), count_distinct(a)",
            "| stats count(), sum(a.b), min(message), max(level) by service, level",
            "| timechart 3s count(), p90(a) by b",
            "| top 3 a",
            "a:* OR level:>=warn | stats count(b) by a, b | sort -count(b) | limit 5",
        ]),
    ) {
        let query = query(text);
        let texts: Vec<String> = events.iter().map(Value::to_string).collect();
        let of_block = |block: Block| {
            let mut partial = Partial::new(&query).unwrap();
            partial.add(&query, &projected(&block, &query), &rows(&query, &block)).unwrap();
            // As it travels between workers.
            let sent = serde_json::to_string(&partial).unwrap();
            let received: Partial = serde_json::from_str(&sent).unwrap();
            prop_assert_eq!(&received, &partial);
            Ok(received)
        };
        let of = |texts: &[String]| of_block(block(texts));
        let whole = of(&texts)?.finish(&query);
        prop_assert_eq!(&of_block(coded(&block(&texts)))?.finish(&query), &whole);
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(texts.len() + 1)).collect();
        cuts.extend([0, texts.len()]);
        cuts.sort_unstable();
        let parts = cuts.windows(2).map(|ends| of(&texts[ends[0]..ends[1]])).collect::<Result<Vec<_>, _>>()?;
        let mut forwards = Partial::new(&query).unwrap();
        parts.iter().for_each(|part| forwards.merge(part.clone()).unwrap());
        let mut backwards = Partial::new(&query).unwrap();
        parts.into_iter().rev().for_each(|part| backwards.merge(part).unwrap());
        prop_assert_eq!(&forwards.finish(&query), &whole);
        prop_assert_eq!(&backwards.finish(&query), &whole);
    }
}
