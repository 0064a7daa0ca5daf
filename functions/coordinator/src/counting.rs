//! What a search counts beside its events: of every match, while the events that were asked for may long be there.
//!
//! A task that looks at all its matches anyway counts on the way. The others are handed out once more, to count alone:
//! later, so that the first page waits for nothing, and in parts, ranges of time of some MiB each, so that counts grow
//! evenly and more workers share them.

use std::collections::{BTreeSet, VecDeque};

use trawl_api::counts::{Bucket, FacetCounts, Histogram, ValueCount};
use trawl_event::Timestamp;
use trawl_query::Summary;
use trawl_store::ports::{ScanTask, Source, Want};

use crate::plan::Planned;
use crate::state::{Asked, Counts, SearchState};

/// Most groups of a histogram that are shown apart.
const GROUPS_SHOWN: usize = 10;
/// Values of a field that another run takes up.
const NOTED_VALUES: usize = 1000;

/// Stored bytes that are counted at once. At each border between parts a row group is read twice: fewer bytes would
/// make counts grow more evenly, and cost more.
const PART_BYTES: u64 = 16 * 1024 * 1024;
/// Most parts of a task.
const MOST_PARTS: u64 = 64;
/// Bits of a part's number within its task.
const PART_BITS: u32 = 8;

/// A part of a task: the task's number in the plan, and its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Part(u32);

impl Part {
    fn of(task: u32, part: u32) -> Self {
        Self(task << PART_BITS | part)
    }

    /// The number of its task in the plan.
    pub fn task(self) -> u32 {
        self.0 >> PART_BITS
    }
}

/// The counts of a search, and which parts of its tasks they are of.
pub struct Counting {
    total: Summary,
    counted: BTreeSet<Part>,
    /// Parts that were not handed out.
    left: VecDeque<(Part, ScanTask)>,
    /// How many parts each task has.
    parts: Vec<u32>,
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
        let counted: BTreeSet<Part> =
            before.map(|resume| resume.counted.iter().copied().map(Part).collect()).unwrap_or_default();
        let empty = || plan.iter().find_map(|planned| planned.task.summary.as_ref()).map(Summary::new);
        let total = before.and_then(|resume| resume.summary.clone()).or_else(empty).unwrap_or_default();
        let (mut left, mut parts) = (VecDeque::new(), Vec::new());
        for planned in plan {
            let ranges = ranges(&planned.task);
            parts.push(ranges.len() as u32);
            for (place, (from, to)) in ranges.into_iter().enumerate() {
                let part = Part::of(planned.task.number, place as u32);
                let task = ScanTask { want: Want::Counts, after: None, from, to, ..planned.task.clone() };
                left.push_back((part, task));
            }
        }
        left.retain(|(part, _)| !counted.contains(part));
        Some(Self { total, counted, left, parts })
    }

    /// The next part to hand out for counting alone. A task that `is_busy` looking for events may yet count on the way.
    pub fn next_task(&mut self, is_busy: impl Fn(u32) -> bool) -> Option<(Part, ScanTask)> {
        self.left.retain(|(part, _)| !self.counted.contains(part));
        let free = self.left.iter().position(|(part, _)| !is_busy(part.task()))?;
        self.left.remove(free)
    }

    /// Adds what was counted of a part, once; says whether it was the first part of its task.
    pub fn take(&mut self, part: Part, summary: Summary) -> bool {
        let is_first = self.parts_of(part.task()).all(|part| !self.counted.contains(&part));
        if self.counted.insert(part) {
            self.total.merge(summary);
        }
        is_first
    }

    /// Adds what was counted of a whole task, unless parts of it are counted; says whether it did.
    pub fn take_whole(&mut self, task: u32, summary: Summary) -> bool {
        let parts: Vec<Part> = self.parts_of(task).collect();
        if parts.iter().any(|part| self.counted.contains(part)) {
            return false;
        }
        self.counted.extend(parts);
        self.total.merge(summary);
        true
    }

    fn parts_of(&self, task: u32) -> impl Iterator<Item = Part> + use<> {
        let parts = self.parts.get(task as usize).copied().unwrap_or(1);
        (0..parts).map(move |part| Part::of(task, part))
    }

    /// Goes without a part.
    pub fn give_up(&mut self, part: Part) {
        self.counted.insert(part);
    }

    /// Whether every part is counted.
    pub fn is_done(&self) -> bool {
        self.parts_done() >= self.parts()
    }

    /// How many parts there are.
    pub fn parts(&self) -> u64 {
        self.parts.iter().map(|parts| u64::from(*parts)).sum()
    }

    /// How many of them are counted.
    pub fn parts_done(&self) -> u64 {
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
        (total, self.counted.iter().map(|part| part.0).collect())
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

/// The ranges of time in which the parts of a task are counted, in the order of the search.
fn ranges(task: &ScanTask) -> Vec<(Timestamp, Timestamp)> {
    let range = (task.from, task.to);
    let Source::Segments(rows) = &task.source else { return vec![range] };
    let bytes = rows.iter().map(|row| row.size_bytes).sum();
    let first = rows.iter().map(|row| row.first).min();
    let span = first.zip(rows.iter().map(|row| row.last).max());
    let mut ranges = span.map_or_else(|| vec![range], |span| cut(range, span, bytes));
    if task.newest_first {
        ranges.reverse();
    }
    ranges
}

/// Cuts a range where the events in it lie, which have so many bytes. Row groups hardly overlap in time, so that little
/// is read twice.
fn cut(range: (Timestamp, Timestamp), span: (Timestamp, Timestamp), bytes: u64) -> Vec<(Timestamp, Timestamp)> {
    let parts = i128::from(bytes.div_ceil(PART_BYTES).clamp(1, MOST_PARTS));
    let (first, last) = (i128::from(span.0.max(range.0).0), i128::from(span.1.min(range.1).0));
    let width = (last - first) / parts;
    if parts < 2 || width < 1 {
        return vec![range];
    }
    let inner = (1..parts).filter_map(|part| i64::try_from(first + width * part).ok()).map(Timestamp);
    let mut from = range.0;
    let mut ranges: Vec<(Timestamp, Timestamp)> = inner.map(|to| (std::mem::replace(&mut from, to), to)).collect();
    ranges.push((from, range.1));
    ranges
}

/// A value with its count, as JSON.
pub fn value_count(value: &trawl_query::Cell, count: u64) -> ValueCount {
    // A cell is a JSON scalar.
    ValueCount { value: serde_json::to_value(value).unwrap_or_default(), count }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_cover_the_range_of_their_task_once() {
        for (from, to, (first, last), bytes, parts) in [
            (i64::MIN, i64::MAX, (0, 1_000_000), 64 << 20, 4),
            (i64::MIN, i64::MAX, (i64::MIN, i64::MAX), 1 << 40, 64),
            (100, 200, (0, 1_000_000), 64 << 20, 4),
            (100, 103, (0, 1_000_000), 64 << 20, 1),
            (0, 1_000_000, (500, 500), 64 << 20, 1),
            (0, 1_000_000, (0, 999_999), 1000, 1),
        ] {
            let ranges = cut((Timestamp(from), Timestamp(to)), (Timestamp(first), Timestamp(last)), bytes);
            assert_eq!(ranges.len(), parts, "{first} {last}");
            assert_eq!((ranges[0].0, ranges[parts - 1].1), (Timestamp(from), Timestamp(to)));
            assert!(ranges.windows(2).all(|pair| pair[0].1 == pair[1].0 && pair[0].0 < pair[0].1), "{ranges:?}");
        }
    }
}
