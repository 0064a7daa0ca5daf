//! Stages: which columns each needs, and in what order they come.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use common::{block, query};
use trawl_event::block::Projection;
use trawl_query::Evaluator;

/// What a stage needs: its names, and `TEXTS`, `ENVELOPES` or `TIMES`.
fn columns(projection: &Projection) -> String {
    let Projection::Some { texts, names, envelopes, times } = projection else { return "ALL".to_owned() };
    let marks = [(*texts, "TEXTS"), (*envelopes, "ENVELOPES"), (*times, "TIMES")];
    let marks = marks.iter().filter(|(wanted, _)| *wanted).map(|(_, mark)| *mark);
    names.iter().map(String::as_str).chain(marks).collect::<Vec<_>>().join(" ")
}

fn stages(text: &str) -> Vec<String> {
    let evaluator = Evaluator::new(&query(text)).unwrap();
    (0..evaluator.stages()).map(|stage| columns(evaluator.projection(stage))).collect()
}

#[test]
fn what_is_cheap_to_read_comes_first() {
    assert_eq!(stages("timeout message:/a.c/ service:a"), ["service", "message", "TEXTS"]);
    assert_eq!(stages("message:x http.status:>=500 level:>=warn"), ["http.status", "level", "message"]);
    assert_eq!(stages("x timestamp:>2024-01-01T00:00:00Z"), ["TIMES", "TEXTS"]);
    assert_eq!(stages("(timeout OR service:a) message:x"), ["message", "service TEXTS"]);
}

#[test]
fn sides_that_need_the_same_columns_are_one_stage() {
    assert_eq!(stages("connection reset -timeout"), ["TEXTS"]);
    assert_eq!(stages("message:x level:error message:y"), ["level", "message"]);
}

#[test]
fn what_is_no_conjunction_has_one_stage() {
    assert_eq!(stages("a OR service:b"), ["service TEXTS"]);
    assert_eq!(stages("-(a service:b)"), ["service TEXTS"]);
}

#[test]
fn everything_needs_no_column() {
    assert_eq!(stages("* | timechart 5m by level"), [""]);
    assert_eq!(stages("* level:error"), ["level"]);
    assert_eq!(Evaluator::new(&query("*")).unwrap().projection(0), &Projection::nothing());
}

#[test]
fn a_result_needs_the_columns_of_its_aggregate_or_order() {
    let result = |text: &str| columns(&query(text).result_projection());
    assert_eq!(result("timeout | timechart 5m by level"), "level TIMES");
    assert_eq!(result("timeout | stats sum(ms), count(a) by severity"), "a a.* level ms severity ENVELOPES");
    assert_eq!(result("timeout | top 10 service"), "service");
    assert_eq!(result("timeout | sort -latency | fields a"), "latency TIMES");
    assert_eq!(result("timeout service:x"), "TIMES");
    assert_eq!(result("timeout | stats max(timestamp)"), "TIMES");
}

#[test]
fn an_evaluation_that_is_told_to_stop_looks_at_no_more_texts() {
    // Each text takes this regex milliseconds.
    let slow = query(r"/(\pL{1,50}.{0,50}){4}\pN$/");
    let event = |number: usize| format!(r#"{{"message":"{}{}"}}"#, "ä".repeat(1500), number % 10);
    let events: Vec<String> = (0..5000).map(event).collect();
    let block = block(&events);
    let stop = trawl_query::Stop::new();
    let evaluator = trawl_query::Evaluator::new(&slow).unwrap().until(stop.clone());
    stop.set();
    assert_eq!(evaluator.matches(&block).count(), 0);
}
