//! The parsed query and what it asks of its surroundings.

use std::collections::BTreeSet;

use trawl_event::Evidence;
use trawl_event::block::{Projection, TIMESTAMP};

use crate::ast::{Aggregate, Filter, Function, Pipe, Sort, Test};
use crate::error::QueryError;
use crate::evidence;
use crate::highlight::{self, Highlight};
use crate::names;

/// A parsed and type-checked query. Its `Display` is a query that parses to the same.
#[derive(Clone, Debug)]
pub struct Query {
    /// Which events.
    pub filter: Filter,
    /// What becomes of them, in order. At most one is an aggregate; if there is one, it is the first.
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
    /// Events: ordered, then limited, then cut to fields, wherever the pipes stood.
    Events {
        /// The paths to keep ([`crate::project`]), if there is a `fields` pipe.
        fields: Option<Vec<String>>,
        /// The order ([`crate::sort_key`]), if there is a `sort` pipe; else by time.
        sort: Option<Sort>,
        /// The most events, if there is a `limit` pipe.
        limit: Option<usize>,
    },
    /// The table of an aggregate ([`crate::Partial::finish`]).
    Table,
}

impl Query {
    /// Reads a query. The empty query matches everything.
    pub fn parse(text: &str) -> Result<Self, QueryError> {
        crate::parse::parse(text)
    }

    /// The columns that the filter, the aggregate and the sort need. Giving whole events back takes
    /// [`Projection::All`], of the rows that matched only.
    pub fn projection(&self) -> Projection {
        projection_of(&self.filter).and(self.result_projection())
    }

    /// The columns that the aggregate and the sort need, of the rows that matched: [`Query::projection`] without
    /// those of the filter.
    pub fn result_projection(&self) -> Projection {
        // Events are in order of time, if only among equals of a sort.
        let mut wanted = Wanted { times: !self.has_aggregate(), ..Wanted::default() };
        for pipe in &self.pipes {
            wanted.times |= matches!(pipe, Pipe::Timechart { .. });
            match pipe {
                Pipe::Stats { aggregates, by } | Pipe::Timechart { aggregates, by, .. } => {
                    aggregates.iter().for_each(|aggregate| wanted.aggregate(aggregate));
                    by.iter().for_each(|field| wanted.field(field, false));
                }
                Pipe::Top { field, .. } => wanted.field(field, false),
                Pipe::Sort(sort) if !self.has_aggregate() => wanted.field(&sort.field, false),
                Pipe::Sort(_) | Pipe::Fields(_) | Pipe::Limit(_) => {}
            }
        }
        wanted.into_projection()
    }

    /// What must stand in a run of events for one of them to match the filter.
    pub fn evidence(&self) -> Evidence {
        evidence::of_filter(&self.filter)
    }

    /// What the result looks like.
    pub fn output(&self) -> Output {
        if self.has_aggregate() {
            return Output::Table;
        }
        let (mut fields, mut sort, mut limit) = (None, None, None);
        for pipe in &self.pipes {
            match pipe {
                Pipe::Fields(names) => fields = Some(names.clone()),
                Pipe::Sort(by) => sort = Some(by.clone()),
                Pipe::Limit(count) => limit = Some(limit.map_or(*count, |least: usize| least.min(*count))),
                Pipe::Stats { .. } | Pipe::Timechart { .. } | Pipe::Top { .. } => {}
            }
        }
        Output::Events { fields, sort, limit }
    }

    /// What a terminal should mark in the results.
    pub fn highlights(&self) -> Vec<Highlight> {
        highlight::of_filter(&self.filter)
    }

    fn has_aggregate(&self) -> bool {
        self.pipes.iter().any(Pipe::is_aggregate)
    }
}

/// The columns that a filter needs.
pub(crate) fn projection_of(filter: &Filter) -> Projection {
    let mut wanted = Wanted::default();
    wanted.filter(filter);
    wanted.into_projection()
}

/// The columns of these fields, and the timestamps if these are wanted.
pub(crate) fn fields_projection<'f>(fields: impl Iterator<Item = &'f str>, times: bool) -> Projection {
    let mut wanted = Wanted { times, ..Wanted::default() };
    fields.for_each(|field| wanted.field(field, false));
    wanted.into_projection()
}

/// The parts of a projection, as they are collected.
#[derive(Default)]
struct Wanted {
    texts: bool,
    names: BTreeSet<String>,
    envelopes: bool,
    times: bool,
}

impl Wanted {
    fn into_projection(self) -> Projection {
        Projection::Some { texts: self.texts, names: self.names, envelopes: self.envelopes, times: self.times }
    }

    fn filter(&mut self, filter: &Filter) {
        match filter {
            Filter::All => {}
            Filter::And(sides) | Filter::Or(sides) => sides.iter().for_each(|side| self.filter(side)),
            Filter::Not(inner) => self.filter(inner),
            Filter::Text(_) => self.texts = true,
            Filter::Field { field, test } => self.field(field, *test == Test::Exists),
        }
    }

    fn aggregate(&mut self, aggregate: &Aggregate) {
        if let Some(field) = &aggregate.field {
            self.field(field, aggregate.function == Function::Count);
        }
    }

    /// A field; with the fields inside it, if whether it exists is the question.
    fn field(&mut self, name: &str, inside: bool) {
        self.times |= name == TIMESTAMP || names::is_timestamp_alias(name);
        if name == TIMESTAMP {
            return;
        }
        self.names.insert(name.to_owned());
        if inside {
            self.names.insert(format!("{name}.*"));
        }
        for canonical in names::canonical_of(name, inside) {
            self.names.insert(canonical.to_owned());
            self.envelopes = true;
        }
        self.envelopes |= names::is_timestamp_alias(name);
    }
}
