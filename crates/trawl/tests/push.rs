//! `trawl push` and `trawl simulate` as processes, against a server on a real socket.
#![allow(clippy::unwrap_used, clippy::expect_used)]

#[path = "../../client/tests/support/mod.rs"]
mod support;

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};
use support::{Reply, Request, Server};

fn trawl(server: &Server) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_trawl"));
    command.env("TRAWL_URL", &server.url).env_remove("TRAWL_API_KEY").stdin(Stdio::null());
    command
}

fn with_stdin(command: &mut Command, input: &[u8]) -> Output {
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(input).unwrap();
    child.wait_with_output().unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// The lines of a request, and how many bytes they have.
fn lines(request: &Request) -> Vec<String> {
    let body = request.plain_body(|bytes| zstd::stream::decode_all(bytes).unwrap());
    String::from_utf8(body).unwrap().lines().map(str::to_owned).collect()
}

fn accept(request: &Request) -> Reply {
    Reply::Json(202, json!({"accepted": lines(request).len(), "rejected": [], "batch_id": "b"}).to_string())
}

/// What the server holds after these requests, if it takes each key once.
fn stored(requests: &[Request]) -> Vec<String> {
    let by_key: BTreeMap<&str, Vec<String>> =
        requests.iter().map(|request| (request.header("idempotency-key").unwrap(), lines(request))).collect();
    let mut all: Vec<String> = by_key.into_values().flatten().collect();
    all.sort();
    all
}

fn numbered(count: usize) -> Vec<String> {
    let mut events: Vec<String> = (0..count)
        .map(|n| {
            json!({"timestamp": 1_700_000_000 + n, "message": format!("event {n:06} {}", "x".repeat(200))}).to_string()
        })
        .collect();
    events.sort();
    events
}

fn write(directory: &Path, name: &str, content: &[u8]) -> String {
    let path = directory.join(name);
    std::fs::write(&path, content).unwrap();
    path.to_string_lossy().into_owned()
}

#[test]
fn every_line_of_every_kind_of_file_arrives_once() {
    let server = Server::start(|request, _| accept(request));
    let directory = tempfile::tempdir().unwrap();
    let events = numbered(12_000);
    let (plain, rest) = events.split_at(6_000);
    let (zipped, rest) = rest.split_at(3_000);
    let (zstd, array) = rest.split_at(2_000);
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all((zipped.join("\r\n") + "\r\n\r\n").as_bytes()).unwrap();
    let files = [
        write(directory.path(), "plain.ndjson", plain.join("\n").as_bytes()),
        write(directory.path(), "zipped", &encoder.finish().unwrap()),
        write(directory.path(), "z.log", &zstd::bulk::compress(zstd.join("\n\n").as_bytes(), 3).unwrap()),
        write(directory.path(), "array.json", format!("[\n{}\n]", array.join(",\n ")).as_bytes()),
    ];
    let output = trawl(&server).arg("push").args(&files).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert!(output.stdout.is_empty());
    assert!(stderr(&output).starts_with("accepted 12,000 events, rejected 0; "), "{}", stderr(&output));
    assert_eq!(stored(&server.requests()), events);

    // Once more, from another directory and by another name of the same file: the same batches.
    let first = server.requests().len();
    let again = trawl(&server).current_dir(directory.path()).args(["push", "./plain.ndjson"]).output().unwrap();
    assert_eq!(again.status.code(), Some(0));
    assert!(server.requests().len() > first);
    assert_eq!(stored(&server.requests()), events);
}

#[test]
fn a_flaky_server_gets_each_batch_under_one_key() {
    let server = Server::start(|request, count| match count % 4 {
        0 => Reply::Json(503, "{}".to_owned()),
        1 => Reply::HangUp,
        2 => Reply::HalfAnswer,
        _ => accept(request),
    });
    let directory = tempfile::tempdir().unwrap();
    let events = numbered(9_000);
    let file = write(directory.path(), "a.ndjson", events.join("\n").as_bytes());
    let output = trawl(&server).args(["push", "-j1", &file]).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert_eq!(stored(&server.requests()), events);
}

#[test]
fn a_push_that_broke_off_is_completed_by_the_same_command() {
    let server = Server::start(|request, count| match count {
        1 => Reply::Json(401, r#"{"error":{"code":"unauthorized","message":"no such key","detail":null}}"#.to_owned()),
        _ => accept(request),
    });
    let directory = tempfile::tempdir().unwrap();
    let events = numbered(12_000);
    let file = write(directory.path(), "a.ndjson", events.join("\n").as_bytes());
    let output = trawl(&server).args(["push", "-j1", &file]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    let said = stderr(&output);
    assert!(said.contains("run the same command again") && said.contains("no such key (unauthorized, 401)"), "{said}");
    assert!(stored(&server.requests()).len() < events.len());

    assert_eq!(trawl(&server).args(["push", &file]).status().unwrap().code(), Some(0));
    assert_eq!(stored(&server.requests()), events);
}

#[test]
fn refused_events_are_named_with_file_and_line() {
    let server = Server::start(|_, _| {
        let rejected = json!([{"index": 1, "code": "timestamp_invalid", "message": "field ts is not a timestamp"}]);
        Reply::Json(202, json!({"accepted": 2, "rejected": rejected, "batch_id": "b"}).to_string())
    });
    let directory = tempfile::tempdir().unwrap();
    let mut content = b"\n{\"a\":1}\nplain text\n\n{\"ts\":\"x\"}\n{\"long\":\"".to_vec();
    content.extend(std::iter::repeat_n(b'x', 1_000_001));
    content.extend(b"\"}\n{\"b\":2}");
    let file = write(directory.path(), "bad.ndjson", &content);
    let output = trawl(&server).args(["push", &file]).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let said = stderr(&output);
    for line in [
        format!("{file}:3: an event is a JSON object; for lines of plain text use --raw (event_not_object)"),
        format!("{file}:5: field ts is not a timestamp (timestamp_invalid)"),
        format!("{file}:6: the event has 1000012 bytes, the limit is 1000000 (event_too_large)"),
        "accepted 2 events, rejected 3; ".to_owned(),
    ] {
        assert!(said.contains(&line), "{line} in {said}");
    }
    assert_eq!(stored(&server.requests()).len(), 3);
}

#[test]
fn a_batch_that_is_refused_whole_does_not_stop_the_others() {
    let server = Server::start(|request, count| match count {
        0 => Reply::Json(
            400,
            r#"{"error":{"code":"no_acceptable_events","message":"none is acceptable","detail":null}}"#.to_owned(),
        ),
        _ => accept(request),
    });
    let directory = tempfile::tempdir().unwrap();
    let file = write(directory.path(), "a.ndjson", numbered(6_000).join("\n").as_bytes());
    let output = trawl(&server).args(["push", "-j1", &file]).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains(":1-"), "{}", stderr(&output));
    assert_eq!(server.requests().len(), 2);
}

#[test]
fn unreadable_files_are_named_and_the_others_sent() {
    let server = Server::start(|request, _| accept(request));
    let directory = tempfile::tempdir().unwrap();
    let good = write(directory.path(), "good", b"{\"a\":1}");
    let broken = write(directory.path(), "broken.json", b"[{\"b\":1},\n x]");
    let output = trawl(&server).args(["push", "absent", &broken, &good]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    let said = stderr(&output);
    assert!(said.contains("trawl: absent: ") && said.contains("broken.json: line 2: expected an event"), "{said}");
    assert_eq!(stored(&server.requests()), [r#"{"a":1}"#, r#"{"b":1}"#]);
}

#[test]
fn lines_of_plain_text_become_events() {
    let server = Server::start(|request, _| accept(request));
    let text = b"[Sun Dec 04] \"quoted\" \xff\n\n  indented\r\n{\n";
    let output = with_stdin(trawl(&server).args(["push", "--raw", "--service", "web"]), text);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let events: Vec<Value> =
        stored(&server.requests()).iter().map(|line| serde_json::from_str(line).unwrap()).collect();
    let messages: Vec<_> = events.iter().map(|event| event["message"].as_str().unwrap()).collect();
    assert_eq!(messages, ["  indented", "[Sun Dec 04] \"quoted\" \u{fffd}", "{"]);
    assert!(events.iter().all(|event| event["service"] == "web"));
}

#[test]
fn stdin_without_times_is_new_each_time_and_with_times_the_same() {
    let server = Server::start(|request, _| accept(request));
    for input in ["{\"message\":\"backup done\"}", "{\"message\":\"backup done\",\"ts\":1700000000}"] {
        for _ in 0..2 {
            assert_eq!(with_stdin(trawl(&server).args(["push", "-"]), input.as_bytes()).status.code(), Some(0));
        }
    }
    let requests = server.requests();
    let keys: Vec<_> = requests.iter().map(|request| request.header("idempotency-key").unwrap()).collect();
    assert_ne!(keys[0], keys[1]);
    assert_eq!(keys[2], keys[3]);
}

#[test]
fn the_api_key_goes_along() {
    let server = Server::start(|request, _| accept(request));
    with_stdin(trawl(&server).env("TRAWL_API_KEY", "k1").arg("push"), b"{}");
    with_stdin(trawl(&server).args(["push", "--api-key", "k2"]), b"{}");
    let requests = server.requests();
    let keys: Vec<_> = requests.iter().map(|request| request.header("authorization").unwrap()).collect();
    assert_eq!(keys, ["Bearer k1", "Bearer k2"]);
}

#[test]
fn a_simulation_sends_at_its_rate() {
    let server = Server::start(|request, _| accept(request));
    let output = trawl(&server).args(["simulate", "--rate", "3000", "--seconds", "1"]).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let said = stderr(&output);
    let rest = said.strip_prefix("sent 3,000 events of 3,000 in ").unwrap_or_else(|| panic!("{said}"));
    let seconds: f64 = rest.split(' ').next().unwrap().parse().unwrap();
    assert!(seconds >= 1.0, "{said}");
    assert_eq!(stored(&server.requests()).len(), 3000);
}
