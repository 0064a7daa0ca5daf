//! `GET /v1/tail`.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// Events of one answer when the request does not say.
pub const DEFAULT_TAIL: usize = 1000;
/// Most events of one answer.
pub const MAX_TAIL: usize = 10_000;

/// New events that match.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct TailAnswer {
    /// Oldest first.
    pub events: Vec<Box<RawValue>>,
    /// Ask with this for what comes next.
    pub cursor: String,
    /// Matches that were left out because more came at once than were asked for; the newest are given.
    pub missed: u64,
    /// Says that events went by unread, and how to find them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gap: Option<String>,
}
