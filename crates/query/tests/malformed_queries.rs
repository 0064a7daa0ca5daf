//! What is wrong with a query is said with its column and with what was expected there.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use trawl_query::{ErrorCode, MAX_DEPTH, MAX_PARTS, MAX_QUERY_BYTES, Query, QueryError};

fn error(query: &str) -> QueryError {
    match Query::parse(query) {
        Err(error) => error,
        Ok(parsed) => panic!("{query:?} parsed as {parsed}"),
    }
}

#[test]
fn every_malformed_query_names_its_column_and_what_was_expected() {
    use ErrorCode::{
        BadValue, DuplicateColumn, PipeOrder, RegexInvalid, Syntax, UnknownColumn, UnknownFunction, UnknownPipe,
    };
    let cases: &[(&str, ErrorCode, usize, &str)] = &[
        ("\"open", Syntax, 1, "a closing '\"'"),
        ("a \"\"", Syntax, 3, "some text"),
        ("a AND", Syntax, 6, "a word"),
        ("a OR OR b", Syntax, 6, "before this operator"),
        ("AND a", Syntax, 1, "before this operator"),
        ("NOT", Syntax, 4, "a word"),
        ("a - b", Syntax, 4, "a filter right after '-'"),
        ("--verbose", Syntax, 2, "a filter right after '-'"),
        ("(a OR b", Syntax, 8, "')'"),
        ("a)", Syntax, 2, "no '(' is open"),
        ("()", Syntax, 2, "a word"),
        ("user()", Syntax, 5, "a space"),
        ("foo\"bar\"", Syntax, 4, "a space"),
        ("\"foo\"bar", Syntax, 6, "a space"),
        (":x", Syntax, 1, "a field name"),
        ("level:", Syntax, 7, "right after ':'"),
        ("level: warn", Syntax, 7, "right after ':'"),
        ("le*l:warn", Syntax, 1, "a whole name"),
        ("service:(a OR", Syntax, 14, "right after ':'"),
        ("a\\", Syntax, 3, "a character after"),
        ("/abc", Syntax, 1, "a closing '/'"),
        ("/api/users", Syntax, 6, "quote a path"),
        ("//", RegexInvalid, 1, "a pattern"),
        ("x /a(b/", RegexInvalid, 5, "RE2"),
        ("/é[z-a]/", RegexInvalid, 4, "RE2"),
        ("/(?=a)/", RegexInvalid, 2, "RE2"),
        ("/a{2000}{2000}/", ErrorCode::RegexTooLarge, 1, "smaller counts"),
        ("status:>", Syntax, 9, "right after the operator"),
        ("status:>5*", Syntax, 9, "without '*'"),
        ("status:[1 TO", Syntax, 13, "the upper end"),
        ("status:[1 2]", Syntax, 11, "TO"),
        ("status:[1 TO 2", Syntax, 15, "']'"),
        ("status:[1 TO x]", BadValue, 14, "two numbers or two texts"),
        ("level:>=loud", BadValue, 9, "a level"),
        ("timestamp:>=yesterday", BadValue, 13, "a time"),
        ("timestamp:2024*", BadValue, 11, "a time"),
        ("a |", Syntax, 4, "stats, timechart"),
        ("a | nonsense 5", UnknownPipe, 5, "stats, timechart"),
        ("| stats", Syntax, 8, "count, count_distinct"),
        ("| stats median(x)", UnknownFunction, 9, "percentile"),
        ("| stats p101(x)", UnknownFunction, 9, "percentile"),
        ("| stats sum()", Syntax, 13, "the field that sum is computed of"),
        ("| stats count", Syntax, 14, "'('"),
        ("| stats count(x", Syntax, 16, "')'"),
        ("| stats count() as", Syntax, 19, "the name of a field"),
        ("| stats count() by", Syntax, 19, "the name of a field"),
        ("| stats count(), count()", DuplicateColumn, 3, "given with as"),
        ("| stats count() | top 5 x", PipeOrder, 19, "fields, sort or limit"),
        ("| limit 5 | stats count()", PipeOrder, 13, "the first pipe"),
        ("| limit 5 | sort x", PipeOrder, 13, "sort before limit"),
        ("| sort a | sort b", PipeOrder, 12, "one sort"),
        ("| stats count() by a | sort b", UnknownColumn, 29, "a or count()"),
        ("| stats count() | fields a, count()", UnknownColumn, 26, "count()"),
        ("| timechart", Syntax, 12, "the width of a bucket"),
        ("| timechart 5", BadValue, 13, "such as 30s"),
        ("| timechart 0m", BadValue, 13, "such as 30s"),
        ("| timechart 99999999999w", BadValue, 13, "such as 30s"),
        ("| top 0 x", BadValue, 7, "a whole number"),
        ("| limit", Syntax, 8, "a number"),
        ("| limit -1", Syntax, 9, "a number"),
        ("| limit 5 5", Syntax, 11, "'|' or the end"),
        ("| fields", Syntax, 9, "the name of a field"),
        ("| fields a,", Syntax, 12, "the name of a field"),
        ("| fields a*", Syntax, 10, "the name of a field"),
        ("| sort a upwards", Syntax, 10, "asc, desc"),
        ("| sort -a desc", Syntax, 11, "'-' already says"),
    ];
    let mut wrong = Vec::new();
    for (query, code, column, expected) in cases {
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
