//! Damaged data: a search says what it could not read, and finds everything else.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::disallowed_methods,
    clippy::print_stdout,
    clippy::print_stderr
)]

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use trawl_client::{Encoding, SearchStatus};
use trawl_system::chance::Chance;
use trawl_system::command;
use trawl_system::search::{all, complete, search};
use trawl_system::server::{PERSIST_AT_ONCE, Server};

/// Events of each day.
const EVENTS: usize = 2000;
/// Places of the object in which a bit is turned over, one after the other.
const PLACES: usize = 300;
const DAYS: [&str; 2] = ["2026-03-01", "2026-03-02"];

fn event(day: &str, number: usize) -> Value {
    let (hour, minute, second) = (number / 3600 % 24, number / 60 % 60, number % 60);
    json!({
        "timestamp": format!("{day}T{hour:02}:{minute:02}:{second:02}Z"),
        "service": if number.is_multiple_of(2) { "checkout" } else { "billing" },
        "message": format!("order {number} of {day} took {} ms", number * 7919 % 1000),
        "n": number,
    })
}

/// A directory with one segment for each day, and the path of the first day's object.
fn two_days(data: &Path) -> PathBuf {
    let server = Server::start(data, &PERSIST_AT_ONCE);
    for day in DAYS {
        let body: Vec<String> = (0..EVENTS).map(|number| event(day, number).to_string()).collect();
        server.client().push(body.join("\n").as_bytes(), Encoding::Identity, None).unwrap();
    }
    server.client().compact().unwrap();
    server.stop();
    let mut objects = objects_of(&data.join("objects"), DAYS[0]);
    assert_eq!(objects.len(), 1, "{objects:?}");
    objects.remove(0)
}

fn objects_of(directory: &Path, day: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(objects_of(&path, day));
        } else if path.to_string_lossy().contains(&format!("dt={day}")) {
            found.push(path);
        }
    }
    found
}

/// What a search says of an object: its name without the directories above.
fn name_of(object: &Path) -> &str {
    object.file_name().unwrap().to_str().unwrap()
}

/// Every event of the second day is found, and of the first none that was not sent.
fn assert_partial_with_the_other_day(server: &Server, object: &Path) {
    let found = search(&server.client(), &all("order"));
    assert_eq!(found.status, SearchStatus::Partial);
    assert!(found.missing.iter().any(|part| part.to_string().contains(name_of(object))), "{:?}", found.missing);
    let other_day = found.events.iter().filter(|event| event["timestamp"].as_str().unwrap().starts_with(DAYS[1]));
    assert_eq!(other_day.count(), EVENTS);

    let ended = command::run(&server.url(), &["search", "order", "--limit", "100000", "-o", "ndjson"]);
    assert_eq!(ended.status, Some(2), "{}", ended.stderr);
    assert!(ended.stderr.contains("incomplete:") && ended.stderr.contains(name_of(object)), "{}", ended.stderr);
    assert_eq!(ended.stdout.lines().count(), found.events.len());
}

#[test]
fn a_segment_that_is_gone_is_named_and_the_others_are_read() {
    let directory = tempfile::tempdir().unwrap();
    let object = two_days(directory.path());
    fs::remove_file(&object).unwrap();
    let server = Server::start(directory.path(), &[]);
    assert_partial_with_the_other_day(&server, &object);
}

#[test]
fn a_segment_that_was_cut_off_is_named_and_the_others_are_read() {
    let directory = tempfile::tempdir().unwrap();
    let object = two_days(directory.path());
    let bytes = fs::read(&object).unwrap();
    fs::write(&object, &bytes[..bytes.len() / 2]).unwrap();
    let server = Server::start(directory.path(), &[]);
    assert_partial_with_the_other_day(&server, &object);
}

#[test]
fn a_segment_full_of_zeros_is_named_and_the_others_are_read() {
    let directory = tempfile::tempdir().unwrap();
    let object = two_days(directory.path());
    let size = fs::metadata(&object).unwrap().len();
    fs::write(&object, vec![0; size as usize]).unwrap();
    let server = Server::start(directory.path(), &[]);
    assert_partial_with_the_other_day(&server, &object);
}

#[test]
fn a_byte_that_changed_is_noticed_or_does_no_harm() {
    let directory = tempfile::tempdir().unwrap();
    let object = two_days(directory.path());
    let whole = fs::read(&object).unwrap();
    let mut server = Server::start(directory.path(), &[]);
    let client = server.client();
    let undamaged = complete(search(&client, &all("order")), "undamaged").events;
    assert_eq!(undamaged.len(), DAYS.len() * EVENTS);

    let mut chance = Chance::new(7);
    let mut noticed = 0;
    for _ in 0..PLACES {
        let mut bytes = whole.clone();
        let place = chance.below(bytes.len());
        bytes[place] ^= 1 << chance.below(8);
        fs::write(&object, &bytes).unwrap();
        let found = search(&client, &all("order"));
        match found.status {
            // A bit that no search reads, such as one of a name for other readers.
            SearchStatus::Complete => assert!(found.events == undamaged, "byte {place}: the result changed silently"),
            SearchStatus::Partial => {
                noticed += 1;
                let named = found.missing.iter().any(|part| part.to_string().contains(name_of(&object)));
                assert!(named, "byte {place}: {:?}", found.missing);
                let other_day =
                    found.events.iter().filter(|event| event["timestamp"].as_str().unwrap().starts_with(DAYS[1]));
                assert_eq!(other_day.count(), EVENTS, "byte {place}");
            }
            other => panic!("byte {place}: the search is {other:?}"),
        }
        assert!(server.is_running(), "byte {place}: {}", server.log());
    }
    assert!(noticed > PLACES / 2, "only {noticed} of {PLACES} changes were noticed");
    assert!(!server.log().contains("panicked"), "{}", server.log());

    // Mended, it is read again: nothing was thrown away meanwhile.
    fs::write(&object, &whole).unwrap();
    assert_eq!(complete(search(&client, &all("order")), "mended").events, undamaged);
}

#[test]
fn compaction_leaves_alone_what_it_cannot_read() {
    let directory = tempfile::tempdir().unwrap();
    let object = two_days(directory.path());
    let whole = fs::read(&object).unwrap();
    let mut damaged = whole.clone();
    damaged[whole.len() / 3] ^= 0x40;
    fs::write(&object, &damaged).unwrap();
    let server = Server::start(directory.path(), &PERSIST_AT_ONCE);
    // Another segment of that day, so that there is something to merge.
    let client = server.client();
    client.push(event(DAYS[0], EVENTS).to_string().as_bytes(), Encoding::Identity, None).unwrap();
    let _ = client.compact();
    fs::write(&object, &whole).unwrap();
    let found = complete(search(&client, &all("order")), "mended");
    assert_eq!(found.events.len(), DAYS.len() * EVENTS + 1);
}
