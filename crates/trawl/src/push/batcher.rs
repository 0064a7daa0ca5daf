//! Events → batches that are the same batches when the same input is pushed again.
//!
//! A batch ends before the event that would make it larger than [`BATCH_BYTES`], so its borders depend on the
//! input alone, never on timing or on how the bytes arrived. Its idempotency key is a hash of
//!
//! * the bytes of the batch,
//! * where its first event begins in the input: equal stretches within a file are different batches,
//! * which input it is.
//!
//! *A file* is told by its absolute path. Pushing it again is a retry: within the server's memory (one hour)
//! it adds nothing, and after an error it adds what was missing. When the file has grown meanwhile, full
//! batches are recognised; the events of its last, incomplete batch come again in a longer one, and double.
//!
//! *Stdin* has no name, and equal bytes may be two things: the same export piped again, or the next
//! `{"message":"backup done"}` of a cron job. As the server does for requests without a key, the timestamps
//! decide. If every event of the batch brings its own, equal bytes are the same events. If not, the
//! batch is new in every run (and still goes in once, however often this run has to send it).

use std::fmt;
use std::sync::Arc;

use serde::Deserializer;
use serde::de::{IgnoredAny, MapAccess, Visitor};
use trawl_event::limits::MAX_EVENT_BYTES;
use trawl_event::shred::TIMESTAMP_NAMES;
use xxhash_rust::xxh3::Xxh3;

use super::lines::Line;
use super::source::Identity;
use crate::sender::Batch;

/// Bytes of events in a batch, before compression: the server makes one stream record of it.
pub const BATCH_BYTES: usize = MAX_EVENT_BYTES;

/// Makes keys of this kind different from those of anything else.
const KEY_DOMAIN: &[u8] = b"trawl push 1";

/// Collects the events of one input.
pub struct Batcher {
    source: Arc<str>,
    identity: Identity,
    /// Drawn anew in every run.
    run: u64,
    body: Vec<u8>,
    lines: Vec<u64>,
    offset: u64,
    all_timestamped: bool,
}

impl Batcher {
    /// Begins an input.
    pub fn new(source: Arc<str>, identity: Identity) -> Self {
        Self {
            source,
            identity,
            run: rand::random(),
            body: Vec::new(),
            lines: Vec::new(),
            offset: 0,
            all_timestamped: true,
        }
    }

    /// Adds an event (one line of JSON). Gives the batch before it if that one is full now.
    pub fn add(&mut self, event: &[u8], line: Line) -> Option<Batch> {
        let full = !self.body.is_empty() && self.body.len() + event.len() + 1 > BATCH_BYTES;
        let batch = if full { self.finish() } else { None };
        if self.body.is_empty() {
            self.offset = line.offset;
        }
        if self.identity == Identity::Stream && self.all_timestamped {
            self.all_timestamped = has_timestamp(event);
        }
        self.body.extend_from_slice(event);
        self.body.push(b'\n');
        self.lines.push(line.number);
        batch
    }

    /// The last batch, if anything is left.
    pub fn finish(&mut self) -> Option<Batch> {
        if self.body.is_empty() {
            return None;
        }
        let idempotency_key = self.key();
        let body = std::mem::replace(&mut self.body, Vec::with_capacity(BATCH_BYTES));
        self.all_timestamped = true;
        Some(Batch { body, lines: std::mem::take(&mut self.lines), source: Arc::clone(&self.source), idempotency_key })
    }

    fn key(&self) -> String {
        let mut hasher = Xxh3::new();
        hasher.update(KEY_DOMAIN);
        match &self.identity {
            Identity::File(path) => {
                let path = path.as_os_str().as_encoded_bytes();
                hasher.update(b"f");
                hasher.update(&(path.len() as u64).to_le_bytes());
                hasher.update(path);
            }
            Identity::Stream if self.all_timestamped => hasher.update(b"s"),
            Identity::Stream => {
                hasher.update(b"r");
                hasher.update(&self.run.to_le_bytes());
            }
        }
        hasher.update(&self.offset.to_le_bytes());
        hasher.update(&self.body);
        format!("{:032x}", hasher.digest128())
    }
}

