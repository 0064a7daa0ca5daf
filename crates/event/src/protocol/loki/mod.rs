//! Loki's push (<https://grafana.com/docs/loki/latest/reference/loki-http-api/#ingest-logs>).
//!
//! Streams of lines: labels once, then entries of time, line and structured metadata. A stream whose
//! labels cannot be read refuses its entries.

mod labels;

use std::borrow::Cow;

use self::labels::read_labels;
use crate::columns::Stop;
use crate::decode::{BodyError, Decoded, Encoding, decompress_within};
use crate::limits::{MAX_DECODED_BYTES, MAX_FIELDS};
use crate::protocol::scan::{self, Elements, Members};
use crate::protocol::wire::{Fields, Wire};
use crate::protocol::write;
use crate::shred::{EventError, TimeRule};
use crate::sink::Sink;

/// Labels that name the service, the first that is there counts.
const SERVICE_LABELS: [&str; 4] = ["service_name", "service", "app", "job"];
/// Labels and metadata that name the level.
const LEVEL_LABELS: [&str; 3] = ["level", "severity", "detected_level"];
/// Metadata that is the id of the trace.
const TRACE_LABELS: [&str; 4] = ["trace_id", "traceID", "traceId", "traceid"];

/// Reads a `PushRequest` of protobuf, compressed as one Snappy block. Field numbers: `pkg/push/push.proto` of
/// <https://github.com/grafana/loki>.
pub fn decode_protobuf(body: &[u8], rule: &TimeRule) -> Result<Decoded, BodyError> {
    let body = decompress_within(body, Encoding::Snappy, MAX_DECODED_BYTES)?;
    let mut decoder = Decoder::new(rule);
    let mut fields = Fields::of(&body);
    while let Some((number, value)) = fields.next()? {
        if let (1, Wire::Bytes(stream)) = (number, value) {
            decoder.protobuf_stream(stream)?;
        }
    }
    decoder.sink.finish()
}

/// Reads the JSON form: `{"streams":[{"stream":{…},"values":[["ns","line",{…}]]}]}`.
pub fn decode_json(body: &[u8], rule: &TimeRule) -> Result<Decoded, BodyError> {
    let mut decoder = Decoder::new(rule);
    let mut request = Members::of(body)?;
    while let Some(name) = request.name()? {
        if name != b"streams" {
            request.value()?;
            continue;
        }
        let mut streams = Elements::of(request.here())?;
        while let Some(stream) = streams.here()? {
            streams.resume(decoder.json_stream(stream)?);
        }
        request.resume(streams.rest());
    }
    scan::ends(body, request.rest())?;
    decoder.sink.finish()
}

struct Decoder {
    sink: Sink,
    /// What the stream says, as members of an event.
    shared: Vec<u8>,
    /// The same as an object.
    shared_object: Vec<u8>,
    has_level: bool,
    has_trace: bool,
    event: Vec<u8>,
}

type Pairs<'b> = Vec<(Cow<'b, str>, Cow<'b, str>)>;

impl Decoder {
    fn new(rule: &TimeRule) -> Self {
        Self {
            sink: Sink::new(*rule),
            shared: vec![],
            shared_object: vec![],
            has_level: false,
            has_trace: false,
            event: vec![],
        }
    }

    fn protobuf_stream(&mut self, bytes: &[u8]) -> Result<(), BodyError> {
        let mut labels = &[][..];
        let mut fields = Fields::of(bytes);
        while let Some(field) = fields.next()? {
            if let (1, Wire::Bytes(text)) = field {
                labels = text;
            }
        }
        let read = std::str::from_utf8(labels).ok().and_then(read_labels);
        let unreadable = read.is_none().then(|| invalid_labels(&String::from_utf8_lossy(labels)));
        self.share(&read.unwrap_or_default());
        let mut fields = Fields::of(bytes);
        while let Some((number, value)) = fields.next()? {
            if let (2, Wire::Bytes(entry)) = (number, value) {
                match &unreadable {
                    Some(error) => {
                        self.sink.refuse(error.clone());
                    }
                    None => match protobuf_entry(entry) {
                        Ok(read) => self.settle(&read, entry.len())?,
                        Err(error) => {
                            self.sink.refuse(error);
                        }
                    },
                }
            }
        }
        Ok(())
    }

