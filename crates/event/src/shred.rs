//! One JSON event → columns, with its timestamp read and its canonical fields in their places.

use std::collections::HashMap;

use crate::block::{Block, Envelope, Kind, LEVEL, MESSAGE, Path, SERVICE, TIMESTAMP, Values};
use crate::columns::{Columns, NONE, ROOT, Stop};
use crate::fields::Fields;
use crate::limits::{MAX_DEPTH, MAX_EVENT_BYTES, MAX_FIELDS, MAX_PATH_BYTES};
use crate::timestamp::{Epoch, Spelling, Timestamp};

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
    /// Not what the protocol says that it came by.
    #[error("{reason}")]
    Protocol {
        /// The stable name of the error.
        code: &'static str,
        /// What is wrong with it.
        reason: String,
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
            Self::Protocol { code, .. } => code,
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
    /// The path `timestamp`, for events that come field by field.
    timestamp_path: Option<Path>,
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
        let taken = self.take_timestamp(row, rule);
        self.settle(row, taken, json.len())
    }

    /// Adds an event whose fields `write` gives: how many bytes it takes as JSON, about, as far as it was written,
    /// and what became of it. `false` when it has to be written as JSON instead. Otherwise as [`Self::push`].
    pub(crate) fn push_fields(
        &mut self,
        rule: &TimeRule,
        write: impl FnOnce(&mut Fields<'_>) -> Result<(), Stop>,
    ) -> (usize, Result<bool, EventError>) {
        let row = self.block.rows() as u32;
        let mut fields = Fields::begin(&mut self.columns, row);
        let written = write(&mut fields);
        let (json_bytes, time) = fields.end();
        let written = match written {
            Ok(()) if json_bytes > MAX_EVENT_BYTES => Err(Stop::Error(EventError::TooLarge { bytes: json_bytes })),
            other => other,
        };
        if let Err(stop) = written {
            self.columns.undo(row);
            return match stop {
                Stop::Error(error) => (json_bytes, Err(error)),
                Stop::DuplicateKey => (json_bytes, Ok(false)),
            };
        }
        self.find_names();
        let taken = match time {
            Some(time) => within(time, rule).map(|()| {
                let path = self.timestamp_path.get_or_insert_with(|| Path::of(TIMESTAMP)).clone();
                let spelling = Spelling::Epoch(Epoch { unit_ns: 1, fraction_digits: 0, quoted: false });
                let envelope = Envelope {
                    timestamp_path: path,
                    timestamp_spelling: spelling,
                    service_alias: None,
                    level_alias: None,
                    message_alias: None,
                };
                (time, envelope)
            }),
            None => self.take_timestamp(row, rule),
        };
        (json_bytes, self.settle(row, taken, json_bytes).map(|()| true))
    }

    fn settle(
        &mut self,
        row: u32,
        taken: Result<(Timestamp, Envelope), EventError>,
        json_bytes: usize,
    ) -> Result<(), EventError> {
        match taken {
            Ok((timestamp, envelope)) => {
                let envelope = self.take_aliases(row, envelope);
                let code = self.envelope_code(envelope);
                self.block.timestamps.push(timestamp.0);
                self.block.envelope_codes.push(code);
                self.block.raw_bytes += json_bytes as u64;
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
        let read = match &column.values {
            Values::Text(texts) => Spelling::of_text(texts.get(last)),
            Values::Int(values) => Spelling::of_number(&values[last].to_string()),
            Values::Float(values) => Spelling::of_number(ryu::Buffer::new().format_finite(values[last])),
            Values::Json(texts) => Spelling::of_number(texts.get(last)),
            Values::Bool(_) => None,
        };
        let Some((timestamp, spelling)) = read else {
            return Err(EventError::BadTimestamp { name: path.name(), found: format_found(&column.values, last) });
        };
        within(timestamp, rule)?;
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

/// That a time is one that the rule takes.
fn within(timestamp: Timestamp, rule: &TimeRule) -> Result<(), EventError> {
    if timestamp < rule.oldest {
        return Err(EventError::TooOld { timestamp, oldest: rule.oldest });
    }
    if timestamp > rule.latest {
        return Err(EventError::TooNew { timestamp, latest: rule.latest });
    }
    Ok(())
}

/// Longest part of a bad value that an error repeats, in characters.
const FOUND_CHARS: usize = 64;

fn format_found(values: &Values, place: usize) -> String {
    let text = match values {
        Values::Text(texts) | Values::Json(texts) => texts.get(place),
        Values::Int(values) => return values[place].to_string(),
        Values::Float(values) => return ryu::Buffer::new().format_finite(values[place]).to_owned(),
        Values::Bool(values) => return values[place].to_string(),
    };
    match text.char_indices().nth(FOUND_CHARS) {
        Some((end, _)) => format!("{:?}…", &text[..end]),
        None => format!("{text:?}"),
    }
}
