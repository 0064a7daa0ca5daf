//! `/v1/searches`.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;

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
    /// How far it is.
    pub progress: Progress,
    /// The events of this page, as they were sent.
    pub events: Vec<Box<RawValue>>,
    /// The aggregate, if the query has one; grows while the search runs.
    pub aggregates: Option<Aggregates>,
    /// Ask with this for what follows; null when nothing does.
    pub next_cursor: Option<String>,
    /// What could not be read.
    pub missing: Vec<String>,
    /// Why the search failed, if it did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<Failure>,
    /// What it cost so far.
    pub cost: Cost,
}

/// Why a search failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// A stable name for programs.
    pub code: String,
    /// For people.
    pub message: String,
}
