//! When the tail is persisted: a thread per shard waits until enough has come in, or it has waited long enough.

use std::collections::VecDeque;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::Context;
use tokio::sync::{mpsc, oneshot, watch};
use trawl_event::Timestamp;
use trawl_event::batch;
use trawl_store::local::catalog::LocalCatalog;
use trawl_store::local::stream::LocalStream;
use trawl_store::ports::{Catalog, Clock, Position, Record, ShardId, Stream};

use super::node::{LocalPersister, Settings};
use trawl_store::local::System;

/// How long records stay in the stream after they were persisted, for searches whose plan still
/// counts them to the tail: these can go on past their limit for 15 minutes.
const TRIM_GRACE: Duration = Duration::from_secs(20 * 60);
/// How long they stay when a shard holds more than [`MANY_BYTES`]: far longer than a tail task waits for its turn.
const SHORT_GRACE: Duration = Duration::from_secs(60);
/// Bytes of a shard that are many: 5 to 10 GB of events.
const MANY_BYTES: u64 = 512 * 1024 * 1024;
/// The pause after a failed run.
const RETRY_PAUSE: Duration = Duration::from_secs(1);
/// How well events compress in the stream before anything is known: raw bytes per byte.
const FIRST_RATIO: f64 = 8.0;
/// Most bytes of records read for one run.
const MAX_READ_BYTES: u64 = 64 * 1024 * 1024;

/// Asks the threads to persist at once.
pub struct Flusher(Vec<mpsc::UnboundedSender<oneshot::Sender<anyhow::Result<u64>>>>);

impl Flusher {
    /// Persists everything acknowledged before this call; gives the number of events.
    pub async fn flush(&self) -> anyhow::Result<u64> {
        let mut answers = Vec::new();
        for shard in &self.0 {
            let (done, answer) = oneshot::channel();
            shard.send(done).ok().context("the server is stopping")?;
            answers.push(answer);
        }
        let mut events = 0;
        for answer in answers {
            events += answer.await.context("the server is stopping")??;
        }
        Ok(events)
    }
}

/// Starts a thread for each shard.
pub fn start(
    stream: &Arc<LocalStream>,
    catalog: &Arc<LocalCatalog>,
    shards: &[ShardId],
    persister: impl Fn() -> LocalPersister,
    settings: &Settings,
    stopped: &watch::Receiver<bool>,
    threads: &mut Vec<JoinHandle<()>>,
) -> anyhow::Result<Flusher> {
    let mut requests = Vec::new();
    for shard in shards {
        let (request, requested) = mpsc::unbounded_channel();
        requests.push(request);
        let driver = Driver {
            stream: stream.clone(),
            catalog: catalog.clone(),
            persister: persister(),
            shard: shard.clone(),
            flush_age: settings.flush_age,
            flush_bytes: settings.flush_bytes,
            ratio: FIRST_RATIO,
            persisted: VecDeque::new(),
        };
        let stopped = stopped.clone();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
        // A thread of its own: writing segments keeps a core busy for a second at a time.
        #[allow(clippy::disallowed_methods)]
        let thread = std::thread::Builder::new()
            .name(format!("trawl-flush-{shard}"))
            .spawn(move || runtime.block_on(driver.run(requested, stopped)))?;
        threads.push(thread);
    }
    Ok(Flusher(requests))
}

struct Driver {
    stream: Arc<LocalStream>,
    catalog: Arc<LocalCatalog>,
    persister: LocalPersister,
    shard: ShardId,
    flush_age: Duration,
    flush_bytes: u64,
    /// Raw bytes per stream byte, as last seen.
    ratio: f64,
    /// Checkpoints and when they were reached, until the stream is trimmed to them.
    persisted: VecDeque<(Timestamp, Position)>,
}

