//! A set of rows of one block, as a bitmap.

/// Rows in one word of the bitmap.
const WORD_BITS: usize = u64::BITS as usize;

/// Which rows of a block are meant. All operands of one operation have the same number of rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowSet {
    words: Vec<u64>,
    rows: usize,
}

impl RowSet {
    /// No row of `rows`.
    pub fn none(rows: usize) -> Self {
        Self { words: vec![0; rows.div_ceil(WORD_BITS)], rows }
    }

    /// Every row of `rows`.
    pub fn all(rows: usize) -> Self {
        let mut set = Self { words: vec![u64::MAX; rows.div_ceil(WORD_BITS)], rows };
        set.clear_beyond_end();
        set
    }

    /// The rows for which `holds` says yes. It is asked about every row, in order, and no branch depends on what it
    /// says: for tests that are quicker than a mispredicted branch.
    pub fn from_fn(rows: usize, mut holds: impl FnMut(usize) -> bool) -> Self {
        let mut words = Vec::with_capacity(rows.div_ceil(WORD_BITS));
        for start in (0..rows).step_by(WORD_BITS) {
            let end = rows.min(start + WORD_BITS);
            words.push((start..end).fold(0, |word, row| word | u64::from(holds(row)) << (row - start)));
        }
        Self { words, rows }
    }

    /// The rows for whose value `holds` says yes; `values` has one for each row. See [`RowSet::from_fn`].
    pub fn from_values<T: Copy>(values: &[T], mut holds: impl FnMut(T) -> bool) -> Self {
        let mut word_of = |values: &[T]| {
            let bits = values.iter().enumerate();
            bits.fold(0, |word, (bit, value)| word | u64::from(holds(*value)) << bit)
        };
        let words = values.chunks(WORD_BITS).map(&mut word_of).collect();
        Self { words, rows: values.len() }
    }

    /// How many rows the block has (not how many are in the set).
    #[inline]
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// The set as bits, 64 rows a word, the least significant first; none beyond the last row is set.
    #[inline]
    pub fn words(&self) -> &[u64] {
        &self.words
    }

    /// How many rows are in the set.
    pub fn count(&self) -> usize {
        self.words.iter().map(|word| word.count_ones() as usize).sum()
    }

    /// Whether no row is in the set.
    pub fn is_empty(&self) -> bool {
        self.words.iter().all(|word| *word == 0)
    }

    /// Whether every row is in the set.
    pub fn is_all(&self) -> bool {
        let (whole, rest) = (self.rows / WORD_BITS, self.rows % WORD_BITS);
        self.words[..whole].iter().all(|word| *word == u64::MAX) && (rest == 0 || self.words[whole] == (1 << rest) - 1)
    }

    /// Whether `row` is in the set.
    #[inline]
    pub fn contains(&self, row: usize) -> bool {
        row < self.rows && self.words[row / WORD_BITS] >> (row % WORD_BITS) & 1 == 1
    }

    /// Adds `row`; panics beyond the block's rows, as slices do.
    #[inline]
    pub fn insert(&mut self, row: usize) {
        assert!(row < self.rows, "row {row} of {}", self.rows);
        self.words[row / WORD_BITS] |= 1 << (row % WORD_BITS);
    }

    /// Adds `row` if `wanted`, without a branch on that; panics beyond the block's rows, as slices do.
    pub fn insert_if(&mut self, row: usize, wanted: bool) {
        assert!(row < self.rows, "row {row} of {}", self.rows);
        self.words[row / WORD_BITS] |= u64::from(wanted) << (row % WORD_BITS);
    }

    /// Removes `row`.
    pub fn remove(&mut self, row: usize) {
        if row < self.rows {
            self.words[row / WORD_BITS] &= !(1 << (row % WORD_BITS));
        }
    }

    /// Keeps what is in both.
    pub fn intersect(&mut self, other: &RowSet) {
        debug_assert_eq!(self.rows, other.rows);
        self.words.iter_mut().zip(&other.words).for_each(|(word, other)| *word &= other);
    }

    /// Adds what is in `other`.
    pub fn union(&mut self, other: &RowSet) {
        debug_assert_eq!(self.rows, other.rows);
        self.words.iter_mut().zip(&other.words).for_each(|(word, other)| *word |= other);
    }

    /// Removes what is in `other`.
    pub fn subtract(&mut self, other: &RowSet) {
        debug_assert_eq!(self.rows, other.rows);
        self.words.iter_mut().zip(&other.words).for_each(|(word, other)| *word &= !other);
    }

    /// Turns the set into the rows that were not in it.
    pub fn invert(&mut self) {
        self.words.iter_mut().for_each(|word| *word = !*word);
        self.clear_beyond_end();
    }

    /// The rows in the set, ascending.
    pub fn iter(&self) -> impl Iterator<Item = usize> + '_ {
        self.words.iter().enumerate().flat_map(|(index, word)| {
            let mut rest = *word;
            std::iter::from_fn(move || {
                (rest != 0).then(|| {
                    let bit = rest.trailing_zeros() as usize;
                    rest &= rest - 1;
                    index * WORD_BITS + bit
                })
            })
        })
    }

    fn clear_beyond_end(&mut self) {
        if let Some(last) = self.words.last_mut()
            && !self.rows.is_multiple_of(WORD_BITS)
        {
            *last &= (1 << (self.rows % WORD_BITS)) - 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_from_a_test_hold_what_passes_it() {
        for rows in [0, 1, 63, 64, 65, 128, 130] {
            let values: Vec<usize> = (0..rows).collect();
            let thirds: Vec<usize> = (0..rows).step_by(3).collect();
            let mut inserted = RowSet::none(rows);
            values.iter().for_each(|row| inserted.insert_if(*row, row % 3 == 0));
            for set in [RowSet::from_fn(rows, |row| row % 3 == 0), RowSet::from_values(&values, |row| row % 3 == 0)] {
                assert_eq!(set.iter().collect::<Vec<_>>(), thirds);
                assert_eq!(set, inserted);
                assert_eq!(set.is_all(), rows <= 1);
            }
            let all = RowSet::from_fn(rows, |_| true);
            assert_eq!(all, RowSet::all(rows));
            assert!(all.is_all());
        }
    }
}
