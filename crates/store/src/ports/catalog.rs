//! The list of live segments, the checkpoints, and who owns a batch: DynamoDB, or SQLite.

use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use trawl_event::timestamp::Day;
use trawl_event::{BatchId, TenantId, Timestamp, Zones};

use super::{Position, Result, ShardId};

/// The object key of a segment:
/// `segments/v1/tenant=<t>/dt=<YYYY-MM-DD>/<first ms>-<last ms>-<hash of the content>.parquet`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SegmentKey(String);

impl SegmentKey {
    /// The key of a segment with this content.
    pub fn new(tenant: &TenantId, day: Day, first: Timestamp, last: Timestamp, content_hash: u128) -> Self {
        let (first_ms, last_ms) = (first.millis(), last.millis());
        Self(format!("segments/v1/tenant={tenant}/dt={day}/{first_ms}-{last_ms}-{content_hash:032x}.parquet"))
    }

    /// The object's key.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it is a segment of this tenant.
    pub fn is_of(&self, tenant: &TenantId) -> bool {
        let rest = self.0.strip_prefix(Self::PREFIX).and_then(|rest| rest.strip_prefix("tenant="));
        rest.and_then(|rest| rest.strip_prefix(tenant.as_str())).is_some_and(|rest| rest.starts_with('/'))
    }

    /// The prefix of all segments.
    pub const PREFIX: &'static str = "segments/v1/";

    /// Takes a key as an object listing gave it.
    pub fn from_listing(key: String) -> Option<Self> {
        (key.starts_with(Self::PREFIX) && key.ends_with(".parquet")).then_some(Self(key))
    }
}

impl fmt::Display for SegmentKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Where a segment's events came from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// Written by a persister from the records in `(after, upto]` of a shard.
    Stream {
        /// The shard.
        shard: ShardId,
        /// The checkpoint before.
        after: Position,
        /// The checkpoint that the same commit set.
        upto: Position,
    },
    /// Written by the compactor from other segments.
    Compaction,
}

/// What planning knows of a live segment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SegmentRow {
    /// The object.
    pub key: SegmentKey,
    /// Whose events.
    pub tenant: TenantId,
    /// The day (UTC) all its events lie in.
    pub day: Day,
    /// The earliest event.
    pub first: Timestamp,
    /// The latest event.
    pub last: Timestamp,
    /// How many events.
    pub events: u64,
    /// Bytes of the events as they were sent.
    pub raw_bytes: u64,
    /// Size of the object.
    pub size_bytes: u64,
    /// Where the directory begins, behind row groups and index.
    pub footer_offset: u64,
    /// Bytes of the directory: one ranged read of them opens the segment.
    pub directory_bytes: u64,
    /// Bytes of index and directory.
    pub index_bytes: u64,
    /// What is known of all its events.
    pub zones: Zones,
    /// When the row was committed, by the committer's clock.
    pub created: Timestamp,
    /// Where the events came from.
    pub origin: Origin,
}

/// A claim to be the one place where a batch counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// Whose batch.
    pub tenant: TenantId,
    /// Which batch.
    pub batch: BatchId,
    /// The shard it was found in.
    pub shard: ShardId,
    /// The record it was found in.
    pub position: Position,
    /// Its place among the batches of that record.
    pub ordinal: u32,
    /// When the stream took the record.
    pub arrived: Timestamp,
}

/// Where a batch stands in the stream.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// The shard.
    pub shard: ShardId,
    /// The record.
    pub position: Position,
    /// Its place among the batches of that record.
    pub ordinal: u32,
}

impl Claim {
    /// Where the batch was found.
    pub fn place(&self) -> Place {
        Place { shard: self.shard.clone(), position: self.position, ordinal: self.ordinal }
    }
}

/// What a persister run adds, in one transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Commit {
    /// The shard whose checkpoint moves.
    pub shard: ShardId,
    /// Where this run read the checkpoint; anything else by now is a conflict.
    pub expected: Position,
    /// Where it stands after.
    pub next: Position,
    /// The new segments; may be none (all records were repetitions or dead letters).
    pub segments: Vec<SegmentRow>,
    /// How many dead letters this run wrote.
    pub dead_letters: u64,
}

/// What became of a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CommitOutcome {
    /// It took place.
    Committed,
    /// Its condition did not hold; nothing changed.
    Conflict,
}

/// Segments swapped for one that holds the same events, in one transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replacement {
    /// Rows to retire: every one must be live, else nothing changes.
    pub retire: Vec<SegmentKey>,
    /// Rows to add; none when retention drops data.
    pub add: Vec<SegmentRow>,
    /// The time of the swap; the objects of retired rows stay for a grace period after it.
    pub at: Timestamp,
}

