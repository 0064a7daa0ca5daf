//! The verbs against a real server, as processes.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod local;
#[path = "../../client/tests/support/mod.rs"]
mod support;

use std::io::{BufRead, BufReader};
use std::process::Stdio;

use local::Local;
use serde_json::{Value, json};

/// A minute of events, three a second.
fn minute() -> Vec<Value> {
    let event = |n: u32| {
        let level = if n.is_multiple_of(10) { "error" } else { "info" };
        let service = if n.is_multiple_of(3) { "checkout" } else { "web" };
        let time = format!("2026-03-02T10:00:{:02}.{:03}Z", n / 3, n % 3 * 300);
        json!({"timestamp": time, "level": level, "service": service, "message": format!("request {n}"), "n": n})
    };
    (0..180).map(event).collect()
}

fn numbers(lines: &str) -> Vec<u64> {
    lines.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()["n"].as_u64().unwrap()).collect()
}

#[test]
fn a_search_draws_what_it_counts() {
    let server = Local::start();
    server.push(&minute());
    let drawn = server.run(&["search", "request", "--histogram=level", "--facet", "service", "-n", "2"]).ok();
    let lines: Vec<&str> = drawn.lines().collect();
    assert!(lines[0].contains("request 179") && lines[1].contains("request 178"), "{drawn}");
    assert!(lines[3].starts_with("180 matches per ") && lines[3].ends_with(": █ error 18  ▓ info 162"), "{drawn}");
    assert!(lines[4].starts_with("2026-03-02 10:00:00  ") && lines[4].contains("█▓"), "{drawn}");
    assert!(drawn.contains("\nservice: all of 180 matches have it, 2 values\n  web       120   67%  ██"), "{drawn}");

    let alone = server.run(&["search", "request 7", "--histogram", "-n", "0", "-q"]);
    assert!(alone.stdout.starts_with("1 match per "), "{alone:?}");
    assert_eq!((alone.status, alone.stderr.as_str()), (Some(0), ""));
    assert_eq!(server.run(&["search", "absent", "--histogram", "-n", "0", "-q"]).status, Some(1));

    let lines = server.run(&["search", "request", "--histogram", "-o", "ndjson", "--limit", "5"]);
    assert_eq!(numbers(&lines.stdout), [179, 178, 177, 176, 175]);
    assert!(lines.stderr.starts_with("180 matches per "), "{}", lines.stderr);
    assert!(lines.stderr.contains("\n5 results in ") && lines.stderr.contains(" on AWS)"), "{}", lines.stderr);
}

#[test]
fn a_search_gives_all_and_reads_no_more_than_it_may() {
    let server = Local::start();
    server.push(&minute());
    let all = server.run(&["search", "--all", "--order", "asc", "-o", "ndjson", "-q"]).ok();
    assert_eq!(numbers(&all), (0..180).collect::<Vec<u64>>());
    server.run(&["compact"]).ok();

    let plan = server.run(&["search", "--explain", "request level:>=error"]);
    assert!(plan.stdout.starts_with("would read 1 of 1 segment in the range of time"), "{plan:?}");
    assert!(
        plan.stdout.contains("some text has the word \"request\"") && plan.stdout.contains("level is error or fatal"),
        "{plan:?}"
    );
    assert_eq!(server.run(&["search", "--explain", "request", "-o", "ndjson"]).ok().lines().count(), 1);

    let refused = server.run(&["search", "request", "--max-scan", "1B"]);
    assert_eq!((refused.status, refused.stdout.as_str()), (Some(2), ""));
    assert!(refused.stderr.starts_with("trawl: not run: up to "), "{}", refused.stderr);
    assert!(refused.stderr.contains("`--max-scan none`"), "{}", refused.stderr);
    server.run(&["search", "request", "--max-scan", "none"]).ok();
}

