//! Each protocol's requests and the answers that its clients expect.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::future::{Future, ready};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Response, StatusCode};
use ingest::{Asked, Counted, Ingest, Settings, refuse, serves};
use serde_json::{Value, json};
use trawl_api::ApiError;
use trawl_event::protocol::wire::put_bytes;
use trawl_event::{BatchId, TenantId, Timestamp};
use trawl_store::ports::{Clock, Ids, NewRecord, Position, Record, Result as StoreResult, ShardId, StoreError, Stream};

/// 2026-03-02T10:00:00Z
const NOW: Timestamp = Timestamp(1_772_445_600_000_000_000);

/// Keeps the ids of what was appended; fails when told to.
#[derive(Clone, Default)]
struct Appended {
    batches: Arc<Mutex<Vec<BatchId>>>,
    throttled: bool,
}

impl Stream for Appended {
    fn shards(&self) -> impl Future<Output = StoreResult<Vec<ShardId>>> + Send {
        ready(Ok(Vec::new()))
    }

    fn append(&self, record: NewRecord) -> impl Future<Output = StoreResult<(ShardId, Position)>> + Send {
        ready(if self.throttled {
            Err(StoreError::Throttled("full".into()))
        } else {
            self.batches.lock().unwrap().push(record.batch);
            Ok((ShardId("0".into()), Position::default()))
        })
    }

    fn read(&self, _: &ShardId, _: Position, _: usize) -> impl Future<Output = StoreResult<Vec<Record>>> + Send {
        ready(Ok(Vec::new()))
    }

    fn end(&self, _: &ShardId) -> impl Future<Output = StoreResult<Position>> + Send {
        ready(Ok(Position::default()))
    }
}

struct Fixed;

impl Clock for Fixed {
    fn now(&self) -> Timestamp {
        NOW
    }

    fn sleep(&self, _: Duration) -> impl Future<Output = ()> + Send {
        ready(())
    }
}

impl Ids for Fixed {
    fn fresh(&self) -> u128 {
        7
    }
}

#[derive(Clone)]
struct Request {
    method: Method,
    path: &'static str,
    query: &'static str,
    headers: HeaderMap,
    body: Bytes,
}

fn post(path: &'static str, headers: &[(&'static str, &str)], body: impl Into<Vec<u8>>) -> Request {
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    let pair =
        |(name, value): &(&'static str, &str)| (HeaderName::from_static(name), HeaderValue::from_str(value).unwrap());
    Request { method: Method::POST, path, query, headers: headers.iter().map(pair).collect(), body: body.into().into() }
}

fn get(path: &'static str, headers: &[(&'static str, &str)]) -> Request {
    Request { method: Method::GET, ..post(path, headers, "") }
}

impl Request {
    fn asked(&self) -> Asked<'_> {
        Asked { method: &self.method, path: self.path, query: self.query, headers: &self.headers }
    }
}

fn ask(stream: &Appended, request: &Request) -> Response<Bytes> {
    let ingest = Ingest::new(stream.clone(), Fixed, Settings { max_event_age: Some(Duration::from_secs(7 * 86_400)) });
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let tenant = TenantId::default_tenant();
    runtime.block_on(ingest.answer(&tenant, &request.asked(), request.body.clone()))
}

fn answer(request: &Request) -> Response<Bytes> {
    ask(&Appended::default(), request)
}

fn throttled(request: &Request) -> Response<Bytes> {
    ask(&Appended { throttled: true, ..Appended::default() }, request)
}

fn body(response: &Response<Bytes>) -> Value {
    serde_json::from_slice(response.body()).unwrap_or_else(|error| panic!("{:?}: {error}", response.body()))
}

fn header<'r>(response: &'r Response<Bytes>, name: &str) -> &'r str {
    response.headers().get(name).map_or("", |value| value.to_str().unwrap())
}

