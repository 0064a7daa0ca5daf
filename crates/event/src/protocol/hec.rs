//! Splunk's HTTP Event Collector (<https://docs.splunk.com/Documentation/Splunk/latest/Data/FormateventsforHTTPEventCollector>).
//!
//! Objects one after the other, each an event with its metadata; or, raw, a line of text each.
//! The members of an event that is an object become the event's own.

use std::borrow::Cow;

use crate::decode::{BodyError, Decoded};
use crate::limits::MAX_EVENT_BYTES;
use crate::protocol::scan::{self, Elements, Members, Piece, Pieces};
use crate::protocol::{text_lines, write};
use crate::shred::{EventError, TimeRule};
use crate::sink::Sink;

/// The code of an event without the member `event`.
pub const MISSING_EVENT: &str = "missing_event";
/// The code of an event whose member `event` is an empty string.
pub const BLANK_EVENT: &str = "blank_event";

/// Fields of the collected data that name its level, its service and its trace, the first that is there counts.
const LEVEL_FIELDS: [&[u8]; 3] = [b"otel.log.severity.text", b"level", b"severity"];
const SERVICE_FIELDS: [&[u8]; 2] = [b"service.name", b"service"];
const TRACE_FIELDS: [&[u8]; 1] = [b"trace_id"];

/// Metadata that the query of a request gives to events without their own.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Defaults {
    /// `host`
    pub host: Option<String>,
    /// `source`
    pub source: Option<String>,
    /// `sourcetype`
    pub sourcetype: Option<String>,
    /// `index`
    pub index: Option<String>,
}

