//! The protobuf form. Field numbers: `opentelemetry/proto/{collector/logs,logs,resource,common}/v1/*.proto`
//! of <https://github.com/open-telemetry/opentelemetry-proto>.

use super::fields::write_record;
use super::{Record, SERVICE_NAME, invalid, write_object, write_resource};
use crate::decode::{BodyError, Decoded};
use crate::limits::MAX_DEPTH;
use crate::protocol::wire::{Fields, Malformed, Wire};
use crate::protocol::write;
use crate::shred::{EventError, TimeRule};
use crate::sink::Sink;

impl From<Malformed> for EventError {
    fn from(Malformed { offset, reason }: Malformed) -> Self {
        invalid(format!("{reason} at byte {offset} of the message"))
    }
}

impl From<Malformed> for BodyError {
    fn from(Malformed { offset, reason }: Malformed) -> Self {
        Self::Malformed { expected: "protobuf", reason: format!("{reason} at byte {offset} of the message") }
    }
}

/// Reads the records of a request.
pub fn decode(body: &[u8], rule: &TimeRule) -> Result<Decoded, BodyError> {
    let mut decoder = Decoder::default();
    let mut sink = Sink::new(*rule);
    let mut fields = Fields::of(body);
    while let Some((number, value)) = fields.next()? {
        if let (1, Wire::Bytes(resource_logs)) = (number, value) {
            decoder.resource_logs(resource_logs, &mut sink)?;
        }
    }
    Ok(sink.finish_any())
}

#[derive(Default)]
struct Decoder {
    /// What the resource says, as members of an event; then the scope behind it.
    shared: Vec<u8>,
    /// The same as an object.
    shared_object: Vec<u8>,
    parts: Parts,
    event: Vec<u8>,
}

#[derive(Default)]
struct Parts {
    body: Vec<u8>,
    attributes: Vec<u8>,
    trace_id: Vec<u8>,
    span_id: Vec<u8>,
    event_name: Vec<u8>,
}

impl Decoder {
    fn resource_logs(&mut self, bytes: &[u8], sink: &mut Sink) -> Result<(), BodyError> {
        let (mut resource, mut schema_url) = (&[][..], &[][..]);
        let mut fields = Fields::of(bytes);
        while let Some(field) = fields.next()? {
            match field {
                (1, Wire::Bytes(message)) => resource = message,
                (3, Wire::Bytes(text)) => schema_url = text,
                _ => {}
            }
        }
        self.shared.clear();
        let readable = self.resource(resource, schema_url);
        let resource_len = self.shared.len();
        let mut fields = Fields::of(bytes);
        while let Some((number, value)) = fields.next()? {
            if let (2, Wire::Bytes(scope_logs)) = (number, value) {
                self.shared.truncate(resource_len);
                self.scope_logs(scope_logs, readable.as_ref().err(), sink)?;
            }
        }
        Ok(())
    }

    fn resource(&mut self, bytes: &[u8], schema_url: &[u8]) -> Result<(), EventError> {
        let Parts { body: service, attributes, event_name: url, .. } = &mut self.parts;
        service.clear();
        attributes.clear();
        let mut dropped = 0;
        let mut fields = Fields::of(bytes);
        while let Some(field) = fields.next()? {
            match field {
                (1, Wire::Bytes(pair)) => {
                    let (name, value) = key_value(pair)?;
                    if name == SERVICE_NAME && service.is_empty() && is_text(value)? {
                        any_value(service, value, 1)?;
                    } else {
                        write::key(attributes, name);
                        any_value(attributes, value, 2)?;
                    }
                }
                (2, Wire::Varint(count)) => dropped = count,
                _ => {}
            }
        }
        url.clear();
        write::string(url, utf8(schema_url)?);
        write_resource(&mut self.shared, service, attributes, dropped, url);
        Ok(())
    }

    fn scope_logs(&mut self, bytes: &[u8], unreadable: Option<&EventError>, sink: &mut Sink) -> Result<(), BodyError> {
        let (mut scope, mut schema_url) = (&[][..], &[][..]);
        let mut fields = Fields::of(bytes);
        while let Some(field) = fields.next()? {
            match field {
                (1, Wire::Bytes(message)) => scope = message,
                (3, Wire::Bytes(text)) => schema_url = text,
                _ => {}
            }
        }
        let unreadable = unreadable.cloned().or(self.scope(scope, schema_url).err());
        self.shared_object.clear();
        if !self.shared.is_empty() {
            for part in [b"{", &self.shared[..], b"}"] {
                self.shared_object.extend_from_slice(part);
            }
        }
        let mut fields = Fields::of(bytes);
        while let Some((number, value)) = fields.next()? {
            let (2, Wire::Bytes(record)) = (number, value) else { continue };
            match &unreadable {
                Some(error) => {
                    sink.refuse(error.clone());
                }
                None => self.record(record, sink)?,
            }
        }
        Ok(())
    }

    fn scope(&mut self, bytes: &[u8], schema_url: &[u8]) -> Result<(), EventError> {
        let Parts { body: members, attributes, .. } = &mut self.parts;
        members.clear();
        attributes.clear();
        let mut fields = Fields::of(bytes);
        while let Some(field) = fields.next()? {
            match field {
                (1, Wire::Bytes(name)) => write::text(members, "name", utf8(name)?),
                (2, Wire::Bytes(version)) => write::text(members, "version", utf8(version)?),
                (3, Wire::Bytes(pair)) => attribute(attributes, pair)?,
                (4, Wire::Varint(dropped)) => {
                    write::key(members, "dropped_attributes_count");
                    write::uint(members, dropped);
                }
                _ => {}
            }
        }
        if !schema_url.is_empty() {
            write::text(members, "schema_url", utf8(schema_url)?);
        }
        write_object(members, "attributes", attributes);
        write_object(&mut self.shared, "scope", members);
        Ok(())
    }