/// Whether an event brings its own timestamp, under any name the server accepts.
fn has_timestamp(event: &[u8]) -> bool {
    serde_json::Deserializer::from_slice(event).deserialize_map(FindTimestamp).unwrap_or(false)
}

struct FindTimestamp;

impl<'de> Visitor<'de> for FindTimestamp {
    type Value = bool;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<bool, A::Error> {
        let mut found = false;
        while let Some(name) = map.next_key::<std::borrow::Cow<'_, str>>()? {
            found |= TIMESTAMP_NAMES.contains(&name.as_ref());
            map.next_value::<IgnoredAny>()?;
        }
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use proptest::prelude::*;

    use super::*;

    fn file(path: &str) -> Identity {
        Identity::File(PathBuf::from(path))
    }

    fn batches(identity: Identity, events: &[&[u8]]) -> Vec<Batch> {
        let mut batcher = Batcher::new("source".into(), identity);
        let mut all = Vec::new();
        let mut offset = 0;
        for (number, event) in events.iter().enumerate() {
            let line = Line { number: number as u64 + 1, offset, length: event.len() as u64 };
            offset += event.len() as u64 + 1;
            all.extend(batcher.add(event, line));
        }
        all.extend(batcher.finish());
        assert!(batcher.finish().is_none());
        all
    }

    fn keys(identity: Identity, events: &[&[u8]]) -> Vec<String> {
        batches(identity, events).into_iter().map(|batch| batch.idempotency_key).collect()
    }

    #[test]
    fn the_same_file_gives_the_same_keys_and_another_file_others() {
        let large = vec![b'x'; BATCH_BYTES - 1];
        let events: [&[u8]; 3] = [&large, &large, b"{}"];
        let first = keys(file("/a"), &events);
        assert_eq!(first.len(), 3);
        assert_ne!(first[0], first[1]);
        assert_eq!(first, keys(file("/a"), &events));
        assert!(keys(file("/b"), &events).iter().all(|key| !first.contains(key)));
        assert_eq!(first[..2], keys(file("/a"), &events[..2]));
    }

    #[test]
    fn stdin_is_recognised_again_only_if_every_event_has_its_time() {
        let timed: [&[u8]; 2] = [br#"{"ts":1,"message":"a"}"#, br#"{"b":{"c":1},"@timestamp":2}"#];
        assert_eq!(keys(Identity::Stream, &timed), keys(Identity::Stream, &timed));
        let untimed: [&[u8]; 2] = [br#"{"ts":1}"#, br#"{"a":{"ts":1}}"#];
        assert_ne!(keys(Identity::Stream, &untimed), keys(Identity::Stream, &untimed));
        let broken: [&[u8]; 1] = [br#"{"ts":1"#];
        assert_ne!(keys(Identity::Stream, &broken), keys(Identity::Stream, &broken));
    }

    proptest! {
        #[test]
        fn no_event_is_lost_or_moved_at_any_cut(lengths in proptest::collection::vec(1_usize..BATCH_BYTES, 1..12)) {
            let events: Vec<Vec<u8>> =
                lengths.iter().enumerate().map(|(place, length)| vec![b'a' + place as u8; *length]).collect();
            let events: Vec<&[u8]> = events.iter().map(Vec::as_slice).collect();
            let batches = batches(file("/a"), &events);
            prop_assert!(batches.iter().all(|batch| batch.body.len() <= BATCH_BYTES));
            let lines: Vec<u64> = batches.iter().flat_map(|batch| batch.lines.clone()).collect();
            prop_assert_eq!(lines, (1..=events.len() as u64).collect::<Vec<_>>());
            let joined: Vec<u8> = batches.iter().flat_map(|batch| batch.body.clone()).collect();
            let expected: Vec<u8> = events.iter().flat_map(|event| [event, b"\n".as_slice()].concat()).collect();
            prop_assert!(joined == expected);
            for batch in &batches {
                prop_assert_eq!(batch.body.iter().filter(|byte| **byte == b'\n').count() as u64, batch.events());
            }
        }
    }
}
