//! `/v1/searches`.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::counts::{FacetCounts, FacetRequest, Histogram, HistogramRequest};
use crate::time::TimeSpec;

/// Events a search gives when it does not say.
pub const DEFAULT_LIMIT: usize = 100;
/// Most events a search may ask for.
pub const MAX_LIMIT: usize = 10_000_000;

/// `POST /v1/searches`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SearchRequest {
    /// The query; empty matches all.
    #[serde(default)]
    pub query: String,
    /// Events from here on (included); all if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<TimeSpec>,
    /// Events before here (not included); all if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<TimeSpec>,
    /// At most this many events.
    #[serde(default = "default_limit")]
    pub limit: usize,
    /// Newest or oldest first.
    #[serde(default)]
    pub order: Order,
    /// Count all matches by time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub histogram: Option<HistogramRequest>,
    /// Count all matches by the values of these fields.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub facets: Vec<FacetRequest>,
    /// Say what would be read, and run nothing.
    #[serde(default)]
    pub explain: bool,
    /// Do not run when more stored bytes than this may have to be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_bytes: Option<u64>,
}

fn default_limit() -> usize {
    DEFAULT_LIMIT
}

/// Which end of time comes first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Order {
    /// Newest first.
    #[default]
    Desc,
    /// Oldest first.
    Asc,
}

/// Where a search stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// More may come.
    Running,
    /// All of it is there.
    Complete,
    /// Done, but something could not be read: `missing` says what.
    Partial,
    /// Ended by an error.
    Failed,
    /// Ended by the caller.
    Cancelled,
}

/// How far a search is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// Tasks that ended.
    pub tasks_done: u64,
    /// Tasks of the plan.
    pub tasks_total: u64,
    /// Bytes read from storage.
    pub bytes_read: u64,
    /// Granules in the segments looked at.
    pub granules_total: u64,
    /// Granules of which anything was read.
    pub granules_read: u64,
    /// Matches found so far.
    pub events_matched: u64,
}

/// What a search cost, at the prices of the AWS deployment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Cost {
    /// Object-store reads.
    pub gets: u64,
    /// Bytes read.
    pub bytes: u64,
    /// Memory times time of the scan workers.
    pub gb_seconds: f64,
    /// US dollars.
    pub usd: f64,
}

/// How long a search took.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Timing {
    /// From the request until the plan was made.
    pub plan_ms: u64,
    /// From the request until the first page was there.
    pub first_page_ms: Option<u64>,
    /// From the request until the search ended, or was last heard of.
    pub total_ms: u64,
}

/// What a search may cost at most: as if no index skipped anything.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Estimate {
    /// Segments that may hold matches.
    pub segments: u64,
    /// Their stored bytes.
    pub bytes: u64,
    /// US dollars.
    pub usd: f64,
}

/// An aggregate: `{"columns":["service","count()"],"rows":[["checkout",12]]}`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Aggregates {
    /// The names of the columns.
    pub columns: Vec<String>,
    /// The rows: one JSON scalar a column.
    pub rows: Vec<Vec<Value>>,
}

/// `202` to `POST /v1/searches`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SearchCreated {
    /// The search's name.
    pub id: String,
    /// Where it stands.
    pub status: Status,
}

/// `GET /v1/searches/{id}`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SearchAnswer {
    /// The search's name.
    pub id: String,
    /// Where it stands.
    pub status: Status,
    /// Grows with everything that changes.
    pub version: u64,
    /// How far it is.
    pub progress: Progress,
    /// The events of this page, as they were sent.
    pub events: Vec<Box<RawValue>>,
    /// The aggregate, if the query has one; grows while the search runs.
    pub aggregates: Option<Aggregates>,
    /// All matches by time, if asked for; grows while the search runs.
    pub histogram: Option<Histogram>,
    /// All matches by the values of fields, if asked for; grows while the search runs.
    pub facets: Option<Vec<FacetCounts>>,
    /// Ask with this for what follows; null when nothing does.
    pub next_cursor: Option<String>,
    /// Ask with this to go on past the limit; null while it is not met, and when nothing lies behind it.
    pub more_cursor: Option<String>,
    /// What could not be read.
    pub missing: Vec<String>,
    /// Why the search failed, if it did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<Failure>,
    /// How long it took so far.
    pub timing: Timing,
    /// What it may cost at most, once it is planned.
    pub estimate: Option<Estimate>,
    /// What it cost so far.
    pub cost: Cost,
}

/// The answer to a search with `explain`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Explained {
    /// What would be done.
    pub plan: Explanation,
}

/// What a search would read.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Explanation {
    /// Segments that overlap the range of time.
    pub segments_in_range: u64,
    /// Those that the catalog does not rule out.
    pub segments_to_read: u64,
    /// Shards of the stream with events that are in no segment yet: all of these are read.
    pub tail_shards: u64,
    /// Tasks it would be cut into.
    pub tasks: u64,
    /// Granules of the segments to read.
    pub granules_total: u64,
    /// Those that the index does not rule out.
    pub granules_to_read: u64,
    /// Bytes of their columns that the query needs.
    pub bytes_to_read: u64,
    /// Stored bytes of the segments to read.
    pub bytes_most: u64,
    /// US dollars if all of these were read.
    pub usd_most: f64,
    /// Whether only the first segments were looked into, and the figures of granules and bytes scaled up from these.
    pub is_estimate: bool,
    /// What the index is asked for.
    pub index_terms: Vec<String>,
    /// What could not be read.
    pub missing: Vec<String>,
}

/// Why a search failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// A stable name for programs.
    pub code: String,
    /// For people.
    pub message: String,
}
