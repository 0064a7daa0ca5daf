//! What one aggregate function remembers of one group.

use std::cmp::Ordering;

use serde::{Deserialize, Serialize};
use trawl_event::Timestamp;
use trawl_event::block::TIMESTAMP;

use super::distinct::{self, Distinct};
use super::distribution::Distribution;
use super::sum::Sum;
use crate::ast::{Aggregate, Function};
use crate::json::Value;
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

    /// Whether adding a value once more changes nothing.
    pub(super) fn ignores_repeats(function: Function) -> bool {
        matches!(function, Function::CountDistinct | Function::Min | Function::Max)
    }

    /// Adds a value of the function's field.
    pub(super) fn add(&mut self, value: Value<'_>) {
        match self {
            // Events are counted, not values.
            Self::Count(_) => {}
            Self::CountDistinct(distinct) => {
                if !matches!(value, Value::Null | Value::Container) {
                    distinct.add(distinct::hash(value));
                }
            }
            Self::Sum(_) | Self::Avg(_) | Self::Percentile(_) => {
                if let Some(number) = number(value) {
                    self.add_number(number);
                }
            }
            Self::Min(least) => keep(least, comparable(value), Ordering::Less),
            Self::Max(greatest) => keep(greatest, comparable(value), Ordering::Greater),
        }
    }

    /// Adds a number, where numbers are all that counts.
    fn add_number(&mut self, number: Number) {
        match self {
            Self::Sum(sum) | Self::Avg(sum) => sum.add(number),
            Self::Percentile(numbers) => numbers.add(number.as_f64()),
            Self::Count(_) | Self::CountDistinct(_) | Self::Min(_) | Self::Max(_) => {}
        }
    }

    /// Adds the events of another state; false when it is of another function.
    pub(super) fn merge(&mut self, other: Self) -> bool {
        match (self, other) {
            (Self::Count(count), Self::Count(more)) => *count += more,
            (Self::CountDistinct(distinct), Self::CountDistinct(more)) => distinct.merge(more),
            (Self::Sum(sum), Self::Sum(more)) | (Self::Avg(sum), Self::Avg(more)) => sum.merge(&more),
            (Self::Min(least), Self::Min(Some(other))) => keep(least, other.as_value(), Ordering::Less),
            (Self::Max(greatest), Self::Max(Some(other))) => keep(greatest, other.as_value(), Ordering::Greater),
            (Self::Min(_), Self::Min(None)) | (Self::Max(_), Self::Max(None)) => {}
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
pub(super) fn number(value: Value<'_>) -> Option<Number> {
    match value {
        Value::Number(number) => Some(number),
        Value::Text(text) => Number::parse(text),
        Value::Bool(_) | Value::Null | Value::Container => None,
    }
}

/// What min and max compare: the number a text spells, else the value itself.
fn comparable(value: Value<'_>) -> Value<'_> {
    // One spelling for equal numbers, so that the result does not depend on which came first.
    number(value).map_or(value, |number| Value::Number(number.normal()))
}

/// Replaces `old` by `new` if it is better, which is what the order of `new` and `old` then is. Numbers are better
/// than texts, texts than booleans: a stray `"-"` among latencies is not their maximum.
fn keep(old: &mut Option<Cell>, new: Value<'_>, better: Ordering) {
    let replace = match (new, old.as_ref().map(Cell::as_value)) {
        (Value::Null | Value::Container, _) => false,
        (_, None) => true,
        (Value::Number(new), Some(Value::Number(old))) => new.cmp(&old) == better,
        (Value::Text(new), Some(Value::Text(old))) => new.cmp(old) == better,
        (Value::Bool(new), Some(Value::Bool(old))) => new.cmp(&old) == better,
        (Value::Number(_), Some(_)) => true,
        (Value::Text(_), Some(old)) => !matches!(old, Value::Number(_)),
        (Value::Bool(_), Some(_)) => false,
    };
    if replace {
        *old = match new {
            Value::Number(number) => Some(Cell::Number(number)),
            Value::Text(text) => Some(Cell::Text(text.to_owned())),
            Value::Bool(bool) => Some(Cell::Bool(bool)),
            Value::Null | Value::Container => None,
        };
    }
}
