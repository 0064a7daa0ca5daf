//! Past the limit, to the very end, whatever happens meanwhile.

use serde_json::{Value, json};
use trawl_system::server::{NEVER_PERSIST, PERSIST_AT_ONCE, Server};

use super::*;

const EVENTS: usize = 50_000;

/// Reads on past the limit until nothing follows; `between` is called before each request.
fn scroll(address: SocketAddr, id: &str, events: &mut Vec<u64>, between: &mut impl FnMut(usize)) {
    let mut cursor = String::new();
    for asked in 0.. {
        between(asked);
        let page = api::get(address, &format!("/v1/searches/{id}?wait=10s{cursor}"));
        assert!(["running", "complete"].contains(&page["status"].as_str().unwrap()), "{page}");
        events.extend(numbers(&page["events"]));
        match page["next_cursor"].as_str().or(page["more_cursor"].as_str()) {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return,
        }
    }
}

fn push_all(address: SocketAddr) {
    for part in 0..20 {
        push(address, (0..EVENTS).filter(|number| number % 20 == part).map(event));
    }
}

fn late(number: usize) -> Value {
    json!({"timestamp": BEGIN_MS + number as i64, "message": "event of later", "service": "cart", "n": 1_000_000 + number})
}

#[test]
fn scrolling_to_the_end_gives_each_event_once_while_new_ones_arrive() {
    for arguments in [&NEVER_PERSIST[..], &PERSIST_AT_ONCE[..]] {
        let directory = tempfile::tempdir().unwrap();
        let server = Server::start(directory.path(), arguments);
        let address = server.address();
        push_all(address);
        for (order, counted) in [("desc", json!({})), ("asc", Value::Null)] {
            let request = json!({"query": "event", "limit": 100, "order": order, "histogram": counted});
            let id = api::create(address, &request);
            let mut events = Vec::new();
            scroll(address, &id, &mut events, &mut |asked| {
                // Among those that were found, and before and behind them.
                push(address, [late(asked * 7_000), late(asked * 7_000_000)]);
            });
            let expected: Vec<u64> = match order {
                "desc" => (0..EVENTS as u64).rev().collect(),
                _ => (0..EVENTS as u64).collect(),
            };
            // Those of the rounds before came before this search.
            events.retain(|number| *number < 1_000_000);
            assert_eq!(events.len(), EVENTS, "{order}");
            assert_eq!(events, expected, "{order}");
        }
    }
}

#[test]
fn a_search_goes_on_after_the_server_was_killed() {
    let directory = tempfile::tempdir().unwrap();
    let server = Server::start(directory.path(), &NEVER_PERSIST);
    push_all(server.address());
    server.client().compact().unwrap();
    let id = api::create(server.address(), &json!({"query": "event", "limit": 1500}));
    let first = api::finish(server.address(), &id);
    let mut events = numbers(&first["events"]);
    let more = first["more_cursor"].as_str().unwrap().to_owned();
    server.kill();
    let server = Server::start(directory.path(), &NEVER_PERSIST);
    let mut cursor = more;
    loop {
        let page = api::get(server.address(), &format!("/v1/searches/{id}?wait=10s&cursor={cursor}"));
        events.extend(numbers(&page["events"]));
        match page["next_cursor"].as_str().or(page["more_cursor"].as_str()) {
            Some(next) => cursor = next.to_owned(),
            None => break,
        }
    }
    assert_eq!(events, (0..EVENTS as u64).rev().collect::<Vec<_>>());
}

#[test]
fn going_on_reads_little_of_what_was_read() {
    let directory = tempfile::tempdir().unwrap();
    let server = Server::start(directory.path(), &NEVER_PERSIST);
    push_all(server.address());
    server.client().compact().unwrap();
    let whole = api::search(server.address(), &json!({"query": "event", "limit": EVENTS}));
    let id = api::create(server.address(), &json!({"query": "event", "limit": 1000}));
    let mut events = Vec::new();
    scroll(server.address(), &id, &mut events, &mut |_| ());
    assert_eq!(events.len(), EVENTS);
    let scrolled = api::finish(server.address(), &id);
    let bytes = |answer: &Value| answer["progress"]["bytes_read"].as_u64().unwrap();
    // Each step reads the directory of its segment again, and the granule in which the one before ended.
    println!("{} bytes at once, {} in steps of 1,000 events", bytes(&whole), bytes(&scrolled));
    let granules = |answer: &Value| answer["progress"]["granules_read"].as_u64().unwrap();
    let steps = (EVENTS / 1000) as u64;
    assert!(granules(&scrolled) <= granules(&whole) + 34 * steps, "{} {}", granules(&scrolled), granules(&whole));
}

#[test]
fn a_limit_is_not_passed_without_asking() {
    let directory = tempfile::tempdir().unwrap();
    let server = Server::start(directory.path(), &[]);
    push(server.address(), (0..5000).map(event));
    let id = api::create(server.address(), &json!({"query": "event", "limit": 100, "facets": ["service"]}));
    let found = api::finish(server.address(), &id);
    assert_eq!(found["events"].as_array().unwrap().len(), 100);
    assert_eq!(found["progress"]["events_matched"], 5000);
    // Asking for the page behind the last one, without wanting more, gives nothing.
    let behind = api::get(server.address(), &format!("/v1/searches/{id}?cursor={id}-1"));
    assert_eq!((behind["events"].as_array().unwrap().len(), &behind["next_cursor"]), (0, &Value::Null));
    // Asked twice at once, it goes on once.
    let more = found["more_cursor"].as_str().unwrap();
    let target = format!("/v1/searches/{id}?wait=10s&cursor={more}");
    let (one, other) = std::thread::scope(|scope| {
        let ask = || numbers(&api::get(server.address(), &target)["events"]);
        let (one, other) = (scope.spawn(ask), scope.spawn(ask));
        (one.join().unwrap(), other.join().unwrap())
    });
    assert!(!one.is_empty());
    assert_eq!(one, other);
    let cancelled = api::call(server.address(), "DELETE", &format!("/v1/searches/{id}"), &Value::Null, 200);
    assert_eq!(cancelled["status"], "complete");
}
