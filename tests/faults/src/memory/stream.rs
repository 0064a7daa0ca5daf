//! A stream in memory.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::Ordering;

use bytes::Bytes;
use trawl_event::Timestamp;
use trawl_store::ports::{NewRecord, Position, Record, Result, ShardId, StoreError, Stream};
use trawl_store::ring::Ring;

use super::lock;
use crate::world::StoreTime;

#[derive(Default)]
struct Shard {
    /// Every record there ever was; reads see those after `trimmed`.
    records: Vec<Record>,
    trimmed: Position,
    end: Position,
}

/// Shards of records. It remembers what was trimmed, for the model.
pub struct MemoryStream {
    ring: Ring,
    time: StoreTime,
    shards: Mutex<BTreeMap<ShardId, Shard>>,
}

impl MemoryStream {
    /// An empty stream of this many shards.
    ///
    /// # Errors
    /// `Permanent` without shards.
    pub fn new(shard_count: usize, time: StoreTime) -> Result<Self> {
        let names: Vec<ShardId> = (0..shard_count).map(|number| ShardId(format!("shard-{number:03}"))).collect();
        let shards = names.iter().map(|name| (name.clone(), Shard::default())).collect();
        Ok(Self { ring: Ring::new(&names)?, time, shards: Mutex::new(shards) })
    }

    /// The shard that the ring gives a record.
    pub fn shard_of(&self, record: &NewRecord) -> ShardId {
        self.ring.shard_of(record.batch).clone()
    }

    /// Appends to a shard of the caller's choice.
    pub fn append_to(&self, name: &ShardId, data: Bytes) -> Result<Position> {
        let mut shards = lock(&self.shards);
        let shard = shards.get_mut(name).ok_or_else(|| unknown(name))?;
        // Beyond 64 bits and with gaps, as sequence numbers of Kinesis are.
        let gap = 1 + shard.records.len() as u64 % 3;
        let position = Position([0, 1, shard.end.0[2] + gap]);
        let arrived = Timestamp(self.time.load(Ordering::Relaxed));
        shard.records.push(Record { position, arrived, data });
        shard.end = position;
        Ok(position)
    }

    /// Lets go of records at or before a position.
    pub fn trim(&self, name: &ShardId, upto: Position) {
        if let Some(shard) = lock(&self.shards).get_mut(name) {
            shard.trimmed = shard.trimmed.max(upto);
        }
    }

    /// Every record that was ever appended, by shard.
    pub fn history(&self) -> BTreeMap<ShardId, Vec<Record>> {
        lock(&self.shards).iter().map(|(name, shard)| (name.clone(), shard.records.clone())).collect()
    }
}

fn unknown(shard: &ShardId) -> StoreError {
    StoreError::Permanent(format!("there is no shard {shard}"))
}

impl Stream for MemoryStream {
    async fn shards(&self) -> Result<Vec<ShardId>> {
        Ok(self.ring.shards().to_vec())
    }

    async fn append(&self, record: NewRecord) -> Result<(ShardId, Position)> {
        let shard = self.shard_of(&record);
        let position = self.append_to(&shard, record.data)?;
        Ok((shard, position))
    }

    async fn read(&self, name: &ShardId, after: Position, max_bytes: usize) -> Result<Vec<Record>> {
        let shards = lock(&self.shards);
        let shard = shards.get(name).ok_or_else(|| unknown(name))?;
        if after < shard.trimmed {
            return Err(StoreError::Permanent(format!("records of shard {name} after {after} are gone")));
        }
        let start = shard.records.partition_point(|record| record.position <= after);
        let mut bytes = 0;
        let fits = |record: &&Record| {
            let is_first = bytes == 0;
            bytes += record.data.len().max(1);
            is_first || bytes <= max_bytes
        };
        Ok(shard.records[start..].iter().take_while(fits).cloned().collect())
    }

    async fn end(&self, name: &ShardId) -> Result<Position> {
        lock(&self.shards).get(name).map(|shard| shard.end).ok_or_else(|| unknown(name))
    }
}
