//! One moment of the catalog and the stream → tasks.
//!
//! The snapshot is read first, then the end of each shard: whatever was acknowledged before the
//! search began is in a segment of the snapshot or between its checkpoint and that end.

use std::collections::BTreeMap;

use futures_util::future::try_join_all;
use serde::{Deserialize, Serialize};
use trawl_api::search::Order;
use trawl_event::{Evidence, TenantId};
use trawl_store::ports::{Catalog, Position, RowKey, ScanTask, SegmentRow, ShardId, Source, StoreError, Stream, Want};

use crate::state::Asked;

/// Stored bytes one task reads at most (unless a single segment has more): about 0.7 s at the
/// 90 MB/s of one S3 connection, so that waves stay short and a retry costs little.
pub const TASK_BYTES: u64 = 64 * 1024 * 1024;
/// Segments one task reads at most: each costs a GET of 30 ms before it is known.
pub const TASK_SEGMENTS: usize = 16;

/// A task and the first key in the order of the search that it may find.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Planned {
    /// The task.
    pub task: ScanTask,
    /// Nothing of the task comes before this.
    pub bound: RowKey,
}

/// The tasks of a search, those first that may hold its first events. `evidence` is what its query needs.
pub async fn plan<S: Stream, K: Catalog>(
    stream: &S,
    catalog: &K,
    tenant: &TenantId,
    asked: &Asked,
    evidence: &Evidence,
    limit: usize,
) -> Result<Vec<Planned>, StoreError> {
    let mut snapshot = catalog.snapshot(tenant, asked.from, asked.to).await?;
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
    sources.extend(cut(snapshot.segments, asked.order).into_iter().map(Source::Segments));
    let planned = sources.into_iter().enumerate().map(|(number, source)| {
        let number = number as u32;
        let bound = bound(&source, asked, number);
        let task = ScanTask {
            tenant: tenant.clone(),
            query: asked.query.clone(),
            from: asked.from,
            to: asked.to,
            newest_first: asked.order == Order::Desc,
            limit,
            after: None,
            number,
            want: Want::Matches,
            source,
        };
        Planned { task, bound }
    });
    Ok(planned.collect())
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
