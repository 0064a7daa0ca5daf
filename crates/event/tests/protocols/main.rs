//! What other shippers send, as their documentation has it, and what becomes of it.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod any_bytes;
mod bulk;
mod datadog;
mod firehose;
mod hec;
mod loki;
mod otlp;
mod syslog;

use serde_json::Value;
use trawl_event::decode::Decoded;
use trawl_event::restore::Restorer;
use trawl_event::shred::TimeRule;
use trawl_event::{Block, Timestamp};

/// 2026-03-02T10:00:00Z
const NOW: Timestamp = Timestamp(1_772_445_600_000_000_000);

/// Takes events of any time.
fn rule() -> TimeRule {
    TimeRule { received: NOW, oldest: Timestamp::MIN, latest: Timestamp::MAX }
}

/// The events of all parts, in order.
fn events(decoded: &Decoded) -> Vec<Value> {
    let all = |block: &Block| {
        let mut restorer = Restorer::new(block);
        let restore = |row| {
            let mut json = String::new();
            restorer.push(row, &mut json);
            serde_json::from_str(&json).unwrap_or_else(|error| panic!("{json}: {error}"))
        };
        (0..block.rows()).map(restore).collect::<Vec<Value>>()
    };
    decoded.parts.iter().flat_map(all).collect()
}

/// The places and codes of what was refused.
fn refused(decoded: &Decoded) -> Vec<(u64, &'static str)> {
    decoded.rejections.iter().map(|rejection| (rejection.index, rejection.error.code())).collect()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    std::io::Write::write_all(&mut encoder, bytes).unwrap();
    encoder.finish().unwrap()
}
