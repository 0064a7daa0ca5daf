//! Requests of the API as JSON, for routes that the client library does not need.

use std::net::SocketAddr;

use serde_json::Value;

use crate::http::{Framing, request};

/// The answer to a request, which must have this status.
pub fn call(address: SocketAddr, method: &str, target: &str, body: &Value, status: u16) -> Value {
    let bytes = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
    let answer = request(address, method, target, &[], &bytes, Framing::Length);
    assert_eq!(answer.status, status, "{method} {target} {body}: {}", answer.body);
    answer.body
}

/// `GET` with `200`.
pub fn get(address: SocketAddr, target: &str) -> Value {
    call(address, "GET", target, &Value::Null, 200)
}

/// Starts a search; gives its name.
pub fn create(address: SocketAddr, search: &Value) -> String {
    let created = call(address, "POST", "/v1/searches", search, 202);
    created["id"].as_str().expect("a search has a name").to_owned()
}

/// The answer of a search that has ended, with the events of all pages up to its limit.
pub fn finish(address: SocketAddr, id: &str) -> Value {
    let mut events = Vec::new();
    let mut cursor = String::new();
    loop {
        let mut page = get(address, &format!("/v1/searches/{id}?wait=5s{cursor}"));
        events.extend(page["events"].take().as_array_mut().map(std::mem::take).unwrap_or_default());
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => {
                page["events"] = Value::Array(events);
                return page;
            }
        }
    }
}

/// Runs a search to its end.
pub fn search(address: SocketAddr, search: &Value) -> Value {
    let found = finish(address, &create(address, search));
    assert_eq!(found["status"], "complete", "{search}: {found}");
    found
}

/// Text as a part of a URL.
pub fn encoded(text: &str) -> String {
    let encode = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => char::from(byte).to_string(),
        other => format!("%{other:02X}"),
    };
    text.bytes().map(encode).collect()
}
