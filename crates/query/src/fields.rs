//! Which columns of a block hold the values of a field.

use trawl_event::block::{Envelope, TIMESTAMP};
use trawl_event::{Block, Column, Path, RowSet, Values};

use crate::json::{self, Value};
use crate::names;
use crate::value::Number;

/// Values are looked up one by one when fewer than one in this many are asked for.
const SPARSE: usize = 16;

/// How a column's path relates to a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Relation<'n> {
    /// It is that name.
    Same,
    /// It leads there; this is the rest of the name.
    Above(&'n str),
    /// It goes on from there: the name is an object.
    Below,
    /// Neither.
    Apart,
}

fn relation<'n>(path: &Path, name: &'n str) -> Relation<'n> {
    let mut rest = name;
    for (index, key) in path.keys().iter().enumerate() {
        if index > 0 {
            match rest.strip_prefix('.') {
                Some(after) => rest = after,
                None if rest.is_empty() => return Relation::Below,
                None => return Relation::Apart,
            }
        }
        match rest.strip_prefix(&**key) {
            Some(after) => rest = after,
            None => return Relation::Apart,
        }
    }
    match rest.strip_prefix('.') {
        _ if rest.is_empty() => Relation::Same,
        Some(after) => Relation::Above(after),
        None => Relation::Apart,
    }
}

/// A column that holds values of a field, or holds them somewhere inside.
pub(crate) struct Part<'b> {
    pub(crate) column: &'b Column,
    /// Where inside the JSON text.
    pub(crate) below: Option<&'b str>,
    /// The column belongs to a field inside this one: the field is an object wherever it has a value.
    pub(crate) is_inside: bool,
    /// For each envelope, whether its rows were sent under the name asked for; all of them without.
    pub(crate) sent_as: Option<Vec<bool>>,
}

/// The columns of a field.
pub(crate) struct FieldColumns<'b> {
    pub(crate) block: &'b Block,
    pub(crate) parts: Vec<Part<'b>>,
    /// For each envelope, whether the field is the timestamp.
    pub(crate) times: Option<Vec<bool>>,
}

impl<'b> FieldColumns<'b> {
    /// Finds the columns of `name` in `block`; those of fields inside it, too, if `inside`.
    pub(crate) fn new(block: &'b Block, name: &'b str, inside: bool) -> Self {
        let mut parts = Vec::new();
        for column in &block.columns {
            let (below, is_inside) = match relation(&column.path, name) {
                Relation::Same => (None, false),
                Relation::Above(rest) if matches!(column.values, Values::Json(_)) => (Some(rest), false),
                Relation::Below if inside => (None, true),
                _ => continue,
            };
            parts.push(Part { column, below, is_inside, sent_as: None });
        }
        for canonical in names::canonical_of(name, inside) {
            let alias = |envelope: &Envelope| {
                envelope.alias_of(canonical).map_or(Relation::Apart, |path| match relation(path, name) {
                    Relation::Same => Relation::Same,
                    Relation::Below if inside => Relation::Below,
                    _ => Relation::Apart,
                })
            };
            for is_inside in [false, true] {
                let wanted = if is_inside { Relation::Below } else { Relation::Same };
                let sent_as: Vec<bool> = block.envelopes.iter().map(|envelope| alias(envelope) == wanted).collect();
                if sent_as.contains(&true) {
                    let columns =
                        block.columns.iter().filter(|c| matches!(c.path.keys(), [key] if **key == *canonical));
                    let sent_as = Some(sent_as);
                    parts.extend(columns.map(|column| Part {
                        column,
                        below: None,
                        is_inside,
                        sent_as: sent_as.clone(),
                    }));
                }
            }
        }
        let times = match name {
            TIMESTAMP => Some(vec![true; block.envelopes.len().max(1)]),
            _ if names::is_timestamp_alias(name) => {
                let sent_as: Vec<bool> = block.envelopes.iter().map(|e| e.timestamp_path.is_named(name)).collect();
                sent_as.contains(&true).then_some(sent_as)
            }
            _ => None,
        };
        Self { block, parts, times }
    }

