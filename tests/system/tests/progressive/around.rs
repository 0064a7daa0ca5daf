//! Events around one, and searches under a name.

use serde_json::{Value, json};
use trawl_system::server::{NEVER_PERSIST, Server};

use super::*;

fn context(address: SocketAddr, request: &Value) -> (Value, Vec<u64>, Vec<u64>) {
    let answer = api::call(address, "POST", "/v1/context", request, 202);
    let side = |name: &str| {
        let found = api::finish(address, answer[name]["id"].as_str().unwrap());
        assert_eq!(found["status"], "complete", "{found}");
        numbers(&found["events"])
    };
    (answer["fields"].clone(), side("before"), side("after"))
}

#[test]
fn the_events_around_one_are_of_its_service_and_keep_the_filter() {
    let directory = tempfile::tempdir().unwrap();
    let server = Server::start(directory.path(), &NEVER_PERSIST);
    let address = server.address();
    push(address, (0..1000).map(event));
    for _ in ["in flight", "persisted"] {
        let found = api::search(address, &json!({"query": "n:502", "limit": 1}));
        let anchor = found["events"][0].clone();
        let (fields, before, after) = context(address, &json!({"event": anchor, "limit": 3}));
        assert_eq!(fields, json!(["service"]));
        assert_eq!((before, after), (vec![499, 496, 493], vec![502, 505, 508]));
        let (_, before, after) = context(address, &json!({"event": anchor, "limit": 2, "fields": []}));
        assert_eq!((before, after), (vec![501, 500], vec![502, 503]));
        let by_status =
            json!({"event": anchor, "limit": 2, "fields": ["http.status", "service"], "query": "-n:508 | limit 1"});
        let (fields, before, after) = context(address, &by_status);
        assert_eq!(fields, json!(["http.status", "service"]));
        assert_eq!((before, after), (vec![490, 478], vec![502, 514]));
        let filtered = json!({"event": anchor, "limit": 2, "query": "level:error OR level:warn"});
        let (_, before, after) = context(address, &filtered);
        assert!(
            before.iter().chain(&after).all(|number| number % 3 == 1 && matches!(number % 5, 2 | 3)),
            "{before:?} {after:?}"
        );
        server.client().compact().unwrap();
    }
}

#[test]
fn a_context_goes_on_in_both_directions() {
    let directory = tempfile::tempdir().unwrap();
    let server = Server::start(directory.path(), &[]);
    let address = server.address();
    push(address, (0..3000).map(event));
    let answer = api::call(address, "POST", "/v1/context", &json!({"event": event(1500), "limit": 10}), 202);
    for (side, next) in [("before", 1467), ("after", 1530)] {
        let id = answer[side]["id"].as_str().unwrap();
        let more = api::finish(address, id)["more_cursor"].as_str().unwrap().to_owned();
        let page = api::get(address, &format!("/v1/searches/{id}?wait=10s&cursor={more}"));
        assert_eq!(numbers(&page["events"])[0], next, "{side}");
    }
}

#[test]
fn saved_searches_outlive_the_server() {
    let directory = tempfile::tempdir().unwrap();
    let server = Server::start(directory.path(), &[]);
    let address = server.address();
    assert_eq!(api::get(address, "/v1/saved"), json!({"saved": []}));
    let save = |name: &str, search: Value| {
        api::call(address, "PUT", &format!("/v1/saved/{}", api::encoded(name)), &search, 200);
    };
    save("slow/ümlaut?", json!({"query": "latency:>500", "from": "-1h", "columns": ["service", "latency"]}));
    save("errors", json!({"query": "level:error"}));
    save("errors", json!({"query": "level:>=error"}));
    std::thread::scope(|scope| {
        for number in 0..8 {
            let save = &save;
            scope.spawn(move || save(&format!("at once {number}"), json!({"query": "a"})));
        }
    });
    server.stop();
    let server = Server::start(directory.path(), &[]);
    let address = server.address();
    let saved = api::get(address, "/v1/saved")["saved"].as_array().unwrap().clone();
    let names: Vec<&str> = saved.iter().map(|saved| saved["name"].as_str().unwrap()).collect();
    assert_eq!((names.len(), names[8], names[9]), (10, "errors", "slow/ümlaut?"));
    assert_eq!(saved[8]["query"], "level:>=error");
    assert_eq!((&saved[9]["from"], &saved[9]["columns"]), (&json!("-1h"), &json!(["service", "latency"])));
    api::call(address, "DELETE", "/v1/saved/errors", &Value::Null, 200);
    assert_eq!(api::get(address, "/v1/saved")["saved"].as_array().unwrap().len(), 9);
}
