//! Which rows of a row group are read, and their numbers in the block.

use std::ops::Range;

use trawl_event::RowSet;

/// All rows, or some, renumbered in order.
pub(crate) struct Selection<'s> {
    rows: Option<&'s RowSet>,
    /// By word of the set: how many selected rows come before it, and the number of all at the end. Empty when all
    /// rows are read.
    before: Vec<u32>,
    len: usize,
}

impl<'s> Selection<'s> {
    /// `rows` of a row group of `len` rows; all of them for `None`.
    pub(crate) fn new(rows: Option<&'s RowSet>, len: usize) -> Self {
        let Some(set) = rows else { return Self { rows, before: Vec::new(), len } };
        let mut before = Vec::with_capacity(set.words().len() + 1);
        let mut count = 0;
        before.push(0);
        for word in set.words() {
            count += word.count_ones();
            before.push(count);
        }
        Self { rows, before, len: count as usize }
    }

    /// How many rows are read.
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// How many rows before `row` are read.
    fn rank(&self, row: u32) -> u32 {
        let Some(set) = self.rows else { return row };
        let (word, bit) = (row as usize / u64::BITS as usize, row % u64::BITS);
        let inside = set.words().get(word).map_or(0, |word| (word & ((1 << bit) - 1)).count_ones());
        self.before.get(word).map_or(self.len as u32, |before| before + inside)
    }

    /// How many of these rows are read.
    pub(crate) fn count(&self, rows: &Range<u32>) -> usize {
        (self.rank(rows.end) - self.rank(rows.start)) as usize
    }

    /// Whether any of these rows is read.
    pub(crate) fn touches(&self, rows: &Range<u32>) -> bool {
        self.count(rows) > 0
    }

    /// Appends the new numbers of those of `present` that are read, and says which these
    /// are, by their place in `present`; `None` for all. `present` lies in `rows`, ascending.
    pub(crate) fn renumber(&self, rows: &Range<u32>, present: &[u32], out: &mut Vec<u32>) -> Option<RowSet> {
        let Some(set) = self.rows else {
            out.extend_from_slice(present);
            return None;
        };
        if self.count(rows) == rows.len() {
            let first = self.rank(rows.start);
            out.extend(present.iter().map(|row| row - rows.start + first));
            return None;
        }
        let mut kept = RowSet::none(present.len());
        for (index, row) in present.iter().enumerate() {
            if set.contains(*row as usize) {
                kept.insert(index);
                out.push(self.rank(*row));
            }
        }
        Some(kept)
    }

    /// Which of the values of these rows, which all have one, are read; `None` for all.
    pub(crate) fn of_required(&self, rows: &Range<u32>) -> Option<RowSet> {
        let set = self.rows.filter(|_| self.count(rows) < rows.len())?;
        let mut kept = RowSet::none(rows.len());
        let read = rows.clone().filter(|row| set.contains(*row as usize));
        read.for_each(|row| kept.insert((row - rows.start) as usize));
        Some(kept)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn rows_are_renumbered_in_order(picks in prop::collection::vec(any::<bool>(), 1..300), from in 0usize..300, to in 0usize..300) {
            let mut set = RowSet::none(picks.len());
            (0..picks.len()).filter(|row| picks[*row]).for_each(|row| set.insert(row));
            let selection = Selection::new(Some(&set), picks.len());
            prop_assert_eq!(selection.len(), set.count());
            let (from, to) = (from.min(to).min(picks.len()), from.max(to).min(picks.len()));
            let rows = from as u32..to as u32;
            let expected: Vec<u32> = set.iter().zip(0u32..).filter(|(row, _)| rows.contains(&(*row as u32))).map(|(_, n)| n).collect();
            let present: Vec<u32> = rows.clone().collect();
            let mut out = Vec::new();
            let kept = selection.renumber(&rows, &present, &mut out);
            prop_assert_eq!(&out, &expected);
            prop_assert_eq!(selection.count(&rows), expected.len());
            prop_assert_eq!(kept.map_or(present.len(), |kept| kept.count()), expected.len());
            prop_assert_eq!(selection.of_required(&rows).map_or(present.len(), |kept| kept.count()), expected.len());
        }
    }
}
