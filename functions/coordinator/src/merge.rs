//! What workers found → the order of the search, as soon as nothing can come before it.
//!
//! Every task has a *bound*: no event it may still deliver comes before it. A k-way merge over
//! bounds and delivered events gives out the first event while it is an event; when the first
//! is a bound, that task blocks, and is the one to run next.

use std::cmp::{Ordering, Reverse};
use std::collections::{BTreeSet, BinaryHeap, VecDeque};

use trawl_store::ports::{RowKey, ScanEvent, ScanResult, ScanTask};

use crate::plan::Planned;

/// A key that compares in the order of the search.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Place {
    key: RowKey,
    newest_first: bool,
}

impl Ord for Place {
    fn cmp(&self, other: &Self) -> Ordering {
        if self.newest_first { other.key.cmp(&self.key) } else { self.key.cmp(&other.key) }
    }
}

impl PartialOrd for Place {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// To be run when its turn comes.
    Idle,
    /// With a worker.
    Running,
    /// Nothing more will come.
    Ended,
}

struct Slot {
    task: ScanTask,
    bound: RowKey,
    stage: Stage,
    /// Whether it was ever handed to a worker here.
    is_begun: bool,
    events: VecDeque<ScanEvent>,
    /// The last event delivered.
    last: Option<RowKey>,
    /// Events delivered by earlier runs of the task.
    delivered: u64,
    /// Matches known of: those delivered, and those the last run counted behind them.
    matched: u64,
}

impl Slot {
    /// The first key that may come out of this slot; `None` when nothing will.
    fn first(&self) -> Option<RowKey> {
        match self.events.front() {
            Some(event) => Some(event.key),
            None if self.stage == Stage::Ended => None,
            None => Some(self.bound),
        }
    }
}

/// The tasks of one search and what they have delivered.
pub struct Merge {
    slots: Vec<Slot>,
    /// The first place of each slot that is not exhausted; entries may lag behind, never ahead.
    heap: BinaryHeap<Reverse<(Place, usize)>>,
    /// Slots that have not been run at all, in the order of their bounds.
    fresh: VecDeque<usize>,
    /// The numbers of the tasks that are with workers.
    running: BTreeSet<u32>,
    newest_first: bool,
}

impl Merge {
    /// Over the tasks of a plan.
    pub fn new(planned: Vec<Planned>, newest_first: bool) -> Self {
        let slot = |planned: Planned| Slot {
            task: planned.task,
            bound: planned.bound,
            stage: Stage::Idle,
            is_begun: false,
            last: None,
            events: VecDeque::new(),
            delivered: 0,
            matched: 0,
        };
        let slots: Vec<Slot> = planned.into_iter().map(slot).collect();
        let place = |key| Place { key, newest_first };
        let heap = slots.iter().enumerate().map(|(index, slot)| Reverse((place(slot.bound), index))).collect();
        let mut fresh: Vec<usize> = (0..slots.len()).collect();
        fresh.sort_by_key(|index| (place(slots[*index].bound), *index));
        Self { slots, heap, fresh: fresh.into(), running: BTreeSet::new(), newest_first }
    }

    /// The next task to hand to a worker: the one that blocks, else the next that was never run.
    pub fn next_task(&mut self) -> Option<(usize, ScanTask)> {
        let blocking = self.settle().filter(|index| {
            let slot = &self.slots[*index];
            slot.stage == Stage::Idle && slot.events.is_empty()
        });
        let index = match blocking {
            Some(index) => index,
            None => loop {
                let index = self.fresh.pop_front()?;
                if self.slots[index].stage == Stage::Idle && !self.slots[index].is_begun {
                    break index;
                }
            },
        };
        let slot = &mut self.slots[index];
        slot.stage = Stage::Running;
        slot.is_begun = true;
        self.running.insert(slot.task.number);
        Some((index, slot.task.clone()))
    }

    /// Takes what a worker delivered. A result that says there is more leaves its task to go on.
    pub fn deliver(&mut self, index: usize, result: ScanResult) {
        let slot = &mut self.slots[index];
        self.running.remove(&slot.task.number);
        slot.last = result.events.last().map(|last| last.key).or(slot.last);
        slot.stage = match result.events.last() {
            Some(last) if result.more => {
                slot.bound = last.key;
                slot.task.after = Some(last.key);
                Stage::Idle
            }
            _ => Stage::Ended,
        };
        // A run counts the matches behind those delivered before it, as far as it looked.
        slot.matched = slot.matched.max(slot.delivered + result.events_matched);
        slot.delivered += result.events.len() as u64;
        slot.events.extend(result.events);
    }