impl Driver {
    async fn run(
        mut self,
        mut requested: mpsc::UnboundedReceiver<oneshot::Sender<anyhow::Result<u64>>>,
        mut stopped: watch::Receiver<bool>,
    ) {
        let mut appended = self.stream.appended();
        // What an earlier process persisted is let go in its time, too.
        if let Ok(checkpoint) = self.catalog.checkpoint(&self.shard).await {
            self.persisted.push_back((System.now(), checkpoint));
        }
        loop {
            if *stopped.borrow() {
                return;
            }
            let pause = match self.step().await {
                Ok(pause) => pause,
                Err(error) => {
                    tracing::error!(shard = %self.shard, "cannot persist, trying again: {error:#}");
                    RETRY_PAUSE
                }
            };
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                _ = appended.changed(), if pause > Duration::ZERO => {}
                _ = stopped.changed() => {}
                Some(done) = requested.recv() => {
                    // Who asked may have gone away.
                    let _ = done.send(self.flush_all().await);
                }
            }
        }
    }

    /// Persists if it is time; gives how long it is until it may be time again.
    async fn step(&mut self) -> anyhow::Result<Duration> {
        self.trim().await?;
        let checkpoint = self.catalog.checkpoint(&self.shard).await?;
        let pending = self.stream.pending(&self.shard, checkpoint)?;
        let Some(oldest) = pending.oldest_arrival else { return Ok(SHORT_GRACE) };
        let age = Duration::from_nanos((System.now().0 - oldest.0).max(0) as u64);
        if pending.bytes as f64 * self.ratio < self.flush_bytes as f64 && age < self.flush_age {
            return Ok(self.flush_age - age);
        }
        self.persist(checkpoint).await?;
        Ok(Duration::ZERO)
    }

    async fn flush_all(&mut self) -> anyhow::Result<u64> {
        let end = self.stream.end(&self.shard).await?;
        let mut events = 0;
        loop {
            let checkpoint = self.catalog.checkpoint(&self.shard).await?;
            if checkpoint >= end {
                return Ok(events);
            }
            events += self.persist(checkpoint).await?;
        }
    }

    /// Persists the records after the checkpoint, about as many as one segment should hold.
    async fn persist(&mut self, checkpoint: Position) -> anyhow::Result<u64> {
        let read_bytes = (self.flush_bytes as f64 / self.ratio).clamp(1.0, MAX_READ_BYTES as f64);
        let mut records = self.stream.read(&self.shard, checkpoint, read_bytes as usize).await?;
        let (kept, raw_bytes) = within(&records, self.flush_bytes);
        records.truncate(kept);
        let stream_bytes: usize = records.iter().map(|record| record.data.len()).sum();
        if stream_bytes > 0 && raw_bytes > 0 {
            self.ratio = raw_bytes as f64 / stream_bytes as f64;
        }
        let persisted = self.persister.persist(&self.shard, &records).await?;
        self.persisted.push_back((System.now(), persisted.checkpoint));
        Ok(persisted.events)
    }

    /// Lets go of records that were persisted long enough ago.
    async fn trim(&mut self) -> anyhow::Result<()> {
        let is_full = self.stream.retained_bytes(&self.shard)? > MANY_BYTES;
        let grace_ns = if is_full { SHORT_GRACE } else { TRIM_GRACE }.as_nanos() as i64;
        let now = System.now();
        let mut upto = None;
        while let Some((at, checkpoint)) = self.persisted.front() {
            if at.plus_ns(grace_ns) > now {
                break;
            }
            upto = Some(*checkpoint);
            self.persisted.pop_front();
        }
        match upto {
            Some(upto) => Ok(self.stream.trim(&self.shard, upto).await?),
            None => Ok(()),
        }
    }
}

/// How many records, at least one, hold at most `limit` raw bytes; and how many bytes these are.
fn within(records: &[Record], limit: u64) -> (usize, u64) {
    let mut total = 0;
    for (index, record) in records.iter().enumerate() {
        let (batches, _) = batch::read_all(&record.data);
        let raw_bytes: u64 = batches.iter().map(|batch| batch.header.raw_bytes).sum();
        if index > 0 && total + raw_bytes > limit {
            return (index, total);
        }
        total += raw_bytes;
    }
    (records.len(), total)
}
