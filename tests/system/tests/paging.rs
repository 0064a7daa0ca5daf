//! Results page by page: complete, in order, each event once.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::disallowed_methods,
    clippy::print_stdout,
    clippy::print_stderr
)]

use std::collections::HashSet;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use trawl_client::{Client, Encoding, Order, SearchRequest, SearchStatus};
use trawl_system::search::{Found, all, complete, oldest_first, search};
use trawl_system::server::{NEVER_PERSIST, PERSIST_AT_ONCE, Server};

/// Events in the tests of long results.
const EVENTS: usize = 50_000;
/// Events that share one time: a page may end among them.
const AT_ONE_TIME: usize = 700;

fn event(number: usize) -> Value {
    let second = number / AT_ONE_TIME;
    json!({
        "timestamp": format!("2026-03-02T10:{:02}:{:02}Z", second / 60, second % 60),
        "message": format!("event {number}"),
        "n": number,
    })
}

/// Pushes [`EVENTS`] events, the times of one request lying all over.
fn push_all(client: &Client) {
    let requests = 25;
    for request in 0..requests {
        let numbers = (0..EVENTS).filter(|number| number % requests == request);
        let body: Vec<String> = numbers.map(|number| event(number).to_string()).collect();
        let answer = client.push(body.join("\n").as_bytes(), Encoding::Identity, None).unwrap();
        assert_eq!(answer.accepted as usize, EVENTS / requests);
    }
}

fn numbers(found: &Found) -> Vec<u64> {
    found.events.iter().map(|event| event["n"].as_u64().unwrap()).collect()
}

fn times(found: &Found) -> Vec<&str> {
    found.events.iter().map(|event| event["timestamp"].as_str().unwrap()).collect()
}

fn limited(limit: u64) -> SearchRequest {
    SearchRequest { limit: Some(limit), ..all("event") }
}

fn assert_pages_are_right(client: &Client) {
    let newest = complete(search(client, &all("event")), "newest first");
    assert!(newest.pages >= EVENTS / 1000, "{} pages", newest.pages);
    assert!(times(&newest).is_sorted_by(|one, next| one >= next));
    let oldest = complete(search(client, &oldest_first(all("event"))), "oldest first");
    assert!(times(&oldest).is_sorted());
    for found in [&newest, &oldest] {
        let numbers = numbers(found);
        assert_eq!(numbers.len(), EVENTS);
        assert_eq!(numbers.iter().collect::<HashSet<_>>().len(), EVENTS, "an event was given twice");
    }
    for limit in [1, 10, 999, 1000, 1001, 12_345, EVENTS as u64, EVENTS as u64 + 1] {
        let expected = (limit as usize).min(EVENTS);
        let found = complete(search(client, &limited(limit)), "limited");
        assert_eq!(found.events.len(), expected, "limit {limit}");
        assert_eq!(times(&found), times(&newest)[..expected], "limit {limit}");
        let found = complete(search(client, &oldest_first(limited(limit))), "limited");
        assert_eq!(times(&found), times(&oldest)[..expected], "limit {limit}, oldest first");
    }
    assert_eq!(complete(search(client, &limited(0)), "none").events, Vec::<Value>::new());
    // The pipe and the request both bound a result; the smaller one counts.
    let piped = SearchRequest { query: "event | limit 7".to_owned(), ..limited(1000) };
    assert_eq!(complete(search(client, &piped), "piped").events.len(), 7);
    let sorted = SearchRequest { query: "event | sort -n".to_owned(), ..limited(2500) };
    let sorted = numbers(&complete(search(client, &sorted), "sorted"));
    assert_eq!(sorted, (0..EVENTS as u64).rev().take(2500).collect::<Vec<_>>());
}

#[test]
fn fifty_thousand_results_come_in_order_and_once_from_the_tail() {
    let directory = tempfile::tempdir().unwrap();
    let server = Server::start(directory.path(), &NEVER_PERSIST);
    push_all(&server.client());
    assert_eq!(server.client().status().unwrap().tail_events as usize, EVENTS);
    assert_pages_are_right(&server.client());
}