    /// The tasks of which nothing is to come and nothing lies behind `reached`, by number, and how many matches
    /// of theirs were counted and not delivered.
    pub fn ended_by(&self, reached: Option<RowKey>) -> (Vec<u32>, u64) {
        let place = |key| Place { key, newest_first: self.newest_first };
        let is_within = |last: RowKey| reached.is_some_and(|reached| place(last) <= place(reached));
        let ended = self.slots.iter().filter(|slot| slot.stage == Stage::Ended && slot.last.is_none_or(is_within));
        let mut numbers = Vec::new();
        let mut not_delivered = 0;
        for slot in ended {
            numbers.push(slot.task.number);
            not_delivered += slot.matched - slot.delivered;
        }
        (numbers, not_delivered)
    }

    /// The task of a number that [`Self::next_task`] gave.
    pub fn task(&self, index: usize) -> &ScanTask {
        &self.slots[index].task
    }

    /// Gives up on a task; it blocks nobody any more.
    pub fn give_up(&mut self, index: usize) -> &ScanTask {
        self.slots[index].stage = Stage::Ended;
        self.running.remove(&self.slots[index].task.number);
        &self.slots[index].task
    }

    /// Whether the task of this number is with a worker.
    pub fn is_running(&self, number: u32) -> bool {
        self.running.contains(&number)
    }

    /// The next event of the search, if it is final.
    pub fn pop(&mut self) -> Option<ScanEvent> {
        let index = self.settle()?;
        self.slots[index].events.pop_front()
    }

    /// Matches known of so far.
    pub fn matched(&self) -> u64 {
        self.slots.iter().map(|slot| slot.matched).sum()
    }

    /// Whether nothing more will come.
    pub fn is_exhausted(&mut self) -> bool {
        self.settle().is_none()
    }

