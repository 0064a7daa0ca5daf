//! Columns that grow one JSON object at a time.
//!
//! The keys of all objects so far form a tree; each node knows its columns by kind, so a
//! field costs one comparison with the key that followed last time, and one push. An object
//! that turns out bad half-way is taken back out of the columns it touched.

use std::collections::HashMap;

use jiter::{Jiter, Peek};

use crate::block::{Column, Kind, Path, Values};
use crate::limits::{MAX_DEPTH, MAX_FIELDS, MAX_PATH_BYTES};
use crate::shred::EventError;

/// No column or node.
pub(crate) const NONE: u32 = u32::MAX;

/// A path, as a place in the tree of keys.
pub(crate) struct Node {
    pub(crate) path: Path,
    pub(crate) name_bytes: usize,
    children: HashMap<Box<str>, u32, xxhash_rust::xxh3::Xxh3Builder>,
    /// The child that came first in the last object here.
    first: u32,
    /// The sibling that followed this node in the last object.
    next: u32,
    /// The column of each kind.
    pub(crate) columns: [u32; 5],
    /// The event that was here last, to notice a key that occurs twice.
    pub(crate) seen: u64,
}

/// Columns that grow one JSON object at a time.
pub struct Columns {
    pub(crate) columns: Vec<Column>,
    pub(crate) nodes: Vec<Node>,
    /// Columns with a value of the event in work, so that it can be taken back.
    pub(crate) touched: Vec<u32>,
    tape: Vec<u8>,
    pub(crate) serial: u64,
}

/// What stopped an object: an error, or a key that occurs twice.
pub(crate) enum Stop {
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

/// The node of the object itself.
pub(crate) const ROOT: u32 = 0;

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

    /// Adds the members of a JSON object to the event in work, behind the field `previous`.
    pub(crate) fn members(&mut self, json: &[u8], previous: u32, row: u32) -> Result<(), Stop> {
        let mut jiter = Jiter::with_tape(json, std::mem::take(&mut self.tape));
        let outcome = match jiter.peek() {
            Ok(Peek::Object) => self.object_behind(&mut jiter, ROOT, previous, row, 1).map(|_| ()),
            Ok(peek) => Err(EventError::NotAnObject { found: name_of(peek) }.into()),
            Err(error) => Err(error.into()),
        };
        self.tape = jiter.into_tape();
        outcome
    }

    /// Reads the object that begins here. Whether it had any key is the result.
    fn object(&mut self, jiter: &mut Jiter<'_>, parent: u32, row: u32, depth: usize) -> Result<bool, Stop> {
        self.object_behind(jiter, parent, NONE, row, depth)
    }

    fn object_behind(
        &mut self,
        jiter: &mut Jiter<'_>,
        parent: u32,
        mut previous: u32,
        row: u32,
        depth: usize,
    ) -> Result<bool, Stop> {
        if depth > MAX_DEPTH {
            return Err(EventError::TooDeep { offset: jiter.current_index() }.into());
        }
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

    pub(crate) fn json(&mut self, node: u32, row: u32, text: &str) {
        if let Values::Json(texts) = self.column(node, Kind::Json, row) {
            texts.push(text);
        }
    }

    /// The values of a node's column of this kind, with `row` entered; the caller pushes the value.
    pub(crate) fn column(&mut self, node: u32, kind: Kind, row: u32) -> &mut Values {
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
    pub(crate) fn child(nodes: &mut Vec<Node>, parent: u32, previous: u32, key: &str) -> u32 {
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
    pub(crate) fn undo(&mut self, row: u32) {
        for index in self.touched.drain(..) {
            Self::pop(&mut self.columns[index as usize], row);
        }
    }

    /// Takes out the value of `row` if it is the last; whether there was one.
    pub(crate) fn pop(column: &mut Column, row: u32) -> bool {
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
