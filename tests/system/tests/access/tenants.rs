//! A tenant never sees, changes or counts anything of another, whatever it sends.

use serde_json::{Value, json};
use trawl_system::api::encoded;
use trawl_system::chance::Chance;
use trawl_system::http::{Framing, request};
use trawl_system::server::Server;

use crate::{WITH_KEYS, ask, find, make_key, must};

/// A word in everything that the other tenant has; whoever gets it back without having sent it has seen something.
const MARK: &str = "beekeeper";
/// Requests of the one tenant.
const REQUESTS: usize = 600;

/// What the other tenant has, by the names that forged requests use.
struct Names {
    search: String,
    cursor: String,
    more_cursor: String,
    tail_cursor: String,
    key_id: String,
    deletion: String,
    event: Value,
}

fn set_up(address: std::net::SocketAddr, key: &str) -> Names {
    let events: String = (0..300)
        .map(|n| format!("{{\"timestamp\":\"2026-03-01T00:00:00.{n:03}Z\",\"service\":\"{MARK}\",\"message\":\"{MARK} {n}\",\"{MARK}\":{n}}}\n"))
        .collect();
    let headers =
        [("authorization".to_owned(), format!("Bearer {key}")), ("idempotency-key".to_owned(), "of-both".to_owned())];
    let pushed = request(address, "POST", "/v1/events", &headers, events.as_bytes(), Framing::Length);
    assert_eq!(pushed.body["accepted"], 300, "{}", pushed.body);
    let search = json!({"query": MARK, "limit": 100});
    let search = must(address, key, "POST", "/v1/searches", &search, 202)["id"].as_str().unwrap().to_owned();
    let mut page = must(address, key, "GET", &format!("/v1/searches/{search}?wait=5s"), &Value::Null, 200);
    while page["more_cursor"].is_null() {
        page = must(address, key, "GET", &format!("/v1/searches/{search}?wait=5s"), &Value::Null, 200);
    }
    let saved = json!({"query": MARK});
    must(address, key, "PUT", &format!("/v1/saved/{MARK}"), &saved, 200);
    let tail = must(address, key, "GET", "/v1/tail?query=&wait=0s", &Value::Null, 200);
    let deletion = json!({"query": "nothing_of_this", "reason": MARK});
    let deletion = must(address, key, "POST", "/v1/deletions", &deletion, 202)["id"].as_str().unwrap().to_owned();
    let made = must(address, key, "POST", "/v1/keys", &json!({"name": MARK, "scopes": ["search"]}), 201);
    // Of after the deletion: a search from before it is gone.
    let search = must(address, key, "POST", "/v1/searches", &json!({"query": MARK, "limit": 100}), 202);
    let search = search["id"].as_str().unwrap().to_owned();
    let page = must(address, key, "GET", &format!("/v1/searches/{search}?wait=5s"), &Value::Null, 200);
    Names {
        cursor: format!("{search}-0"),
        more_cursor: format!("{search}-1-more"),
        search,
        tail_cursor: tail["cursor"].as_str().unwrap().to_owned(),
        key_id: made["id"].as_str().unwrap().to_owned(),
        deletion,
        event: page["events"][0].clone(),
    }
}

/// Everything that a tenant can look at of itself.
fn look(address: std::net::SocketAddr, key: &str) -> Value {
    let get = |path: &str| must(address, key, "GET", path, &Value::Null, 200);
    let mut events: Vec<String> = find(address, key, "*").0.iter().map(Value::to_string).collect();
    events.sort();
    json!({
        "events": events, "saved": get("/v1/saved"), "keys": get("/v1/keys"), "limits": get("/v1/limits"),
        "deletions": get("/v1/deletions").as_object().unwrap()["deletions"].as_array().unwrap().iter()
            .map(|deletion| (deletion["id"].clone(), deletion["reason"].clone())).collect::<Vec<_>>(),
    })
}

