//! What a catalog does.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use trawl_event::{BatchId, TenantId, Timestamp, Zones};

use super::all_at_once;
use crate::ports::{
    Catalog, Claim, Commit, CommitOutcome, Origin, Place, Position, Replacement, Retired, SegmentKey, SegmentRow,
    ShardId, Snapshot, Totals,
};

/// Checks everything the port says.
pub async fn suite<C: Catalog + 'static>(make: impl AsyncFn() -> C) {
    a_new_catalog_is_empty(make().await).await;
    a_commit_adds_segments_and_moves_the_checkpoint(make().await).await;
    a_commit_at_another_checkpoint_changes_nothing(make().await).await;
    checkpoints_are_per_shard_and_hold_192_bits(make().await).await;
    of_concurrent_commits_one_wins(make().await).await;
    a_snapshot_is_one_moment(make().await).await;
    a_snapshot_holds_what_overlaps_the_range(make().await).await;
    tenants_are_apart(make().await).await;
    a_replacement_swaps_rows(make().await).await;
    a_replacement_of_a_row_that_is_not_live_changes_nothing(make().await).await;
    live_rows_come_by_tenant_day_and_key(make().await).await;
    the_first_place_owns_a_batch(make().await).await;
    of_concurrent_claims_one_wins(make().await).await;
    forgotten_claims_are_free_again(make().await).await;
}

const EVERYTHING: (Timestamp, Timestamp) = (Timestamp::MIN, Timestamp::MAX);

fn tenant(name: &str) -> TenantId {
    name.parse().unwrap()
}

/// The shard that the suite's commits are to.
pub fn shard() -> ShardId {
    ShardId("shard-1".into())
}

/// A segment of one event of tenant `t` at time `number`, in its content and key unlike any of another number.
fn segment(tenant: &TenantId, number: i64, origin: Origin) -> SegmentRow {
    let time = Timestamp(number);
    SegmentRow {
        key: SegmentKey::new(tenant, time.day(), time, time, number as u128),
        tenant: tenant.clone(),
        day: time.day(),
        first: time,
        last: time,
        events: 1,
        raw_bytes: 1_000_000,
        size_bytes: 1000,
        footer_offset: 900,
        directory_bytes: 30,
        zones: Zones { levels: Some(4), values: [("service".into(), vec!["a".into()])].into(), ..Zones::default() },
        index_bytes: 50,
        created: Timestamp(number + 1),
        origin,
    }
}

/// A segment of tenant `t` that a persister wrote from the records in `(after, upto]`.
pub fn stream_segment(after: u64, upto: u64) -> SegmentRow {
    let origin = Origin::Stream { shard: shard(), after: Position::of(after), upto: Position::of(upto) };
    segment(&tenant("t"), upto as i64, origin)
}

/// The first commit to [`shard`].
pub fn first_commit(next: u64, segments: Vec<SegmentRow>) -> Commit {
    Commit { shard: shard(), expected: Position::START, next: Position::of(next), segments, dead_letters: 0 }
}

async fn snapshot<C: Catalog>(catalog: &C, of: &str) -> Snapshot {
    catalog.snapshot(&tenant(of), EVERYTHING.0, EVERYTHING.1).await.unwrap()
}

async fn a_new_catalog_is_empty<C: Catalog>(catalog: C) {
    assert_eq!(catalog.checkpoint(&shard()).await, Ok(Position::START));
    assert_eq!(snapshot(&catalog, "t").await, Snapshot::default());
    assert_eq!(catalog.live().await, Ok(vec![]));
    assert_eq!(catalog.retired().await, Ok(vec![]));
    assert_eq!(catalog.totals(&tenant("t")).await, Ok(Totals::default()));
    assert_eq!(catalog.claim(vec![]).await, Ok(vec![]));
    assert_eq!(catalog.forget(&[]).await, Ok(()));
}

