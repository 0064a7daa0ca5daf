//! Blocks from JSON, for the tests of this crate.

#![allow(dead_code)] // each test binary uses some of it

pub mod generate;

use std::sync::Arc;

use trawl_event::block::Projection;
use trawl_event::merge::Merger;
use trawl_event::shred::{Shredder, TimeRule};
use trawl_event::{Block, RowSet, Texts, Timestamp, Values};
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

/// The same block with every column of texts coded, as a reader of segments gives those with a dictionary: in an order
/// of its own, and with strings of which no row has any.
pub fn coded(block: &Block) -> Block {
    let mut coded = block.clone();
    for column in &mut coded.columns {
        if let Values::Text(texts) | Values::Json(texts) = &mut column.values {
            let strings: std::collections::BTreeSet<&str> = texts.iter().chain(["\"a b\"", "[1]"]).collect();
            let mut distinct = Texts::default();
            strings.iter().rev().for_each(|text| distinct.push(text));
            let code =
                |text: &str| strings.iter().rev().position(|other| *other == text).expect("each is there") as u32;
            let codes = texts.iter().map(code).collect();
            *texts = Texts::coded(Arc::new(distinct), codes).expect("each code has a string");
        }
    }
    coded
}

/// The rows that match, stage by stage: each stage sees its own columns, of the rows the ones before left.
pub fn rows_by_stages(query: &Query, block: &Block) -> RowSet {
    let evaluator = Evaluator::new(query).expect("a parsed query compiles");
    let mut left: Vec<usize> = (0..block.rows()).collect();
    for stage in 0..evaluator.stages() {
        let mut rows = RowSet::none(block.rows());
        left.iter().for_each(|row| rows.insert(*row));
        let mut merger = Merger::default();
        merger.append_rows(block, &rows);
        let passed = evaluator.matches_stage(stage, &cut(&merger.finish(), evaluator.projection(stage)));
        left = passed.iter().map(|row| left[row]).collect();
    }
    let mut rows = RowSet::none(block.rows());
    left.iter().for_each(|row| rows.insert(*row));
    rows
}

/// The columns of the projection only, as a reader of segments would give them.
pub fn projected(block: &Block, query: &Query) -> Block {
    cut(block, &query.projection())
}

fn cut(block: &Block, projection: &Projection) -> Block {
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
