//! What is wrong with a query is said with its column and with what was expected there.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use serde::Deserialize;
use trawl_query::{ErrorCode, MAX_DEPTH, MAX_PARTS, MAX_QUERY_BYTES, Query, QueryError};

/// A query and what is wrong with it. The grammar of the web interface is tested on the same file.
#[derive(Deserialize)]
struct Malformed {
    query: String,
    code: ErrorCode,
    column: usize,
    /// A part of what the error says was expected.
    expected: String,
}

fn error(query: &str) -> QueryError {
    match Query::parse(query) {
        Err(error) => error,
        Ok(parsed) => panic!("{query:?} parsed as {parsed}"),
    }
}

#[test]
fn every_malformed_query_names_its_column_and_what_was_expected() {
    let cases: Vec<Malformed> = serde_json::from_str(include_str!("corpus/errors.json")).unwrap();
    let mut wrong = Vec::new();
    for Malformed { query, code, column, expected } in &cases {
        let error = error(query);
        let right = (error.code, error.column) == (*code, *column) && error.expected.contains(expected);
        if !right || error.message.is_empty() || error.message.ends_with('.') {
            wrong.push(format!("{query}: {error} ({:?})", error.code));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn an_error_reads_as_a_sentence_and_points_with_a_caret() {
    let query = "é level:>=loud";
    let error = error(query);
    let text = error.to_string();
    assert!(text.starts_with("column 11: this is no level; expected a level: trace"), "{text}");
    let caret = error.caret(query);
    let lines: Vec<&str> = caret.lines().collect();
    assert_eq!(lines[0], "  é level:>=loud");
    assert!(lines[1].starts_with("            ^ expected a level"), "{caret}");
}

#[test]
fn queries_too_long_or_too_deep_are_refused() {
    assert_eq!(error(&"a ".repeat(MAX_QUERY_BYTES)).code, ErrorCode::QueryTooLong);
    let deep = |depth: usize| format!("{}a{}", "(".repeat(depth), ")".repeat(depth));
    assert!(Query::parse(&deep(MAX_DEPTH)).is_ok());
    let too_deep = error(&deep(MAX_DEPTH + 1));
    assert_eq!((too_deep.code, too_deep.column), (ErrorCode::QueryTooDeep, MAX_DEPTH + 2));
    assert!(Query::parse(&vec!["a"; MAX_PARTS].join("*")).is_ok());
    assert!(error(&vec!["a"; MAX_PARTS + 1].join("*")).expected.contains("at most"));
    assert!(Query::parse(&"NOT ".repeat(MAX_DEPTH + 1)).is_err());
    assert!(Query::parse(&format!("/{}/", "(".repeat(5000))).is_err());
}
