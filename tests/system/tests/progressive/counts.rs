//! Histogram, facets, fields and plans.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use trawl_system::server::{NEVER_PERSIST, PERSIST_AT_ONCE, Server};

use super::*;

const EVENTS: usize = 20_000;

/// Counts by hand what a search counts.
fn counts(events: &[Value], interval_ms: i64) -> (BTreeMap<i64, u64>, BTreeMap<String, u64>, BTreeMap<String, u64>) {
    let (mut by_time, mut by_level, mut by_service) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
    for event in events {
        let time = event["timestamp"].as_i64().unwrap();
        *by_time.entry(time - time.rem_euclid(interval_ms)).or_default() += 1;
        *by_level.entry(event["level"].as_str().unwrap_or("").to_lowercase()).or_default() += 1;
        *by_service.entry(event["service"].as_str().unwrap().to_owned()).or_default() += 1;
    }
    (by_time, by_level, by_service)
}

fn check(address: SocketAddr, query: &str, matches: impl Fn(usize) -> bool, limit: usize) {
    let events: Vec<Value> = (0..EVENTS).filter(|number| matches(*number)).map(event).collect();
    let request = json!({
        "query": query,
        "limit": limit,
        "histogram": {"by": "level", "buckets": 50},
        "facets": ["service", {"field": "n", "limit": 3}, "nothing"],
    });
    let found = api::search(address, &request);
    assert_eq!(found["progress"]["events_matched"], events.len(), "{query}");
    assert_eq!(found["events"].as_array().unwrap().len(), limit.min(events.len()), "{query}");
    assert_eq!(found["more_cursor"].is_string(), limit > 0 && events.len() > limit, "{query} {limit}");
    let histogram = &found["histogram"];
    let (by_time, by_level, by_service) = counts(&events, histogram["interval_ms"].as_i64().unwrap());
    assert_eq!((&histogram["by"], &histogram["complete"]), (&json!("level"), &json!(true)));
    let buckets = histogram["buckets"].as_array().unwrap();
    let (mut found_by_time, mut found_by_level) = (BTreeMap::new(), BTreeMap::new());
    for bucket in buckets {
        let start = trawl_event::Timestamp::parse(bucket["start"].as_str().unwrap()).unwrap();
        found_by_time.insert(start.0 / 1_000_000, bucket["count"].as_u64().unwrap());
        for (level, count) in bucket["by"].as_object().unwrap() {
            *found_by_level.entry(level.clone()).or_default() += count.as_u64().unwrap();
        }
    }
    assert_eq!(found_by_time, by_time, "{query}");
    assert_eq!(found_by_level, by_level, "{query}");
    let values = |facet: &Value| -> BTreeMap<String, u64> {
        let pairs = facet["values"].as_array().unwrap().iter();
        pairs.map(|pair| (pair["value"].as_str().unwrap().to_owned(), pair["count"].as_u64().unwrap())).collect()
    };
    let facets = found["facets"].as_array().unwrap();
    assert_eq!(values(&facets[0]), by_service, "{query}");
    assert_eq!(facets[1]["values"].as_array().unwrap().len(), events.len().min(3));
    assert_eq!((&facets[2]["field"], &facets[2]["events_with"]), (&json!("nothing"), &json!(0)));
    for facet in facets {
        assert_eq!(
            (facet["complete"].clone(), facet["approximate"] == false || facet["field"] == "n"),
            (json!(true), true)
        );
    }
}

fn check_all(address: SocketAddr) {
    for limit in [0, 10, EVENTS + 1] {
        check(address, "", |_| true, limit);
        check(address, "service:cart", |number| number % 3 == 1, limit);
        check(address, "\"event 777\"", |number| number == 777, limit);
        check(
            address,
            "http.status:>=400 -level:error",
            |number| number % 4 >= 2 && (number % 11 == 0 || number % 5 != 3),
            limit,
        );
        check(address, "nowhere", |_| false, limit);
    }
}

#[test]
fn counts_beside_the_events_are_those_of_a_count_by_hand() {
    let directory = tempfile::tempdir().unwrap();
    let server = Server::start(directory.path(), &NEVER_PERSIST);
    for part in 0..10 {
        push(server.address(), (0..EVENTS).filter(|number| number % 10 == part).map(event));
    }
    check_all(server.address());
    server.client().compact().unwrap();
    assert_eq!(server.client().status().unwrap().tail_events, 0);
    check_all(server.address());
    server.stop();
    // In flight and persisted at once.
    let server = Server::start(directory.path(), &NEVER_PERSIST);
    push(
        server.address(),
        [json!({"timestamp": BEGIN_MS - 86_400_000, "message": "early", "service": "early", "n": 0})],
    );
    let request = json!({"query": "service:early OR service:cart", "limit": 1, "histogram": {"buckets": 10}});
    let found = api::search(server.address(), &request);
    let total: u64 =
        found["histogram"]["buckets"].as_array().unwrap().iter().map(|b| b["count"].as_u64().unwrap()).sum();
    assert_eq!(total, 1 + (EVENTS as u64).div_ceil(3));
    assert_eq!(found["progress"]["events_matched"], total);
}