    /// Gives an entry to the sink field by field, or as JSON where a name comes twice in it. It took `bytes` of the body.
    fn settle<S: AsRef<str>>(&mut self, entry: &Entry<S>, bytes: usize) -> Result<(), BodyError> {
        let (line, metadata) = (entry.line.as_ref(), &entry.metadata);
        let most_bytes = self.shared.len() + 2 * bytes + 64;
        let (has_level, has_trace, shared) = (self.has_level, self.has_trace, &self.shared_object);
        let taken = self.sink.accept_fields(most_bytes, |fields| {
            fields.timestamp(write::time_of_ns(entry.ns).ok_or(Stop::DuplicateKey)?);
            fields.text("message", line)?;
            let level = first_of(&LEVEL_LABELS, metadata).filter(|_| !has_level);
            let trace_id = first_of(&TRACE_LABELS, metadata).filter(|_| !has_trace);
            for (name, text) in [("level", level), ("trace_id", trace_id)] {
                if let Some(text) = text {
                    fields.text(name, text)?;
                }
            }
            if !metadata.is_empty() {
                fields.object("structured_metadata", |inner| {
                    metadata.iter().try_for_each(|(name, value)| inner.text(name.as_ref(), value.as_ref()))
                })?;
            }
            if shared.is_empty() { Ok(()) } else { fields.members(shared) }
        })?;
        if taken {
            return Ok(());
        }
        match self.write(entry) {
            Ok(()) => self.sink.accept(&self.event).map(|_| ()),
            Err(error) => {
                self.sink.refuse(error);
                Ok(())
            }
        }
    }

    /// Writes an entry as the JSON of its event.
    fn write<S: AsRef<str>>(&mut self, entry: &Entry<S>) -> Result<(), EventError> {
        self.event.clear();
        self.event.push(b'{');
        write::timestamp_ns(&mut self.event, entry.ns)?;
        write::text(&mut self.event, "message", entry.line.as_ref());
        if !self.shared.is_empty() {
            write::comma(&mut self.event);
            self.event.extend_from_slice(&self.shared);
        }
        if !entry.metadata.is_empty() {
            lift(&mut self.event, &entry.metadata, self.has_level, self.has_trace);
            write::key(&mut self.event, "structured_metadata");
            write::pairs(&mut self.event, &entry.metadata);
        }
        self.event.push(b'}');
        Ok(())
    }

    /// Reads the stream that begins `json`, and gives what follows it.
    fn json_stream<'b>(&mut self, json: &'b [u8]) -> Result<&'b [u8], BodyError> {
        let mut stream = None;
        let mut values_before_stream = None;
        let mut members = Members::of(json)?;
        while let Some(name) = members.name()? {
            match name {
                b"stream" => stream = Some(members.value()?),
                b"values" if stream.is_none() => values_before_stream = Some(members.value()?),
                b"values" => {
                    let rest = self.json_entries(stream, members.here())?;
                    members.resume(rest);
                }
                b"labels" | b"entries" => {
                    let reason = "labels and entries belong to an older interface: expected stream and values".into();
                    return Err(BodyError::Malformed { expected: "a push to Loki", reason });
                }
                _ => {
                    members.value()?;
                }
            }
        }
        if let Some(values) = values_before_stream {
            self.json_entries(stream, values)?;
        }
        Ok(members.rest())
    }

    /// Reads the entries in the array that begins `json`, and gives what follows it.
    fn json_entries<'b>(&mut self, stream: Option<&[u8]>, json: &'b [u8]) -> Result<&'b [u8], BodyError> {
        let labels = json_labels(stream.unwrap_or(b"{}"));
        self.share(labels.as_deref().unwrap_or_default());
        let mut entries = Elements::of(json)?;
        while let Some(here) = entries.here()? {
            let read = match &labels {
                Err(error) => Err(error.clone()),
                Ok(_) => json_entry(here),
            };
            match read {
                Ok((entry, rest)) => {
                    entries.resume(rest);
                    self.settle(&entry, here.len() - rest.len())?;
                }
                Err(error) => {
                    // Where the entry ends is found by its brackets.
                    entries.value()?;
                    self.sink.refuse(error);
                }
            }
        }
        Ok(entries.rest())
    }

    /// Writes what every entry of a stream has.
    fn share(&mut self, labels: &[(Cow<'_, str>, Cow<'_, str>)]) {
        self.shared.clear();
        if let Some(service) = first_of(&SERVICE_LABELS, labels) {
            write::text(&mut self.shared, "service", service);
        }
        self.has_level = first_of(&LEVEL_LABELS, labels).is_some();
        self.has_trace = first_of(&TRACE_LABELS, labels).is_some();
        lift(&mut self.shared, labels, false, false);
        if !labels.is_empty() {
            write::key(&mut self.shared, "labels");
            write::pairs(&mut self.shared, labels);
        }
        self.shared_object.clear();
        if !self.shared.is_empty() {
            for part in [b"{", &self.shared[..], b"}"] {
                self.shared_object.extend_from_slice(part);
            }
        }
    }
}