    /// The slot whose first place is first of all, with the heap brought up to date that far.
    fn settle(&mut self) -> Option<usize> {
        loop {
            let Reverse((noted, index)) = *self.heap.peek()?;
            let Some(key) = self.slots[index].first() else {
                self.heap.pop();
                continue;
            };
            let place = Place { key, newest_first: self.newest_first };
            if place == noted {
                return Some(index);
            }
            self.heap.pop();
            self.heap.push(Reverse((place, index)));
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;
    use trawl_event::{TenantId, Timestamp};
    use trawl_store::ports::{Source, Want};

    use super::*;

    fn planned(number: u32, keys: &[RowKey], slack: i64, newest_first: bool) -> Planned {
        let edge = if newest_first { keys.iter().max() } else { keys.iter().min() };
        let edge = edge.map_or(Timestamp(0), |key| key.timestamp);
        let bound = match newest_first {
            true => RowKey { timestamp: edge.plus_ns(slack), source: u32::MAX, row: u32::MAX },
            false => RowKey { timestamp: edge.plus_ns(-slack), source: 0, row: 0 },
        };
        let task = ScanTask {
            tenant: TenantId::default_tenant(),
            query: String::new(),
            without: Vec::new(),
            from: Timestamp::MIN,
            to: Timestamp::MAX,
            newest_first,
            limit: usize::MAX,
            after: None,
            number,
            want: Want::Matches,
            summary: None,
            source: Source::Segments(Vec::new()),
        };
        Planned { task, bound }
    }

    /// What a worker gives of `keys`, at most `most` at once.
    fn run(task: &ScanTask, keys: &[RowKey], most: usize) -> ScanResult {
        let mut keys = keys.to_vec();
        keys.sort_by_key(|key| Place { key: *key, newest_first: task.newest_first });
        let place = |key| Place { key, newest_first: task.newest_first };
        keys.retain(|key| task.after.is_none_or(|after| place(*key) > place(after)));
        let events_matched = keys.len() as u64;
        let more = keys.len() > most;
        keys.truncate(most);
        let event = |key| ScanEvent { key, json: String::new(), sort: None };
        let events = keys.into_iter().map(event).collect();
        ScanResult { events, more, events_matched, ..ScanResult::default() }
    }

    proptest! {
        /// Whatever order tasks end in and however little each delivers at once, events come out
        /// in the order of the search, all of them once.
        #[test]
        fn events_come_out_in_order(
            times in vec(vec(0i64..40, 0..12), 1..6),
            slack in 0i64..10,
            most in 1usize..4,
            at_once in 1usize..4,
            choices in vec(any::<prop::sample::Index>(), 200),
            newest_first in any::<bool>(),
        ) {
            let mut all = Vec::new();
            let tasks: Vec<Vec<RowKey>> = times.iter().enumerate().map(|(source, times)| {
                let key = |(row, ns): (usize, &i64)| RowKey { timestamp: Timestamp(*ns), source: source as u32, row: row as u32 };
                times.iter().enumerate().map(key).collect()
            }).collect();
            tasks.iter().for_each(|keys| all.extend(keys));
            let plan = tasks.iter().enumerate().map(|(n, keys)| planned(n as u32, keys, slack, newest_first)).collect();
            let mut merge = Merge::new(plan, newest_first);
            let (mut running, mut out, mut choices) = (Vec::new(), Vec::new(), choices.into_iter());
            loop {
                while running.len() < at_once {
                    let Some(task) = merge.next_task() else { break };
                    running.push(task);
                }
                if running.is_empty() {
                    break;
                }
                let choice = choices.next().map_or(0, |choice| choice.index(running.len()));
                let (index, task) = running.swap_remove(choice);
                merge.deliver(index, run(&task, &tasks[task.number as usize], most));
                while let Some(event) = merge.pop() {
                    out.push(event.key);
                }
            }
            all.sort_by_key(|key| Place { key: *key, newest_first });
            prop_assert!(merge.is_exhausted());
            prop_assert_eq!(merge.matched(), all.len() as u64);
            prop_assert_eq!(out, all);
        }
    }

    proptest! {
        /// A run may end at any moment, with any of its last events in no page that counts. What the next run
        /// finds behind those that count completes them, and matches are counted once.
        #[test]
        fn another_run_goes_on_behind_the_pages(
            times in vec(vec(0i64..40, 0..12), 1..6),
            most in 1usize..4,
            is_counted in any::<bool>(),
            steps in 0usize..20,
            lost in 0usize..10,
            choices in vec(any::<prop::sample::Index>(), 200),
            newest_first in any::<bool>(),
        ) {
            let tasks: Vec<Vec<RowKey>> = times.iter().enumerate().map(|(source, times)| {
                let key = |(row, ns): (usize, &i64)| RowKey { timestamp: Timestamp(*ns), source: source as u32, row: row as u32 };
                times.iter().enumerate().map(key).collect()
            }).collect();
            let plan: Vec<Planned> = tasks.iter().enumerate().map(|(n, keys)| planned(n as u32, keys, 0, newest_first)).collect();
            let mut choices = choices.into_iter();
            // A search that wants no events counts the matches all the same.
            let mut drive = |merge: &mut Merge, steps: usize| {
                let mut out = Vec::new();
                for _ in 0..steps {
                    let Some((index, task)) = merge.next_task() else { break };
                    let (mut result, keys) = (ScanResult::default(), &tasks[task.number as usize]);
                    if is_counted {
                        result.events_matched = keys.len() as u64;
                    } else {
                        result = run(&task, keys, 1 + choices.next().map_or(0, |choice| choice.index(most)));
                    }
                    merge.deliver(index, result);
                    while let Some(event) = merge.pop() {
                        out.push(event.key);
                    }
                }
                out
            };
            let mut merge = Merge::new(plan.clone(), newest_first);
            let mut out = drive(&mut merge, steps);
            out.truncate(out.len().saturating_sub(lost));
            let (ended, not_given) = merge.ended_by(out.last().copied());
            let mut rest = plan;
            rest.retain(|planned| !ended.contains(&planned.task.number));
            for planned in &mut rest {
                planned.task.after = out.last().copied();
            }
            let mut merge = Merge::new(rest, newest_first);
            let given = out.len() as u64;
            out.extend(drive(&mut merge, usize::MAX));
            let mut all: Vec<RowKey> = tasks.iter().flatten().copied().collect();
            all.sort_by_key(|key| Place { key: *key, newest_first });
            prop_assert_eq!(given + not_given + merge.matched(), all.len() as u64);
            prop_assert_eq!(out, if is_counted { Vec::new() } else { all });
        }
    }

    #[test]
    fn a_task_given_up_blocks_nobody() {
        let key = |ns| RowKey { timestamp: Timestamp(ns), source: 0, row: 0 };
        let plan = vec![planned(0, &[key(9)], 0, true), planned(1, &[key(5)], 0, true)];
        let mut merge = Merge::new(plan, true);
        let (newest, _) = merge.next_task().unwrap();
        let (older, task) = merge.next_task().unwrap();
        merge.deliver(older, run(&task, &[key(5)], 10));
        assert!(merge.pop().is_none(), "the newer task may still bring something newer");
        merge.give_up(newest);
        assert_eq!(merge.pop().map(|event| event.key), Some(key(5)));
    }
}