async fn a_commit_adds_segments_and_moves_the_checkpoint<C: Catalog>(catalog: C) {
    let mut rows = vec![stream_segment(0, 7), stream_segment(0, 8)];
    rows[1].raw_bytes = 1 << 60;
    let first = Commit { dead_letters: 2, ..first_commit(8, rows.clone()) };
    assert_eq!(catalog.commit(first).await, Ok(CommitOutcome::Committed));
    assert_eq!(catalog.checkpoint(&shard()).await, Ok(Position::of(8)));
    let checkpoints = BTreeMap::from([(shard(), Position::of(8))]);
    assert_eq!(snapshot(&catalog, "t").await, Snapshot { checkpoints, segments: rows.clone() });
    assert_eq!(catalog.live().await, Ok(rows.clone()));
    let empty = Commit { expected: Position::of(8), dead_letters: 3, ..first_commit(11, vec![]) };
    assert_eq!(catalog.commit(empty).await, Ok(CommitOutcome::Committed));
    assert_eq!(catalog.checkpoint(&shard()).await, Ok(Position::of(11)));
    let totals = Totals {
        segments: 2,
        events: 2,
        stored_bytes: 2000,
        index_bytes: 100,
        raw_bytes: 1_000_000 + (1 << 60),
        dead_letters: 5,
    };
    assert_eq!(catalog.totals(&tenant("t")).await, Ok(totals));
}

async fn a_commit_at_another_checkpoint_changes_nothing<C: Catalog>(catalog: C) {
    let commit = first_commit(5, vec![stream_segment(0, 5)]);
    assert_eq!(catalog.commit(commit.clone()).await, Ok(CommitOutcome::Committed));
    let stale =
        Commit { segments: vec![stream_segment(0, 6)], next: Position::of(6), dead_letters: 9, ..commit.clone() };
    let ahead = Commit { expected: Position::of(6), ..stale.clone() };
    // The first is a retry after a lost response.
    for refused in [commit.clone(), stale, ahead] {
        assert_eq!(catalog.commit(refused).await, Ok(CommitOutcome::Conflict));
    }
    assert_eq!(catalog.checkpoint(&shard()).await, Ok(Position::of(5)));
    assert_eq!(catalog.live().await, Ok(commit.segments));
    assert_eq!(catalog.totals(&tenant("t")).await.unwrap().dead_letters, 0);
}

async fn checkpoints_are_per_shard_and_hold_192_bits<C: Catalog>(catalog: C) {
    let position = Position([u64::MAX, 1, u64::MAX - 7]);
    let origin = Origin::Stream { shard: shard(), after: Position([0, 1, 0]), upto: position };
    let row = segment(&tenant("t"), 1, origin);
    let commit = Commit { next: position, ..first_commit(0, vec![row.clone()]) };
    assert_eq!(catalog.commit(commit).await, Ok(CommitOutcome::Committed));
    let other = ShardId("shard-2".into());
    assert_eq!(catalog.checkpoint(&other).await, Ok(Position::START));
    let commit = Commit { shard: other.clone(), ..first_commit(3, vec![]) };
    assert_eq!(catalog.commit(commit).await, Ok(CommitOutcome::Committed));
    let checkpoints = BTreeMap::from([(shard(), position), (other, Position::of(3))]);
    assert_eq!(snapshot(&catalog, "t").await, Snapshot { checkpoints, segments: vec![row] });
}

async fn of_concurrent_commits_one_wins<C: Catalog + 'static>(catalog: C) {
    let catalog = Arc::new(catalog);
    for round in 0..5u64 {
        let commits = (1..=6u64).map(|committer| {
            let catalog = catalog.clone();
            let expected = Position::of(round);
            let row = segment(&tenant("t"), (round * 10 + committer) as i64, Origin::Compaction);
            let commit = Commit { expected, ..first_commit(round + 1, vec![row]) };
            async move { catalog.commit(commit).await.unwrap() }
        });
        let won = all_at_once(commits).await.into_iter().filter(|outcome| *outcome == CommitOutcome::Committed).count();
        assert_eq!(won, 1);
        assert_eq!(catalog.live().await.unwrap().len() as u64, round + 1);
    }
}