/// Writes level and trace where labels or metadata name them.
fn lift<N: AsRef<str>, V: AsRef<str>>(out: &mut Vec<u8>, pairs: &[(N, V)], has_level: bool, has_trace: bool) {
    if let Some(level) = first_of(&LEVEL_LABELS, pairs).filter(|_| !has_level) {
        write::text(out, "level", level);
    }
    if let Some(trace_id) = first_of(&TRACE_LABELS, pairs).filter(|_| !has_trace) {
        write::text(out, "trace_id", trace_id);
    }
}

fn first_of<'p, N: AsRef<str>, V: AsRef<str>>(names: &[&str], pairs: &'p [(N, V)]) -> Option<&'p str> {
    names.iter().find_map(|wanted| {
        let (_, value) = pairs.iter().find(|(name, value)| name.as_ref() == *wanted && !value.as_ref().is_empty())?;
        Some(value.as_ref())
    })
}

/// A line of a stream.
struct Entry<S> {
    ns: u64,
    line: S,
    metadata: Vec<(S, S)>,
}

fn protobuf_entry(bytes: &[u8]) -> Result<Entry<&str>, EventError> {
    let (mut time, mut line) = (&[][..], &[][..]);
    let mut metadata = Vec::new();
    let mut fields = Fields::of(bytes);
    while let Some(field) = fields.next()? {
        match field {
            (1, Wire::Bytes(message)) => time = message,
            (2, Wire::Bytes(text)) => line = text,
            (3, Wire::Bytes(_)) if metadata.len() == MAX_FIELDS => return Err(EventError::TooManyFields),
            (3, Wire::Bytes(pair)) => metadata.push(label_pair(pair)?),
            _ => {}
        }
    }
    let (mut seconds, mut nanos) = (0u64, 0);
    let mut fields = Fields::of(time);
    while let Some(field) = fields.next()? {
        match field {
            (1, Wire::Varint(number)) => seconds = number,
            (2, Wire::Varint(number)) => nanos = number,
            _ => {}
        }
    }
    // Times before 1970 are negative, and out of range here as they are in Loki.
    let ns = seconds.checked_mul(1_000_000_000).and_then(|ns| ns.checked_add(nanos)).unwrap_or(u64::MAX);
    Ok(Entry { ns, line: utf8(line)?, metadata })
}

fn label_pair(bytes: &[u8]) -> Result<(&str, &str), EventError> {
    let (mut name, mut value) = (&[][..], &[][..]);
    let mut fields = Fields::of(bytes);
    while let Some(field) = fields.next()? {
        match field {
            (1, Wire::Bytes(text)) => name = text,
            (2, Wire::Bytes(text)) => value = text,
            _ => {}
        }
    }
    Ok((utf8(name)?, utf8(value)?))
}

fn utf8(bytes: &[u8]) -> Result<&str, EventError> {
    std::str::from_utf8(bytes).map_err(|_| invalid("a string is not valid UTF-8"))
}

/// Reads the entry that begins `json`, and gives what follows it.
fn json_entry(json: &[u8]) -> Result<(Entry<Cow<'_, str>>, &[u8]), EventError> {
    let mut parts = Elements::of(json)?;
    let ns = parts.next()?.and_then(scan::number).ok_or_else(|| invalid("the time is not nanoseconds as a string"))?;
    let line = parts.next()?.and_then(scan::text).ok_or_else(|| invalid("the line is not a string"))?;
    let mut metadata = vec![];
    if let Some(here) = parts.here()? {
        let (pairs, rest) = json_pairs(here)?;
        metadata = pairs;
        parts.resume(rest);
    }
    while parts.next()?.is_some() {}
    Ok((Entry { ns, line, metadata }, parts.rest()))
}

fn json_labels(json: &[u8]) -> Result<Pairs<'_>, EventError> {
    json_pairs(json).map(|(pairs, _)| pairs)
}

/// The members of the object that begins `json`, whose values are all strings, and what follows it.
fn json_pairs(json: &[u8]) -> Result<(Pairs<'_>, &[u8]), EventError> {
    let mut pairs = Vec::new();
    let mut members = Members::of(json)?;
    while let Some((name, value)) = members.next()? {
        if pairs.len() == MAX_FIELDS {
            return Err(EventError::TooManyFields);
        }
        let pair = scan::name_text(name).zip(scan::text(value));
        pairs.push(
            pair.ok_or_else(|| invalid("labels and structured metadata have names and values that are strings"))?,
        );
    }
    Ok((pairs, members.rest()))
}

fn invalid(reason: impl Into<String>) -> EventError {
    EventError::Protocol { code: "invalid_entry", reason: reason.into() }
}

fn invalid_labels(found: &str) -> EventError {
    let shown: String = found.chars().take(64).collect();
    let reason = format!("labels {shown:?} cannot be read: expected {{name=\"value\", …}}");
    EventError::Protocol { code: "invalid_labels", reason }
}
