//! Queries as text: nothing makes the parser panic, and what it prints it reads again.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use common::generate;
use proptest::prelude::*;
use trawl_query::{Evaluator, Partial, Query};

fn survives(text: &str) {
    match Query::parse(text) {
        Ok(query) => {
            assert_eq!(Query::parse(&query.to_string()).as_ref(), Ok(&query), "{text:?} printed as {query}");
            assert!(Evaluator::new(&query).is_ok(), "{text:?}");
        }
        Err(error) => {
            assert!((1..=text.chars().count() + 1).contains(&error.column), "{text:?}: {error}");
            error.caret(text);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text_parses_or_is_refused(text in any::<String>()) {
        survives(&text);
    }

    #[test]
    fn any_run_of_tokens_parses_or_is_refused(
        tokens in prop::collection::vec(prop::sample::select(vec![
            " ", " ", " ", "a", "é", "AND", "OR", "NOT", "TO", "-", "(", ")", ":", "*", "\"", "\"x y\"", "/", "/a+/", "/i",
            "\\", "[", "]", ">=", "<", "=", "5", "level:", "timestamp:", "s:", "s:(", "|", "| stats ", "count()", "p99(x)",
            "sum(", ",", " by ", " as ", "| timechart 5m ", "| top 3 ", "| sort ", "| fields ", "| limit 2", "desc",
        ]), 0..14),
    ) {
        survives(&tokens.concat());
    }

    #[test]
    fn a_printed_filter_parses_to_the_same(filter in generate::filter()) {
        let text = filter.to_string();
        let parsed = Query::parse(&text).map(|query| query.filter);
        prop_assert_eq!(parsed.as_ref(), Ok(&filter), "{}", text);
    }
}

#[test]
fn printed_pipes_parse_to_the_same() {
    for text in [
        "a | stats count(), count(x) as n, p99.9(\"odd, name\"), p99.05(l) by service, \"a b\" | sort -n | limit 3 | fields n, service",
        "| timechart 1h by level | sort count() desc",
        "| timechart 90s sum(bytes), avg(bytes)",
        "| top client.ip",
        "| TOP 3 x | HEAD 2",
        "x | sort latency asc | limit 5 | fields a, b.c",
        "x | fields \"-a\" | sort \"-a\"",
    ] {
        let query = Query::parse(text).unwrap();
        assert_eq!(Query::parse(&query.to_string()).as_ref(), Ok(&query), "{text} printed as {query}");
        assert_eq!(Partial::new(&query).is_some(), query.output() == trawl_query::Output::Table);
    }
}
