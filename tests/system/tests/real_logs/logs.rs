//! The real logs as lines, and what tells one event from another.

use std::collections::{BTreeSet, HashMap};
use std::fs::{self, File};
use std::path::{Path, PathBuf};

use serde_json::Value;
use xxhash_rust::xxh3::xxh3_64;

/// What was pushed.
pub struct Logs {
    /// The files, unpacked, in their order.
    pub files: Vec<PathBuf>,
    /// Of each event, by its line counted over all files.
    pub fingerprints: Vec<u64>,
    /// The services that occur.
    pub services: BTreeSet<String>,
    times_pushed: HashMap<u64, usize>,
}

/// The same for two events that are equal as JSON values, whatever the order of their names.
pub fn fingerprint(event: &Value) -> u64 {
    // Without its feature `preserve_order`, serde_json writes the names of an object in their order.
    xxh3_64(event.to_string().as_bytes())
}

impl Logs {
    /// Unpacks the files into a directory and reads them.
    pub fn unpack(packed: &[PathBuf], directory: &Path) -> Self {
        let mut logs = Self {
            files: Vec::new(),
            fingerprints: Vec::new(),
            services: BTreeSet::new(),
            times_pushed: HashMap::new(),
        };
        for path in packed {
            let text = zstd::decode_all(File::open(path).unwrap()).unwrap();
            let unpacked = directory.join(path.file_stem().unwrap());
            fs::write(&unpacked, &text).unwrap();
            logs.files.push(unpacked);
            for line in std::str::from_utf8(&text).unwrap().split_terminator('\n') {
                let event: Value = serde_json::from_str(line).unwrap();
                let fingerprint = fingerprint(&event);
                logs.fingerprints.push(fingerprint);
                *logs.times_pushed.entry(fingerprint).or_default() += 1;
                let service = event["service"].as_str().unwrap();
                if !logs.services.contains(service) {
                    logs.services.insert(service.to_owned());
                }
            }
        }
        logs
    }

    /// How many events were pushed.
    pub fn len(&self) -> usize {
        self.fingerprints.len()
    }

    /// Fails if an event among these was never pushed, or is here oftener than it was pushed: some real lines are
    /// equal to others.
    pub fn assert_each_at_most_as_often(&self, events: &[Value], query: &str) {
        let mut times_seen: HashMap<u64, usize> = HashMap::new();
        for event in events {
            let fingerprint = fingerprint(event);
            let seen = times_seen.entry(fingerprint).or_default();
            *seen += 1;
            let pushed = self.times_pushed.get(&fingerprint).copied().unwrap_or(0);
            assert!(*seen <= pushed, "{query:?} shows {event} {seen} times, it was pushed {pushed} times");
        }
    }
}
