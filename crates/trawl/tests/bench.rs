//! `trawl bench` as a process, against a server on a real socket and without one.
#![allow(clippy::unwrap_used, clippy::expect_used)]

#[path = "../../client/tests/support/mod.rs"]
mod support;

use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};
use support::{Reply, Server};

fn bench(url: Option<&str>, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_trawl"));
    command.arg("bench").args(arguments).env_remove("TRAWL_URL").env_remove("TRAWL_API_KEY").stdin(Stdio::null());
    if let Some(url) = url {
        command.args(["--url", url]);
    }
    command.output().unwrap()
}

fn texts(output: &Output) -> (String, String) {
    (String::from_utf8(output.stdout.clone()).unwrap(), String::from_utf8(output.stderr.clone()).unwrap())
}

/// A server with one segment, each search of which ends so.
fn server(status: &'static str) -> Server {
    Server::start(move |request, _| {
        match (request.method.as_str(), request.path.as_str()) {
        (_, "/v1/status") => Reply::Json(
            200,
            json!({"tail_events": 3, "segments": 1, "events": 10, "stored_bytes": 60_000_000, "index_bytes": 1000, "raw_bytes": 1_000_000_000})
                .to_string(),
        ),
        ("POST", _) => Reply::Json(202, r#"{"id":"s1","status":"running"}"#.to_owned()),
        _ => Reply::Json(
            200,
            json!({
                "id": "s1",
                "status": status,
                "events": [{"timestamp": "2026-03-02T10:00:00Z", "message": "request 0af7651916cd43dd8448eb211c80319c", "service": "web"}],
                "progress": {"tasks_done": 1, "tasks_total": 1, "bytes_read": 4096, "granules_total": 9, "granules_read": 2, "events_matched": 1},
                "cost": {"gets": 5, "bytes": 4096, "gb_seconds": 0.1769, "usd": 0.000_004_4},
                "next_cursor": null,
            })
            .to_string(),
        ),
    }
    })
}

#[test]
fn a_server_is_measured_class_by_class() {
    let server = server("complete");
    let output = bench(Some(&server.url), &["--runs", "1"]);
    let (stdout, stderr) = texts(&output);
    assert_eq!(output.status.code(), Some(0), "{stderr}");
    assert!(stdout.contains("1.00 GB raw, 60.0 MB stored (1.00 kB index), 10 events in 1 segment"), "{stdout}");
    let rare = stdout.lines().find(|line| line.starts_with("word, rare")).unwrap();
    for cell in ["0af7651916cd43dd8448eb211c80319c", "100  4.10 kB     5       2/9        1  $0.0000044"] {
        assert!(rare.contains(cell), "{rare}");
    }
    assert!(stderr.contains("3 events in flight") && stderr.contains("timechart"), "{stderr}");
}

#[test]
fn own_queries_are_measured_in_their_place() {
    let server = server("complete");
    let output =
        bench(Some(&server.url), &["--runs", "2", "-n", "1", "-q", "-o", "json", "--label", "mine", "a b", "c"]);
    let figures: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&figures["origin"], texts(&output).1.as_str()), (&json!("mine"), ""));
    let classes = figures["classes"].as_array().unwrap();
    assert_eq!(classes.len(), 2);
    assert_eq!((&classes[0]["query"], &classes[0]["growth"]), (&json!("a b"), &json!("constant")));
    assert_eq!((&classes[0]["worker_seconds"], &classes[0]["gets"]), (&json!(0.1), &json!(5)));
    let searches = server.requests().iter().filter(|request| request.method == "POST").count();
    assert_eq!(searches, 4);
}

#[test]
fn the_reference_data_is_extended_without_a_server() {
    let output = bench(None, &["--model"]);
    let (stdout, stderr) = texts(&output);
    assert_eq!((output.status.code(), stderr.as_str()), (Some(0), ""));
    for part in
        ["1.00 TB raw", "100 TB raw", "1.00 PB raw", "200 workers", "1,000 workers", "assumptions", "S3: first byte"]
    {
        assert!(stdout.contains(part), "{part}: {stdout}");
    }
}

#[test]
fn kept_figures_are_extended_to_any_scale() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("figures.json");
    let server = server("complete");
    std::fs::write(&file, bench(Some(&server.url), &["--runs", "1", "-q", "-o", "json", "x"]).stdout).unwrap();
    let file = file.to_str().unwrap();
    let scale = ["--raw", "2TB,4TB", "--workers", "10", "--days", "3", "--latency", "100ms", "-o", "json"];
    let output = bench(None, &[["--model", "--figures", file].as_slice(), &scale].concat());
    let model: Value = serde_json::from_slice(&output.stdout).unwrap();
    let estimates = model["estimates"].as_array().unwrap();
    assert_eq!(estimates.len(), 2);
    assert_eq!((&estimates[0]["raw_bytes"], &estimates[0]["gets"]), (&json!(2_000_000_000_000_u64), &json!(10_000.0)));
    assert!(estimates[1]["seconds"].as_f64() > estimates[0]["seconds"].as_f64());
    let latency =
        model["assumptions"].as_array().unwrap().iter().find(|item| item["name"] == "S3: first byte of a request");
    assert_eq!(latency.unwrap()["value"], json!(100.0));

    let other = bench(None, &["--model", "--figures", "no-such-file.json"]);
    assert_eq!(other.status.code(), Some(2));
    assert!(texts(&other).1.contains("cannot read no-such-file.json"));
}

#[test]
fn a_search_that_does_not_complete_is_an_error() {
    let server = server("failed");
    let output = bench(Some(&server.url), &["-q", "x"]);
    assert_eq!((output.status.code(), output.stdout.len()), (Some(2), 0));
    assert!(texts(&output).1.contains("x: the search failed"), "{}", texts(&output).1);
}
