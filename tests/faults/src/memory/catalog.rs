//! A catalog in memory.

use std::collections::BTreeMap;
use std::sync::Mutex;

use trawl_event::{BatchId, TenantId, Timestamp};
use trawl_store::ports::{
    Catalog, Claim, Commit, CommitOutcome, Place, Position, Replacement, Result, Retired, SegmentKey, SegmentRow,
    ShardId, Snapshot, StoreError, Totals,
};

use super::lock;

#[derive(Default)]
struct State {
    checkpoints: BTreeMap<ShardId, Position>,
    /// All rows that were not forgotten; with the time of retirement, if they are retired.
    rows: BTreeMap<SegmentKey, (SegmentRow, Option<Timestamp>)>,
    /// Who claimed a batch, in turn, and when its record arrived.
    claims: BTreeMap<(TenantId, BatchId), Vec<(Place, Timestamp)>>,
    dead_letters: u64,
}

impl State {
    fn live(&self) -> impl Iterator<Item = &SegmentRow> {
        self.rows.values().filter(|(_, retired)| retired.is_none()).map(|(row, _)| row)
    }

    fn is_live(&self, key: &SegmentKey) -> bool {
        self.rows.get(key).is_some_and(|(_, retired)| retired.is_none())
    }

    /// Adds all rows or none.
    fn add(&mut self, rows: Vec<SegmentRow>) -> Result<()> {
        if let Some(row) = rows.iter().find(|row| self.rows.contains_key(&row.key)) {
            return Err(StoreError::Permanent(format!("{} is in the catalog already", row.key)));
        }
        self.rows.extend(rows.into_iter().map(|row| (row.key.clone(), (row, None))));
        Ok(())
    }

    fn places_before(&mut self, claim: Claim) -> Vec<Place> {
        let own = claim.place();
        let turns = self.claims.entry((claim.tenant, claim.batch)).or_default();
        if !turns.iter().any(|(place, _)| *place == own) {
            turns.push((own.clone(), claim.arrived));
        }
        turns.iter().map(|(place, _)| place.clone()).take_while(|place| *place != own).collect()
    }
}

/// Rows, checkpoints and claims.
#[derive(Default)]
pub struct MemoryCatalog(Mutex<State>);

impl MemoryCatalog {
    /// A commit that forgets its condition: what the simulation must find out.
    pub(crate) fn commit_unconditionally(&self, commit: Commit) -> Result<CommitOutcome> {
        let mut state = lock(&self.0);
        let fresh = commit.segments.into_iter().filter(|row| !state.rows.contains_key(&row.key)).collect();
        state.add(fresh)?;
        state.checkpoints.insert(commit.shard, commit.next);
        state.dead_letters += commit.dead_letters;
        Ok(CommitOutcome::Committed)
    }
}

impl Catalog for MemoryCatalog {
    async fn checkpoint(&self, shard: &ShardId) -> Result<Position> {
        Ok(lock(&self.0).checkpoints.get(shard).copied().unwrap_or(Position::START))
    }

    async fn claim(&self, claims: Vec<Claim>) -> Result<Vec<Vec<Place>>> {
        let mut state = lock(&self.0);
        Ok(claims.into_iter().map(|claim| state.places_before(claim)).collect())
    }

    async fn commit(&self, commit: Commit) -> Result<CommitOutcome> {
        let mut state = lock(&self.0);
        let checkpoint = state.checkpoints.get(&commit.shard).copied().unwrap_or(Position::START);
        if checkpoint != commit.expected {
            return Ok(CommitOutcome::Conflict);
        }
        state.add(commit.segments)?;
        state.checkpoints.insert(commit.shard, commit.next);
        state.dead_letters += commit.dead_letters;
        Ok(CommitOutcome::Committed)
    }

    async fn snapshot(&self, tenant: &TenantId, from: Timestamp, to: Timestamp) -> Result<Snapshot> {
        let state = lock(&self.0);
        let overlaps = |row: &&SegmentRow| row.tenant == *tenant && row.last >= from && row.first < to;
        let segments = state.live().filter(overlaps).cloned().collect();
        Ok(Snapshot { checkpoints: state.checkpoints.clone(), segments })
    }

    async fn live(&self) -> Result<Vec<SegmentRow>> {
        let mut rows: Vec<SegmentRow> = lock(&self.0).live().cloned().collect();
        rows.sort_by(|one, other| (&one.tenant, one.day, &one.key).cmp(&(&other.tenant, other.day, &other.key)));
        Ok(rows)
    }

    async fn replace(&self, replacement: Replacement) -> Result<CommitOutcome> {
        let mut state = lock(&self.0);
        if !replacement.retire.iter().all(|key| state.is_live(key)) {
            return Ok(CommitOutcome::Conflict);
        }
        state.add(replacement.add)?;
        for key in &replacement.retire {
            if let Some((_, retired)) = state.rows.get_mut(key) {
                *retired = Some(replacement.at);
            }
        }
        Ok(CommitOutcome::Committed)
    }

    async fn retired(&self) -> Result<Vec<Retired>> {
        let state = lock(&self.0);
        let retired = |(key, (_, at)): (&SegmentKey, &(SegmentRow, Option<Timestamp>))| {
            at.map(|at| Retired { key: key.clone(), at })
        };
        let mut rows: Vec<Retired> = state.rows.iter().filter_map(retired).collect();
        rows.sort_by_key(|row| row.at);
        Ok(rows)
    }

    async fn forget(&self, keys: &[SegmentKey]) -> Result<()> {
        lock(&self.0).rows.retain(|key, (_, retired)| retired.is_none() || !keys.contains(key));
        Ok(())
    }

    async fn forget_claims(&self, before: Timestamp) -> Result<()> {
        lock(&self.0).claims.retain(|_, turns| {
            turns.retain(|(_, arrived)| *arrived >= before);
            !turns.is_empty()
        });
        Ok(())
    }

    async fn totals(&self, tenant: &TenantId) -> Result<Totals> {
        let state = lock(&self.0);
        let mut totals = Totals { dead_letters: state.dead_letters, ..Totals::default() };
        for row in state.live().filter(|row| row.tenant == *tenant) {
            totals.segments += 1;
            totals.events += row.events;
            totals.stored_bytes += row.size_bytes;
            totals.index_bytes += row.index_bytes;
            totals.raw_bytes += row.raw_bytes;
        }
        Ok(totals)
    }
}
