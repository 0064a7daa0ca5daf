//! Which values of a grouping field the rows of a block have.

use std::collections::HashMap;

use trawl_event::{Block, Column, Form, RowSet, Texts, Timestamp, Values};

use crate::fields::{FieldColumns, walk};
use crate::json::Value;
use crate::value::{Cell, Number};

/// The values of one grouping field: each value once, and which of them every row has.
pub(crate) struct Keys {
    /// The distinct values.
    pub(super) cells: Vec<Cell>,
    /// For each row of the set, indexes into `cells`.
    pub(super) codes: Codes,
}

/// For each row of a set, in order, one code or several.
#[derive(Default)]
pub(super) struct Codes {
    /// [`SEVERAL`] for a row with more than one.
    codes: Vec<u32>,
    /// The codes of those rows, by their place in the set.
    several: HashMap<usize, Vec<u32>>,
}

/// Stands for more than one code.
const SEVERAL: u32 = u32::MAX;
/// Stands for a code that is not known yet.
pub(super) const UNKNOWN: u32 = u32::MAX;

impl Codes {
    pub(super) fn with_capacity(rows: usize) -> Self {
        Self { codes: Vec::with_capacity(rows), several: HashMap::default() }
    }

    /// Appends a row with this one code.
    pub(super) fn push(&mut self, code: u32) {
        self.codes.push(code);
    }

    /// Appends a row with these codes.
    pub(super) fn push_all(&mut self, codes: &[u32]) {
        match codes {
            [only] => self.codes.push(*only),
            _ => {
                self.several.insert(self.codes.len(), codes.to_vec());
                self.codes.push(SEVERAL);
            }
        }
    }

    /// One code for each row, if no row has several.
    pub(super) fn single(&self) -> Option<&[u32]> {
        self.several.is_empty().then_some(&self.codes)
    }

    /// The codes of the row at this place in the set.
    pub(super) fn at(&self, place: usize) -> &[u32] {
        match self.codes.get(place) {
            Some(&SEVERAL) => self.several.get(&place).map_or(&[], Vec::as_slice),
            _ => self.codes.get(place..=place).unwrap_or_default(),
        }
    }

    /// How many rows there are.
    pub(super) fn len(&self) -> usize {
        self.codes.len()
    }
}

#[derive(Default)]
struct Interner {
    cells: Vec<Cell>,
    texts: HashMap<Box<str>, u32>,
    others: HashMap<Cell, u32>,
    null: Option<u32>,
}

impl Interner {
    fn text(&mut self, text: &str) -> u32 {
        if let Some(code) = self.texts.get(text) {
            return *code;
        }
        let code = self.cells.len() as u32;
        self.cells.push(Cell::Text(text.to_owned()));
        self.texts.insert(text.into(), code);
        code
    }

    fn other(&mut self, cell: Cell) -> u32 {
        let next = self.cells.len() as u32;
        *self.others.entry(cell).or_insert_with_key(|cell| {
            self.cells.push(cell.clone());
            next
        })
    }

    fn number(&mut self, number: Number) -> u32 {
        self.other(Cell::Number(number.normal()))
    }

    fn null(&mut self) -> u32 {
        let next = self.cells.len() as u32;
        *self.null.get_or_insert_with(|| {
            self.cells.push(Cell::Null);
            next
        })
    }
}

impl Keys {
    /// The values of a field. Values in an array count each; an event without a value has null.
    pub(crate) fn of_field(block: &Block, rows: &RowSet, field: &str) -> Self {
        let columns = FieldColumns::new(block, field, false);
        let Some(column) = columns.only() else { return Self::of_columns(&columns, rows) };
        match &column.values {
            Values::Text(texts) => Self::of_texts(column, texts, rows),
            Values::Int(values) => Self::of_values(column, rows, |interner, last, index| {
                let repeated = last.filter(|(at, _)| values[*at] == values[index]);
                repeated.map_or_else(|| interner.number(Number::Int(values[index])), |(_, code)| code)
            }),
            Values::Bool(values) => {
                Self::of_values(column, rows, |interner, _, index| interner.other(Cell::Bool(values[index])))
            }
            Values::Float(_) | Values::Json(_) => Self::of_columns(&columns, rows),
        }
    }

