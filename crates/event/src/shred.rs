//! One JSON event → columns.
//!
//! The keys of all events so far form a tree; each node knows its columns by kind, so a
//! field costs one comparison with the key that followed last time, and one push. An event
//! that turns out bad half-way is taken back out of the columns it touched.

use std::collections::HashMap;

use jiter::{Jiter, Peek};

use crate::block::{Block, Column, Envelope, Kind, LEVEL, MESSAGE, Path, SERVICE, TIMESTAMP, Values};
use crate::limits::{MAX_DEPTH, MAX_EVENT_BYTES, MAX_FIELDS, MAX_PATH_BYTES};
use crate::timestamp::{Spelling, Timestamp};

/// Names under which a timestamp is accepted, the first that is present counts.
pub const TIMESTAMP_NAMES: [&str; 4] = [TIMESTAMP, "@timestamp", "time", "ts"];
/// Names under which a message is accepted.
pub const MESSAGE_NAMES: [&str; 4] = [MESSAGE, "msg", "log", "body"];
/// Names under which a level is accepted.
pub const LEVEL_NAMES: [&str; 4] = [LEVEL, "severity", "lvl", "log.level"];
/// Names under which a service is accepted.
pub const SERVICE_NAMES: [&str; 2] = [SERVICE, "service.name"];

/// Why an event was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EventError {
    /// Not JSON.
    #[error("invalid JSON at byte {offset} of the event: {reason}")]
    InvalidJson {
        /// Where, from the start of the event.
        offset: usize,
        /// What was expected there.
        reason: String,
    },
    /// JSON, but not an object.
    #[error("an event is a JSON object, found {found}")]
    NotAnObject {
        /// What stood there.
        found: &'static str,
    },
    /// More bytes than an event may have.
    #[error("the event has {bytes} bytes, the limit is {MAX_EVENT_BYTES}")]
    TooLarge {
        /// How many it has.
        bytes: usize,
    },
    /// Nested too deep.
    #[error("the event nests deeper than {MAX_DEPTH} levels at byte {offset}")]
    TooDeep {
        /// Where, from the start of the event.
        offset: usize,
    },
    /// Too many fields.
    #[error("the event has more than {MAX_FIELDS} fields")]
    TooManyFields,
    /// A field's dotted name is too long.
    #[error("a field name is longer than {MAX_PATH_BYTES} bytes at byte {offset}")]
    PathTooLong {
        /// Where, from the start of the event.
        offset: usize,
    },
    /// The timestamp cannot be read.
    #[error("field {name} is not a timestamp: expected RFC 3339 or an epoch in s, ms, µs or ns, found {found}")]
    BadTimestamp {
        /// The field it was sent in.
        name: String,
        /// What stood there, shortened.
        found: String,
    },
    /// Older than the server takes.
    #[error("timestamp {timestamp} is older than the oldest accepted, {oldest}")]
    TooOld {
        /// The event's time.
        timestamp: Timestamp,
        /// The oldest accepted.
        oldest: Timestamp,
    },
    /// Too far in the future.
    #[error("timestamp {timestamp} is later than the latest accepted, {latest}")]
    TooNew {
        /// The event's time.
        timestamp: Timestamp,
        /// The latest accepted.
        latest: Timestamp,
    },
}

impl EventError {
    /// The stable name of the error, as the HTTP API gives it.
    pub fn code(&self) -> &'static str {
        match self {
            Self::InvalidJson { .. } => "invalid_json",
            Self::NotAnObject { .. } => "event_not_object",
            Self::TooLarge { .. } => "event_too_large",
            Self::TooDeep { .. } => "event_too_deep",
            Self::TooManyFields => "too_many_fields",
            Self::PathTooLong { .. } => "field_name_too_long",
            Self::BadTimestamp { .. } => "timestamp_invalid",
            Self::TooOld { .. } => "timestamp_too_old",
            Self::TooNew { .. } => "timestamp_too_new",
        }
    }
}

/// Which times are taken, and what an event without one gets.
#[derive(Clone, Copy, Debug)]
pub struct TimeRule {
    /// When the request arrived.
    pub received: Timestamp,
    /// Earlier events are refused.
    pub oldest: Timestamp,
    /// Later events are refused.
    pub latest: Timestamp,
}

/// No column or node.
const NONE: u32 = u32::MAX;

