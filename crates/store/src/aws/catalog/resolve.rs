//! Rows as one read of them met them → the rows of one moment.
//!
//! A `Query` gives each item as it was at some moment during the read, not all at one
//! (<https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis.html>). So a read beside
//! commits and compactions may meet a merged row without the retirement of those it replaced, or the
//! other way about. Checkpoints are read first; then these rules give exactly the events up to them:
//!
//! 1. A row of the stream that goes beyond its shard's checkpoint is left out: its events are in the tail.
//!    A row that is not beyond was committed before the checkpoint was read; [`super::read`] sees to it that it is met.
//! 2. A merged row that holds events beyond a checkpoint is left out as well.
//! 3. A row that a merged row which is left in holds (directly or through others) is dropped, in whatever state it was met.
//! 4. A retired row counts where the row that took its place is not left in: its object stays for the
//!    grace period, which is longer than any search. Retired without a successor (retention), it is dropped.
//!
//! Take an event up to the checkpoints, the row it was committed with, and the chain of rows that replaced
//! that one in turn. The first is always met, since rows go only a grace period after they were retired.
//! By 3 only the last of the chain that is left in counts. By 4, whichever of the chain is the last one left
//! in does count: it is live, or its successor is not left in. So the event counts exactly once.

use std::collections::{BTreeMap, HashSet};

use super::items::{Stored, hash_of};
use crate::ports::{Origin, Position, SegmentKey, ShardId};

/// The rows that count, of all those of a tenant's day. Without `checkpoints` whatever is committed counts.
pub fn resolve(
    mut rows: Vec<Stored>,
    checkpoints: Option<&BTreeMap<ShardId, Position>>,
    is_committed: impl Fn(&Stored) -> bool,
) -> Vec<Stored> {
    let is_within = |shard: &ShardId, position: Position| {
        checkpoints.is_none_or(|checkpoints| checkpoints.get(shard).is_some_and(|upto| position <= *upto))
    };
    rows.retain(|stored| {
        let is_within = match &stored.row.origin {
            Origin::Stream { shard, upto, .. } => is_within(shard, *upto),
            Origin::Compaction => stored.covers.iter().all(|(shard, upto)| is_within(shard, *upto)),
        };
        is_within && is_committed(stored)
    });
    let replaced: HashSet<u64> = rows.iter().flat_map(|stored| stored.replaces.iter().copied()).collect();
    let left_in: HashSet<SegmentKey> = rows.iter().map(|stored| stored.row.key.clone()).collect();
    rows.retain(|stored| {
        let counts = match &stored.retired {
            None => true,
            Some(None) => false,
            Some(Some(by)) => !left_in.contains(by),
        };
        counts && !replaced.contains(&hash_of(&stored.row.key))
    });
    rows
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;
    use trawl_event::{TenantId, Timestamp, Zones};

    use super::*;
    use crate::ports::SegmentRow;

    fn row(number: u128, origin: Origin, events: u64) -> SegmentRow {
        let (tenant, time) = (TenantId::default_tenant(), Timestamp(1));
        SegmentRow {
            key: SegmentKey::new(&tenant, time.day(), time, time, number),
            tenant,
            day: time.day(),
            first: time,
            last: time,
            events,
            raw_bytes: 1,
            size_bytes: 1,
            footer_offset: 0,
            directory_bytes: 0,
            index_bytes: 0,
            zones: Zones::default(),
            created: time,
            origin,
        }
    }

    #[derive(Clone, Debug)]
    enum Step {
        Commit(usize),
        Compact(Vec<prop::sample::Index>),
    }

    /// Each moment of a history: the checkpoints, and every row with the set of events it holds.
    #[derive(Clone, Default)]
    struct Moment {
        checkpoints: BTreeMap<ShardId, Position>,
        rows: Vec<(Stored, HashSet<(usize, u64)>)>,
    }

    fn step(moment: &Moment, step: &Step, number: u128) -> Moment {
        let mut next = moment.clone();
        match step {
            Step::Commit(shard) => {
                let id = ShardId(format!("shard-{shard}"));
                let after = next.checkpoints.get(&id).copied().unwrap_or(Position::START);
                let upto = Position::of(after.0[2] + 1);
                next.checkpoints.insert(id.clone(), upto);
                let row = row(number, Origin::Stream { shard: id, after, upto }, 1);
                next.rows.push((Stored::new(row), HashSet::from([(*shard, upto.0[2])])));
            }
            Step::Compact(choices) => {
                let live: Vec<usize> =
                    (0..next.rows.len()).filter(|index| next.rows[*index].0.retired.is_none()).collect();
                if live.is_empty() {
                    return next;
                }
                let chosen: HashSet<usize> = choices.iter().map(|choice| live[choice.index(live.len())]).collect();
                let retire: Vec<&Stored> = chosen.iter().map(|index| &next.rows[*index].0).collect();
                let (replaces, covers) = super::super::retire::lineage(&retire, Timestamp(2));
                let events: HashSet<_> = chosen.iter().flat_map(|index| next.rows[*index].1.clone()).collect();
                let merged = row(number, Origin::Compaction, events.len() as u64);
                for index in chosen {
                    next.rows[index].0.retired = Some(Some(merged.key.clone()));
                }
                next.rows.push((Stored { replaces, covers, ..Stored::new(merged) }, events));
            }
        }
        next
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let commit = (0usize..3).prop_map(Step::Commit);
        let compact = vec(any::<prop::sample::Index>(), 1..5).prop_map(Step::Compact);
        vec(prop_oneof![3 => commit, 2 => compact], 1..40)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]

        /// Every row is met at a moment of its own, which may lie a few commits or compactions before the checkpoints
        /// were read: what a transaction wrote becomes visible item by item. Only a row that the checkpoints account for
        /// is met in any case.
        #[test]
        fn a_mixed_read_is_one_moment(
            steps in steps(),
            start in any::<prop::sample::Index>(),
            lag in 0usize..4,
            when in vec(any::<prop::sample::Index>(), 80),
        ) {
            let mut history = vec![Moment::default()];
            for (number, next) in steps.iter().enumerate() {
                history.push(step(history.last().unwrap(), next, number as u128));
            }
            let start = start.index(history.len());
            let checkpoints = history[start].checkpoints.clone();
            let mut met = Vec::new();
            let earliest = start.saturating_sub(lag);
            for (index, (last, _)) in history.last().unwrap().rows.iter().enumerate() {
                let moment = &history[earliest + when[index].index(history.len() - earliest)];
                let mut seen = moment.rows.get(index);
                if matches!(last.row.origin, Origin::Stream { .. }) && seen.is_none() {
                    // As it was committed.
                    seen = history[start].rows.get(index).and_then(|_| {
                        history.iter().find_map(|moment| moment.rows.get(index))
                    });
                }
                met.extend(seen.map(|(stored, _)| stored.clone()));
            }
            let counted = resolve(met, Some(&checkpoints), |_| true);
            let rows = &history.last().unwrap().rows;
            let mut events: Vec<(usize, u64)> = counted
                .iter()
                .flat_map(|stored| rows.iter().find(|(row, _)| row.row.key == stored.row.key).unwrap().1.clone())
                .collect();
            events.sort_unstable();
            let mut expected = Vec::new();
            for (shard, upto) in &checkpoints {
                let shard: usize = shard.0.strip_prefix("shard-").unwrap().parse().unwrap();
                expected.extend((1..=upto.0[2]).map(|event| (shard, event)));
            }
            expected.sort_unstable();
            prop_assert_eq!(events, expected);
        }
    }
}