    fn record(&mut self, bytes: &[u8], sink: &mut Sink) -> Result<(), BodyError> {
        let most_bytes = self.shared.len() + 2 * bytes.len() + 64;
        let (shared, scratch) = (&self.shared_object, &mut self.parts.body);
        if sink.accept_fields(most_bytes, |fields| write_record(fields, bytes, shared, scratch))? {
            return Ok(());
        }
        match self.record_as_json(bytes) {
            Ok(()) => sink.accept(&self.event).map(|_| ()),
            Err(error) => {
                sink.refuse(error);
                Ok(())
            }
        }
    }

    /// Writes the event of a record.
    fn record_as_json(&mut self, bytes: &[u8]) -> Result<(), EventError> {
        let Parts { body, attributes, trace_id, span_id, event_name } = &mut self.parts;
        for part in [&mut *body, attributes, trace_id, span_id, event_name] {
            part.clear();
        }
        let mut record = Record::default();
        let mut fields = Fields::of(bytes);
        while let Some(field) = fields.next()? {
            match field {
                (1, Wire::Fixed64(ns)) => record.time_ns = ns,
                (11, Wire::Fixed64(ns)) => record.observed_ns = ns,
                (2, Wire::Varint(severity)) => record.severity_number = severity as i64, // an enum: a sign-extended int32
                (3, Wire::Bytes(text)) => record.severity_text = utf8(text)?,
                (5, Wire::Bytes(value)) => {
                    body.clear();
                    any_value(body, value, 1)?;
                }
                (6, Wire::Bytes(pair)) => attribute(attributes, pair)?,
                (7, Wire::Varint(dropped)) => record.dropped_attributes = dropped,
                (8, Wire::Fixed32(flags)) => record.flags = u64::from(flags),
                (9, Wire::Bytes(id)) => id_in_hex(trace_id, id),
                (10, Wire::Bytes(id)) => id_in_hex(span_id, id),
                (12, Wire::Bytes(name)) if !name.is_empty() => {
                    event_name.clear();
                    write::string(event_name, utf8(name)?);
                }
                _ => {}
            }
        }
        // A body without a value is no body.
        if body == b"null" {
            body.clear();
        }
        let record = Record { trace_id, span_id, event_name, body, attributes, ..record };
        record.write(&self.shared, &mut self.event)
    }
}

/// An id of zeros is none.
pub(super) fn id_in_hex(out: &mut Vec<u8>, id: &[u8]) {
    out.clear();
    if id.iter().any(|byte| *byte != 0) {
        write::hex(out, id);
    }
}

pub(super) fn utf8(bytes: &[u8]) -> Result<&str, EventError> {
    std::str::from_utf8(bytes).map_err(|_| invalid("a string is not valid UTF-8"))
}

/// Appends a `KeyValue` as a member of an object.
fn attribute(out: &mut Vec<u8>, pair: &[u8]) -> Result<(), EventError> {
    let (name, value) = key_value(pair)?;
    write::key(out, name);
    any_value(out, value, 2)
}

pub(super) fn key_value(bytes: &[u8]) -> Result<(&str, &[u8]), EventError> {
    let (mut name, mut value) = (&[][..], &[][..]);
    let mut fields = Fields::of(bytes);
    while let Some(field) = fields.next()? {
        match field {
            (1, Wire::Bytes(text)) => name = text,
            (2, Wire::Bytes(message)) => value = message,
            _ => {}
        }
    }
    Ok((utf8(name)?, value))
}

fn is_text(any_value: &[u8]) -> Result<bool, EventError> {
    Ok(matches!(last_field(any_value)?, Some((1, Wire::Bytes(text))) if !text.is_empty()))
}

/// The field that counts in a message of alternatives.
pub(super) fn last_field(bytes: &[u8]) -> Result<Option<(u64, Wire<'_>)>, Malformed> {
    let mut last = None;
    let mut fields = Fields::of(bytes);
    while let Some(field) = fields.next()? {
        last = Some(field);
    }
    Ok(last)
}

/// Appends an `AnyValue` as JSON.
pub(super) fn any_value(out: &mut Vec<u8>, bytes: &[u8], depth: usize) -> Result<(), EventError> {
    if depth > MAX_DEPTH {
        return Err(EventError::TooDeep { offset: out.len() });
    }
    match last_field(bytes)? {
        Some((1, Wire::Bytes(text))) => write::string(out, utf8(text)?),
        Some((2, Wire::Varint(flag))) => out.extend_from_slice(if flag != 0 { b"true" } else { b"false" }),
        Some((3, Wire::Varint(number))) => write::int(out, number as i64), // int64: two's complement
        Some((4, Wire::Fixed64(bits))) => write::float(out, f64::from_bits(bits)),
        Some((5, Wire::Bytes(values))) => {
            out.push(b'[');
            let mut fields = Fields::of(values);
            while let Some((number, value)) = fields.next()? {
                if let (1, Wire::Bytes(value)) = (number, value) {
                    write::comma(out);
                    any_value(out, value, depth + 1)?;
                }
            }
            out.push(b']');
        }
        Some((6, Wire::Bytes(pairs))) => {
            out.push(b'{');
            let mut fields = Fields::of(pairs);
            while let Some((number, value)) = fields.next()? {
                if let (1, Wire::Bytes(pair)) = (number, value) {
                    let (name, value) = key_value(pair)?;
                    write::key(out, name);
                    any_value(out, value, depth + 1)?;
                }
            }
            out.push(b'}');
        }
        Some((7, Wire::Bytes(bytes))) => write::base64(out, bytes),
        _ => out.extend_from_slice(b"null"),
    }
    Ok(())
}
