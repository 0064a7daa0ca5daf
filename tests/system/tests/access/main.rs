//! Keys, tenants, limits and deletions of a real server.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::disallowed_methods)]

mod deleted;
mod described;
mod hardening;
mod keys;
mod limits;
mod tenants;

use std::net::SocketAddr;
use std::path::Path;

use serde_json::Value;
use trawl_system::command::trawl;
use trawl_system::http::{Answer, Framing, request};

/// Arguments of a server that asks for keys.
const WITH_KEYS: [&str; 3] = ["--require-key", "--flush-age", "200ms"];

/// Makes a key on the data itself, as the first one is made.
fn make_key(data: &Path, tenant: &str, scopes: &str) -> String {
    let mut command = trawl("");
    command.args(["key", "create", "--name", "test", "--tenant", tenant, "--scope", scopes, "--data"]).arg(data);
    let made = command.output().unwrap();
    assert!(made.status.success(), "{made:?}");
    String::from_utf8(made.stdout).unwrap().trim().to_owned()
}

/// A request with a key.
fn ask(address: SocketAddr, key: &str, method: &str, path: &str, body: &Value) -> Answer {
    let bytes = match body {
        Value::Null => Vec::new(),
        Value::String(text) => text.clone().into_bytes(),
        json => json.to_string().into_bytes(),
    };
    let headers = [("authorization".to_owned(), format!("Bearer {key}"))];
    request(address, method, path, &headers, &bytes, Framing::Length)
}

/// The answer to a request with a key, which must have this status.
fn must(address: SocketAddr, key: &str, method: &str, path: &str, body: &Value, status: u16) -> Value {
    let answer = ask(address, key, method, path, body);
    assert_eq!(answer.status, status, "{method} {path}: {}", answer.body);
    answer.body
}

/// All events that a query finds with a key, and how the search ended.
fn find(address: SocketAddr, key: &str, query: &str) -> (Vec<Value>, Value) {
    let search = serde_json::json!({"query": query, "limit": 10_000});
    let created = must(address, key, "POST", "/v1/searches", &search, 202);
    let id = created["id"].as_str().unwrap();
    let (mut events, mut cursor) = (Vec::new(), String::new());
    loop {
        let mut page = must(address, key, "GET", &format!("/v1/searches/{id}?wait=5s{cursor}"), &Value::Null, 200);
        events.extend(page["events"].take().as_array_mut().map(std::mem::take).unwrap_or_default());
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return (events, page),
        }
    }
}