const JSON: (&str, &str) = ("content-type", "application/json");
const PROTOBUF: (&str, &str) = ("content-type", "application/x-protobuf");
const NDJSON: (&str, &str) = ("content-type", "application/x-ndjson");
const OTLP_RECORD: &str = r#"{"timeUnixNano":"1772445600000000000","body":{"stringValue":"a"}}"#;

fn otlp(records: &str) -> String {
    format!(r#"{{"resourceLogs":[{{"scopeLogs":[{{"logRecords":[{records}]}}]}}]}}"#)
}

#[test]
fn otlp_answers_in_the_form_of_the_request() {
    let good = answer(&post("/v1/logs", &[JSON], otlp(OTLP_RECORD)));
    assert_eq!((good.status(), body(&good)), (StatusCode::OK, json!({})));
    let partial = answer(&post("/v1/logs", &[JSON], otlp(&format!("{OTLP_RECORD},5"))));
    assert_eq!(partial.status(), StatusCode::OK);
    assert_eq!(body(&partial)["partialSuccess"]["rejectedLogRecords"], "1");
    assert_eq!(partial.extensions().get::<Counted>(), Some(&Counted { accepted: 1, rejected: 1 }));
    let none = answer(&post("/v1/logs", &[JSON], otlp("5")));
    assert_eq!((none.status(), &body(&none)["code"]), (StatusCode::BAD_REQUEST, &json!(3)));
    let protobuf = answer(&post("/v1/logs", &[PROTOBUF], ""));
    assert_eq!((protobuf.status(), protobuf.body().len()), (StatusCode::OK, 0));
    assert_eq!(header(&protobuf, "content-type"), "application/x-protobuf");
    let broken = answer(&post("/v1/logs", &[PROTOBUF], "\x0a\x7f"));
    assert_eq!((broken.status(), &broken.body()[..2]), (StatusCode::BAD_REQUEST, &[8, 3][..]));
    let other = answer(&post("/v1/logs", &[("content-type", "text/plain")], "x"));
    assert_eq!(other.status(), StatusCode::UNSUPPORTED_MEDIA_TYPE);
    let busy = throttled(&post("/v1/logs", &[JSON], otlp(OTLP_RECORD)));
    assert_eq!((busy.status(), header(&busy, "retry-after")), (StatusCode::SERVICE_UNAVAILABLE, "1"));
    assert_eq!(body(&busy)["code"], 14);
}

#[test]
fn bulk_answers_item_by_item() {
    let lines = "{\"index\":{\"_index\":\"a\",\"_id\":\"1\"}}\n{\"message\":\"x\"}\n{\"delete\":{\"_id\":\"1\"}}\n{\"create\":{}}\nnope\n{\"update\":{}}\n{\"doc\":{}}\n{\"create\":{}}\n{}\n";
    let response = answer(&post("/logs-app/_bulk", &[NDJSON], lines));
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(header(&response, "x-elastic-product"), "Elasticsearch");
    let answered = body(&response);
    assert_eq!((&answered["errors"], &answered["took"]), (&json!(true), &json!(0)));
    assert_eq!(answered["items"][0], json!({"index": {"_index": "a", "_id": "1", "result": "created", "status": 201}}));
    assert_eq!(answered["items"][1]["delete"]["error"]["type"], "illegal_argument_exception");
    assert_eq!(answered["items"][2]["create"]["error"]["type"], "document_parsing_exception");
    assert_eq!(answered["items"][3]["update"]["status"], 400);
    assert_eq!(answered["items"][4]["create"]["_index"], "logs-app");
    assert_eq!(answered["items"].as_array().unwrap().len(), 5);

    // Such a name is reserved, as in Elasticsearch; so is the path of a setting.
    let reserved = body(&answer(&post("/_x/_bulk", &[NDJSON], "{\"create\":{}}\n{}\n")));
    assert_eq!(reserved["items"][0]["create"]["error"]["type"], "invalid_index_name_exception");
    assert_eq!(answer(&post("/_nodes/_bulk", &[NDJSON], "")).status(), StatusCode::METHOD_NOT_ALLOWED);

    let versioned = ("accept", "application/vnd.elasticsearch+json; compatible-with=9");
    let put = Request { method: Method::PUT, ..post("/_bulk", &[versioned], "nope\n") };
    let refused = answer(&put);
    assert_eq!(refused.status(), StatusCode::BAD_REQUEST);
    assert_eq!(body(&refused)["status"], 400);
    assert!(body(&refused)["error"]["reason"].as_str().unwrap().contains("line [1]"));
    assert_eq!(header(&refused, "content-type"), "application/vnd.elasticsearch+json; compatible-with=9");
    let busy = throttled(&post("/i/_bulk", &[], "{\"index\":{}}\n{}\n"));
    assert_eq!((busy.status(), header(&busy, "retry-after")), (StatusCode::SERVICE_UNAVAILABLE, "1"));
    assert_eq!(header(&busy, "x-elastic-product"), "Elasticsearch");
}

#[test]
fn clients_of_elasticsearch_find_what_they_look_for() {
    let python = [
        ("user-agent", "elasticsearch-py/9.0.1 (Python/3.12.3; elastic-transport/8.17.1)"),
        ("accept", "application/vnd.elasticsearch+json; compatible-with=9"),
    ];
    let server = answer(&get("/", &python));
    assert_eq!(body(&server)["version"]["number"], "9.0.0");
    assert_eq!(header(&server, "x-elastic-product"), "Elasticsearch");
    let beat = [("user-agent", "Elastic-filebeat/8.15.2 (linux; amd64; abc; 2024-09-26)")];
    assert_eq!(body(&answer(&get("/", &beat)))["version"]["number"], "8.15.2");
    for path in ["/_cluster/health", "/_license", "/_xpack", "/_nodes", "/_nodes/http", "/_nodes/_all/http"] {
        let response = answer(&get(path, &[("host", "trawl:9200")]));
        assert_eq!(
            (response.status(), header(&response, "x-elastic-product")),
            (StatusCode::OK, "Elasticsearch"),
            "{path}"
        );
        assert!(body(&response).is_object());
    }
    assert!(answer(&get("/_cat/health", &[])).body().starts_with(b"0 "));
    for path in [
        "/_index_template/logs",
        "/_template/logs",
        "/_ilm/policy/filebeat",
        "/_component_template/a",
        "/_data_stream/b",
    ] {
        assert_eq!(answer(&get(path, &[])).status(), StatusCode::NOT_FOUND, "{path}");
        let head = answer(&Request { method: Method::HEAD, ..get(path, &[]) });
        assert_eq!((head.status(), head.body().len()), (StatusCode::NOT_FOUND, 0), "{path}");
        let put = answer(&Request { method: Method::PUT, ..post(path, &[], "{}") });
        assert_eq!((put.status(), body(&put)), (StatusCode::OK, json!({"acknowledged": true})), "{path}");
    }
    assert_eq!(
        answer(&Request { method: Method::DELETE, ..get("/_license", &[]) }).status(),
        StatusCode::METHOD_NOT_ALLOWED
    );
}

#[test]
fn the_root_is_the_web_uis_unless_a_client_of_elasticsearch_asks() {
    assert!(!serves(&get("/", &[("user-agent", "Mozilla/5.0"), ("accept", "text/html")]).asked()));
    assert!(!serves(&get("/", &[("user-agent", "curl/8.5.0")]).asked()));
    assert!(serves(&get("/", &[("user-agent", "Fluent-Bit")]).asked()));
    assert!(serves(&Request { method: Method::HEAD, ..get("/", &[("user-agent", "Vector/0.40.0")]) }.asked()));
    assert!(!serves(&post("/", &[("user-agent", "Vector/0.40.0")], "").asked()));
    for path in ["/v1/searches", "/v1/fields", "/index.html", "/a/b/c/_bulk", "/services/collector/x", "/v1/input/a/b"]
    {
        assert!(!serves(&post(path, &[], "").asked()), "{path}");
    }
    for path in [
        "/v1/events",
        "/v1/logs",
        "/_bulk",
        "/i/_bulk",
        "/_x/_bulk",
        "/i/_doc/_bulk",
        "/v1/input/key",
        "/firehose",
        "/v1/syslog",
    ] {
        assert!(serves(&post(path, &[], "").asked()), "{path}");
    }
}

#[test]
fn loki_answers_204_or_text() {
    let push = |values: &str| {
        let body = format!(r#"{{"streams":[{{"stream":{{"app":"a"}},"values":[{values}]}}]}}"#);
        post("/loki/api/v1/push", &[JSON], body)
    };
    let good = r#"["1772445600000000000","line"]"#;
    let response = answer(&push(good));
    assert_eq!((response.status(), response.body().len()), (StatusCode::NO_CONTENT, 0));
    let partial = answer(&push(&format!(r#"{good},["x","line"]"#)));
    assert_eq!(partial.status(), StatusCode::BAD_REQUEST);
    assert!(String::from_utf8_lossy(partial.body()).starts_with("1 of 2 events were refused"));
    assert_eq!(answer(&post("/loki/api/v1/push", &[JSON], "{}")).status(), StatusCode::BAD_REQUEST);
    let block = |headers: &[(&'static str, &str)]| {
        let mut stream = Vec::new();
        put_bytes(&mut stream, 1, b"{a=\"b\"}");
        let mut time = Vec::new();
        trawl_event::protocol::wire::put_varint(&mut time, 1, 1_772_445_600);
        let mut entry = Vec::new();
        put_bytes(&mut entry, 1, &time);
        put_bytes(&mut stream, 2, &entry);
        let mut push = Vec::new();
        put_bytes(&mut push, 1, &stream);
        post("/loki/api/v1/push", headers, snap::raw::Encoder::new().compress_vec(&push).unwrap())
    };
    assert_eq!(answer(&block(&[PROTOBUF])).status(), StatusCode::NO_CONTENT);
    assert_eq!(answer(&block(&[PROTOBUF, ("content-encoding", "snappy")])).status(), StatusCode::NO_CONTENT);
    assert_eq!(answer(&block(&[])).status(), StatusCode::NO_CONTENT);
}

#[test]
fn the_event_collector_answers_by_number() {
    let event = |body: &str| {
        let response = answer(&post("/services/collector/event", &[("x-splunk-request-channel", "c")], body));
        (response.status().as_u16(), body_code(&response))
    };
    fn body_code(response: &Response<Bytes>) -> i64 {
        body(response)["code"].as_i64().unwrap()
    }
    assert_eq!(event(r#"{"event":"a"}{"event":"b"}"#), (200, 0));
    assert_eq!(event(" "), (400, 5));
    assert_eq!(event(r#"{"event":"a"} nope"#), (400, 6));
    assert_eq!(event(r#"{"time":1772445600}"#), (400, 12));
    assert_eq!(event(r#"{"event":""}"#), (400, 13));
    let partial = answer(&post("/services/collector", &[], "{\"event\":\"a\"}\n{}\n{\"event\":\"b\"}"));
    let answered = body(&partial);
    assert_eq!(
        (&answered["invalid-event-number"], &answered["accepted"], &answered["rejected"]),
        (&json!(1), &json!(2), &json!(1))
    );
    for path in ["/services/collector/raw", "/services/collector/raw/1.0", "/services/collector/event/1.0?host=h"] {
        let response = answer(&post(path, &[], r#"{"event":"a"}"#));
        assert_eq!(body(&response), json!({"text": "Success", "code": 0}), "{path}");
    }
    assert_eq!(body_code(&answer(&get("/services/collector/health/1.0", &[]))), 17);
    assert_eq!(
        body(&answer(&post("/services/collector/ack?channel=c", &[], "{\"acks\":[0]}"))),
        json!({"text": "ACK is disabled", "code": 14})
    );
    let busy = throttled(&post("/services/collector", &[], r#"{"event":"a"}"#));
    assert_eq!((busy.status(), body_code(&busy)), (StatusCode::SERVICE_UNAVAILABLE, 9));
}

#[test]
fn datadog_is_answered_as_its_intake_does() {
    let v2 = answer(&post("/api/v2/logs?ddtags=a:b", &[JSON], r#"[{"message":"a"}]"#));
    assert_eq!((v2.status(), body(&v2)), (StatusCode::ACCEPTED, json!({})));
    assert_eq!(answer(&post("/v1/input/key", &[("content-type", "text/plain")], "a line")).status(), StatusCode::OK);
    let check = answer(&post("/api/v2/logs", &[JSON], "{}"));
    assert_eq!(check.extensions().get::<Counted>(), Some(&Counted::default()));
    let partial = answer(&post("/api/v2/logs", &[JSON], r#"[{"message":"a"},5]"#));
    assert_eq!((partial.status(), &body(&partial)["errors"][0]["status"]), (StatusCode::ACCEPTED, &json!("400")));
    let none = answer(&post("/api/v2/logs", &[JSON], "[5]"));
    assert_eq!((none.status(), &body(&none)["errors"][0]["title"]), (StatusCode::BAD_REQUEST, &json!("Bad Request")));
    assert_eq!(body(&answer(&get("/api/v1/validate", &[]))), json!({"valid": true}));
    let deflated = {
        // [{"message":"a"}] in stored blocks of the zlib format.
        let plain = br#"[{"message":"a"}]"#;
        let (mut a, mut b) = (1u32, 0u32);
        plain.iter().for_each(|byte| {
            a = (a + u32::from(*byte)) % 65521;
            b = (b + a) % 65521;
        });
        let len = plain.len() as u16;
        let head = [&[0x78, 0x01, 0x01][..], &len.to_le_bytes(), &(!len).to_le_bytes()].concat();
        [&head[..], plain, &(b << 16 | a).to_be_bytes()].concat()
    };
    let response = answer(&post("/api/v2/logs", &[JSON, ("content-encoding", "deflate")], deflated));
    assert_eq!(response.extensions().get::<Counted>(), Some(&Counted { accepted: 1, rejected: 0 }));
}

#[test]
fn firehose_is_answered_in_its_format() {
    let delivery = |data: &str| {
        json!({"requestId": "r-1", "timestamp": 1, "records": [{"data": STANDARD.encode(data)}]}).to_string()
    };
    let id = ("x-amz-firehose-request-id", "r-1");
    let common = ("x-amz-firehose-common-attributes", r#"{"commonAttributes":{"env":"prod"}}"#);
    let response = answer(&post("/firehose", &[JSON, id, common], delivery("{\"message\":\"a\"}")));
    let expected = json!({"requestId": "r-1", "timestamp": 1_772_445_600_000u64});
    assert_eq!((response.status(), body(&response)), (StatusCode::OK, expected));
    let partial = answer(&post("/firehose", &[JSON, id], delivery("{\"message\":\"a\"}\n{\"ts\":1}")));
    assert_eq!(partial.status(), StatusCode::OK);
    assert!(body(&partial)["errorMessage"].as_str().unwrap().starts_with("1 of 2"));
    let broken = answer(&post("/firehose", &[JSON, id], "{"));
    assert_eq!((broken.status(), &body(&broken)["requestId"]), (StatusCode::BAD_REQUEST, &json!("r-1")));
    assert_eq!(body(&broken)["timestamp"], 1_772_445_600_000u64);
    let bad_header = ("x-amz-firehose-common-attributes", "nope");
    assert_eq!(answer(&post("/firehose", &[JSON, bad_header], delivery("a"))).status(), StatusCode::BAD_REQUEST);
}

#[test]
fn syslog_is_answered_as_events_are() {
    let response = answer(&post("/v1/syslog", &[], "<34>1 2026-03-02T10:00:00Z h a - - - m\nplain"));
    assert_eq!((response.status(), &body(&response)["accepted"]), (StatusCode::ACCEPTED, &json!(2)));
    assert_eq!(body(&answer(&post("/v1/syslog", &[], "")))["error"]["code"], "no_events");
    let get = Request { method: Method::GET, ..post("/v1/syslog", &[], "") };
    assert_eq!(answer(&get).status(), StatusCode::METHOD_NOT_ALLOWED);
}

#[test]
fn a_repeated_request_has_the_id_of_the_first() {
    let batch = |request: &Request| {
        let stream = Appended::default();
        assert!(ask(&stream, request).status().is_success());
        let batches = stream.batches.lock().unwrap();
        batches[0]
    };
    let timed = "{\"create\":{}}\n{\"@timestamp\":\"2026-03-02T10:00:00Z\"}\n";
    let first = batch(&post("/a/_bulk", &[], timed));
    assert_eq!(first, batch(&post("/a/_bulk", &[], timed)));
    assert_ne!(first, batch(&post("/b/_bulk", &[], timed)), "another index makes other events");
    let raw = r#"{"event":"a","time":1772445600}"#;
    assert_ne!(
        batch(&post("/services/collector?host=a", &[], raw)),
        batch(&post("/services/collector?host=b", &[], raw))
    );
    let untimed = "{\"create\":{}}\n{}\n";
    assert_eq!(batch(&post("/a/_bulk", &[], untimed)), BatchId(7));
    let tenant = TenantId::default_tenant();
    let by_key = BatchId::from_key(&tenant, "k").unwrap();
    assert_eq!(batch(&post("/a/_bulk", &[("idempotency-key", "k")], untimed)), by_key);
    let delivery = json!({"requestId": "k", "records": [{"data": STANDARD.encode("text")}]}).to_string();
    assert_eq!(batch(&post("/firehose", &[JSON], delivery)), by_key);
}

#[test]
fn every_protocol_refuses_in_its_own_form() {
    let missing = || ApiError::new(StatusCode::UNAUTHORIZED, "missing_api_key", "a key is missing");
    let invalid = || ApiError::new(StatusCode::UNAUTHORIZED, "invalid_api_key", "the key is not valid");
    let busy = || ApiError::new(StatusCode::TOO_MANY_REQUESTS, "too_many_requests", "slow down");
    let hec = post("/services/collector", &[], "");
    let refused = refuse(&hec.asked(), missing());
    assert_eq!((refused.status().as_u16(), &body(&refused)["code"]), (401, &json!(2)));
    let refused = refuse(&hec.asked(), invalid());
    assert_eq!((refused.status().as_u16(), &body(&refused)["code"]), (403, &json!(4)));
    let bulk = post("/_bulk", &[], "");
    let refused = refuse(&bulk.asked(), missing());
    assert_eq!(body(&refused)["error"]["type"], "security_exception");
    assert!(header(&refused, "www-authenticate").contains("ApiKey"));
    assert_eq!(header(&refuse(&bulk.asked(), busy()), "retry-after"), "1");
    let refused = refuse(&post("/loki/api/v1/push", &[], "").asked(), missing());
    assert_eq!(&refused.body()[..], b"a key is missing\n");
    let refused = refuse(&post("/v1/logs", &[JSON], "").asked(), missing());
    assert_eq!(body(&refused), json!({"code": 16, "message": "a key is missing"}));
    let refused = refuse(&post("/api/v2/logs", &[], "").asked(), missing());
    assert_eq!(body(&refused)["errors"][0]["detail"], "a key is missing");
    let refused = refuse(&post("/firehose", &[("x-amz-firehose-request-id", "r")], "").asked(), missing());
    assert_eq!(body(&refused), json!({"requestId": "r", "errorMessage": "a key is missing"}));
    let refused = refuse(&post("/v1/events", &[], "").asked(), missing());
    assert_eq!(body(&refused)["error"]["code"], "missing_api_key");
}
