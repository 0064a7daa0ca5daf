//! The JSON form (<https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding>): names in camel case or as
//! in the `.proto` files, ids in hexadecimal, 64-bit numbers as strings or numbers, enums as numbers.

use std::borrow::Cow;

use super::{Record, SERVICE_NAME, invalid, write_object, write_resource};
use crate::decode::{BodyError, Decoded};
use crate::limits::MAX_DEPTH;
use crate::protocol::scan::{self, Elements, Members};
use crate::protocol::write;
use crate::shred::{EventError, TimeRule};
use crate::sink::Sink;

/// Reads the records of a request.
pub fn decode(body: &[u8], rule: &TimeRule) -> Result<Decoded, BodyError> {
    let mut decoder = Decoder::default();
    let mut sink = Sink::new(*rule);
    let mut request = Members::of(body)?;
    while let Some(name) = request.name()? {
        if !matches!(name, b"resourceLogs" | b"resource_logs") {
            request.value()?;
            continue;
        }
        let mut all = Elements::of(request.here())?;
        while let Some(resource_logs) = all.here()? {
            all.resume(decoder.resource_logs(resource_logs, &mut sink)?);
        }
        request.resume(all.rest());
    }
    scan::ends(body, request.rest())?;
    Ok(sink.finish_any())
}

#[derive(Default)]
struct Decoder {
    /// What the resource says, as members of an event; then the scope behind it.
    shared: Vec<u8>,
    body: Vec<u8>,
    attributes: Vec<u8>,
    event: Vec<u8>,
}

