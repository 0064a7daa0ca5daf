//! Where records go that cannot be decoded: nothing is thrown away, and nothing waits for them.
//!
//! A dead letter is two objects, `dead-letters/v1/<shard>/<position>-<hash>.bin` with the record's
//! bytes and `….json` with the reason. Equal letters have equal keys, so a repeated run is harmless.

use bytes::Bytes;
use serde::Serialize;
use trawl_event::Timestamp;
use trawl_store::ports::{Objects, Position, Record, ShardId, StoreError};
use xxhash_rust::xxh3::xxh3_128;

/// The prefix of all dead letters.
pub const PREFIX: &str = "dead-letters/v1/";

/// A record that could not be decoded, whole or in part.
#[derive(Clone, Debug)]
pub struct DeadLetter {
    position: Position,
    arrived: Timestamp,
    data: Bytes,
    reason: String,
}

#[derive(Serialize)]
struct Note<'a> {
    shard: &'a ShardId,
    position: String,
    arrived: String,
    size_bytes: usize,
    reason: &'a str,
}

impl DeadLetter {
    /// A letter that holds all of a record, whose events before the damage are kept all the same.
    pub fn new(record: &Record, reason: String) -> Self {
        Self { position: record.position, arrived: record.arrived, data: record.data.clone(), reason }
    }
}

/// Writes a letter.
pub async fn store<O: Objects>(objects: &O, shard: &ShardId, letter: &DeadLetter) -> Result<(), StoreError> {
    let DeadLetter { position, arrived, data, reason } = letter;
    tracing::error!(%shard, %position, reason, "record cannot be decoded, kept as a dead letter");
    let note =
        Note { shard, position: position.to_string(), arrived: arrived.to_string(), size_bytes: data.len(), reason };
    let json = serde_json::to_vec(&note).map_err(|error| StoreError::Permanent(error.to_string()))?;
    let hash = xxh3_128(&[reason.as_bytes(), data].concat());
    let key = format!("{PREFIX}{shard}/{position}-{hash:032x}");
    objects.put_if_absent(&format!("{key}.bin"), data.clone()).await?;
    objects.put_if_absent(&format!("{key}.json"), Bytes::from(json)).await?;
    Ok(())
}
