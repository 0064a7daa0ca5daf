//! The order of a `sort` pipe over events.
use serde::{Deserialize, Serialize};
use trawl_event::Block;

use crate::query::Query;
use crate::value::Cell;

/// What a `sort` pipe orders an event by. Keys of one query compare; events without a value come last.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SortKey {
    /// Least first.
    Ascending(Cell),
    /// Greatest first.
    Descending(std::cmp::Reverse<Cell>),
    /// There is no value.
    Missing,
}

/// The key of an event; `None` when the query has no `sort` pipe over events.
pub fn sort_key(_query: &Query, _block: &Block, _row: usize) -> Option<SortKey> {
    None
}
