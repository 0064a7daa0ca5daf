//! Feeding one aggregate with the rows of a block.

use trawl_event::block::TIMESTAMP;
use trawl_event::{Block, Column, Form, RowSet, Texts, Timestamp, Values};

use super::groups::Groups;
use super::state::{self, State};
use crate::ast::{Aggregate, Function};
use crate::evaluate;
use crate::fields::{FieldColumns, walk};
use crate::json::Value;
use crate::value::Number;

/// Most pairs of group and distinct text that are remembered as seen.
const MAX_SEEN: usize = 1 << 22;

/// The states of an aggregate, one for each group.
pub(super) fn states(block: &Block, rows: &RowSet, aggregate: &Aggregate, groups: &Groups) -> Vec<State> {
    match (aggregate.function, &aggregate.field) {
        (Function::Count, None) => groups.count(rows).into_iter().map(State::Count).collect(),
        (Function::Count, Some(field)) => {
            let existing = evaluate::existing(block, rows, field);
            groups.count_chosen(rows, &existing).into_iter().map(State::Count).collect()
        }
        (function, field) => {
            let mut feed = Feed { groups, function, states: vec![State::new(function); groups.keys.len()] };
            if let Some(field) = field {
                feed.add_field(block, rows, field);
            }
            feed.states
        }
    }
}

struct Feed<'g> {
    groups: &'g Groups,
    function: Function,
    states: Vec<State>,
}

impl Feed<'_> {
    fn add_field(&mut self, block: &Block, rows: &RowSet, field: &str) {
        let columns = FieldColumns::new(block, field, false);
        let Some(column) = columns.only() else { return self.add_columns(&columns, rows, field) };
        match &column.values {
            Values::Text(texts) => self.add_texts(column, texts, rows),
            Values::Int(values) => {
                self.add_each(column, rows, |state, index| state.add(Value::Number(Number::Int(values[index]))));
            }
            Values::Float(values) => {
                self.add_each(column, rows, |state, index| state.add(Value::Number(Number::Float(values[index]))));
            }
            Values::Bool(values) => self.add_each(column, rows, |state, index| state.add(Value::Bool(values[index]))),
            Values::Json(_) => self.add_columns(&columns, rows, field),
        }
    }

    fn add_texts(&mut self, column: &Column, texts: &Texts, rows: &RowSet) {
        let (distinct, codes) = match texts.form() {
            Form::Plain(texts) => {
                return self.add_each(column, rows, |state, at| state.add(Value::Text(texts.get(at))));
            }
            Form::Coded { distinct, codes } => (distinct, codes),
        };
        let pairs = self.states.len().saturating_mul(distinct.len());
        if !State::ignores_repeats(self.function) {
            // What counts is the number that a text spells, which is read once.
            let mut numbers: Vec<Option<Option<Number>>> = vec![None; distinct.len()];
            self.add_each(column, rows, |state, index| {
                let code = codes[index] as usize;
                let number = *numbers[code].get_or_insert_with(|| state::number(Value::Text(distinct.get(code))));
                if let Some(number) = number {
                    state.add(Value::Number(number));
                }
            });
        } else if pairs <= MAX_SEEN {
            let mut seen = RowSet::none(pairs);
            let (groups, states) = (self.groups, &mut self.states);
            each_member(groups, column, rows, |group, index| {
                let code = codes[index] as usize;
                let pair = group * distinct.len() + code;
                if !seen.contains(pair) {
                    seen.insert(pair);
                    states[group].add(Value::Text(distinct.get(code)));
                }
            });
        } else {
            self.add_each(column, rows, |state, index| state.add(Value::Text(distinct.get(codes[index] as usize))));
        }
    }

    /// Adds the values of one column. `add` adds the one at an index to a state.
    fn add_each(&mut self, column: &Column, rows: &RowSet, mut add: impl FnMut(&mut State, usize)) {
        each_member(self.groups, column, rows, |group, index| add(&mut self.states[group], index));
    }

    /// Adds the values of a field in any number of columns of any kind.
    fn add_columns(&mut self, columns: &FieldColumns<'_>, rows: &RowSet, field: &str) {
        let is_extreme = matches!(self.function, Function::Min | Function::Max);
        for (place, row) in rows.iter().enumerate() {
            let members = self.groups.at(place);
            let mut add = |value: Value<'_>| members.iter().for_each(|group| self.states[*group as usize].add(value));
            match columns.time(row) {
                // Times compare as numbers; the least and the greatest are written as times at the end.
                Some(time) if is_extreme && field == TIMESTAMP => add(Value::Number(Number::Int(time))),
                Some(time) => add(Value::Text(&Timestamp(time).to_string())),
                None => {}
            }
            columns.any(row, |value| {
                add(value);
                false
            });
        }
    }
}

/// Gives `visit` each value of a column that a row of `rows` has, as its index, with each group of that row.
fn each_member(groups: &Groups, column: &Column, rows: &RowSet, mut visit: impl FnMut(usize, usize)) {
    let mut place = 0;
    walk(rows, column, |index| {
        if let Some(index) = index {
            groups.at(place).iter().for_each(|group| visit(*group as usize, index));
        }
        place += 1;
    });
}
