//! What is stored of a search.

use std::time::Duration;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use trawl_api::counts::{FacetCounts, FacetValuesRequest, Histogram, HistogramRequest};
use trawl_api::search::{Aggregates, Cost, Estimate, Failure, Order, Progress, Status, Timing};
use trawl_event::Timestamp;
use trawl_query::{Partial, Summary};
use trawl_store::ports::{RowKey, ScanEvent, ScanResult, SearchId, StoreError};
use trawl_store::prices::{USD_PER_GB_SECOND, USD_PER_GET, USD_PER_INVOCATION, WORKER_GB};

/// How long results are kept.
pub const RESULTS_KEPT: Duration = Duration::from_secs(24 * 3600);
/// A run whose state is this much older than its lease, which is as long, is taken for dead: its heartbeat
/// comes every [`HEARTBEAT`], so that several are missed first.
pub const LEASE: Duration = Duration::from_secs(15);
/// How often a run writes its state at least.
pub const HEARTBEAT: Duration = Duration::from_secs(4);
/// How often a search whose run died is taken up again; after that it is given up.
pub const MAX_RESUMPTIONS: u32 = 5;
/// The code of a search whose runs died, or got nowhere, too often.
pub const INTERRUPTED: &str = "interrupted";
/// How long a search waits for a run to begin: an invocation may be queued while functions are throttled.
pub const QUEUED_PATIENCE: Duration = Duration::from_secs(15 * 60);

/// A search as its request asked for it, times resolved.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Asked {
    /// The query.
    pub query: String,
    /// Events from here on,
    pub from: Timestamp,
    /// and before here.
    pub to: Timestamp,
    /// At most this many events, at first.
    pub limit: usize,
    /// Which end comes first.
    pub order: Order,
    /// All matches by time, if wanted.
    #[serde(default)]
    pub histogram: Option<HistogramRequest>,
    /// All matches by the values of these fields.
    #[serde(default)]
    pub facets: Vec<FacetValuesRequest>,
    /// Stored bytes that may have to be read at most.
    #[serde(default)]
    pub max_bytes: Option<u64>,
    /// Stored bytes that are read at most, as the tenant's limits have it.
    #[serde(default)]
    pub most_scanned: Option<u64>,
    /// Whether what is read counts for the tenant's day.
    #[serde(default)]
    pub is_counted: bool,
}

impl Asked {
    /// All events of a range, and none of them given.
    pub fn everything(from: Timestamp, to: Timestamp) -> Self {
        Self { from, to, ..Self::default() }
    }
}

/// Where the next run of a search goes on. The plan lies beside it, as a page of its own, so that all runs see
/// one moment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Resume {
    /// The page that holds the plan.
    pub plan: u32,
    /// The last event in the pages that count, in the order of the search.
    pub last: Option<RowKey>,
    /// How many events these pages hold.
    pub given: u64,
    /// Matches of the tasks that ended which are in no page, because fewer events were wanted.
    pub not_given: u64,
    /// Tasks whose results are all in what was collected, or in the pages, by their number in the plan.
    pub ended: Vec<u32>,
    /// The aggregate over these tasks.
    pub partial: Option<Partial>,
    /// The first events of these tasks in the order of a `sort` pipe.
    pub sorted: Vec<ScanEvent>,
    /// What was counted beside the events, and of which tasks.
    #[serde(default)]
    pub summary: Option<Summary>,
    /// See [`Resume::summary`].
    #[serde(default)]
    pub counted: Vec<u32>,
    /// How far the search was then.
    pub progress: Progress,
    /// What it had cost then.
    pub cost: Cost,
    /// What could not be read until then.
    pub missing: Vec<String>,
}

/// Which granules of a result are news.
#[derive(Clone, Copy, Debug)]
pub struct Granules {
    /// Those there are.
    pub total: bool,
    /// Those that were read.
    pub read: bool,
}

/// The pages that one run stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PageRun {
    /// The first of them.
    pub first: u32,
    /// What is added to a page's place to get its number.
    pub offset: u32,
}

/// Numbers between the pages of one run and those of the next: a run that lost its lease and still writes must
/// not meet the pages of the run that took over. The last of a run's numbers is for its plan.
pub const PAGES_PER_RUN: u32 = 1 << 24;

/// What was counted beside the events, as it is shown.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Counts {
    /// Matches that were counted.
    pub events: u64,
    /// By time.
    pub histogram: Option<Histogram>,
    /// By the values of fields.
    pub facets: Option<Vec<FacetCounts>>,
    /// Whether all are.
    pub is_complete: bool,
}

