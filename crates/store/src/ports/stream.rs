//! The durable queue between ingest and persister: Kinesis, or a log on disk.

use std::fmt;
use std::future::Future;
use std::sync::Arc;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use trawl_event::{BatchId, Timestamp};

use super::Result;

/// The name of a shard.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ShardId(pub String);

impl fmt::Display for ShardId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Where a record stands in its shard; later records have greater positions.
/// Kinesis sequence numbers take up to 186 bits, so it holds 192, most significant first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Position(pub [u64; 3]);

impl Position {
    /// Before the first record of any shard.
    pub const START: Self = Self([0, 0, 0]);

    /// A position of 64 bits; 0 is [`Position::START`], so records count from 1.
    pub const fn of(number: u64) -> Self {
        Self([0, 0, number])
    }
}

impl fmt::Display for Position {
    /// 48 hexadecimal digits, leading zeros dropped; sorts as the position only at equal length.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            [0, 0, low] => write!(f, "{low:x}"),
            [0, middle, low] => write!(f, "{middle:x}{low:016x}"),
            [high, middle, low] => write!(f, "{high:x}{middle:016x}{low:016x}"),
        }
    }
}

/// A record to append.
#[derive(Clone, Debug)]
pub struct NewRecord {
    /// Decides the shard, by [`crate::ring::Ring`].
    pub batch: BatchId,
    /// One or more batches as [`trawl_event::batch`] frames them.
    pub data: Bytes,
}

/// A record as read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Where it stands.
    pub position: Position,
    /// When the stream took it.
    pub arrived: Timestamp,
    /// What was appended.
    pub data: Bytes,
}

/// An append-only log in shards.
pub trait Stream: Send + Sync {
    /// The shards there are, in a fixed order.
    fn shards(&self) -> impl Future<Output = Result<Vec<ShardId>>> + Send;

    /// Appends a record to the shard its batch id falls into. When this returns `Ok` the record
    /// survives the loss of any process; when it fails the record may or may not be there.
    fn append(&self, record: NewRecord) -> impl Future<Output = Result<(ShardId, Position)>> + Send;

    /// The next records after `after`, oldest first: at most as many as fit `max_bytes`, but at least one if
    /// there is one. Fewer than there are says nothing; none says that there is none.
    /// Records at or before the trim point are gone; asking for them is an error of kind `Permanent`
    /// where the stream knows of them (Kinesis does not).
    fn read(
        &self,
        shard: &ShardId,
        after: Position,
        max_bytes: usize,
    ) -> impl Future<Output = Result<Vec<Record>>> + Send;

    /// As [`Self::read`], for who knows from [`Self::end`] that the shard goes on to `upto`: where a record
    /// can be read only some time after it was acknowledged, this waits for it. Empty means that there
    /// is none in `(after, upto]`; what is given may lie beyond.
    fn read_upto(
        &self,
        shard: &ShardId,
        after: Position,
        upto: Position,
        max_bytes: usize,
    ) -> impl Future<Output = Result<Vec<Record>>> + Send {
        let _ = upto;
        self.read(shard, after, max_bytes)
    }

    /// A position at or after every record acknowledged before this call, and before every record whose
    /// append begins when this has returned. There need not be a record at it.
    fn end(&self, shard: &ShardId) -> impl Future<Output = Result<Position>> + Send;
}

impl<T: Stream> Stream for Arc<T> {
    fn shards(&self) -> impl Future<Output = Result<Vec<ShardId>>> + Send {
        (**self).shards()
    }

    fn append(&self, record: NewRecord) -> impl Future<Output = Result<(ShardId, Position)>> + Send {
        (**self).append(record)
    }

    fn read(
        &self,
        shard: &ShardId,
        after: Position,
        max_bytes: usize,
    ) -> impl Future<Output = Result<Vec<Record>>> + Send {
        (**self).read(shard, after, max_bytes)
    }

    fn read_upto(
        &self,
        shard: &ShardId,
        after: Position,
        upto: Position,
        max_bytes: usize,
    ) -> impl Future<Output = Result<Vec<Record>>> + Send {
        (**self).read_upto(shard, after, upto, max_bytes)
    }

    fn end(&self, shard: &ShardId) -> impl Future<Output = Result<Position>> + Send {
        (**self).end(shard)
    }
}
