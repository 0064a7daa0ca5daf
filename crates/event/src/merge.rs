//! Several blocks → one.

use std::collections::HashMap;

use crate::block::{Block, Column, Envelope, Kind, Path};
use crate::rowset::RowSet;

/// How many times are compared before the result is looked at.
const TOGETHER: usize = 256;

/// Grows a block by the rows of others, column by column.
#[derive(Default)]
pub struct Merger {
    block: Block,
    columns: HashMap<(Path, Kind), usize>,
    envelopes: HashMap<Envelope, u32>,
}

impl Merger {
    /// Appends all rows of `other`.
    pub fn append(&mut self, other: &Block) {
        let base = self.block.rows() as u32;
        self.block.raw_bytes += other.raw_bytes;
        self.block.timestamps.extend_from_slice(&other.timestamps);
        let codes = self.envelope_codes(&other.envelopes);
        self.block.envelope_codes.extend(other.envelope_codes.iter().map(|code| codes[*code as usize]));
        for column in &other.columns {
            let target = self.column(column);
            target.rows.extend(column.rows.iter().map(|row| base + row));
            target.values.append(&column.values);
        }
    }

    /// Appends the rows of `other` that are in `rows`. Their share of its raw bytes is counted by rows.
    pub fn append_rows(&mut self, other: &Block, rows: &RowSet) {
        let chosen = rows.count();
        if chosen == 0 {
            return;
        }
        if chosen == other.rows() {
            return self.append(other);
        }
        let base = self.block.rows() as u32;
        self.block.raw_bytes += (u128::from(other.raw_bytes) * chosen as u128 / other.rows() as u128) as u64;
        let codes = self.envelope_codes(&other.envelopes);
        // Where each chosen row goes.
        let mut places = vec![u32::MAX; other.rows()];
        for (place, row) in rows.iter().enumerate() {
            places[row] = base + place as u32;
            self.block.timestamps.push(other.timestamps[row]);
            self.block.envelope_codes.push(codes[other.envelope_codes[row] as usize]);
        }
        for column in &other.columns {
            let mut chosen = column.rows.iter().enumerate().filter(|(_, row)| rows.contains(**row as usize)).peekable();
            if chosen.peek().is_none() {
                continue;
            }
            let target = self.column(column);
            for (index, row) in chosen {
                target.rows.push(places[*row as usize]);
                target.values.push_from(&column.values, index);
            }
        }
    }

    /// How many rows there are so far.
    pub fn rows(&self) -> usize {
        self.block.rows()
    }

    /// Raw bytes of the events so far.
    pub fn raw_bytes(&self) -> u64 {
        self.block.raw_bytes
    }

    /// The block.
    pub fn finish(self) -> Block {
        self.block
    }

    fn column(&mut self, like: &Column) -> &mut Column {
        let kind = like.values.kind();
        let next = self.block.columns.len();
        let index = *self.columns.entry((like.path.clone(), kind)).or_insert(next);
        if index == next {
            self.block.columns.push(Column::new(like.path.clone(), kind));
        }
        &mut self.block.columns[index]
    }

    fn envelope_codes(&mut self, others: &[Envelope]) -> Vec<u32> {
        let block = &mut self.block;
        let code = |envelope: &Envelope| {
            *self.envelopes.entry(envelope.clone()).or_insert_with(|| {
                block.envelopes.push(envelope.clone());
                block.envelopes.len() as u32 - 1
            })
        };
        others.iter().map(code).collect()
    }
}

/// The rows of a block that lie in `[from, to)`.
pub fn rows_between(block: &Block, from: i64, to: i64) -> RowSet {
    // `&` and not `&&`: the rows of a block are in no order of time that a branch could be guessed by.
    let inside = |timestamp: i64| (from <= timestamp) & (timestamp < to);
    // Most blocks lie inside as a whole, which is told faster than which rows do.
    let all_inside = |some: &[i64]| some.iter().fold(true, |all, timestamp| all & inside(*timestamp));
    if block.timestamps.chunks(TOGETHER).all(all_inside) {
        return RowSet::all(block.rows());
    }
    RowSet::from_values(&block.timestamps, inside)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_between_two_times_exclude_the_later() {
        let block = Block { timestamps: (0..300).rev().collect(), ..Block::default() };
        let between = |from, to| rows_between(&block, from, to).iter().collect::<Vec<_>>();
        assert_eq!(between(10, 12), [288, 289]);
        assert_eq!(between(0, 300), (0..300).collect::<Vec<_>>());
        assert_eq!(between(1, 300), (0..299).collect::<Vec<_>>());
        assert!(between(12, 10).is_empty());
        assert!(rows_between(&Block::default(), 0, 1).is_empty());
    }
}
