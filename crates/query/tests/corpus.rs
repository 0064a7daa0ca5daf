//! The queries of `corpus/queries.json`, on which the grammar of the web interface is tested, too.

#![allow(clippy::unwrap_used)]

use serde::Deserialize;
use trawl_query::{Evaluator, Query};

#[derive(Deserialize)]
struct Case {
    query: String,
    /// How the query is printed.
    canonical: Option<String>,
}

#[test]
fn every_query_of_the_corpus_parses_and_prints_as_one_that_parses_to_the_same() {
    let cases: Vec<Case> = serde_json::from_str(include_str!("corpus/queries.json")).unwrap();
    let mut wrong = Vec::new();
    for Case { query, canonical } in &cases {
        let parsed = match Query::parse(query) {
            Ok(parsed) => parsed,
            Err(error) => {
                wrong.push(format!("{query:?}: {error}"));
                continue;
            }
        };
        let printed = parsed.to_string();
        if canonical.as_ref().is_some_and(|canonical| *canonical != printed) {
            wrong.push(format!("{query:?} is printed as {printed:?}"));
        }
        if Query::parse(&printed).as_ref() != Ok(&parsed) || Evaluator::new(&parsed).is_err() {
            wrong.push(format!("{query:?}, printed as {printed:?}, is another query"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
