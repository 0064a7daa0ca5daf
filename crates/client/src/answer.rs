//! What the server is asked and what it says, as types.
//!
//! Events and cells stay the JSON text that the server sent ([`RawValue`]): digits, escapes and the order
//! of names come through untouched. Members that a newer server adds are ignored.
//!
//! The server's own types of the same names are in `trawl-api`, which knows batches, blocks and times. A service
//! that only sends events need not build those, so this crate depends on none of Trawl's.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::counts::{FacetCounts, FacetRequest, Histogram, HistogramRequest};

/// The answer to a batch: what was taken and what was not.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct PushAnswer {
    /// How many events are durable now.
    pub accepted: u64,
    /// Events that were refused, by their place in the batch. A server may list only the first of many.
    #[serde(default)]
    pub rejected: Vec<Rejection>,
    /// The name under which the server remembers the batch.
    #[serde(default)]
    pub batch_id: String,
}

/// One event that was refused.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Rejection {
    /// Its place in the batch, from 0.
    pub index: usize,
    /// Why, for programs.
    pub code: String,
    /// Why, for people.
    pub message: String,
}

/// A search to start.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct SearchRequest {
    /// The query, filters and pipes.
    pub query: String,
    /// The first moment that counts: RFC 3339, epoch, or relative (`-15m`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// The first moment that no longer counts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    /// Most events to give; the server's default when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<u64>,
    /// Which end of time comes first.
    pub order: Order,
    /// Count all matches by time, too.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub histogram: Option<HistogramRequest>,
    /// Count all matches by the values of these fields, too.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub facets: Vec<FacetRequest>,
    /// Fail with `scan_too_large` rather than read when more stored bytes than this may have to be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_bytes: Option<u64>,
}

/// The order of a search's events.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Order {
    /// Newest first.
    #[default]
    Desc,
    /// Oldest first.
    Asc,
}

/// A search that was started.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct SearchCreated {
    /// Its name, for polling and cancelling.
    pub id: String,
    /// How far it is already.
    pub status: SearchStatus,
}

/// How far a search is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SearchStatus {
    /// More may come.
    Running,
    /// All was read (or as much as the limit asked for).
    Complete,
    /// Ended, but something could not be read: see [`SearchPage::missing`].
    Partial,
    /// Ended without a result.
    Failed,
    /// Ended because somebody asked for it.
    Cancelled,
}

/// One page of a search's result, with its progress.
#[derive(Debug, Deserialize)]
pub struct SearchPage {
    /// The search's name.
    #[serde(default)]
    pub id: String,
    /// How far it is.
    pub status: SearchStatus,
    /// Grows with everything that changes: for [`crate::Client::poll_seen`].
    #[serde(default)]
    pub version: u64,
    /// What it has done.
    #[serde(default)]
    pub progress: Progress,
    /// The events of this page, each as the server wrote it.
    #[serde(default)]
    pub events: Vec<Box<RawValue>>,
    /// The table of a query that aggregates.
    #[serde(default)]
    pub aggregates: Option<Aggregates>,
    /// All matches by time, where that was asked for; grows while the search runs.
    #[serde(default)]
    pub histogram: Option<Histogram>,
    /// All matches by the values of fields, where that was asked for; grows while the search runs.
    #[serde(default)]
    pub facets: Option<Vec<FacetCounts>>,
    /// Where the next page begins; `None` when there is none (yet, while the search runs).
    #[serde(default)]
    pub next_cursor: Option<String>,
    /// Where the search goes on past its limit, when that is reached and more matches; used like a cursor.
    #[serde(default)]
    pub more_cursor: Option<String>,
    /// What could not be read.
    #[serde(default)]
    pub missing: Vec<Value>,
    /// Why the search failed, where it did.
    #[serde(default)]
    pub error: Option<Value>,
    /// How long it took so far.
    #[serde(default)]
    pub timing: Timing,
    /// What it may take at most, once it is planned.
    #[serde(default)]
    pub estimate: Option<Estimate>,
    /// What it took.
    #[serde(default)]
    pub cost: Cost,
}

/// What a search has done so far.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Progress {
    /// Tasks that have ended.
    pub tasks_done: u64,
    /// Tasks that the plan has.
    pub tasks_total: u64,
    /// Bytes read from storage.
    pub bytes_read: u64,
    /// Granules in the segments planned.
    pub granules_total: u64,
    /// Granules that had to be read.
    pub granules_read: u64,
    /// Events that match so far.
    pub events_matched: u64,
}

/// The table of a query that aggregates.
#[derive(Debug, Deserialize)]
pub struct Aggregates {
    /// Names of the columns.
    pub columns: Vec<String>,
    /// Rows of as many cells.
    pub rows: Vec<Vec<Box<RawValue>>>,
}

/// What a search took.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Cost {
    /// Requests to storage.
    pub gets: u64,
    /// Bytes moved.
    pub bytes: u64,
    /// Memory times time, as Lambda bills it.
    pub gb_seconds: f64,
    /// What that costs at list price, in US dollars.
    pub usd: f64,
}

/// How long a search took, from the request on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Timing {
    /// Until the plan was made.
    pub plan_ms: u64,
    /// Until the first page was there.
    pub first_page_ms: Option<u64>,
    /// Until the search ended, or was last heard of.
    pub total_ms: u64,
}

/// What a search may take at most: as if no index skipped anything.
#[derive(Debug, Clone, Copy, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Estimate {
    /// Segments that may hold matches.
    pub segments: u64,
    /// Their stored bytes.
    pub bytes: u64,
    /// What reading them costs at list price, in US dollars.
    pub usd: f64,
}

/// What the server holds.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ServerStatus {
    /// Events that are in the stream and not yet in a segment.
    pub tail_events: u64,
    /// Live segments.
    pub segments: u64,
    /// Events in them.
    pub events: u64,
    /// Their bytes, index and all.
    pub stored_bytes: u64,
    /// The bytes of their indexes.
    pub index_bytes: u64,
    /// The bytes of their events as they were sent.
    pub raw_bytes: u64,
}

/// Whether the server is up; what it says beside that is its own.
#[derive(Debug, Clone, PartialEq)]
pub struct Health {
    /// The body of the answer.
    pub body: Value,
}
