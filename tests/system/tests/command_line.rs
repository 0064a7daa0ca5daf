//! What the command says, and how it ends, when it is used wrongly or the server refuses.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::disallowed_methods,
    clippy::print_stdout,
    clippy::print_stderr
)]

use std::fs;

use trawl_system::command::{self, Ended, run, run_with};
use trawl_system::search::{count, find};
use trawl_system::server::Server;

/// Arguments, the exit status, and what stderr says.
type Mistake<'m> = (&'m [&'m str], i32, &'m [&'m str]);

fn assert_says(ended: &Ended, arguments: &[&str], status: i32, parts: &[&str]) {
    assert_eq!(ended.status, Some(status), "{arguments:?}: {}", ended.stderr);
    for part in parts {
        assert!(ended.stderr.contains(part), "{arguments:?}: no {part:?} in:\n{}", ended.stderr);
    }
    assert!(!ended.stderr.contains("panicked"), "{arguments:?}: {}", ended.stderr);
}

#[test]
fn a_search_says_what_is_wrong_with_it_and_ends_with_2() {
    let directory = tempfile::tempdir().unwrap();
    let server = Server::start(directory.path(), &[]);
    let mistakes: &[Mistake<'_>] = &[
        (&["search", "service:(a OR"], 2, &["trawl: column 14", "(syntax)", "\n  service:(a OR\n", "^ expected"]),
        (&["search", "level:>=loud"], 2, &["this is no level", "(bad_value)", "          ^ expected a level: trace"]),
        (&["search", "äöü | frobnicate"], 2, &["(unknown_pipe)", "        ^ expected"]),
        (&["search", "/a(b/"], 2, &["(regex_invalid)"]),
        (&["search", r"/(\pL{1000}){1000}/"], 2, &["(regex_too_large)"]),
        (&["search", "a", "--limit", "99999999"], 2, &["(invalid_limit, 400)"]),
        (&["search", "a", "--limit", "many"], 2, &["invalid value 'many' for '--limit"]),
        (&["search", "a", "--since", "tomorrow"], 2, &["expected a duration such as 90s"]),
        (&["search", "a", "--from", "yesterday"], 2, &["expected a time such as"]),
        (&["search", "a", "--from", "2026-03-02", "--to", "2026-03-01"], 2, &["(invalid_time_range, 400)"]),
        (&["search", "a", "--since", "1h", "--from", "now"], 2, &["cannot be used with"]),
        (&["search", "a", "-o", "xml"], 2, &["invalid value 'xml'", "ndjson"]),
        (&["search", "a", "--order", "sideways"], 2, &["expected desc or asc"]),
        (&["search", "nothinglikethis"], 1, &["0 results"]),
        (&["frobnicate"], 2, &["unrecognized subcommand 'frobnicate'"]),
        (&["local", "--listen", "nowhere"], 2, &["invalid value 'nowhere'"]),
        (&["local", "--shards", "0"], 2, &["invalid value '0'"]),
    ];
    for (arguments, status, parts) in mistakes {
        let ended = run(&server.url(), arguments);
        assert_says(&ended, arguments, *status, parts);
        assert_eq!(ended.stdout, "", "{arguments:?}");
    }
}

#[test]
fn a_push_reports_each_refused_event_by_file_and_line_and_keeps_the_others() {
    let directory = tempfile::tempdir().unwrap();
    let server = Server::start(&directory.path().join("data"), &[]);
    let file = directory.path().join("mixed.ndjson");
    let deep = format!("{{\"a\":{}1{}}}", "[".repeat(40), "]".repeat(40));
    let lines: [&[u8]; 8] = [
        b"{\"id\":1,\"message\":\"good\"}",
        b"{\"id\":\"bad\",\"n\":tru}",
        b"plain text",
        b"{\"timestamp\":\"yesterday\"}",
        b"",
        deep.as_bytes(),
        b"{\"message\":\"\xff\"}",
        b"{\"id\":2,\"message\":\"good\"}",
    ];
    fs::write(&file, lines.join(&b'\n')).unwrap();
    let path = file.to_str().unwrap();
    let ended = run(&server.url(), &["push", path]);
    let at = |line: usize| format!("{path}:{line}: ");
    let places = [at(2), at(3), at(4), at(6), at(7)];
    let mut parts: Vec<&str> = places.iter().map(String::as_str).collect();
    parts.extend(["(invalid_json)", "(event_not_object)", "(timestamp_invalid)", "(event_too_deep)"]);
    parts.push("accepted 2 events, rejected 5");
    assert_says(&ended, &["push", path], 1, &parts);
    let found = find(&server.client(), "*");
    assert_eq!(found.iter().map(|event| event["id"].as_u64().unwrap()).sum::<u64>(), 3);

    // The same file again adds nothing.
    assert_eq!(run(&server.url(), &["push", path]).status, Some(1));
    assert_eq!(count(&server.client(), "*"), 2);
}

#[test]
fn a_push_that_cannot_read_its_input_ends_with_2_and_sends_the_rest() {
    let directory = tempfile::tempdir().unwrap();
    let server = Server::start(&directory.path().join("data"), &[]);
    let good = directory.path().join("good.ndjson");
    fs::write(&good, "{\"id\":1}\n").unwrap();
    let broken = directory.path().join("broken.ndjson.zst");
    let packed = zstd::bulk::compress("{\"id\":2}\n".repeat(1000).as_bytes(), 1).unwrap();
    fs::write(&broken, &packed[..packed.len() - 5]).unwrap();
    let (good, broken) = (good.to_str().unwrap(), broken.to_str().unwrap());
    let arguments = ["push", "/nowhere/to/be/found", broken, good];
    let ended = run(&server.url(), &arguments);
    assert_says(&ended, &arguments, 2, &["trawl: /nowhere/to/be/found: ", &format!("trawl: {broken}: ")]);
    assert_eq!(count(&server.client(), "id:1"), 1);
}

#[test]
fn an_address_that_is_none_is_refused_before_anything_is_sent() {
    let ended = run("ftp://somewhere", &["status"]);
    assert_says(&ended, &["status"], 2, &["an address begins with http:// or https://"]);
}

#[test]
fn the_forms_of_output_hold_what_was_found() {
    let directory = tempfile::tempdir().unwrap();
    let server = Server::start(directory.path(), &[]);
    let url = server.url();
    let sent = "{\"z\":1.50,\"timestamp\":\"2026-03-02T10:00:00Z\",\"message\":\"a, \\\"b\\\"\",\"a\":{\"n\":1}}\n";
    let pushed = run_with(&url, &["push", "-"], sent.as_bytes());
    assert_eq!(pushed.status, Some(0), "{}", pushed.stderr);

    let ndjson = run(&url, &["search", "z:1.5", "-o", "ndjson"]);
    assert_eq!(ndjson.status, Some(0), "{}", ndjson.stderr);
    assert!(ndjson.stdout.contains("\"z\":1.50") && ndjson.stdout.contains("\"a\":{\"n\":1}"), "{}", ndjson.stdout);
    let csv = run(&url, &["search", "* | fields message, a.n", "-o", "csv", "--quiet"]);
    assert_eq!(csv.stderr, "");
    assert!(csv.stdout.contains("\"a, \"\"b\"\"\""), "{}", csv.stdout);
    let table = run(&url, &["search", "*"]);
    assert!(table.stdout.contains("a, \"b\"") && !table.stdout.contains('\u{1b}'), "{}", table.stdout);
    let rows = run(&url, &["search", "* | stats count() by message", "-o", "ndjson"]);
    assert_eq!(rows.stdout, "{\"message\":\"a, \\\"b\\\"\",\"count()\":1}\n");

    let status = run(&url, &["status"]);
    assert_eq!(status.status, Some(0), "{}", status.stderr);
    let compacted = run(&url, &["compact"]);
    assert_eq!(compacted.status, Some(0), "{}", compacted.stderr);
    assert_eq!(count(&server.client(), "*"), 1);
    let simulated = command::run(&url, &["simulate", "--rate", "200", "--seconds", "1"]);
    assert_eq!(simulated.status, Some(0), "{}", simulated.stderr);
    assert!(count(&server.client(), "*") > 100);
}