impl Defaults {
    fn members(&self) -> [(&'static str, Option<&str>); 4] {
        [
            ("host", self.host.as_deref()),
            ("source", self.source.as_deref()),
            ("sourcetype", self.sourcetype.as_deref()),
            ("index", self.index.as_deref()),
        ]
    }
}

/// Reads the events of `/services/collector/event`.
pub fn decode_events(body: &[u8], defaults: &Defaults, rule: &TimeRule) -> Result<Decoded, BodyError> {
    let mut sink = Sink::new(*rule);
    let mut event = Vec::new();
    let mut settle = |json: &[u8], sink: &mut Sink| match write_event(&mut event, json, defaults) {
        Ok(()) => sink.accept(&event).map(|_| ()),
        Err(error) => {
            sink.refuse(error);
            Ok(())
        }
    };
    for piece in Pieces::of(body) {
        match piece {
            Piece::Value(array) if array.first() == Some(&b'[') => {
                let mut elements = Elements::of(array)?;
                while let Some(element) = elements.next()? {
                    settle(element, &mut sink)?;
                }
            }
            Piece::Value(json) | Piece::Line(json) => settle(json, &mut sink)?,
        }
    }
    sink.finish()
}

/// Reads the lines of `/services/collector/raw`.
pub fn decode_raw(body: &[u8], defaults: &Defaults, rule: &TimeRule) -> Result<Decoded, BodyError> {
    let mut sink = Sink::new(*rule);
    let mut event = Vec::new();
    for line in text_lines(body) {
        event.clear();
        event.push(b'{');
        write::text(&mut event, "message", &line);
        for (name, value) in defaults.members() {
            if let Some(value) = value {
                write::text(&mut event, name, value);
            }
        }
        event.push(b'}');
        sink.accept(&event)?;
    }
    sink.finish()
}

/// Where a member of the metadata goes, and which names the event itself has.
#[derive(Default)]
struct Names {
    taken: [bool; METADATA.len()],
    has_level: bool,
    has_service: bool,
    has_trace: bool,
}

/// The metadata of an event by the name under which the event has it.
const METADATA: [&[u8]; 6] = [b"timestamp", b"host", b"source", b"sourcetype", b"index", b"fields"];
const TIME: usize = 0;
const FIELDS: usize = 5;

impl Names {
    fn of(event: &[u8]) -> Result<Self, EventError> {
        let mut names = Self::default();
        let mut members = Members::of(event)?;
        while let Some((name, _)) = members.next()? {
            match name {
                b"level" | b"severity" | b"lvl" => names.has_level = true,
                b"service" | b"service.name" => names.has_service = true,
                b"trace_id" => names.has_trace = true,
                _ => {
                    let same = names.taken.iter_mut().zip(METADATA).filter(|(_, reserved)| *reserved == name);
                    same.for_each(|(taken, _)| *taken = true);
                }
            }
        }
        Ok(names)
    }
}

fn write_event(out: &mut Vec<u8>, json: &[u8], defaults: &Defaults) -> Result<(), EventError> {
    if json.len() > MAX_EVENT_BYTES {
        return Err(EventError::TooLarge { bytes: json.len() });
    }
    let mut metadata: [Option<Cow<'_, [u8]>>; METADATA.len()] = Default::default();
    let mut event = None;
    let mut others = Vec::new();
    let mut members = Members::of(json)?;
    while let Some((name, value)) = members.next()? {
        let place = match name {
            b"event" => {
                event = Some(value);
                continue;
            }
            b"time" => TIME,
            _ if value == b"null" => continue,
            _ => METADATA.iter().skip(1).position(|known| *known == name).map_or(METADATA.len(), |place| place + 1),
        };
        match metadata.get_mut(place) {
            // An empty time is no time.
            Some(_) if place == TIME && matches!(value, b"null" | b"\"\"") => {}
            Some(slot) => *slot = Some(Cow::Borrowed(value)),
            None => {
                write::raw_key(&mut others, [b"\"", name, b"\""].concat().as_slice());
                others.extend_from_slice(value);
            }
        }
    }
    for (slot, (_, default)) in metadata.iter_mut().skip(1).zip(defaults.members()) {
        if let (None, Some(default)) = (&slot, default) {
            let mut json = Vec::new();
            write::string(&mut json, default);
            *slot = Some(Cow::Owned(json));
        }
    }
    let event = event.filter(|event| *event != b"null").ok_or_else(|| EventError::Protocol {
        code: MISSING_EVENT,
        reason: "the member event is missing".to_owned(),
    })?;
    if event == b"\"\"" {
        return Err(EventError::Protocol { code: BLANK_EVENT, reason: "the member event is blank".to_owned() });
    }
    let is_object = event.first() == Some(&b'{');
    let names = if is_object { Names::of(event)? } else { Names::default() };
    out.clear();
    out.push(b'{');
    for ((name, value), taken) in METADATA.iter().zip(&metadata).zip(names.taken) {
        let Some(value) = value else { continue };
        // A name that the event has itself is the event's; the metadata goes beside it.
        let target = if taken { &mut others } else { &mut *out };
        write::raw_key(target, [b"\"", *name, b"\""].concat().as_slice());
        target.extend_from_slice(value);
    }
    if !others.is_empty() {
        write::key(out, "splunk");
        out.push(b'{');
        out.extend_from_slice(&others);
        out.push(b'}');
    }
    if let Some(fields) = metadata.get(FIELDS).and_then(Option::as_deref) {
        lift(out, fields, &names)?;
    }
    if is_object {
        let members = event.get(1..).unwrap_or_default().trim_ascii_start();
        if members.first() != Some(&b'}') {
            write::comma(out);
        }
        out.extend_from_slice(members);
    } else {
        let name = if event.first() == Some(&b'"') { "message" } else { "event" };
        write::raw(out, name, event);
        out.push(b'}');
    }
    Ok(())
}

/// Writes level, service and trace where the fields of the collected data name them and the event does not.
fn lift(out: &mut Vec<u8>, fields: &[u8], names: &Names) -> Result<(), EventError> {
    let wanted: [(&str, &[&[u8]], bool); 3] = [
        ("level", &LEVEL_FIELDS, names.has_level),
        ("service", &SERVICE_FIELDS, names.has_service),
        ("trace_id", &TRACE_FIELDS, names.has_trace),
    ];
    let mut found: [Option<(usize, &[u8])>; 3] = [None; 3];
    let mut members = Members::of(fields)?;
    while let Some((name, value)) = members.next()? {
        for ((_, candidates, is_there), slot) in wanted.iter().zip(&mut found) {
            let rank = candidates.iter().position(|candidate| *candidate == name);
            let Some(rank) = rank.filter(|_| !is_there && scan::is_filled_string(value)) else { continue };
            if slot.is_none_or(|(best, _)| rank < best) {
                *slot = Some((rank, value));
            }
        }
    }
    for ((name, ..), found) in wanted.iter().zip(found) {
        if let Some((_, value)) = found {
            write::raw(out, name, value);
        }
    }
    Ok(())
}
