//! The compactor stage: everything that is done to segments after they are committed.
//!
//! * [`pick`]: which small neighbouring segments become one
//! * [`merge`]: reads them by time and writes them as one, row group by row group
//! * [`erase`]: events that are to be gone are taken out of segments
//! * [`collect`]: retention, and removal of what nobody can need any more
//!
//! Searches go on beside it: a replacement is one transaction, and the objects it replaces
//! stay for [`Settings::grace`], which is longer than the longest search.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used))]

pub mod collect;
pub mod erase;
pub mod merge;
pub mod pick;

use std::time::Duration;

use trawl_event::Timestamp;
use trawl_segment::{Segment, WriteOptions};
use trawl_store::ports::{
    Catalog, Clock, CommitOutcome, Documents, Ids, Objects, Origin, Replacement, Searches, SegmentKey, SegmentRow,
    StoreError, Stream,
};

/// What a deployment chooses.
#[derive(Clone, Debug)]
pub struct Settings {
    /// How merged segments are written.
    pub options: WriteOptions,
    /// Raw bytes of events that a merged segment aims at.
    pub target_raw_bytes: u64,
    /// Stored bytes that a merged segment does not exceed by much, for events that hardly
    /// compress: a segment is built in memory.
    pub target_stored_bytes: u64,
    /// Segments merged at once at most: their directories are in memory, and they are replaced in one transaction,
    /// which has its limits.
    pub max_group: usize,
    /// Rows younger than this are left alone, so that no plan under way can meet both a row and
    /// its replacement; zero where the catalog reads a snapshot in one transaction.
    pub min_age: Duration,
    /// How long the objects of replaced segments stay: longer than the longest search.
    pub grace: Duration,
    /// Objects that no row names are removed when they are older: longer than the stream keeps
    /// records, since until then a persister may still commit them.
    pub orphan_age: Duration,
    /// Events older than this are dropped, segment by segment; `None` keeps all.
    pub retention: Option<Duration>,
    /// How long a batch id is remembered after the stream took the batch.
    pub repeat_horizon: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            options: WriteOptions::compaction(),
            target_raw_bytes: 1 << 30,
            target_stored_bytes: 128 << 20,
            max_group: pick::MAX_GROUP,
            min_age: Duration::ZERO,
            grace: Duration::from_secs(20 * 60),
            orphan_age: Duration::from_secs(25 * 3600),
            retention: None,
            repeat_horizon: Duration::from_secs(3600),
        }
    }
}

/// What a run did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Compacted {
    /// Segments that were merged away.
    pub merged: usize,
    /// Segments that took their place.
    pub written: usize,
    /// Segments dropped for their age.
    pub expired: usize,
    /// Segments that were rid of deleted events.
    pub cleaned: usize,
    /// Events that were deleted from them.
    pub deleted_events: u64,
    /// Objects removed.
    pub removed: usize,
}

/// Why a run could not finish. What it did until then stays done; the next run goes on.
#[derive(Debug, thiserror::Error)]
pub enum CompactError {
    /// A port failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// What is to be deleted cannot be told.
    #[error("deletion {id}: {error}")]
    Deletion {
        /// Which.
        id: String,
        /// Why.
        error: trawl_query::QueryError,
    },
    /// A segment cannot be read or written.
    #[error("segment {key}: {error}")]
    Segment {
        /// The object, or what it was to hold.
        key: String,
        /// Why.
        error: trawl_segment::Error,
    },
}

/// The stage, over its ports.
pub struct Compactor<S, O, K, Q, D, C> {
    stream: S,
    objects: O,
    catalog: K,
    searches: Q,
    documents: D,
    clock: C,
    settings: Settings,
}

impl<S, O, K, Q, D, C> Compactor<S, O, K, Q, D, C>
where
    S: Stream,
    O: Objects,
    K: Catalog,
    Q: Searches,
    D: Documents,
    C: Clock + Ids,
{
    /// A stage over these ports.
    pub fn new(stream: S, objects: O, catalog: K, searches: Q, documents: D, clock: C, settings: Settings) -> Self {
        Self { stream, objects, catalog, searches, documents, clock, settings }
    }

    /// Does what there is to do. With `force` even few small segments are merged.
    pub async fn run(&self, force: bool) -> Result<Compacted, CompactError> {
        let mut done = Compacted::default();
        self.expire(&mut done).await?;
        self.erase(&mut done).await?;
        let live = self.catalog.live().await?;
        for group in pick::pick(live, self.clock.now(), &self.settings, force) {
            self.replace(group, &mut done).await?;
        }
        self.collect(&mut done).await?;
        self.note_erased().await?;
        Ok(done)
    }

    /// Merges a group of segments of one tenant and day into one.
    async fn replace(&self, group: Vec<SegmentRow>, done: &mut Compacted) -> Result<(), CompactError> {
        let Some(head) = group.first().cloned() else { return Ok(()) };
        // Each attempt writes an object of its own: one left behind by an earlier attempt may be
        // on its way out as an orphan, and must not be pointed at again.
        let attempt = self.clock.fresh();
        let segment = merge::merge(&self.objects, &group, attempt, &self.settings.options).await?;
        let merged = group.len();
        let retire = group.into_iter().map(|row| row.key).collect();
        if self.swap(retire, Some((head, segment))).await? == CommitOutcome::Committed {
            done.merged += merged;
            done.written += 1;
        }
        // On a conflict another compactor was quicker; the object is an orphan, or is its own.
        Ok(())
    }

    /// Puts a segment in the place of others of the same tenant and day; none drops them. `head` is one of these.
    async fn swap(
        &self,
        retire: Vec<SegmentKey>,
        put: Option<(SegmentRow, Segment)>,
    ) -> Result<CommitOutcome, StoreError> {
        let Some((head, segment)) = put else {
            return self.catalog.replace(Replacement { retire, add: Vec::new(), at: self.clock.now() }).await;
        };
        let key = SegmentKey::new(&head.tenant, head.day, segment.first, segment.last, segment.content_hash);
        self.objects.put_if_absent(key.as_str(), segment.bytes.clone()).await?;
        let at = self.clock.now();
        let row = SegmentRow {
            key,
            tenant: head.tenant,
            day: head.day,
            first: segment.first,
            last: segment.last,
            events: segment.events,
            raw_bytes: segment.raw_bytes,
            size_bytes: segment.bytes.len() as u64,
            footer_offset: segment.footer_offset,
            directory_bytes: segment.directory_bytes,
            zones: segment.zones,
            index_bytes: segment.index_bytes,
            created: at,
            origin: Origin::Compaction,
        };
        self.catalog.replace(Replacement { retire, add: vec![row], at }).await
    }
}

/// `duration` before `moment`.
fn before(moment: Timestamp, duration: Duration) -> Timestamp {
    moment.plus_ns(-i64::try_from(duration.as_nanos()).unwrap_or(i64::MAX))
}
