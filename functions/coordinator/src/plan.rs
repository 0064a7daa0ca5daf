//! One moment of the catalog and the stream → tasks.
//!
//! The snapshot is read first, then the end of each shard: whatever was acknowledged before the
//! search began is in a segment of the snapshot or between its checkpoint and that end.

use std::collections::BTreeMap;

use futures_util::future::try_join_all;
use serde::{Deserialize, Serialize};
use trawl_api::search::{Estimate, Order};
use trawl_event::{Evidence, TenantId, Timestamp};
use trawl_query::SummarySpec;
use trawl_query::summary::facet::FacetSpec;
use trawl_query::summary::histogram::HistogramSpec;
use trawl_store::ports::{
    Catalog, Clock, Position, RowKey, ScanTask, SegmentRow, ShardId, Source, StoreError, Stream, Want,
};
use trawl_store::prices::{USD_PER_GB_SECOND, USD_PER_GET, USD_PER_INVOCATION, WORKER_GB};

use crate::attempt::{ATTEMPTS, FIRST_BACKOFF};
use crate::state::Asked;
use crate::{Coordinator, Ports};

/// Stored bytes one task reads at most (unless a single segment has more): about 0.7 s at the
/// 90 MB/s of one S3 connection, so that waves stay short and a retry costs little.
pub const TASK_BYTES: u64 = 64 * 1024 * 1024;
/// Segments one task reads at most: each costs a GET of 30 ms before it is known.
pub const TASK_SEGMENTS: usize = 16;

/// Reads of one segment when all of it is read: its directory, its index, and runs of its columns.
const GETS_PER_SEGMENT: f64 = 12.0;
/// Stored bytes that a worker gets through in a second when it has to read them all.
const WORKER_BYTES_PER_SECOND: f64 = 40e6;

/// What a search does, and how much there is to it.
pub struct Plan {
    /// Its tasks, those first that may hold its first events.
    pub tasks: Vec<Planned>,
    /// Segments that overlap the range of time.
    pub segments_in_range: u64,
    /// How many deletions had been asked for before.
    pub deletions: u64,
    /// What it may cost at most.
    pub estimate: Estimate,
}

/// A task and the first key in the order of the search that it may find.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Planned {
    /// The task.
    pub task: ScanTask,
    /// Nothing of the task comes before this.
    pub bound: RowKey,
}

impl<P: Ports> Coordinator<P> {
    /// Plans a search; tries again when the catalog or the stream has no room.
    pub(crate) async fn plan(
        &self,
        tenant: &TenantId,
        asked: &Asked,
        evidence: &Evidence,
        limit: usize,
    ) -> Result<Plan, StoreError> {
        let mut pause = FIRST_BACKOFF;
        let mut attempt = 1;
        loop {
            match self.try_plan(tenant, asked, evidence, limit).await {
                Err(error) if error.is_retryable() && attempt < ATTEMPTS => {
                    self.clock.sleep(self.spread(pause)).await;
                    pause *= 2;
                    attempt += 1;
                }
                outcome => return outcome,
            }
        }
    }

    async fn try_plan(
        &self,
        tenant: &TenantId,
        asked: &Asked,
        evidence: &Evidence,
        limit: usize,
    ) -> Result<Plan, StoreError> {
        // Before the catalog is read: what is hidden no more by then is in none of its segments.
        let hidden = self.hidden(tenant).await?;
        let without = hidden.exclusions();
        let mut plan = plan(&self.stream, &self.catalog, tenant, asked, evidence, limit, self.clock.now()).await?;
        plan.deletions = hidden.asked;
        if !without.is_empty() {
            plan.tasks.iter_mut().for_each(|planned| planned.task.without.clone_from(&without));
        }
        Ok(plan)
    }
}