#[test]
fn fifty_thousand_results_come_in_order_and_once_from_segments() {
    let directory = tempfile::tempdir().unwrap();
    let server = Server::start(directory.path(), &PERSIST_AT_ONCE);
    push_all(&server.client());
    server.wait_until_persisted();
    assert!(server.client().status().unwrap().segments > 1);
    assert_pages_are_right(&server.client());
    server.client().compact().unwrap();
    assert_pages_are_right(&server.client());
}

#[test]
fn a_page_is_the_same_however_often_it_is_read() {
    let directory = tempfile::tempdir().unwrap();
    let server = Server::start(directory.path(), &[]);
    let client = server.client();
    push_all(&client);
    let created = client.create_search(&limited(3000)).unwrap();
    let texts = |cursor: Option<&str>| {
        let page = client.poll(&created.id, cursor, Duration::from_secs(5)).unwrap();
        let events: Vec<String> = page.events.iter().map(|event| event.get().to_owned()).collect();
        (events, page.next_cursor)
    };
    let mut cursors = vec![None];
    let mut pages = Vec::new();
    while let Some(cursor) = cursors.last().cloned() {
        let (events, next) = texts(cursor.as_deref());
        pages.push(events);
        match next {
            Some(next) => cursors.push(Some(next)),
            None => break,
        }
    }
    assert_eq!(pages.iter().map(Vec::len).sum::<usize>(), 3000);
    for (cursor, page) in cursors.iter().zip(&pages).rev() {
        assert_eq!(texts(cursor.as_deref()).0, *page, "{cursor:?}");
    }
}

#[test]
fn a_poll_is_held_back_until_there_is_news_and_no_longer() {
    let directory = tempfile::tempdir().unwrap();
    let server = Server::start(directory.path(), &[]);
    let client = server.client();
    client.push(event(1).to_string().as_bytes(), Encoding::Identity, None).unwrap();
    let asked = Instant::now();
    let created = client.create_search(&all("event")).unwrap();
    assert_eq!(created.status, SearchStatus::Running);
    let mut page = client.poll(&created.id, None, Duration::from_secs(20)).unwrap();
    // Its events may be there a moment before the search is known to have ended.
    while page.status == SearchStatus::Running {
        page = client.poll(&created.id, None, Duration::from_secs(20)).unwrap();
    }
    assert_eq!((page.status, page.events.len()), (SearchStatus::Complete, 1));
    assert!(asked.elapsed() < Duration::from_secs(15), "the answer was held back for {:?}", asked.elapsed());
    // Nothing more will come, so nothing is waited for.
    let asked = Instant::now();
    client.poll(&created.id, None, Duration::from_secs(20)).unwrap();
    assert!(asked.elapsed() < Duration::from_secs(15), "a result that is there was held back");
}

#[test]
fn a_cancelled_search_says_so_and_keeps_what_it_found() {
    let directory = tempfile::tempdir().unwrap();
    let server = Server::start(directory.path(), &NEVER_PERSIST);
    let client = server.client();
    push_all(&client);
    // Long enough to be cancelled on its way: each page of the tail is read anew.
    let request = SearchRequest { order: Order::Desc, ..all("event") };
    let created = client.create_search(&request).unwrap();
    let first = client.poll(&created.id, None, Duration::from_secs(10)).unwrap();
    assert!(!first.events.is_empty());
    client.cancel(&created.id).unwrap();
    let last = client.poll(&created.id, None, Duration::ZERO).unwrap();
    match last.status {
        SearchStatus::Cancelled => assert!(!last.events.is_empty()),
        // It may have ended before it was asked to.
        SearchStatus::Complete => {}
        other => panic!("a cancelled search is {other:?}"),
    }
    // Again, and after its end, is no error.
    client.cancel(&created.id).unwrap();
    assert_eq!(complete(search(&client, &limited(5)), "another").events.len(), 5);
}
