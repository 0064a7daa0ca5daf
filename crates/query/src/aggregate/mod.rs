//! Aggregates.
use serde::{Deserialize, Serialize};
use trawl_event::{Block, RowSet};

use crate::error::QueryError;
use crate::query::Query;
use crate::value::Cell;

/// Rows and columns; serialises as `{"columns":["service","count()"],"rows":[["checkout",12]]}`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Table {
    /// The names of the columns.
    pub columns: Vec<String>,
    /// The rows, each as long as `columns`.
    pub rows: Vec<Vec<Cell>>,
}

/// The state of an aggregate over some of the events.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Partial {}

impl Partial {
    /// The state over no events; `None` when the query has no aggregate.
    pub fn new(_query: &Query) -> Option<Self> {
        None
    }

    /// Adds rows of a block.
    pub fn add(&mut self, _query: &Query, _block: &Block, _rows: &RowSet) -> Result<(), QueryError> {
        Ok(())
    }

    /// Adds the events of another state of the same query.
    pub fn merge(&mut self, _other: Self) -> Result<(), QueryError> {
        Ok(())
    }

    /// The table, after the pipes that follow the aggregate.
    pub fn finish(&self, _query: &Query) -> Table {
        Table::default()
    }
}
