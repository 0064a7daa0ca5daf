//! New events as they arrive.

use serde_json::{Value, json};
use trawl_system::server::{PERSIST_AT_ONCE, Server};

use super::*;

fn tail(address: SocketAddr, query: &str, cursor: Option<&str>, more: &str) -> Value {
    let cursor = cursor.map(|cursor| format!("&cursor={}", api::encoded(cursor))).unwrap_or_default();
    api::get(address, &format!("/v1/tail?query={}{cursor}{more}", api::encoded(query)))
}

fn cursor(answer: &Value) -> String {
    answer["cursor"].as_str().unwrap().to_owned()
}

#[test]
fn each_new_event_is_seen_once_while_the_stream_is_persisted() {
    const EVENTS: usize = 3000;
    let directory = tempfile::tempdir().unwrap();
    let server = Server::start(directory.path(), &PERSIST_AT_ONCE);
    let address = server.address();
    push(address, (0..10).map(event));
    let begin = tail(address, "event -service:cart", None, "");
    assert_eq!(begin["events"], json!([]), "what was there before is not new");
    let mut position = cursor(&begin);
    let mut seen = Vec::new();
    std::thread::scope(|scope| {
        scope.spawn(|| (10..EVENTS).step_by(10).for_each(|first| push(address, (first..first + 10).map(event))));
        while seen.len() < (10..EVENTS).filter(|number| number % 3 != 1).count() {
            let news = tail(address, "event -service:cart", Some(&position), "&wait=10s&limit=10000");
            assert_eq!((&news["missed"], news.get("gap")), (&json!(0), None));
            assert_ne!(news["events"], json!([]), "nothing within 10 s");
            seen.extend(numbers(&news["events"]));
            position = cursor(&news);
        }
    });
    seen.sort_unstable();
    let expected: Vec<u64> = (10..EVENTS as u64).filter(|number| number % 3 != 1).collect();
    assert_eq!(seen, expected);
    assert_eq!(tail(address, "event", Some(&position), "")["events"], json!([]));
}

#[test]
fn a_batch_that_is_sent_again_is_no_news() {
    let directory = tempfile::tempdir().unwrap();
    let server = Server::start(directory.path(), &[]);
    let client = server.client();
    let begin = tail(server.address(), "", None, "");
    let body = event(1).to_string();
    for _ in 0..3 {
        client.push(body.as_bytes(), trawl_client::Encoding::Identity, Some("once")).unwrap();
    }
    let news = tail(server.address(), "", Some(&cursor(&begin)), "&wait=10s");
    assert_eq!(numbers(&news["events"]), [1]);
    client.push(body.as_bytes(), trawl_client::Encoding::Identity, Some("once")).unwrap();
    assert_eq!(tail(server.address(), "", Some(&cursor(&news)), "")["events"], json!([]));
}

#[test]
fn a_slow_reader_gets_the_newest_and_is_told_what_it_missed() {
    let directory = tempfile::tempdir().unwrap();
    let server = Server::start(directory.path(), &[]);
    let address = server.address();
    let begin = tail(address, "", None, "");
    push(address, (0..500).map(event));
    push(address, (500..2000).map(event));
    let news = tail(address, "service:cart", Some(&cursor(&begin)), "&limit=10");
    let expected: Vec<u64> = (0..2000).filter(|number| number % 3 == 1).collect();
    assert_eq!(numbers(&news["events"]), expected[expected.len() - 10..]);
    assert_eq!(news["missed"], expected.len() - 10);
    assert_eq!(tail(address, "service:cart", Some(&cursor(&news)), "")["missed"], 0);
}
