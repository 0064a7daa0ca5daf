//! The server's memory stays within bounds, whatever is pushed.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::disallowed_methods, clippy::print_stdout)]

use std::thread;
use std::time::Duration;

use serde_json::json;
use trawl_client::{Encoding, Retries};
use trawl_system::chance::Chance;
use trawl_system::search::{all, complete, count, search};
use trawl_system::server::Server;

/// Most memory that the server may ever have resident: 1 GiB.
const MOST_MEMORY_BYTES: u64 = 1024 * 1024 * 1024;
/// Which stages overlap does not depend on how long the machine takes.
const COMPACT_WHEN_ASKED: [&str; 2] = ["--compact-every", "1d"];
/// Callers at a time.
const CALLERS: usize = 8;

/// The longest that a push may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(300);

/// NDJSON of so many events whose text hardly repeats.
fn body(chance: &mut Chance, events: usize, text_bytes: usize) -> Vec<u8> {
    let mut body = Vec::new();
    for number in 0..events {
        let words: Vec<String> = (0..text_bytes / 17).map(|_| format!("{:016x}", chance.next_u64())).collect();
        let second = chance.below(86_400);
        let event = json!({
            "timestamp": format!("2026-03-02T{:02}:{:02}:{:02}Z", second / 3600, second / 60 % 60, second % 60),
            "service": format!("service-{}", chance.below(50)),
            "message": words.join(" "),
            "attributes": {"number": number, "random": chance.next_u64() as f64 / 3.0},
        });
        body.extend_from_slice(event.to_string().as_bytes());
        body.push(b'\n');
    }
    body
}

/// Lets every caller push what `make` gives it, so many times; the number of events that were accepted.
fn push(server: &Server, times: usize, make: impl Fn(&mut Chance) -> Vec<u8> + Sync) -> u64 {
    thread::scope(|scope| {
        let callers: Vec<_> = (0..CALLERS)
            .map(|caller| {
                // A full queue is no fault: whoever is told so comes again.
                let retries = Retries { give_up_after: PATIENCE, ..Retries::default() };
                let (client, make) = (server.client().with_retries(retries), &make);
                scope.spawn(move || {
                    let mut chance = Chance::new(caller as u64);
                    let mut accepted = 0;
                    for _ in 0..times {
                        let body = zstd::bulk::compress(&make(&mut chance), 1).unwrap();
                        let key = format!("{caller}-{:x}", chance.next_u64());
                        accepted += client.push(&body, Encoding::Zstd, Some(&key)).unwrap().accepted;
                    }
                    accepted
                })
            })
            .collect();
        callers.into_iter().map(|caller| caller.join().unwrap()).sum()
    })
}

fn assert_memory_is_bounded(server: &Server, when: &str) {
    let peak = server.peak_memory_bytes();
    println!("{when}: {} MiB", peak / (1024 * 1024));
    assert!(peak <= MOST_MEMORY_BYTES, "{when}: {peak} bytes resident");
}

#[test]
fn memory_is_bounded_while_many_small_batches_come_in() {
    let directory = tempfile::tempdir().unwrap();
    let server =
        Server::start(directory.path(), &["--flush-age", "500ms", COMPACT_WHEN_ASKED[0], COMPACT_WHEN_ASKED[1]]);
    let accepted = push(&server, 1000, |chance| {
        let events = 1 + chance.below(3);
        body(chance, events, 200)
    });
    assert_eq!(count(&server.client(), "*"), accepted);
    server.client().compact().unwrap();
    assert_eq!(count(&server.client(), "*"), accepted);
    assert_memory_is_bounded(&server, "many small batches");
}

#[test]
fn memory_is_bounded_while_the_largest_batches_come_in() {
    let directory = tempfile::tempdir().unwrap();
    let server = Server::start(directory.path(), &COMPACT_WHEN_ASKED);
    // About 9 MB on the wire.
    let accepted = push(&server, 3, |chance| body(chance, 40, 400_000));
    assert_eq!(count(&server.client(), "*"), accepted);
    assert_memory_is_bounded(&server, "the largest events");
    // 60 MB, nearly all that a body may decompress to, from 300 kB on the wire.
    let line =
        br#"{"timestamp":"2026-03-02T10:00:00Z","service":"checkout","message":"the same line over and over again"}"#;
    let repeated = [line.as_slice(), b"\n"].concat().repeat(580_000);
    let more = push(&server, 1, |_| repeated.clone());
    assert_eq!(count(&server.client(), "*"), accepted + more);
    assert_memory_is_bounded(&server, "bodies that decompress to much");
    server.client().compact().unwrap();
    assert_eq!(count(&server.client(), "*"), accepted + more);
    assert_memory_is_bounded(&server, "compacting");
    let found = complete(search(&server.client(), &all("attributes.number:* | limit 300")), "large events");
    assert_eq!(found.events.len(), 300);
    assert_memory_is_bounded(&server, "searching");
}
