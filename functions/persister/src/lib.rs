//! The persister stage: stream records → segments and a checkpoint, in one transaction.
//!
//! A run may be cut anywhere, repeated, or race another run over the same records. Three
//! rules make each event count once all the same:
//!
//! * records at or before the checkpoint are in segments already, and skipped;
//! * a batch belongs to the first place (shard, position, ordinal) that claimed it, so a
//!   batch sent twice is dropped wherever it turns up the second time;
//! * segments become visible only in the transaction that moves the checkpoint, on the
//!   condition that it stands where this run read it.
//!
//! What cannot be decoded goes to [`dead_letter`] with its bytes and the reason.

pub mod dead_letter;
mod gather;

use trawl_event::{BatchId, Timestamp};
use trawl_segment::WriteOptions;
use trawl_store::ports::{
    Catalog, Clock, Commit, CommitOutcome, Objects, Origin, Position, Record, SegmentKey, SegmentRow, ShardId,
    StoreError,
};

use gather::{Gathered, gather};

/// Runs that lose the race for the checkpoint begin anew this often, then leave it to the next delivery.
const MAX_CONFLICTS: usize = 4;

/// The stage, over its ports.
pub struct Persister<K, O, C> {
    catalog: K,
    objects: O,
    clock: C,
    options: WriteOptions,
}

/// What a run did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Persisted {
    /// Where the checkpoint stands now.
    pub checkpoint: Position,
    /// Segments added.
    pub segments: usize,
    /// Events in them.
    pub events: u64,
    /// Batches dropped because they had been seen elsewhere.
    pub repeated_batches: Vec<BatchId>,
    /// Dead letters written.
    pub dead_letters: u64,
}

/// Why a run could not finish. The records stay in the stream; a later run takes them.
#[derive(Debug, thiserror::Error)]
pub enum PersistError {
    /// A port failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A segment could not be written.
    #[error("cannot write a segment: {0}")]
    Segment(#[from] trawl_segment::Error),
    /// Other runs moved the checkpoint each time.
    #[error("the checkpoint of shard {0} moved {MAX_CONFLICTS} times during this run")]
    Contended(ShardId),
}

impl<K: Catalog, O: Objects, C: Clock> Persister<K, O, C> {
    /// A stage that writes segments as `options` say.
    pub fn new(catalog: K, objects: O, clock: C, options: WriteOptions) -> Self {
        Self { catalog, objects, clock, options }
    }

    /// Persists records of one shard, delivered in order. Records that follow the checkpoint
    /// must not be left out between them; records before it may be among them.
    pub async fn persist(&self, shard: &ShardId, records: &[Record]) -> Result<Persisted, PersistError> {
        for _ in 0..MAX_CONFLICTS {
            let checkpoint = self.catalog.checkpoint(shard).await?;
            let new = &records[records.partition_point(|record| record.position <= checkpoint)..];
            let Some(last) = new.last() else {
                return Ok(Persisted { checkpoint, ..Persisted::default() });
            };
            let gathered = gather(&self.catalog, shard, new).await?;
            for letter in &gathered.dead_letters {
                dead_letter::store(&self.objects, shard, letter).await?;
            }
            let persisted = Persisted {
                checkpoint: last.position,
                segments: gathered.groups.len(),
                events: gathered.groups.iter().map(|group| group.block.rows() as u64).sum(),
                repeated_batches: gathered.repeated_batches.clone(),
                dead_letters: gathered.dead_letters.len() as u64,
            };
            let commit = self.write(shard, checkpoint, last.position, gathered).await?;
            match self.catalog.commit(commit).await? {
                CommitOutcome::Committed => {
                    tracing::debug!(%shard, events = persisted.events, segments = persisted.segments, "persisted");
                    return Ok(persisted);
                }
                // Another run was quicker, or the answer to an earlier attempt was lost:
                // the checkpoint tells which records are still to be done.
                CommitOutcome::Conflict => {}
            }
        }
        Err(PersistError::Contended(shard.clone()))
    }

    /// Writes the objects of one run and what it is going to commit.
    async fn write(
        &self,
        shard: &ShardId,
        expected: Position,
        next: Position,
        gathered: Gathered,
    ) -> Result<Commit, PersistError> {
        let dead_letters = gathered.dead_letters.len() as u64;
        let mut segments = Vec::with_capacity(gathered.groups.len());
        for group in gathered.groups {
            let source = format!("stream {shard} ({expected}, {next}]");
            let segment = trawl_segment::write(&group.block, &WriteOptions { source, ..self.options.clone() })?;
            let key = SegmentKey::new(&group.tenant, group.day, segment.first, segment.last, segment.content_hash);
            self.objects.put_if_absent(key.as_str(), segment.bytes.clone()).await?;
            let origin = Origin::Stream { shard: shard.clone(), after: expected, upto: next };
            let day = group.day;
            segments.push(row(&segment, key, group.tenant, day, self.clock.now(), origin));
        }
        Ok(Commit { shard: shard.clone(), expected, next, segments, dead_letters })
    }
}

/// The catalog row of a segment.
pub fn row(
    segment: &trawl_segment::Segment,
    key: SegmentKey,
    tenant: trawl_event::TenantId,
    day: trawl_event::timestamp::Day,
    created: Timestamp,
    origin: Origin,
) -> SegmentRow {
    SegmentRow {
        key,
        tenant,
        day,
        first: segment.first,
        last: segment.last,
        events: segment.events,
        raw_bytes: segment.raw_bytes,
        size_bytes: segment.bytes.len() as u64,
        footer_offset: segment.footer_offset,
        directory_bytes: segment.directory_bytes,
        zones: segment.zones.clone(),
        index_bytes: segment.index_bytes,
        created,
        origin,
    }
}
