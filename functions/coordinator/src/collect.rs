//! What a search collects, by the form of its result.

use std::cmp::Reverse;

use trawl_api::search::{Aggregates, Order, Progress};
use trawl_event::Timestamp;
use trawl_query::{Output, Partial, Query, SortKey};
use trawl_store::ports::{RowKey, ScanEvent, ScanResult, StoreError};

use crate::merge::Merge;
use crate::run::Stop;
use crate::state::{Asked, Resume};

/// Most bytes of an aggregate's JSON: a Lambda response carries 6 MB.
const AGGREGATE_BYTES: usize = 5_000_000;

/// What a search collects.
pub enum Collected {
    /// Events in the order of the search: the merge holds them.
    Events,
    /// The first events in the order of a `sort` pipe.
    Sorted(Vec<ScanEvent>),
    /// An aggregate.
    Table(Partial),
}

impl Collected {
    /// Nothing yet, and how many events the query lets through at most.
    pub fn new(query: &Query) -> Result<(Self, usize), Stop> {
        match query.output() {
            Output::Table => match Partial::new(query) {
                Some(partial) => Ok((Self::Table(partial), 0)),
                None => Err(StoreError::Permanent("the query has a table without an aggregate".into()).into()),
            },
            Output::Events { sort, limit, .. } => {
                let collected = if sort.is_some() { Self::Sorted(Vec::new()) } else { Self::Events };
                Ok((collected, limit.unwrap_or(usize::MAX)))
            }
        }
    }

    /// What a run before had collected.
    pub fn restore(&mut self, resume: &Resume) {
        match self {
            Self::Events => {}
            Self::Sorted(events) => events.clone_from(&resume.sorted),
            Self::Table(partial) => {
                if let Some(noted) = &resume.partial {
                    partial.clone_from(noted);
                }
            }
        }
    }

    /// As another run takes it up.
    pub fn noted(&self) -> (Option<Partial>, Vec<ScanEvent>) {
        match self {
            Self::Events => (None, Vec::new()),
            Self::Sorted(events) => (None, events.clone()),
            Self::Table(partial) => (Some(partial.clone()), Vec::new()),
        }
    }

    /// Whether events come out in the order of the search.
    pub fn is_ordered(&self) -> bool {
        matches!(self, Self::Events)
    }

    /// Adds what a worker found for the task at `index`.
    pub fn add(
        &mut self,
        merge: &mut Merge,
        index: usize,
        mut result: ScanResult,
        (asked, limit): (&Asked, usize),
        progress: &mut Progress,
    ) -> Result<(), Stop> {
        if let Some(error) = result.query_error.take() {
            return Err(Stop::Failed { code: error.code.as_str().to_owned(), message: error.to_string() });
        }
        match self {
            Self::Events => {
                merge.deliver(index, result);
                return Ok(());
            }
            Self::Sorted(events) => {
                if result.more && result.events.len() < limit {
                    return Err(Stop::Failed {
                        code: "result_too_large".into(),
                        message: "the events to sort are too large: lower the limit, or pick fields with a fields pipe"
                            .into(),
                    });
                }
                events.append(&mut result.events);
                let newest_first = asked.order == Order::Desc;
                events
                    .sort_unstable_by(|one, other| sort_order(one, newest_first).cmp(&sort_order(other, newest_first)));
                events.truncate(limit);
            }
            Self::Table(total) => {
                if let Some(partial) = result.partial.take() {
                    total.merge(partial).map_err(|error| Stop::Failed {
                        code: error.code.as_str().to_owned(),
                        message: error.to_string(),
                    })?;
                }
            }
        }
        progress.events_matched += result.events_matched;
        merge.deliver(index, ScanResult::default());
        Ok(())
    }
}

/// The order of a `sort` pipe, ties in the order of the search.
fn sort_order(event: &ScanEvent, newest_first: bool) -> (Option<&SortKey>, (RowKey, Reverse<RowKey>)) {
    let nowhere = RowKey { timestamp: Timestamp(0), source: 0, row: 0 };
    let place = if newest_first { (nowhere, Reverse(event.key)) } else { (event.key, Reverse(nowhere)) };
    (event.sort.as_ref(), place)
}

/// The table of an aggregate.
pub fn aggregates(partial: &Partial, query: &Query) -> Result<Aggregates, Stop> {
    let table = partial.finish(query);
    let value = serde_json::to_value(&table).map_err(|error| StoreError::Permanent(error.to_string()))?;
    let aggregates: Aggregates =
        serde_json::from_value(value).map_err(|error| StoreError::Permanent(error.to_string()))?;
    let size = serde_json::to_vec(&aggregates).map_or(usize::MAX, |json| json.len());
    if size > AGGREGATE_BYTES {
        return Err(Stop::Failed {
            code: "result_too_large".into(),
            message: format!("the table has {size} bytes, the limit is {AGGREGATE_BYTES}: add a limit or top pipe"),
        });
    }
    Ok(aggregates)
}
