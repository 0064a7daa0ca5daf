//! The stream on one machine: an append-only log on disk.
//!
//! All shards share one write-ahead log, each record tagged with its shard, so that one fdatasync
//! acknowledges whatever arrived since the last one, whichever shards it went to (group commit). A
//! writer thread does that; appends wait for it without a thread. An index in memory knows where
//! each record lies; readers use it and positioned reads, beside writing and trimming.
//!
//! # On disk
//! A directory belongs to one process at a time, which holds a lock on the file `LOCK`. The log is
//! a sequence of files `<number, 20 digits>.log`. A file gets its name only after its header is
//! durable. All integers are little endian, checksums are XXH3 of 64 bits.
//!
//! ```text
//! file   = header frame*
//! header = "TRAWLLOG" (8)  format version = 1 (4)  number of shards n (4)  number of the file (8)
//!          n × { newest position before this file (8)  trim point (8) }
//!          checksum of the above (8)
//! frame  = ┌────────┬──────┬───┬───────┬──────────┬───┬──────────┬─────────┬────────┬──────────┬──────┐
//!          │ "tRec" │ kind │ 0 │ shard │ length   │ 0 │ position │ arrived │ synced │ checksum │ data │
//!          │ 4      │ 1    │ 1 │ 2     │ 4        │ 4 │ 8        │ 8       │ 8      │ 8        │      │
//!          └────────┴──────┴───┴───────┴──────────┴───┴──────────┴─────────┴────────┴──────────┴──────┘
//! ```
//! * `kind` 1 is a record; 2 (without data) says that records of the shard up to `position` may go.
//! * `position` counts a shard's records from 1 without gaps.
//! * `arrived` is in nanoseconds since 1970.
//! * `synced` is how many bytes of the file were durable when the frame was written: where the
//!   group of frames that it was written with began.
//! * `checksum`, seeded with the number of the file, covers the frame's header before it and the data.
//!
//! # Opening
//! Every frame of every file is checked. In the newest file a bad frame is a torn tail if no valid
//! frame behind it says (`synced`) that the file was durable beyond that point: then it belongs to
//! a group whose fdatasync never returned, nobody was told of it, and it is cut off. Any other bad
//! frame, and any gap in positions that no trim point covers, is an error that names the place, and
//! nothing is changed.
//!
//! # Trimming
//! A trim point is written like a record. Once it is durable, files that hold only trimmed records
//! are deleted, the active one excepted, so that counters always have a place.

use std::collections::HashMap;
use std::fs::{File, TryLockError};
use std::future::Future;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use bytes::Bytes;
use tokio::sync::{oneshot, watch};

use super::{create_dirs, io_error, lock};
use crate::ports::{Clock, NewRecord, Position, Record, Result, ShardId, StoreError, Stream};
use crate::ring::Ring;

#[cfg(test)]
mod faults;
mod file;
mod frame;
mod index;
mod queue;
mod recovery;
#[cfg(test)]
mod tests;
mod writer;

pub use frame::MAX_RECORD_BYTES;
pub use index::Pending;

use frame::{FrameHeader, Kind};
use index::Place;
use queue::{Job, Queue};
use writer::{Shared, Writer};

/// Shards of a log unless said otherwise: each is persisted and searched by itself, so a few use
/// the cores of one machine without cutting segments small.
pub const DEFAULT_SHARDS: u16 = 4;
/// A file that reached this size is followed by a new one, in bytes.
pub const DEFAULT_FILE_BYTES: u64 = 64 * 1024 * 1024;
/// Most bytes that may wait to be written; beyond it appends are throttled.
pub const DEFAULT_QUEUE_BYTES: usize = 64 * 1024 * 1024;

/// How a log is kept.
#[derive(Clone, Debug)]
pub struct StreamOptions {
    /// Number of shards; an existing log must have as many.
    pub shards: u16,
    /// When to begin a new file, in bytes.
    pub file_bytes: u64,
    /// Most bytes that may wait to be written.
    pub queue_bytes: usize,
    #[cfg(test)]
    pub(crate) faults: faults::Faults,
}

