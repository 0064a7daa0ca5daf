//! The records of a shard that are in no segment of the snapshot.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use rayon::prelude::*;
use trawl_event::batch::{self, Batch};
use trawl_event::block::Projection;
use trawl_event::merge::rows_between;
use trawl_event::restore::Restorer;
use trawl_event::{Block, RowSet, Timestamp};
use trawl_store::ports::{Catalog, Claim, Place, Position, Record, ScanResult, ShardId, Stream};

use crate::sink::{Candidate, Candidates, Origin, Writer};
use crate::{Job, READ_BYTES, ScanError};

/// Batches of about 1 MB of raw text that each core decodes between two looks at what is found.
const BATCHES_PER_CORE: usize = 2;

/// A batch that counts here, with its matches.
struct Found {
    batch: Batch,
    first_row: u32,
    block: Block,
    rows: RowSet,
}

/// The records of a shard in `(after, upto]`, as part of what the search sees of all shards.
pub struct Range<'t> {
    pub shard: &'t ShardId,
    pub after: Position,
    pub upto: Position,
    pub ends: &'t BTreeMap<ShardId, Position>,
}

impl Range<'_> {
    /// Whether the search sees what stands there.
    fn sees(&self, place: &Place) -> bool {
        self.ends.get(&place.shard).is_some_and(|end| place.position <= *end)
    }
}

pub async fn scan<S: Stream, K: Catalog>(
    stream: &S,
    catalog: &K,
    job: &Job<'_>,
    range: Range<'_>,
    result: &mut ScanResult,
) -> Result<(), ScanError> {
    let Range { shard, after, upto, .. } = range;
    let takes_all = result.partial.is_some() || job.is_counting();
    result.summary = job.begin_summary();
    let mut candidates = Candidates::new(job);
    let mut kept: Vec<Option<Batch>> = Vec::new();
    let mut next_row = 0u32;
    let mut position = after;
    while position < upto {
        let mut records = stream.read_upto(shard, position, upto, READ_BYTES).await?;
        records.retain(|record| record.position <= upto);
        let Some(last) = records.last() else { break };
        position = last.position;
        result.gets += 1;
        result.bytes_read += records.iter().map(|record| record.data.len() as u64).sum::<u64>();
        let mut batches = relevant_batches(job, shard, &records, &mut next_row);
        sort_by_order(job, &mut batches);
        // Events in flight mostly come in order of time, so that the first few batches often hold
        // all that is asked for. A small step decodes little in vain, a large one keeps all cores busy.
        for step in batches.chunks(rayon::current_num_threads() * BATCHES_PER_CORE) {
            job.go_on()?;
            let bound = candidates.bound(job);
            if !takes_all && bound.is_some_and(|bound| !step.iter().any(|p| p.begins_by(job, bound))) {
                candidates.more = true;
                // What is skipped may hold further matches.
                result.summary = None;
                break;
            }
            for found in evaluate(job, counting_here(catalog, &range, step).await?) {
                job.count(&found.block, &found.rows, result);
                match &mut result.partial {
                    Some(partial) => {
                        result.events_matched += found.rows.count() as u64;
                        partial.add(&job.query, &found.block, &found.rows)?;
                    }
                    None if job.is_counting() => result.events_matched += found.rows.count() as u64,
                    None if found.rows.is_empty() => {}
                    None => {
                        let from =
                            Origin { source: source(job), first_row: found.first_row, rows: None, place: kept.len() };
                        result.events_matched += candidates.add(job, &found.block, &found.rows, &from);
                        kept.push(Some(found.batch));
                    }
                }
            }
        }
        candidates.release(&mut kept);
    }
    if result.partial.is_none() {
        let (candidates, more) = candidates.finish();
        result.more = more;
        write(job, &candidates, kept, result);
    }
    Ok(())
}

/// A batch of the tail that overlaps the time range.
#[derive(Clone)]
struct Placed {
    batch: Batch,
    claim: Claim,
    /// The row of the tail where it begins.
    first_row: u32,
}

impl Placed {
    /// Whether it may hold events that come no later than `bound` in the order of the search.
    fn begins_by(&self, job: &Job<'_>, bound: Timestamp) -> bool {
        let header = &self.batch.header;
        if job.task.newest_first { header.last >= bound } else { header.first <= bound }
    }
}

