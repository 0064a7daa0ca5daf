//! Blocks from JSON, for the tests of this crate.

#![allow(dead_code)] // each test binary uses some of it

pub mod generate;

use trawl_event::shred::{Shredder, TimeRule};
use trawl_event::{Block, RowSet, Timestamp};
use trawl_query::{Evaluator, Partial, Query, Table};

/// The events as a block, through the same code as ingest.
pub fn block<S: AsRef<str>>(events: &[S]) -> Block {
    let rule = TimeRule { received: Timestamp(0), oldest: Timestamp::MIN, latest: Timestamp::MAX };
    let mut shredder = Shredder::default();
    for event in events {
        shredder.push(event.as_ref().as_bytes(), &rule).unwrap_or_else(|error| panic!("{}: {error}", event.as_ref()));
    }
    shredder.finish()
}

pub fn query(text: &str) -> Query {
    Query::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

/// The columns of the projection only, as a reader of segments would give them.
pub fn projected(block: &Block, query: &Query) -> Block {
    let projection = query.projection();
    let mut projected = block.clone();
    projected.columns.retain(|column| projection.wants(&column.path.name(), column.values.kind()));
    if !projection.wants_envelopes() {
        projected.envelopes.clear();
        projected.envelope_codes.clear();
    }
    projected
}

/// The rows that match, with nothing but the columns of the projection to go by.
pub fn rows(query: &Query, block: &Block) -> RowSet {
    Evaluator::new(query).expect("a parsed query compiles").matches(&projected(block, query))
}

/// The numbers of the events that match.
pub fn matching<S: AsRef<str>>(text: &str, events: &[S]) -> Vec<usize> {
    rows(&query(text), &block(events)).iter().collect()
}

/// The aggregate of a query over some events, added in two blocks and merged.
pub fn table<S: AsRef<str>>(text: &str, events: &[S]) -> Table {
    let query = query(text);
    let (left, right) = events.split_at(events.len() / 2);
    let mut whole = Partial::new(&query).expect("an aggregate");
    for part in [right, left] {
        let block = block(part);
        let mut partial = Partial::new(&query).expect("an aggregate");
        partial.add(&query, &projected(&block, &query), &rows(&query, &block)).expect("few groups");
        whole.merge(partial).expect("one query");
    }
    whole.finish(&query)
}
