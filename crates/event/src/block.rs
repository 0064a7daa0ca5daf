//! The columnar form of a run of events.
//!
//! ```text
//!   {"timestamp":"…01Z","level":"INFO","http":{"status":200},"tags":["a","b"]}      row 0
//!   {"timestamp":"…02Z","level":"WARN","http":{"status":"ok"}}                      row 1
//!
//!   timestamps  [ …01, …02 ]                      nanoseconds, one per row
//!   level       Text  rows [0,1]  ["INFO","WARN"]
//!   http.status Int   rows [0]    [200]           the same path with two types is
//!   http.status Text  rows [1]    ["ok"]          two columns
//!   tags        Json  rows [0]    [["a","b"]]     what has no typed form keeps its text
//! ```
//!
//! A column lists the rows that have a value (ascending) beside the values, so a
//! path that few events carry costs little. Canonical fields (`service`, `level`,
//! `message`, `trace_id`) are ordinary columns under their canonical path; the
//! [`Envelope`] of a row says under which alias they were sent and how the
//! timestamp was spelled.

use std::fmt;
use std::sync::Arc;

use crate::texts::Texts;
use crate::timestamp::{Spelling, Timestamp};

/// Path of the canonical `service` column.
pub const SERVICE: &str = "service";
/// Path of the canonical `level` column.
pub const LEVEL: &str = "level";
/// Path of the canonical `message` column.
pub const MESSAGE: &str = "message";
/// Path of the canonical `trace_id` column.
pub const TRACE_ID: &str = "trace_id";
/// Name of the timestamp, which is not a column but [`Block::timestamps`].
pub const TIMESTAMP: &str = "timestamp";

/// The keys that lead to a value: `{"http":{"status":200}}` is `["http","status"]`.
/// A key may itself hold a dot, so two paths can share one [`Path::name`].
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Path(Arc<[Box<str>]>);

impl Path {
    /// A path of these keys, outermost first.
    pub fn new<K: Into<Box<str>>>(keys: impl IntoIterator<Item = K>) -> Self {
        Self(keys.into_iter().map(Into::into).collect())
    }

    /// A path of one key.
    pub fn of(key: &str) -> Self {
        Self::new([key])
    }

    /// The keys, outermost first.
    pub fn keys(&self) -> &[Box<str>] {
        &self.0
    }

    /// The name queries and Parquet use: the keys joined by dots.
    pub fn name(&self) -> String {
        self.0.join(".")
    }

    /// Whether [`Path::name`] equals `name`, without building it.
    pub fn is_named(&self, name: &str) -> bool {
        match &*self.0 {
            [only] => **only == *name,
            keys => {
                let mut rest = name;
                for (index, key) in keys.iter().enumerate() {
                    let separated = if index == 0 { Some(rest) } else { rest.strip_prefix('.') };
                    match separated.and_then(|r| r.strip_prefix(&**key)) {
                        Some(after) => rest = after,
                        None => return false,
                    }
                }
                rest.is_empty()
            }
        }
    }
}

impl fmt::Debug for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

/// The type of a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// JSON strings, unescaped.
    Text,
    /// Integers spelled as `i64` prints them.
    Int,
    /// Numbers spelled as the shortest round-trip form of an `f64` (`ryu`).
    Float,
    /// `true` and `false`.
    Bool,
    /// The JSON text of anything else: arrays, `{}`, `null`, and numbers in another spelling.
    Json,
}

/// The values of a column, one per entry of [`Column::rows`].
#[derive(Clone, Debug, PartialEq)]
pub enum Values {
    /// See [`Kind::Text`].
    Text(Texts),
    /// See [`Kind::Int`].
    Int(Vec<i64>),
    /// See [`Kind::Float`].
    Float(Vec<f64>),
    /// See [`Kind::Bool`].
    Bool(Vec<bool>),
    /// See [`Kind::Json`].
    Json(Texts),
}

impl Values {
    /// No values of a kind.
    pub fn new(kind: Kind) -> Self {
        match kind {
            Kind::Text => Self::Text(Texts::default()),
            Kind::Int => Self::Int(Vec::new()),
            Kind::Float => Self::Float(Vec::new()),
            Kind::Bool => Self::Bool(Vec::new()),
            Kind::Json => Self::Json(Texts::default()),
        }
    }

