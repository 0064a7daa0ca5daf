//! Appends: gathered into `PutRecords`, each record tried again by itself.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_sdk_kinesis::primitives::Blob;
use aws_sdk_kinesis::types::PutRecordsRequestEntry;
use bytes::Bytes;
use tokio::sync::oneshot;

use super::{Inner, code_of, is_throttled, lock, position_of_sequence_number};
use crate::aws::error::store_error;
use crate::aws::pause;
use crate::ports::{NewRecord, Position, Result, ShardId, StoreError};
use crate::ring::Ring;

/// Records in one request: <https://docs.aws.amazon.com/streams/latest/dev/service-sizes-and-limits.html>.
const REQUEST_RECORDS: usize = 500;
/// Bytes of one request, partition keys included; half of what Kinesis takes, for the rest of the request.
const REQUEST_BYTES: usize = 5 * 1024 * 1024;
/// Bytes of one record, its partition key included.
pub const RECORD_BYTES: usize = 1024 * 1024;
/// The partition key of every record; where a record goes is decided by its explicit hash key.
const PARTITION_KEY: &str = "b";
/// How often a record is tried: some 3 s in all, since a caller waits.
const ATTEMPTS: u32 = 6;
/// How long a caller waits for a record: API Gateway answers for us after 30 s.
const PATIENCE: Duration = Duration::from_secs(20);
/// From one virtual node to the next: the golden section of the hash space, so that the places tried for one
/// record lie far apart whatever the shards are.
const NEXT_NODE: u128 = 0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835;

type Place = (ShardId, Position);

/// Appends that wait to be sent.
#[derive(Debug, Default)]
pub struct Queue(Mutex<Waiting>);

#[derive(Debug, Default)]
struct Waiting {
    appends: VecDeque<Append>,
    /// Whether a task is at it, which takes what comes in meanwhile.
    sending: bool,
}

#[derive(Debug)]
struct Append {
    hash_key: u128,
    data: Bytes,
    done: oneshot::Sender<Result<Place>>,
}

/// Appends a record; ready when Kinesis has it.
pub async fn append(stream: &Arc<Inner>, record: NewRecord) -> Result<Place> {
    let bytes = record.data.len() + PARTITION_KEY.len();
    if bytes > RECORD_BYTES {
        let message = format!("a record of {bytes} bytes is too large: Kinesis takes {RECORD_BYTES}");
        return Err(StoreError::Permanent(message));
    }
    if record.data.is_empty() {
        return Err(StoreError::Permanent("an empty record is no batch".into()));
    }
    let (done, answer) = oneshot::channel();
    let begins = {
        let mut waiting = lock(&stream.queue.0);
        waiting.appends.push_back(Append { hash_key: Ring::position_of(record.batch), data: record.data, done });
        !std::mem::replace(&mut waiting.sending, true)
    };
    if begins {
        // A task of its own: it sends for others too, whether or not this caller waits.
        tokio::spawn(send_all(stream.clone()));
    }
    let answer = tokio::time::timeout(PATIENCE, answer).await;
    // It may come to stand in the stream all the same: then it counts once, with the repetition.
    let late = || StoreError::Transient(format!("{} did not take a record within {PATIENCE:?}", stream.name));
    answer.map_err(|_| late())?.map_err(|_| StoreError::Transient("the appends to the stream ended".into()))?
}

async fn send_all(stream: Arc<Inner>) {
    loop {
        let request = {
            let mut waiting = lock(&stream.queue.0);
            let request = next_request(&mut waiting.appends);
            waiting.sending = !request.is_empty();
            request
        };
        if request.is_empty() {
            return;
        }
        send(&stream, request).await;
    }
}

/// As many appends as one request takes.
fn next_request(appends: &mut VecDeque<Append>) -> Vec<Append> {
    let mut request = Vec::new();
    let mut bytes = 0;
    while let Some(append) = appends.front() {
        bytes += append.data.len() + PARTITION_KEY.len();
        if !request.is_empty() && (request.len() == REQUEST_RECORDS || bytes > REQUEST_BYTES) {
            break;
        }
        request.extend(appends.pop_front());
    }
    request
}

/// Sends appends until each is in the stream, or has failed as often as is tried.
async fn send(stream: &Inner, mut appends: Vec<Append>) {
    let doing = format!("appending to {}", stream.name);
    let mut last = StoreError::Transient(doing.clone());
    for attempt in 0..ATTEMPTS {
        if attempt > 0 {
            pause(Duration::from_millis(100), Duration::from_secs(1), attempt).await;
        }
        let answered =
            stream.client.put_records().stream_name(&stream.name).set_records(entries(&appends)).send().await;
        let results = match answered {
            Ok(answer) => answer.records,
            Err(error) => {
                let is_throttled = is_throttled(code_of(&error));
                last = store_error(&doing, &error);
                if !last.is_retryable() {
                    break;
                }
                if is_throttled {
                    appends.iter_mut().for_each(Append::go_to_the_next_node);
                }
                continue;
            }
        };
        let mut again = Vec::new();
        let mut results = results.into_iter();
        for mut append in appends {
            match results.next() {
                Some(result) if result.error_code().is_none() => {
                    let place = place(result.shard_id(), result.sequence_number());
                    // Who waited may be gone.
                    drop(append.done.send(place));
                }
                Some(result) => {
                    let code = result.error_code();
                    let message = format!("{doing}: {}", result.error_message().or(code).unwrap_or("no reason given"));
                    if is_throttled(code) {
                        append.go_to_the_next_node();
                        last = StoreError::Throttled(message);
                    } else {
                        last = StoreError::Transient(message);
                    }
                    again.push(append);
                }
                None => again.push(append),
            }
        }
        appends = again;
        if appends.is_empty() {
            return;
        }
    }
    for append in appends {
        drop(append.done.send(Err(last.clone())));
    }
}

impl Append {
    /// Its shard takes no more for now; another one may. Claims make a repetition elsewhere harmless.
    fn go_to_the_next_node(&mut self) {
        self.hash_key = self.hash_key.wrapping_add(NEXT_NODE);
    }
}

/// `None` when an entry cannot be built, which Kinesis then refuses.
fn entries(appends: &[Append]) -> Option<Vec<PutRecordsRequestEntry>> {
    let entry = |append: &Append| {
        let entry = PutRecordsRequestEntry::builder().data(Blob::new(append.data.to_vec()));
        entry.partition_key(PARTITION_KEY).explicit_hash_key(append.hash_key.to_string()).build().ok()
    };
    appends.iter().map(entry).collect()
}

fn place(shard: Option<&str>, number: Option<&str>) -> Result<Place> {
    match (shard, number) {
        (Some(shard), Some(number)) => Ok((ShardId(shard.to_owned()), position_of_sequence_number(number)?)),
        _ => Err(StoreError::Transient("Kinesis did not say where a record came to stand".into())),
    }
}
