//! The sample events under `events/`, one for each way a function is called. Each is what this file makes of it, and each is
//! read by the types that the functions read it by. `TRAWL_WRITE_EVENTS=1 cargo nextest run -p trawl-lambda --test events`
//! writes them.
//!
//! Events without a time of their own get the time of receipt, so that samples for ingest do not grow too old to be taken.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::path::PathBuf;

use aws_lambda_events::kinesis::KinesisEvent;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::write::GzEncoder;
use http::Method;
use serde_json::{Value, json};
use trawl_event::decode::decode;
use trawl_event::shred::TimeRule;
use trawl_event::{BatchId, TenantId, Timestamp, batch};
use trawl_lambda::http::{ApiEvent, Request};
use trawl_lambda::records::Delivery;
use trawl_store::aws::payload::{RunRequest, ScanRequest};
use trawl_store::ports::{Position, ScanTask, ShardId, Source, Want};

/// The API key of the samples; its SHA-256 is what `printf trawl-sample-key | sha256sum` says.
const KEY: &str = "trawl-sample-key";
/// When the samples were received: 2026-11-27T12:00:00Z.
const RECEIVED: Timestamp = Timestamp(1_795_780_800_000_000_000);
/// A search's id.
const SEARCH: &str = "0123456789abcdef0123456789abcdef";
/// A shard's id.
const SHARD: &str = "shardId-000000000000";

fn path(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../events").join(name)
}

/// The stored sample, which has to be `expected`.
fn sample(name: &str, expected: &Value) -> String {
    if std::env::var_os("TRAWL_WRITE_EVENTS").is_some() {
        std::fs::write(path(name), serde_json::to_string_pretty(expected).unwrap() + "\n").unwrap();
    }
    let text = std::fs::read_to_string(path(name)).unwrap();
    let stored: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(&stored, expected, "events/{name} is not what it is made of: TRAWL_WRITE_EVENTS=1 writes it");
    text
}

fn api_event(method: &str, path: &str, query: &str, headers: &[(&str, &str)], body: Value, base64: bool) -> Value {
    let host = "a1b2c3d4e5.execute-api.us-east-1.amazonaws.com";
    let mut all = json!({
        "accept": "*/*",
        "authorization": format!("Bearer {KEY}"),
        "host": host,
        "user-agent": "trawl/0.1.0",
        "x-amzn-trace-id": "Root=1-6b090a40-0123456789abcdef01234567",
        "x-forwarded-for": "203.0.113.7",
        "x-forwarded-port": "443",
        "x-forwarded-proto": "https",
    });
    for (name, value) in headers {
        all[*name] = json!(value);
    }
    let mut event = json!({
        "version": "2.0",
        "routeKey": format!("{method} {path}"),
        "rawPath": path,
        "rawQueryString": query,
        "headers": all,
        "requestContext": {
            "accountId": "123456789012",
            "apiId": "a1b2c3d4e5",
            "domainName": host,
            "domainPrefix": "a1b2c3d4e5",
            "http": {
                "method": method,
                "path": path,
                "protocol": "HTTP/1.1",
                "sourceIp": "203.0.113.7",
                "userAgent": "trawl/0.1.0",
            },
            "requestId": "JKJaXmPLvHcESHA=",
            "routeKey": format!("{method} {path}"),
            "stage": "$default",
            "time": "27/Nov/2026:12:00:00 +0000",
            "timeEpoch": RECEIVED.millis(),
        },
        "isBase64Encoded": base64,
    });
    if !body.is_null() {
        event["body"] = body;
    }
    event
}

fn events() -> Value {
    json!([
        {"service": "checkout", "level": "error", "message": "payment gateway timed out after 3000 ms", "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736", "http": {"status": 504, "path": "/v1/orders"}},
        {"service": "checkout", "level": "info", "message": "order accepted", "order": {"id": 7_310, "total": 59.9, "items": 3}},
        {"service": "auth", "level": "warn", "message": "login failed for user grün", "user.id": "u-19", "attempts": 4},
    ])
}