struct Node {
    path: Path,
    name_bytes: usize,
    children: HashMap<Box<str>, u32, xxhash_rust::xxh3::Xxh3Builder>,
    /// The child that came first in the last object here.
    first: u32,
    /// The sibling that followed this node in the last object.
    next: u32,
    /// The column of each kind.
    columns: [u32; 5],
    /// The event that was here last, to notice a key that occurs twice.
    seen: u64,
}

/// Columns that grow one JSON object at a time.
pub struct Columns {
    columns: Vec<Column>,
    nodes: Vec<Node>,
    /// Columns with a value of the event in work, so that it can be taken back.
    touched: Vec<u32>,
    tape: Vec<u8>,
    serial: u64,
}

/// What stopped an object: an error, or a key that occurs twice.
enum Stop {
    Error(EventError),
    DuplicateKey,
}

impl From<EventError> for Stop {
    fn from(error: EventError) -> Self {
        Self::Error(error)
    }
}

impl From<jiter::JiterError> for Stop {
    fn from(error: jiter::JiterError) -> Self {
        Self::Error(json_error(&error))
    }
}

fn json_error(error: &jiter::JiterError) -> EventError {
    EventError::InvalidJson { offset: error.index, reason: error.error_type.to_string() }
}

const ROOT: u32 = 0;

impl Default for Columns {
    fn default() -> Self {
        let root = Node::new(Path::new::<Box<str>>([]), 0);
        Self { columns: Vec::new(), nodes: vec![root], touched: Vec::new(), tape: Vec::new(), serial: 0 }
    }
}

impl Node {
    fn new(path: Path, name_bytes: usize) -> Self {
        let children = HashMap::default();
        Self { path, name_bytes, children, first: NONE, next: NONE, columns: [NONE; 5], seen: 0 }
    }
}

impl Columns {
    /// Adds the fields of a JSON object to `row`, which comes after every row added before.
    /// On an error nothing of it stays. A key that occurs twice counts with its last value.
    pub fn add(&mut self, json: &[u8], row: u32) -> Result<(), EventError> {
        match self.add_once(json, row) {
            Ok(()) => Ok(()),
            Err(stop) => {
                self.undo(row);
                match stop {
                    Stop::Error(error) => Err(error),
                    Stop::DuplicateKey => {
                        let json = last_value_wins(json)?;
                        self.add_once(&json, row).map_err(|stop| {
                            self.undo(row);
                            match stop {
                                Stop::Error(error) => error,
                                Stop::DuplicateKey => {
                                    EventError::InvalidJson { offset: 0, reason: "duplicate key".into() }
                                }
                            }
                        })
                    }
                }
            }
        }
    }

    /// The columns that hold a value, in order of first appearance.
    pub fn finish(self) -> Vec<Column> {
        self.columns.into_iter().filter(|column| !column.rows.is_empty()).collect()
    }

    fn add_once(&mut self, json: &[u8], row: u32) -> Result<(), Stop> {
        self.serial += 1;
        self.touched.clear();
        let mut jiter = Jiter::with_tape(json, std::mem::take(&mut self.tape));
        let outcome = self.root(&mut jiter, row);
        self.tape = jiter.into_tape();
        outcome
    }

    fn root(&mut self, jiter: &mut Jiter<'_>, row: u32) -> Result<(), Stop> {
        let peek = jiter.peek()?;
        if peek != Peek::Object {
            // What is no JSON at all is said before what is no object.
            jiter.known_skip(peek)?;
            jiter.finish()?;
            return Err(EventError::NotAnObject { found: name_of(peek) }.into());
        }
        self.object(jiter, ROOT, row, 1)?;
        jiter.finish()?;
        Ok(())
    }

    /// Reads the object that begins here. Whether it had any key is the result.
    fn object(&mut self, jiter: &mut Jiter<'_>, parent: u32, row: u32, depth: usize) -> Result<bool, Stop> {
        if depth > MAX_DEPTH {
            return Err(EventError::TooDeep { offset: jiter.current_index() }.into());
        }
        let mut previous = NONE;
        let mut child = match jiter.known_object()? {
            Some(key) => Self::child(&mut self.nodes, parent, previous, key),
            None => return Ok(false),
        };
        loop {
            let node = &mut self.nodes[child as usize];
            if node.name_bytes > MAX_PATH_BYTES {
                return Err(EventError::PathTooLong { offset: jiter.current_index() }.into());
            }
            if std::mem::replace(&mut node.seen, self.serial) == self.serial {
                return Err(Stop::DuplicateKey);
            }
            self.value(jiter, child, row, depth)?;
            if self.touched.len() > MAX_FIELDS {
                return Err(EventError::TooManyFields.into());
            }
            previous = child;
            child = match jiter.next_key()? {
                Some(key) => Self::child(&mut self.nodes, parent, previous, key),
                None => return Ok(true),
            };
        }
    }

