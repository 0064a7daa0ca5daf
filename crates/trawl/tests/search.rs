//! `trawl search`, `tail`, `status` and `compact` as processes, against a server on a real socket.
#![allow(clippy::unwrap_used, clippy::expect_used)]

#[path = "../../client/tests/support/mod.rs"]
mod support;

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Output, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::time::Duration;

use serde_json::{Value, json};
use support::{Reply, Request, Server};

fn trawl(server: &Server) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_trawl"));
    command.env("TRAWL_URL", &server.url).env_remove("TRAWL_API_KEY").stdin(Stdio::null());
    command
}

fn texts(output: &Output) -> (String, String) {
    (String::from_utf8(output.stdout.clone()).unwrap(), String::from_utf8(output.stderr.clone()).unwrap())
}

/// A server that gives these pages, one per poll, by cursors.
fn pages(pages: Vec<Value>) -> Server {
    Server::start(move |request, _| {
        if request.method != "GET" {
            return Reply::Json(202, r#"{"id":"s1","status":"running"}"#.to_owned());
        }
        let place = match request.path.split_once("cursor=") {
            Some((_, cursor)) => cursor.parse::<usize>().unwrap(),
            None => 0,
        };
        let mut page = pages[place].clone();
        page["next_cursor"] = if place + 1 < pages.len() { json!((place + 1).to_string()) } else { Value::Null };
        Reply::Json(200, page.to_string())
    })
}

fn event(number: u32) -> Value {
    json!({"timestamp": format!("2026-03-02T10:00:{number:02}Z"), "level": "ERROR", "service": "checkout", "message": format!("timeout {number}"), "n": number})
}

fn running(events: &[Value]) -> Value {
    json!({"id": "s1", "status": "running", "events": events, "aggregates": null})
}

fn ended(status: &str, events: &[Value]) -> Value {
    json!({"id": "s1", "status": status, "events": events, "progress": {"tasks_done": 3, "tasks_total": 3, "bytes_read": 4096, "events_matched": 7}})
}

fn posted(server: &Server) -> Value {
    serde_json::from_slice(&server.requests()[0].body).unwrap()
}

fn deletes(requests: &[Request]) -> usize {
    requests.iter().filter(|request| request.method == "DELETE" && request.path == "/v1/searches/s1").count()
}

#[test]
fn events_of_all_pages_are_printed_in_order() {
    let server = pages(vec![running(&[event(3), event(2)]), running(&[]), ended("complete", &[event(1)])]);
    let arguments = ["search", "timeout service:checkout", "--since", "1h", "--limit", "7", "-o", "ndjson"];
    let output = trawl(&server).args(arguments).output().unwrap();
    let (stdout, stderr) = texts(&output);
    assert_eq!(output.status.code(), Some(0), "{stderr}");
    assert_eq!(stdout, format!("{}\n{}\n{}\n", event(3), event(2), event(1)));
    assert!(stderr.starts_with("3 results in ") && stderr.contains("3/3 tasks, 4.10 kB read, 7 matched"), "{stderr}");
    assert_eq!(
        posted(&server),
        json!({"query": "timeout service:checkout", "from": "-3600s", "limit": 7, "order": "desc", "max_bytes": 100_000_000_000_u64})
    );
    assert!(server.requests()[1].path.contains("wait=5s"));
}

#[test]
fn the_text_of_an_event_is_not_touched() {
    let text = r#"{"z":1.0e2,"a":"\u00e9","big":123456789012345678901234567890}"#;
    let server = Server::start(move |request, _| match request.method.as_str() {
        "GET" => Reply::Json(200, format!(r#"{{"id":"s1","status":"complete","events":[{text}],"next_cursor":null}}"#)),
        _ => Reply::Json(202, r#"{"id":"s1","status":"running"}"#.to_owned()),
    });
    let (stdout, _) = texts(&trawl(&server).args(["search", "-o", "ndjson"]).output().unwrap());
    assert_eq!(stdout, format!("{text}\n"));
}

#[test]
fn a_table_shows_the_parts_and_marks_matches_where_colours_are_wanted() {
    let server = pages(vec![ended("complete", &[event(1)])]);
    let (plain, _) = texts(&trawl(&server).args(["search", "timeout"]).output().unwrap());
    assert_eq!(plain, "2026-03-02T10:00:01Z ERROR checkout timeout 1 n=1\n");
    let (coloured, _) = texts(&trawl(&server).args(["search", "timeout", "--color", "always"]).output().unwrap());
    assert!(coloured.contains("\u{1b}[30m\u{1b}[43mtimeout\u{1b}[0m 1"), "{coloured:?}");
    let no_color = trawl(&server).env("NO_COLOR", "1").args(["search", "timeout"]).output().unwrap();
    assert_eq!(texts(&no_color).0, plain);
}

#[test]
fn aggregates_are_printed_in_every_form() {
    let table = json!({"columns": ["service", "count()"], "rows": [["check\"out", 12], [null, 0.50]]});
    let mut last = ended("complete", &[]);
    last["aggregates"] = table;
    let server = pages(vec![running(&[]), last]);
    let search = |form: &str| {
        texts(&trawl(&server).args(["search", "* | stats count() by service", "-q", "-o", form]).output().unwrap())
    };
    assert_eq!(
        search("table"),
        ("service    count()\ncheck\"out       12\n               0.5\n".to_owned(), String::new())
    );
    assert_eq!(
        search("ndjson").0,
        "{\"service\":\"check\\\"out\",\"count()\":12}\n{\"service\":null,\"count()\":0.5}\n"
    );
    assert_eq!(search("csv").0, "service,count()\r\n\"check\"\"out\",12\r\n,0.5\r\n");
}

#[test]
fn all_goes_on_past_the_limit_and_counting_shows_nothing_twice() {
    let polls = AtomicUsize::new(0);
    let server = Server::start(move |request, _| {
        if request.method == "POST" {
            return Reply::Json(202, r#"{"id":"s1","status":"running"}"#.to_owned());
        }
        let mut page = match parameter(request, "cursor") {
            None => running(&[event(3)]),
            _ => running(&[event(2)]),
        };
        match parameter(request, "cursor") {
            None => page["more_cursor"] = json!("s1-1-more"),
            // The page is there, and the counts grow behind it.
            _ if polls.fetch_add(1, Ordering::Relaxed) < 2 => {}
            _ => {
                page["status"] = json!("complete");
                page["progress"] = json!({"events_matched": 2});
                let bucket = json!({"start": "2026-03-02T10:00:00Z", "count": 2});
                page["histogram"] = json!({"interval_ms": 60_000, "complete": true, "buckets": [bucket]});
            }
        }
        Reply::Json(200, page.to_string())
    });
    let output = trawl(&server).args(["search", "--all", "--histogram", "-o", "ndjson", "-q"]).output().unwrap();
    let (stdout, stderr) = texts(&output);
    assert_eq!(output.status.code(), Some(0), "{stderr}");
    assert_eq!(stdout, format!("{}\n{}\n", event(3), event(2)));
    assert!(stderr.starts_with("2 matches per 1m (UTC)\n2026-03-02 10:00  2  ███"), "{stderr}");
    assert_eq!(
        (&posted(&server)["limit"], &posted(&server)["histogram"]),
        (&json!(10_000_000), &json!({"buckets": 24}))
    );
}

#[test]
fn the_exit_status_is_greps() {
    for (last, status) in [
        (ended("complete", &[event(1)]), 0),
        (ended("complete", &[]), 1),
        (ended("partial", &[event(1)]), 2),
        (ended("failed", &[]), 2),
        (ended("cancelled", &[event(1)]), 2),
    ] {
        let server = pages(vec![last.clone()]);
        assert_eq!(trawl(&server).args(["search", "x"]).output().unwrap().status.code(), Some(status), "{last}");
    }
    let usage = Command::new(env!("CARGO_BIN_EXE_trawl")).args(["search", "x", "--since", "soon"]).output().unwrap();
    assert_eq!(usage.status.code(), Some(2));
}

#[test]
fn an_incomplete_result_is_printed_and_what_is_missing_is_named() {
    let mut last = ended("partial", &[event(1)]);
    last["missing"] = json!(["segment a.parquet: gone", {"shard": 3}]);
    let (stdout, stderr) = texts(&trawl(&pages(vec![last])).args(["search", "x", "-o", "ndjson"]).output().unwrap());
    assert_eq!(stdout, format!("{}\n", event(1)));
    assert!(
        stderr.contains("incomplete: 2 parts could not be read\n  segment a.parquet: gone\n  {\"shard\":3}\n"),
        "{stderr}"
    );
}

#[test]
fn a_wrong_query_is_shown_with_a_caret() {
    let server = Server::start(|_, _| {
        let detail = json!({"column": 11, "expected": "stats, timechart or top"});
        Reply::Json(
            400,
            json!({"error": {"code": "unknown_pipe", "message": "column 11: there is no pipe statz; expected stats, timechart or top", "detail": detail}})
                .to_string(),
        )
    });
    let output = trawl(&server).args(["search", "timeout | statz count()"]).output().unwrap();
    let expected = "trawl: column 11: there is no pipe statz (unknown_pipe)\n  timeout | statz count()\n            ^ expected stats, timechart or top\n";
    assert_eq!((output.status.code(), texts(&output).1.as_str()), (Some(2), expected));
}

/// A server whose search never ends; it tells when it was polled and when it was cancelled.
fn endless(events: usize, told: Sender<&'static str>) -> Server {
    let page = running(&vec![event(1); events]).to_string();
    let told = std::sync::Mutex::new(told);
    Server::start(move |request, count| {
        let tell = |what| told.lock().unwrap().send(what).unwrap_or_default();
        match request.method.as_str() {
            "POST" => Reply::Json(202, r#"{"id":"s1","status":"running"}"#.to_owned()),
            "DELETE" => {
                tell("cancelled");
                Reply::Json(204, String::new())
            }
            _ => {
                let next = page.replacen('{', &format!(r#"{{"next_cursor":"{count}","#), 1);
                tell("polled");
                Reply::Json(200, next)
            }
        }
    })
}

fn spawn(command: &mut Command) -> Child {
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

#[test]
fn a_reader_that_leaves_ends_the_search_without_complaint() {
    let server = endless(500, channel().0);
    let mut child = spawn(trawl(&server).args(["search", "x", "-q"]));
    let mut reader = BufReader::new(child.stdout.take().unwrap());
    reader.read_line(&mut String::new()).unwrap();
    drop(reader);
    let mut stderr = String::new();
    child.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
    assert_eq!((child.wait().unwrap().code(), stderr.as_str()), (Some(0), ""));
    assert_eq!(deletes(&server.requests()), 1);
}

#[test]
#[cfg(unix)]
fn ctrl_c_cancels_the_search_on_the_server() {
    let (told, events) = channel();
    let server = endless(0, told);
    let mut child = spawn(trawl(&server).args(["search", "x"]));
    assert_eq!(events.recv_timeout(Duration::from_secs(20)), Ok("polled"));
    assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert_eq!(deletes(&server.requests()), 1);
}

/// The value of a parameter of a request.
fn parameter<'r>(request: &'r Request, name: &str) -> Option<&'r str> {
    let (_, parameters) = request.path.split_once('?')?;
    parameters.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='))
}

fn news(events: &[Value], cursor: &str) -> Reply {
    Reply::Json(200, json!({"events": events, "cursor": cursor, "missed": 0}).to_string())
}

#[test]
fn tail_shows_what_arrives_and_says_what_went_by() {
    let server = Server::start(|request, _| match parameter(request, "cursor") {
        None => news(&[], "c0"),
        Some("c0") => news(&[event(1), event(2)], "c1"),
        _ => {
            let answer = json!({"events": [event(2), event(3)], "cursor": "c2", "missed": 5, "gap": "events went by"});
            Reply::Json(200, answer.to_string())
        }
    });
    let output = trawl(&server).args(["tail", "timeout", "-n", "4", "-o", "ndjson"]).output().unwrap();
    let (stdout, stderr) = texts(&output);
    assert_eq!(output.status.code(), Some(0), "{stderr}");
    assert_eq!(stdout, format!("{}\n{}\n{}\n{}\n", event(1), event(2), event(2), event(3)));
    let missed = "missed: 5 events were left out, more came at once than are shown; a search finds them";
    assert_eq!(stderr, format!("{missed}\ngap: events went by\n"));
    assert_eq!(parameter(&server.requests()[1], "query"), Some("timeout"));
}

#[test]
fn tail_joins_the_past_and_the_present() {
    let server = Server::start(|request, _| match (request.method.as_str(), parameter(request, "cursor")) {
        ("POST", _) => Reply::Json(202, r#"{"id":"s1","status":"running"}"#.to_owned()),
        _ if request.path.starts_with("/v1/searches") => {
            Reply::Json(200, ended("complete", &[event(1), event(2), event(2)]).to_string())
        }
        (_, None) => news(&[], "c0"),
        // One of these the search has not seen, and one it saw twice.
        (_, Some("c0")) => news(&[event(2), event(3)], "c1"),
        (_, Some("c1")) if parameter(request, "wait") == Some("0s") => news(&[], "c1"),
        (_, Some("c1")) => news(&[event(2), event(4)], "c2"),
        _ => news(&[], "c2"),
    });
    let arguments = ["tail", "timeout", "--since", "1h", "-n", "6", "-o", "ndjson"];
    let output = trawl(&server).args(arguments).output().unwrap();
    let (stdout, stderr) = texts(&output);
    assert_eq!((output.status.code(), stderr.as_str()), (Some(0), ""));
    let expected = [1, 2, 2, 3, 2, 4].map(|number| format!("{}\n", event(number))).concat();
    assert_eq!(stdout, expected);
    let requests = server.requests();
    let posted: Value = serde_json::from_slice(&requests[1].body).unwrap();
    assert_eq!((&posted["order"], &posted["from"]), (&json!("asc"), &json!("-3600s")));
}

#[test]
fn tail_waits_for_a_server_that_is_away_and_says_so_once() {
    let is_back = Arc::new(AtomicBool::new(false));
    let server = Server::start({
        let is_back = Arc::clone(&is_back);
        move |request, _| match parameter(request, "cursor") {
            None => news(&[], "c0"),
            Some(_) if is_back.load(Ordering::Relaxed) => news(&[event(1)], "c1"),
            Some(_) => Reply::HangUp,
        }
    });
    let mut child = spawn(trawl(&server).args(["tail", "-n", "1", "-o", "ndjson"]));
    let mut stderr = BufReader::new(child.stderr.take().unwrap());
    let mut line = String::new();
    stderr.read_line(&mut line).unwrap();
    assert!(line.starts_with("waiting: no answer from http://"), "{line}");
    is_back.store(true, Ordering::Relaxed);
    let mut rest = String::new();
    stderr.read_to_string(&mut rest).unwrap();
    assert!(rest.starts_with("the server answers again") && rest.lines().count() == 1, "{rest}");
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn tail_refuses_what_has_no_events() {
    let server = pages(vec![]);
    let output = trawl(&server).args(["tail", "* | stats count()"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(texts(&output).1.contains("use `trawl search`"));
    assert!(server.requests().is_empty());
}

#[test]
fn status_and_compact_tell_what_the_server_holds() {
    let server = Server::start(|request, _| match request.path.as_str() {
        "/v1/status" => Reply::Json(
            200,
            json!({"tail_events": 5, "segments": 2, "events": 294_000, "stored_bytes": 7_500_000, "index_bytes": 1000})
                .to_string(),
        ),
        _ => Reply::Json(200, "{}".to_owned()),
    });
    let (stdout, _) = texts(&trawl(&server).arg("status").output().unwrap());
    assert!(stdout.contains("events in segments         294,000\n") && stdout.contains("7.50 MB"), "{stdout}");
    let (json, _) = texts(&trawl(&server).args(["status", "--json"]).output().unwrap());
    assert_eq!(serde_json::from_str::<Value>(&json).unwrap()["stored_bytes"], 7_500_000);
    let (stdout, _) = texts(&trawl(&server).arg("compact").output().unwrap());
    assert!(stdout.starts_with("294,000 events in 2 segments (7.50 MB), done in "), "{stdout}");

    let elsewhere = Server::start(|_, _| Reply::Json(404, "{}".to_owned()));
    let output = trawl(&elsewhere).arg("compact").output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(texts(&output).1.contains("trawl local"));
}

#[test]
fn help_teaches_the_query_language() {
    let output = Command::new(env!("CARGO_BIN_EXE_trawl")).args(["search", "--help"]).output().unwrap();
    let (help, _) = texts(&output);
    for form in
        ["service:checkout", "level:>=warn", "stats count()", "timechart", "[10 TO 50]", "Exit status", "Examples:"]
    {
        assert!(help.contains(form), "{form}");
    }
}