    /// The one column that holds all there is of the field, each of its values being a value of the field.
    pub(crate) fn only(&self) -> Option<&'b Column> {
        match &self.parts[..] {
            [Part { column, below: None, is_inside: false, sent_as: None }] if self.times.is_none() => Some(column),
            _ => None,
        }
    }

    /// The time of `row`, if the field is its timestamp.
    pub(crate) fn time(&self, row: usize) -> Option<i64> {
        let times = self.times.as_ref()?;
        // Without envelopes (a projection that left them out) only `timestamp` itself is asked for.
        let code = self.block.envelope_codes.get(row).map_or(0, |code| *code as usize);
        times.get(code).copied().unwrap_or(false).then(|| self.block.timestamps[row])
    }

    /// The rows at whose time the field stands, and `holds` for it.
    pub(crate) fn times_that(&self, holds: impl Fn(i64) -> bool) -> Option<RowSet> {
        let times = self.times.as_ref()?;
        let mut rows = RowSet::from_values(&self.block.timestamps, holds);
        rows.intersect(&rows_of_envelopes(self.block, times));
        Some(rows)
    }

    /// Gives the values of `row` to `found` until that returns true; whether it did.
    pub(crate) fn any(&self, row: usize, mut found: impl FnMut(Value<'_>) -> bool) -> bool {
        self.parts.iter().any(|part| {
            let index = if part.is_sent(self.block, row) { part.column.index_of(row as u32) } else { None };
            index.is_some_and(|index| part.any(index, &mut found))
        })
    }
}

/// Gives `visit` each row of `rows`, in order, as where its value stands in `column`, if it has one.
pub(crate) fn walk(rows: &RowSet, column: &Column, mut visit: impl FnMut(Option<usize>)) {
    if column.rows.len() == rows.rows() {
        match rows.is_all() {
            true => (0..rows.rows()).for_each(|row| visit(Some(row))),
            false => rows.iter().for_each(|row| visit(Some(row))),
        }
        return;
    }
    if rows.count() < column.rows.len() / SPARSE {
        return rows.iter().for_each(|row| visit(column.index_of(row as u32)));
    }
    let mut index = 0;
    rows.iter().for_each(|row| {
        while column.rows.get(index).is_some_and(|at| (*at as usize) < row) {
            index += 1;
        }
        visit((column.rows.get(index) == Some(&(row as u32))).then_some(index));
    });
}

/// The rows whose envelope is marked. Without envelopes all rows are of the first.
fn rows_of_envelopes(block: &Block, marked: &[bool]) -> RowSet {
    let is_marked = |code: u32| marked.get(code as usize).copied().unwrap_or(false);
    if marked.iter().all(|marked| *marked) || (block.envelope_codes.is_empty() && is_marked(0)) {
        return RowSet::all(block.rows());
    }
    if block.envelope_codes.is_empty() {
        return RowSet::none(block.rows());
    }
    RowSet::from_values(&block.envelope_codes, is_marked)
}

impl Part<'_> {
    /// The rows that were sent under the name asked for; `None` when all were.
    pub(crate) fn sent_rows(&self, block: &Block) -> Option<RowSet> {
        self.sent_as.as_ref().map(|sent_as| rows_of_envelopes(block, sent_as))
    }

    /// Whether the column of this row was sent under the name asked for.
    pub(crate) fn is_sent(&self, block: &Block, row: usize) -> bool {
        self.sent_as.as_ref().is_none_or(|sent_as| {
            let code = block.envelope_codes.get(row).map(|code| *code as usize);
            code.and_then(|code| sent_as.get(code)).copied().unwrap_or(false)
        })
    }

    /// Gives the values in entry `index` of the column to `found` until that returns true; whether it did.
    pub(crate) fn any(&self, index: usize, mut found: impl FnMut(Value<'_>) -> bool) -> bool {
        if self.is_inside {
            return found(Value::Container);
        }
        match &self.column.values {
            Values::Text(texts) => found(Value::Text(texts.get(index))),
            Values::Int(values) => found(Value::Number(Number::Int(values[index]))),
            Values::Float(values) => found(Value::Number(Number::Float(values[index]))),
            Values::Bool(values) => found(Value::Bool(values[index])),
            Values::Json(texts) => json::any_value(texts.get(index), self.below, found),
        }
    }
}