    fn value(&mut self, jiter: &mut Jiter<'_>, node: u32, row: u32, depth: usize) -> Result<(), Stop> {
        let peek = jiter.peek()?;
        match peek {
            Peek::String => {
                let text = jiter.known_str()?;
                if let Values::Text(texts) = self.column(node, Kind::Text, row) {
                    texts.push(text);
                }
            }
            Peek::True | Peek::False => {
                let value = jiter.known_bool(peek)?;
                if let Values::Bool(values) = self.column(node, Kind::Bool, row) {
                    values.push(value);
                }
            }
            Peek::Null => {
                jiter.known_null()?;
                self.json(node, row, "null");
            }
            Peek::Object => {
                if !self.object(jiter, node, row, depth + 1)? {
                    self.json(node, row, "{}");
                }
            }
            Peek::Array => {
                let start = jiter.current_index();
                jiter.known_skip(peek).map_err(|error| match error.error_type {
                    jiter::JiterErrorType::JsonError(jiter::JsonErrorType::RecursionLimitExceeded) => {
                        Stop::Error(EventError::TooDeep { offset: error.index })
                    }
                    _ => error.into(),
                })?;
                let bytes = jiter.slice_to_current(start);
                if let Some(offset) = deeper_than(bytes, MAX_DEPTH - depth) {
                    return Err(EventError::TooDeep { offset: start + offset }.into());
                }
                let text = std::str::from_utf8(bytes).map_err(|error| EventError::InvalidJson {
                    offset: start + error.valid_up_to(),
                    reason: "invalid UTF-8".into(),
                })?;
                check_strings(text, start)?;
                self.json(node, row, text);
            }
            _ if peek.is_num() => {
                let digits = jiter.known_number_bytes(peek)?;
                let digits = std::str::from_utf8(digits)
                    .map_err(|_| EventError::InvalidJson { offset: 0, reason: "invalid number".into() })?;
                self.number(node, row, digits);
            }
            // Not the start of any value: skipping it gives the parser's own error.
            _ => jiter.known_skip(peek)?,
        }
        Ok(())
    }

    fn number(&mut self, node: u32, row: u32, digits: &str) {
        match read_number(digits) {
            Number::Int(number) => {
                if let Values::Int(values) = self.column(node, Kind::Int, row) {
                    values.push(number);
                }
            }
            Number::Float(number) => {
                if let Values::Float(values) = self.column(node, Kind::Float, row) {
                    values.push(number);
                }
            }
            Number::Other => self.json(node, row, digits),
        }
    }

    fn json(&mut self, node: u32, row: u32, text: &str) {
        if let Values::Json(texts) = self.column(node, Kind::Json, row) {
            texts.push(text);
        }
    }

    /// The values of a node's column of this kind, with `row` entered; the caller pushes the value.
    fn column(&mut self, node: u32, kind: Kind, row: u32) -> &mut Values {
        let slot = &mut self.nodes[node as usize].columns[kind as usize];
        if *slot == NONE {
            *slot = self.columns.len() as u32;
            self.columns.push(Column::new(self.nodes[node as usize].path.clone(), kind));
        }
        let index = self.nodes[node as usize].columns[kind as usize];
        self.touched.push(index);
        let column = &mut self.columns[index as usize];
        column.rows.push(row);
        &mut column.values
    }