    fn of_texts(column: &Column, texts: &Texts, rows: &RowSet) -> Self {
        match texts.form() {
            Form::Plain(texts) => Self::of_values(column, rows, |interner, last, index| {
                // Rows stand like beside like: often a text is the one before it.
                let repeated = last.filter(|(at, _)| texts.get(*at) == texts.get(index));
                repeated.map_or_else(|| interner.text(texts.get(index)), |(_, code)| code)
            }),
            Form::Coded { distinct, codes } => {
                let mut known = vec![UNKNOWN; distinct.len()];
                Self::of_values(column, rows, |interner, _, index| {
                    let known = &mut known[codes[index] as usize];
                    if *known == UNKNOWN {
                        *known = interner.text(distinct.get(codes[index] as usize));
                    }
                    *known
                })
            }
        }
    }

    /// The values of a column, one for each row. `code` tells the code of the value with an index; it is given where
    /// the value before it stands, and its code.
    fn of_values(
        column: &Column,
        rows: &RowSet,
        mut code: impl FnMut(&mut Interner, Option<(usize, u32)>, usize) -> u32,
    ) -> Self {
        let mut interner = Interner::default();
        let mut codes = Codes::with_capacity(rows.count());
        let mut last = None;
        walk(rows, column, |index| {
            codes.push(match index {
                Some(index) => {
                    let code = code(&mut interner, last, index);
                    last = Some((index, code));
                    code
                }
                None => interner.null(),
            });
        });
        Self { cells: interner.cells, codes }
    }

    /// The values of a field in any number of columns of any kind.
    fn of_columns(columns: &FieldColumns<'_>, rows: &RowSet) -> Self {
        let mut interner = Interner::default();
        let mut codes = Codes::with_capacity(rows.count());
        let mut found: Vec<u32> = Vec::new();
        for row in rows.iter() {
            found.clear();
            if let Some(time) = columns.time(row) {
                found.push(interner.text(&Timestamp(time).to_string()));
            }
            columns.any(row, |value| {
                let code = match value {
                    Value::Text(text) => interner.text(text),
                    Value::Number(number) => interner.number(number),
                    Value::Bool(bool) => interner.other(Cell::Bool(bool)),
                    Value::Null | Value::Container => return false,
                };
                if !found.contains(&code) {
                    found.push(code);
                }
                false
            });
            if found.is_empty() {
                found.push(interner.null());
            }
            codes.push_all(&found);
        }
        Self { cells: interner.cells, codes }
    }

    /// The start of the bucket each row lies in, in nanoseconds.
    pub(crate) fn of_time(block: &Block, rows: &RowSet, bucket_ns: i64) -> Self {
        let bucket_ns = bucket_ns.max(1);
        let mut interner = Interner::default();
        let mut codes = Codes::with_capacity(rows.count());
        // The bucket of the row before, which is mostly that of the next: no division, no look-up.
        let (mut first, mut last, mut code) = (i64::MAX, i64::MIN, UNKNOWN);
        let mut add = |time: i64| {
            if time < first || last < time {
                let passed = time.rem_euclid(bucket_ns);
                first = time.saturating_sub(passed);
                last = time.saturating_add(bucket_ns - 1 - passed);
                code = interner.other(Cell::Number(Number::Int(first)));
            }
            codes.push(code);
        };
        match rows.is_all() {
            true => block.timestamps.iter().for_each(|time| add(*time)),
            false => rows.iter().for_each(|row| add(block.timestamps[row])),
        }
        Self { cells: interner.cells, codes }
    }
}
