//! Lines of syslog: RFC 5424, RFC 3164 as it is spoken, and framing by octet counts (RFC 6587 §3.4.1).
//!
//! ```text
//! <165>1 2003-10-11T22:14:15.003Z host app 1234 ID47 [id@32473 key="value"] the message
//! <34>Oct 11 22:14:15 host su[230]: the message
//! 31 <13>1 - host app - - - one frame
//! ```
//!
//! A line that is neither is a message without anything else.

use std::borrow::Cow;

use crate::decode::{BodyError, Decoded};
use crate::limits::MAX_EVENT_BYTES;
use crate::protocol::write;
use crate::shred::TimeRule;
use crate::sink::Sink;
use crate::timestamp::{NS_PER_DAY, Timestamp};

/// Names of the severities 0 to 7 (RFC 5424 §6.2.1), as levels know them.
const SEVERITIES: [&str; 8] = ["emerg", "alert", "crit", "err", "warning", "notice", "info", "debug"];
/// Names of the facilities 0 to 23, as syslog.conf knows them.
const FACILITIES: [&str; 24] = [
    "kern", "user", "mail", "daemon", "auth", "syslog", "lpr", "news", "uucp", "cron", "authpriv", "ftp", "ntp",
    "audit", "alert", "clock", "local0", "local1", "local2", "local3", "local4", "local5", "local6", "local7",
];
const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// Reads the lines of a body. Times without a year are those of the last 12 months before receipt.
pub fn decode(body: &[u8], rule: &TimeRule) -> Result<Decoded, BodyError> {
    let mut sink = Sink::new(*rule);
    let mut event = Vec::new();
    let mut rest = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
    while !rest.is_empty() {
        let (line, after) = match counted_frame(rest) {
            Some(frame) => frame,
            None => {
                let end = memchr::memchr(b'\n', rest).unwrap_or(rest.len());
                let (line, after) = rest.split_at(end);
                (line, after.get(1..).unwrap_or_default())
            }
        };
        rest = after;
        let line = String::from_utf8_lossy(line);
        let line = line.trim_end_matches(['\r', '\n', '\0']);
        if !line.trim_ascii().is_empty() {
            write_event(&mut event, line, sink.received());
            sink.accept(&event)?;
        }
    }
    sink.finish()
}

/// The frame that begins here with its length, and what follows it.
fn counted_frame(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let digits = bytes.iter().take(8).position(|byte| !byte.is_ascii_digit()).filter(|digits| *digits > 0)?;
    let (count, rest) = bytes.split_at_checked(digits)?;
    let rest = rest.strip_prefix(b" ").filter(|rest| rest.first() == Some(&b'<'))?;
    let len: usize = std::str::from_utf8(count).ok()?.parse().ok()?;
    rest.split_at_checked(len)
}

/// A line, taken apart.
#[derive(Default)]
struct Line<'l> {
    time: Option<Cow<'l, str>>,
    host: &'l str,
    app: &'l str,
    procid: &'l str,
    msgid: &'l str,
    structured: Vec<(&'l str, Params<'l>)>,
    message: &'l str,
}

type Params<'l> = Vec<(&'l str, Cow<'l, str>)>;

fn write_event(out: &mut Vec<u8>, text: &str, received: Timestamp) {
    out.clear();
    out.push(b'{');
    // A line that is too long is refused as it is, whatever stands in it.
    let read = priority(text).filter(|_| text.len() <= MAX_EVENT_BYTES).map(|(priority, rest)| {
        let line = rest.strip_prefix("1 ").and_then(rfc5424).unwrap_or_else(|| rfc3164(rest, received));
        (priority, line)
    });
    let (priority, line) = match read {
        Some((priority, line)) => (Some(priority), line),
        None => (None, Line { message: text, ..Line::default() }),
    };
    if let Some(time) = &line.time {
        write::text(out, "timestamp", time);
    }
    if let Some(priority) = priority {
        let (facility, severity) = (usize::from(priority / 8), usize::from(priority % 8));
        for (name, value) in [("level", SEVERITIES.get(severity)), ("facility", FACILITIES.get(facility))] {
            write::text(out, name, value.copied().unwrap_or_default());
        }
    }
    write::text(out, "message", line.message);
    for (name, value) in [("host", line.host), ("service", line.app), ("procid", line.procid), ("msgid", line.msgid)] {
        if !value.is_empty() {
            write::text(out, name, value);
        }
    }
    if !line.structured.is_empty() {
        write::key(out, "structured_data");
        out.push(b'{');
        for (id, params) in &line.structured {
            write::key(out, id);
            write::pairs(out, params);
        }
        out.push(b'}');
    }
    out.push(b'}');
}

/// The number in `<…>`, 0 to 191, and what follows it.
fn priority(line: &str) -> Option<(u8, &str)> {
    let (digits, rest) = line.strip_prefix('<')?.split_once('>')?;
    let is_number = (1..=3).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
    let number = digits.parse().ok().filter(|number| is_number && *number <= 191)?;
    Some((number, rest))
}

