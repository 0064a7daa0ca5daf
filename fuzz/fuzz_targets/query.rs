//! A query: it is refused with a place, or it prints as a query that means the same, and its answer
//! does not depend on which columns were read nor on how the events were split.

#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use trawl_event::{Block, RowSet};
use trawl_fuzz::{SAMPLE, block_of, events_of, sample};
use trawl_query::{Evaluator, Output, Partial, Query, project, sort_key};

static BLOCK: LazyLock<Block> = LazyLock::new(sample);

/// Regexes larger than this compile for seconds under the sanitizer; they are bounded elsewhere.
const LONGEST_QUERY: usize = 512;

fuzz_target!(|text: &str| {
    if text.len() > LONGEST_QUERY {
        return;
    }
    let query = match Query::parse(text) {
        Ok(query) => query,
        Err(error) => {
            let end = text.chars().count() + 1;
            assert!((1..=end).contains(&(error.column as usize)), "{text:?}: column {}", error.column);
            return;
        }
    };
    let printed = query.to_string();
    let reparsed = Query::parse(&printed).unwrap_or_else(|error| panic!("{text:?} printed as {printed:?}: {error}"));
    assert_eq!(reparsed.to_string(), printed, "of {text:?}");
    let block = &*BLOCK;
    let Ok(evaluator) = Evaluator::new(&query) else { return };
    let rows = evaluator.matches(block);
    let again = Evaluator::new(&reparsed).map(|evaluator| evaluator.matches(block));
    assert_eq!(again.ok().as_ref(), Some(&rows), "{text:?} printed as {printed:?}");
    assert_eq!(evaluator.matches(&projected(block, &query)), rows, "{text:?} by its projection");
    for highlight in query.highlights() {
        for event in SAMPLE {
            highlight.ranges(event).into_iter().for_each(|range| assert!(event.get(range).is_some()));
        }
    }
    match query.output() {
        Output::Events { fields, .. } => {
            for (row, event) in events_of(block).iter().enumerate() {
                sort_key(&query, block, row);
                let shown = fields.as_deref().map_or(event.clone(), |fields| project(fields, event));
                assert!(
                    serde_json::from_str::<&serde_json::value::RawValue>(&shown).is_ok(),
                    "{text:?} gave {shown:?}"
                );
            }
        }
        Output::Table => aggregate(text, &query, &evaluator, &rows),
    }
});

/// The block with nothing but what the query says it needs.
fn projected(block: &Block, query: &Query) -> Block {
    let projection = query.projection();
    let mut projected = block.clone();
    projected.columns.retain(|column| projection.wants(&column.path.name(), column.values.kind()));
    if !projection.wants_envelopes() {
        projected.envelopes.clear();
        projected.envelope_codes.clear();
    }
    projected
}

fn aggregate(text: &str, query: &Query, evaluator: &Evaluator, rows: &RowSet) {
    let new = || Partial::new(query).unwrap_or_else(|| panic!("{text:?} has a table and no aggregate"));
    let mut whole = new();
    if whole.add(query, &BLOCK, rows).is_err() {
        return;
    }
    let mut merged = new();
    for events in SAMPLE.chunks(4).rev() {
        let block = block_of(events.iter().map(|event| event.as_bytes()));
        let mut part = new();
        let added = part.add(query, &block, &evaluator.matches(&block));
        added.and_then(|()| merged.merge(part)).unwrap_or_else(|error| panic!("{text:?}: {error}"));
    }
    assert_eq!(merged.finish(query), whole.finish(query), "{text:?} over parts");
}
