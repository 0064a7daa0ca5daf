//! Batches over several connections at a time, in bounded memory.
//!
//! One thread makes batches, `connections` threads compress and send them. Between them stands a queue of
//! as many batches, so at most about twice that many are in memory. A batch that fails for good stops
//! everything: what was not sent stays unsent, and sending all of it again is safe, because batches keep
//! their idempotency keys.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use trawl_client::{Client, Encoding, Error, PushAnswer};

/// How hard batches are compressed before they are sent. Level 1 takes a sixth to a tenth of most logs' bytes
/// at several hundred MB/s; higher levels cost more time than they save on any usual network.
const ZSTD_LEVEL: i32 = 1;

/// NDJSON to send as one request.
#[derive(Debug)]
pub struct Batch {
    /// One event per line.
    pub body: Vec<u8>,
    /// For each event, the number of its line in the source, from 1.
    pub lines: Vec<u64>,
    /// What the events were read from, as it is shown to people.
    pub source: Arc<str>,
    /// What makes this batch the same batch when it is sent again.
    pub idempotency_key: String,
}

impl Batch {
    /// How many events it holds.
    pub fn events(&self) -> u64 {
        self.lines.len() as u64
    }
}

/// What has been sent so far; read it at any time.
#[derive(Debug, Default)]
pub struct Tally {
    /// Events that the server took.
    pub accepted: AtomicU64,
    /// Events that the server refused.
    pub refused: AtomicU64,
    /// Bytes of answered batches before compression.
    pub raw_bytes: AtomicU64,
    /// Bytes of answered batches on the wire.
    pub wire_bytes: AtomicU64,
}

/// Where a thread puts its batches.
#[derive(Debug)]
pub struct Queue<'a> {
    sender: SyncSender<Batch>,
    stopped: &'a AtomicBool,
}

/// The queue takes no more: a batch failed for good.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("sending has stopped")]
pub struct Stopped;

impl Queue<'_> {
    /// Hands a batch over; blocks while the queue is full.
    pub fn put(&self, batch: Batch) -> Result<(), Stopped> {
        if self.stopped.load(Ordering::Relaxed) {
            return Err(Stopped);
        }
        self.sender.send(batch).map_err(|_| Stopped)
    }
}

/// A batch that failed for good.
#[derive(Debug)]
pub struct Failure {
    /// Where its events came from.
    pub source: Arc<str>,
    /// The line of its first event.
    pub first_line: u64,
    /// Why.
    pub error: anyhow::Error,
}

/// How the server answered a batch: what it took, or that the batch as a whole is not acceptable.
pub type Answer = Result<PushAnswer, trawl_client::ApiError>;

/// Runs `produce` on this thread and sends what it puts into the queue. `on_answer` sees every answered
/// batch, from any thread.
pub fn send_all<T>(
    client: &Client,
    connections: usize,
    tally: &Tally,
    on_answer: impl Fn(&Batch, &Answer) + Sync,
    produce: impl FnOnce(&Queue<'_>) -> T,
) -> (T, Option<Failure>) {
    let connections = connections.max(1);
    let (sender, receiver) = sync_channel(connections);
    let receiver = Mutex::new(receiver);
    let stopped = AtomicBool::new(false);
    let failure = Mutex::new(None);
    let produced = thread::scope(|scope| {
        for _ in 0..connections {
            scope.spawn(|| {
                while let Some(batch) = next(&receiver) {
                    if stopped.load(Ordering::Relaxed) {
                        // Emptied, so that `put` does not block for ever.
                        continue;
                    }
                    if let Err(error) = send(client, &batch, tally, &on_answer) {
                        stopped.store(true, Ordering::Relaxed);
                        let first_line = batch.lines.first().copied().unwrap_or_default();
                        let mut slot = failure.lock().unwrap_or_else(PoisonError::into_inner);
                        slot.get_or_insert(Failure { source: batch.source, first_line, error });
                    }
                }
            });
        }
        // The queue ends with this block, and with it the threads.
        let queue = Queue { sender, stopped: &stopped };
        produce(&queue)
    });
    (produced, failure.into_inner().unwrap_or_else(PoisonError::into_inner))
}

fn next(receiver: &Mutex<Receiver<Batch>>) -> Option<Batch> {
    receiver.lock().unwrap_or_else(PoisonError::into_inner).recv().ok()
}

fn send(
    client: &Client,
    batch: &Batch,
    tally: &Tally,
    on_answer: &(impl Fn(&Batch, &Answer) + Sync),
) -> anyhow::Result<()> {
    let compressed = zstd::bulk::compress(&batch.body, ZSTD_LEVEL)?;
    let answer = match client.push(&compressed, Encoding::Zstd, Some(&batch.idempotency_key)) {
        Ok(answer) => Ok(answer),
        // These say that the batch is bad, not that the server or the way to it is: others may go through.
        Err(Error::Api(error)) if matches!(error.status, 400 | 413 | 422) => Err(error),
        Err(error) => return Err(error.into()),
    };
    let accepted = answer.as_ref().map_or(0, |answer| answer.accepted.min(batch.events()));
    tally.accepted.fetch_add(accepted, Ordering::Relaxed);
    tally.refused.fetch_add(batch.events() - accepted, Ordering::Relaxed);
    tally.raw_bytes.fetch_add(batch.body.len() as u64, Ordering::Relaxed);
    tally.wire_bytes.fetch_add(compressed.len() as u64, Ordering::Relaxed);
    on_answer(batch, &answer);
    Ok(())
}
