//! Events that a query must not find, because they are to be deleted.

use std::ops::Bound;

use serde::{Deserialize, Serialize};
use trawl_event::Timestamp;
use trawl_event::block::TIMESTAMP;

use crate::ast::{Filter, Interval, Range, Test};
use crate::error::{ErrorCode, QueryError};
use crate::query::{Output, Query};

/// Events of a range of time that match a filter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exclusion {
    /// The filter, as a query without pipes.
    pub query: String,
    /// Events from here on,
    pub from: Timestamp,
    /// and before here.
    pub to: Timestamp,
}

impl Exclusion {
    /// The filter of exactly these events.
    ///
    /// # Errors
    /// When the query cannot be read, or is more than a filter.
    pub fn filter(&self) -> Result<Filter, QueryError> {
        let query = Query::parse(&self.query)?;
        if query.output() != (Output::Events { fields: None, sort: None, limit: None }) || !query.pipes.is_empty() {
            return Err(QueryError {
                code: ErrorCode::Syntax,
                column: 1,
                message: "what is deleted is told by a filter alone".into(),
                expected: "a query without pipes".into(),
            });
        }
        let low = if self.from == Timestamp::MIN { Bound::Unbounded } else { Bound::Included(self.from) };
        let times = Range::Times(Interval { low, high: Bound::Excluded(self.to) });
        let times = Filter::Field { field: TIMESTAMP.to_owned(), test: Test::Within(times) };
        Ok(both(query.filter, times))
    }
}

impl Query {
    /// The same query of all events but these.
    ///
    /// # Errors
    /// When the query of an exclusion cannot be read.
    pub fn without(mut self, exclusions: &[Exclusion]) -> Result<Self, QueryError> {
        for exclusion in exclusions {
            self.filter = both(self.filter, Filter::Not(Box::new(exclusion.filter()?)));
        }
        Ok(self)
    }
}

/// Events that match both, in the form that the parser gives it.
fn both(one: Filter, other: Filter) -> Filter {
    let sides = [one, other].into_iter().flat_map(|side| match side {
        Filter::All => Vec::new(),
        Filter::And(sides) => sides,
        side => vec![side],
    });
    let mut sides: Vec<Filter> = sides.collect();
    match sides.len() {
        0 => Filter::All,
        1 => sides.remove(0),
        _ => Filter::And(sides),
    }
}

/// Events that any of these matches.
pub fn any_of(mut filters: Vec<Filter>) -> Filter {
    match filters.len() {
        0 => Filter::Not(Box::new(Filter::All)),
        1 => filters.remove(0),
        _ => {
            let sides = filters.into_iter().flat_map(|side| match side {
                Filter::Or(sides) => sides,
                side => vec![side],
            });
            Filter::Or(sides.collect())
        }
    }
}

#[cfg(test)]
mod tests {
    use trawl_event::decode::decode;
    use trawl_event::shred::TimeRule;

    use super::*;
    use crate::Evaluator;

    fn found(query: &Query) -> Vec<usize> {
        let rule = TimeRule { received: Timestamp(0), oldest: Timestamp::MIN, latest: Timestamp::MAX };
        let events = br#"{"timestamp":1,"user":"ann","message":"pays"}
{"timestamp":1000000000,"user":"ann","message":"pays"}
{"timestamp":1000000000,"user":"bob","message":"pays"}
{"timestamp":2000000000,"user":"ann","message":"asks"}"#;
        let mut parts = decode(events, &rule).unwrap().parts;
        let block = parts.remove(0);
        Evaluator::new(query).unwrap().matches(&block).iter().collect()
    }

    #[test]
    fn a_query_finds_all_but_what_is_excluded() {
        let exclusion = |query: &str, from: i64, to: i64| {
            let at = |seconds: i64| if seconds == 0 { Timestamp::MIN } else { Timestamp(seconds * 1_000_000_000) };
            Exclusion { query: query.into(), from: at(from), to: at(to) }
        };
        let all = Query::parse("").unwrap();
        let without = |exclusions: &[Exclusion]| found(&all.clone().without(exclusions).unwrap());
        assert_eq!(without(&[]), [0, 1, 2, 3]);
        assert_eq!(without(&[exclusion("user:ann", 0, 2_000_000_000)]), [2, 3]);
        assert_eq!(without(&[exclusion("user:ann", 1_000_000_000, 2_000_000_000)]), [0, 2, 3]);
        assert_eq!(without(&[exclusion("", 0, 2_000_000_000)]), [3]);
        assert_eq!(without(&[exclusion("user:bob", 0, 3_000_000_000), exclusion("asks", 0, 3_000_000_000)]), [0, 1]);
        let pays = Query::parse("pays user:ann").unwrap();
        assert_eq!(found(&pays.without(&[exclusion("pays", 0, 1_000_000_000)]).unwrap()), [1]);
        let filters = [exclusion("asks", 0, 3_000_000_000), exclusion("bob OR nobody", 0, 3_000_000_000)];
        let filters = filters.iter().map(|exclusion| exclusion.filter().unwrap()).collect();
        assert_eq!(found(&Query { filter: any_of(filters), ..all.clone() }), [2, 3]);
        assert!(found(&Query { filter: any_of(Vec::new()), ..all }).is_empty());
    }

    #[test]
    fn only_a_filter_excludes() {
        for query in ["a | limit 1", "| stats count()", "a | fields b", "(a"] {
            let exclusion = Exclusion { query: query.into(), from: Timestamp::MIN, to: Timestamp::MAX };
            assert!(exclusion.filter().is_err(), "{query}");
        }
    }
}