/// Each record is one event, so whatever the persister and the compactor do beside the snapshots,
/// the events of each must be as many as its checkpoint says.
async fn a_snapshot_is_one_moment<C: Catalog + 'static>(catalog: C) {
    const RECORDS: u64 = 60;
    let catalog = Arc::new(catalog);
    let is_done = Arc::new(AtomicBool::new(false));
    let persister = {
        let (catalog, ends) = (catalog.clone(), SetWhenDropped(is_done.clone()));
        tokio::spawn(async move {
            let _ends = ends;
            for record in 0..RECORDS {
                let expected = Position::of(record);
                let commit = Commit { expected, ..first_commit(record + 1, vec![stream_segment(record, record + 1)]) };
                assert_eq!(catalog.commit(commit).await, Ok(CommitOutcome::Committed));
                tokio::task::yield_now().await;
            }
        })
    };
    let compactor = {
        let (catalog, is_done) = (catalog.clone(), is_done.clone());
        tokio::spawn(async move {
            let mut number = 1_000_000;
            while !is_done.load(Ordering::Relaxed) {
                let live = catalog.live().await.unwrap();
                if live.len() >= 3 {
                    number += 1;
                    let merged = SegmentRow {
                        events: live.iter().map(|row| row.events).sum(),
                        ..segment(&tenant("t"), number, Origin::Compaction)
                    };
                    let retire = live.into_iter().map(|row| row.key).collect();
                    let replacement = Replacement { retire, add: vec![merged], at: Timestamp(number) };
                    assert_eq!(catalog.replace(replacement).await, Ok(CommitOutcome::Committed));
                }
                tokio::task::yield_now().await;
            }
        })
    };
    let mut seen = Position::START;
    while !is_done.load(Ordering::Relaxed) {
        let Snapshot { checkpoints, segments } = snapshot(&*catalog, "t").await;
        let checkpoint = checkpoints.get(&shard()).copied().unwrap_or(Position::START);
        assert!(checkpoint >= seen, "checkpoints never go back");
        seen = checkpoint;
        let events: u64 = segments.iter().map(|row| row.events).sum();
        assert_eq!(Position::of(events), checkpoint);
        tokio::task::yield_now().await;
    }
    persister.await.unwrap();
    compactor.await.unwrap();
    let events: u64 = snapshot(&*catalog, "t").await.segments.iter().map(|row| row.events).sum();
    assert_eq!(events, RECORDS);
}

/// Tells others that a task has ended, by a panic too.
struct SetWhenDropped(Arc<AtomicBool>);