/// A forged request: method, path, headers, body.
fn forged(chance: &mut Chance, names: &Names) -> (&'static str, String, Vec<(String, String)>, Value) {
    let Names { search, cursor, more_cursor, tail_cursor, key_id, deletion, event } = names;
    let id = search.clone();
    let choices: Vec<(&'static str, String, Value)> = vec![
        ("GET", format!("/v1/searches/{id}"), Value::Null),
        ("GET", format!("/v1/searches/{id}?cursor={cursor}"), Value::Null),
        ("GET", format!("/v1/searches/{id}?cursor={more_cursor}"), Value::Null),
        ("DELETE", format!("/v1/searches/{id}"), Value::Null),
        ("GET", format!("/v1/tail?cursor={}&wait=0s", encoded(tail_cursor)), Value::Null),
        ("GET", "/v1/tail?wait=0s&query=%2A&cursor=shard-00000~0.0.0!shard-00001~0.0.0".to_owned(), Value::Null),
        ("GET", "/v1/fields".to_owned(), Value::Null),
        ("GET", "/v1/fields/service/values".to_owned(), Value::Null),
        ("GET", "/v1/status".to_owned(), Value::Null),
        ("GET", "/v1/saved".to_owned(), Value::Null),
        ("GET", "/v1/keys".to_owned(), Value::Null),
        ("DELETE", format!("/v1/keys/{key_id}"), Value::Null),
        ("POST", "/v1/keys".to_owned(), json!({"name": "x", "scopes": ["search"], "tenant": "bank"})),
        ("GET", "/v1/limits/bank".to_owned(), Value::Null),
        ("PUT", "/v1/limits/bank".to_owned(), json!({"concurrent_searches": 0})),
        ("GET", "/v1/deletions".to_owned(), Value::Null),
        ("GET", format!("/v1/deletions/{deletion}"), Value::Null),
        ("POST", "/v1/deletions".to_owned(), json!({"query": "*", "reason": "r"})),
        ("POST", "/v1/searches".to_owned(), json!({"query": "* OR tenant:bank", "limit": 1000})),
        ("POST", "/v1/searches".to_owned(), json!({"query": "*", "explain": true})),
        ("POST", "/v1/events".to_owned(), json!({"tenant": "bank", "message": "from the shop"})),
        ("GET", format!("/v1/searches/../tenant=bank/{id}"), Value::Null),
        ("GET", format!("/v1/searches/{id}%2f..%2f{id}"), Value::Null),
        ("GET", format!("//v1/searches/{id}"), Value::Null),
        ("GET", "/v1/saved?tenant=bank".to_owned(), Value::Null),
        ("POST", "/v1/admin/compact".to_owned(), Value::Null),
    ];
    let (method, path, body) = chance.pick(&choices).clone();
    // An event of the other tenant, of which the one knows no more than its time.
    let (method, path, body) = match chance.percent(8) {
        true => ("POST", "/v1/context".to_owned(), json!({"event": {"timestamp": event["timestamp"]}, "fields": []})),
        false => (method, path, body),
    };
    let mut headers = Vec::new();
    for (name, value) in [
        ("x-tenant", "bank"),
        ("x-scope-orgid", "bank"),
        ("x-trawl-tenant", "bank"),
        ("x-forwarded-for", "127.0.0.1"),
        ("idempotency-key", "of-both"),
        ("x-original-url", "/v1/searches"),
        ("x-http-method-override", "DELETE"),
    ] {
        if chance.percent(20) {
            headers.push((name.to_owned(), value.to_owned()));
        }
    }
    (method, path, headers, body)
}

#[test]
fn g7_tenants() {
    let data = tempfile::tempdir().unwrap();
    let shop = make_key(data.path(), "shop", "ingest,search,admin");
    let bank = make_key(data.path(), "bank", "ingest,search,admin");
    let server = Server::start(data.path(), &WITH_KEYS);
    let address = server.address();
    must(address, &shop, "POST", "/v1/events", &json!({"service": "shop", "message": "opens"}), 202);
    let names = set_up(address, &bank);
    let before = look(address, &bank);
    let mut chance = Chance::new(20_261_128);
    let mut statuses = std::collections::BTreeMap::<u16, usize>::new();
    for number in 0..REQUESTS {
        let (method, path, mut headers, body) = forged(&mut chance, &names);
        headers.push(("authorization".to_owned(), format!("Bearer {shop}")));
        let bytes = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
        let answer = request(address, method, &path, &headers, &bytes, Framing::Length);
        assert!(answer.status < 500, "{number}: {method} {path} {body}: {} {}", answer.status, answer.body);
        assert!(
            !answer.body.to_string().contains(MARK),
            "{number}: {method} {path} {headers:?} {body}: {}",
            answer.body
        );
        *statuses.entry(answer.status).or_default() += 1;
        // What it started is its own.
        let ids = [&answer.body["id"], &answer.body["before"]["id"], &answer.body["after"]["id"]];
        for id in ids.into_iter().filter_map(Value::as_str).filter(|_| path != "/v1/keys" && path != "/v1/deletions") {
            let page = ask(address, &shop, "GET", &format!("/v1/searches/{id}?wait=5s"), &Value::Null);
            assert!(!page.body.to_string().contains(MARK), "{number}: {method} {path} {body}: {}", page.body);
        }
    }
    assert!(statuses.contains_key(&404) && statuses.contains_key(&403) && statuses.contains_key(&200), "{statuses:?}");
    assert_eq!(look(address, &bank), before);
    let page = must(address, &bank, "GET", &format!("/v1/searches/{}", names.search), &Value::Null, 200);
    assert_eq!(page["events"].as_array().unwrap().len(), 100, "its search is still there");
    // The key by which one names its batch means nothing for the other.
    let headers = [
        ("authorization".to_owned(), format!("Bearer {shop}")),
        ("idempotency-key".to_owned(), "of-both-2".to_owned()),
    ];
    let of_shop = br#"{"message":"with the name of another"}"#;
    assert_eq!(request(address, "POST", "/v1/events", &headers, of_shop, Framing::Length).status, 202);
    let headers = [headers[1].clone(), ("authorization".to_owned(), format!("Bearer {bank}"))];
    let pushed = request(address, "POST", "/v1/events", &headers, br#"{"message":"same name"}"#, Framing::Length);
    assert_eq!(pushed.status, 202);
    assert_eq!(find(address, &bank, "\"same name\"").0.len(), 1);
    assert_eq!(find(address, &shop, "\"name of another\"").0.len(), 1);
}
