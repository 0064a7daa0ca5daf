//! Directories of segments that were opened before.
//!
//! A segment never changes, so what was read of its directory holds as long as somebody remembers it: the next search
//! of a worker that is kept (a warm Lambda environment, `trawl local`) begins with the index.

use std::fmt;
use std::sync::Arc;

use quick_cache::Weighter;
use quick_cache::sync::Cache;
use trawl_segment::SegmentReader;
use trawl_store::ports::SegmentKey;

/// Most bytes of directories that are remembered, as they are stored; parsed they take about ten times as much.
const MAX_BYTES: u64 = 8 << 20;
/// How many segments that may be: the directory of a gigabyte's segment has about 70 KB.
const SEGMENTS: usize = 64;

/// A reader and the bytes of its directory.
#[derive(Clone)]
struct Known {
    reader: Arc<SegmentReader>,
    bytes: u64,
}

#[derive(Clone)]
struct Bytes;

impl Weighter<String, Known> for Bytes {
    fn weight(&self, _: &String, known: &Known) -> u64 {
        known.bytes.max(1)
    }
}

/// The directories that are remembered.
pub struct Readers(Cache<String, Known, Bytes>);

impl Readers {
    /// None yet.
    pub fn new() -> Self {
        Self(Cache::with_weighter(SEGMENTS, MAX_BYTES, Bytes))
    }

    /// The reader of a segment, if it was opened before.
    pub fn get(&self, key: &SegmentKey) -> Option<Arc<SegmentReader>> {
        self.0.get(key.as_str()).map(|known| known.reader)
    }

    /// Remembers a reader whose directory has so many bytes.
    pub fn insert(&self, key: &SegmentKey, reader: Arc<SegmentReader>, bytes: u64) {
        self.0.insert(key.as_str().to_owned(), Known { reader, bytes });
    }
}

impl fmt::Debug for Readers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Readers").field("segments", &self.0.len()).finish()
    }
}
