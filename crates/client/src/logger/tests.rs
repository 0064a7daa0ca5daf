//! The logger against a server that behaves as it is told.
// The tests are the callers: they have threads and measure times.
#![allow(clippy::disallowed_methods)]

use std::sync::mpsc::channel;
use std::time::Instant;

use serde_json::json;

use super::*;
use crate::Retries;
use crate::test_server::{PATIENCE, Reply, TestServer};

/// A port that no server is given.
const NOBODY: &str = "http://127.0.0.1:1";

/// Attempts that follow each other quickly.
const HASTY: Retries = Retries {
    first_wait: Duration::from_millis(1),
    longest_wait: Duration::from_millis(5),
    give_up_after: Duration::ZERO,
};

fn to(server: &TestServer) -> Builder {
    Logger::builder(&server.url()).retries(HASTY).on_problem(|_| ())
}

fn log(logger: &Logger, numbers: std::ops::Range<u64>) {
    for n in numbers {
        logger.log(Level::Info, "event", json!({"n": n})).unwrap();
    }
}

fn assert_accounted(stats: Stats) {
    let settled = stats.sent + stats.rejected + stats.dropped + stats.waiting;
    assert_eq!(stats.accepted + stats.recovered, settled, "{stats:?}");
}

#[test]
fn events_arrive_as_they_were_logged() {
    let server = TestServer::good();
    let logger =
        to(&server).api_key("secret").service("checkout").field("host", "a").field("amount", 0).start().unwrap();
    let time = std::time::UNIX_EPOCH + Duration::from_nanos(1_772_445_600_000_000_001);
    let event = Event::new(Level::Warn, "paid \"twice\"").target("shop::pay").at(time);
    logger.send(&event.fields(json!({"amount": 12.5, "service": "mine"}))).unwrap();
    logger.flush(PATIENCE).unwrap();
    let thread = std::thread::current().name().unwrap().to_owned();
    let expected = json!({
        "timestamp": "2026-03-02T10:00:00.000000001Z", "level": "warn", "service": "checkout",
        "message": "paid \"twice\"", "target": "shop::pay", "thread": thread, "amount": 12.5, "service_": "mine",
        "host": "a",
    });
    assert_eq!(server.events(), [expected]);
    assert_eq!(server.seen()[0].authorization.as_deref(), Some("Bearer secret"));
    let stats = logger.stats();
    assert_eq!((stats.accepted, stats.sent, stats.batches, stats.waiting), (1, 1, 1, 0));
}

#[test]
fn a_batch_is_tried_again_with_the_same_bytes_under_the_same_key() {
    for spooled in [false, true] {
        let server = TestServer::start(|number| match number % 7 {
            0 => Reply::Refuse(503, Some(0), "{}"),
            1 => Reply::Refuse(429, None, ""),
            2 => Reply::HangUp,
            3 => Reply::TakeAndHangUp,
            4 => Reply::Refuse(500, None, "<html>"),
            5 => Reply::Refuse(401, None, "{}"),
            _ => Reply::Take,
        });
        let directory = tempfile::tempdir().unwrap();
        let mut builder = to(&server).batch_bytes(1024);
        if spooled {
            builder = builder.spool(directory.path());
        }
        let logger = builder.start().unwrap();
        log(&logger, 0..40);
        logger.flush(PATIENCE).unwrap();
        assert_eq!(server.numbers(), (0..40).collect::<Vec<_>>());
        let seen = server.seen();
        for attempts in seen.chunks(7) {
            assert_eq!(attempts.len(), 7);
            assert!(attempts.iter().all(|attempt| attempt.key == attempts[0].key));
            assert!(attempts.iter().all(|attempt| attempt.body == attempts[0].body));
        }
        let stats = logger.stats();
        assert_eq!((stats.sent, stats.retries, stats.batches), (40, seen.len() as u64 / 7 * 6, seen.len() as u64 / 7));
        assert!(stats.batches > 2);
        assert_accounted(stats);
    }
}

#[test]
fn the_server_is_not_asked_before_the_time_it_names() {
    let server = TestServer::start(|number| if number == 0 { Reply::Refuse(429, Some(1), "") } else { Reply::Take });
    let logger = to(&server).start().unwrap();
    log(&logger, 0..1);
    logger.flush(PATIENCE).unwrap();
    let seen = server.seen();
    assert!(seen[1].at - seen[0].at >= Duration::from_secs(1));
}

