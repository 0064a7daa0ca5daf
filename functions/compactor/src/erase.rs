//! Deleted events are taken out of segments (see [`trawl_store::deletions`]).
//!
//! A run takes everything that is hidden of a tenant at once. Each live segment that may hold any of it by its times,
//! zones and index is looked through; one that does is written anew without. When a whole pass found nothing more, and all
//! that was in flight when a deletion was asked for is in segments, no live segment holds its events any more: a row that
//! another compactor adds meanwhile was merged from rows that this pass found clean, or the swap of this pass was a
//! conflict, and the next run looks again.

use trawl_event::{Evidence, TenantId};
use trawl_query::{Evaluator, Query, any_of};
use trawl_segment::{Fetched, IndexQuery, SegmentReader};
use trawl_store::deletions::{self, Deletion, Hidden, Progress};
use trawl_store::ports::{
    Catalog, Clock, CommitOutcome, Documents, Ids, Objects, Position, Searches, SegmentKey, SegmentRow, StoreError,
    Stream,
};

use crate::merge::{Without, failed, get, merge_without};
use crate::{CompactError, Compacted, Compactor, before};

/// The events that are to be gone, compiled.
struct Deleted {
    /// Whether an event is any of them.
    any: Evaluator,
    /// The same by deletion.
    each: Vec<Evaluator>,
    evidence: Evidence,
    query: Query,
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
    /// Carries out what is to be deleted, of all tenants.
    pub(crate) async fn erase(&self, done: &mut Compacted) -> Result<(), CompactError> {
        for (tenant, hidden) in deletions::all_hidden(&self.documents).await? {
            if !hidden.deletions.is_empty() {
                self.erase_of(&tenant, &hidden, done).await?;
            }
        }
        Ok(())
    }

    async fn erase_of(&self, tenant: &TenantId, hidden: &Hidden, done: &mut Compacted) -> Result<(), CompactError> {
        // Before the segments are listed: what is persisted by now is in them.
        let persisted = self.persisted(&hidden.deletions).await?;
        let deleted = compile(&hidden.deletions)?;
        let (mut is_clean, mut rewritten) = (true, 0);
        let mut events = vec![0; hidden.deletions.len()];
        let young = before(self.clock.now(), self.settings.min_age);
        let mut live = self.catalog.live().await?;
        live.retain(|row| row.tenant == *tenant);
        for row in live {
            let overlaps = hidden
                .deletions
                .iter()
                .any(|deletion| deletion.events.from <= row.last && row.first < deletion.events.to);
            if !overlaps || !row.zones.may_hold(&deleted.evidence) {
                continue;
            }
            match self.holds(&row, &deleted).await {
                Ok(true) => {}
                Ok(false) => continue,
                // It holds up what is deleted, and nothing else: nobody knows what is in it.
                Err(error) if is_unreadable(&error) => {
                    tracing::error!(key = %row.key, %error, "a segment that may hold deleted events cannot be read");
                    is_clean = false;
                    continue;
                }
                Err(error) => return Err(error),
            }
            // A plan that was made from this row must not meet what takes its place.
            if row.created > young {
                is_clean = false;
                continue;
            }
            match self.rid(&row, &deleted).await {
                Ok(Some(Without { removed, matched, .. })) => {
                    rewritten += 1;
                    done.deleted_events += removed;
                    events.iter_mut().zip(matched).for_each(|(sum, matched)| *sum += matched);
                }
                // Somebody else replaced it meanwhile, by what may hold them as well.
                Ok(None) => is_clean = false,
                Err(error) if is_unreadable(&error) => {
                    tracing::error!(key = %row.key, %error, "a segment that holds deleted events cannot be written anew");
                    is_clean = false;
                }
                Err(error) => return Err(error),
            }
        }
        done.cleaned += rewritten;
        let now = self.clock.now();
        for ((deletion, is_persisted), events) in hidden.deletions.iter().zip(persisted).zip(events) {
            let is_done = is_clean && is_persisted;
            if rewritten == 0 && !is_done {
                continue;
            }
            // An event that several deletions name is counted with each.
            deletions::update(&self.documents, tenant, deletion, |record| {
                record.events_removed += events;
                record.segments_rewritten += rewritten as u64;
                if is_done && record.progress == Progress::Hidden {
                    record.progress = Progress::Rewritten;
                    record.rewritten = Some(now);
                }
            })
            .await?;
            if is_done {
                deletions::unhide(&self.documents, tenant, &deletion.id).await?;
                tracing::info!(id = deletion.id, %tenant, "no segment holds the deleted events any more");
            }
        }
        Ok(())
    }

    /// For each deletion, whether all that was in flight when it was asked for is in segments.
    async fn persisted(&self, deletions: &[Deletion]) -> Result<Vec<bool>, StoreError> {
        let mut checkpoints = std::collections::BTreeMap::new();
        for shard in deletions.iter().flat_map(|deletion| deletion.ends.keys()) {
            if !checkpoints.contains_key(shard) {
                checkpoints.insert(shard.clone(), self.catalog.checkpoint(shard).await?);
            }
        }
        let is_behind = |deletion: &Deletion| {
            deletion.ends.iter().all(|(shard, end)| checkpoints.get(shard).unwrap_or(&Position::START) >= end)
        };
        Ok(deletions.iter().map(is_behind).collect())
    }