    /// The child of `parent` under `key`; `previous` is the sibling read before it.
    fn child(nodes: &mut Vec<Node>, parent: u32, previous: u32, key: &str) -> u32 {
        let guess = if previous == NONE { nodes[parent as usize].first } else { nodes[previous as usize].next };
        if guess != NONE && nodes[guess as usize].path.keys().last().is_some_and(|last| **last == *key) {
            return guess;
        }
        let child = match nodes[parent as usize].children.get(key) {
            Some(child) => *child,
            None => {
                let child = nodes.len() as u32;
                let above = &nodes[parent as usize];
                let keys = above.path.keys().iter().cloned().chain([key.into()]);
                let name_bytes = above.name_bytes + usize::from(above.name_bytes > 0) + key.len();
                let node = Node::new(Path::new(keys), name_bytes);
                nodes.push(node);
                nodes[parent as usize].children.insert(key.into(), child);
                child
            }
        };
        match previous {
            NONE => nodes[parent as usize].first = child,
            _ => nodes[previous as usize].next = child,
        }
        child
    }

    /// Takes the event in work out of every column it touched.
    fn undo(&mut self, row: u32) {
        for index in self.touched.drain(..) {
            Self::pop(&mut self.columns[index as usize], row);
        }
    }

    /// Takes out the value of `row` if it is the last; whether there was one.
    fn pop(column: &mut Column, row: u32) -> bool {
        let is_last = column.rows.last() == Some(&row);
        if is_last {
            column.rows.pop();
        }
        // A row may have been entered without its value when parsing stopped between the two.
        column.values.truncate(column.rows.len());
        is_last
    }
}

enum Number {
    Int(i64),
    Float(f64),
    Other,
}

/// The typed form of a JSON number, if it is spelled as that type prints itself.
fn read_number(digits: &str) -> Number {
    if digits.bytes().any(|byte| matches!(byte, b'.' | b'e' | b'E')) {
        return match digits.parse::<f64>() {
            Ok(number) if number.is_finite() && ryu::Buffer::new().format_finite(number) == digits => {
                Number::Float(number)
            }
            _ => Number::Other,
        };
    }
    match digits.parse::<i64>() {
        Ok(number) if digits != "-0" => Number::Int(number),
        _ => Number::Other,
    }
}

fn name_of(peek: Peek) -> &'static str {
    match peek {
        Peek::String => "a string",
        Peek::Array => "an array",
        Peek::Null => "null",
        Peek::True | Peek::False => "a boolean",
        _ => "a number",
    }
}

/// Where brackets outside strings nest deeper than `limit`, if they do. `bytes` is valid JSON.
fn deeper_than(bytes: &[u8], limit: usize) -> Option<usize> {
    let (mut depth, mut in_string, mut escaped) = (0usize, false, false);
    for (offset, byte) in bytes.iter().enumerate() {
        if in_string {
            match byte {
                _ if escaped => escaped = false,
                b'\\' => escaped = true,
                b'"' => in_string = false,
                _ => {}
            }
            continue;
        }
        match byte {
            b'"' => in_string = true,
            b'[' | b'{' => {
                depth += 1;
                if depth > limit {
                    return Some(offset);
                }
            }
            b']' | b'}' => depth -= 1,
            _ => {}
        }
    }
    None
}

/// Skipping does not look at escapes such as lone surrogates; strings in arrays are read
/// once here, so that whatever is kept can be read again.
fn check_strings(text: &str, start: usize) -> Result<(), EventError> {
    if !text.contains("\\u") {
        return Ok(());
    }
    let mut jiter = Jiter::new(text.as_bytes());
    match jiter.next_value() {
        Ok(_) => Ok(()),
        Err(error) => {
            Err(EventError::InvalidJson { offset: start + error.index, reason: error.error_type.to_string() })
        }
    }
}

