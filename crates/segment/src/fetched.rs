//! Bytes of an object that somebody fetched for the reader.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;

use crate::chunk::read::Dictionary;
use crate::error::{Error, Result};

/// Most bytes of decoded dictionaries that are kept for further reads of the same row group.
const MAX_DICTIONARIES_BYTES: usize = 32 << 20;

/// Some ranges of an object, as far as they were fetched; and what was decoded of them and will be wanted again.
#[derive(Debug, Default)]
pub struct Fetched {
    /// Ascending by offset.
    parts: Vec<(u64, Bytes)>,
    dictionaries: Mutex<Dictionaries>,
}

/// Dictionaries by the offset of their page.
#[derive(Debug, Default)]
struct Dictionaries {
    known: HashMap<u64, Arc<Dictionary>>,
    bytes: usize,
}

impl Fetched {
    /// Nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// The whole object.
    pub fn whole(object: Bytes) -> Self {
        Self { parts: vec![(0, object)], ..Self::default() }
    }

    /// Adds the bytes that stand at `offset` of the object. Parts begin and end where things do that are read whole.
    pub fn insert(&mut self, offset: u64, bytes: Bytes) {
        let at = self.parts.partition_point(|(start, _)| *start <= offset);
        self.parts.insert(at, (offset, bytes));
    }

    /// Whether all of `range` is there.
    pub fn has(&self, range: &Range<u64>) -> bool {
        self.part(range).is_some()
    }

    /// The bytes of `range`, which must lie in one part.
    pub fn get(&self, range: Range<u64>) -> Result<Bytes> {
        let missing = Error::NotFetched { start: range.start, end: range.end };
        let (start, bytes) = self.part(&range).ok_or(missing)?;
        Ok(bytes.slice((range.start - start) as usize..(range.end - start) as usize))
    }

    fn part(&self, range: &Range<u64>) -> Option<&(u64, Bytes)> {
        let at = self.parts.partition_point(|(start, _)| *start <= range.start);
        // Parts may overlap: one that begins later may end earlier.
        let holds =
            |(start, bytes): &&(u64, Bytes)| range.start <= range.end && range.end - start <= bytes.len() as u64;
        self.parts[..at].iter().rev().find(holds)
    }

    /// The dictionary whose page stands at `offset`, decoded once.
    pub(crate) fn dictionary(
        &self,
        offset: u64,
        decode: impl FnOnce() -> Result<Dictionary>,
    ) -> Result<Arc<Dictionary>> {
        let kept = || self.dictionaries.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = kept().known.get(&offset) {
            return Ok(known.clone());
        }
        let decoded = Arc::new(decode()?);
        let mut kept = kept();
        let size = decoded.size_bytes();
        if kept.bytes + size <= MAX_DICTIONARIES_BYTES && kept.known.insert(offset, decoded.clone()).is_none() {
            kept.bytes += size;
        }
        Ok(decoded)
    }

    /// Lets go of what was decoded.
    pub fn forget_decoded(&mut self) {
        *self.dictionaries.get_mut().unwrap_or_else(PoisonError::into_inner) = Dictionaries::default();
    }
}

impl FromIterator<(u64, Bytes)> for Fetched {
    fn from_iter<T: IntoIterator<Item = (u64, Bytes)>>(parts: T) -> Self {
        let mut parts: Vec<_> = parts.into_iter().collect();
        parts.sort_by_key(|(start, _)| *start);
        Self { parts, ..Self::default() }
    }
}
