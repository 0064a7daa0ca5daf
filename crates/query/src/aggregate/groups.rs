//! Which groups the rows of a block fall into.

use std::collections::HashMap;

use trawl_event::{Block, RowSet, Timestamp};

use crate::fields::FieldColumns;
use crate::json::Value;
use crate::value::{Cell, Number};

/// The values of one grouping field: each value once, and which of them every row has.
pub(super) struct Keys {
    /// The distinct values.
    pub(super) cells: Vec<Cell>,
    /// For each row of the set, in order, an index into `cells`, or [`SEVERAL`].
    codes: Vec<u32>,
    /// The indexes of rows with several values.
    several: HashMap<usize, Vec<u32>>,
}

/// Stands in `codes` for a row with more than one value.
const SEVERAL: u32 = u32::MAX;

#[derive(Default)]
struct Interner {
    cells: Vec<Cell>,
    texts: HashMap<Box<str>, u32>,
    others: HashMap<Cell, u32>,
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
}

impl Keys {
    /// The values of a field. Values in an array count each; an event without a value has null.
    pub(super) fn of_field(block: &Block, rows: &RowSet, field: &str) -> Self {
        let columns = FieldColumns::new(block, field, false);
        let mut interner = Interner::default();
        let mut codes = Vec::with_capacity(rows.count());
        let mut several = HashMap::default();
        let mut found: Vec<u32> = Vec::new();
        for (place, row) in rows.iter().enumerate() {
            found.clear();
            if let Some(time) = columns.time(row) {
                found.push(interner.text(&Timestamp(time).to_string()));
            }
            columns.any(row, |value| {
                let code = match value {
                    Value::Text(text) => interner.text(text),
                    Value::Number(number) => interner.other(Cell::Number(number.normal())),
                    Value::Bool(bool) => interner.other(Cell::Bool(bool)),
                    Value::Null | Value::Container => return false,
                };
                if !found.contains(&code) {
                    found.push(code);
                }
                false
            });
            codes.push(match &found[..] {
                [] => interner.other(Cell::Null),
                [only] => *only,
                _ => {
                    several.insert(place, found.clone());
                    SEVERAL
                }
            });
        }
        Self { cells: interner.cells, codes, several }
    }

    /// The start of the bucket each row lies in, in nanoseconds.
    pub(super) fn of_time(block: &Block, rows: &RowSet, bucket_ns: i64) -> Self {
        let mut interner = Interner::default();
        let codes = rows.iter().map(|row| {
            let time = block.timestamps[row];
            let start = time.saturating_sub(time.rem_euclid(bucket_ns.max(1)));
            interner.other(Cell::Number(Number::Int(start)))
        });
        let codes = codes.collect();
        Self { cells: interner.cells, codes, several: HashMap::default() }
    }

    /// The values of the row at this place in the set.
    fn at(&self, place: usize) -> &[u32] {
        match self.codes.get(place) {
            Some(&SEVERAL) => self.several.get(&place).map_or(&[], Vec::as_slice),
            _ => self.codes.get(place..=place).unwrap_or_default(),
        }
    }
}

/// The groups of a block's rows.
pub(super) struct Groups {
    /// The values that make each group.
    pub(super) keys: Vec<Vec<Cell>>,
    /// Row and group, by row. A row with several values of a field is in several groups.
    pub(super) members: Vec<(u32, u32)>,
}

/// More groups than there may be.
pub(super) struct TooMany;

impl Groups {
    /// Combines the values of all grouping fields.
    pub(super) fn new(rows: &RowSet, fields: &[Keys], most: usize) -> Result<Self, TooMany> {
        let mut groups = Self { keys: Vec::new(), members: Vec::with_capacity(rows.count()) };
        if let [field] = fields {
            groups.of_one(rows, field, most)?;
            return Ok(groups);
        }
        let mut known: HashMap<Vec<u32>, u32> = HashMap::new();
        let mut key: Vec<u32> = Vec::new();
        for (place, row) in rows.iter().enumerate() {
            let ways: usize = fields.iter().map(|field| field.at(place).len()).fold(1, usize::saturating_mul);
            if ways > most {
                return Err(TooMany);
            }
            for mut way in 0..ways {
                key.clear();
                for field in fields {
                    let codes = field.at(place);
                    key.push(codes[way % codes.len()]);
                    way /= codes.len();
                }
                let group = match known.get(&key[..]) {
                    Some(group) => *group,
                    None => {
                        if groups.keys.len() == most {
                            return Err(TooMany);
                        }
                        let group = groups.keys.len() as u32;
                        let cells = key.iter().zip(fields).map(|(code, field)| field.cells[*code as usize].clone());
                        groups.keys.push(cells.collect());
                        known.insert(key.clone(), group);
                        group
                    }
                };
                groups.members.push((row as u32, group));
            }
        }
        Ok(groups)
    }

    /// With one field each of its values is a group: nothing to combine.
    fn of_one(&mut self, rows: &RowSet, field: &Keys, most: usize) -> Result<(), TooMany> {
        if field.cells.len() > most {
            return Err(TooMany);
        }
        self.keys = field.cells.iter().map(|cell| vec![cell.clone()]).collect();
        for (place, row) in rows.iter().enumerate() {
            self.members.extend(field.at(place).iter().map(|code| (row as u32, *code)));
        }
        Ok(())
    }
}
