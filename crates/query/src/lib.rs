//! The query language: parse, type-check, evaluate, aggregate.
//!
//! A query is a filter and pipes ([`grammar`] has every form and rule). [`Query::parse`] checks all
//! of it, so that what comes after cannot fail on the query's account. One [`Evaluator`] works on
//! [`trawl_event::Block`]s wherever they come from, stream or segment. Aggregates are computed in
//! [`Partial`]s, which merge in any order and end as one [`Table`].
//!
//! * [`ast`]: the filter and the pipes as a tree, for evaluation and for planning
//! * [`Query`], [`Output`]: the parsed query and what its result looks like
//! * [`Evaluator`]: which rows of a block match
//! * [`Partial`], [`Table`], [`Cell`]: aggregates
//! * [`summary`]: what is counted beside the events: by time, by the values of fields
//! * [`SortKey`], [`sort_key`], [`project`]: what `sort` and `fields` do to events
//! * [`Exclusion`]: events that a query must not find
//! * [`Highlight`]: what a terminal should mark in a result
//!
//! Nothing here does I/O or knows the clock.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used))]

mod aggregate;
pub mod ast;
mod display;
mod error;
mod evaluate;
mod evidence;
mod exclusion;
mod fields;
pub mod grammar;
mod highlight;
mod json;
mod matcher;
mod names;
mod parse;
mod project;
mod query;
mod regexes;
mod sort;
mod stop;
pub mod summary;
mod table_columns;
mod value;
mod words;

pub use aggregate::{EXACT_DISTINCT, EXACT_VALUES, Partial, RELATIVE_ERROR, Table};
pub use ast::{Aggregate, Filter, Function, Interval, Pattern, Percent, Pipe, Range, RegexTerm, Sort, Term, Test};
pub use error::{ErrorCode, QueryError};
pub use evaluate::Evaluator;
pub use exclusion::{Exclusion, any_of};
pub use highlight::Highlight;
pub use project::project;
pub use query::{Output, Query};
pub use sort::{SortKey, sort_key};
pub use stop::Stop;
pub use summary::{Summary, SummarySpec};
pub use value::{Cell, Number};

/// Longest query, in bytes: room for a few hundred terms.
pub const MAX_QUERY_BYTES: usize = 16 * 1024;
/// Deepest nesting of groups and negations.
pub const MAX_DEPTH: usize = 64;
/// Most parts of one term between wildcards: each gap costs a Unicode class in the automaton.
pub const MAX_PARTS: usize = 64;
/// Largest compiled regex, in bytes of its automaton: what the `regex` crate allows by default.
pub const MAX_REGEX_BYTES: usize = 10 * 1024 * 1024;
/// Most groups of one aggregate: bounds the memory of a search and the size of its result.
pub const MAX_GROUPS: usize = 100_000;