/// The same object with each key once, under its last value, at every level of objects.
fn last_value_wins(json: &[u8]) -> Result<Vec<u8>, EventError> {
    fn object(jiter: &mut Jiter<'_>, depth: usize) -> Result<Vec<u8>, EventError> {
        if depth > MAX_DEPTH {
            return Err(EventError::TooDeep { offset: jiter.current_index() });
        }
        let mut fields: Vec<(String, Vec<u8>)> = Vec::new();
        let mut places: HashMap<String, usize> = HashMap::new();
        let mut key = jiter.known_object().map_err(|error| json_error(&error))?.map(str::to_owned);
        while let Some(name) = key {
            let peek = jiter.peek().map_err(|error| json_error(&error))?;
            let value = if peek == Peek::Object {
                object(jiter, depth + 1)?
            } else {
                let start = jiter.current_index();
                jiter.known_skip(peek).map_err(|error| json_error(&error))?;
                jiter.slice_to_current(start).to_vec()
            };
            match places.get(&name) {
                Some(place) => fields[*place].1 = value,
                None => {
                    places.insert(name.clone(), fields.len());
                    fields.push((name, value));
                }
            }
            key = jiter.next_key().map_err(|error| json_error(&error))?.map(str::to_owned);
        }
        let mut out = String::new();
        let mut json = vec![b'{'];
        for (index, (name, value)) in fields.into_iter().enumerate() {
            if index > 0 {
                json.push(b',');
            }
            out.clear();
            crate::restore::push_string(&name, &mut out);
            json.extend_from_slice(out.as_bytes());
            json.push(b':');
            json.extend_from_slice(&value);
        }
        json.push(b'}');
        Ok(json)
    }
    // Values that a later one replaces are skipped, not decoded: what else decoding would find is looked for here.
    std::str::from_utf8(json).map_err(|error| {
        let reason = "invalid unicode code point".into();
        EventError::InvalidJson { offset: error.valid_up_to(), reason }
    })?;
    let mut jiter = Jiter::new(json);
    jiter.peek().map_err(|error| json_error(&error))?;
    let object = object(&mut jiter, 1)?;
    jiter.finish().map_err(|error| json_error(&error))?;
    Ok(object)
}

/// The canonical fields whose alias an envelope records, with their accepted names.
const ALIASED: [(&str, &[&str]); 3] = [(SERVICE, &SERVICE_NAMES), (LEVEL, &LEVEL_NAMES), (MESSAGE, &MESSAGE_NAMES)];

/// Builds a [`Block`] from events, one at a time.
#[derive(Default)]
pub struct Shredder {
    columns: Columns,
    block: Block,
    envelopes: HashMap<Envelope, u32>,
    /// Nodes by the canonical field they may stand for: timestamp first, then [`ALIASED`];
    /// looked up again only when the tree has grown.
    names: [Vec<u32>; 4],
    nodes_known: usize,
    events_without_timestamp: u64,
}

impl Shredder {
    /// Adds an event, or says why not and leaves the block as it was.
    pub fn push(&mut self, json: &[u8], rule: &TimeRule) -> Result<(), EventError> {
        if json.len() > MAX_EVENT_BYTES {
            return Err(EventError::TooLarge { bytes: json.len() });
        }
        let row = self.block.rows() as u32;
        self.columns.add(json, row)?;
        self.find_names();
        match self.take_timestamp(row, rule) {
            Ok((timestamp, envelope)) => {
                let envelope = self.take_aliases(row, envelope);
                let code = self.envelope_code(envelope);
                self.block.timestamps.push(timestamp.0);
                self.block.envelope_codes.push(code);
                self.block.raw_bytes += json.len() as u64;
                Ok(())
            }
            Err(error) => {
                self.columns.undo(row);
                Err(error)
            }
        }
    }

    /// How many events it holds.
    pub fn rows(&self) -> usize {
        self.block.rows()
    }

    /// Whether every event brought its own timestamp.
    pub fn all_timestamped(&self) -> bool {
        self.events_without_timestamp == 0
    }

    /// The block of all events pushed.
    pub fn finish(self) -> Block {
        Block { columns: self.columns.finish(), ..self.block }
    }

    /// Brings `names` up to date with the tree: nodes in the order of preference of their names.
    fn find_names(&mut self) {
        let nodes = &self.columns.nodes;
        if nodes.len() == self.nodes_known {
            return;
        }
        let accepted = [&TIMESTAMP_NAMES[..], &SERVICE_NAMES, &LEVEL_NAMES, &MESSAGE_NAMES];
        for (list, names) in self.names.iter_mut().zip(accepted) {
            for (index, node) in nodes.iter().enumerate().skip(self.nodes_known) {
                if names.iter().any(|name| node.path.is_named(name)) {
                    list.push(index as u32);
                }
            }
            list.sort_by_key(|index| {
                let path = &nodes[*index as usize].path;
                (names.iter().position(|name| path.is_named(name)), path.keys().len(), *index)
            });
        }
        self.nodes_known = nodes.len();
    }

