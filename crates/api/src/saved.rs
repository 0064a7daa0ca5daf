//! `/v1/saved`.

use serde::{Deserialize, Serialize};

/// Most searches a tenant can save.
pub const MAX_SAVED: usize = 500;
/// Longest name of a saved search, in characters.
pub const MAX_NAME_CHARS: usize = 128;
/// Largest saved search, in bytes of its JSON.
pub const MAX_SAVED_BYTES: usize = 20 * 1024;

/// What is saved under a name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
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
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NamedSearch {
    /// Its name.
    pub name: String,
    /// The query.
    pub query: String,
    /// From when on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// Until when.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    /// The fields that are shown as columns.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub columns: Vec<String>,
    /// When it was saved, as RFC 3339.
    pub updated: String,
}

/// `GET /v1/saved`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SavedSearches {
    /// By name.
    pub saved: Vec<NamedSearch>,
}
