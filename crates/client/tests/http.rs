//! The client against a server on a real socket that is busy, breaks off or says no.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use std::time::{Duration, Instant};

use serde_json::json;
use serde_json::value::RawValue;
use support::{Reply, Request, Server};
use trawl_client::{
    Client, ContextRequest, Encoding, Error, FacetRequest, HistogramRequest, Order, Retries, SavedSearch,
    SearchRequest, SearchStatus, ValuesRequest,
};

const ACCEPTED: &str = r#"{"accepted":1,"rejected":[],"batch_id":"00"}"#;
const EVENT: &[u8] = br#"{"message":"hello"}"#;

fn accepted() -> Reply {
    Reply::Json(202, ACCEPTED.to_owned())
}

fn busy(status: u16) -> Reply {
    Reply::Json(status, r#"{"error":{"code":"throttled","message":"the stream is busy","detail":null}}"#.to_owned())
}

/// A client that loses no time between attempts.
fn client(server: &Server) -> Client {
    let retries =
        Retries { first_wait: Duration::from_millis(1), longest_wait: Duration::from_millis(2), ..Retries::default() };
    Client::new(&server.url, Some("secret")).unwrap().with_retries(retries)
}

fn keys(requests: &[Request]) -> Vec<&str> {
    requests.iter().map(|request| request.header("idempotency-key").unwrap_or("none")).collect()
}

#[test]
fn a_batch_goes_out_again_under_the_same_key_until_it_is_answered() {
    let server = Server::start(|_, count| match count {
        0 => busy(503),
        1 => Reply::HangUp,
        2 => busy(429),
        3 => Reply::HalfAnswer,
        4 => Reply::Json(504, r#"{"message":"Endpoint request timed out"}"#.to_owned()),
        _ => accepted(),
    });
    let answer = client(&server).push(EVENT, Encoding::Zstd, Some("key-1")).unwrap();
    assert_eq!(answer.accepted, 1);
    let requests = server.requests();
    assert_eq!(keys(&requests), ["key-1"; 6]);
    for request in &requests {
        assert_eq!((request.method.as_str(), request.path.as_str()), ("POST", "/v1/events"));
        assert_eq!(request.header("content-encoding"), Some("zstd"));
        assert_eq!(request.header("authorization"), Some("Bearer secret"));
        assert_eq!(request.body, EVENT);
    }
}

#[test]
fn a_batch_without_a_key_is_not_sent_twice_when_its_answer_is_lost() {
    let server = Server::start(|_, count| match count {
        0 => busy(503),
        1 => Reply::HangUp,
        _ => accepted(),
    });
    let error = client(&server).push(EVENT, Encoding::Identity, None).unwrap_err();
    assert!(matches!(error, Error::Unreachable { attempts: 2, .. }), "{error}");
    assert_eq!(keys(&server.requests()), ["none"; 2]);
}

#[test]
#[allow(clippy::disallowed_methods)] // Real waiting takes real time.
fn retry_after_is_waited_for() {
    let server = Server::start(|_, count| match count {
        0 => Reply::WithHeader(503, ("retry-after", "1".to_owned()), "{}".to_owned()),
        _ => accepted(),
    });
    let began = Instant::now();
    client(&server).push(EVENT, Encoding::Identity, Some("k")).unwrap();
    assert!(began.elapsed() >= Duration::from_secs(1));
}

#[test]
fn a_server_that_asks_for_more_patience_than_there_is_is_reported_at_once() {
    let server = Server::start(|_, _| Reply::WithHeader(503, ("retry-after", "3600".to_owned()), "{}".to_owned()));
    let error = client(&server).push(EVENT, Encoding::Identity, Some("k")).unwrap_err();
    assert_eq!(error.api().unwrap().retry_after, Some(Duration::from_secs(3600)));
    assert_eq!(server.requests().len(), 1);
}

#[test]
fn a_refusal_is_not_repeated() {
    for status in [400, 401, 403, 413, 415, 500] {
        let server = Server::start(move |_, _| busy(status));
        let error = client(&server).push(EVENT, Encoding::Identity, Some("k")).unwrap_err();
        let api = error.api().unwrap();
        assert_eq!((api.status, api.code.as_str()), (status, "throttled"));
        assert_eq!(server.requests().len(), 1, "{status}");
    }
}

#[test]
fn nobody_listening_is_reported_with_the_address() {
    // A port that no server is given.
    let url = "http://127.0.0.1:1";
    let error = Client::new(url, None).unwrap().with_retries(Retries::NONE).status().unwrap_err();
    assert!(error.to_string().contains(url), "{error}");
}

#[test]
fn an_answer_of_something_else_is_no_answer() {
    let server = Server::start(|_, _| Reply::Json(200, "<html>".to_owned()));
    let error = client(&server).push(EVENT, Encoding::Identity, Some("k")).unwrap_err();
    assert!(matches!(error, Error::Answer { .. }), "{error}");
}

#[test]
fn a_search_is_created_polled_and_cancelled() {
    let server = Server::start(|request, _| match request.method.as_str() {
        "POST" => Reply::Json(202, r#"{"id":"s1","status":"running"}"#.to_owned()),
        "DELETE" => Reply::Json(404, r#"{"error":{"code":"not_found","message":"no such search"}}"#.to_owned()),
        _ => Reply::Json(
            200,
            concat!(
                r#"{"id":"s1","status":"partial","progress":{"tasks_done":1,"tasks_total":2,"bytes_read":3},"#,
                r#""events":[{"n":1.0e2, "b":"é"}],"aggregates":{"columns":["a"],"rows":[[12.50]]},"#,
                r#""next_cursor":"c/2","missing":["segment x"],"cost":{"gets":1,"usd":0.5},"new":true}"#
            )
            .to_owned(),
        ),
    });
    let client = client(&server);
    let search =
        SearchRequest { query: "a b".into(), from: Some("-1h".into()), order: Order::Asc, ..Default::default() };
    let created = client.create_search(&search).unwrap();
    assert_eq!((created.id.as_str(), created.status), ("s1", SearchStatus::Running));
    let page = client.poll("s1", Some("c/1"), Duration::from_secs(5)).unwrap();
    assert_eq!(page.status, SearchStatus::Partial);
    assert_eq!(page.events[0].get(), r#"{"n":1.0e2, "b":"é"}"#);
    assert_eq!(page.aggregates.unwrap().rows[0][0].get(), "12.50");
    assert_eq!((page.progress.tasks_total, page.missing), (2, vec![json!("segment x")]));
    client.cancel("s1").unwrap();

    let requests = server.requests();
    let body: serde_json::Value = serde_json::from_slice(&requests[0].body).unwrap();
    assert_eq!(body, json!({"query": "a b", "from": "-1h", "order": "asc"}));
    assert_eq!(requests[1].path, "/v1/searches/s1?wait=5s&cursor=c%2F1");
    assert_eq!((requests[2].method.as_str(), requests[2].path.as_str()), ("DELETE", "/v1/searches/s1"));
}

#[test]
fn the_small_routes_have_their_paths() {
    let server = Server::start(|request, _| match request.path.as_str() {
        "/v1/status" => {
            Reply::Json(200, r#"{"tail_events":1,"segments":2,"events":3,"stored_bytes":4,"index_bytes":5}"#.into())
        }
        _ => Reply::Json(200, r#"{"ok":true}"#.into()),
    });
    let client = client(&server);
    assert_eq!(client.status().unwrap().stored_bytes, 4);
    assert_eq!(client.health().unwrap().body, json!({"ok": true}));
    client.fields(Some("-1h"), Some("now")).unwrap();
    client.compact().unwrap();
    let paths: Vec<_> =
        server.requests().into_iter().map(|request| format!("{} {}", request.method, request.path)).collect();
    assert_eq!(paths, ["GET /v1/status", "GET /v1/health", "GET /v1/fields?from=-1h&to=now", "POST /v1/admin/compact"]);
}

#[test]
fn a_search_counts_and_goes_on() {
    let server = Server::start(|request, _| match request.method.as_str() {
        "POST" => Reply::Json(202, r#"{"id":"s1","status":"running"}"#.to_owned()),
        _ => Reply::Json(
            200,
            json!({
                "id": "s1", "status": "complete", "version": 7, "events": [], "more_cursor": "s1-1-more",
                "histogram": {"interval_ms": 60000, "by": "level", "complete": true,
                    "buckets": [{"start": "2026-03-02T10:00:00Z", "count": 12, "by": {"error": 2}}]},
                "facets": [{"field": "service", "complete": true, "approximate": false,
                    "values": [{"value": "checkout", "count": 12}], "events_with": 12, "distinct": 1}],
                "timing": {"plan_ms": 3, "first_page_ms": null, "total_ms": 950},
                "estimate": {"segments": 8, "bytes": 9, "usd": 0.5},
            })
            .to_string(),
        ),
    });
    let client = client(&server);
    let search = SearchRequest {
        histogram: Some(HistogramRequest { by: Some("level".into()), buckets: Some(80) }),
        facets: vec![FacetRequest { field: "service".into(), limit: None }],
        max_bytes: Some(1000),
        ..Default::default()
    };
    client.create_search(&search).unwrap();
    let page = client.poll_seen("s1", None, Duration::from_secs(5), Some(6)).unwrap();
    assert_eq!((page.version, page.more_cursor.as_deref()), (7, Some("s1-1-more")));
    assert_eq!(page.histogram.unwrap().buckets[0].by["error"], 2);
    assert_eq!(page.facets.unwrap()[0].values[0].value, json!("checkout"));
    assert_eq!((page.timing.total_ms, page.timing.first_page_ms), (950, None));
    assert_eq!(page.estimate.map(|estimate| estimate.segments), Some(8));
    let requests = server.requests();
    let body: serde_json::Value = serde_json::from_slice(&requests[0].body).unwrap();
    let histogram = json!({"by": "level", "buckets": 80});
    assert_eq!(
        body,
        json!({"query": "", "order": "desc", "histogram": histogram, "facets": [{"field": "service"}], "max_bytes": 1000})
    );
    assert_eq!(requests[1].path, "/v1/searches/s1?wait=5s&seen=6");
}

#[test]
fn the_other_routes_have_their_paths_and_bodies() {
    let server = Server::start(|request, _| {
        let answer = match (request.method.as_str(), request.path.as_str()) {
            (_, "/v1/searches") => json!({"plan": {"segments_in_range": 8, "index_terms": ["level is error"]}}),
            (_, "/v1/context") => json!({"fields": ["service"], "before": {"id": "b"}, "after": {"id": "a"}}),
            ("GET", "/v1/saved") => {
                json!({"saved": [{"name": "a b", "query": "x", "updated": "2026-03-02T10:00:00Z"}]})
            }
            ("PUT", _) => json!({"name": "a b", "query": "x", "from": "-1h", "updated": "2026-03-02T10:00:00Z"}),
            ("DELETE", _) => json!({"deleted": "a b"}),
            (_, path) if path.starts_with("/v1/tail") => json!({"events": [{"n": 1}], "cursor": "c2", "missed": 3}),
            _ => json!({"field": "http.path", "values": [{"value": 200, "count": 5}], "complete": false}),
        };
        Reply::Json(200, answer.to_string())
    });
    let client = client(&server);
    let plan = client.explain(&SearchRequest { query: "level:error".into(), ..Default::default() }).unwrap();
    assert_eq!((plan.segments_in_range, plan.index_terms.len()), (8, 1));
    let event = RawValue::from_string(r#"{"n":1.0}"#.to_owned()).unwrap();
    let around = ContextRequest { event, fields: None, query: String::new(), limit: Some(3) };
    assert_eq!(client.context(&around).unwrap().after.id, "a");
    let values = ValuesRequest { prefix: Some("/a b".into()), limit: Some(5), ..Default::default() };
    assert_eq!(client.values("http.path", &values).unwrap().values[0].count, 5);
    let news = client.tail("a&b", Some("c~1"), Duration::from_secs(20), Some(9)).unwrap();
    assert_eq!((news.events[0].get(), news.cursor.as_str(), news.missed, news.gap), (r#"{"n":1}"#, "c2", 3, None));
    let search = SavedSearch { query: "x".into(), from: Some("-1h".into()), ..Default::default() };
    assert_eq!(client.save("a b", &search).unwrap().search, search);
    assert_eq!(client.saved().unwrap()[0].name, "a b");
    client.forget("a b").unwrap();

    let requests = server.requests();
    let body = |at: usize| serde_json::from_slice::<serde_json::Value>(&requests[at].body).unwrap();
    assert_eq!(body(0), json!({"query": "level:error", "order": "desc", "explain": true}));
    assert_eq!(String::from_utf8_lossy(&requests[1].body), r#"{"event":{"n":1.0},"limit":3}"#);
    assert_eq!(body(4), json!({"query": "x", "from": "-1h"}));
    let paths: Vec<_> = requests.iter().skip(2).map(|request| format!("{} {}", request.method, request.path)).collect();
    assert_eq!(
        paths,
        [
            "GET /v1/fields/http.path/values?prefix=%2Fa%20b&limit=5",
            "GET /v1/tail?wait=20s&query=a%26b&cursor=c~1&limit=9",
            "PUT /v1/saved/a%20b",
            "GET /v1/saved",
            "DELETE /v1/saved/a%20b",
        ]
    );
}