    /// Takes the timestamp out of the columns and reads it.
    fn take_timestamp(&mut self, row: u32, rule: &TimeRule) -> Result<(Timestamp, Envelope), EventError> {
        let columns = &mut self.columns;
        let present = self.names[0].iter().find_map(|node| {
            let node = &columns.nodes[*node as usize];
            let holds = |index: &&u32| **index != NONE && columns.columns[**index as usize].rows.last() == Some(&row);
            node.columns.iter().find(holds).map(|index| (*index, node.path.clone()))
        });
        let Some((index, path)) = present else {
            self.events_without_timestamp += 1;
            let envelope = Envelope { timestamp_spelling: Spelling::Absent, ..Envelope::default() };
            return Ok((rule.received, envelope));
        };
        let column = &mut columns.columns[index as usize];
        let last = column.values.len() - 1; // its last row is this one
        let (read, found) = match &column.values {
            Values::Text(texts) => (Spelling::of_text(texts.get(last)), format_found(texts.get(last))),
            Values::Int(values) => (Spelling::of_number(&values[last].to_string()), values[last].to_string()),
            Values::Float(values) => {
                let mut buffer = ryu::Buffer::new();
                let digits = buffer.format_finite(values[last]);
                (Spelling::of_number(digits), digits.to_owned())
            }
            Values::Json(texts) => (Spelling::of_number(texts.get(last)), format_found(texts.get(last))),
            Values::Bool(values) => (None, values[last].to_string()),
        };
        let Some((timestamp, spelling)) = read else {
            return Err(EventError::BadTimestamp { name: path.name(), found });
        };
        if timestamp < rule.oldest {
            return Err(EventError::TooOld { timestamp, oldest: rule.oldest });
        }
        if timestamp > rule.latest {
            return Err(EventError::TooNew { timestamp, latest: rule.latest });
        }
        Columns::pop(column, row);
        Ok((timestamp, Envelope { timestamp_path: path, timestamp_spelling: spelling, ..Envelope::default() }))
    }

    /// Moves canonical fields that were sent under an alias into their canonical columns.
    fn take_aliases(&mut self, row: u32, mut envelope: Envelope) -> Envelope {
        for (names, (canonical, _)) in self.names[1..].iter().zip(ALIASED) {
            let columns = &mut self.columns;
            let holds = |index: u32| index != NONE && columns.columns[index as usize].rows.last() == Some(&row);
            let text = |node: u32| columns.nodes[node as usize].columns[Kind::Text as usize];
            let is_canonical =
                |node: u32| matches!(columns.nodes[node as usize].path.keys(), [key] if **key == *canonical);
            // Whatever stands under the canonical name itself, of any type, leaves aliases alone.
            let own = names.iter().find(|node| is_canonical(**node));
            if own.is_some_and(|node| columns.nodes[*node as usize].columns.iter().any(|index| holds(*index))) {
                continue;
            }
            let alias = names.iter().copied().find(|node| !is_canonical(*node) && holds(text(*node)));
            let Some(alias) = alias else { continue };
            let from = text(alias) as usize;
            let to = match own {
                Some(node) => *node,
                None => Columns::child(&mut columns.nodes, ROOT, NONE, canonical),
            };
            let moved = match &columns.columns[from].values {
                Values::Text(texts) => texts.get(texts.len() - 1).to_owned(),
                _ => continue, // `from` is a text column
            };
            Columns::pop(&mut columns.columns[from], row);
            if let Values::Text(texts) = columns.column(to, Kind::Text, row) {
                texts.push(&moved);
            }
            let path = Some(columns.nodes[alias as usize].path.clone());
            match canonical {
                SERVICE => envelope.service_alias = path,
                LEVEL => envelope.level_alias = path,
                _ => envelope.message_alias = path,
            }
        }
        envelope
    }

    fn envelope_code(&mut self, envelope: Envelope) -> u32 {
        if let Some(last) = self.block.envelope_codes.last()
            && self.block.envelopes[*last as usize] == envelope
        {
            return *last;
        }
        let next = self.block.envelopes.len() as u32;
        *self.envelopes.entry(envelope).or_insert_with_key(|envelope| {
            self.block.envelopes.push(envelope.clone());
            next
        })
    }
}

/// Longest part of a bad value that an error repeats, in characters.
const FOUND_CHARS: usize = 64;

fn format_found(text: &str) -> String {
    match text.char_indices().nth(FOUND_CHARS) {
        Some((end, _)) => format!("{:?}…", &text[..end]),
        None => format!("{text:?}"),
    }
}