fn request(text: &str) -> Request {
    Request::try_from(serde_json::from_str::<ApiEvent>(text).unwrap()).unwrap()
}

fn accepted(body: &[u8]) -> u64 {
    let any_time = TimeRule { received: RECEIVED, oldest: Timestamp::MIN, latest: Timestamp::MAX };
    decode(body, &any_time).unwrap().accepted
}

#[test]
fn the_web_ui_is_asked_for_its_page() {
    let headers = [("accept", "text/html"), ("accept-encoding", "gzip, deflate, br")];
    let mut expected = api_event("GET", "/", "", &headers, Value::Null, false);
    // A browser has no key.
    expected["headers"].as_object_mut().unwrap().remove("authorization");
    let asked = request(&sample("web-page.json", &expected));
    assert_eq!((asked.method, asked.path.as_str()), (Method::GET, "/"));
    assert_eq!(asked.headers["accept-encoding"], "gzip, deflate, br");
}

#[test]
fn ingest_takes_events_as_text() {
    let body = json!(events().to_string());
    let expected = api_event("POST", "/v1/events", "", &[("content-type", "application/json")], body, false);
    let request = request(&sample("ingest-json.json", &expected));
    assert_eq!((request.method, request.path.as_str()), (Method::POST, "/v1/events"));
    assert_eq!(request.headers["authorization"], format!("Bearer {KEY}"));
    assert_eq!(accepted(&request.body), 3);
}

#[test]
fn ingest_takes_events_compressed() {
    let lines: Vec<String> = events().as_array().unwrap().iter().map(Value::to_string).collect();
    let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
    gzip.write_all(lines.join("\n").as_bytes()).unwrap();
    let body = json!(STANDARD.encode(gzip.finish().unwrap()));
    let headers = [
        ("content-type", "application/x-ndjson"),
        ("content-encoding", "gzip"),
        ("idempotency-key", "sample-of-three-events"),
    ];
    let request = request(&sample("ingest-gzip.json", &api_event("POST", "/v1/events", "", &headers, body, true)));
    assert_eq!(request.headers["content-encoding"], "gzip");
    let mut text = String::new();
    flate2::read::GzDecoder::new(&request.body[..]).read_to_string(&mut text).unwrap();
    assert_eq!(accepted(text.as_bytes()), 3);
}

#[test]
fn the_coordinator_takes_a_search_a_poll_and_a_run() {
    let body = json!({"query": "service:checkout timed", "from": "-1h", "to": "now", "limit": 100}).to_string();
    let headers = [("content-type", "application/json")];
    let expected = api_event("POST", "/v1/searches", "", &headers, json!(body), false);
    let asked = request(&sample("coordinator-search.json", &expected));
    assert_eq!((asked.method, asked.path.as_str()), (Method::POST, "/v1/searches"));
    assert!(serde_json::from_slice::<trawl_api::search::SearchRequest>(&asked.body).is_ok());

    let poll = format!("/v1/searches/{SEARCH}");
    let expected = api_event("GET", &poll, "wait=5s", &[], Value::Null, false);
    let asked = request(&sample("coordinator-results.json", &expected));
    assert_eq!((asked.method, asked.path, asked.query.as_str()), (Method::GET, poll, "wait=5s"));
    assert!(asked.body.is_empty());

    let expected = json!({"run": {"tenant": "default", "id": SEARCH}});
    let run: RunRequest = serde_json::from_str(&sample("coordinator-run.json", &expected)).unwrap();
    assert_eq!((run.run.tenant, run.run.id.to_string()), (TenantId::default_tenant(), SEARCH.to_owned()));
    assert!(serde_json::from_value::<RunRequest>(api_event("GET", "/v1/status", "", &[], Value::Null, false)).is_err());
}

