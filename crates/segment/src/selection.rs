//! Which rows of a row group are read, and their numbers in the block.

use std::ops::Range;

use trawl_event::RowSet;

/// Which values of a page are read, as ascending runs of their places; `None` for all.
pub(crate) type Kept = Option<Vec<Range<usize>>>;

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
    /// are, as runs of places in `present`; `None` for all. `present` lies in `rows`, ascending.
    pub(crate) fn renumber(&self, rows: &Range<u32>, present: &[u32], out: &mut Vec<u32>) -> Kept {
        let Some(set) = self.rows else {
            out.extend_from_slice(present);
            return None;
        };
        let is_full = present.len() == rows.len();
        let mut kept = Vec::new();
        let mut from = 0;
        for run in runs(set, rows) {
            // Where every row has a value, a row's place is its number.
            let place = |row: u32| match is_full {
                true => (row - rows.start) as usize,
                false => from + present[from..].partition_point(|other| *other < row),
            };
            let places = place(run.start)..place(run.end);
            if places.is_empty() {
                continue;
            }
            from = places.end;
            let first = self.rank(run.start);
            out.extend(present[places.clone()].iter().map(|row| row - run.start + first));
            kept.push(places);
        }
        (kept != [0..present.len()]).then_some(kept)
    }

    /// Which of the values of these rows, which all have one, are read.
    pub(crate) fn of_required(&self, rows: &Range<u32>) -> Kept {
        let set = self.rows.filter(|_| self.count(rows) < rows.len())?;
        Some(runs(set, rows).map(|run| (run.start - rows.start) as usize..(run.end - rows.start) as usize).collect())
    }
}

/// The runs of rows of a set within `rows`.
fn runs<'s>(set: &'s RowSet, rows: &Range<u32>) -> impl Iterator<Item = Range<u32>> + 's {
    let (mut at, end) = (rows.start, rows.end);
    let words = set.words();
    // The first row from `at` on whose bit is set, or is not if `flipped`.
    let next = move |mut at: u32, flipped: u64| {
        while at < end {
            let word = words.get(at as usize / 64).copied().unwrap_or(0) ^ flipped;
            let rest = word >> (at % 64);
            if rest != 0 {
                return (at + rest.trailing_zeros()).min(end);
            }
            at = (at / 64 + 1) * 64;
        }
        end
    };
    std::iter::from_fn(move || {
        let start = next(at, 0);
        at = next(start, u64::MAX);
        (start < end).then_some(start..at)
    })
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
            let count = |kept: Kept| kept.map_or(present.len(), |kept| kept.iter().map(Range::len).sum());
            prop_assert_eq!(count(kept), expected.len());
            prop_assert_eq!(count(selection.of_required(&rows)), expected.len());
            let some: Vec<u32> = present.iter().copied().filter(|row| row % 3 != 1).collect();
            out.clear();
            let kept = selection.renumber(&rows, &some, &mut out);
            let rank = |row: &u32| set.iter().take_while(|other| *other < *row as usize).count() as u32;
            let expected: Vec<u32> = some.iter().filter(|row| set.contains(**row as usize)).map(rank).collect();
            prop_assert_eq!(&out, &expected);
            let places = kept.unwrap_or_else(|| vec![0..some.len()]).into_iter().flatten();
            prop_assert_eq!(places.map(|place| rank(&some[place])).collect::<Vec<_>>(), expected);
        }
    }
}