/// What follows `<PRI>1 ` (RFC 5424 §6).
fn rfc5424(text: &str) -> Option<Line<'_>> {
    let mut fields = text.splitn(6, ' ');
    let mut field = || fields.next().map(|field| if field == "-" { "" } else { field });
    let (time, host, app, procid, msgid) = (field()?, field()?, field()?, field()?, field()?);
    let time = match time {
        "" => None,
        time => Some(Cow::Borrowed(rfc3339(time)?)),
    };
    let rest = fields.next()?;
    let (structured, rest) = structured_data(rest)?;
    let message = rest.strip_prefix(' ').unwrap_or(rest);
    let message = message.strip_prefix('\u{feff}').unwrap_or(message);
    Some(Line { time, host, app, procid, msgid, structured, message })
}

fn rfc3339(text: &str) -> Option<&str> {
    let is_date = text.as_bytes().get(4) == Some(&b'-');
    (is_date && Timestamp::parse(text).is_some()).then_some(text)
}

type Structured<'l> = (Vec<(&'l str, Params<'l>)>, &'l str);

/// Reads `-` or `[id name="value" …][…]`.
fn structured_data(text: &str) -> Option<Structured<'_>> {
    if let Some(rest) = text.strip_prefix('-') {
        return (rest.is_empty() || rest.starts_with(' ')).then_some((Vec::new(), rest));
    }
    let mut elements: Vec<(&str, Params<'_>)> = Vec::new();
    let mut rest = text;
    while let Some(inner) = rest.strip_prefix('[') {
        let end = inner.find([' ', ']'])?;
        let (id, mut after) = inner.split_at_checked(end)?;
        let mut params = Vec::new();
        loop {
            after = after.trim_start_matches(' ');
            if let Some(next) = after.strip_prefix(']') {
                rest = next;
                break;
            }
            let (name, value) = after.split_once("=\"")?;
            let (value, next) = param_value(value)?;
            params.push((name, value));
            after = next;
        }
        if id.is_empty() {
            return None;
        }
        elements.push((id, params));
    }
    let ends = rest.is_empty() || rest.starts_with(' ');
    // An id that comes twice, which the RFC forbids, would hide the first.
    let mut ids: Vec<&str> = elements.iter().map(|(id, _)| *id).collect();
    ids.sort_unstable();
    let is_unique = ids.is_sorted_by(|a, b| a < b);
    (ends && is_unique && !elements.is_empty()).then_some((elements, rest))
}

/// A value up to its closing quote; `\"`, `\\` and `\]` stand for the second character (RFC 5424 §6.3.3).
fn param_value(text: &str) -> Option<(Cow<'_, str>, &str)> {
    let plain = text.find(['"', '\\'])?;
    if text.get(plain..)?.starts_with('"') {
        return Some((Cow::Borrowed(text.get(..plain)?), text.get(plain + 1..)?));
    }
    let mut value = String::new();
    let mut chars = text.char_indices().peekable();
    while let Some((at, char)) = chars.next() {
        match char {
            '"' => return Some((Cow::Owned(value), text.get(at + 1..)?)),
            '\\' => match chars.next_if(|(_, next)| matches!(next, '"' | '\\' | ']')) {
                Some((_, escaped)) => value.push(escaped),
                None => value.push('\\'),
            },
            _ => value.push(char),
        }
    }
    None
}

/// What follows `<PRI>` in what BSD's syslog sends, and what others do in its name (RFC 3164 §4).
fn rfc3164(text: &str, received: Timestamp) -> Line<'_> {
    let Some((time, rest)) = bsd_time(text, received) else {
        return Line { message: text, ..Line::default() };
    };
    let (mut host, mut rest) = ("", rest);
    // Without a host the tag comes at once.
    if tag(rest).is_none()
        && let Some((name, after)) = rest.split_once(' ')
    {
        (host, rest) = (name, after);
    }
    let (app, procid, message) = tag(rest).unwrap_or(("", "", rest));
    Line { time: Some(time), host, app, procid, message, ..Line::default() }
}

/// `Oct 11 22:14:15 ` or an RFC 3339 time, as a time with a year, and what follows it.
fn bsd_time(text: &str, received: Timestamp) -> Option<(Cow<'_, str>, &str)> {
    if let Some((first, rest)) = text.split_once(' ')
        && let Some(time) = rfc3339(first)
    {
        return Some((Cow::Borrowed(time), rest));
    }
    let (date, after) = text.split_at_checked(15)?;
    let rest = after.strip_prefix(' ').or(after.is_empty().then_some(after))?;
    let month = MONTHS.iter().position(|month| date.starts_with(month))? + 1;
    let (day, clock) = date.get(4..)?.split_at_checked(2)?;
    let day: u8 = day.trim_start().parse().ok()?;
    let this_year: i64 = received.to_string().get(..4)?.parse().ok()?;
    [this_year + 1, this_year, this_year - 1].into_iter().find_map(|year| {
        let text = format!("{year:04}-{month:02}-{day:02}T{}Z", clock.strip_prefix(' ')?);
        let time = Timestamp::parse(&text)?;
        (time <= received.plus_ns(NS_PER_DAY)).then_some((Cow::Owned(text), rest))
    })
}

/// Reads `app[pid]: ` or `app: `, and what follows it.
fn tag(text: &str) -> Option<(&str, &str, &str)> {
    let end = text.find([':', '[', ' ', ']']).filter(|end| *end > 0)?;
    let (app, after) = text.split_at_checked(end)?;
    let (procid, after) = match after.strip_prefix('[') {
        Some(inner) => inner.split_once(']')?,
        None => ("", after),
    };
    let message = after.strip_prefix(':')?;
    Some((app, procid, message.strip_prefix(' ').unwrap_or(message)))
}