#[test]
fn a_table_and_sorted_events_are_counted_too() {
    let directory = tempfile::tempdir().unwrap();
    let server = Server::start(directory.path(), &PERSIST_AT_ONCE);
    push(server.address(), (0..3000).map(event));
    server.wait_until_persisted();
    for query in ["service:cart | stats count() by level", "service:cart | sort -n"] {
        let request = json!({"query": query, "facets": ["service"], "histogram": {}});
        let found = api::search(server.address(), &request);
        assert_eq!(found["facets"][0]["values"], json!([{"value": "cart", "count": 1000}]), "{query}");
        assert_eq!(found["progress"]["events_matched"], 1000, "{query}");
    }
}

#[test]
fn a_range_that_is_given_has_buckets_of_one_width_over_all_of_it() {
    let directory = tempfile::tempdir().unwrap();
    let server = Server::start(directory.path(), &[]);
    push(server.address(), (0..10).map(event));
    let request = json!({"from": "2026-03-02", "to": "2026-03-03", "histogram": {"buckets": 24}});
    let found = api::search(server.address(), &request);
    assert_eq!(found["histogram"]["interval_ms"], 3_600_000);
    assert_eq!(found["histogram"]["buckets"], json!([{"start": "2026-03-02T10:00:00.000Z", "count": 10}]));
}

#[test]
fn fields_have_coverage_and_values() {
    let directory = tempfile::tempdir().unwrap();
    let server = Server::start(directory.path(), &PERSIST_AT_ONCE);
    let address = server.address();
    push(address, (0..1100).map(event));
    server.wait_until_persisted();
    let fields = api::get(address, "/v1/fields");
    assert_eq!(fields["events"], 1100);
    let level = fields["fields"].as_array().unwrap().iter().find(|field| field["name"] == "level").unwrap().clone();
    assert_eq!(level["types"], json!({"string": 1000}));
    let values = api::get(address, "/v1/fields/service/values?prefix=C&limit=5");
    let expected = json!([{"value": "checkout", "count": 367}, {"value": "cart", "count": 367}]);
    let mut found: Vec<Value> = values["values"].as_array().unwrap().clone();
    found.sort_by_key(|value| std::cmp::Reverse(value["value"].as_str().unwrap().to_owned()));
    assert_eq!((json!(found), &values["complete"]), (expected, &json!(true)));
    let filtered = format!("/v1/fields/http.status/values?query={}", api::encoded("service:cart \"event 4\""));
    assert_eq!(api::get(address, &filtered)["values"], json!([{"value": 200, "count": 1}]));
}

#[test]
fn a_plan_is_explained_without_being_run() {
    let directory = tempfile::tempdir().unwrap();
    let server = Server::start(directory.path(), &[]);
    let address = server.address();
    push(address, (0..EVENTS).map(event));
    let in_flight = api::call(address, "POST", "/v1/searches", &json!({"explain": true}), 200);
    assert!(in_flight["plan"]["tail_shards"].as_u64() > Some(0));
    assert_eq!(in_flight["plan"]["segments_to_read"], 0);
    server.client().compact().unwrap();
    let plan = |query: &str| {
        let request = json!({"query": query, "explain": true});
        api::call(address, "POST", "/v1/searches", &request, 200)["plan"].take()
    };
    let (everything, needle, absent) = (plan("*"), plan("\"event 12345\""), plan("nowhere_at_all"));
    assert_eq!(everything["index_terms"], json!([]));
    assert_eq!(everything["granules_to_read"], everything["granules_total"]);
    assert!(everything["bytes_most"].as_u64() > Some(0) && everything["usd_most"].as_f64() > Some(0.0));
    assert!(needle["granules_to_read"].as_u64() < everything["granules_to_read"].as_u64(), "{needle}");
    // Giving the events back takes more columns; what is said is what finding them takes.
    assert!(needle["bytes_to_read"].as_u64() < plan("event")["bytes_to_read"].as_u64(), "{needle}");
    // An index may let a granule through in vain.
    assert!(absent["granules_to_read"].as_u64() < everything["granules_to_read"].as_u64(), "{absent}");
    let request = json!({"query": "*", "max_bytes": 1000});
    let refused = api::finish(address, &api::create(address, &request));
    assert_eq!((&refused["status"], &refused["error"]["code"]), (&json!("failed"), &json!("scan_too_large")));
}
