//! `trawl export` as a process: against a real server, and against one that breaks off.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod local;
#[path = "../../client/tests/support/mod.rs"]
mod support;

use std::fs;
use std::path::Path;
use std::process::Stdio;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use local::{Local, command, ended, forward};
use serde_json::{Value, json};
use support::{Reply, Server};

/// Events of several pages.
fn events(count: u32) -> Vec<Value> {
    let event =
        |n: u32| json!({"timestamp": 1_772_445_600 + n, "n": n, "message": format!("event {n}"), "sub": {"a": n}});
    (0..count).map(event).collect()
}

fn numbers(lines: &str) -> Vec<u64> {
    lines.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()["n"].as_u64().unwrap()).collect()
}

/// The files of a directory, but for the data of a server.
fn files(directory: &Path) -> Vec<String> {
    let names = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = names.filter(|name| name != "data").collect();
    names.sort();
    names
}

/// Opens Parquet that Trawl wrote, by what its metadata say of the directory.
fn reader(bytes: &[u8]) -> trawl_segment::SegmentReader {
    let key = b"trawl.directory";
    let at = bytes.windows(key.len()).rposition(|window| window == key).unwrap() + key.len();
    let start = bytes[at..].iter().position(|byte| *byte == b'[').unwrap() + at;
    let end = bytes[start..].iter().position(|byte| *byte == b']').unwrap() + start;
    let [offset, _]: [u64; 2] = serde_json::from_slice(&bytes[start..=end]).unwrap();
    trawl_segment::SegmentReader::open(&bytes[offset as usize..], offset).unwrap()
}

#[test]
fn a_whole_result_becomes_a_file_of_any_form() {
    let server = Local::start();
    server.push(&events(3500));
    let (lines, csv, parquet) = (server.path("a.ndjson"), server.path("a.csv"), server.path("a.parquet"));
    let ended = server.run(&["export", "event", "-o", &lines]);
    assert!(ended.stderr.starts_with("exported 3,500 events ("), "{}", ended.stderr);
    assert_eq!((ended.status, ended.stdout.as_str()), (Some(0), ""));
    assert_eq!(numbers(&fs::read_to_string(&lines).unwrap()), (0..3500).rev().collect::<Vec<u64>>());

    server.run(&["export", "n:<3 | fields n, sub.a", "--order", "asc", "-o", &csv, "-q"]).ok();
    assert_eq!(fs::read_to_string(&csv).unwrap(), "n,sub.a\r\n0,0\r\n1,1\r\n2,2\r\n");

    server.run(&["export", "-o", &parquet]).ok();
    let bytes = fs::read(&parquet).unwrap();
    assert!(bytes.starts_with(b"PAR1") && bytes.ends_with(b"PAR1"));
    let reader = reader(&bytes);
    let names: Vec<String> = reader.fields().map(|field| field.path.name()).collect();
    assert_eq!(reader.events(), 3500);
    assert!(["message", "n", "sub.a"].iter().all(|name| names.iter().any(|found| found == name)), "{names:?}");
    assert_eq!(files(server.directory.path()), ["a.csv", "a.ndjson", "a.parquet"]);

    let nothing = server.run(&["export", "absent", "-o", &lines]);
    assert_eq!((nothing.status, fs::read(&lines).unwrap().len()), (Some(1), 0));
}

#[test]
fn what_is_no_file_of_events_is_refused_at_once() {
    let refusals = [
        (vec!["export", "* | stats count()", "-o", "a.csv"], "use `trawl search -o csv > FILE`"),
        (vec!["export", "* | sort n", "-o", "a.csv"], "leave the sort pipe out"),
        (vec!["export", "* | fields n", "-o", "a.parquet"], "add timestamp to the fields pipe"),
        (vec!["export", "*", "-o", "a.txt"], "use --format"),
        (vec!["export", "*"], "--output <FILE>"),
    ];
    for (arguments, said) in refusals {
        let ended = ended(&mut command("http://127.0.0.1:1", &arguments));
        assert!(ended.status == Some(2) && ended.stderr.contains(said), "{arguments:?}: {ended:?}");
    }
}

