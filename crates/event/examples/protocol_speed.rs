//! How many events a second each decoder takes, beside the native one: the same events, in the form of each protocol.
//!
//! ```sh
//! zstd -dc logs.ndjson.zst | cargo run --release -p trawl-event --example protocol_speed
//! ```
#![allow(clippy::unwrap_used, clippy::print_stdout)]

use std::hint::black_box;
use std::io::Read;
use std::time::Duration;

use serde_json::{Map, Value, json};
use trawl_event::decode::{Decoded, decode};
use trawl_event::limits::MAX_DECODED_BYTES;
use trawl_event::protocol::wire::{put_bytes, put_fixed64, put_varint};
use trawl_event::protocol::{bulk, datadog, hec, loki, otlp};
use trawl_event::shred::TimeRule;
use trawl_event::timestamp::Timestamp;

/// How long each decoder runs, at least.
const RUN: Duration = Duration::from_secs(2);
const RULE: TimeRule =
    TimeRule { received: Timestamp(1_772_445_600_000_000_000), oldest: Timestamp::MIN, latest: Timestamp::MAX };
/// The fields of an event that have a place of their own in every protocol.
const KNOWN: [&str; 4] = ["timestamp", "message", "level", "service"];

struct Event {
    ns: u64,
    fields: Map<String, Value>,
}

impl Event {
    fn text(&self, name: &str) -> &str {
        self.fields.get(name).and_then(Value::as_str).unwrap_or_default()
    }

    fn others(&self) -> impl Iterator<Item = (&String, &Value)> {
        self.fields.iter().filter(|(name, _)| !KNOWN.contains(&name.as_str()))
    }
}

fn main() {
    let mut text = String::new();
    std::io::stdin().lock().take(MAX_DECODED_BYTES as u64 / 4).read_to_string(&mut text).unwrap();
    let lines: Vec<&str> = text.lines().filter(|line| line.ends_with('}')).collect();
    let events: Vec<Event> = lines.iter().map(|line| event(line)).collect();
    let native = lines.join("\n");
    let bulk_body: String =
        lines.iter().map(|line| format!("{{\"create\":{{\"_index\":\"logs\"}}}}\n{line}\n")).collect();
    let splunk = |event: &Event| json!({"time": event.ns as f64 / 1e9, "event": event.fields}).to_string();
    let hec_body: String = events.iter().map(splunk).collect();
    let array = format!("[{}]", lines.join(","));
    let protobuf = otlp_protobuf(&events);
    let otlp_body = otlp_json(&events);
    let push = snap::raw::Encoder::new().compress_vec(&loki_protobuf(&events)).unwrap();
    let push_json = loki_json(&events);
    println!("{} events of {} bytes on average", events.len(), native.len() / events.len());
    let base = measure("native NDJSON", None, native.len(), || decode(native.as_bytes(), &RULE).unwrap());
    let run = |name, bytes, decode: &dyn Fn() -> Decoded| {
        measure(name, Some(base), bytes, decode);
    };
    run("OTLP protobuf", protobuf.len(), &|| otlp::decode_protobuf(&protobuf, &RULE).unwrap());
    run("OTLP JSON", otlp_body.len(), &|| otlp::decode_json(otlp_body.as_bytes(), &RULE).unwrap());
    run("Elasticsearch bulk", bulk_body.len(), &|| bulk_in_requests(&bulk_body));
    run("Loki protobuf", push.len(), &|| loki::decode_protobuf(&push, &RULE).unwrap());
    run("Loki JSON", push_json.len(), &|| loki::decode_json(push_json.as_bytes(), &RULE).unwrap());
    run("Splunk HEC", hec_body.len(), &|| {
        hec::decode_events(hec_body.as_bytes(), &hec::Defaults::default(), &RULE).unwrap()
    });
    run("Datadog", array.len(), &|| {
        datadog::decode_json(array.as_bytes(), &datadog::Defaults::default(), &RULE).unwrap()
    });
}

fn event(line: &str) -> Event {
    let fields: Map<String, Value> = serde_json::from_str(line).unwrap();
    let time = fields.get("timestamp").and_then(Value::as_str).and_then(Timestamp::parse).unwrap_or(RULE.received);
    Event { ns: time.0 as u64, fields }
}

/// Decodes a body of more items than a request may have as several requests.
fn bulk_in_requests(body: &str) -> Decoded {
    let mut all = Decoded::default();
    let mut rest = body;
    while !rest.is_empty() {
        let end = rest.match_indices('\n').nth(2 * bulk::MAX_ITEMS - 1).map_or(rest.len(), |(at, _)| at + 1);
        let (request, after) = rest.split_at(end);
        let decoded = bulk::decode(request.as_bytes(), None, &RULE).unwrap().decoded;
        all.accepted += decoded.accepted;
        all.parts.extend(decoded.parts);
        rest = after;
    }
    all
}

/// Events a second of processor time.
fn measure(name: &str, base: Option<f64>, bytes: usize, decode: impl Fn() -> Decoded) -> f64 {
    decode();
    let started = cpu_time();
    let mut accepted = 0;
    while cpu_time() - started < RUN {
        accepted += black_box(decode()).accepted;
    }
    let per_second = accepted as f64 / (cpu_time() - started).as_secs_f64();
    let share = base.map_or(String::new(), |base| format!(" {:.0} %", 100.0 * per_second / base));
    println!("{name:20} {bytes:>10} bytes {per_second:>10.0} events/s{share}");
    per_second
}

