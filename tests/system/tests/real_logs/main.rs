//! 294,000 real events of 13 sources: pushed while being searched, then asked for in every form of the language, and
//! compared with what `reference.py` works out on its own.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::disallowed_methods, clippy::print_stdout)]

mod expected;
mod logs;

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use serde_json::Value;
use trawl_client::{Client, Order, SearchRequest};
use trawl_system::command;
use trawl_system::search::{ALL, Found, all, complete, search};
use trawl_system::server::Server;
use trawl_system::shared::real_logs;

use expected::{Answer, Question, Reference, Row, same_cell};
use logs::{Logs, fingerprint};

/// Every this many of the queries goes through the command line, the others over HTTP.
const EVERY_NTH_BY_COMMAND: usize = 3;
/// Fewest queries that are worth the name of a comparison.
const FEWEST_QUERIES: usize = 40;

#[test]
fn real_logs_are_found_as_an_independent_evaluation_finds_them() {
    let Some(files) = real_logs("real_logs_are_found_as_an_independent_evaluation_finds_them") else { return };
    let directory = tempfile::tempdir().unwrap();
    let logs = Logs::unpack(&files, directory.path());
    let reference = Reference::start(&logs);
    let data = directory.path().join("data");

    // Old enough to wait, so that a part stays in the tail, and so much that the other part does not.
    let server = Server::start(&data, &["--flush-age", "1d", "--flush-bytes", "16MiB"]);
    push_while_searching(&server, &files, &logs);
    let status = server.client().status().unwrap();
    assert!(status.tail_events > 0 && status.segments > 0, "not a mix: {status:?}");
    assert_eq!(status.tail_events + status.events, logs.len() as u64);

    let questions = reference.answers();
    assert!(questions.len() >= FEWEST_QUERIES);
    compare_all(&server, &logs, &questions, "from tail and segments");
    server.stop();

    let server = Server::start(&data, &["--flush-age", "1ms"]);
    server.wait_until_persisted();
    compare_all(&server, &logs, &questions, "from segments");

    let before = server.client().status().unwrap();
    let compacted = command::run(&server.url(), &["compact"]);
    assert_eq!(compacted.status, Some(0), "{}", compacted.stderr);
    let after = server.client().status().unwrap();
    assert!(after.segments < before.segments && after.events == before.events, "{before:?} {after:?}");
    compare_all(&server, &logs, &questions, "after compaction");
    assert_holds_exactly(&server.client(), &logs);
}

/// Pushes all files with the command, as a person would, and searches all the time: each search is whole, and shows
/// no event oftener than it was pushed.
fn push_while_searching(server: &Server, files: &[std::path::PathBuf], logs: &Logs) {
    let pushed = AtomicBool::new(false);
    let queries = ["service:zeek-dns NXDOMAIN", "level:>=error", "service:openssh", "*8f3a*"];
    let searches = thread::scope(|scope| {
        let searching = scope.spawn(|| {
            let client = server.client();
            let mut searches = 0;
            let mut last_total = 0;
            while !pushed.load(Ordering::Relaxed) {
                let query = queries[searches % queries.len()];
                let found = complete(search(&client, &all(query)), query);
                logs.assert_each_at_most_as_often(&found.events, query);
                let total = trawl_system::search::count(&client, "*");
                assert!((last_total..=logs.len() as u64).contains(&total), "{total} after {last_total}");
                last_total = total;
                searches += 1;
            }
            searches
        });
        let mut push = command::trawl(&server.url());
        let ended = command::ended(push.arg("push").args(files));
        pushed.store(true, Ordering::Relaxed);
        assert_eq!(ended.status, Some(0), "{}", ended.stderr);
        searching.join().unwrap()
    });
    assert!(searches > 0, "the push was over before the first search");
    println!("{searches} rounds of searches while pushing");
}

fn compare_all(server: &Server, logs: &Logs, questions: &[(Question, Answer)], when: &str) {
    let client = server.client();
    for (place, (question, answer)) in questions.iter().enumerate() {
        let found = match place % EVERY_NTH_BY_COMMAND {
            0 => by_command(&server.url(), question),
            _ => complete(search(&client, &request(question)), &question.query),
        };
        compare(question, answer, &found, logs, when);
        // Of every query that is about events the count is asked for, too.
        if question.is_plain() {
            let counted = SearchRequest { query: format!("{} | stats count()", question.query), ..request(question) };
            let counted = complete(search(&client, &counted), &question.query);
            assert_eq!(counted.rows, [[Value::from(answer.lines.len())]], "{when}: count of {:?}", question.query);
        }
    }
}

