//! OTLP logs (<https://opentelemetry.io/docs/specs/otlp/>): `ExportLogsServiceRequest` as protobuf and as JSON.
//!
//! A record of the body is an event. What its resource and scope say is written once and copied
//! into each of their events. A record, resource or scope that cannot be read refuses its own records.

mod fields;
mod json;
mod protobuf;

pub use json::decode as decode_json;
pub use protobuf::decode as decode_protobuf;

use crate::level::Level;
use crate::protocol::write;
use crate::shred::EventError;

/// The attribute of a resource that names the service.
const SERVICE_NAME: &str = "service.name";

/// Names of the severity numbers 1 to 24, four numbers each (Logs Data Model, "Displaying Severity").
const LEVELS: [Level; 6] = Level::ALL;

/// A record, its parts in JSON where they have a form of their own; empty where they are absent.
#[derive(Default)]
struct Record<'r> {
    time_ns: u64,
    observed_ns: u64,
    severity_number: i64,
    severity_text: &'r str,
    dropped_attributes: u64,
    flags: u64,
    trace_id: &'r [u8],
    span_id: &'r [u8],
    event_name: &'r [u8],
    body: &'r [u8],
    /// The attributes as members of an object, without its braces.
    attributes: &'r [u8],
}

impl Record<'_> {
    /// Writes the event of a record whose resource and scope are `shared`.
    fn write(&self, shared: &[u8], out: &mut Vec<u8>) -> Result<(), EventError> {
        out.clear();
        out.push(b'{');
        match (self.time_ns, self.observed_ns) {
            (0, 0) => {}
            (0, observed) => write::timestamp_ns(out, observed)?,
            (time, 0) => write::timestamp_ns(out, time)?,
            (time, observed) => {
                write::timestamp_ns(out, time)?;
                write::key(out, "observed_timestamp");
                write::uint(out, observed);
            }
        }
        self.write_severity(out);
        for (name, json) in [("trace_id", self.trace_id), ("span_id", self.span_id), ("event_name", self.event_name)] {
            if !json.is_empty() {
                write::raw(out, name, json);
            }
        }
        if !self.body.is_empty() {
            let name = if self.body.first() == Some(&b'"') { "message" } else { "body" };
            write::raw(out, name, self.body);
        }
        if !self.attributes.is_empty() {
            write::key(out, "attributes");
            out.push(b'{');
            out.extend_from_slice(self.attributes);
            out.push(b'}');
        }
        for (name, number) in [("flags", self.flags), ("dropped_attributes_count", self.dropped_attributes)] {
            if number > 0 {
                write::key(out, name);
                write::uint(out, number);
            }
        }
        if !shared.is_empty() {
            write::comma(out);
            out.extend_from_slice(shared);
        }
        out.push(b'}');
        Ok(())
    }

    fn write_severity(&self, out: &mut Vec<u8>) {
        let (level, severity_text) = level_of(self.severity_text, self.severity_number);
        for (name, text) in [("level", level), ("severity_text", severity_text)] {
            if let Some(text) = text {
                write::text(out, name, text);
            }
        }
        if self.severity_number != 0 {
            write::key(out, "severity_number");
            write::int(out, self.severity_number);
        }
    }
}

/// The level, which is the severity's text where that says one, else the name of its number; and the text, where it is
/// not the level.
fn level_of(text: &str, number: i64) -> (Option<&str>, Option<&str>) {
    let by_number = usize::try_from(number.saturating_sub(1)).ok().and_then(|index| LEVELS.get(index / 4));
    match (text, by_number) {
        ("", by_number) => (by_number.map(|level| level.name()), None),
        (text, Some(level)) if Level::of_text(text).is_none() => (Some(level.name()), Some(text)),
        (text, _) => (Some(text), None),
    }
}

/// Writes `"service":…,"resource":{…}` from the members of a resource.
fn write_resource(out: &mut Vec<u8>, service: &[u8], attributes: &[u8], dropped: u64, schema_url: &[u8]) {
    if !service.is_empty() {
        write::raw(out, "service", service);
    }
    write_object(out, "resource", attributes);
    if dropped > 0 {
        write::key(out, "resource_dropped_attributes_count");
        write::uint(out, dropped);
    }
    if schema_url.len() > 2 {
        write::raw(out, "resource_schema_url", schema_url);
    }
}

/// Writes a member that is an object of these members, unless there are none.
fn write_object(out: &mut Vec<u8>, name: &str, members: &[u8]) {
    if !members.is_empty() {
        write::key(out, name);
        out.push(b'{');
        out.extend_from_slice(members);
        out.push(b'}');
    }
}

/// A record in which `what` cannot be read.
fn invalid(what: impl Into<String>) -> EventError {
    EventError::Protocol { code: "invalid_record", reason: what.into() }
}