    /// Their kind.
    pub fn kind(&self) -> Kind {
        match self {
            Self::Text(_) => Kind::Text,
            Self::Int(_) => Kind::Int,
            Self::Float(_) => Kind::Float,
            Self::Bool(_) => Kind::Bool,
            Self::Json(_) => Kind::Json,
        }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        match self {
            Self::Text(texts) | Self::Json(texts) => texts.len(),
            Self::Int(values) => values.len(),
            Self::Float(values) => values.len(),
            Self::Bool(values) => values.len(),
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Keeps the first `len` values.
    pub fn truncate(&mut self, len: usize) {
        match self {
            Self::Text(texts) | Self::Json(texts) => texts.truncate(len),
            Self::Int(values) => values.truncate(len),
            Self::Float(values) => values.truncate(len),
            Self::Bool(values) => values.truncate(len),
        }
    }

    /// Appends `other`, which has the same kind (callers pair columns by path and kind).
    pub fn append(&mut self, other: &Values) {
        match (self, other) {
            (Self::Text(to), Self::Text(from)) | (Self::Json(to), Self::Json(from)) => to.append(from),
            (Self::Int(to), Self::Int(from)) => to.extend_from_slice(from),
            (Self::Float(to), Self::Float(from)) => to.extend_from_slice(from),
            (Self::Bool(to), Self::Bool(from)) => to.extend_from_slice(from),
            (to, from) => debug_assert!(false, "appended {:?} to {:?}", from.kind(), to.kind()),
        }
    }

    /// Appends value `index` of `other`, which has the same kind.
    pub fn push_from(&mut self, other: &Values, index: usize) {
        match (self, other) {
            (Self::Text(to), Self::Text(from)) | (Self::Json(to), Self::Json(from)) => to.push(from.get(index)),
            (Self::Int(to), Self::Int(from)) => to.push(from[index]),
            (Self::Float(to), Self::Float(from)) => to.push(from[index]),
            (Self::Bool(to), Self::Bool(from)) => to.push(from[index]),
            (to, from) => debug_assert!(false, "pushed {:?} to {:?}", from.kind(), to.kind()),
        }
    }
}

/// One path's values of one kind.
#[derive(Clone, Debug, PartialEq)]
pub struct Column {
    /// Where the values stand in their events.
    pub path: Path,
    /// The rows that have a value, ascending, each at most once.
    pub rows: Vec<u32>,
    /// The values, in the order of `rows`.
    pub values: Values,
}

impl Column {
    /// An empty column.
    pub fn new(path: Path, kind: Kind) -> Self {
        Self { path, rows: Vec::new(), values: Values::new(kind) }
    }

    /// Where in `values` the value of `row` stands, if it has one.
    #[inline]
    pub fn index_of(&self, row: u32) -> Option<usize> {
        // Most columns are full or nearly so: look where the row would stand first.
        let guess = row as usize;
        if self.rows.get(guess) == Some(&row) {
            return Some(guess);
        }
        self.rows.binary_search(&row).ok()
    }
}

/// How the canonical fields of an event were spelled, so that it can be given back as sent.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Envelope {
    /// The key path of the timestamp (`timestamp`, or an alias); also set when the event had none.
    pub timestamp_path: Path,
    /// How the timestamp was written.
    pub timestamp_spelling: Spelling,
    /// The alias under which `service` was sent, if not as `service`.
    pub service_alias: Option<Path>,
    /// The alias under which `level` was sent, if not as `level`.
    pub level_alias: Option<Path>,
    /// The alias under which `message` was sent, if not as `message`.
    pub message_alias: Option<Path>,
}

impl Default for Envelope {
    /// An event with `timestamp` in RFC 3339 with milliseconds and `Z`, and no alias.
    fn default() -> Self {
        Self {
            timestamp_path: Path::of(TIMESTAMP),
            timestamp_spelling: Spelling::default(),
            service_alias: None,
            level_alias: None,
            message_alias: None,
        }
    }
}

impl Envelope {
    /// The alias under which the canonical column `name` was sent, if it was.
    pub fn alias_of(&self, name: &str) -> Option<&Path> {
        match name {
            SERVICE => self.service_alias.as_ref(),
            LEVEL => self.level_alias.as_ref(),
            MESSAGE => self.message_alias.as_ref(),
            _ => None,
        }
    }
}

/// A run of events as columns. See the module's head.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Block {
    /// When each event happened: nanoseconds since 1970-01-01 UTC. Its length is the number of rows.
    pub timestamps: Vec<i64>,
    /// For each row, an index into `envelopes`.
    pub envelope_codes: Vec<u32>,
    /// The distinct envelopes of the block.
    pub envelopes: Vec<Envelope>,
    /// The columns, each `(path, kind)` at most once, in order of first appearance.
    pub columns: Vec<Column>,
    /// Bytes of the events as they were sent (JSON text, without separators).
    pub raw_bytes: u64,
}