/// A search, stored.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SearchState {
    /// What was asked.
    pub asked: Asked,
    /// Where it stands.
    pub status: Status,
    /// How far it is.
    pub progress: Progress,
    /// How many pages are stored.
    pub pages: u32,
    /// How many events are wanted by now; as many as were asked for at first where it is absent.
    #[serde(default)]
    pub wanted: Option<usize>,
    /// Whether so many were given, and more may follow.
    #[serde(default)]
    pub has_more: bool,
    /// Pages behind those that count, which were found on the way.
    #[serde(default)]
    pub spare_pages: u32,
    /// When the plan was made.
    #[serde(default)]
    pub planned: Option<Timestamp>,
    /// How many deletions had been asked for when it was planned.
    #[serde(default)]
    pub deletions: u64,
    /// How long it took.
    #[serde(default)]
    pub timing: Timing,
    /// Milliseconds between its ends at a limit and the moments in which more was asked for.
    #[serde(default)]
    pub rested_ms: u64,
    /// What it may cost at most.
    #[serde(default)]
    pub estimate: Option<Estimate>,
    /// What is counted beside the events, if anything is.
    #[serde(default)]
    pub counts: Option<Counts>,
    /// The aggregate so far.
    pub aggregates: Option<Aggregates>,
    /// What could not be read.
    pub missing: Vec<String>,
    /// Why it failed, if it did.
    pub error: Option<Failure>,
    /// What it cost so far.
    pub cost: Cost,
    /// When it was created.
    pub created: Timestamp,
    /// Until when the run counts as alive without writing again.
    pub lease: Timestamp,
    /// When it was left to a run that has not begun.
    #[serde(default)]
    pub waits_since: Timestamp,
    /// The run that works on it, by a name of its own; none has begun without.
    #[serde(default)]
    pub run: Option<SearchId>,
    /// How often it was taken up after a run that died.
    #[serde(default)]
    pub resumptions: u32,
    /// Where the next run goes on; without, it begins anew.
    #[serde(default)]
    pub resume: Option<Resume>,
    /// Under which numbers its pages are stored: see [`SearchState::page_number`].
    #[serde(default)]
    pub page_runs: Vec<PageRun>,
}

impl SearchState {
    /// A search that has just been asked for.
    pub fn new(asked: Asked, now: Timestamp) -> Self {
        Self {
            asked,
            status: Status::Running,
            progress: Progress::default(),
            pages: 0,
            wanted: None,
            has_more: false,
            spare_pages: 0,
            planned: None,
            deletions: 0,
            timing: Timing::default(),
            rested_ms: 0,
            estimate: None,
            counts: None,
            aggregates: None,
            missing: Vec::new(),
            error: None,
            cost: Cost::default(),
            created: now,
            lease: after(now, LEASE),
            waits_since: now,
            run: None,
            resumptions: 0,
            resume: None,
            page_runs: Vec::new(),
        }
    }

    /// The number under which a page is stored.
    pub fn page_number(&self, page: u32) -> u32 {
        let run = self.page_runs.iter().rev().find(|run| run.first <= page);
        page + run.map_or(0, |run| run.offset)
    }

    /// Begins a run, or goes on where the runs before noted that they were. Gives the number under which this
    /// run may store a plan.
    pub fn begin(&mut self, run: SearchId) -> Result<u32, StoreError> {
        self.run = Some(run);
        match &self.resume {
            Some(resume) => {
                (self.progress, self.cost) = (resume.progress, resume.cost);
                self.missing.clone_from(&resume.missing);
            }
            // Nothing that counts was found yet.
            None => {
                (self.progress, self.cost, self.missing, self.pages) = Default::default();
                self.counts = None;
            }
        }
        let offset = match self.page_runs.last() {
            None => Some(0),
            Some(last) => last.offset.checked_add(PAGES_PER_RUN),
        };
        let last = offset.and_then(|offset| Some((offset, offset.checked_add(PAGES_PER_RUN - 1)?)));
        let (offset, plan) = last.ok_or_else(|| StoreError::Permanent("the search had too many runs".into()))?;
        self.page_runs.push(PageRun { first: self.pages, offset });
        Ok(plan)
    }

