//! What was acknowledged is there, once, whatever happens to the server's process.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::disallowed_methods,
    clippy::print_stdout,
    clippy::print_stderr
)]

use std::collections::{HashMap, VecDeque};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};
use trawl_client::{Client, Encoding, Error};
use trawl_system::chance::Chance;
use trawl_system::command;
use trawl_system::search::{count, find};
use trawl_system::server::{PERSIST_AT_ONCE, Server};
use trawl_system::wait;

/// How often the server is killed.
const KILLS: usize = 20;
/// Threads that push at a time.
const PUSHERS: usize = 4;
/// What the run follows from.
const SEED: u64 = 20_260_302;
/// Most acknowledgements that are awaited before a kill.
const MAX_ACKNOWLEDGED_BEFORE_KILL: usize = 60;
/// Most that is waited on top, so that a kill falls between any two steps of the server.
const MAX_MICROSECONDS_BEFORE_KILL: usize = 30_000;
/// How long a life of the server may take until enough is acknowledged.
const PATIENCE: Duration = Duration::from_secs(60);

/// A batch under its idempotency key.
#[derive(Clone)]
struct Batch {
    key: String,
    events: Vec<Value>,
}

impl Batch {
    fn body(&self) -> Vec<u8> {
        self.events.iter().flat_map(|event| format!("{event}\n").into_bytes()).collect()
    }
}

/// A service that sends its events in order and keeps what was not acknowledged.
struct Pusher {
    name: usize,
    chance: Chance,
    batches: usize,
    pending: VecDeque<Batch>,
    acknowledged: Vec<Batch>,
}

impl Pusher {
    fn new(name: usize) -> Self {
        let chance = Chance::new(SEED ^ ((name as u64 + 1) << 32));
        Self { name, chance, batches: 0, pending: VecDeque::new(), acknowledged: Vec::new() }
    }

    /// The next batch: of one event, of some, or of so many that it is cut into several records.
    fn next_batch(&mut self) -> Batch {
        let number = self.batches;
        self.batches += 1;
        let (events, padding) = match self.chance.below(20) {
            0 => (300, 5000),
            1..=5 => (1, 20),
            _ => (1 + self.chance.below(50), 20),
        };
        let event = |place: usize| {
            let id = format!("{}-{number}-{place}", self.name);
            // Over three days, so that every flush writes several segments.
            let second = (number * 7 + place) % (3 * 86_400);
            let (day, hour, minute) = (1 + second / 86_400, second / 3600 % 24, second / 60 % 60);
            json!({
                "timestamp": format!("2026-03-{day:02}T{hour:02}:{minute:02}:{:02}Z", second % 60),
                "service": format!("pusher-{}", self.name),
                "message": format!("event {id} {}", "x".repeat(padding)),
                "id": id,
                "nested": {"place": place, "even": place.is_multiple_of(2)},
            })
        };
        Batch { key: format!("{}-{number}", self.name), events: (0..events).map(event).collect() }
    }

