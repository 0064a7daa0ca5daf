//! The parsed query and what it asks of its surroundings.
use trawl_event::block::Projection;

use crate::ast::{Filter, Pipe, Sort};
use crate::error::QueryError;

/// A parsed and type-checked query.
#[derive(Clone, Debug)]
pub struct Query {
    /// Which events.
    pub filter: Filter,
    /// What becomes of them.
    pub pipes: Vec<Pipe>,
    /// Where the aggregate stands, for errors that only the data brings up.
    pub(crate) aggregate_column: usize,
}

impl PartialEq for Query {
    fn eq(&self, other: &Self) -> bool {
        self.filter == other.filter && self.pipes == other.pipes
    }
}

/// What the result of a query looks like.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// Events.
    Events {
        /// The paths to keep, if there is a `fields` pipe.
        fields: Option<Vec<String>>,
        /// The order, if there is a `sort` pipe; else by time.
        sort: Option<Sort>,
        /// The most events, if there is a `limit` pipe.
        limit: Option<usize>,
    },
    /// The table of an aggregate.
    Table,
}

/// Something to mark in the text of a result.
#[derive(Clone, Debug)]
pub struct Highlight {
    /// The field it was asked of; any text without one.
    pub field: Option<String>,
}

impl Highlight {
    /// Where in `text` it is found: byte ranges, ascending and apart.
    pub fn ranges(&self, _text: &str) -> Vec<std::ops::Range<usize>> {
        Vec::new()
    }
}

impl Query {
    /// Reads a query.
    pub fn parse(text: &str) -> Result<Self, QueryError> {
        crate::parse::parse(text)
    }

    /// The columns that the filter, the aggregate and the sort need.
    pub fn projection(&self) -> Projection {
        Projection::All
    }

    /// What the result looks like.
    pub fn output(&self) -> Output {
        Output::Table
    }

    /// What a terminal should mark.
    pub fn highlights(&self) -> Vec<Highlight> {
        Vec::new()
    }
}
