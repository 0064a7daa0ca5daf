//! What the fuzz targets share: events as blocks, blocks as events, and JSON that compares exactly.
//!
//! A target panics when something is not as it should be; libFuzzer keeps the input.

use std::collections::BTreeMap;

use serde_json::value::RawValue;
use trawl_event::restore::Restorer;
use trawl_event::shred::{Shredder, TimeRule};
use trawl_event::{Block, Timestamp};

/// Takes events of any time; those without one happened in 2023.
pub const ANY_TIME: TimeRule =
    TimeRule { received: Timestamp(1_700_000_000_000_000_000), oldest: Timestamp::MIN, latest: Timestamp::MAX };

/// Some events with every kind of value, aliases, paths with two types and keys that hold dots.
pub const SAMPLE: [&str; 9] = [
    r#"{"timestamp":"2026-03-02T10:00:00.120Z","service":"checkout","level":"INFO","message":"connection reset by peer","trace_id":"4bf92f35","http":{"status":200,"path":"/api/users"}}"#,
    r#"{"@timestamp":"2026-03-02T11:00:01+01:00","service.name":"checkout","severity":"WARN","msg":"timed out after 1500 ms","http":{"status":"504"},"latency":1.5}"#,
    r#"{"ts":1772445602,"level":"error","message":"blk_-42 is gone","tags":["a","b c"],"user":{"id":null},"latency":1500}"#,
    r#"{"timestamp":1772445603123,"lvl":3,"log":"Ünïcode ſ K","ok":true,"nested":[{"a":[1,2,{"b":"deep"}]},{"a":"x"}]}"#,
    r#"{"message":"no time","a.b":1,"a":{"b":2.50},"big":123456789012345678901234567890,"tiny":1e-400}"#,
    r#"{"timestamp":"2026-03-02T10:00:00.120Z","message":"","empty":{},"list":[],"b":false,"i":-9223372036854775808}"#,
    r#"{"timestamp":"2026-03-02T10:00:05Z","ts":{"odd":1},"service":7,"level":["x"],"message":null}"#,
    r#"{"time":"2026-03-02T10:00:04.5-01:30","body":"a line\nand another","_rest":1,"_envelope":"x","":{"":""}}"#,
    r#"{"timestamp":-1,"level":"fatal","http":{"status":503},"latency":9007199254740993}"#,
];

/// Events as ingest would take them; those it would refuse are left out.
pub fn block_of<'e>(events: impl IntoIterator<Item = &'e [u8]>) -> Block {
    let mut shredder = Shredder::default();
    for event in events {
        let _ = shredder.push(event, &ANY_TIME);
    }
    shredder.finish()
}

/// [`SAMPLE`] as a block.
pub fn sample() -> Block {
    let mut shredder = Shredder::default();
    for event in SAMPLE {
        shredder.push(event.as_bytes(), &ANY_TIME).unwrap_or_else(|error| panic!("{event}: {error}"));
    }
    shredder.finish()
}

/// The events of a block, as text.
pub fn events_of(block: &Block) -> Vec<String> {
    let mut restorer = Restorer::new(block);
    let restore = |row| {
        let mut json = String::new();
        restorer.push(row, &mut json);
        json
    };
    (0..block.rows()).map(restore).collect()
}

/// A JSON value, numbers by their spelling and strings by what they mean. Of a key that comes twice the last counts.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Json {
    /// A number, boolean or null as it is spelled.
    Scalar(String),
    /// A string.
    Text(String),
    /// An array.
    Array(Vec<Json>),
    /// An object.
    Object(BTreeMap<String, Json>),
}

impl Json {
    /// Reads a value; `None` when it is not JSON.
    pub fn parse(text: &[u8]) -> Option<Self> {
        Self::from_raw(serde_json::from_slice(text).ok()?)
    }

    fn from_raw(raw: &RawValue) -> Option<Self> {
        let text = raw.get();
        Some(match text.as_bytes().first()? {
            b'{' => {
                let members: BTreeMap<String, &RawValue> = serde_json::from_str(text).ok()?;
                let member = |(key, raw)| Some((key, Self::from_raw(raw)?));
                Self::Object(members.into_iter().map(member).collect::<Option<_>>()?)
            }
            b'[' => {
                let elements: Vec<&RawValue> = serde_json::from_str(text).ok()?;
                Self::Array(elements.into_iter().map(Self::from_raw).collect::<Option<_>>()?)
            }
            b'"' => Self::Text(serde_json::from_str(text).ok()?),
            _ => Self::Scalar(text.to_owned()),
        })
    }

    /// Without the timestamp that an event without one is given back with.
    pub fn without_timestamp(mut self) -> Self {
        if let Self::Object(members) = &mut self {
            members.remove("timestamp");
        }
        self
    }
}

/// The events of a block as values; panics on one that is not JSON.
pub fn values_of(block: &Block) -> Vec<Json> {
    let parse = |json: String| Json::parse(json.as_bytes()).unwrap_or_else(|| panic!("restored as {json:?}"));
    events_of(block).into_iter().map(parse).collect()
}
