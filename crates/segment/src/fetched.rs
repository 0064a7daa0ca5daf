//! Bytes of an object that somebody fetched for the reader.

use std::ops::Range;

use bytes::Bytes;

use crate::error::{Error, Result};

/// Some ranges of an object, as far as they were fetched.
#[derive(Clone, Debug, Default)]
pub struct Fetched {
    /// Ascending by offset.
    parts: Vec<(u64, Bytes)>,
}

impl Fetched {
    /// Nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// The whole object.
    pub fn whole(object: Bytes) -> Self {
        Self { parts: vec![(0, object)] }
    }

    /// Adds the bytes that stand at `offset` of the object.
    pub fn insert(&mut self, offset: u64, bytes: Bytes) {
        let at = self.parts.partition_point(|(start, _)| *start <= offset);
        self.parts.insert(at, (offset, bytes));
    }

    /// The bytes of `range`, which must lie in one part.
    pub fn get(&self, range: Range<u64>) -> Result<Bytes> {
        let missing = Error::NotFetched { start: range.start, end: range.end };
        let at = self.parts.partition_point(|(start, _)| *start <= range.start);
        let Some((start, bytes)) = at.checked_sub(1).and_then(|before| self.parts.get(before)) else {
            return Err(missing);
        };
        let (from, to) = (range.start - start, range.end.saturating_sub(*start));
        if from > to || to > bytes.len() as u64 {
            return Err(missing);
        }
        Ok(bytes.slice(from as usize..to as usize))
    }
}

impl FromIterator<(u64, Bytes)> for Fetched {
    fn from_iter<T: IntoIterator<Item = (u64, Bytes)>>(parts: T) -> Self {
        let mut parts: Vec<_> = parts.into_iter().collect();
        parts.sort_by_key(|(start, _)| *start);
        Self { parts }
    }
}
