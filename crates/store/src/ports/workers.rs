//! Handing a task to a scan worker: a Lambda invocation, or a thread.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use trawl_event::{TenantId, Timestamp};
use trawl_query::{Exclusion, Partial, Summary, SummarySpec};

use super::{Position, Result, SearchId, SegmentRow, ShardId};

/// The total order of a search's results: by time, then by where the event stands.
/// `source` is the task's number in the plan times 2^16 plus the segment's place in the task.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct RowKey {
    /// When the event happened.
    pub timestamp: Timestamp,
    /// Which segment or tail it came from.
    pub source: u32,
    /// Its row there.
    pub row: u32,
}

/// What a task reads.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// Segments.
    Segments(Vec<SegmentRow>),
    /// The records of a shard in `(after, upto]`.
    Tail {
        /// The shard.
        shard: ShardId,
        /// The checkpoint of the snapshot.
        after: Position,
        /// The end of the shard when the plan was made.
        upto: Position,
        /// The ends of all shards then: a batch that was sent twice counts at the first place to
        /// claim it that lies within them.
        ends: BTreeMap<ShardId, Position>,
    },
}

/// What a task is to find.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Want {
    /// Matching events, or the aggregate over them. Where all matches are looked at anyway, what the task's summary
    /// asks for is counted as well.
    #[default]
    Matches,
    /// What the task's summary asks for, of all matches.
    Counts,
    /// How much would be read: nothing but directories and indexes is.
    Extent,
    /// The fields that occur, whatever the query.
    Fields,
}

/// A field that occurs.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct FieldCount {
    /// Its dotted name.
    pub name: String,
    /// The type of its values: `string`, `int`, `float`, `bool` or `json`.
    #[serde(rename = "type")]
    pub kind: String,
    /// How many events have such a value.
    pub events: u64,
}

/// A piece of a search.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScanTask {
    /// Whose events.
    pub tenant: TenantId,
    /// The query as it was sent; it parsed once already.
    pub query: String,
    /// What it must not find, because it is being deleted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub without: Vec<Exclusion>,
    /// Events from here on,
    pub from: Timestamp,
    /// and before here.
    pub to: Timestamp,
    /// Newest first?
    pub newest_first: bool,
    /// At most this many events (aggregates have no limit).
    pub limit: usize,
    /// Only events after this one in the order of the search.
    pub after: Option<RowKey>,
    /// The task's number in the plan.
    pub number: u32,
    /// What is wanted of it.
    pub want: Want,
    /// What to count beside the events.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub summary: Option<SummarySpec>,
    /// What to read.
    pub source: Source,
}

/// One event of a result.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ScanEvent {
    /// Its place in the order.
    pub key: RowKey,
    /// The event as JSON text (fields picked by a `fields` pipe, if there is one).
    pub json: String,
    /// What a `sort` pipe orders by, if there is one.
    pub sort: Option<trawl_query::SortKey>,
}

/// A segment that cannot be read, however often it is tried: it is damaged or gone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unreadable {
    /// Its place among the segments of the task.
    pub place: u32,
    /// Why.
    pub reason: String,
}

/// What a scan worker found.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ScanResult {
    /// Matching events in the order of the search, at most the task's limit.
    pub events: Vec<ScanEvent>,
    /// Whether there are more than `events` holds.
    pub more: bool,
    /// The aggregate over all matches, if the query has one.
    pub partial: Option<Partial>,
    /// What was asked to be counted, if all matches of the task were.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub summary: Option<Summary>,
    /// Why the query cannot be answered at all (too many groups); nothing else counts then.
    pub query_error: Option<trawl_query::QueryError>,
    /// The fields, if these were wanted.
    pub fields: Vec<FieldCount>,
    /// Segments of the task of which nothing else counts.
    #[serde(default)]
    pub unreadable: Vec<Unreadable>,
    /// How many events matched as far as was counted.
    pub events_matched: u64,
    /// Object-store reads.
    pub gets: u64,
    /// Bytes read.
    pub bytes_read: u64,
    /// Granules in the segments of the task.
    pub granules_total: u64,
    /// Granules of which anything was read, or would be.
    pub granules_read: u64,
    /// Bytes of the columns that evaluating the query would read, if the extent was wanted.
    #[serde(default)]
    pub bytes_to_read: u64,
    /// Worker time in milliseconds.
    pub duration_ms: u64,
}

/// Scan workers.
pub trait Workers: Send + Sync {
    /// Runs a task to its end. Repeating a task gives the same result.
    fn run(&self, task: ScanTask) -> impl Future<Output = Result<ScanResult>> + Send;

    /// How many tasks may usefully run at once.
    fn parallelism(&self) -> usize;
}

/// Starts the run of a search that was stored: an asynchronous invocation, or a local task.
pub trait Launcher: Send + Sync {
    /// Returns once the run is certain to start, not when it ends.
    fn launch(&self, tenant: &TenantId, id: SearchId) -> impl Future<Output = Result<()>> + Send;
}

impl<T: Workers> Workers for Arc<T> {
    fn run(&self, task: ScanTask) -> impl Future<Output = Result<ScanResult>> + Send {
        (**self).run(task)
    }

    fn parallelism(&self) -> usize {
        (**self).parallelism()
    }
}

impl<T: Launcher> Launcher for Arc<T> {
    fn launch(&self, tenant: &TenantId, id: SearchId) -> impl Future<Output = Result<()>> + Send {
        (**self).launch(tenant, id)
    }
}
