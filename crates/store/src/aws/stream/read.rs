//! Reads: a shard's records from a position on.
//!
//! A shard gives 2 MB/s and answers five calls a second, whoever asks
//! (<https://docs.aws.amazon.com/streams/latest/dev/service-sizes-and-limits.html>). So what was read
//! stays in memory as far as [`KEPT_BYTES`] go: records never change, and the next search of a warm
//! process reads on where the last one ended. Calls beyond the limits wait; those that are turned away
//! because other processes read too come back at random.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_sdk_kinesis::types::ShardIteratorType;
use bytes::Bytes;
use tokio::time::Instant;

use super::{Inner, arrived, code_of, is_throttled, lock, position_of_sequence_number, sequence_number_of};
use crate::aws::error::store_error;
use crate::aws::pause;
use crate::ports::{Position, Record, Result, ShardId, StoreError};

/// Bytes of records kept of each shard, and of all together: a quarter of the smallest scan worker.
const KEPT_BYTES: usize = 8 * 1024 * 1024;
const KEPT_BYTES_IN_ALL: usize = 128 * 1024 * 1024;
/// Calls that one shard answers in a second.
const CALLS_PER_SECOND: usize = 5;
/// How long a reader that is turned away goes on trying.
const PATIENCE: Duration = Duration::from_secs(30);
/// The pause between two looks for a record that is acknowledged and not yet to be read.
const NOT_YET_VISIBLE: Duration = Duration::from_millis(20);

/// A reader per shard.
#[derive(Debug, Default)]
pub struct Readers(Mutex<BTreeMap<ShardId, Arc<Reader>>>);

impl Readers {
    /// Bytes that each reader may keep.
    fn share(&self) -> usize {
        KEPT_BYTES.min(KEPT_BYTES_IN_ALL / lock(&self.0).len().max(1))
    }

    /// The reader of a shard.
    pub fn of(&self, shard: &ShardId) -> Arc<Reader> {
        lock(&self.0).entry(shard.clone()).or_default().clone()
    }
}

/// Reads one shard.
#[derive(Debug, Default)]
pub struct Reader(tokio::sync::Mutex<Kept>);

/// Records in `(from, upto]`, barriers left out, and the way on from there.
#[derive(Debug, Default)]
struct Kept {
    from: Position,
    upto: Position,
    records: VecDeque<Record>,
    bytes: usize,
    /// Where to read on; without, from `upto`.
    iterator: Option<String>,
    /// Whether the shard is closed and read to its end.
    is_ended: bool,
    /// When the last calls went out, oldest first.
    calls: VecDeque<Instant>,
}

impl Reader {
    /// Records after `after`, as many as fit `max_bytes` but one at least. Empty when there are none up to
    /// `upto`; where that is not given, when the shard's tip is reached.
    pub async fn read(
        &self,
        stream: &Inner,
        shard: &ShardId,
        after: Position,
        upto: Option<Position>,
        max_bytes: usize,
    ) -> Result<Vec<Record>> {
        let began = Instant::now();
        let mut kept = self.0.lock().await;
        if after < kept.from || after > kept.upto {
            kept.begin_at(after);
        }
        loop {
            let found = kept.after(after, max_bytes);
            if !found.is_empty() || kept.is_ended || upto.is_some_and(|upto| kept.upto >= upto) {
                return Ok(found);
            }
            let is_at_the_tip = kept.fetch(stream, shard).await?;
            if is_at_the_tip && kept.after(after, 1).is_empty() && !kept.is_ended {
                match upto {
                    None => return Ok(Vec::new()),
                    Some(upto) if kept.upto >= upto => {}
                    Some(_) if began.elapsed() < PATIENCE => tokio::time::sleep(NOT_YET_VISIBLE).await,
                    Some(upto) => {
                        let message = format!("shard {shard} does not come to position {upto}");
                        return Err(StoreError::Transient(message));
                    }
                }
            }
        }
    }
}

