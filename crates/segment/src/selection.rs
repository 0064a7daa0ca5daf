//! Which rows of a row group are read, and their numbers in the block.

use std::ops::Range;

use trawl_event::RowSet;

/// All rows, or some, renumbered in order.
pub(crate) struct Selection<'s> {
    rows: Option<&'s RowSet>,
    /// By row: how many selected rows come before it. Empty when all rows are read.
    rank: Vec<u32>,
    len: usize,
}

impl<'s> Selection<'s> {
    /// `rows` of a row group of `len` rows; all of them for `None`.
    pub(crate) fn new(rows: Option<&'s RowSet>, len: usize) -> Self {
        let Some(set) = rows else { return Self { rows, rank: Vec::new(), len } };
        let mut rank = Vec::with_capacity(len + 1);
        let mut before = 0;
        for row in 0..len {
            rank.push(before);
            before += u32::from(set.contains(row));
        }
        rank.push(before);
        Self { rows, rank, len: before as usize }
    }

    /// How many rows are read.
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// Whether any of these rows is read.
    pub(crate) fn touches(&self, rows: &Range<u32>) -> bool {
        match self.rows {
            None => true,
            Some(_) => self.rank.get(rows.start as usize) < self.rank.get(rows.end as usize),
        }
    }

    /// Appends the new numbers of those of `present` that are read, and says which these
    /// are, by their place in `present`; `None` for all.
    pub(crate) fn renumber(&self, present: &[u32], out: &mut Vec<u32>) -> Option<RowSet> {
        let Some(set) = self.rows else {
            out.extend_from_slice(present);
            return None;
        };
        let mut kept = RowSet::none(present.len());
        for (index, row) in present.iter().enumerate() {
            if set.contains(*row as usize) {
                kept.insert(index);
                out.extend(self.rank.get(*row as usize));
            }
        }
        Some(kept)
    }
}
