//! What a search counts beside the events: by time, and by the values of fields.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use trawl_event::Timestamp;

/// Buckets of a histogram when the request does not say.
pub const DEFAULT_BUCKETS: usize = 60;
/// Most buckets of a histogram.
pub const MAX_BUCKETS: usize = 500;
/// Values of a field when the request does not say.
pub const DEFAULT_VALUES: usize = 10;
/// Most values of a field.
pub const MAX_VALUES: usize = 100;
/// Most fields of which values are counted.
pub const MAX_FACETS: usize = 20;

/// Which histogram is wanted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HistogramRequest {
    /// The field whose values are counted apart.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// At most so many buckets over the whole range.
    #[serde(default = "default_buckets")]
    pub buckets: usize,
}

fn default_buckets() -> usize {
    DEFAULT_BUCKETS
}

/// Of which field values are wanted: `"service"`, or `{"field":"service","limit":20}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum FacetRequest {
    /// The most frequent values of the field.
    Field(String),
    /// So many of them.
    Values(FacetValuesRequest),
}

/// As [`FacetRequest`], with everything said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FacetValuesRequest {
    /// The field.
    pub field: String,
    /// At most so many values.
    #[serde(default = "default_values")]
    pub limit: usize,
}

fn default_values() -> usize {
    DEFAULT_VALUES
}

impl From<FacetRequest> for FacetValuesRequest {
    fn from(request: FacetRequest) -> Self {
        match request {
            FacetRequest::Field(field) => Self { field, limit: DEFAULT_VALUES },
            FacetRequest::Values(values) => values,
        }
    }
}

/// Matches by time.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Histogram {
    /// The width of a bucket.
    pub interval_ms: i64,
    /// The field whose values are counted apart.
    pub by: Option<String>,
    /// Whether all matches are counted.
    pub complete: bool,
    /// Those that hold matches, by time.
    pub buckets: Vec<Bucket>,
}

/// One bucket of a histogram.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bucket {
    /// When it begins.
    #[serde(with = "rfc3339")]
    pub start: Timestamp,
    /// Matches in it.
    pub count: u64,
    /// Those with each value of the field: `""` is no value, `"…"` all values that are not listed. An event with
    /// several values counts in each.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub by: BTreeMap<String, u64>,
}

/// Matches by the values of a field.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FacetCounts {
    /// The field.
    pub field: String,
    /// The most frequent values.
    pub values: Vec<ValueCount>,
    /// How many matches have the field.
    pub events_with: u64,
    /// How many values there are.
    pub distinct: u64,
    /// Whether there are so many values that rare ones were left out: counts may be too small then, and `distinct` is.
    pub approximate: bool,
    /// Whether all matches are counted.
    pub complete: bool,
}

/// How often a value occurs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ValueCount {
    /// The value, a JSON scalar.
    pub value: Value,
    /// How many matches have it.
    pub count: u64,
}

/// `GET /v1/fields/{name}/values`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FieldValues {
    /// The field.
    pub field: String,
    /// Its values, most frequent first.
    pub values: Vec<ValueCount>,
    /// Whether all events were looked at, and no value left out.
    pub complete: bool,
}

mod rfc3339 {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};
    use trawl_event::Timestamp;

    pub fn serialize<S: Serializer>(time: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(time)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Timestamp, D::Error> {
        let text = String::deserialize(deserializer)?;
        Timestamp::parse(&text).ok_or_else(|| D::Error::custom(format!("{text:?} is not a time")))
    }
}
