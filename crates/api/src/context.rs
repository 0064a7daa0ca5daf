//! `POST /v1/context`.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// Events on either side when the request does not say.
pub const DEFAULT_CONTEXT: usize = 50;

/// Around which event to look.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ContextRequest {
    /// The event, as a search gave it.
    pub event: Box<RawValue>,
    /// Fields in which its neighbours agree with it; by default those that tell where it was written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fields: Option<Vec<String>>,
    /// A filter that its neighbours match as well.
    #[serde(default)]
    pub query: String,
    /// At most so many events on either side, at first.
    #[serde(default = "default_limit")]
    pub limit: usize,
}

fn default_limit() -> usize {
    DEFAULT_CONTEXT
}

/// Two searches: the events before, newest first, and from its time on, oldest first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContextAnswer {
    /// Fields in which the neighbours agree with the event.
    pub fields: Vec<String>,
    /// The events before.
    pub before: SearchName,
    /// The events from its time on; it is among them.
    pub after: SearchName,
}

/// A search.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SearchName {
    /// Its name.
    pub id: String,
}