#[test]
fn what_the_server_refuses_is_counted_and_told_and_holds_nothing_up() {
    let refusal = r#"{"error":{"code":"invalid_compression","message":"no zstd","detail":null}}"#;
    let server = TestServer::start(move |number| match number {
        0 => Reply::Refuse(400, None, refusal),
        1 => Reply::RejectLast,
        _ => Reply::Take,
    });
    let (sender, problems) = channel();
    let logger = to(&server).on_problem(move |problem| sender.send(problem.clone()).unwrap()).start().unwrap();
    for numbers in [0..3, 3..6, 6..9] {
        log(&logger, numbers);
        logger.flush(PATIENCE).unwrap();
    }
    assert_eq!(server.numbers(), [3, 4, 6, 7, 8]);
    let stats = logger.stats();
    assert_eq!((stats.sent, stats.rejected), (5, 4));
    assert_eq!(logger.last_rejection().unwrap(), "on purpose (bad)");
    let told: Vec<_> = problems.try_iter().map(|problem| (problem.kind, problem.events)).collect();
    assert_eq!(told, [(ProblemKind::BatchRefused, 3), (ProblemKind::EventsRejected, 1)]);
}

#[test]
fn a_full_queue_drops_the_oldest_and_counts_them() {
    let server = TestServer::start(|_| Reply::TakeAtGate);
    let logger = to(&server).max_bytes(8192).batch_bytes(1024).start().unwrap();
    log(&logger, 0..10);
    server.wait_for_requests(1);
    log(&logger, 10..1000);
    let stats = logger.stats();
    assert!(stats.dropped > 800 && stats.queued_bytes <= 8192, "{stats:?}");
    server.open_gate();
    logger.flush(PATIENCE).unwrap();
    let numbers = server.numbers();
    assert!(numbers.is_sorted());
    // What was being sent, and the newest.
    assert_eq!((numbers[0], numbers.last()), (0, Some(&999)));
    assert_eq!(numbers.len() as u64, 1000 - logger.stats().dropped);
    assert_accounted(logger.stats());
}

#[test]
fn a_full_queue_refuses_after_a_time_or_waits_for_room() {
    let server = TestServer::start(|_| Reply::TakeAtGate);
    let full = WhenFull::BlockFor(Duration::from_millis(20));
    let logger = to(&server).max_bytes(4096).when_full(full).start().unwrap();
    let mut accepted = 0;
    let refused_after = loop {
        let began = Instant::now();
        match logger.log(Level::Info, "event", json!({"n": accepted})) {
            Ok(()) => accepted += 1,
            Err(LogError::Full) => break began.elapsed(),
            Err(error) => panic!("{error}"),
        }
    };
    assert!(refused_after >= Duration::from_millis(20));
    assert_eq!((logger.stats().refused, logger.stats().dropped), (1, 0));

    let blocks = to(&server).max_bytes(4096).when_full(WhenFull::Block).start().unwrap();
    let writer = std::thread::spawn({
        let blocks = blocks.clone();
        move || log(&blocks, 1000..1200)
    });
    server.wait_for_requests(2);
    server.open_gate();
    writer.join().unwrap();
    blocks.flush(PATIENCE).unwrap();
    logger.flush(PATIENCE).unwrap();
    let mut numbers = server.numbers();
    numbers.sort_unstable();
    assert_eq!(numbers, (0..accepted).chain(1000..1200).collect::<Vec<_>>());
}

#[test]
fn an_event_larger_than_the_queue_neither_waits_nor_drives_others_out() {
    let server = TestServer::start(|_| Reply::TakeAtGate);
    for policy in [WhenFull::Block, WhenFull::DropOldest] {
        let logger = to(&server).max_bytes(4096).when_full(policy).start().unwrap();
        log(&logger, 0..3);
        assert!(matches!(logger.log(Level::Info, &"x".repeat(5000), ()), Err(LogError::Full)));
        server.open_gate();
        logger.flush(PATIENCE).unwrap();
        assert_eq!((logger.stats().sent, logger.stats().dropped, logger.stats().refused), (3, 0, 1));
    }
}