/// Plans a search. `evidence` is what its query needs, `now` the latest time that events in flight have, but for a few.
pub async fn plan<S: Stream, K: Catalog>(
    stream: &S,
    catalog: &K,
    tenant: &TenantId,
    asked: &Asked,
    evidence: &Evidence,
    limit: usize,
    now: Timestamp,
) -> Result<Plan, StoreError> {
    let mut snapshot = catalog.snapshot(tenant, asked.from, asked.to).await?;
    let segments_in_range = snapshot.segments.len() as u64;
    // What the catalog rules out costs no request.
    snapshot.segments.retain(|row| row.zones.may_hold(evidence));
    let shards = stream.shards().await?;
    let found = try_join_all(shards.iter().map(|shard| stream.end(shard))).await?;
    let ends: BTreeMap<ShardId, Position> = shards.into_iter().zip(found).collect();
    let mut sources = Vec::new();
    for (shard, upto) in &ends {
        let after = snapshot.checkpoints.get(shard).copied().unwrap_or(Position::START);
        if *upto > after {
            sources.push(Source::Tail { shard: shard.clone(), after, upto: *upto, ends: ends.clone() });
        }
    }
    let summary = summary_spec(asked, &snapshot.segments, (!sources.is_empty()).then_some(now));
    let segments = snapshot.segments.len() as u64;
    let bytes = snapshot.segments.iter().map(|row| row.size_bytes).sum();
    sources.extend(cut(snapshot.segments, asked.order).into_iter().map(Source::Segments));
    let planned = sources.into_iter().enumerate().map(|(number, source)| {
        let number = number as u32;
        let bound = bound(&source, asked, number);
        let task = ScanTask {
            tenant: tenant.clone(),
            query: asked.query.clone(),
            without: Vec::new(),
            from: asked.from,
            to: asked.to,
            newest_first: asked.order == Order::Desc,
            limit,
            after: None,
            number,
            want: Want::Matches,
            summary: summary.clone(),
            source,
        };
        Planned { task, bound }
    });
    let tasks: Vec<Planned> = planned.collect();
    let estimate = Estimate { segments, bytes, usd: usd_most(segments, bytes, tasks.len()) };
    Ok(Plan { tasks, segments_in_range, deletions: 0, estimate })
}

/// What reading everything would cost.
fn usd_most(segments: u64, bytes: u64, tasks: usize) -> f64 {
    let gb_seconds = bytes as f64 / WORKER_BYTES_PER_SECOND * WORKER_GB;
    segments as f64 * GETS_PER_SEGMENT * USD_PER_GET
        + gb_seconds * USD_PER_GB_SECOND
        + tasks as f64 * USD_PER_INVOCATION
}

/// What is counted beside the events. The buckets fit the range that was asked for, as far as there are events;
/// those in flight are from just before `tail`, or widen them.
fn summary_spec(asked: &Asked, segments: &[SegmentRow], tail: Option<Timestamp>) -> Option<SummarySpec> {
    if asked.histogram.is_none() && asked.facets.is_empty() {
        return None;
    }
    let histogram = asked.histogram.as_ref().map(|histogram| {
        let first = segments.iter().map(|row| row.first).chain(tail).min().unwrap_or(asked.from);
        let last = segments.iter().map(|row| row.last).chain(tail).max().unwrap_or(asked.from);
        let end = Timestamp(asked.to.0.saturating_sub(1));
        let (first, last) = (first.clamp(asked.from, end), last.clamp(asked.from, end));
        // Within a range that was given in full, buckets are of one width whatever is found.
        let is_given = asked.from > Timestamp::MIN && asked.to < Timestamp::MAX;
        let (first, last) = if is_given { (asked.from, end) } else { (first, last) };
        HistogramSpec::for_range(first, last, histogram.buckets, histogram.by.clone())
    });
    let facets = asked.facets.iter().map(|facet| FacetSpec::of(facet.field.as_str())).collect();
    Some(SummarySpec { histogram, facets })
}

/// Segments in the order of the search, cut into tasks.
fn cut(mut segments: Vec<SegmentRow>, order: Order) -> Vec<Vec<SegmentRow>> {
    match order {
        Order::Desc => segments.sort_by(|one, other| (other.last, &other.key).cmp(&(one.last, &one.key))),
        Order::Asc => segments.sort_by(|one, other| (one.first, &one.key).cmp(&(other.first, &other.key))),
    }
    let mut tasks: Vec<Vec<SegmentRow>> = Vec::new();
    let mut bytes = 0;
    for segment in segments {
        let size = segment.size_bytes;
        match tasks.last_mut() {
            Some(task) if task.len() < TASK_SEGMENTS && bytes + size <= TASK_BYTES => {
                bytes += size;
                task.push(segment);
            }
            _ => {
                bytes = size;
                tasks.push(vec![segment]);
            }
        }
    }
    tasks
}

/// The first key, in the order of the search, that a source may hold.
fn bound(source: &Source, asked: &Asked, number: u32) -> RowKey {
    let newest_first = asked.order == Order::Desc;
    let edge = match source {
        // Events in flight may lie anywhere in the range.
        Source::Tail { .. } if newest_first => asked.to,
        Source::Tail { .. } => asked.from,
        Source::Segments(rows) if newest_first => rows.iter().map(|row| row.last).max().unwrap_or(asked.from),
        Source::Segments(rows) => rows.iter().map(|row| row.first).min().unwrap_or(asked.to),
    };
    if newest_first {
        RowKey { timestamp: edge, source: number << 16 | 0xffff, row: u32::MAX }
    } else {
        RowKey { timestamp: edge, source: number << 16, row: 0 }
    }
}