#[test]
fn an_export_that_was_killed_is_gone_on_with() {
    let real = Local::start();
    real.push(&events(3500));
    // Between the two stands one that keeps the third page to itself, until it is told otherwise.
    let (told, held) = channel();
    let told = Mutex::new(told);
    let is_open = Arc::new(AtomicBool::new(false));
    let between = Server::start({
        let (url, is_open) = (real.url.clone(), Arc::clone(&is_open));
        move |request, _| {
            if !is_open.load(Ordering::Relaxed) && request.path.contains("-2") && request.method == "GET" {
                told.lock().unwrap().send(()).unwrap_or_default();
                return Reply::HangUp;
            }
            forward(&url, request)
        }
    });
    let file = real.path("all.ndjson");
    let arguments = ["export", "event", "--order", "asc", "-o", &file];
    let mut child = command(&between.url, &arguments).stderr(Stdio::null()).spawn().unwrap();
    held.recv_timeout(Duration::from_secs(60)).unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(files(real.directory.path()), ["all.ndjson.part", "all.ndjson.part.state"]);
    // What the kill left half-written is cut off.
    let part = real.path("all.ndjson.part");
    let mut torn = fs::read(&part).unwrap();
    torn.extend_from_slice(b"{\"n\":");
    fs::write(&part, torn).unwrap();

    is_open.store(true, Ordering::Relaxed);
    let before = between.requests().len();
    let ended = ended(&mut command(&between.url, &arguments));
    assert_eq!(ended.status, Some(0), "{}", ended.stderr);
    // Pages are noted by the clock: the first was, and on a slow disk the second.
    let noted = ["1,000", "2,000"].map(|count| format!("going on behind {count} events in "));
    assert!(noted.iter().any(|noted| ended.stderr.starts_with(noted)), "{}", ended.stderr);
    assert!(between.requests()[before..].iter().all(|request| request.method == "GET"), "it is the same search");
    assert_eq!(numbers(&fs::read_to_string(&file).unwrap()), (0..3500).collect::<Vec<u64>>());
    assert_eq!(files(real.directory.path()), ["all.ndjson"]);
}

/// A page of a search that goes on.
fn page(numbers: &[u32], next: Option<&str>, more: Option<&str>) -> Value {
    let events: Vec<Value> = numbers.iter().map(|n| json!({"timestamp": 1_772_445_600 + n, "n": n})).collect();
    let status = if next.is_some() { "running" } else { "complete" };
    json!({"id": "s", "status": status, "events": events, "next_cursor": next, "more_cursor": more})
}

#[test]
fn a_search_that_is_gone_is_begun_anew() {
    let server = Server::start(|request, count| {
        let refusal = |status: u16, code: &str| {
            Reply::Json(status, json!({"error": {"code": code, "message": "gone", "detail": null}}).to_string())
        };
        match (request.method.as_str(), count) {
            ("POST", _) => Reply::Json(202, json!({"id": format!("s{count}"), "status": "running"}).to_string()),
            (_, 1) => Reply::Json(200, page(&[9, 8], Some("p1"), None).to_string()),
            (_, 2) => refusal(401, "invalid_api_key"),
            // The second run, a day later.
            (_, 3) => refusal(410, "search_expired"),
            _ => Reply::Json(200, page(&[7], None, None).to_string()),
        }
    });
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("a.ndjson");
    let arguments = ["export", "-o", file.to_str().unwrap()];
    let first = ended(&mut command(&server.url, &arguments));
    assert_eq!(first.status, Some(2));
    assert!(first.stderr.contains("the same command goes on with") && first.stderr.contains("401"), "{}", first.stderr);
    let second = ended(&mut command(&server.url, &arguments));
    assert!(
        second.stderr.contains("going on behind 2 events") && second.stderr.contains("beginning anew: gone"),
        "{second:?}"
    );
    assert_eq!(numbers(&fs::read_to_string(&file).unwrap()), [7]);
}

#[test]
fn a_result_that_outlasts_its_search_is_taken_up_by_another() {
    let server = Server::start(|request, count| match (request.method.as_str(), count) {
        ("POST", _) => Reply::Json(202, json!({"id": format!("s{count}"), "status": "running"}).to_string()),
        (_, 1) => Reply::Json(200, page(&[9, 8, 8], None, Some("p1-more")).to_string()),
        (_, 2) => {
            let error = json!({"error": {"code": "cursor_expired", "message": "too late", "detail": null}});
            Reply::Json(410, error.to_string())
        }
        _ => Reply::Json(200, page(&[8, 8, 8, 7], None, None).to_string()),
    });
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("a.ndjson");
    let ended = ended(&mut command(&server.url, &["export", "-o", file.to_str().unwrap()]));
    assert_eq!(ended.status, Some(0), "{}", ended.stderr);
    assert_eq!(numbers(&fs::read_to_string(&file).unwrap()), [9, 8, 8, 8, 7]);
    let posted: Value = serde_json::from_slice(&server.requests()[3].body).unwrap();
    assert_eq!(posted["to"], "2026-03-02T10:00:08.000000001Z");
}

#[test]
fn a_partial_result_is_kept_and_named() {
    let server = Server::start(|request, _| match request.method.as_str() {
        "POST" => Reply::Json(202, r#"{"id":"s","status":"running"}"#.to_owned()),
        _ => {
            let mut page = page(&[1], None, None);
            (page["status"], page["missing"]) = (json!("partial"), json!(["segment a.parquet: gone"]));
            Reply::Json(200, page.to_string())
        }
    });
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("a.ndjson");
    let ended = ended(&mut command(&server.url, &["export", "-o", file.to_str().unwrap(), "-q"]));
    assert_eq!(ended.status, Some(2));
    assert_eq!(ended.stderr, "incomplete: 1 part could not be read\n  segment a.parquet: gone\n");
    assert_eq!(numbers(&fs::read_to_string(&file).unwrap()), [1]);
}
