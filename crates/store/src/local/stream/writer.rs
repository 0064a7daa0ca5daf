//! The thread that writes the log: takes everything that waits, writes it in one piece, makes it
//! durable with one fdatasync and answers everyone.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use tokio::sync::{oneshot, watch};
use trawl_event::Timestamp;

use super::super::{io_error, lock};
use super::StreamOptions;
use super::file::LogFile;
use super::frame::{Counters, FileHeader, FrameHeader, Kind, file_header_bytes};
use super::index::{Place, ShardIndex};
use super::queue::{Job, Queue};
use super::recovery::{Recovered, TrackedFile, create};
use crate::ports::{Position, Result, StoreError};

/// Frames are gathered up to this many bytes for one write; data at least this long is written
/// from where it is.
const GATHER_BYTES: usize = 256 * 1024;

/// What the writer shares with readers and appenders.
#[derive(Debug)]
pub struct Shared {
    /// Jobs for the writer.
    pub queue: Queue,
    /// Where each shard's records are: only what is durable. Never held during I/O.
    pub index: Mutex<Vec<ShardIndex>>,
    /// How many records were appended since the log was opened.
    pub appended: watch::Sender<u64>,
}

/// The writer's own state.
pub struct Writer<N> {
    shared: Arc<Shared>,
    dir: PathBuf,
    options: StreamOptions,
    now: N,
    files: VecDeque<TrackedFile>,
    /// The last of `files`.
    active: Arc<LogFile>,
    active_bytes: u64,
    counters: Vec<Counters>,
}

/// A group of frames on its way to the disk.
struct Group {
    offset: u64,
    gathered: Vec<u8>,
    counters: Vec<Counters>,
    places: Vec<(u16, Place)>,
    answers: Vec<Answer>,
}

/// What to tell whom once the group is durable.
enum Answer {
    Appended(oneshot::Sender<Result<u64>>, u64),
    Trimmed(oneshot::Sender<Result<()>>),
}

impl Answer {
    /// Tells it; who waited may be gone, which is fine.
    fn send(self, outcome: Result<()>) {
        match self {
            Self::Appended(done, position) => drop(done.send(outcome.map(|()| position))),
            Self::Trimmed(done) => drop(done.send(outcome)),
        }
    }
}

impl<N: Fn() -> Timestamp> Writer<N> {
    /// A writer that goes on where the log ends.
    pub fn new(shared: Arc<Shared>, dir: PathBuf, options: StreamOptions, now: N, found: Recovered) -> Option<Self> {
        let active = found.files.back()?.file.clone();
        let Recovered { files, active_bytes, counters, .. } = found;
        let mut writer = Self { shared, dir, options, now, files, active, active_bytes, counters };
        writer.delete_trimmed_files();
        Some(writer)
    }

    /// Works until the queue is closed.
    pub fn run(mut self) {
        let _guard = FailOnExit(self.shared.clone());
        while let Some(jobs) = self.shared.queue.take() {
            let bytes = jobs.iter().map(Job::bytes).sum();
            self.write(jobs);
            self.shared.queue.release(bytes);
        }
    }

    /// Writes a group of jobs and answers them.
    fn write(&mut self, jobs: VecDeque<Job>) {
        if let Some(error) = self.shared.queue.failure().or_else(|| self.rotate_if_full().err()) {
            jobs.into_iter().for_each(|job| job.fail(error.clone()));
            return;
        }
        let mut group = Group {
            offset: self.active_bytes,
            gathered: Vec::new(),
            counters: self.counters.clone(),
            places: Vec::new(),
            answers: Vec::with_capacity(jobs.len()),
        };
        let arrived = (self.now)();
        let mut written = Ok(());
        for job in jobs {
            match &written {
                Ok(()) => written = self.add(&mut group, job, arrived),
                Err(error) => job.fail(StoreError::clone(error)),
            }
        }
        let outcome = written.and_then(|()| self.make_durable(&mut group));
        if outcome.is_ok() {
            self.publish(&mut group);
        }
        for answer in group.answers {
            answer.send(outcome.clone());
        }
    }

    /// Adds one job's frame to the group.
    fn add(&mut self, group: &mut Group, job: Job, arrived: Timestamp) -> Result<()> {
        match job {
            Job::Append { shard, data, done } => {
                let counters = &mut group.counters[usize::from(shard)]; // checked when the job was made
                counters.last += 1;
                let position = counters.last;
                let offset = group.offset + group.gathered.len() as u64;
                let place = Place { file: self.active.clone(), offset, data_bytes: data.len(), arrived };
                group.places.push((shard, place));
                group.answers.push(Answer::Appended(done, position));
                self.add_frame(group, Kind::Record, shard, position, arrived, &data)
            }
            Job::Trim { shard, upto, done } => {
                let counters = &mut group.counters[usize::from(shard)];
                if upto > counters.last {
                    let (upto, end) = (Position::of(upto), Position::of(counters.last));
                    let error = StoreError::Permanent(format!("cannot trim to {upto}: the shard ends at {end}"));
                    drop(done.send(Err(error)));
                    return Ok(());
                }
                let news = upto > counters.trimmed;
                counters.trimmed = counters.trimmed.max(upto);
                group.answers.push(Answer::Trimmed(done));
                if news { self.add_frame(group, Kind::Trim, shard, upto, arrived, &Bytes::new()) } else { Ok(()) }
            }
        }
    }

