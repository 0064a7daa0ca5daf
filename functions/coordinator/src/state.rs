//! What is stored of a search.

use std::time::Duration;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use trawl_api::search::{Aggregates, Cost, Failure, Order, Progress, Status};
use trawl_event::Timestamp;
use trawl_store::ports::{ScanResult, SearchId, StoreError};
use trawl_store::prices::{USD_PER_GB_SECOND, USD_PER_GET, USD_PER_INVOCATION, WORKER_GB};

/// How long results are kept.
pub const RESULTS_KEPT: Duration = Duration::from_secs(24 * 3600);
/// A run that has not written its state for this long is taken for dead: its heartbeat comes every
/// [`HEARTBEAT`], so that several are missed first.
pub const LEASE: Duration = Duration::from_secs(60);
/// How often a run writes its state at least.
pub const HEARTBEAT: Duration = Duration::from_secs(10);

/// A search as its request asked for it, times resolved.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Asked {
    /// The query.
    pub query: String,
    /// Events from here on,
    pub from: Timestamp,
    /// and before here.
    pub to: Timestamp,
    /// At most this many events.
    pub limit: usize,
    /// Which end comes first.
    pub order: Order,
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
    /// The run that works on it, by a name of its own; none has begun without.
    #[serde(default)]
    pub run: Option<SearchId>,
}

impl SearchState {
    /// A search that has just been asked for.
    pub fn new(asked: Asked, now: Timestamp) -> Self {
        Self {
            asked,
            status: Status::Running,
            progress: Progress::default(),
            pages: 0,
            aggregates: None,
            missing: Vec::new(),
            error: None,
            cost: Cost::default(),
            created: now,
            lease: after(now, LEASE),
            run: None,
        }
    }

    /// When it may be removed.
    pub fn expires(&self) -> Timestamp {
        after(self.created, RESULTS_KEPT)
    }

    /// Counts what a worker read and took; what it found is counted where results are merged.
    pub fn count(&mut self, result: &ScanResult) {
        let progress = &mut self.progress;
        progress.bytes_read += result.bytes_read;
        progress.granules_total += result.granules_total;
        progress.granules_read += result.granules_read;
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
