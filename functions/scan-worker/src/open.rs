//! A segment of a task: its directory, what the index leaves of it, and the bytes fetched so far.

use std::fmt::Display;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use trawl_event::RowSet;
use trawl_segment::{Fetched, IndexQuery, RowGroup, SegmentReader};
use trawl_store::ports::{Objects, SegmentRow, StoreError, Unreadable};

use crate::ScanError;
use crate::readers::Readers;

/// Objects up to this size are read whole in one request: at 90 MB/s per connection and 30 ms to
/// the first byte, a second request costs as much as 2.7 MB.
const WHOLE_OBJECT_BYTES: u64 = 2 * 1024 * 1024;

/// A segment and its place among those of the task.
pub type Placed<'t> = (u32, &'t SegmentRow);

/// Requests and bytes of one task.
#[derive(Debug, Default)]
pub struct Meter {
    gets: AtomicU64,
    bytes: AtomicU64,
}

impl Meter {
    /// Counts a request for each of these ranges.
    fn count(&self, ranges: &[Range<u64>]) {
        self.gets.fetch_add(ranges.len() as u64, Ordering::Relaxed);
        self.bytes.fetch_add(ranges.iter().map(|range| range.end - range.start).sum(), Ordering::Relaxed);
    }

    /// Requests and bytes so far.
    pub fn read(&self) -> (u64, u64) {
        (self.gets.load(Ordering::Relaxed), self.bytes.load(Ordering::Relaxed))
    }
}

/// Where segments are read from.
pub struct Store<'s, O> {
    pub objects: &'s O,
    pub readers: &'s Readers,
    pub meter: &'s Meter,
}

/// A segment whose directory has been read.
pub struct Open<'t> {
    pub row: Placed<'t>,
    pub reader: Arc<SegmentReader>,
    /// By row group: what has been fetched.
    fetched: Vec<Fetched>,
    whole: Option<Bytes>,
}

impl<O: Objects> Store<'_, O> {
    /// Reads the directory of a segment, or all of a small one.
    pub async fn open<'t>(&self, row: Placed<'t>) -> Result<Open<'t>, ScanError> {
        let SegmentRow { footer_offset, directory_bytes, size_bytes, .. } = *row.1;
        let directory = footer_offset..footer_offset.saturating_add(directory_bytes).min(size_bytes);
        let is_small = size_bytes <= WHOLE_OBJECT_BYTES;
        let known = self.readers.get(&row.1.key);
        let range = match (is_small, &known) {
            (true, _) => Some(0..size_bytes),
            (false, None) => Some(directory.clone()),
            (false, Some(_)) => None,
        };
        let bytes = match range {
            Some(range) => self.get(row, std::slice::from_ref(&range)).await?.pop().unwrap_or_default(),
            None => Bytes::new(),
        };
        let reader = match known {
            Some(reader) => reader,
            None => {
                let front = if is_small { directory.start.min(bytes.len() as u64) as usize } else { 0 };
                let opened = SegmentReader::open(&bytes[front..], footer_offset);
                let reader = Arc::new(opened.map_err(|error| damaged(row, error))?);
                self.readers.insert(&row.1.key, reader.clone(), directory_bytes);
                reader
            }
        };
        let whole = is_small.then_some(bytes);
        let fresh = || whole.clone().map_or_else(Fetched::new, Fetched::whole);
        let fetched = reader.row_groups().iter().map(|_| fresh()).collect();
        Ok(Open { row, reader, fetched, whole })
    }

    /// By row group of a segment: the granules that may hold a match.
    pub async fn candidates(&self, open: &Open<'_>, query: &IndexQuery) -> Result<Vec<RowSet>, ScanError> {
        let fetched = match &open.whole {
            Some(whole) => Fetched::whole(whole.clone()),
            None => {
                let ranges = open.reader.index_ranges(query);
                let found = self.get(open.row, &ranges).await?;
                ranges.iter().map(|range| range.start).zip(found).collect()
            }
        };
        open.reader.candidates(query, &fetched).map_err(|error| damaged(open.row, error))
    }

    /// The bytes of these ranges of a segment, one request each, side by side.
    pub async fn get(&self, row: Placed<'_>, ranges: &[Range<u64>]) -> Result<Vec<Bytes>, ScanError> {
        if ranges.is_empty() {
            return Ok(Vec::new());
        }
        self.meter.count(ranges);
        match self.objects.get_ranges(row.1.key.as_str(), ranges).await {
            Ok(Some(found)) => Ok(found),
            Ok(None) => Err(damaged(row, "the object is gone")),
            Err(StoreError::Permanent(reason)) => Err(damaged(row, reason)),
            Err(error) => Err(error.into()),
        }
    }
}

impl Open<'_> {
    /// What was fetched of a row group.
    pub fn fetched(&self, row_group: usize) -> &Fetched {
        &self.fetched[row_group]
    }

    /// Keeps bytes that were fetched for a row group.
    pub fn insert(&mut self, row_group: usize, ranges: &[Range<u64>], found: Vec<Bytes>) {
        for (range, bytes) in ranges.iter().zip(found) {
            self.fetched[row_group].insert(range.start, bytes);
        }
    }

    /// What is known of a row group.
    pub fn row_group(&self, row_group: usize) -> &RowGroup {
        &self.reader.row_groups()[row_group]
    }

    /// Lets go of what was decoded of a row group, and of its bytes if it will not be read again.
    pub fn release(&mut self, row_group: usize, is_done: bool) {
        match is_done {
            true => self.fetched[row_group] = Fetched::new(),
            false => self.fetched[row_group].forget_decoded(),
        }
    }
}

/// The error of a segment that is not what was written.
pub fn damaged((place, row): Placed<'_>, error: impl Display) -> ScanError {
    ScanError::Segment(Unreadable { place, reason: format!("segment {} cannot be read: {error}", row.key) })
}