#[test]
fn without_a_server_nothing_takes_longer_than_it_may() {
    for spooled in [false, true] {
        let directory = tempfile::tempdir().unwrap();
        let mut builder = Logger::builder(NOBODY).on_problem(|_| ());
        if spooled {
            builder = builder.spool(directory.path());
        }
        let logger = builder.start().unwrap();
        log(&logger, 0..10);
        let unfinished = logger.flush(Duration::from_millis(50)).unwrap_err();
        assert_eq!(unfinished.events, 10);
        assert_eq!(logger.shutdown(Duration::from_millis(50)).unwrap_err().events, 10);
        assert!(matches!(logger.log(Level::Info, "late", ()), Err(LogError::Closed)));
        let began = Instant::now();
        drop(logger);
        assert!(began.elapsed() < Duration::from_secs(4));
    }
}

#[test]
fn the_last_handle_sends_what_is_left() {
    let server = TestServer::good();
    let logger = to(&server).batch_age(Duration::from_secs(3600)).start().unwrap();
    let clone = logger.clone();
    drop(logger);
    log(&clone, 0..3);
    drop(clone);
    assert_eq!(server.numbers(), [0, 1, 2]);
}

#[test]
fn a_spool_goes_on_where_the_last_process_ended_with_the_same_batch() {
    let directory = tempfile::tempdir().unwrap();
    // The first life hears no answer, though its batch was taken.
    let server = TestServer::start(|number| if number < 1 { Reply::TakeAndHangUp } else { Reply::Take });
    let patient = Retries { first_wait: Duration::from_secs(600), longest_wait: Duration::from_secs(600), ..HASTY };
    let open = || to(&server).retries(patient).spool(directory.path()).batch_bytes(1024);
    let first = open().start().unwrap();
    log(&first, 0..10);
    server.wait_for_requests(1);
    log(&first, 10..30);
    assert!(matches!(open().start(), Err(StartError::SpoolInUse { .. })));
    // No time for another attempt.
    let left = first.shutdown(Duration::ZERO);
    assert!(left.is_err());
    // The lock goes with the thread.
    let began = Instant::now();
    let second = loop {
        match open().start() {
            Ok(logger) => break logger,
            Err(StartError::SpoolInUse { .. }) if began.elapsed() < PATIENCE => std::thread::yield_now(),
            Err(error) => panic!("{error}"),
        }
    };
    assert_eq!(second.stats().recovered, 30);
    log(&second, 30..40);
    second.flush(PATIENCE).unwrap();
    assert_eq!(server.numbers(), (0..40).collect::<Vec<_>>());
    let seen = server.seen();
    assert_eq!((&seen[0].key, &seen[0].body), (&seen[1].key, &seen[1].body));
    assert_accounted(second.stats());
    assert_eq!((second.stats().spooled_bytes, second.stats().late), (0, 0));
    let left = std::fs::read_dir(directory.path()).unwrap().count();
    assert_eq!(left, 1, "only the lock stays");
}

#[test]
fn a_batch_that_may_be_there_twice_is_counted() {
    let directory = tempfile::tempdir().unwrap();
    let frame = |text: &[u8]| [spool::format::frame_head(text).as_slice(), text].concat();
    let (opened, _) = spool::SpoolDirectory::open(directory.path(), Survives::PowerLoss).unwrap();
    let segment = opened.create(0, &frame(b"{\"n\":1}\n")).unwrap();
    let two_hours_ago = (time::now_ns() / 1_000_000_000) as u64 - 7200;
    spool::SpoolDirectory::seal(&segment.path, Survives::PowerLoss, two_hours_ago).unwrap();
    drop(opened);
    let server = TestServer::good();
    let logger = to(&server).spool(directory.path()).start().unwrap();
    logger.flush(PATIENCE).unwrap();
    assert_eq!((server.numbers(), logger.stats().late, logger.stats().sent), (vec![1], 1, 1));
}

#[test]
fn many_threads_log_and_each_event_arrives_once() {
    for spooled in [false, true] {
        let server = TestServer::start(|number| if number % 2 == 0 { Reply::TakeAndHangUp } else { Reply::Take });
        let directory = tempfile::tempdir().unwrap();
        let mut builder = to(&server).batch_bytes(4096).batch_age(Duration::from_millis(1));
        if spooled {
            builder = builder.spool(directory.path());
        }
        let logger = builder.start().unwrap();
        std::thread::scope(|scope| {
            for thread in 0..4 {
                let logger = &logger;
                scope.spawn(move || log(logger, thread * 500..(thread + 1) * 500));
            }
        });
        logger.shutdown(PATIENCE).unwrap();
        let mut numbers = server.numbers();
        numbers.sort_unstable();
        assert_eq!(numbers, (0..2000).collect::<Vec<_>>());
        assert_accounted(logger.stats());
    }
}

