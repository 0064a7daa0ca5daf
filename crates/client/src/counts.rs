//! What a search counts beside its events, and which fields and values there are.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Which histogram is wanted.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct HistogramRequest {
    /// The field whose values are counted apart.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// Most buckets over the whole range; the server's default when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub buckets: Option<u64>,
}

/// Of which field values are counted.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct FacetRequest {
    /// The field.
    pub field: String,
    /// Most values to give; the server's default when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<u64>,
}

/// Matches by time.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Histogram {
    /// The width of a bucket, in milliseconds.
    pub interval_ms: u64,
    /// The field whose values are counted apart.
    pub by: Option<String>,
    /// Whether all matches are counted.
    pub complete: bool,
    /// Those that hold matches, by time.
    pub buckets: Vec<Bucket>,
}

/// One bucket of a [`Histogram`].
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Bucket {
    /// When it begins: RFC 3339.
    pub start: String,
    /// Matches in it.
    pub count: u64,
    /// Those with each value of the field: `""` is no value, `"…"` all values that are not listed. An event with
    /// several values counts in each.
    pub by: BTreeMap<String, u64>,
}

/// Matches by the values of a field.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct FacetCounts {
    /// The field.
    pub field: String,
    /// The most frequent values.
    pub values: Vec<ValueCount>,
    /// How many matches have the field.
    pub events_with: u64,
    /// How many values there are.
    pub distinct: u64,
    /// Whether rare values were left out: counts may be too small then, and `distinct` is.
    pub approximate: bool,
    /// Whether all matches are counted.
    pub complete: bool,
}

/// How often a value occurs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ValueCount {
    /// The value: a JSON scalar.
    pub value: Value,
    /// How many events have it.
    pub count: u64,
}

/// Which values of a field are wanted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ValuesRequest {
    /// Only values that begin so.
    pub prefix: Option<String>,
    /// Only those of events that match.
    pub query: Option<String>,
    /// The first moment that counts.
    pub from: Option<String>,
    /// The first moment that no longer counts.
    pub to: Option<String>,
    /// Most values to give; the server's default when absent.
    pub limit: Option<u64>,
}

/// The values of a field.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct FieldValues {
    /// The field.
    pub field: String,
    /// Its values, most frequent first.
    pub values: Vec<ValueCount>,
    /// Whether all events were looked at, and no value left out.
    pub complete: bool,
}

/// The fields of the events of a time.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Fields {
    /// Events that were counted: what the coverage of a field is a share of.
    pub events: u64,
    /// The fields by name.
    pub fields: Vec<Field>,
    /// What could not be read.
    pub missing: Vec<Value>,
}

/// One field.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Field {
    /// Its dotted name.
    pub name: String,
    /// How many events have a value of each type: `string`, `int`, `float`, `bool`, `json`.
    pub types: BTreeMap<String, u64>,
}
