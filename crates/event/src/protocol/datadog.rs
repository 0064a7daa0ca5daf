//! Datadog's log intake (<https://docs.datadoghq.com/api/latest/logs/#send-logs>): an array of objects, one object,
//! or lines of text.

use crate::decode::{BodyError, Decoded};
use crate::limits::{MAX_EVENT_BYTES, MAX_FIELDS};
use crate::protocol::scan::{self, Elements, Members, Piece, Pieces};
use crate::protocol::{text_lines, write};
use crate::shred::{EventError, TimeRule};
use crate::sink::Sink;

/// What the query of a request says of events that do not say it themselves.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Defaults {
    /// `ddsource`
    pub ddsource: Option<String>,
    /// `ddtags`
    pub ddtags: Option<String>,
    /// `hostname`
    pub hostname: Option<String>,
    /// `service`
    pub service: Option<String>,
}

/// Reads the events of JSON. An empty object, by which the agent tries the connection, is none.
pub fn decode_json(body: &[u8], defaults: &Defaults, rule: &TimeRule) -> Result<Decoded, BodyError> {
    let mut sink = Sink::new(*rule);
    let mut event = Vec::new();
    let mut settle = |json: &[u8], sink: &mut Sink| match write_event(&mut event, json, defaults) {
        Ok(true) => sink.accept(&event).map(|_| ()),
        Ok(false) => Ok(()),
        Err(error) => {
            sink.refuse(error);
            Ok(())
        }
    };
    let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
    if let Ok(mut elements) = Elements::of(body) {
        while let Some(element) = elements.next()? {
            settle(element, &mut sink)?;
        }
        scan::ends(body, elements.rest())?;
        return Ok(sink.finish_any());
    }
    for piece in Pieces::of(body) {
        let (Piece::Value(json) | Piece::Line(json)) = piece;
        settle(json, &mut sink)?;
    }
    Ok(sink.finish_any())
}

/// Reads the lines of plain text.
pub fn decode_text(body: &[u8], defaults: &Defaults, rule: &TimeRule) -> Result<Decoded, BodyError> {
    let mut sink = Sink::new(*rule);
    let mut event = Vec::new();
    for line in text_lines(body) {
        event.clear();
        event.push(b'{');
        write::text(&mut event, "message", &line);
        write_defaults(&mut event, defaults, &Own::default());
        event.push(b'}');
        sink.accept(&event)?;
    }
    Ok(sink.finish_any())
}

/// What an event says itself.
#[derive(Default)]
struct Own {
    level: bool,
    tags: bool,
    ddsource: bool,
    ddtags: bool,
    hostname: bool,
    service: bool,
}

/// Writes the event of an object; whether there is one.
fn write_event(out: &mut Vec<u8>, json: &[u8], defaults: &Defaults) -> Result<bool, EventError> {
    if json.len() > MAX_EVENT_BYTES {
        return Err(EventError::TooLarge { bytes: json.len() });
    }
    let mut own = Own::default();
    let mut all = Vec::with_capacity(16);
    let mut members = Members::of(json)?;
    while let Some((name, value)) = members.next()? {
        all.push((name, value));
        match name {
            b"level" => own.level = true,
            b"tags" => own.tags = true,
            b"ddsource" => own.ddsource = true,
            b"ddtags" => own.ddtags = true,
            b"hostname" => own.hostname = true,
            b"service" => own.service = true,
            _ => {}
        }
    }
    if all.is_empty() {
        return Ok(false);
    }
    out.clear();
    out.push(b'{');
    for (name, value) in all {
        match name {
            b"status" if !own.level && scan::is_filled_string(value) => write::raw(out, "level", value),
            b"ddtags" if !own.tags => match scan::text(value) {
                Some(tags) => write_tags(out, &tags),
                None => write::raw(out, "ddtags", value),
            },
            _ => {
                write::comma(out);
                out.push(b'"');
                out.extend_from_slice(name);
                out.extend_from_slice(b"\":");
                out.extend_from_slice(value);
            }
        }
    }
    write_defaults(out, defaults, &own);
    out.push(b'}');
    Ok(true)
}

fn write_defaults(out: &mut Vec<u8>, defaults: &Defaults, own: &Own) {
    for (name, value, is_there) in [
        ("ddsource", &defaults.ddsource, own.ddsource),
        ("hostname", &defaults.hostname, own.hostname),
        ("service", &defaults.service, own.service),
    ] {
        if let Some(value) = value.as_deref().filter(|_| !is_there) {
            write::text(out, name, value);
        }
    }
    match defaults.ddtags.as_deref().filter(|_| !own.ddtags) {
        Some(tags) if own.tags => write::text(out, "ddtags", tags),
        Some(tags) => write_tags(out, tags),
        None => {}
    }
}

/// Writes `env:prod,team:web` as the object `tags`; more tags than an event has fields stay text.
fn write_tags(out: &mut Vec<u8>, tags: &str) {
    let pair = |tag| match str::split_once(tag, ':') {
        Some((name, value)) => (name, value),
        None => (tag, ""),
    };
    let read: Vec<(&str, &str)> =
        tags.split(',').map(str::trim).filter(|tag| !tag.is_empty()).take(MAX_FIELDS + 1).map(pair).collect();
    if read.len() > MAX_FIELDS {
        write::text(out, "ddtags", tags);
    } else {
        write::key(out, "tags");
        write::pairs(out, &read);
    }
}