/// How long this thread has run, without the time that others had the processor.
fn cpu_time() -> Duration {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    Duration::from_nanos(text.split(' ').next().unwrap().parse().unwrap())
}

fn attribute(name: &str, value: &Value) -> Vec<u8> {
    let mut any = Vec::new();
    match value {
        Value::String(text) => put_bytes(&mut any, 1, text.as_bytes()),
        Value::Bool(flag) => put_varint(&mut any, 2, u64::from(*flag)),
        Value::Number(number) if number.is_i64() => put_varint(&mut any, 3, number.as_i64().unwrap() as u64),
        Value::Number(number) => put_fixed64(&mut any, 4, number.as_f64().unwrap().to_bits()),
        other => put_bytes(&mut any, 1, other.to_string().as_bytes()),
    }
    let mut pair = Vec::new();
    put_bytes(&mut pair, 1, name.as_bytes());
    put_bytes(&mut pair, 2, &any);
    pair
}

fn otlp_protobuf(events: &[Event]) -> Vec<u8> {
    let mut request = Vec::new();
    for same in events.chunk_by(|a, b| a.text("service") == b.text("service")) {
        let mut scope_logs = Vec::new();
        for event in same {
            let mut record = Vec::new();
            put_fixed64(&mut record, 1, event.ns);
            put_bytes(&mut record, 3, event.text("level").as_bytes());
            let mut body = Vec::new();
            put_bytes(&mut body, 1, event.text("message").as_bytes());
            put_bytes(&mut record, 5, &body);
            event.others().for_each(|(name, value)| put_bytes(&mut record, 6, &attribute(name, value)));
            put_bytes(&mut scope_logs, 2, &record);
        }
        let mut resource = Vec::new();
        put_bytes(&mut resource, 1, &attribute("service.name", &event_service(same)));
        let mut resource_logs = Vec::new();
        put_bytes(&mut resource_logs, 1, &resource);
        put_bytes(&mut resource_logs, 2, &scope_logs);
        put_bytes(&mut request, 1, &resource_logs);
    }
    request
}

fn event_service(events: &[Event]) -> Value {
    events.first().map_or(Value::Null, |event| event.text("service").into())
}

fn otlp_json(events: &[Event]) -> String {
    let any = |value: &Value| match value {
        Value::Bool(flag) => json!({"boolValue": flag}),
        Value::Number(number) if number.is_i64() => json!({"intValue": number.to_string()}),
        Value::Number(number) => json!({"doubleValue": number}),
        Value::String(text) => json!({"stringValue": text}),
        other => json!({"stringValue": other.to_string()}),
    };
    let record = |event: &Event| {
        let attributes: Vec<_> =
            event.others().map(|(name, value)| json!({"key": name, "value": any(value)})).collect();
        json!({"timeUnixNano": event.ns.to_string(), "severityText": event.text("level"),
            "body": {"stringValue": event.text("message")}, "attributes": attributes})
    };
    let resource = |same: &[Event]| {
        let attributes = [json!({"key": "service.name", "value": any(&event_service(same))})];
        json!({"resource": {"attributes": attributes}, "scopeLogs": [{"logRecords": same.iter().map(record).collect::<Vec<_>>()}]})
    };
    let resources: Vec<_> = events.chunk_by(|a, b| a.text("service") == b.text("service")).map(resource).collect();
    json!({"resourceLogs": resources}).to_string()
}

fn metadata_text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn loki_protobuf(events: &[Event]) -> Vec<u8> {
    let mut push = Vec::new();
    for same in events.chunk_by(|a, b| a.text("service") == b.text("service") && a.text("level") == b.text("level")) {
        let first = &same[0];
        let labels = format!("{{service_name={:?}, level={:?}}}", first.text("service"), first.text("level"));
        let mut stream = Vec::new();
        put_bytes(&mut stream, 1, labels.as_bytes());
        for event in same {
            let mut time = Vec::new();
            put_varint(&mut time, 1, event.ns / 1_000_000_000);
            put_varint(&mut time, 2, event.ns % 1_000_000_000);
            let mut entry = Vec::new();
            put_bytes(&mut entry, 1, &time);
            put_bytes(&mut entry, 2, event.text("message").as_bytes());
            for (name, value) in event.others() {
                let mut pair = Vec::new();
                put_bytes(&mut pair, 1, name.as_bytes());
                put_bytes(&mut pair, 2, metadata_text(value).as_bytes());
                put_bytes(&mut entry, 3, &pair);
            }
            put_bytes(&mut stream, 2, &entry);
        }
        put_bytes(&mut push, 1, &stream);
    }
    push
}

fn loki_json(events: &[Event]) -> String {
    let entry = |event: &Event| {
        let metadata: Map<String, Value> =
            event.others().map(|(name, value)| (name.clone(), metadata_text(value).into())).collect();
        json!([event.ns.to_string(), event.text("message"), metadata])
    };
    let stream = |same: &[Event]| {
        let labels = json!({"service_name": same[0].text("service"), "level": same[0].text("level")});
        json!({"stream": labels, "values": same.iter().map(entry).collect::<Vec<_>>()})
    };
    let same = |a: &Event, b: &Event| a.text("service") == b.text("service") && a.text("level") == b.text("level");
    json!({"streams": events.chunk_by(same).map(stream).collect::<Vec<_>>()}).to_string()
}
