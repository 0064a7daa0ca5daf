//! The bodies that other shippers send → checked events, by the same path as [`decode`](crate::decode).
//!
//! A decoder writes each event of its protocol as the JSON event that it stands for, into one buffer,
//! and the shredder takes it from there: limits, timestamps, parts and rejections are those of every
//! event. `docs/protocols.md` has the tables of what becomes of which field.
//!
//! What a protocol says once for many events (a resource, the labels of a stream) is copied into each;
//! all events of a body together are bounded by [`MAX_DECODED_BYTES`](crate::limits::MAX_DECODED_BYTES)
//! as they are then, so that a small body cannot become a large one.
//!
//! * [`otlp`]: OpenTelemetry, protobuf and JSON; [`loki`]: Loki's push, protobuf and JSON
//! * [`bulk`]: Elasticsearch's bulk requests; [`hec`]: Splunk's HTTP Event Collector; [`datadog`]: Datadog's log intake
//! * [`firehose`]: Firehose's deliveries, CloudWatch Logs in them; [`syslog`]: lines of RFC 5424 and RFC 3164
//! * [`wire`]: writes protobuf fields, for answers and tests

pub mod bulk;
pub mod datadog;
pub mod firehose;
pub mod hec;
pub mod loki;
pub mod otlp;
mod scan;
pub mod syslog;
pub mod wire;
mod write;

use std::borrow::Cow;

/// The lines of a text that are not blank. What is not UTF-8 is replaced (U+FFFD).
fn text_lines(body: &[u8]) -> impl Iterator<Item = Cow<'_, str>> {
    let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
    body.split(|byte| *byte == b'\n')
        .map(|line| line.strip_suffix(b"\r").unwrap_or(line))
        .filter(|line| !line.trim_ascii().is_empty())
        .map(String::from_utf8_lossy)
}