/// Three records: two of events, and the empty one by which a search marks the end of the shard.
#[test]
fn the_persister_takes_records_of_a_shard() {
    let tenant = TenantId::default_tenant();
    let rule = TimeRule { received: RECEIVED, oldest: Timestamp::MIN, latest: Timestamp::MAX };
    let encoded = |events: &Value| {
        let body = events.to_string();
        let mut data = Vec::new();
        for (number, block) in decode(body.as_bytes(), &rule).unwrap().parts.iter().enumerate() {
            let id = BatchId::from_body(&tenant, body.as_bytes()).part(number);
            batch::encode(&tenant, id, RECEIVED, block, &mut data);
        }
        data
    };
    let all = events();
    let data = [encoded(&json!([all[0], all[1]])), Vec::new(), encoded(&json!([all[2]]))];
    let records = data.iter().enumerate().map(|(index, data)| {
        let number = format!("495903382714902566085596925383615710959215759891365{}", 88_898 + index);
        json!({
            "kinesis": {
                "kinesisSchemaVersion": "1.0",
                "partitionKey": format!("{index}"),
                "sequenceNumber": number,
                "data": STANDARD.encode(data),
                "approximateArrivalTimestamp": RECEIVED.millis() as f64 / 1000.0 + index as f64 / 8.0,
            },
            "eventSource": "aws:kinesis",
            "eventVersion": "1.0",
            "eventID": format!("{SHARD}:{number}"),
            "eventName": "aws:kinesis:record",
            "invokeIdentityArn": "arn:aws:iam::123456789012:role/trawl-persister",
            "awsRegion": "us-east-1",
            "eventSourceARN": "arn:aws:kinesis:us-east-1:123456789012:stream/trawl",
        })
    });
    let expected = json!({"Records": records.collect::<Vec<_>>()});
    let event: KinesisEvent = serde_json::from_str(&sample("persister-kinesis.json", &expected)).unwrap();
    let delivery = Delivery::read(event).unwrap().unwrap();
    assert_eq!(delivery.shard, ShardId(SHARD.to_owned()));
    assert_eq!(delivery.oldest(), Some(RECEIVED));
    let events = delivery.records.iter().map(|record| {
        let (batches, error) = batch::read_all(&record.data);
        assert_eq!(error, None);
        batches.iter().map(|batch| batch.header.events).sum::<u64>()
    });
    assert_eq!(events.collect::<Vec<_>>(), [2, 0, 1]);
}

#[test]
fn the_scan_worker_takes_a_task() {
    let shard = ShardId(SHARD.to_owned());
    // Below every record of a real shard: whoever tries the sample gets an answer at once.
    let upto = Position::of(1);
    let task = ScanTask {
        tenant: TenantId::default_tenant(),
        query: "level:>=warn".to_owned(),
        without: Vec::new(),
        from: Timestamp::parse("2026-01-01T00:00:00Z").unwrap(),
        to: Timestamp::parse("2100-01-01T00:00:00Z").unwrap(),
        newest_first: true,
        limit: 100,
        after: None,
        number: 0,
        want: Want::Matches,
        summary: None,
        source: Source::Tail {
            shard: shard.clone(),
            after: Position::START,
            upto,
            ends: BTreeMap::from([(shard, upto)]),
        },
    };
    let request = ScanRequest::Task(Box::new(task));
    let text = sample("scan-worker-task.json", &serde_json::to_value(&request).unwrap());
    assert_eq!(serde_json::from_str::<ScanRequest>(&text).unwrap(), request);
}

#[test]
fn the_compactor_takes_a_schedule() {
    let expected = json!({
        "version": "0",
        "id": "53dc4d37-cffa-4f76-80c9-8b7d4a4d2eaa",
        "detail-type": "Scheduled Event",
        "source": "aws.events",
        "account": "123456789012",
        "time": "2026-11-27T12:00:00Z",
        "region": "us-east-1",
        "resources": ["arn:aws:events:us-east-1:123456789012:rule/trawl-compactor"],
        "detail": {},
    });
    let text = sample("compactor-schedule.json", &expected);
    assert!(serde_json::from_str::<serde::de::IgnoredAny>(&text).is_ok());
}