    /// Takes over that more events are wanted from a state which differs in nothing else that counts; says whether it
    /// is such a state.
    pub fn adopt(&mut self, other: &Self) -> bool {
        // Of a run that has left, another may have taken over and left in between.
        let is_of_this_run = self.run.is_some() && other.run == self.run;
        if other.status != Status::Running || !is_of_this_run || other.wanted() <= self.wanted() {
            return false;
        }
        self.wanted = other.wanted;
        self.has_more = false;
        true
    }

    /// Leaves the search to a run that is to begin.
    pub fn leave(&mut self, now: Timestamp) {
        self.run = None;
        self.waits_since = now;
        self.lease = after(now, LEASE);
    }

    /// Takes up a search whose run gives no sign of life: leaves it to another one, or fails it when that
    /// happened too often. Says which.
    pub fn take_up(&mut self, now: Timestamp) -> bool {
        match self.run {
            Some(_) if self.resumptions < MAX_RESUMPTIONS => {
                self.resumptions += 1;
                self.leave(now);
                true
            }
            Some(_) => {
                self.fail(INTERRUPTED, "the runs of this search were interrupted again and again: start it anew");
                false
            }
            // Whoever was to run it may still be waiting for room; a launch too many does no harm.
            None if now < after(self.waits_since, QUEUED_PATIENCE) => {
                self.lease = after(now, LEASE);
                true
            }
            None => {
                self.fail(INTERRUPTED, "no run of this search began for 15 minutes: start it anew");
                false
            }
        }
    }

    /// Notes something that could not be read. A task that goes on says so again, which counts once.
    pub fn note_missing(&mut self, missing: String) {
        if !self.missing.contains(&missing) {
            self.missing.push(missing);
        }
    }

    /// Whether the run that noted itself cannot be alive any more. The clock may jump: twice the lease on either
    /// side of it is certainly not this run's.
    pub fn is_abandoned(&self, now: Timestamp) -> bool {
        now > after(self.lease, LEASE) || after(now, LEASE * 4) < self.lease
    }

    /// When it may be removed.
    pub fn expires(&self) -> Timestamp {
        after(self.created, RESULTS_KEPT)
    }

    /// How many events are wanted by now.
    pub fn wanted(&self) -> usize {
        self.wanted.unwrap_or(self.asked.limit)
    }

    /// How long the search has been worked on: not while it had ended at its limit and nobody asked for more.
    pub fn worked_ms(&self, now: Timestamp) -> u64 {
        self.age_ms(now).saturating_sub(self.rested_ms)
    }

    /// How long ago the search was asked for.
    pub fn age_ms(&self, now: Timestamp) -> u64 {
        now.0.saturating_sub(self.created.0).max(0).unsigned_abs() / 1_000_000
    }

    /// Counts what a worker read and took; what it found is counted where results are merged. The granules of a task
    /// that looked for the first events only are those of another that counts them all, if one does.
    pub fn count(&mut self, result: &ScanResult, granules: Granules) {
        let progress = &mut self.progress;
        progress.bytes_read += result.bytes_read;
        progress.granules_total += if granules.total { result.granules_total } else { 0 };
        progress.granules_read += if granules.read { result.granules_read } else { 0 };
        let cost = &mut self.cost;
        cost.gets += result.gets;
        cost.bytes += result.bytes_read;
        let gb_seconds = result.duration_ms as f64 / 1000.0 * WORKER_GB;
        cost.gb_seconds += gb_seconds;
        cost.usd += result.gets as f64 * USD_PER_GET + gb_seconds * USD_PER_GB_SECOND + USD_PER_INVOCATION;
    }

    /// Ends the search with an error.
    pub fn fail(&mut self, code: &str, message: impl Into<String>) {
        self.status = Status::Failed;
        self.error = Some(Failure { code: code.to_owned(), message: message.into() });
    }

    /// As it is stored.
    pub fn encode(&self) -> Result<Bytes, StoreError> {
        serde_json::to_vec(self).map(Bytes::from).map_err(|error| StoreError::Permanent(error.to_string()))
    }

    /// From what is stored.
    pub fn decode(bytes: &[u8]) -> Result<Self, StoreError> {
        let damaged = |error| StoreError::Permanent(format!("the search's state cannot be read: {error}"));
        serde_json::from_slice(bytes).map_err(damaged)
    }
}

/// `duration` after `moment`.
pub fn after(moment: Timestamp, duration: Duration) -> Timestamp {
    moment.plus_ns(i64::try_from(duration.as_nanos()).unwrap_or(i64::MAX))
}