    fn add_frame(
        &mut self,
        group: &mut Group,
        kind: Kind,
        shard: u16,
        position: u64,
        arrived: Timestamp,
        data: &Bytes,
    ) -> Result<()> {
        let header = FrameHeader { kind, shard, position, arrived, synced: self.active_bytes };
        group.gathered.extend_from_slice(&header.encode(self.active.number, data));
        if data.len() < GATHER_BYTES {
            group.gathered.extend_from_slice(data);
        }
        if group.gathered.len() >= GATHER_BYTES || data.len() >= GATHER_BYTES {
            self.flush(group)?;
        }
        if data.len() >= GATHER_BYTES {
            self.write_bytes(group.offset, data)?;
            group.offset += data.len() as u64;
        }
        Ok(())
    }

    fn flush(&mut self, group: &mut Group) -> Result<()> {
        self.write_bytes(group.offset, &group.gathered)?;
        group.offset += group.gathered.len() as u64;
        group.gathered.clear();
        Ok(())
    }

    /// Writes, or cuts the file back to what is known to be durable: the disk may be full and have
    /// room again later. What was cut must be gone for good before the log goes on, else a crash
    /// could bring it back behind records of the same positions.
    fn write_bytes(&self, offset: u64, bytes: &[u8]) -> Result<()> {
        let Err(error) = self.active.write_at(bytes, offset) else { return Ok(()) };
        if let Err(cut_error) = self.active.truncate(self.active_bytes) {
            self.fail("cannot undo a failed write", &cut_error);
        }
        Err(io_error("cannot write to", &self.active.path, &error))
    }

    /// Writes the rest of the group and syncs.
    fn make_durable(&mut self, group: &mut Group) -> Result<()> {
        self.flush(group)?;
        if group.offset == self.active_bytes {
            return Ok(());
        }
        // After a failed fsync the kernel may have dropped the pages it could not write and marked
        // them clean, so that the next fsync succeeds over lost data (PostgreSQL's "fsyncgate",
        // https://wiki.postgresql.org/wiki/Fsync_Errors). Trying again would acknowledge what is
        // not there: the log ends here, until it is opened anew and reads what the disk holds.
        self.active.sync().map_err(|error| {
            self.fail("cannot sync", &error);
            io_error("cannot sync", &self.active.path, &error)
        })
    }

    /// Takes nothing any more.
    fn fail(&self, doing: &str, error: &std::io::Error) {
        let path = self.active.path.display();
        tracing::error!(%path, %error, "the log failed and takes no more records: {doing}");
        let text = format!("the log failed and must be opened anew: {doing} {path}: {error}");
        self.shared.queue.fail(StoreError::Permanent(text));
    }

    /// Lets readers see a durable group.
    fn publish(&mut self, group: &mut Group) {
        self.active_bytes = group.offset;
        let trimmed = group.counters.iter().zip(&self.counters).any(|(new, old)| new.trimmed > old.trimmed);
        self.counters = std::mem::take(&mut group.counters);
        let appended = group.places.len() as u64;
        {
            let mut index = lock(&self.shared.index);
            for (shard, place) in group.places.drain(..) {
                let shard = usize::from(shard); // checked when the job was made
                index[shard].push(place);
                if let Some(active) = self.files.back_mut() {
                    active.newest[shard] = index[shard].end();
                }
            }
            for (shard, counters) in index.iter_mut().zip(&self.counters) {
                shard.trim(counters.trimmed);
            }
        }
        if trimmed {
            self.delete_trimmed_files();
        }
        if appended > 0 {
            self.shared.appended.send_modify(|count| *count += appended);
        }
    }

    /// Begins a new file when the active one is long enough.
    fn rotate_if_full(&mut self) -> Result<()> {
        let empty_bytes = file_header_bytes(self.counters.len()) as u64;
        if self.active_bytes < self.options.file_bytes || self.active_bytes == empty_bytes {
            return Ok(());
        }
        let header = FileHeader { number: self.active.number + 1, shards: self.counters.clone() };
        let file = create(&self.dir, &header, &self.options)
            .map_err(|error| io_error("cannot create a log file in", &self.dir, &error))?;
        file.install().map_err(|error| {
            // The file may have its name or not; going on in the old one could contradict it.
            self.fail("cannot install", &error);
            io_error("cannot install", &file.path, &error)
        })?;
        self.active = Arc::new(file);
        self.active_bytes = empty_bytes;
        self.files.push_back(TrackedFile { file: self.active.clone(), newest: vec![0; self.counters.len()] });
        self.delete_trimmed_files();
        Ok(())
    }

    /// Deletes each file, but the active one, of which no shard needs a record. Trim points are
    /// durable before, so recovery knows that what is missing was meant to go.
    fn delete_trimmed_files(&mut self) {
        let counters = &self.counters;
        let active = &self.active;
        self.files.retain(|tracked| {
            let needed = tracked.newest.iter().zip(counters).any(|(newest, counters)| *newest > counters.trimmed);
            if needed || Arc::ptr_eq(&tracked.file, active) {
                return true;
            }
            let path = tracked.file.path.display();
            match std::fs::remove_file(&tracked.file.path) {
                Ok(()) => false,
                Err(error) => {
                    tracing::warn!(%path, %error, "cannot delete a trimmed log file; will try again");
                    true
                }
            }
        });
    }
}

/// Refuses all further jobs when the writer ends, however it ends: nobody may wait for ever.
struct FailOnExit(Arc<Shared>);

impl Drop for FailOnExit {
    fn drop(&mut self) {
        let error = StoreError::Permanent("the log's writer has ended".into());
        self.0.queue.fail(error.clone());
        self.0.queue.close();
        for job in self.0.queue.take().unwrap_or_default() {
            job.fail(error.clone());
        }
    }
}
