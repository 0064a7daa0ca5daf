//! What a person sees while a search goes on: counts beside the events, events past the limit, new ones as they arrive.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::disallowed_methods,
    clippy::print_stdout,
    clippy::print_stderr
)]

mod around;
mod counts;
mod endless;
mod live;

use std::net::SocketAddr;

use serde_json::{Value, json};
use trawl_system::api;

/// 2026-03-02T10:00:00Z.
const BEGIN_MS: i64 = 1_772_445_600_000;

const LEVELS: [&str; 5] = ["info", "INFO", "warn", "ERROR", "loud"];
const SERVICES: [&str; 3] = ["checkout", "cart", "payments"];

/// One event every 7 seconds, of three services in turn.
fn event(number: usize) -> Value {
    let mut event = json!({
        "timestamp": BEGIN_MS + number as i64 * 7000,
        "service": SERVICES[number % 3],
        "message": format!("event {number}"),
        "n": number,
        "http": {"status": 200 + (number % 4) * 100},
    });
    if !number.is_multiple_of(11) {
        event["level"] = json!(LEVELS[number % 5]);
    }
    event
}

fn push(address: SocketAddr, events: impl IntoIterator<Item = Value>) {
    let events: Vec<Value> = events.into_iter().collect();
    let answer = api::call(address, "POST", "/v1/events", &json!(events), 202);
    assert_eq!(answer["accepted"], events.len());
}

fn numbers(events: &Value) -> Vec<u64> {
    events.as_array().unwrap().iter().map(|event| event["n"].as_u64().unwrap()).collect()
}
