//! What a search would read, what happened around an event, what arrives now, and searches under a name.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;

/// What a search would read.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Plan {
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
    /// What reading all of these costs at list price, in US dollars.
    pub usd_most: f64,
    /// Whether only the first segments were looked into, and the figures scaled up from these.
    pub is_estimate: bool,
    /// What the index is asked for: all of it must hold.
    pub index_terms: Vec<String>,
    /// What could not be read.
    pub missing: Vec<Value>,
}

/// Around which event to look.
#[derive(Debug, Clone, Serialize)]
pub struct ContextRequest {
    /// The event, as a search gave it.
    pub event: Box<RawValue>,
    /// Fields in which its neighbours agree with it; the server's choice when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fields: Option<Vec<String>>,
    /// A filter that its neighbours match as well.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub query: String,
    /// Most events on either side, at first; the server's default when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<u64>,
}

/// Two searches that lead away from an event.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Context {
    /// Fields in which the neighbours agree with the event.
    #[serde(default)]
    pub fields: Vec<String>,
    /// The events before, newest first.
    pub before: SearchName,
    /// The events from its time on, oldest first; it is among them.
    pub after: SearchName,
}

/// A search by its name.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct SearchName {
    /// The name.
    pub id: String,
}

/// New events that match.
#[derive(Debug, Clone, Deserialize)]
pub struct News {
    /// Oldest first.
    #[serde(default)]
    pub events: Vec<Box<RawValue>>,
    /// Ask with this for what comes next.
    pub cursor: String,
    /// Matches that were left out because more came at once than were asked for; the newest are given.
    #[serde(default)]
    pub missed: u64,
    /// Says that events went by unread, and how to find them.
    #[serde(default)]
    pub gap: Option<String>,
}

/// What is saved under a name.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SavedSearch {
    /// The query.
    pub query: String,
    /// From when on, as it was typed: `-15m` stays relative.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// Until when.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    /// The fields that are shown as columns.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub columns: Vec<String>,
}

/// A saved search with its name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NamedSearch {
    /// Its name.
    pub name: String,
    /// What is saved under it.
    #[serde(flatten)]
    pub search: SavedSearch,
    /// When it was saved: RFC 3339.
    #[serde(default)]
    pub updated: String,
}

/// The answer of `GET /v1/saved`.
#[derive(Deserialize)]
pub(crate) struct SavedSearches {
    pub(crate) saved: Vec<NamedSearch>,
}

/// The answer to a search with `explain`.
#[derive(Deserialize)]
pub(crate) struct Explained {
    pub(crate) plan: Plan,
}