fn request(question: &Question) -> SearchRequest {
    SearchRequest {
        query: question.query.clone(),
        from: question.from.clone(),
        to: question.to.clone(),
        limit: Some(question.most()),
        order: if question.order == "asc" { Order::Asc } else { Order::Desc },
        ..SearchRequest::default()
    }
}

fn by_command(url: &str, question: &Question) -> Found {
    let limit = question.most().to_string();
    let mut arguments = vec!["search", "-o", "ndjson", "--limit", &limit, "--order", &question.order];
    for (name, value) in [("--from", &question.from), ("--to", &question.to)] {
        if let Some(value) = value {
            arguments.extend([name, value.as_str()]);
        }
    }
    arguments.extend(["--", question.query.as_str()]);
    let ended = command::run(url, &arguments);
    // As grep: 0 when something was found, 1 when nothing was.
    let expected = i32::from(ended.stdout.is_empty());
    assert_eq!(ended.status, Some(expected), "{}: {}", question.query, ended.stderr);
    let mut found = Found {
        status: trawl_client::SearchStatus::Complete,
        events: Vec::new(),
        rows: Vec::new(),
        missing: Vec::new(),
        pages: 0,
        progress: trawl_client::Progress::default(),
    };
    match question.table {
        Some(_) => {
            let rows = ended.stdout.lines().map(|line| serde_json::from_str::<Row>(line).unwrap());
            found.rows = rows.map(|Row(cells)| cells).collect();
        }
        None => found.events = ended.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect(),
    }
    found
}

fn compare(question: &Question, answer: &Answer, found: &Found, logs: &Logs, when: &str) {
    let query = &question.query;
    if let Some(rows) = &answer.rows {
        let same = rows.len() == found.rows.len()
            && rows.iter().zip(&found.rows).all(|(expected, row)| {
                let cells = expected.iter().zip(row);
                expected.len() == row.len()
                    && cells.clone().all(|(one, other)| same_cell(one, other, question.tolerance))
            });
        assert!(same, "{when}: {query:?}:\nexpected {rows:?}\nfound    {:?}", found.rows);
        return;
    }
    if let Some(shown) = &answer.shown {
        let expected: Vec<u64> = shown.iter().map(fingerprint).collect();
        assert_same_multiset(expected, &found.events, when, query);
        return;
    }
    let matching = answer.lines.iter().map(|line| logs.fingerprints[*line]);
    match (&answer.keys, &question.order_by) {
        (Some(keys), Some(field)) => {
            let found_keys: Vec<&Value> = found.events.iter().map(|event| &event[field]).collect();
            assert_eq!(found_keys, keys.iter().collect::<Vec<_>>(), "{when}: {query:?}");
            let matching: std::collections::HashSet<u64> = matching.collect();
            let strangers = found.events.iter().filter(|event| !matching.contains(&fingerprint(event)));
            assert_eq!(strangers.count(), 0, "{when}: {query:?} gives events that do not match");
            logs.assert_each_at_most_as_often(&found.events, query);
        }
        _ => assert_same_multiset(matching.collect(), &found.events, when, query),
    }
}

fn assert_same_multiset(expected: Vec<u64>, found: &[Value], when: &str, query: &str) {
    let mut balance: HashMap<u64, i64> = HashMap::new();
    for fingerprint in &expected {
        *balance.entry(*fingerprint).or_default() -= 1;
    }
    for event in found {
        *balance.entry(fingerprint(event)).or_default() += 1;
    }
    let surplus: Vec<&Value> = found.iter().filter(|event| balance[&fingerprint(event)] > 0).take(3).collect();
    let missing = balance.values().filter(|count| **count < 0).count();
    assert!(
        surplus.is_empty() && missing == 0,
        "{when}: {query:?}: expected {} events, found {}; {missing} missing, surplus such as {surplus:?}",
        expected.len(),
        found.len()
    );
}

/// Every event comes back as it was sent, and nothing else.
fn assert_holds_exactly(client: &Client, logs: &Logs) {
    let mut seen = 0;
    for service in &logs.services {
        let query = format!("service:={service:?}");
        let request = SearchRequest { limit: Some(ALL), ..all(&query) };
        let found = complete(search(client, &request), &query);
        logs.assert_each_at_most_as_often(&found.events, &query);
        seen += found.events.len();
    }
    assert_eq!(seen, logs.len());
}
