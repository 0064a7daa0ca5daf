//! Aggregates: states that grow with every block, merge in any order, and end as a table.

mod distinct;
mod distribution;
mod feed;
mod groups;
mod keys;
mod state;
mod sum;
mod table;

use std::collections::{BTreeMap, HashMap, hash_map::Entry};

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use trawl_event::{Block, RowSet, Timestamp};

use crate::MAX_GROUPS;
use crate::ast::{Aggregate, Function, Pipe};
use crate::error::{ErrorCode, QueryError};
use crate::query::Query;
use crate::table_columns;
use crate::value::{Cell, Number};

pub(crate) use groups::Groups;
pub(crate) use keys::Keys;
use state::State;

pub use distinct::EXACT_DISTINCT;
pub use distribution::{EXACT_VALUES, RELATIVE_ERROR};
pub use table::Table;

type GroupStates = HashMap<Vec<Cell>, Vec<State>>;

/// The state of a query's aggregate over some of its events.
///
/// Merging is associative and commutative: whatever the order, and however the events were split,
/// [`Partial::finish`] gives the same table.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Partial {
    /// Where the aggregate stands in the query, for errors.
    column: usize,
    #[serde(serialize_with = "in_order", deserialize_with = "from_pairs")]
    groups: GroupStates,
}

/// Groups as pairs in the order of their keys: JSON has no other keys than strings, and equal states
/// should be equal bytes.
fn in_order<S: Serializer>(groups: &GroupStates, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(groups.iter().collect::<BTreeMap<_, _>>())
}

fn from_pairs<'de, D: Deserializer<'de>>(deserializer: D) -> Result<GroupStates, D::Error> {
    Ok(Vec::<(Vec<Cell>, Vec<State>)>::deserialize(deserializer)?.into_iter().collect())
}

/// An aggregate pipe, whichever it is.
struct Plan<'q> {
    bucket_ns: Option<i64>,
    by: Vec<&'q str>,
    aggregates: Vec<Aggregate>,
    /// Whether events without the field are left out.
    skips_null: bool,
}

impl<'q> Plan<'q> {
    fn of(query: &'q Query) -> Option<(Self, &'q Pipe)> {
        let pipe = query.pipes.iter().find(|pipe| pipe.is_aggregate())?;
        let names = |by: &'q [String]| by.iter().map(String::as_str).collect();
        let plan = match pipe {
            Pipe::Stats { aggregates, by } => {
                Self { bucket_ns: None, by: names(by), aggregates: aggregates.clone(), skips_null: false }
            }
            Pipe::Timechart { bucket_ns, aggregates, by } => {
                Self { bucket_ns: Some(*bucket_ns), by: names(by), aggregates: aggregates.clone(), skips_null: false }
            }
            Pipe::Top { field, .. } => {
                let count = Aggregate { function: Function::Count, field: None, alias: None };
                Self { bucket_ns: None, by: vec![field], aggregates: vec![count], skips_null: true }
            }
            Pipe::Fields(_) | Pipe::Sort(_) | Pipe::Limit(_) => return None,
        };
        Some((plan, pipe))
    }

    fn states(&self) -> Vec<State> {
        self.aggregates.iter().map(|aggregate| State::new(aggregate.function)).collect()
    }

    /// Whether there is one group, with or without events.
    fn is_single(&self) -> bool {
        self.by.is_empty() && self.bucket_ns.is_none()
    }
}

impl Partial {
    /// The state over no events; `None` when the query has no aggregate.
    pub fn new(query: &Query) -> Option<Self> {
        let (plan, _) = Plan::of(query)?;
        let mut groups = GroupStates::new();
        if plan.is_single() {
            groups.insert(Vec::new(), plan.states());
        }
        Some(Self { column: query.aggregate_column, groups })
    }

