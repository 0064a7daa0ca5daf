//! The order of a `sort` pipe over events.

use std::cmp::Reverse;

use serde::{Deserialize, Serialize};
use trawl_event::{Block, Level};

use crate::ast::Sort;
use crate::fields::FieldColumns;
use crate::json::Value;
use crate::names;
use crate::query::{Output, Query};
use crate::value::{Cell, Number};

/// What a `sort` pipe orders an event by: results are in ascending order of their keys. Keys of one
/// query compare with each other; events without a value come last in either direction.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SortKey {
    /// Least first.
    Ascending(Cell),
    /// Greatest first.
    Descending(Reverse<Cell>),
    /// There is no value.
    Missing,
}

/// The key of an event; `None` when the query has no `sort` pipe over events.
///
/// A level is ordered by rank, the timestamp by time, other values as in a table: numbers (and texts
/// that spell numbers), texts, booleans. Of several values in an array the first counts.
pub fn sort_key(query: &Query, block: &Block, row: usize) -> Option<SortKey> {
    let Output::Events { sort: Some(Sort { field, descending }), .. } = query.output() else { return None };
    let columns = FieldColumns::new(block, &field, false);
    let cell = match columns.time(row) {
        Some(time) => Some(Cell::Number(Number::Int(time))),
        None => first_value(&columns, row, names::is_level(&field)),
    };
    Some(match cell {
        None => SortKey::Missing,
        Some(cell) if descending => SortKey::Descending(Reverse(cell)),
        Some(cell) => SortKey::Ascending(cell),
    })
}

fn first_value(columns: &FieldColumns<'_>, row: usize, is_level: bool) -> Option<Cell> {
    let mut first = None;
    columns.any(row, |value| {
        let rank = if is_level { rank_of(value) } else { None };
        first = match (rank, value) {
            (Some(rank), _) => Some(Cell::Number(Number::Int(rank as i64))),
            (None, Value::Number(number)) => Some(Cell::Number(number)),
            (None, Value::Text(text)) => {
                let number = if is_level { None } else { Number::parse(text) };
                Some(number.map_or_else(|| Cell::Text(text.to_owned()), Cell::Number))
            }
            (None, Value::Bool(bool)) => Some(Cell::Bool(bool)),
            (None, Value::Null | Value::Container) => None,
        };
        first.is_some()
    });
    first
}

/// The rank of a level that was sent as a name or number.
pub(crate) fn rank_of(value: Value<'_>) -> Option<Level> {
    match value {
        Value::Text(text) => Level::of_text(text),
        Value::Number(number) => match number.normal() {
            Number::Int(int) => Level::of_number(int),
            Number::Float(_) => None,
        },
        Value::Null | Value::Bool(_) | Value::Container => None,
    }
}
