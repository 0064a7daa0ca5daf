//! Generated queries against a running server, and the same by looking at every event in turn.
//!
//! Queries are made of what the events hold, so that most of them find something. `TRAWL_SEED` chooses others.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::disallowed_methods,
    clippy::print_stdout,
    clippy::print_stderr
)]

mod event;
mod queries;
mod samples;

use std::collections::BTreeMap;

use serde_json::Value;
use trawl_client::{Client, Encoding, Order, SearchRequest};
use trawl_system::chance::Chance;
use trawl_system::search::{ALL, complete, search};
use trawl_system::server::{NEVER_PERSIST, PERSIST_AT_ONCE, Server};

use event::Event;
use queries::{Generated, Generator};

/// Queries asked of each state of the data.
const QUERIES: usize = 150;
/// Chooses the queries.
const SEED: &str = "TRAWL_SEED";
/// Events of one request.
const BATCH: usize = 250;

fn seed() -> u64 {
    std::env::var(SEED).map_or(1, |text| text.parse().expect("a seed is a whole number"))
}

fn push_all(client: &Client, events: &[Event]) {
    for batch in events.chunks(BATCH) {
        let body: Vec<String> = batch.iter().map(|event| event.json.to_string()).collect();
        let answer = client.push(body.join("\n").as_bytes(), Encoding::Identity, None).unwrap();
        assert_eq!(answer.accepted as usize, batch.len(), "{:?}", answer.rejected);
    }
}

/// A request for a generated query, for all times or for some.
struct Asked {
    request: SearchRequest,
    from_ns: i64,
    to_ns: i64,
}

fn asked(generated: &Generated, events: &[Event], chance: &mut Chance) -> Asked {
    let mut times = [chance.pick(events), chance.pick(events)];
    times.sort_by_key(|event| event.time_ns);
    let [first, last] = times;
    let some_times = chance.percent(25) && first.time_ns < last.time_ns;
    let text = |event: &Event| Some(event.json["timestamp"].as_str().unwrap().to_owned());
    Asked {
        request: SearchRequest {
            query: generated.text.clone(),
            from: if some_times { text(first) } else { None },
            to: if some_times { text(last) } else { None },
            limit: Some(ALL),
            order: if chance.percent(50) { Order::Asc } else { Order::Desc },
            ..SearchRequest::default()
        },
        from_ns: if some_times { first.time_ns } else { i64::MIN },
        to_ns: if some_times { last.time_ns } else { i64::MAX },
    }
}

fn compare(client: &Client, events: &[Event], generated: &Generated, asked: &Asked, when: &str) -> usize {
    let Asked { request, from_ns, to_ns } = asked;
    let what = format!("{when}, seed {}: {request:?}", seed());
    let in_time = |event: &&Event| (*from_ns..*to_ns).contains(&event.time_ns);
    let expected: BTreeMap<u64, &Value> = events
        .iter()
        .filter(in_time)
        .filter(|event| (generated.passes)(event))
        .map(|event| (event.serial, &event.json))
        .collect();
    let found = complete(search(client, request), &what).events;
    let found: Vec<Event> = found.into_iter().map(Event::new).collect();
    let ordered = match request.order {
        Order::Asc => found.is_sorted_by_key(|event| event.time_ns),
        Order::Desc => found.is_sorted_by_key(|event| std::cmp::Reverse(event.time_ns)),
    };
    assert!(ordered, "{what}: not in order of time");
    let mut given: BTreeMap<u64, &Value> = BTreeMap::new();
    for event in &found {
        assert!(given.insert(event.serial, &event.json).is_none(), "{what}: given twice: {}", event.json);
    }
    let surplus = given.iter().find(|(serial, _)| !expected.contains_key(serial));
    let lost = expected.iter().find(|(serial, _)| !given.contains_key(serial));
    let (wanted, got) = (expected.len(), given.len());
    assert!(
        surplus.is_none() && lost.is_none(),
        "{what}: expected {wanted}, found {got}\nfound, but should not be: {surplus:?}\nnot found: {lost:?}"
    );
    assert!(expected == given, "{what}: an event came back changed");
    let counted = SearchRequest { query: format!("{} | stats count()", request.query), ..request.clone() };
    let counted = complete(search(client, &counted), &what);
    assert_eq!(counted.rows, [[Value::from(wanted)]], "{what}: the count");
    wanted
}

fn compare_many(client: &Client, events: &[Event], chance: &mut Chance, when: &str) {
    let mut found_something = 0;
    for _ in 0..QUERIES {
        let generated = Generator::new(events, chance).query();
        let asked = asked(&generated, events, chance);
        found_something += usize::from(compare(client, events, &generated, &asked, when) > 0);
    }
    println!("{when}: {found_something} of {QUERIES} queries found something");
    assert!(found_something > QUERIES / 2, "{when}: only {found_something} queries found anything");
}

#[test]
fn search_equals_a_brute_force_evaluator() {
    let directory = tempfile::tempdir().unwrap();
    let mut chance = Chance::new(seed());
    let events = samples::events(&mut chance);
    let server = Server::start(directory.path(), &NEVER_PERSIST);
    push_all(&server.client(), &events);
    compare_many(&server.client(), &events, &mut chance, "from the tail");
    server.stop();

    let server = Server::start(directory.path(), &PERSIST_AT_ONCE);
    server.wait_until_persisted();
    compare_many(&server.client(), &events, &mut chance, "from segments");
    server.client().compact().unwrap();
    compare_many(&server.client(), &events, &mut chance, "after compaction");
}