    /// Pushes until the server is gone: first what was left over, then what is new. Now and then a batch that
    /// was acknowledged goes out again, as from a caller that lost the answer.
    fn push_until_down(&mut self, client: &Client, acknowledgements: &AtomicUsize, done: &AtomicBool) {
        while !done.load(Ordering::Relaxed) {
            if self.chance.percent(10) && !self.acknowledged.is_empty() {
                let again = self.acknowledged[self.chance.below(self.acknowledged.len())].clone();
                if push(client, &again).is_err() {
                    return;
                }
            }
            if self.pending.is_empty() {
                let batch = self.next_batch();
                self.pending.push_back(batch);
            }
            if push(client, &self.pending[0]).is_err() {
                return;
            }
            self.acknowledged.extend(self.pending.pop_front());
            acknowledgements.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// Pushes a batch once. Anything but an answer that takes all of it, or none at all, fails the test.
fn push(client: &Client, batch: &Batch) -> Result<(), Error> {
    match client.push(&batch.body(), Encoding::Identity, Some(&batch.key)) {
        Ok(answer) => {
            assert_eq!(answer.accepted, batch.events.len() as u64, "batch {}", batch.key);
            Ok(())
        }
        Err(error @ Error::Unreachable { .. }) => Err(error),
        // A server that is asked to stop may say so.
        Err(Error::Api(error)) if error.status == 503 => Err(Error::Api(error)),
        Err(error) => panic!("batch {}: {error}", batch.key),
    }
}

/// Fails unless the server finds exactly these events, and counts them as many.
fn assert_holds_exactly(client: &Client, batches: &[Batch], when: &str) {
    let mut expected: HashMap<&str, &Value> = HashMap::new();
    for event in batches.iter().flat_map(|batch| &batch.events) {
        expected.insert(event["id"].as_str().unwrap(), event);
    }
    let found = find(client, "*");
    let mut times_seen: HashMap<String, usize> = HashMap::new();
    for event in &found {
        let id = event["id"].as_str().unwrap();
        *times_seen.entry(id.to_owned()).or_default() += 1;
        assert_eq!(expected.get(id), Some(&event), "{when}: seed {SEED}");
    }
    let twice: Vec<_> = times_seen.iter().filter(|(_, times)| **times > 1).collect();
    let lost: Vec<_> = expected.keys().filter(|id| !times_seen.contains_key(**id)).collect();
    assert!(twice.is_empty() && lost.is_empty(), "{when}: seed {SEED}: lost {lost:?}, seen twice {twice:?}");
    assert_eq!(count(client, "*"), expected.len() as u64, "{when}: seed {SEED}");
}

/// One life of the server: everybody pushes, and at a moment of chance it is killed.
fn live_and_be_killed(data: &Path, pushers: &mut [Pusher], chance: &mut Chance) {
    let server = Server::start(data, &["--flush-age", "20ms", "--flush-bytes", "256KiB"]);
    let acknowledgements = AtomicUsize::new(0);
    let done = AtomicBool::new(false);
    let enough = chance.below(MAX_ACKNOWLEDGED_BEFORE_KILL);
    let a_little_more = Duration::from_micros(chance.below(MAX_MICROSECONDS_BEFORE_KILL) as u64);
    let compacts = chance.percent(50);
    thread::scope(|scope| {
        for pusher in pushers.iter_mut() {
            let client = server.client();
            let (acknowledgements, done) = (&acknowledgements, &done);
            scope.spawn(move || pusher.push_until_down(&client, acknowledgements, done));
        }
        if compacts {
            let client = server.client();
            // Until the server is gone: a kill is to find a compaction under way as well.
            scope.spawn(move || while client.compact().is_ok() {});
        }
        wait::until("batches are acknowledged", PATIENCE, || {
            (acknowledgements.load(Ordering::Relaxed) >= enough).then_some(())
        });
        // Nothing is ever sent: this is a wait of chance, too short to look at a condition.
        let (_sender, never) = channel::<()>();
        let _ = never.recv_timeout(a_little_more);
        server.kill();
        done.store(true, Ordering::Relaxed);
    });
}

/// Sends what is left over; after this all that was made is acknowledged.
fn push_the_rest(client: &Client, pushers: &mut [Pusher]) -> Vec<Batch> {
    for pusher in pushers.iter_mut() {
        for batch in std::mem::take(&mut pusher.pending) {
            push(client, &batch).unwrap();
            pusher.acknowledged.push(batch);
        }
    }
    pushers.iter().flat_map(|pusher| pusher.acknowledged.clone()).collect()
}

#[test]
fn every_acknowledged_event_survives_kill_minus_nine() {
    let directory = tempfile::tempdir().unwrap();
    let mut chance = Chance::new(SEED);
    let mut pushers: Vec<Pusher> = (0..PUSHERS).map(Pusher::new).collect();
    for _ in 0..KILLS {
        live_and_be_killed(directory.path(), &mut pushers, &mut chance);
    }
    // Before a retry may mend anything: what was acknowledged is there, and beside it at most what was under way.
    let server = Server::start(directory.path(), &PERSIST_AT_ONCE);
    let client = server.client();
    let under_way: u64 = pushers.iter().flat_map(|pusher| &pusher.pending).map(|batch| batch.events.len() as u64).sum();
    let acknowledged: u64 =
        pushers.iter().flat_map(|pusher| &pusher.acknowledged).map(|batch| batch.events.len() as u64).sum();
    let counted = count(&client, "*");
    assert!((acknowledged..=acknowledged + under_way).contains(&counted), "{acknowledged} {under_way} {counted}");

    let batches = push_the_rest(&client, &mut pushers);
    assert!(batches.len() > KILLS, "only {} batches were acknowledged", batches.len());
    assert_holds_exactly(&client, &batches, "after the last restart");
    let compacted = command::run(&server.url(), &["compact"]);
    assert_eq!(compacted.status, Some(0), "{}", compacted.stderr);
    assert_holds_exactly(&client, &batches, "after compaction");
    server.stop();
    let server = Server::start(directory.path(), &[]);
    assert_holds_exactly(&server.client(), &batches, "after another start");
}

#[test]
fn a_server_that_is_asked_to_stop_keeps_what_it_acknowledged() {
    let directory = tempfile::tempdir().unwrap();
    let mut pushers: Vec<Pusher> = (0..PUSHERS).map(Pusher::new).collect();
    for _ in 0..3 {
        let server = Server::start(directory.path(), &["--flush-age", "50ms"]);
        let acknowledgements = AtomicUsize::new(0);
        let done = AtomicBool::new(false);
        thread::scope(|scope| {
            for pusher in &mut pushers {
                let client = server.client();
                let (acknowledgements, done) = (&acknowledgements, &done);
                scope.spawn(move || pusher.push_until_down(&client, acknowledgements, done));
            }
            wait::until("batches are acknowledged", PATIENCE, || {
                (acknowledgements.load(Ordering::Relaxed) >= 20).then_some(())
            });
            server.stop();
            done.store(true, Ordering::Relaxed);
        });
    }
    let server = Server::start(directory.path(), &[]);
    let batches = push_the_rest(&server.client(), &mut pushers);
    assert_holds_exactly(&server.client(), &batches, "after three graceful stops");
}

#[test]
fn results_outlive_the_process_that_found_them() {
    let directory = tempfile::tempdir().unwrap();
    let server = Server::start(directory.path(), &[]);
    let client = server.client();
    client.push(br#"{"timestamp":"2026-03-02T10:00:00Z","message":"one"}"#, Encoding::Identity, None).unwrap();
    let created = client.create_search(&trawl_system::search::all("one")).unwrap();
    let page = client.poll(&created.id, None, Duration::from_secs(5)).unwrap();
    assert_eq!(page.events.len(), 1);
    server.kill();

    let server = Server::start(directory.path(), &[]);
    let client = server.client();
    let page = client.poll(&created.id, None, Duration::ZERO).unwrap();
    assert_eq!(page.events.len(), 1);
    assert_eq!(find(&client, "one").len(), 1);
}

#[test]
fn a_second_server_on_the_same_directory_says_that_it_is_in_use() {
    let directory = tempfile::tempdir().unwrap();
    let server = Server::start(directory.path(), &[]);
    let path = directory.path().to_str().unwrap();
    let second = command::run("", &["local", "--listen", "127.0.0.1:0", "--data", path]);
    assert_eq!(second.status, Some(2), "{}", second.stderr);
    assert!(second.stderr.contains(path) && second.stderr.contains("in use by another process"), "{}", second.stderr);
    // The first is not disturbed.
    let client = server.client();
    client.push(br#"{"message":"still here"}"#, Encoding::Identity, None).unwrap();
    assert_eq!(find(&client, "still").len(), 1);

    let address = server.address().to_string();
    let elsewhere = tempfile::tempdir().unwrap();
    let third = ["local", "--listen", &address, "--data", elsewhere.path().to_str().unwrap()];
    let third = command::run("", &third);
    assert_eq!(third.status, Some(2), "{}", third.stderr);
    assert!(third.stderr.contains(&format!("cannot listen on {address}")), "{}", third.stderr);
}