fn sort_by_order(job: &Job<'_>, batches: &mut [Placed]) {
    if job.task.newest_first {
        batches.sort_by_key(|placed| Reverse(placed.batch.header.last));
    } else {
        batches.sort_by_key(|placed| placed.batch.header.first);
    }
}

/// A tail is one source: its rows count through all batches.
fn source(job: &Job<'_>) -> u32 {
    job.task.number << 16
}

/// The tenant's whole batches that overlap the time range, with the row they begin at.
fn relevant_batches(job: &Job<'_>, shard: &ShardId, records: &[Record], next_row: &mut u32) -> Vec<Placed> {
    let task = job.task;
    let mut batches = Vec::new();
    for record in records {
        // What cannot be read becomes a dead letter when the persister comes to it.
        let (read, _) = batch::read_all(&record.data);
        for (ordinal, batch) in read.into_iter().enumerate() {
            let header = &batch.header;
            if header.tenant != task.tenant {
                continue;
            }
            let first_row = *next_row;
            *next_row = next_row.saturating_add(u32::try_from(header.events).unwrap_or(u32::MAX));
            if header.last < task.from || header.first >= task.to || !batch.is_whole() {
                continue;
            }
            let claim = Claim {
                tenant: header.tenant.clone(),
                batch: header.id,
                shard: shard.clone(),
                position: record.position,
                ordinal: ordinal as u32,
                arrived: record.arrived,
            };
            batches.push(Placed { batch, claim, first_row });
        }
    }
    batches
}

/// Those that count at their place.
///
/// A batch that was sent twice belongs to the first place to claim it, whoever looks first,
/// persister or search. But that place may lie beyond what this search sees, while another that
/// was acknowledged before lies within: the batch counts at the first of its places within.
/// All tasks of a search agree on that one, since turns never change. And no segment of the
/// search holds the batch as well: had its owner been persisted by then, it would lie within.
async fn counting_here<K: Catalog>(
    catalog: &K,
    range: &Range<'_>,
    batches: &[Placed],
) -> Result<Vec<Placed>, ScanError> {
    let earlier = catalog.claim(batches.iter().map(|placed| placed.claim.clone()).collect()).await?;
    let counts_here = |earlier: &Vec<Place>| !earlier.iter().any(|place| range.sees(place));
    let placed = batches.iter().zip(earlier).filter(|(_, earlier)| counts_here(earlier));
    Ok(placed.map(|(placed, _)| placed.clone()).collect())
}

/// Decodes and filters on all cores; the order stays.
fn evaluate(job: &Job<'_>, batches: Vec<Placed>) -> Vec<Found> {
    let projection = &job.projection;
    let found = batches.into_par_iter().filter_map(|Placed { batch, first_row, .. }| {
        let block = batch.block(projection).ok()?;
        let mut rows = rows_between(&block, job.task.from.0, job.task.to.0);
        if !rows.is_empty() {
            rows.intersect(&job.evaluator.matches(&block));
        }
        Some(Found { batch, first_row, block, rows })
    });
    found.collect()
}

/// Writes the chosen events, decoding each batch that holds one of them once.
fn write(job: &Job<'_>, candidates: &[Candidate], mut kept: Vec<Option<Batch>>, result: &mut ScanResult) {
    let mut chosen = vec![false; kept.len()];
    candidates.iter().for_each(|candidate| chosen[candidate.place.0] = true);
    let decode = |(batch, chosen): (&mut Option<Batch>, &bool)| {
        // It was decoded a moment ago, from the same bytes.
        batch.take().filter(|_| *chosen).and_then(|batch| batch.block(&Projection::All).ok())
    };
    let blocks: Vec<Option<Block>> = kept.par_iter_mut().zip(&chosen).map(decode).collect();
    let mut restorers: Vec<Option<Restorer<'_>>> = blocks.iter().map(|b| b.as_ref().map(Restorer::new)).collect();
    let mut writer = Writer::new(job);
    for candidate in candidates {
        let (place, row) = candidate.place;
        let Some(restorer) = &mut restorers[place] else { continue };
        if !writer.push(candidate, restorer, row as usize, result) {
            break;
        }
    }
}