impl Decoder {
    /// Reads the object that begins `json`, and gives what follows it.
    fn resource_logs<'b>(&mut self, json: &'b [u8], sink: &mut Sink) -> Result<&'b [u8], BodyError> {
        let (mut resource, mut schema_url, mut scopes) = (&b"{}"[..], &[][..], &b"[]"[..]);
        let mut members = Members::of(json)?;
        while let Some((name, value)) = members.next()? {
            match name {
                _ if value == b"null" => {}
                b"resource" => resource = value,
                b"schemaUrl" | b"schema_url" => schema_url = value,
                b"scopeLogs" | b"scope_logs" => scopes = value,
                _ => {}
            }
        }
        self.shared.clear();
        let readable = self.resource(resource, schema_url);
        let resource_len = self.shared.len();
        let mut all = Elements::of(scopes)?;
        while let Some(scope_logs) = all.here()? {
            self.shared.truncate(resource_len);
            all.resume(self.scope_logs(scope_logs, readable.as_ref().err(), sink)?);
        }
        Ok(members.rest())
    }

    fn resource(&mut self, json: &[u8], schema_url: &[u8]) -> Result<(), EventError> {
        let (mut service, mut dropped) = (&[][..], 0);
        self.attributes.clear();
        let mut members = Members::of(json)?;
        while let Some((name, value)) = members.next()? {
            match name {
                b"attributes" => {
                    let mut pairs = Elements::of(value)?;
                    while let Some(pair) = pairs.next()? {
                        let (name, value) = key_value(pair)?;
                        match text_value(value)? {
                            Some(text) if service.is_empty() && name.1 == SERVICE_NAME => service = text,
                            _ => {
                                write::raw_key(&mut self.attributes, name.0);
                                any_value(&mut self.attributes, value, 2)?;
                            }
                        }
                    }
                }
                b"droppedAttributesCount" | b"dropped_attributes_count" => dropped = number(value, "a count")?,
                _ => {}
            }
        }
        write_resource(&mut self.shared, service, &self.attributes, dropped, schema_url);
        Ok(())
    }

    /// Reads the object that begins `json`, and gives what follows it.
    fn scope_logs<'b>(
        &mut self,
        json: &'b [u8],
        unreadable: Option<&EventError>,
        sink: &mut Sink,
    ) -> Result<&'b [u8], BodyError> {
        let (mut scope, mut schema_url, mut records) = (&b"{}"[..], &[][..], &b"[]"[..]);
        let mut members = Members::of(json)?;
        while let Some((name, value)) = members.next()? {
            match name {
                _ if value == b"null" => {}
                b"scope" => scope = value,
                b"schemaUrl" | b"schema_url" => schema_url = value,
                b"logRecords" | b"log_records" => records = value,
                _ => {}
            }
        }
        let unreadable = unreadable.cloned().or(self.scope(scope, schema_url).err());
        let mut all = Elements::of(records)?;
        while let Some(record) = all.here()? {
            let read = match &unreadable {
                Some(error) => Err(error.clone()),
                None => self.record(record),
            };
            match read {
                Ok(rest) => {
                    all.resume(rest);
                    sink.accept(&self.event)?;
                }
                Err(error) => {
                    // Where the record ends is found by its brackets.
                    all.value()?;
                    sink.refuse(error);
                }
            }
        }
        Ok(members.rest())
    }

    fn scope(&mut self, json: &[u8], schema_url: &[u8]) -> Result<(), EventError> {
        self.body.clear();
        self.attributes.clear();
        let mut members = Members::of(json)?;
        while let Some((name, value)) = members.next()? {
            match name {
                b"name" if scan::is_filled_string(value) => write::raw(&mut self.body, "name", value),
                b"version" if scan::is_filled_string(value) => write::raw(&mut self.body, "version", value),
                b"attributes" => {
                    attributes(&mut self.attributes, value)?;
                }
                b"droppedAttributesCount" | b"dropped_attributes_count" => {
                    write::raw(&mut self.body, "dropped_attributes_count", value);
                }
                _ => {}
            }
        }
        if scan::is_filled_string(schema_url) {
            write::raw(&mut self.body, "schema_url", schema_url);
        }
        write_object(&mut self.body, "attributes", &self.attributes);
        write_object(&mut self.shared, "scope", &self.body);
        Ok(())
    }

    /// Writes the event of the record that begins `json`, and gives what follows it.
    fn record<'b>(&mut self, json: &'b [u8]) -> Result<&'b [u8], EventError> {
        self.body.clear();
        self.attributes.clear();
        let mut record = Record::default();
        let mut severity_text = Cow::Borrowed("");
        let mut members = Members::of(json)?;
        while let Some(name) = members.name()? {
            match name {
                b"body" => {
                    self.body.clear();
                    let rest = any_value(&mut self.body, members.here(), 1)?;
                    members.resume(rest);
                    continue;
                }
                b"attributes" => {
                    let rest = attributes(&mut self.attributes, members.here())?;
                    members.resume(rest);
                    continue;
                }
                _ => {}
            }
            let value = members.value()?;
            match name {
                _ if value == b"null" => {}
                b"timeUnixNano" | b"time_unix_nano" => record.time_ns = number(value, "timeUnixNano")?,
                b"observedTimeUnixNano" | b"observed_time_unix_nano" => {
                    record.observed_ns = number(value, "observedTimeUnixNano")?;
                }
                b"severityNumber" | b"severity_number" => record.severity_number = number(value, "severityNumber")?,
                b"severityText" | b"severity_text" => {
                    severity_text = scan::text(value).ok_or_else(|| invalid("severityText is not a string"))?;
                }
                b"droppedAttributesCount" | b"dropped_attributes_count" => {
                    record.dropped_attributes = number(value, "droppedAttributesCount")?;
                }
                b"flags" => record.flags = number(value, "flags")?,
                b"traceId" | b"trace_id" => record.trace_id = id(value)?,
                b"spanId" | b"span_id" => record.span_id = id(value)?,
                b"eventName" | b"event_name" if scan::is_filled_string(value) => record.event_name = value,
                _ => {}
            }
        }
        if self.body == b"null" {
            self.body.clear();
        }
        let record = Record { severity_text: &severity_text, body: &self.body, attributes: &self.attributes, ..record };
        record.write(&self.shared, &mut self.event)?;
        Ok(members.rest())
    }
}

/// An id as it was sent; one of zeros is none.
fn id(json: &[u8]) -> Result<&[u8], EventError> {
    let digits = json.strip_prefix(b"\"").and_then(|rest| rest.strip_suffix(b"\""));
    match digits {
        Some(digits) if digits.iter().all(|byte| *byte == b'0') => Ok(&[]),
        Some(digits) if digits.iter().all(u8::is_ascii_hexdigit) => Ok(json),
        _ => Err(invalid("an id is not a string of hexadecimal digits")),
    }
}

fn number<N: std::str::FromStr>(json: &[u8], name: &str) -> Result<N, EventError> {
    scan::number(json).ok_or_else(|| invalid(format!("{name} is not a whole number in its range")))
}

/// Appends the array of `KeyValue` that begins `json` as members of an object, and gives what follows it.
fn attributes<'b>(out: &mut Vec<u8>, json: &'b [u8]) -> Result<&'b [u8], EventError> {
    if let Some(rest) = scan::behind_null(json) {
        return Ok(rest);
    }
    pairs(out, json, 2)
}

fn pairs<'b>(out: &mut Vec<u8>, json: &'b [u8], depth: usize) -> Result<&'b [u8], EventError> {
    let mut all = Elements::of(json)?;
    while let Some(pair) = all.here()? {
        all.resume(member(out, pair, depth)?);
    }
    Ok(all.rest())
}