impl Drop for SetWhenDropped {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

async fn a_snapshot_holds_what_overlaps_the_range<C: Catalog>(catalog: C) {
    let row = SegmentRow { first: Timestamp(10), last: Timestamp(20), ..stream_segment(0, 10) };
    catalog.commit(first_commit(10, vec![row])).await.unwrap();
    for (from, to, expected) in [
        (0, 10, 0),
        (0, 11, 1),
        (10, 11, 1),
        (12, 13, 1),
        (20, 21, 1),
        (21, 30, 0),
        (0, 30, 1),
        (i64::MIN, i64::MAX, 1),
    ] {
        let snapshot = catalog.snapshot(&tenant("t"), Timestamp(from), Timestamp(to)).await.unwrap();
        assert_eq!(snapshot.segments.len(), expected, "in [{from}, {to})");
        assert_eq!(snapshot.checkpoints.len(), 1, "checkpoints come whatever the range");
    }
}

async fn tenants_are_apart<C: Catalog>(catalog: C) {
    let theirs = segment(&tenant("other"), 1, Origin::Compaction);
    let mine = segment(&tenant("mine"), 1, Origin::Compaction);
    catalog.commit(first_commit(1, vec![mine.clone(), theirs])).await.unwrap();
    assert_eq!(snapshot(&catalog, "mine").await.segments, [mine]);
    assert_eq!(snapshot(&catalog, "nobody").await.segments, []);
    assert_eq!(catalog.totals(&tenant("mine")).await.unwrap().segments, 1);
    let place = |tenant| Claim { tenant, ..claim(1, 1) };
    assert_eq!(catalog.claim(vec![place(tenant("mine"))]).await, Ok(vec![vec![]]));
    let elsewhere = Claim { position: Position::of(2), ..place(tenant("other")) };
    assert_eq!(catalog.claim(vec![elsewhere]).await, Ok(vec![vec![]]), "another tenant's batch of the same id");
}

async fn a_replacement_swaps_rows<C: Catalog>(catalog: C) {
    let rows = vec![stream_segment(0, 1), stream_segment(0, 2), stream_segment(0, 3)];
    catalog.commit(first_commit(3, rows.clone())).await.unwrap();
    let merged = segment(&tenant("t"), 100, Origin::Compaction);
    let retire: Vec<SegmentKey> = rows[..2].iter().map(|row| row.key.clone()).collect();
    let at = Timestamp(77);
    let swap = Replacement { retire: retire.clone(), add: vec![merged.clone()], at };
    assert_eq!(catalog.replace(swap.clone()).await, Ok(CommitOutcome::Committed));
    assert_eq!(catalog.replace(swap).await, Ok(CommitOutcome::Conflict), "a retry after a lost response");
    assert_eq!(snapshot(&catalog, "t").await.segments, [rows[2].clone(), merged.clone()]);
    assert_eq!(catalog.totals(&tenant("t")).await.unwrap().segments, 2);
    let retired: Vec<Retired> = retire.iter().map(|key| Retired { key: key.clone(), at }).collect();
    assert_eq!(catalog.retired().await, Ok(retired.clone()));
    for _ in 0..2 {
        assert_eq!(catalog.forget(&[retire[0].clone(), merged.key.clone()]).await, Ok(()));
    }
    assert_eq!(catalog.retired().await, Ok(retired[1..].to_vec()));
    assert_eq!(snapshot(&catalog, "t").await.segments.len(), 2, "a live row is not forgotten");
    let expire = Replacement { retire: vec![merged.key, rows[2].key.clone()], add: vec![], at };
    assert_eq!(catalog.replace(expire).await, Ok(CommitOutcome::Committed));
    assert_eq!(catalog.live().await, Ok(vec![]));
}

async fn a_replacement_of_a_row_that_is_not_live_changes_nothing<C: Catalog>(catalog: C) {
    let rows = vec![stream_segment(0, 1), stream_segment(0, 2)];
    catalog.commit(first_commit(2, rows.clone())).await.unwrap();
    let gone = segment(&tenant("t"), 50, Origin::Compaction);
    let retire = vec![rows[0].key.clone(), gone.key];
    let add = vec![segment(&tenant("t"), 60, Origin::Compaction)];
    let swap = Replacement { retire, add, at: Timestamp(1) };
    assert_eq!(catalog.replace(swap).await, Ok(CommitOutcome::Conflict));
    assert_eq!(catalog.live().await, Ok(rows));
    assert_eq!(catalog.retired().await, Ok(vec![]));
}

async fn live_rows_come_by_tenant_day_and_key<C: Catalog>(catalog: C) {
    const DAY: i64 = trawl_event::timestamp::NS_PER_DAY;
    let place = |name: &str, time| segment(&tenant(name), time, Origin::Compaction);
    let in_order = vec![place("a", 1), place("a", DAY), place("a", 5 * DAY), place("b", -DAY), place("b", 0)];
    catalog.commit(first_commit(1, in_order.iter().rev().cloned().collect())).await.unwrap();
    assert_eq!(catalog.live().await, Ok(in_order));
}

/// A claim of tenant `t` on a batch, from the record at a position.
fn claim(batch: u128, position: u64) -> Claim {
    Claim {
        tenant: tenant("t"),
        batch: BatchId(batch),
        shard: shard(),
        position: Position::of(position),
        ordinal: 0,
        arrived: Timestamp(1000),
    }
}

async fn the_first_place_owns_a_batch<C: Catalog>(catalog: C) {
    let owner = claim(u128::MAX, 1);
    let others = vec![
        Claim { position: Position::of(2), ..owner.clone() },
        Claim { position: Position([1, 0, 1]), ..owner.clone() },
        Claim { ordinal: 1, ..owner.clone() },
        Claim { shard: ShardId("shard-2".into()), ..owner.clone() },
    ];
    let places: Vec<Place> = [&owner].into_iter().chain(&others).map(Claim::place).collect();
    let in_turn: Vec<Vec<Place>> = (1..=others.len()).map(|before| places[..before].to_vec()).collect();
    for _ in 0..2 {
        assert_eq!(catalog.claim(vec![owner.clone()]).await, Ok(vec![vec![]]));
        assert_eq!(catalog.claim(others.clone()).await, Ok(in_turn.clone()), "each place keeps its turn");
    }
    let later = Claim { arrived: Timestamp(2000), ..owner.clone() };
    assert_eq!(catalog.claim(vec![later]).await, Ok(vec![vec![]]), "the place counts, not the time");
    // Twice in one call: the first of them owns it; answers come in the order of the claims.
    let mixed = vec![claim(5, 9), claim(5, 10), others[0].clone(), owner.clone(), claim(5, 9), claim(6, 10)];
    let none = Vec::new();
    let expected = vec![none.clone(), vec![claim(5, 9).place()], vec![owner.place()], none.clone(), none.clone(), none];
    assert_eq!(catalog.claim(mixed).await, Ok(expected));
}

async fn of_concurrent_claims_one_wins<C: Catalog + 'static>(catalog: C) {
    const BATCHES: u128 = 20;
    let catalog = Arc::new(catalog);
    let claimants = (1..=4).map(|position| {
        let catalog = catalog.clone();
        // Half of them in the other order: none may wait for another in a circle.
        let mut claims: Vec<Claim> = (0..BATCHES).map(|batch| claim(batch, position)).collect();
        if position % 2 == 0 {
            claims.reverse();
        }
        async move {
            let mut earlier = catalog.claim(claims).await.unwrap();
            if position % 2 == 0 {
                earlier.reverse();
            }
            earlier
        }
    });
    let earlier = all_at_once(claimants).await;
    for batch in 0..BATCHES as usize {
        let mut turns: Vec<usize> = earlier.iter().map(|earlier| earlier[batch].len()).collect();
        turns.sort_unstable();
        assert_eq!(turns, [0, 1, 2, 3], "one after the other");
    }
}

async fn forgotten_claims_are_free_again<C: Catalog>(catalog: C) {
    let (old, new) = (claim(1, 1), Claim { arrived: Timestamp(1001), ..claim(2, 1) });
    let late = |batch| Claim { arrived: Timestamp(1002), ..claim(batch, 2) };
    assert_eq!(catalog.claim(vec![old.clone(), new.clone()]).await, Ok(vec![vec![], vec![]]));
    assert_eq!(catalog.forget_claims(Timestamp(1000)).await, Ok(()));
    let both = vec![vec![old.place()], vec![new.place()]];
    assert_eq!(catalog.claim(vec![late(1), late(2)]).await, Ok(both));
    assert_eq!(catalog.forget_claims(Timestamp(1001)).await, Ok(()));
    assert_eq!(catalog.claim(vec![late(1), late(2)]).await, Ok(vec![vec![], vec![new.place()]]));
}
