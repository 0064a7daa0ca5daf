//! What one aggregate function remembers of one group.

use serde::{Deserialize, Serialize};
use trawl_event::Timestamp;
use trawl_event::block::TIMESTAMP;

use super::distinct::{self, Distinct};
use super::distribution::Distribution;
use super::sum::Sum;
use crate::ast::{Aggregate, Function};
use crate::value::{Cell, Number};

/// The state of one function over the events of one group.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum State {
    Count(u64),
    CountDistinct(Distinct),
    Sum(Sum),
    Avg(Sum),
    Min(Option<Cell>),
    Max(Option<Cell>),
    Percentile(Distribution),
}

impl State {
    /// The state over no events.
    pub(super) fn new(function: Function) -> Self {
        match function {
            Function::Count => Self::Count(0),
            Function::CountDistinct => Self::CountDistinct(Distinct::default()),
            Function::Sum => Self::Sum(Sum::default()),
            Function::Avg => Self::Avg(Sum::default()),
            Function::Min => Self::Min(None),
            Function::Max => Self::Max(None),
            Function::Percentile(_) => Self::Percentile(Distribution::default()),
        }
    }

    /// Counts an event, where that is all there is to do.
    pub(super) fn add_event(&mut self) {
        if let Self::Count(count) = self {
            *count += 1;
        }
    }

    /// Adds a value of the function's field.
    pub(super) fn add(&mut self, value: &Cell) {
        match self {
            // Events are counted, not values.
            Self::Count(_) => {}
            Self::CountDistinct(distinct) => distinct.add(distinct::hash(value)),
            Self::Sum(sum) | Self::Avg(sum) => {
                if let Some(number) = number(value) {
                    sum.add(number);
                }
            }
            Self::Min(least) => keep(least, comparable(value), |new, old| new < old),
            Self::Max(greatest) => keep(greatest, comparable(value), |new, old| new > old),
            Self::Percentile(numbers) => {
                if let Some(number) = number(value) {
                    numbers.add(number.as_f64());
                }
            }
        }
    }

    /// Adds the events of another state; false when it is of another function.
    pub(super) fn merge(&mut self, other: Self) -> bool {
        match (self, other) {
            (Self::Count(count), Self::Count(more)) => *count += more,
            (Self::CountDistinct(distinct), Self::CountDistinct(more)) => distinct.merge(more),
            (Self::Sum(sum), Self::Sum(more)) | (Self::Avg(sum), Self::Avg(more)) => sum.merge(&more),
            (Self::Min(least), Self::Min(other)) => keep(least, other, |new, old| new < old),
            (Self::Max(greatest), Self::Max(other)) => keep(greatest, other, |new, old| new > old),
            (Self::Percentile(numbers), Self::Percentile(more)) => numbers.merge(more),
            _ => return false,
        }
        true
    }

    /// The value for the table.
    pub(super) fn value(&self, aggregate: &Aggregate) -> Cell {
        match (self, aggregate.function) {
            (Self::Count(count), _) => Cell::integer(i128::from(*count)),
            (Self::CountDistinct(distinct), _) => Cell::integer(i128::from(distinct.count())),
            (Self::Sum(sum), _) => sum.total(),
            (Self::Avg(sum), _) => sum.mean(),
            (Self::Min(extreme) | Self::Max(extreme), _) => match extreme {
                Some(Cell::Number(Number::Int(ns))) if aggregate.field.as_deref() == Some(TIMESTAMP) => {
                    Cell::Text(Timestamp(*ns).to_string())
                }
                extreme => extreme.clone().unwrap_or(Cell::Null),
            },
            (Self::Percentile(numbers), Function::Percentile(percent)) => numbers.percentile(percent.fraction()),
            (Self::Percentile(_), _) => Cell::Null,
        }
    }
}

/// A number, or a text that spells one.
fn number(value: &Cell) -> Option<Number> {
    match value {
        Cell::Number(number) => Some(*number),
        Cell::Text(text) => Number::parse(text),
        Cell::Bool(_) | Cell::Null => None,
    }
}

/// What min and max compare: the number a text spells, else the value itself.
fn comparable(value: &Cell) -> Option<Cell> {
    match number(value) {
        // One spelling for equal numbers, so that the result does not depend on which came first.
        Some(number) => Some(Cell::Number(number.normal())),
        None => Some(value.clone()).filter(|value| *value != Cell::Null),
    }
}

/// Replaces `old` by `new` if it is better. Numbers are better than texts, texts than booleans: a stray
/// `"-"` among latencies is not their maximum.
fn keep(old: &mut Option<Cell>, new: Option<Cell>, is_better: impl Fn(&Cell, &Cell) -> bool) {
    let kind = |cell: &Cell| match cell {
        Cell::Number(_) => 0,
        Cell::Text(_) => 1,
        Cell::Bool(_) => 2,
        Cell::Null => 3,
    };
    let replace = match (&*old, &new) {
        (_, None) => false,
        (None, Some(_)) => true,
        (Some(old), Some(new)) => kind(new) < kind(old) || (kind(new) == kind(old) && is_better(new, old)),
    };
    if replace {
        *old = new;
    }
}