impl Default for StreamOptions {
    fn default() -> Self {
        Self {
            shards: DEFAULT_SHARDS,
            file_bytes: DEFAULT_FILE_BYTES,
            queue_bytes: DEFAULT_QUEUE_BYTES,
            #[cfg(test)]
            faults: faults::Faults::default(),
        }
    }
}

/// The log on disk. Dropping it writes what waits and ends the writer.
#[derive(Debug)]
pub struct LocalStream {
    shared: Arc<Shared>,
    ring: Ring,
    shards: Vec<ShardId>,
    numbers: HashMap<ShardId, u16>,
    writer: Option<JoinHandle<()>>,
    /// Held until the writer has ended.
    _lock: File,
}

impl LocalStream {
    /// Opens the log in `dir`, or begins one there.
    ///
    /// # Errors
    /// `Permanent` when another process has it open, when a file is damaged or missing, when it was
    /// made with another number of shards; else what the file system says.
    pub fn open(dir: &Path, options: StreamOptions, clock: impl Clock + 'static) -> Result<Self> {
        create_dirs(dir).map_err(|error| io_error("cannot create the log directory", dir, &error))?;
        let dir_lock = lock_dir(dir)?;
        let shards: Vec<ShardId> = (0..options.shards).map(|number| ShardId(format!("shard-{number:05}"))).collect();
        let ring = Ring::new(&shards)?;
        let mut found = recovery::recover(dir, &shards, &options)?;
        let shared = Arc::new(Shared {
            queue: Queue::new(options.queue_bytes),
            index: Mutex::new(std::mem::take(&mut found.index)),
            appended: watch::Sender::new(0),
        });
        let now = move || clock.now();
        let writer = Writer::new(shared.clone(), dir.to_path_buf(), options, now, found)
            .ok_or_else(|| StoreError::Permanent("the log has no file".into()))?;
        // A thread of its own: it blocks in fdatasync for most of its life.
        #[allow(clippy::disallowed_methods)]
        let writer = std::thread::Builder::new()
            .name("trawl-log-writer".into())
            .spawn(move || writer.run())
            .map_err(|error| io_error("cannot start the writer of", dir, &error))?;
        let numbers = shards.iter().cloned().zip(0..).collect();
        Ok(Self { shared, ring, shards, numbers, writer: Some(writer), _lock: dir_lock })
    }

    /// Lets records of a shard up to `upto` go: they are persisted. Durable on return; repeating it
    /// is harmless.
    ///
    /// # Errors
    /// `Permanent` when the shard does not reach as far as `upto`.
    pub async fn trim(&self, shard: &ShardId, upto: Position) -> Result<()> {
        let number = self.number(shard)?;
        let [0, 0, upto] = upto.0 else {
            return Err(StoreError::Permanent(format!("position {upto} was not given out by this log")));
        };
        let (done, answer) = oneshot::channel();
        self.shared.queue.push(Job::Trim { shard: number, upto, done })?;
        answer.await.map_err(|_| writer_gone())?
    }

    /// What waits in a shard after a position.
    ///
    /// # Errors
    /// As [`Stream::read`].
    pub fn pending(&self, shard: &ShardId, after: Position) -> Result<Pending> {
        let number = self.number(shard)?;
        self.index(number, |index| index.pending(after))
    }

    /// Bytes of a shard's records that were not trimmed.
    ///
    /// # Errors
    /// When there is no such shard.
    pub fn retained_bytes(&self, shard: &ShardId) -> Result<u64> {
        let number = self.number(shard)?;
        Ok(self.index(number, index::ShardIndex::retained_bytes))
    }

    /// Counts appended records since the log was opened, so that a reader can wait for the next
    /// instead of asking again and again.
    pub fn appended(&self) -> watch::Receiver<u64> {
        self.shared.appended.subscribe()
    }

