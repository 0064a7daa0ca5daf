//! The stream in Kinesis.
//!
//! * [`append`]: concurrent appends go out together; what is throttled goes to another virtual node
//! * [`read`]: a shard's records, kept as far as they were read, within the limits of a shard
//! * [`sequence`]: sequence numbers as positions
//!
//! **Shards.** All that still hold records are listed, closed ones too, and never from memory: a list
//! older than a reshard would hide what was acknowledged on a new shard.
//!
//! **The end of a shard.** Kinesis has no call that gives it. [`AwsStream::end`] appends a *barrier*, an
//! empty record, and takes its sequence number: everything acknowledged before stands before it. A
//! barrier counts against the 1,000 records that a shard takes each second, not against its five reads
//! (ADR 9). [`Stream::read`] leaves barriers out; to the persister they are records without batches.
//!
//! **Retention.** Kinesis does not say when records were dropped because nobody read them in time:
//! reading begins at the oldest that is left. The alarm on the iterator's age is what prevents it.

mod append;
mod read;
mod sequence;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use aws_sdk_kinesis::Client;
use aws_sdk_kinesis::error::ProvideErrorMetadata;
use aws_sdk_kinesis::primitives::Blob;
use aws_sdk_kinesis::types::Shard;
use trawl_event::Timestamp;

use super::error::store_error;
use super::pause;
use crate::ports::{NewRecord, Position, Record, Result, ShardId, StoreError, Stream};

pub use sequence::{position_of_sequence_number, sequence_number_of};

/// How often a barrier is tried where the shard is busy: some seconds in all.
const BARRIER_ATTEMPTS: u32 = 8;

/// At or beyond every record.
const LAST: Position = Position([u64::MAX; 3]);

/// A stream of Kinesis.
#[derive(Clone, Debug)]
pub struct AwsStream {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    client: Client,
    name: String,
    queue: append::Queue,
    readers: read::Readers,
    /// The shards as they were listed last: where to put a barrier, no more.
    listed: Mutex<BTreeMap<ShardId, Listed>>,
}

/// What a listing says of a shard.
#[derive(Clone, Debug)]
struct Listed {
    starting_hash_key: String,
    /// Where it ends, when it is closed.
    end: Option<Position>,
}

impl AwsStream {
    /// The stream of this name.
    pub fn new(client: Client, stream: impl Into<String>) -> Self {
        let inner = Inner {
            client,
            name: stream.into(),
            queue: append::Queue::default(),
            readers: read::Readers::default(),
            listed: Mutex::default(),
        };
        Self { inner: Arc::new(inner) }
    }
}

/// Locks what is whole at every point where a holder could panic.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Inner {
    async fn list(&self) -> Result<BTreeMap<ShardId, Listed>> {
        let doing = format!("listing the shards of {}", self.name);
        let mut shards = BTreeMap::new();
        let mut token: Option<String> = None;
        loop {
            // A token stands for the stream as well.
            let request = match token.take() {
                Some(token) => self.client.list_shards().next_token(token),
                None => self.client.list_shards().stream_name(&self.name),
            };
            let page = request.send().await.map_err(|error| store_error(&doing, &error))?;
            for shard in page.shards() {
                let (id, listed) = listed(shard)?;
                shards.insert(id, listed);
            }
            match page.next_token() {
                Some(next) => token = Some(next.to_owned()),
                None => break,
            }
        }
        lock(&self.listed).clone_from(&shards);
        Ok(shards)
    }

    /// A shard as it was listed last, or is now if it was not.
    async fn find(&self, shard: &ShardId) -> Result<Listed> {
        let known = lock(&self.listed).get(shard).cloned();
        match known {
            Some(listed) => Ok(listed),
            None => self.list().await?.remove(shard).ok_or_else(|| self.unknown(shard)),
        }
    }

    fn unknown(&self, shard: &ShardId) -> StoreError {
        StoreError::Permanent(format!("stream {} has no shard {shard}", self.name))
    }

    /// Appends an empty record; gives the shard it came to, and its place there.
    async fn barrier(&self, hash_key: &str) -> Result<(ShardId, Position)> {
        let doing = format!("putting a barrier into {}", self.name);
        for attempt in 0.. {
            let put = self.client.put_record().stream_name(&self.name).data(Blob::new(Vec::new()));
            match put.partition_key("barrier").explicit_hash_key(hash_key).send().await {
                Ok(put) => {
                    let position = position_of_sequence_number(put.sequence_number())?;
                    return Ok((ShardId(put.shard_id().to_owned()), position));
                }
                Err(error) => match store_error(&doing, &error) {
                    error if error.is_retryable() && attempt < BARRIER_ATTEMPTS => {
                        pause(Duration::from_millis(50), Duration::from_secs(2), attempt).await;
                    }
                    error => return Err(error),
                },
            }
        }
        Err(StoreError::Transient(doing))
    }
}