impl Block {
    /// How many events it holds.
    pub fn rows(&self) -> usize {
        self.timestamps.len()
    }

    /// Whether it holds none.
    pub fn is_empty(&self) -> bool {
        self.timestamps.is_empty()
    }

    /// The earliest and latest timestamp, if there is a row.
    pub fn time_range(&self) -> Option<(Timestamp, Timestamp)> {
        let first = self.timestamps.iter().min()?;
        let last = self.timestamps.iter().max()?;
        Some((Timestamp(*first), Timestamp(*last)))
    }

    /// The columns that a query calls `name`: one per kind, and more where keys hold dots.
    /// Does not look into `Json` columns of a parent path, nor at aliases.
    pub fn columns_named<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Column> {
        self.columns.iter().filter(move |column| column.path.is_named(name))
    }

    /// The text column of exactly this one-key path.
    pub fn text_column(&self, key: &str) -> Option<(&Column, &Texts)> {
        self.columns.iter().find_map(|column| match (&column.values, column.path.keys()) {
            (Values::Text(texts), [only]) if **only == *key => Some((column, texts)),
            _ => None,
        })
    }

    /// The envelope of a row; panics when there is no such row, as slices do.
    pub fn envelope(&self, row: usize) -> &Envelope {
        &self.envelopes[self.envelope_codes[row] as usize]
    }
}

/// Which columns of a block somebody needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Projection {
    /// Everything, envelopes included: what giving events back takes.
    All,
    /// Some columns.
    Some {
        /// Every column that holds text (`Text` and `Json` kinds): what a search in any text takes.
        texts: bool,
        /// Columns by name: every kind under that name, and `Json` columns of its parent paths,
        /// since an array there may hold objects with the rest of the path. A name that ends in
        /// `.*` stands for every column below it.
        names: std::collections::BTreeSet<String>,
        /// The envelopes, which tell under which alias a canonical field was sent.
        envelopes: bool,
        /// The timestamps. Without them a reader may leave zeros in their place.
        times: bool,
    },
}

impl Projection {
    /// Timestamps alone.
    pub fn timestamps() -> Self {
        Self::Some { texts: false, names: Default::default(), envelopes: false, times: true }
    }

    /// Whether a column of this name and kind is needed.
    pub fn wants(&self, name: &str, kind: Kind) -> bool {
        match self {
            Self::All => true,
            Self::Some { texts, names, .. } => {
                let text = matches!(kind, Kind::Text | Kind::Json);
                let is_parent = |wanted: &String| wanted.strip_prefix(name).is_some_and(|rest| rest.starts_with('.'));
                let is_below = |wanted: &String| {
                    let parent = wanted.strip_suffix(".*");
                    parent.and_then(|parent| name.strip_prefix(parent)).is_some_and(|rest| rest.starts_with('.'))
                };
                (*texts && text)
                    || names.contains(name)
                    || (kind == Kind::Json && names.iter().any(is_parent))
                    || names.iter().any(is_below)
            }
        }
    }

    /// No column at all.
    pub fn nothing() -> Self {
        Self::Some { texts: false, names: Default::default(), envelopes: false, times: false }
    }

    /// Whether timestamps are needed.
    pub fn wants_times(&self) -> bool {
        matches!(self, Self::All | Self::Some { times: true, .. })
    }

    /// Whether envelopes are needed.
    pub fn wants_envelopes(&self) -> bool {
        matches!(self, Self::All | Self::Some { envelopes: true, .. })
    }

    /// What either needs.
    pub fn and(self, other: Self) -> Self {
        match (self, other) {
            (
                Self::Some { texts, mut names, envelopes, times },
                Self::Some { texts: t, names: n, envelopes: e, times: needs_times },
            ) => {
                names.extend(n);
                Self::Some { texts: texts || t, names, envelopes: envelopes || e, times: times || needs_times }
            }
            _ => Self::All,
        }
    }
}
