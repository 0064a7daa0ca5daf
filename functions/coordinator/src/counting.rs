//! What a search counts beside its events: of every match, while the events that were asked for may long be there.
//!
//! A task that looks at all its matches anyway counts on the way. The others are handed out once more, to count alone:
//! later, so that the first page waits for nothing.

use std::collections::{BTreeSet, VecDeque};

use trawl_api::counts::{Bucket, FacetCounts, Histogram, ValueCount};
use trawl_query::Summary;
use trawl_store::ports::{ScanTask, Want};

use crate::plan::Planned;
use crate::state::{Asked, Counts, SearchState};

/// Most groups of a histogram that are shown apart.
const GROUPS_SHOWN: usize = 10;
/// Values of a field that another run takes up.
const NOTED_VALUES: usize = 1000;

/// The counts of a search, and which tasks they are of.
pub struct Counting {
    total: Summary,
    counted: BTreeSet<u32>,
    /// Tasks that were not handed out to count.
    left: VecDeque<ScanTask>,
    tasks: usize,
}

impl Counting {
    /// Over the tasks of a plan, going on where the runs before noted that they were. `None` when nothing is to be
    /// counted, or all is.
    pub fn begin(plan: &[Planned], state: &SearchState) -> Option<Self> {
        let is_asked = state.asked.histogram.is_some() || !state.asked.facets.is_empty();
        let is_done = state.counts.as_ref().is_some_and(|counts| counts.is_complete);
        if !is_asked || is_done {
            return None;
        }
        let before = state.resume.as_ref();
        let counted: BTreeSet<u32> = before.map(|resume| resume.counted.iter().copied().collect()).unwrap_or_default();
        let empty = || plan.iter().find_map(|planned| planned.task.summary.as_ref()).map(Summary::new);
        let total = before.and_then(|resume| resume.summary.clone()).or_else(empty).unwrap_or_default();
        let left = plan.iter().filter(|planned| !counted.contains(&planned.task.number));
        let left = left.map(|planned| ScanTask { want: Want::Counts, after: None, ..planned.task.clone() }).collect();
        Some(Self { total, counted, left, tasks: plan.len() })
    }

    /// The next task to hand out for counting alone. One that `is_busy` looking for events may yet count on the way.
    pub fn next_task(&mut self, is_busy: impl Fn(u32) -> bool) -> Option<ScanTask> {
        self.left.retain(|task| !self.counted.contains(&task.number));
        let free = self.left.iter().position(|task| !is_busy(task.number))?;
        self.left.remove(free)
    }

    /// Adds what a task counted, once.
    pub fn take(&mut self, number: u32, summary: Summary) {
        if self.counted.insert(number) {
            self.total.merge(summary);
        }
    }

    /// Goes without a task.
    pub fn give_up(&mut self, number: u32) {
        self.counted.insert(number);
    }

    /// Whether a task is counted.
    pub fn has(&self, number: u32) -> bool {
        self.counted.contains(&number)
    }

    /// Whether every task is.
    pub fn is_done(&self) -> bool {
        self.counted.len() >= self.tasks
    }

    /// How many tasks are counted.
    pub fn tasks_done(&self) -> u64 {
        self.counted.len() as u64
    }

    /// Matches counted so far.
    pub fn events(&self) -> u64 {
        self.total.events
    }

    /// As another run takes it up.
    pub fn noted(&self) -> (Summary, Vec<u32>) {
        let mut total = self.total.clone();
        total.shrink(NOTED_VALUES);
        (total, self.counted.iter().copied().collect())
    }

    /// As it is shown.
    pub fn shown(&self, asked: &Asked) -> Counts {
        let is_complete = self.is_done();
        let histogram = asked.histogram.as_ref().map(|request| {
            let found = self.total.histogram.as_ref();
            let buckets = found.map(|found| found.finish(GROUPS_SHOWN)).unwrap_or_default();
            let bucket = |(start, bucket): (_, trawl_query::summary::histogram::Bucket)| Bucket {
                start,
                count: bucket.count,
                by: bucket.by,
            };
            Histogram {
                interval_ms: found.map_or(0, |found| found.interval_ms()),
                by: request.by.clone(),
                complete: is_complete,
                buckets: buckets.into_iter().map(bucket).collect(),
            }
        });
        let facet = |(at, request): (usize, &trawl_api::counts::FacetValuesRequest)| {
            let found = self.total.facets.get(at);
            let top = found.map(|found| found.top(request.limit)).unwrap_or_default();
            FacetCounts {
                field: request.field.clone(),
                values: top.iter().map(|(value, count)| value_count(value, *count)).collect(),
                events_with: found.map_or(0, |found| found.events_with),
                distinct: found.map_or(0, |found| found.distinct() as u64),
                approximate: found.is_some_and(|found| found.is_approximate),
                complete: is_complete,
            }
        };
        let facets = asked.facets.iter().enumerate().map(facet).collect();
        Counts {
            events: self.total.events,
            histogram,
            facets: (!asked.facets.is_empty()).then_some(facets),
            is_complete,
        }
    }
}

/// A value with its count, as JSON.
pub fn value_count(value: &trawl_query::Cell, count: u64) -> ValueCount {
    // A cell is a JSON scalar.
    ValueCount { value: serde_json::to_value(value).unwrap_or_default(), count }
}