/// Appends the `KeyValue` that begins `json` as a member of an object, and gives what follows it.
fn member<'b>(out: &mut Vec<u8>, json: &'b [u8], depth: usize) -> Result<&'b [u8], EventError> {
    let (mut key, mut value) = (None, &b"null"[..]);
    let mut is_written = false;
    let mut members = Members::of(json)?;
    while let Some(name) = members.name()? {
        match (name, key) {
            (b"key", _) => {
                let text = members.value()?;
                if text.first() != Some(&b'"') {
                    return Err(invalid("the key of an attribute is not a string"));
                }
                key = Some(text);
            }
            (b"value", Some(key)) if !is_written => {
                write::raw_key(out, key);
                let rest = any_value(out, members.here(), depth)?;
                members.resume(rest);
                is_written = true;
            }
            (b"value", None) => value = members.value()?,
            _ => {
                members.value()?;
            }
        }
    }
    if !is_written {
        write::raw_key(out, key.unwrap_or(b"\"\""));
        any_value(out, value, depth)?;
    }
    Ok(members.rest())
}

/// A name as JSON and as what it says.
type Name<'j> = (&'j [u8], Cow<'j, str>);

fn key_value(json: &[u8]) -> Result<(Name<'_>, &[u8]), EventError> {
    let (mut name, mut value) = (&b"\"\""[..], &b"null"[..]);
    let mut members = Members::of(json)?;
    while let Some((member, json)) = members.next()? {
        match member {
            b"key" => name = json,
            b"value" => value = json,
            _ => {}
        }
    }
    let text = scan::text(name).ok_or_else(|| invalid("the key of an attribute is not a string"))?;
    Ok(((name, text), value))
}

/// The JSON string in an `AnyValue`, if it holds one with something in it.
fn text_value(json: &[u8]) -> Result<Option<&[u8]>, EventError> {
    if json == b"null" {
        return Ok(None);
    }
    let member = Members::of(json)?.next()?;
    Ok(member.and_then(|(name, value)| {
        (matches!(name, b"stringValue" | b"string_value") && scan::is_filled_string(value)).then_some(value)
    }))
}

/// Appends the `AnyValue` that begins `json` as the JSON that it stands for, and gives what follows it.
fn any_value<'b>(out: &mut Vec<u8>, json: &'b [u8], depth: usize) -> Result<&'b [u8], EventError> {
    if depth > MAX_DEPTH {
        return Err(EventError::TooDeep { offset: out.len() });
    }
    if let Some(rest) = scan::behind_null(json) {
        out.extend_from_slice(b"null");
        return Ok(rest);
    }
    let mut members = Members::of(json)?;
    let Some(name) = members.name()? else {
        out.extend_from_slice(b"null");
        return Ok(members.rest());
    };
    match name {
        b"arrayValue" | b"array_value" => {
            out.push(b'[');
            let mut array = Members::of(members.here())?;
            while let Some(name) = array.name()? {
                if name == b"values" {
                    let mut values = Elements::of(array.here())?;
                    while let Some(value) = values.here()? {
                        write::comma(out);
                        values.resume(any_value(out, value, depth + 1)?);
                    }
                    array.resume(values.rest());
                } else {
                    array.value()?;
                }
            }
            members.resume(array.rest());
            out.push(b']');
        }
        b"kvlistValue" | b"kvlist_value" => {
            out.push(b'{');
            let mut list = Members::of(members.here())?;
            while let Some(name) = list.name()? {
                if name == b"values" {
                    let rest = pairs(out, list.here(), depth + 1)?;
                    list.resume(rest);
                } else {
                    list.value()?;
                }
            }
            members.resume(list.rest());
            out.push(b'}');
        }
        _ => scalar(out, name, members.value()?)?,
    }
    // Of several kinds the first counts.
    while members.next()?.is_some() {}
    Ok(members.rest())
}

fn scalar(out: &mut Vec<u8>, name: &[u8], value: &[u8]) -> Result<(), EventError> {
    match name {
        b"stringValue" | b"string_value" | b"bytesValue" | b"bytes_value" => {
            if value.first() != Some(&b'"') {
                return Err(invalid("stringValue or bytesValue is not a string"));
            }
            out.extend_from_slice(value);
        }
        b"boolValue" | b"bool_value" | b"doubleValue" | b"double_value" => out.extend_from_slice(value),
        b"intValue" | b"int_value" => write::int(out, number(value, "intValue")?),
        _ => return Err(invalid(format!("{:?} is no kind of value", String::from_utf8_lossy(name)))),
    }
    Ok(())
}