    /// Adds these rows of a block. The query is the one the state was made for.
    ///
    /// Fails with `too_many_groups` beyond [`MAX_GROUPS`]; the state is of no use then.
    pub fn add(&mut self, query: &Query, block: &Block, rows: &RowSet) -> Result<(), QueryError> {
        let Some((plan, _)) = Plan::of(query) else { return Ok(()) };
        if rows.is_empty() {
            return Ok(());
        }
        let mut fields = Vec::with_capacity(plan.by.len() + 1);
        fields.extend(plan.bucket_ns.map(|bucket_ns| Keys::of_time(block, rows, bucket_ns)));
        fields.extend(plan.by.iter().map(|field| Keys::of_field(block, rows, field)));
        let groups = Groups::new(fields, MAX_GROUPS).map_err(|_| self.too_many())?;
        let mut states: Vec<Vec<State>> =
            groups.keys.iter().map(|_| Vec::with_capacity(plan.aggregates.len())).collect();
        for aggregate in &plan.aggregates {
            let more = feed::states(block, rows, aggregate, &groups);
            states.iter_mut().zip(more).for_each(|(states, state)| states.push(state));
        }
        for (key, states) in groups.keys.into_iter().zip(states) {
            if !(plan.skips_null && key.contains(&Cell::Null)) {
                self.add_group(key, states)?;
            }
        }
        Ok(())
    }

    /// Adds the events of another state of the same query.
    ///
    /// Fails with `too_many_groups` beyond [`MAX_GROUPS`], and with `partial_mismatch` when the other
    /// state belongs to another query; this state is of no use then.
    pub fn merge(&mut self, other: Self) -> Result<(), QueryError> {
        other.groups.into_iter().try_for_each(|(key, states)| self.add_group(key, states))
    }

    fn add_group(&mut self, key: Vec<Cell>, states: Vec<State>) -> Result<(), QueryError> {
        let is_full = self.groups.len() >= MAX_GROUPS;
        match self.groups.entry(key) {
            Entry::Occupied(mut entry) => {
                let same = entry.get().len() == states.len();
                let merged = entry.get_mut().iter_mut().zip(states).all(|(state, more)| state.merge(more));
                if same && merged {
                    return Ok(());
                }
                let message = "partial aggregates of different queries cannot be merged";
                Err(QueryError::new(ErrorCode::PartialMismatch, self.column, message, ""))
            }
            Entry::Vacant(_) if is_full => Err(self.too_many()),
            Entry::Vacant(entry) => {
                entry.insert(states);
                Ok(())
            }
        }
    }

    fn too_many(&self) -> QueryError {
        let message = format!("the aggregate has more than {MAX_GROUPS} groups");
        QueryError::new(
            ErrorCode::TooManyGroups,
            self.column,
            message,
            "fields with fewer values, or a narrower filter",
        )
    }

    /// The table of the query the state was made for, after the pipes that follow the aggregate.
    ///
    /// `stats` is ordered by its groups, `timechart` by time and then by its groups, `top` by count,
    /// greatest first, and then by value.
    pub fn finish(&self, query: &Query) -> Table {
        let Some((plan, pipe)) = Plan::of(query) else { return Table::default() };
        let mut groups: Vec<_> = self.groups.iter().collect();
        groups.sort_unstable_by_key(|(key, _)| *key);
        let rows = groups.into_iter().map(|(key, states)| {
            let mut row = key.clone();
            if let (Some(_), Some(Cell::Number(Number::Int(start)))) = (plan.bucket_ns, row.first()) {
                row[0] = Cell::Text(Timestamp(*start).to_string());
            }
            row.extend(states.iter().zip(&plan.aggregates).map(|(state, aggregate)| state.value(aggregate)));
            row
        });
        let mut table = Table { columns: table_columns::of_aggregate(pipe), rows: rows.collect() };
        if let Pipe::Top { count, .. } = pipe {
            // The rows are in the order of their values, and this sort keeps that among equals.
            table.rows.sort_by(|a, b| b.last().cmp(&a.last()));
            table.rows.truncate(*count);
        }
        query.pipes.iter().skip_while(|pipe| !pipe.is_aggregate()).skip(1).for_each(|pipe| table.apply(pipe));
        table
    }
}