fn listed(shard: &Shard) -> Result<(ShardId, Listed)> {
    let incomplete =
        || StoreError::Permanent(format!("shard {} is listed without its range of keys", shard.shard_id()));
    let keys = shard.hash_key_range().ok_or_else(incomplete)?;
    let numbers = shard.sequence_number_range().ok_or_else(incomplete)?;
    let start = position_of_sequence_number(numbers.starting_sequence_number())?;
    let end = numbers.ending_sequence_number().map(position_of_sequence_number).transpose()?;
    let listed = Listed {
        starting_hash_key: keys.starting_hash_key().to_owned(),
        // Some services say only that a shard is closed, by a number below all of its own.
        end: end.map(|end| if end < start { LAST } else { end }),
    };
    Ok((ShardId(shard.shard_id().to_owned()), listed))
}

impl Stream for AwsStream {
    async fn shards(&self) -> Result<Vec<ShardId>> {
        Ok(self.inner.list().await?.into_keys().collect())
    }

    async fn append(&self, record: NewRecord) -> Result<(ShardId, Position)> {
        append::append(&self.inner, record).await
    }

    async fn read(&self, shard: &ShardId, after: Position, max_bytes: usize) -> Result<Vec<Record>> {
        self.inner.readers.of(shard).read(&self.inner, shard, after, None, max_bytes).await
    }

    async fn read_upto(
        &self,
        shard: &ShardId,
        after: Position,
        upto: Position,
        max_bytes: usize,
    ) -> Result<Vec<Record>> {
        self.inner.readers.of(shard).read(&self.inner, shard, after, Some(upto), max_bytes).await
    }

    async fn end(&self, shard: &ShardId) -> Result<Position> {
        let listed = self.inner.find(shard).await?;
        if let Some(end) = listed.end {
            return Ok(end);
        }
        let (came_to, position) = self.inner.barrier(&listed.starting_hash_key).await?;
        if came_to == *shard {
            return Ok(position);
        }
        // It was closed since it was listed.
        let now = self.inner.list().await?.remove(shard).ok_or_else(|| self.inner.unknown(shard))?;
        now.end.ok_or_else(|| {
            StoreError::Transient(format!("shard {shard} neither takes records nor says where it ended"))
        })
    }
}

/// When Kinesis took a record.
fn arrived(record: &aws_sdk_kinesis::types::Record) -> Timestamp {
    let nanos = record.approximate_arrival_timestamp().map_or(0, |time| time.as_nanos());
    Timestamp(i64::try_from(nanos).unwrap_or(i64::MAX))
}

/// Whether a code says that a shard takes or gives no more for now.
fn is_throttled(code: Option<&str>) -> bool {
    matches!(code, Some("ProvisionedThroughputExceededException" | "LimitExceededException" | "ThrottlingException"))
}

/// The code of an error, if the service gave one.
fn code_of(error: &impl ProvideErrorMetadata) -> Option<&str> {
    error.code()
}
