//! A record of protobuf → the fields of its event, without JSON between them.

use super::level_of;
use super::protobuf::{any_value, id_in_hex, key_value, last_field, utf8};
use crate::columns::Stop;
use crate::fields::Fields;
use crate::protocol::wire::{Fields as Wires, Malformed, Wire};
use crate::protocol::write;
use crate::timestamp::Timestamp;

impl From<Malformed> for Stop {
    fn from(malformed: Malformed) -> Self {
        Self::Error(malformed.into())
    }
}

/// Gives the fields of a record, then those of its resource and scope, which are a JSON object.
pub(super) fn write_record(
    fields: &mut Fields<'_>,
    bytes: &[u8],
    shared: &[u8],
    scratch: &mut Vec<u8>,
) -> Result<(), Stop> {
    let (mut time, mut observed, mut severity, mut severity_text) = (0, 0, 0, "");
    let (mut body, mut dropped, mut flags) = (&[][..], 0, 0);
    let (mut trace_id, mut span_id, mut event_name) = (&[][..], &[][..], "");
    let mut has_attributes = false;
    let mut wires = Wires::of(bytes);
    while let Some(wire) = wires.next()? {
        match wire {
            (1, Wire::Fixed64(ns)) => time = ns,
            (2, Wire::Varint(number)) => severity = number as i64, // an enum: a sign-extended int32
            (3, Wire::Bytes(text)) => severity_text = utf8(text)?,
            (5, Wire::Bytes(value)) => body = value,
            (6, Wire::Bytes(_)) => has_attributes = true,
            (7, Wire::Varint(count)) => dropped = count as i64, // a uint32
            (8, Wire::Fixed32(bits)) => flags = i64::from(bits),
            (9, Wire::Bytes(id)) => trace_id = id,
            (10, Wire::Bytes(id)) => span_id = id,
            (11, Wire::Fixed64(ns)) => observed = ns,
            (12, Wire::Bytes(name)) => event_name = utf8(name)?,
            _ => {}
        }
    }
    let own = if time == 0 { observed } else { time };
    if own != 0 {
        fields.timestamp(nanoseconds(own)?);
    }
    if time != 0 && observed != 0 {
        fields.int("observed_timestamp", nanoseconds(observed)?.0)?;
    }
    let (level, text) = level_of(severity_text, severity);
    for (name, text) in [("level", level), ("severity_text", text)] {
        if let Some(text) = text {
            fields.text(name, text)?;
        }
    }
    if severity != 0 {
        fields.int("severity_number", severity)?;
    }
    for (name, id) in [("trace_id", trace_id), ("span_id", span_id)] {
        scratch.clear();
        id_in_hex(scratch, id);
        let digits = scratch.strip_prefix(b"\"").and_then(|rest| rest.strip_suffix(b"\"")).unwrap_or_default();
        if !digits.is_empty() {
            fields.text(name, utf8(digits)?)?;
        }
    }
    if !event_name.is_empty() {
        fields.text("event_name", event_name)?;
    }
    match last_field(body)? {
        None => {}
        Some((1, Wire::Bytes(text))) => fields.text("message", utf8(text)?)?,
        Some(_) => write_body(fields, body, scratch)?,
    }
    if has_attributes {
        fields.object("attributes", |inner| {
            let mut wires = Wires::of(bytes);
            while let Some((number, value)) = wires.next()? {
                if let (6, Wire::Bytes(pair)) = (number, value) {
                    let (name, value) = key_value(pair)?;
                    write_value(inner, name, value, scratch)?;
                }
            }
            Ok(())
        })?;
    }
    for (name, number) in [("flags", flags), ("dropped_attributes_count", dropped)] {
        if number > 0 {
            fields.int(name, number)?;
        }
    }
    if !shared.is_empty() {
        fields.members(shared)?;
    }
    Ok(())
}

/// A body that is no string: bytes become a message too, in base64.
fn write_body(fields: &mut Fields<'_>, body: &[u8], scratch: &mut Vec<u8>) -> Result<(), Stop> {
    scratch.clear();
    any_value(scratch, body, 1)?;
    match scratch.first() {
        Some(b'n') => Ok(()),                  // null: no body
        Some(b'"') => Err(Stop::DuplicateKey), // as JSON
        _ => write_value(fields, "body", body, scratch),
    }
}

/// A time as nanoseconds; one that would be read as another unit goes by JSON, which spells it otherwise.
fn nanoseconds(ns: u64) -> Result<Timestamp, Stop> {
    write::time_of_ns(ns).ok_or(Stop::DuplicateKey)
}

/// An `AnyValue` under a name.
fn write_value(fields: &mut Fields<'_>, name: &str, bytes: &[u8], scratch: &mut Vec<u8>) -> Result<(), Stop> {
    match last_field(bytes)? {
        Some((1, Wire::Bytes(text))) => fields.text(name, utf8(text)?),
        Some((2, Wire::Varint(flag))) => fields.bool(name, flag != 0),
        Some((3, Wire::Varint(number))) => fields.int(name, number as i64), // int64: two's complement
        Some((4, Wire::Fixed64(bits))) if f64::from_bits(bits).is_finite() => fields.float(name, f64::from_bits(bits)),
        Some((6, Wire::Bytes(pairs))) => fields.object(name, |inner| {
            let mut wires = Wires::of(pairs);
            while let Some((number, value)) = wires.next()? {
                if let (1, Wire::Bytes(pair)) = (number, value) {
                    let (name, value) = key_value(pair)?;
                    write_value(inner, name, value, scratch)?;
                }
            }
            Ok(())
        }),
        // Bytes and numbers that are no numbers are strings in JSON.
        Some((4 | 7, _)) => {
            scratch.clear();
            any_value(scratch, bytes, fields.depth())?;
            let inner = scratch.strip_prefix(b"\"").and_then(|rest| rest.strip_suffix(b"\"")).unwrap_or(scratch);
            fields.text(name, utf8(inner)?)
        }
        _ => {
            scratch.clear();
            any_value(scratch, bytes, fields.depth() + 1)?;
            fields.json(name, utf8(scratch)?)
        }
    }
}
