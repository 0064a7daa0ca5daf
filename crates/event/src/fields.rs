//! One event → columns, field by field: what decoders of binary protocols use instead of JSON text.

use crate::block::{Kind, Values};
use crate::columns::{Columns, NONE, ROOT, Stop};
use crate::limits::{MAX_DEPTH, MAX_FIELDS, MAX_PATH_BYTES};
use crate::shred::EventError;
use crate::timestamp::Timestamp;

/// About how many bytes quotes, colon and comma of a field take in JSON.
const PUNCTUATION_BYTES: usize = 4;
/// How many bytes the braces of an event take.
const BRACES_BYTES: usize = 2;
/// About how many bytes a number takes in JSON.
const NUMBER_BYTES: usize = 8;

/// Takes the fields of one object of an event. The bounds are those of JSON; a key that comes twice stops it.
pub(crate) struct Fields<'c> {
    columns: &'c mut Columns,
    row: u32,
    parent: u32,
    previous: u32,
    depth: usize,
    json_bytes: usize,
    time: Option<Timestamp>,
}

impl<'c> Fields<'c> {
    /// Begins the event of `row`.
    pub(crate) fn begin(columns: &'c mut Columns, row: u32) -> Self {
        columns.serial += 1;
        columns.touched.clear();
        Self { columns, row, parent: ROOT, previous: NONE, depth: 1, json_bytes: BRACES_BYTES, time: None }
    }

    /// About how many bytes the event takes as JSON, and its time if that was given.
    pub(crate) fn end(self) -> (usize, Option<Timestamp>) {
        (self.json_bytes, self.time)
    }

    /// How deep the object nests that takes these fields; the event itself is 1.
    pub(crate) fn depth(&self) -> usize {
        self.depth
    }

    /// The event's own time, as the field `timestamp` in nanoseconds.
    pub(crate) fn timestamp(&mut self, time: Timestamp) {
        self.json_bytes += 32;
        self.time = Some(time);
    }

    /// A string.
    pub(crate) fn text(&mut self, key: &str, value: &str) -> Result<(), Stop> {
        let node = self.node(key, value.len())?;
        if let Values::Text(texts) = self.columns.column(node, Kind::Text, self.row) {
            texts.push(value);
        }
        self.check_count()
    }

    /// A whole number.
    pub(crate) fn int(&mut self, key: &str, value: i64) -> Result<(), Stop> {
        let node = self.node(key, NUMBER_BYTES)?;
        if let Values::Int(values) = self.columns.column(node, Kind::Int, self.row) {
            values.push(value);
        }
        self.check_count()
    }

    /// A number that is finite.
    pub(crate) fn float(&mut self, key: &str, value: f64) -> Result<(), Stop> {
        debug_assert!(value.is_finite());
        let node = self.node(key, NUMBER_BYTES)?;
        if let Values::Float(values) = self.columns.column(node, Kind::Float, self.row) {
            values.push(value);
        }
        self.check_count()
    }

    /// A boolean.
    pub(crate) fn bool(&mut self, key: &str, value: bool) -> Result<(), Stop> {
        let node = self.node(key, NUMBER_BYTES)?;
        if let Values::Bool(values) = self.columns.column(node, Kind::Bool, self.row) {
            values.push(value);
        }
        self.check_count()
    }

    /// An array or null, as JSON text.
    pub(crate) fn json(&mut self, key: &str, text: &str) -> Result<(), Stop> {
        let node = self.node(key, text.len())?;
        self.columns.json(node, self.row, text);
        self.check_count()
    }

    /// An object, whose fields `write` gives.
    pub(crate) fn object(
        &mut self,
        key: &str,
        write: impl FnOnce(&mut Fields<'_>) -> Result<(), Stop>,
    ) -> Result<(), Stop> {
        let node = self.node(key, 2)?;
        if self.depth >= MAX_DEPTH {
            return Err(EventError::TooDeep { offset: self.json_bytes }.into());
        }
        let mut inner = Fields {
            columns: &mut *self.columns,
            row: self.row,
            parent: node,
            previous: NONE,
            depth: self.depth + 1,
            json_bytes: 0,
            time: None,
        };
        write(&mut inner)?;
        let (json_bytes, is_empty) = (inner.json_bytes, inner.previous == NONE);
        self.json_bytes += json_bytes;
        if is_empty {
            self.columns.json(node, self.row, "{}");
        }
        self.check_count()
    }

    /// The members of a JSON object, as fields of the event; the last that it gets.
    pub(crate) fn members(&mut self, json: &[u8]) -> Result<(), Stop> {
        self.json_bytes += json.len();
        self.columns.members(json, self.previous, self.row)
    }

    fn node(&mut self, key: &str, value_bytes: usize) -> Result<u32, Stop> {
        let child = Columns::child(&mut self.columns.nodes, self.parent, self.previous, key);
        self.previous = child;
        self.json_bytes += key.len() + PUNCTUATION_BYTES + value_bytes;
        let serial = self.columns.serial;
        let node = &mut self.columns.nodes[child as usize]; // `child` gives a node that there is
        if node.name_bytes > MAX_PATH_BYTES {
            return Err(EventError::PathTooLong { offset: self.json_bytes }.into());
        }
        match std::mem::replace(&mut node.seen, serial) == serial {
            true => Err(Stop::DuplicateKey),
            false => Ok(child),
        }
    }

    fn check_count(&self) -> Result<(), Stop> {
        if self.columns.touched.len() > MAX_FIELDS { Err(EventError::TooManyFields.into()) } else { Ok(()) }
    }
}