/// A row that was retired, with its object still there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Retired {
    /// The object.
    pub key: SegmentKey,
    /// When it was retired.
    pub at: Timestamp,
}

/// One moment of the catalog: exactly the segments that the checkpoints account for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Snapshot {
    /// The checkpoint of each shard that has one.
    pub checkpoints: BTreeMap<ShardId, Position>,
    /// The tenant's live segments that overlap the time range, by key.
    pub segments: Vec<SegmentRow>,
}

/// Sums over a tenant's live segments.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Totals {
    /// Live segments.
    pub segments: u64,
    /// Their events.
    pub events: u64,
    /// Their size in bytes.
    pub stored_bytes: u64,
    /// Bytes of their indexes.
    pub index_bytes: u64,
    /// Bytes of their events as sent.
    pub raw_bytes: u64,
    /// Dead letters written so far, over all tenants.
    pub dead_letters: u64,
}

/// Live segments, checkpoints and claims. Reads are strongly consistent.
pub trait Catalog: Send + Sync {
    /// The checkpoint of a shard; [`Position::START`] before its first commit.
    fn checkpoint(&self, shard: &ShardId) -> impl Future<Output = Result<Position>> + Send;

    /// For each claim, the places that claimed the batch before this one, the first of them first.
    /// A batch belongs to the first place to claim it, which is the one that gets none. A place
    /// that claims again keeps its turn.
    fn claim(&self, claims: Vec<Claim>) -> impl Future<Output = Result<Vec<Vec<Place>>>> + Send;

    /// Adds segments and moves a checkpoint, both or neither.
    fn commit(&self, commit: Commit) -> impl Future<Output = Result<CommitOutcome>> + Send;

    /// The checkpoints and the segments of `tenant` that overlap `[from, to)`, as of one moment:
    /// an event is in a segment of the snapshot exactly when its record is at or before the checkpoint.
    fn snapshot(
        &self,
        tenant: &TenantId,
        from: Timestamp,
        to: Timestamp,
    ) -> impl Future<Output = Result<Snapshot>> + Send;

    /// Every live segment of every tenant, by tenant, day and key.
    fn live(&self) -> impl Future<Output = Result<Vec<SegmentRow>>> + Send;

    /// Retires rows and adds their replacement, both or neither.
    fn replace(&self, replacement: Replacement) -> impl Future<Output = Result<CommitOutcome>> + Send;

    /// The retired rows.
    fn retired(&self) -> impl Future<Output = Result<Vec<Retired>>> + Send;

    /// Forgets retired rows whose objects are gone.
    fn forget(&self, keys: &[SegmentKey]) -> impl Future<Output = Result<()>> + Send;

    /// Forgets claims on batches that arrived before `before`.
    fn forget_claims(&self, before: Timestamp) -> impl Future<Output = Result<()>> + Send;

    /// Sums for a status report.
    fn totals(&self, tenant: &TenantId) -> impl Future<Output = Result<Totals>> + Send;
}

impl<T: Catalog> Catalog for Arc<T> {
    fn checkpoint(&self, shard: &ShardId) -> impl Future<Output = Result<Position>> + Send {
        (**self).checkpoint(shard)
    }

    fn claim(&self, claims: Vec<Claim>) -> impl Future<Output = Result<Vec<Vec<Place>>>> + Send {
        (**self).claim(claims)
    }

    fn commit(&self, commit: Commit) -> impl Future<Output = Result<CommitOutcome>> + Send {
        (**self).commit(commit)
    }

    fn snapshot(
        &self,
        tenant: &TenantId,
        from: Timestamp,
        to: Timestamp,
    ) -> impl Future<Output = Result<Snapshot>> + Send {
        (**self).snapshot(tenant, from, to)
    }

    fn live(&self) -> impl Future<Output = Result<Vec<SegmentRow>>> + Send {
        (**self).live()
    }

    fn replace(&self, replacement: Replacement) -> impl Future<Output = Result<CommitOutcome>> + Send {
        (**self).replace(replacement)
    }

    fn retired(&self) -> impl Future<Output = Result<Vec<Retired>>> + Send {
        (**self).retired()
    }

    fn forget(&self, keys: &[SegmentKey]) -> impl Future<Output = Result<()>> + Send {
        (**self).forget(keys)
    }

    fn forget_claims(&self, before: Timestamp) -> impl Future<Output = Result<()>> + Send {
        (**self).forget_claims(before)
    }

    fn totals(&self, tenant: &TenantId) -> impl Future<Output = Result<Totals>> + Send {
        (**self).totals(tenant)
    }
}
