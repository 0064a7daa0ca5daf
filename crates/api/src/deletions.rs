//! `/v1/deletions`: events that are to be gone for good.

use serde::{Deserialize, Serialize};

use crate::time::TimeSpec;

/// Most bytes of a request.
pub const MAX_BODY_BYTES: usize = 64 * 1024;
/// Longest reason, in characters.
pub const MAX_REASON_CHARS: usize = 1000;

/// `POST /v1/deletions`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeletionRequest {
    /// Which events: a query without pipes.
    pub query: String,
    /// Why, for the record.
    pub reason: String,
    /// From when on; from the beginning without it.
    #[serde(default)]
    pub from: Option<TimeSpec>,
    /// Until when; without it all that was taken in so far.
    #[serde(default)]
    pub to: Option<TimeSpec>,
}

/// A deletion and how far it is.
#[derive(Debug, Serialize)]
pub struct DeletionAnswer {
    /// Its name.
    pub id: String,
    /// `hidden`: nobody finds the events; `rewritten`: no segment in use holds them; `erased`: no object holds them.
    pub status: &'static str,
    /// Which events.
    pub query: String,
    /// From when on; null for the beginning.
    pub from: Option<String>,
    /// Until when.
    pub to: String,
    /// Why.
    pub reason: String,
    /// Who asked for it.
    pub by: String,
    /// When.
    pub created: String,
    /// Events taken out of segments so far.
    pub events_removed: u64,
    /// Segments written anew without them, or dropped.
    pub segments_rewritten: u64,
    /// When the last segment in use was rid of them.
    pub rewritten: Option<String>,
    /// When the last object was.
    pub erased: Option<String>,
}