impl Kept {
    fn begin_at(&mut self, position: Position) {
        let calls = std::mem::take(&mut self.calls);
        *self = Self { from: position, upto: position, calls, ..Self::default() };
    }

    fn after(&self, after: Position, max_bytes: usize) -> Vec<Record> {
        let first = self.records.partition_point(|record| record.position <= after);
        let mut bytes = 0;
        let fits = |record: &&Record| {
            let is_first = bytes == 0;
            bytes += record.data.len();
            is_first || bytes <= max_bytes
        };
        self.records.range(first..).take_while(fits).cloned().collect()
    }

    /// Reads on from where the kept records end. Gives whether that is the tip of the shard.
    async fn fetch(&mut self, stream: &Inner, shard: &ShardId) -> Result<bool> {
        let began = Instant::now();
        for attempt in 0.. {
            match self.try_fetch(stream, shard).await {
                Err(error) if error.is_retryable() && began.elapsed() < PATIENCE => {
                    pause(Duration::from_millis(200), Duration::from_secs(4), attempt).await;
                }
                outcome => return outcome,
            }
        }
        Err(StoreError::Transient(format!("reading shard {shard}")))
    }

    async fn try_fetch(&mut self, stream: &Inner, shard: &ShardId) -> Result<bool> {
        let iterator = match self.iterator.take() {
            Some(iterator) => iterator,
            None => iterator_after(stream, shard, self.upto).await?,
        };
        self.wait_for_a_call().await;
        let answer = match stream.client.get_records().shard_iterator(&iterator).send().await {
            Ok(answer) => answer,
            Err(error) => {
                // An iterator that has expired (after 5 min) is asked for anew, any other is good for another try.
                let code = code_of(&error);
                if code == Some("ExpiredIteratorException") {
                    return Err(StoreError::Transient(format!("the iterator of shard {shard} has expired")));
                }
                if is_throttled(code) {
                    self.iterator = Some(iterator);
                }
                return Err(store_error(&format!("reading shard {shard}"), &error));
            }
        };
        for record in answer.records() {
            let position = position_of_sequence_number(record.sequence_number())?;
            self.upto = position;
            let data = Bytes::copy_from_slice(record.data().as_ref());
            if !data.is_empty() {
                self.bytes += data.len();
                self.records.push_back(Record { position, arrived: arrived(record), data });
            }
        }
        self.is_ended = answer.next_shard_iterator().is_none();
        self.iterator = answer.next_shard_iterator().map(str::to_owned);
        let newest = answer.records().len();
        self.let_go(stream.readers.share(), newest);
        Ok(answer.millis_behind_latest().unwrap_or(0) == 0)
    }

    /// Lets the oldest records go that are more than `most` bytes, but none of the `newest`.
    fn let_go(&mut self, most: usize, newest: usize) {
        while self.bytes > most
            && self.records.len() > newest
            && let Some(record) = self.records.pop_front()
        {
            self.bytes -= record.data.len();
            self.from = record.position;
        }
    }

    /// Waits until the shard answers another call.
    async fn wait_for_a_call(&mut self) {
        if self.calls.len() >= CALLS_PER_SECOND
            && let Some(oldest) = self.calls.pop_front()
        {
            tokio::time::sleep_until(oldest + Duration::from_secs(1)).await;
        }
        self.calls.push_back(Instant::now());
    }
}

async fn iterator_after(stream: &Inner, shard: &ShardId, after: Position) -> Result<String> {
    let request = stream.client.get_shard_iterator().stream_name(&stream.name).shard_id(&shard.0);
    let request = match after {
        Position::START => request.shard_iterator_type(ShardIteratorType::TrimHorizon),
        after => request
            .shard_iterator_type(ShardIteratorType::AfterSequenceNumber)
            .starting_sequence_number(sequence_number_of(after)),
    };
    let answer = request.send().await.map_err(|error| store_error(&format!("finding shard {shard}"), &error))?;
    answer.shard_iterator().map(str::to_owned).ok_or_else(|| stream.unknown(shard))
}