    fn number(&self, shard: &ShardId) -> Result<u16> {
        self.numbers.get(shard).copied().ok_or_else(|| StoreError::Permanent(format!("there is no shard {shard}")))
    }

    /// Looks something up in a shard's index.
    fn index<T>(&self, shard: u16, look_up: impl FnOnce(&index::ShardIndex) -> T) -> T {
        look_up(&lock(&self.shared.index)[usize::from(shard)]) // one index per shard there is
    }
}

impl Drop for LocalStream {
    fn drop(&mut self) {
        self.shared.queue.close();
        if let Some(writer) = self.writer.take()
            && writer.join().is_err()
        {
            tracing::error!("the log's writer panicked");
        }
    }
}

impl Stream for LocalStream {
    fn shards(&self) -> impl Future<Output = Result<Vec<ShardId>>> + Send {
        std::future::ready(Ok(self.shards.clone()))
    }

    async fn append(&self, record: NewRecord) -> Result<(ShardId, Position)> {
        let length = record.data.len();
        if length > MAX_RECORD_BYTES {
            return Err(StoreError::Permanent(format!("a record of {length} bytes is over {MAX_RECORD_BYTES} bytes")));
        }
        let shard = self.ring.shard_of(record.batch);
        let (done, answer) = oneshot::channel();
        self.shared.queue.push(Job::Append { shard: self.number(shard)?, data: record.data, done })?;
        let position = answer.await.map_err(|_| writer_gone())??;
        Ok((shard.clone(), Position::of(position)))
    }

    async fn read(&self, shard: &ShardId, after: Position, max_bytes: usize) -> Result<Vec<Record>> {
        let number = self.number(shard)?;
        let (first, places) = self.index(number, |index| index.after(after, max_bytes))?;
        let mut records = Vec::with_capacity(places.len());
        for run in places.chunk_by(Place::is_followed_by) {
            read_run(number, first + records.len() as u64, run, &mut records)?;
        }
        Ok(records)
    }

    async fn end(&self, shard: &ShardId) -> Result<Position> {
        let number = self.number(shard)?;
        Ok(Position::of(self.index(number, index::ShardIndex::end)))
    }
}

/// Reads records whose frames lie one behind the other, the first of position `first`.
fn read_run(shard: u16, first: u64, run: &[Place], records: &mut Vec<Record>) -> Result<()> {
    let Some(start) = run.first() else { return Ok(()) };
    let length = run.iter().map(Place::frame_bytes).sum();
    let bytes = start.file.read_at(start.offset, length);
    let mut rest = Bytes::from(bytes.map_err(|error| io_error("cannot read", &start.file.path, &error))?);
    for (position, place) in (first..).zip(run) {
        let mut frame_bytes = rest.split_to(place.frame_bytes());
        let frame = FrameHeader::decode(&frame_bytes, place.file.number);
        let right =
            |frame: &FrameHeader| frame.kind == Kind::Record && frame.shard == shard && frame.position == position;
        if !frame.is_ok_and(|(frame, _)| right(&frame)) {
            let (path, offset) = (place.file.path.display(), place.offset);
            return Err(StoreError::Permanent(format!(
                "{path}: damaged at offset {offset}: not the record that was written"
            )));
        }
        let data = frame_bytes.split_off(frame::FRAME_HEADER_BYTES);
        records.push(Record { position: Position::of(position), arrived: place.arrived, data });
    }
    Ok(())
}

/// Takes the directory for this process; the operating system gives it back however the process ends.
fn lock_dir(dir: &Path) -> Result<File> {
    let path = dir.join("LOCK");
    let file = File::options().create(true).write(true).truncate(false).open(&path);
    let file = file.map_err(|error| io_error("cannot open", &path, &error))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => {
            let dir = dir.display();
            Err(StoreError::Permanent(format!("the log in {dir} is in use by another process")))
        }
        Err(TryLockError::Error(error)) => Err(io_error("cannot lock", &path, &error)),
    }
}

fn writer_gone() -> StoreError {
    StoreError::Permanent("the log's writer has ended".into())
}