#[test]
fn tail_shows_an_event_once_whether_it_came_before_or_after() {
    let server = Local::start();
    let event = |n: u32| json!({"n": n, "message": "hello"});
    server.push(&[event(1), event(2)]);
    let mut command = server.command(&["tail", "hello", "--since", "1h", "-n", "4", "-o", "ndjson"]);
    let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    let mut shown: Vec<String> = lines.by_ref().take(2).collect();
    server.push(&[event(3)]);
    shown.extend(lines.by_ref().take(1));
    server.push(&[json!({"n": 0, "message": "other"}), event(4)]);
    shown.extend(lines);
    assert_eq!(child.wait().unwrap().code(), Some(0));
    let mut found = numbers(&shown.join("\n"));
    // Two events of one batch may have come in the same nanosecond.
    found[..2].sort_unstable();
    assert_eq!(found, [1, 2, 3, 4]);
}

#[test]
fn context_surrounds_an_event_with_what_its_service_said() {
    let server = Local::start();
    server.push(&minute());
    let event = server.run(&["search", "n:90", "-o", "ndjson", "-q"]).ok();
    let around = server.run_with(&["context", "-", "-B", "2", "-A", "1"], &event);
    let lines: Vec<&str> = around.stdout.lines().collect();
    let marks: Vec<(&str, bool)> =
        lines.iter().zip([84, 87, 90, 93]).map(|(line, n)| (&line[..2], line.contains(&format!(" n={n}")))).collect();
    assert_eq!(marks, [("  ", true), ("  ", true), ("> ", true), ("  ", true)], "{around:?}");
    assert_eq!(around.stderr, "neighbours with the same service\n");

    let arguments = ["context", event.trim(), "-C", "2", "--fields", "", "--query", "level:info", "-o", "ndjson", "-q"];
    // The event itself is no info, and is shown all the same.
    assert_eq!(numbers(&server.run(&arguments).stdout), [88, 89, 90, 91, 92]);
    let nothing = server.run_with(&["context", "-"], "");
    assert_eq!(nothing.status, Some(2));
    assert!(nothing.stderr.contains("there is no event"), "{}", nothing.stderr);
}

#[test]
fn fields_and_their_values_are_listed() {
    let server = Local::start();
    server.push(&minute());
    let fields = server.run(&["fields"]).ok();
    assert!(
        fields.starts_with("5 fields in 180 events\n") || fields.starts_with("4 fields in 180 events\n"),
        "{fields}"
    );
    assert!(fields.contains("\nn        100%  int\n"), "{fields}");
    let values = server.run(&["fields", "service", "--json"]).ok();
    assert_eq!(values, "{\"value\":\"web\",\"count\":120}\n{\"value\":\"checkout\",\"count\":60}\n");
    let narrowed = server.run(&["fields", "service", "--prefix", "che", "--query", "level:error"]).ok();
    assert!(narrowed.starts_with("  checkout  6  100%  ██"), "{narrowed}");
    assert_eq!(server.run(&["fields", "absent"]).status, Some(1));
}

#[test]
fn searches_are_saved_run_and_deleted() {
    let server = Local::start();
    server.push(&minute());
    assert_eq!(server.run(&["saved"]).status, Some(1));
    server.run(&["saved", "save", "my errors", "level:error", "--from", "2026-03-02T10:00:30Z"]).ok();
    assert_eq!(server.run(&["saved"]).ok(), "my errors  from 2026-03-02T10:00:30Z  level:error\n");
    assert_eq!(
        numbers(&server.run(&["saved", "run", "my errors", "-o", "ndjson", "--order", "asc", "-n", "2"]).ok()),
        [90, 100]
    );
    let all = server.run(&["saved", "run", "my errors", "--from", "2026-03-02", "-o", "ndjson"]).ok();
    assert_eq!(numbers(&all).len(), 18);
    let wrong = server.run(&["saved", "save", "x", "level:>=loud"]);
    assert!(wrong.status == Some(2) && wrong.stderr.contains("^ expected a level"), "{wrong:?}");
    let unknown = server.run(&["saved", "run", "x"]);
    assert!(unknown.status == Some(2) && unknown.stderr.contains("saved are: my errors"), "{unknown:?}");
    server.run(&["saved", "delete", "my errors"]).ok();
    assert_eq!(server.run(&["saved", "delete", "my errors"]).status, Some(2));
    assert_eq!(server.run(&["saved", "list", "--json"]).stdout, "");
}
