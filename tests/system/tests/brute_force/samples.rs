//! The events that queries are asked about: real ones where there are any, simulated ones, and odd ones.

use std::fs::File;

use serde_json::{Value, json};
use trawl_system::chance::Chance;
use trawl_system::command;
use trawl_system::shared::real_logs;

use crate::event::Event;

/// Real events taken of each file.
const OF_EACH_FILE: usize = 200;
/// Odd events.
const ODD: usize = 300;

pub fn events(chance: &mut Chance) -> Vec<Event> {
    let mut all = simulated();
    let files = real_logs("the part of search_equals_a_brute_force_evaluator that is about real logs");
    for path in files.unwrap_or_default() {
        let text = zstd::decode_all(File::open(path).unwrap()).unwrap();
        let lines: Vec<&[u8]> = text.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).collect();
        let step = (lines.len() / OF_EACH_FILE).max(1);
        all.extend(lines.iter().step_by(step).map(|line| serde_json::from_slice::<Value>(line).unwrap()));
    }
    all.extend((0..ODD).map(|_| odd(chance)));
    let mut events = Vec::new();
    for (serial, mut json) in all.into_iter().enumerate() {
        json["serial"] = Value::from(serial);
        events.push(Event::new(json));
    }
    events
}

fn simulated() -> Vec<Value> {
    let arguments = ["simulate", "--stdout", "--rate", "100", "--seconds", "10", "--start", "2026-03-02T10:00:00Z"];
    let ended = command::run("", &arguments);
    assert_eq!(ended.status, Some(0), "{}", ended.stderr);
    ended.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// An event such as few services send, and all may.
fn odd(chance: &mut Chance) -> Value {
    let second = chance.below(3600);
    let fraction = ["", ".5", ".123456789", ".000001"];
    let time =
        format!("2026-03-02T1{}:{:02}:{:02}{}Z", chance.below(3), second / 60, second % 60, chance.pick(&fraction));
    let level = ["ERROR", "warn", "Notice", "crit", "3", "loud", "17", ""];
    let word = [
        "Zürich",
        "naïve",
        "日本語",
        "x_1",
        "a-b",
        "GET /api",
        "",
        " ",
        "\"quoted\"",
        "back\\slash",
        "tab\there",
        "10.0.0.1",
    ];
    let mut event = json!({
        "timestamp": time,
        "level": chance.pick(&level),
        "message": format!("{} and {}", chance.pick(&word), chance.pick(&word)),
    });
    for _ in 0..chance.below(5) {
        let (name, value) = match chance.below(10) {
            0 => ("n", json!(chance.below(5))),
            1 => ("n", json!(chance.below(50) as f64 / 8.0)),
            2 => ("n", json!(chance.below(5).to_string())),
            3 => ("n", json!(chance.pick(&[true, false]))),
            4 => ("n", Value::Null),
            5 => ("tags", json!([chance.pick(&word), chance.below(3), null, [chance.pick(&word)]])),
            6 => ("a", json!({"b": [{"c": chance.below(3)}, {"c": chance.pick(&word)}], "d.e": chance.pick(&word)})),
            7 => ("a.b", json!({"c": chance.below(3)})),
            8 => ("odd name", json!(chance.pick(&word))),
            _ => ("empty", chance.pick(&[json!({}), json!([]), json!(""), Value::Null, json!({"in": {}})]).clone()),
        };
        event[name] = value;
    }
    event
}