#[test]
fn what_cannot_be_an_event_is_refused_and_panics_stay_inside() {
    struct Panics;
    impl Serialize for Panics {
        fn serialize<S: serde::Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
            panic!("on purpose")
        }
    }
    let server = TestServer::good();
    let logger = to(&server).start().unwrap();
    assert!(matches!(logger.log(Level::Info, "", Panics), Err(LogError::Panicked)));
    assert!(matches!(logger.log(Level::Info, "", 7), Err(LogError::Fields(_))));
    let large = "x".repeat(1_000_000);
    assert!(matches!(logger.log(Level::Info, &large, ()), Err(LogError::TooLarge { .. })));
    log(&logger, 1..2);
    logger.flush(PATIENCE).unwrap();
    assert_eq!((server.numbers(), logger.stats().refused), (vec![1], 3));
}

#[test]
fn a_spool_that_cannot_be_written_refuses_and_goes_on_later() {
    let server = TestServer::good();
    let parent = tempfile::tempdir().unwrap();
    let directory = parent.path().join("spool");
    let logger = to(&server).spool(&directory).start().unwrap();
    std::fs::rename(&directory, parent.path().join("elsewhere")).unwrap();
    assert!(matches!(logger.log(Level::Info, "", json!({"n": 0})), Err(LogError::Spool(_))));
    std::fs::rename(parent.path().join("elsewhere"), &directory).unwrap();
    log(&logger, 1..2);
    logger.flush(PATIENCE).unwrap();
    assert_eq!(server.numbers(), [1]);
}

#[test]
fn a_file_that_somebody_removed_is_counted_and_holds_nothing_up() {
    let directory = tempfile::tempdir().unwrap();
    let server = TestServer::start(|_| Reply::TakeAtGate);
    let logger = to(&server).spool(directory.path()).batch_bytes(1024).start().unwrap();
    log(&logger, 0..30);
    server.wait_for_requests(1);
    let mut paths: Vec<_> = std::fs::read_dir(directory.path()).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    std::fs::remove_file(&paths[1]).unwrap();
    server.open_gate();
    logger.flush(PATIENCE).unwrap();
    let stats = logger.stats();
    assert!(stats.dropped > 0 && server.numbers().last() == Some(&29), "{stats:?}");
    assert_accounted(stats);
}

#[test]
fn damage_costs_what_stands_behind_it_in_its_file_and_is_told() {
    let directory = tempfile::tempdir().unwrap();
    let server = TestServer::start(|_| Reply::TakeAtGate);
    let first = to(&server).spool(directory.path()).batch_bytes(1024).start().unwrap();
    log(&first, 0..30);
    server.wait_for_requests(1);
    assert!(first.shutdown(Duration::ZERO).is_err());
    // As another machine would find it after a crash: with its middle file damaged and a file of somebody else's.
    let copy = tempfile::tempdir().unwrap();
    let mut paths: Vec<_> = std::fs::read_dir(directory.path()).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some());
    paths.sort();
    assert!(paths.len() > 2, "{paths:?}");
    let mut lost = 0;
    for (place, path) in paths.iter().enumerate() {
        let mut bytes = std::fs::read(path).unwrap();
        if place == 1 {
            let middle = bytes.len() / 2;
            let before = spool::format::read(&bytes).unwrap().events;
            bytes[middle] ^= 0x40;
            lost = before - spool::format::read(&bytes).unwrap().events;
        }
        std::fs::write(copy.path().join(path.file_name().unwrap()), bytes).unwrap();
    }
    let foreign = copy.path().join("ffff.spool");
    std::fs::write(&foreign, "of another version").unwrap();
    server.open_gate();

    let other = TestServer::good();
    let (sender, problems) = channel();
    let second = to(&other).spool(copy.path()).on_problem(move |problem| sender.send(problem.kind).unwrap());
    let second = second.start().unwrap();
    assert_eq!(problems.recv_timeout(PATIENCE).unwrap(), ProblemKind::SpoolUnreadable);
    log(&second, 30..33);
    second.flush(PATIENCE).unwrap();
    let numbers = other.numbers();
    assert!(lost > 0 && numbers.is_sorted());
    assert_eq!(numbers.len() as u64, 33 - lost);
    assert!(numbers.ends_with(&[29, 30, 31, 32]) && foreign.exists());
    assert_accounted(second.stats());
}
