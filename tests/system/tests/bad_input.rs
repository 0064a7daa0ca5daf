//! Bad input gets its precise error, and touches nothing else. The requests stand in `scenarios/*.json`.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::disallowed_methods,
    clippy::print_stdout,
    clippy::print_stderr
)]

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;

use serde::Deserialize;
use serde_json::{Map, Value};
use trawl_client::Encoding;
use trawl_system::http::{self, Answer, Framing};
use trawl_system::search::{all, count, find};
use trawl_system::server::{PERSIST_AT_ONCE, Server};

/// One request and what it should be answered.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Scenario {
    name: String,
    method: Option<String>,
    path: Option<String>,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    body: Option<Body>,
    #[serde(default)]
    framing: Sent,
    expect: Expected,
    /// The ids of the events that are there afterwards; nothing else may be.
    #[serde(default)]
    leaves: Vec<String>,
}

/// How a body is made.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Body {
    Text(String),
    Json(Value),
    Hex(String),
    Concat(Vec<Body>),
    Repeat(Box<Body>, usize),
    /// The text with each `#` replaced by the numbers from 0.
    Numbered(String, usize),
    Gzip(Box<Body>),
    Zstd(Box<Body>),
    /// Without so many bytes at the end.
    ButLast(usize, Box<Body>),
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Sent {
    #[default]
    Length,
    Chunks,
    BreaksOff,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Expected {
    status: u16,
    /// The error's code,
    code: Option<String>,
    /// a part of its message,
    message: Option<String>,
    /// and members of its detail.
    detail: Option<Map<String, Value>>,
    accepted: Option<u64>,
    rejected: Option<Vec<Rejected>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Rejected {
    index: u64,
    code: String,
    message: Option<String>,
}

impl Body {
    fn bytes(&self) -> Vec<u8> {
        match self {
            Self::Text(text) => text.clone().into_bytes(),
            Self::Json(value) => value.to_string().into_bytes(),
            Self::Hex(digits) => {
                let byte = |place: usize| u8::from_str_radix(&digits[place..place + 2], 16).unwrap();
                (0..digits.len()).step_by(2).map(byte).collect()
            }
            Self::Concat(bodies) => bodies.iter().flat_map(Self::bytes).collect(),
            Self::Repeat(body, times) => body.bytes().repeat(*times),
            Self::Numbered(text, end) => {
                (0..*end).flat_map(|number| text.replace('#', &number.to_string()).into_bytes()).collect()
            }
            Self::Gzip(body) => {
                let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
                encoder.write_all(&body.bytes()).unwrap();
                encoder.finish().unwrap()
            }
            Self::Zstd(body) => zstd::bulk::compress(&body.bytes(), 1).unwrap(),
            Self::ButLast(bytes, body) => {
                let mut whole = body.bytes();
                whole.truncate(whole.len() - bytes);
                whole
            }
        }
    }
}

fn scenarios(file: &str) -> Vec<Scenario> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios").join(file);
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

/// Sends every request of a file; `fill` puts into its path what only a running server knows.
fn play(server: &Server, file: &str, route: &str, fill: impl Fn(&str) -> String) -> Vec<String> {
    let mut left = Vec::new();
    let mut failures = Vec::new();
    for scenario in scenarios(file) {
        let path = fill(scenario.path.as_deref().unwrap_or(route));
        let headers: Vec<(String, String)> = scenario.headers.clone().into_iter().collect();
        let body = scenario.body.as_ref().map(Body::bytes).unwrap_or_default();
        let framing = match scenario.framing {
            Sent::Length => Framing::Length,
            Sent::Chunks => Framing::Chunks,
            Sent::BreaksOff => Framing::BreaksOff,
        };
        let method = scenario.method.as_deref().unwrap_or("POST");
        let answer = http::request(server.address(), method, &path, &headers, &body, framing);
        if let Err(reason) = check(&scenario.expect, &answer) {
            failures.push(format!("{file}, {:?}: {reason}\n  {answer:?}", scenario.name));
        }
        left.extend(scenario.leaves);
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    left
}

fn check(expected: &Expected, answer: &Answer) -> Result<(), String> {
    let holds = |what: &str, holds: bool| if holds { Ok(()) } else { Err(format!("{what} differs")) };
    holds("the status", answer.status == expected.status)?;
    holds("the type of the answer", answer.headers.contains("content-type: application/json"))?;
    let error = &answer.body["error"];
    holds("the code", error["code"].as_str() == expected.code.as_deref())?;
    if let Some(message) = &expected.message {
        holds("the message", error["message"].as_str().is_some_and(|said| said.contains(message.as_str())))?;
    }
    for (name, value) in expected.detail.iter().flatten() {
        holds(&format!("detail {name}"), error["detail"][name] == *value)?;
    }
    if let Some(accepted) = expected.accepted {
        holds("the number accepted", answer.body["accepted"] == accepted)?;
    }
    let Some(rejected) = &expected.rejected else { return Ok(()) };
    let listed = answer.body["rejected"].as_array().cloned().unwrap_or_default();
    holds("the number rejected", listed.len() == rejected.len())?;
    for (listed, expected) in listed.iter().zip(rejected) {
        let said = listed["message"].as_str().unwrap_or_default();
        let same = listed["index"] == expected.index
            && listed["code"] == *expected.code
            && said.contains(expected.message.as_deref().unwrap_or_default());
        holds(&format!("rejection {listed}, expected {expected:?}:"), same)?;
    }
    Ok(())
}

/// Fails unless the server holds exactly the events with these ids, each once.
fn assert_holds(server: &Server, mut ids: Vec<String>, when: &str) {
    let client = server.client();
    // Their ids only: not every number that may be sent is one that this test could read.
    let events = find(&client, "* | fields id");
    let mut found: Vec<String> = events.iter().map(|event| event["id"].as_str().unwrap().to_owned()).collect();
    found.sort();
    ids.sort();
    assert_eq!(found, ids, "{when}");
    assert_eq!(count(&client, "*"), ids.len() as u64, "{when}");
}

/// Searches for what is there, so that a scenario can ask about it: the ids of two searches that have ended.
fn two_searches(server: &Server) -> (String, String) {
    let client = server.client();
    let id = || {
        let created = client.create_search(&all("*")).unwrap();
        trawl_system::search::follow(&client, &created.id).unwrap();
        created.id
    };
    (id(), id())
}

#[test]
fn bad_events_get_their_own_error_and_good_ones_are_there_once() {
    let directory = tempfile::tempdir().unwrap();
    let mut server = Server::start(directory.path(), &PERSIST_AT_ONCE);
    let left = play(&server, "events.json", "/v1/events", str::to_owned);
    assert!(server.is_running(), "{}", server.log());
    server.wait_until_persisted();
    assert_holds(&server, left.clone(), "after bad input");
    // What is odd, but allowed, comes back as it was sent.
    let raw = trawl_system::command::run(&server.url(), &["search", "id:=f1", "-o", "ndjson"]).stdout;
    for spelled in ["123456789012345678901234567890", "1e999", "\"k\":-0", "\"j\":0.10"] {
        assert!(raw.contains(spelled), "{raw}");
    }
    server.client().compact().unwrap();
    assert_holds(&server, left, "after compaction");
    assert!(!server.log().contains("panic"), "{}", server.log());
}

#[test]
fn events_outside_the_accepted_age_are_refused_by_name() {
    let directory = tempfile::tempdir().unwrap();
    let server = Server::start(directory.path(), &["--max-event-age", "7d"]);
    let body = "{\"id\":\"now\"}\n{\"id\":\"bad\",\"timestamp\":\"2001-01-01T00:00:00Z\"}\n";
    let answer = server.client().push(body.as_bytes(), Encoding::Identity, None).unwrap();
    assert_eq!(answer.accepted, 1);
    assert_eq!((answer.rejected[0].index, answer.rejected[0].code.as_str()), (1, "timestamp_too_old"));
    assert_holds(&server, vec!["now".to_owned()], "after an old event");
}

#[test]
fn bad_searches_get_their_own_error() {
    let directory = tempfile::tempdir().unwrap();
    let mut server = Server::start(directory.path(), &[]);
    server.client().push(b"{\"id\":\"one\"}", Encoding::Identity, None).unwrap();
    let (search, other) = two_searches(&server);
    let fill = |path: &str| path.replace("{search}", &search).replace("{other}", &other);
    play(&server, "searches.json", "/v1/searches", fill);
    assert!(server.is_running(), "{}", server.log());
    assert_holds(&server, vec!["one".to_owned()], "after bad searches");
    assert!(!server.log().contains("panic"), "{}", server.log());
}

#[test]
fn routes_and_methods_that_do_not_exist_are_refused() {
    let directory = tempfile::tempdir().unwrap();
    let server = Server::start(directory.path(), &[]);
    let (search, _) = two_searches(&server);
    play(&server, "routes.json", "/", |path| path.replace("{search}", &search));
    assert_holds(&server, Vec::new(), "after wrong routes");
}

#[test]
fn a_connection_that_speaks_no_http_disturbs_nobody() {
    let directory = tempfile::tempdir().unwrap();
    let mut server = Server::start(directory.path(), &[]);
    for nonsense in [&b"\x16\x03\x01\x02\x00\x01\x00"[..], b"GET\r\n\r\n", b"POST /v1/events HTTP/1.1\r\n", &[0; 4096]]
    {
        let mut stream = std::net::TcpStream::connect(server.address()).unwrap();
        stream.write_all(nonsense).unwrap();
    }
    server.client().push(b"{\"id\":\"one\"}", Encoding::Identity, None).unwrap();
    assert!(server.is_running());
    assert_holds(&server, vec!["one".to_owned()], "after nonsense");
}
