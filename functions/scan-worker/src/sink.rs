//! Matches as they are found → the first of them in the order of the search, as JSON.

use std::cmp::Ordering;

use trawl_event::restore::Restorer;
use trawl_event::{Block, RowSet, Timestamp};
use trawl_query::{Output, SortKey, project, sort_key};
use trawl_store::ports::{RowKey, ScanEvent, ScanResult};

use crate::{Job, RESULT_BYTES};

/// A match that has not been turned into JSON yet.
#[derive(Clone, Debug)]
pub struct Candidate {
    pub key: RowKey,
    pub sort: Option<SortKey>,
    /// Which of the things scanned it stands in, and its row there.
    pub place: (usize, u32),
}

/// Where the rows of a block come from.
pub struct Origin<'b> {
    /// What was read.
    pub source: u32,
    /// The row of the source where the thing scanned begins.
    pub first_row: u32,
    /// The row of the thing scanned that each row of the block is; `None` when it is the same.
    pub rows: Option<&'b [u32]>,
    /// Which of the things scanned it is.
    pub place: usize,
}

impl Origin<'_> {
    fn row(&self, row: usize) -> u32 {
        self.rows.and_then(|rows| rows.get(row)).copied().unwrap_or(row as u32)
    }
}

/// Keeps the first `limit` candidates in the order of the search.
pub struct Candidates {
    newest_first: bool,
    after: Option<RowKey>,
    limit: usize,
    kept: Vec<Candidate>,
    /// Whether any was dropped for the limit.
    pub more: bool,
}

impl Candidates {
    pub fn new(job: &Job<'_>) -> Self {
        let task = job.task;
        Self { newest_first: task.newest_first, after: task.after, limit: job.limit(), kept: Vec::new(), more: false }
    }

    /// Takes the rows of `block` that matched. Gives how many lie behind what was delivered before.
    pub fn add(&mut self, job: &Job<'_>, block: &Block, rows: &RowSet, from: &Origin<'_>) -> u64 {
        let mut behind = 0;
        for row in rows.iter() {
            let timestamp = Timestamp(block.timestamps[row]);
            let origin = from.row(row);
            let key = RowKey { timestamp, source: from.source, row: from.first_row + origin };
            if self.after.is_some_and(|after| self.in_order(&key, &after) != Ordering::Greater) {
                continue;
            }
            behind += 1;
            let sort = if job.is_sorted() { sort_key(&job.query, block, row) } else { None };
            self.kept.push(Candidate { key, sort, place: (from.place, origin) });
        }
        // Cutting back only when twice the limit is held makes each row cost O(1) on average.
        if self.kept.len() >= self.limit.saturating_mul(2).max(1024) {
            self.cut();
        }
        behind
    }

    /// The time beyond which nothing can be among the first `limit` any more.
    pub fn bound(&mut self, job: &Job<'_>) -> Option<Timestamp> {
        if job.is_sorted() || self.kept.len() < self.limit {
            return None;
        }
        self.cut();
        self.kept.last().map(|last| last.key.timestamp)
    }

    /// Lets go of things scanned that hold no candidate any more.
    pub fn release<T>(&mut self, kept: &mut [Option<T>]) {
        self.cut();
        let mut held = vec![false; kept.len()];
        self.kept.iter().for_each(|candidate| held[candidate.place.0] = true);
        kept.iter_mut().zip(held).filter(|(_, held)| !held).for_each(|(thing, _)| *thing = None);
    }

    /// The first `limit`, in order.
    pub fn finish(mut self) -> (Vec<Candidate>, bool) {
        self.cut();
        (self.kept, self.more)
    }

    fn cut(&mut self) {
        let newest_first = self.newest_first;
        self.kept.sort_unstable_by(|one, other| {
            one.sort.cmp(&other.sort).then_with(|| order(newest_first, &one.key, &other.key))
        });
        if self.kept.len() > self.limit {
            self.kept.truncate(self.limit);
            self.more = true;
        }
    }

    fn in_order(&self, one: &RowKey, other: &RowKey) -> Ordering {
        order(self.newest_first, one, other)
    }
}

/// The order of a search: by time, then by place.
fn order(newest_first: bool, one: &RowKey, other: &RowKey) -> Ordering {
    if newest_first { other.cmp(one) } else { one.cmp(other) }
}

/// Adds candidates to the result as JSON, given the row of a block that holds each.
/// Stops before the result grows too large, but not before the first.
pub struct Writer<'j> {
    fields: Option<&'j [String]>,
    bytes: usize,
}

impl<'j> Writer<'j> {
    pub fn new(job: &'j Job<'_>) -> Self {
        let fields = match &job.output {
            Output::Events { fields, .. } => fields.as_deref(),
            Output::Table => None,
        };
        Self { fields, bytes: 0 }
    }

    /// Whether there was room.
    pub fn push(
        &mut self,
        candidate: &Candidate,
        restorer: &mut Restorer<'_>,
        row: usize,
        result: &mut ScanResult,
    ) -> bool {
        let mut json = String::new();
        restorer.push(row, &mut json);
        if let Some(fields) = self.fields {
            json = project(fields, &json);
        }
        if !result.events.is_empty() && self.bytes + json.len() > RESULT_BYTES {
            result.more = true;
            return false;
        }
        self.bytes += json.len();
        result.events.push(ScanEvent { key: candidate.key, json, sort: candidate.sort.clone() });
        true
    }
}
