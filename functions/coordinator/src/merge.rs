//! What workers found → the order of the search, as soon as nothing can come before it.
//!
//! Every task has a *bound*: no event it may still deliver comes before it. A k-way merge over
//! bounds and delivered events gives out the first event while it is an event; when the first
//! is a bound, that task blocks, and is the one to run next.

use std::cmp::{Ordering, Reverse};
use std::collections::{BinaryHeap, VecDeque};

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
    events: VecDeque<ScanEvent>,
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
    newest_first: bool,
}

impl Merge {
    /// Over the tasks of a plan.
    pub fn new(planned: Vec<Planned>, newest_first: bool) -> Self {
        let slot = |planned: Planned| Slot {
            task: planned.task,
            bound: planned.bound,
            stage: Stage::Idle,
            events: VecDeque::new(),
            delivered: 0,
            matched: 0,
        };
        let slots: Vec<Slot> = planned.into_iter().map(slot).collect();
        let place = |key| Place { key, newest_first };
        let heap = slots.iter().enumerate().map(|(index, slot)| Reverse((place(slot.bound), index))).collect();
        let mut fresh: Vec<usize> = (0..slots.len()).collect();
        fresh.sort_by_key(|index| (place(slots[*index].bound), *index));
        Self { slots, heap, fresh: fresh.into(), newest_first }
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
                if self.slots[index].stage == Stage::Idle && self.slots[index].task.after.is_none() {
                    break index;
                }
            },
        };
        let slot = &mut self.slots[index];
        slot.stage = Stage::Running;
        Some((index, slot.task.clone()))
    }

    /// Takes what a worker delivered. A result that says there is more leaves its task to go on.
    pub fn deliver(&mut self, index: usize, result: ScanResult) {
        let slot = &mut self.slots[index];
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

    /// Gives up on a task; it blocks nobody any more.
    pub fn give_up(&mut self, index: usize) -> &ScanTask {
        self.slots[index].stage = Stage::Ended;
        &self.slots[index].task
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