    /// Whether a segment holds any of the events.
    async fn holds(&self, row: &SegmentRow, deleted: &Deleted) -> Result<bool, CompactError> {
        let directory = row.footer_offset..row.footer_offset + row.directory_bytes;
        let directory = get(&self.objects, row, &[directory]).await?.pop().unwrap_or_default();
        let reader = SegmentReader::open(&directory, row.footer_offset).map_err(|error| failed(row, error))?;
        let query = IndexQuery::new(&deleted.evidence);
        let ranges = reader.index_ranges(&query);
        let index = self.fetch(row, &ranges).await?;
        let candidates = reader.candidates(&query, &index).map_err(|error| failed(row, error))?;
        let projection = deleted.query.projection();
        for (number, (group, granules)) in reader.row_groups().iter().zip(&candidates).enumerate() {
            if granules.count() == 0 {
                continue;
            }
            let rows = group.rows_of(granules);
            let ranges = reader.ranges(number, &projection, rows.as_ref(), &Fetched::new());
            let fetched = self.fetch(row, &ranges).await?;
            let block =
                reader.read(number, &projection, rows.as_ref(), &fetched).map_err(|error| failed(row, error))?;
            if !deleted.any.matches(&block).is_empty() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    async fn fetch(&self, row: &SegmentRow, ranges: &[std::ops::Range<u64>]) -> Result<Fetched, StoreError> {
        if ranges.is_empty() {
            return Ok(Fetched::new());
        }
        let found = get(&self.objects, row, ranges).await?;
        Ok(ranges.iter().map(|range| range.start).zip(found).collect())
    }

    /// Puts a segment without the events in the place of one; what was taken out. `None` when another was quicker.
    async fn rid(&self, row: &SegmentRow, deleted: &Deleted) -> Result<Option<Without>, CompactError> {
        let (rows, options) = (std::slice::from_ref(row), &self.settings.options);
        let mut left = merge_without(&self.objects, rows, self.clock.fresh(), options, &deleted.each).await?;
        let put = left.segment.take().map(|segment| (row.clone(), segment));
        match self.swap(vec![row.key.clone()], put).await? {
            CommitOutcome::Committed => Ok(Some(left)),
            CommitOutcome::Conflict => Ok(None),
        }
    }

    /// Notes of which deletions no object holds the events any more: every object of the tenant that there is, is that of
    /// a live row, or came after.
    pub(crate) async fn note_erased(&self) -> Result<(), CompactError> {
        let records = deletions::records(&self.documents, None).await?;
        let waiting: Vec<_> =
            records.into_iter().filter(|(_, record)| record.progress == Progress::Rewritten).collect();
        if waiting.is_empty() {
            return Ok(());
        }
        // The listing comes first: an object of a row that is committed in between is no trace.
        let objects = self.objects.list(SegmentKey::PREFIX).await?;
        let live: std::collections::HashSet<SegmentKey> =
            self.catalog.live().await?.into_iter().map(|row| row.key).collect();
        for (tenant, record) in waiting {
            let Some(rewritten) = record.rewritten else { continue };
            let is_trace = |object: &&trawl_store::ports::ObjectMeta| {
                let key = SegmentKey::from_listing(object.key.clone());
                key.is_some_and(|key| key.is_of(&tenant) && !live.contains(&key)) && object.modified <= rewritten
            };
            if objects.iter().any(|object| is_trace(&object)) {
                continue;
            }
            let now = self.clock.now();
            deletions::update(&self.documents, &tenant, &record.deletion, |record| {
                record.progress = Progress::Erased;
                record.erased = Some(now);
            })
            .await?;
            tracing::info!(id = record.deletion.id, %tenant, "no object holds the deleted events any more");
        }
        Ok(())
    }
}

fn compile(deletions: &[Deletion]) -> Result<Deleted, CompactError> {
    let (mut each, mut filters) = (Vec::with_capacity(deletions.len()), Vec::with_capacity(deletions.len()));
    for deletion in deletions {
        let failed = |error| CompactError::Deletion { id: deletion.id.clone(), error };
        let mut query = Query::parse("").map_err(failed)?;
        query.filter = deletion.events.filter().map_err(failed)?;
        each.push(Evaluator::new(&query).map_err(failed)?);
        filters.push(query.filter);
    }
    let failed = |error| CompactError::Deletion { id: deletions[0].id.clone(), error };
    let mut query = Query::parse("").map_err(failed)?;
    query.filter = any_of(filters);
    Ok(Deleted { any: Evaluator::new(&query).map_err(failed)?, each, evidence: query.evidence(), query })
}

/// Whether a segment is damaged or gone, so that no other try would do better.
fn is_unreadable(error: &CompactError) -> bool {
    matches!(error, CompactError::Segment { .. } | CompactError::Store(StoreError::Permanent(_)))
}
