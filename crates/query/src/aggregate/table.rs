//! The result of an aggregate.

use std::cmp::Ordering;

use serde::{Deserialize, Serialize};

use crate::ast::{Pipe, Sort};
use crate::json::Value;
use crate::names;
use crate::sort::rank_of;
use crate::value::Cell;

/// Rows and columns; serialises as `{"columns":["service","count()"],"rows":[["checkout",12]]}`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Table {
    /// The names of the columns.
    pub columns: Vec<String>,
    /// The rows, each as long as `columns`.
    pub rows: Vec<Vec<Cell>>,
}

impl Table {
    /// Applies a pipe that stands after the aggregate.
    pub(super) fn apply(&mut self, pipe: &Pipe) {
        match pipe {
            Pipe::Limit(count) => self.rows.truncate(*count),
            Pipe::Sort(sort) => self.sort(sort),
            Pipe::Fields(names) => self.pick(names),
            // An aggregate is never followed by another.
            Pipe::Stats { .. } | Pipe::Timechart { .. } | Pipe::Top { .. } => {}
        }
    }

    /// Orders the rows by a column. Null comes last in either direction; equal rows keep their order.
    fn sort(&mut self, sort: &Sort) {
        let Some(column) = self.position(&sort.field) else { return };
        let by_rank = names::is_level(&sort.field);
        let compare = |a: &Cell, b: &Cell| match (by_rank, rank(a), rank(b)) {
            (true, Some(a), Some(b)) => a.cmp(&b),
            _ => a.cmp(b),
        };
        self.rows.sort_by(|a, b| match (a.get(column), b.get(column)) {
            (Some(Cell::Null) | None, Some(Cell::Null) | None) => Ordering::Equal,
            (Some(Cell::Null) | None, _) => Ordering::Greater,
            (_, Some(Cell::Null) | None) => Ordering::Less,
            (Some(a), Some(b)) if sort.descending => compare(b, a),
            (Some(a), Some(b)) => compare(a, b),
        });
    }

    /// Keeps these columns, in this order.
    fn pick(&mut self, names: &[String]) {
        let places: Vec<usize> = names.iter().filter_map(|name| self.position(name)).collect();
        for row in &mut self.rows {
            *row = places.iter().filter_map(|place| row.get(*place).cloned()).collect();
        }
        self.columns = places.iter().filter_map(|place| self.columns.get(*place).cloned()).collect();
    }

    fn position(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|column| column == name)
    }
}

fn rank(cell: &Cell) -> Option<trawl_event::Level> {
    match cell {
        Cell::Text(text) => rank_of(Value::Text(text)),
        Cell::Number(number) => rank_of(Value::Number(*number)),
        Cell::Bool(_) | Cell::Null => None,
    }
}
