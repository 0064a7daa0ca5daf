//! The distinct values of a column, each with a code.

use xxhash_rust::xxh3::xxh3_64;

/// A value that can stand in a dictionary.
pub(crate) trait Key: Copy + PartialEq {
    /// A hash that spreads well in all its bits.
    fn hash(self) -> u64;
    /// Bytes the value takes in a dictionary page.
    fn size(self) -> usize;
}

impl Key for &[u8] {
    fn hash(self) -> u64 {
        xxh3_64(self)
    }

    fn size(self) -> usize {
        4 + self.len()
    }
}

impl Key for i64 {
    fn hash(self) -> u64 {
        xxh3_64(&self.to_le_bytes())
    }

    fn size(self) -> usize {
        8
    }
}

/// Distinct values in order of appearance, found through a table of open addresses.
pub(crate) struct Dictionary<K> {
    values: Vec<K>,
    hashes: Vec<u64>,
    /// Code + 1 of the value whose hash leads here, or 0; a power of two of them.
    slots: Vec<u32>,
    size: usize,
}

impl<K: Key> Dictionary<K> {
    pub(crate) fn new() -> Self {
        Self { values: Vec::new(), hashes: Vec::new(), slots: vec![0; 64], size: 0 }
    }

    /// The distinct values, by code.
    pub(crate) fn values(&self) -> &[K] {
        &self.values
    }

    /// Bytes of a dictionary page of all values.
    pub(crate) fn size(&self) -> usize {
        self.size
    }

    /// The code of `value`, which is added if it is new.
    pub(crate) fn code(&mut self, value: K) -> u32 {
        let hash = value.hash();
        let mask = self.slots.len() - 1;
        let mut slot = hash as usize & mask;
        loop {
            match self.slots[slot] {
                0 => break,
                found => {
                    let code = found as usize - 1;
                    if self.hashes[code] == hash && self.values[code] == value {
                        return code as u32;
                    }
                }
            }
            slot = (slot + 1) & mask;
        }
        let code = self.values.len() as u32;
        self.values.push(value);
        self.hashes.push(hash);
        self.size += value.size();
        self.slots[slot] = code + 1;
        if self.values.len() * 2 > self.slots.len() {
            self.grow();
        }
        code
    }

    fn grow(&mut self) {
        let mask = self.slots.len() * 2 - 1;
        self.slots = vec![0; mask + 1];
        for (code, hash) in self.hashes.iter().enumerate() {
            let mut slot = *hash as usize & mask;
            while self.slots[slot] != 0 {
                slot = (slot + 1) & mask;
            }
            self.slots[slot] = code as u32 + 1;
        }
    }
}

/// How many values are looked at to guess whether a dictionary pays.
const SAMPLE: usize = 1024;

/// The codes of `values`, if there are few enough distinct ones: at most one in `per_distinct`
/// and `size_max` bytes.
pub(crate) fn encode<K: Key>(values: &[K], per_distinct: usize, size_max: usize) -> Option<(Dictionary<K>, Vec<u32>)> {
    if values.len() > 4 * SAMPLE {
        // A column of all but distinct values shows in a sample, long before the table is full.
        let mut sample = Dictionary::new();
        let step = values.len() / SAMPLE;
        let taken = values.iter().step_by(step).map(|value| sample.code(*value)).count();
        if sample.values.len() * 10 > taken * 9 {
            return None;
        }
    }
    let distinct_max = values.len() / per_distinct;
    let mut dictionary = Dictionary::new();
    let mut codes = Vec::with_capacity(values.len());
    let mut last: Option<(K, u32)> = None;
    for value in values {
        // Like stands beside like: the last value often comes again.
        let code = match last {
            Some((same, code)) if same == *value => code,
            _ => dictionary.code(*value),
        };
        if dictionary.values.len() > distinct_max || dictionary.size > size_max {
            return None;
        }
        last = Some((*value, code));
        codes.push(code);
    }
    Some((dictionary, codes))
}
