//! What waits for the writer thread: bounded in bytes, taken in one go.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, PoisonError};

use bytes::Bytes;
use tokio::sync::oneshot;

use super::super::lock;
use super::frame::FRAME_HEADER_BYTES;
use crate::ports::{Result, StoreError};

/// Something for the writer to do.
#[derive(Debug)]
pub enum Job {
    /// Append a record; answers with its position.
    Append {
        /// The number of the shard.
        shard: u16,
        /// The record.
        data: Bytes,
        /// Who waits.
        done: oneshot::Sender<Result<u64>>,
    },
    /// Trim a shard.
    Trim {
        /// The number of the shard.
        shard: u16,
        /// The last position to go.
        upto: u64,
        /// Who waits.
        done: oneshot::Sender<Result<()>>,
    },
}

impl Job {
    /// What it takes up of the queue.
    pub fn bytes(&self) -> usize {
        match self {
            Self::Append { data, .. } => FRAME_HEADER_BYTES + data.len(),
            Self::Trim { .. } => 0,
        }
    }

    /// Tells who waits that it failed. That one may be gone, which is fine.
    pub fn fail(self, error: StoreError) {
        match self {
            Self::Append { done, .. } => drop(done.send(Err(error))),
            Self::Trim { done, .. } => drop(done.send(Err(error))),
        }
    }
}

/// The queue.
#[derive(Debug)]
pub struct Queue {
    limit_bytes: usize,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    jobs: VecDeque<Job>,
    /// Bytes of jobs that wait or are being written.
    bytes: usize,
    /// No job is taken any more; those that wait are still done.
    closed: bool,
    /// Why the log takes nothing any more.
    failed: Option<StoreError>,
}

impl Queue {
    /// An empty queue for so many bytes.
    pub fn new(limit_bytes: usize) -> Self {
        Self { limit_bytes, state: Mutex::default(), changed: Condvar::new() }
    }

    /// Adds a job; `Throttled` when there is no room. An empty queue has room for any job.
    pub fn push(&self, job: Job) -> Result<()> {
        let mut state = lock(&self.state);
        if let Some(error) = &state.failed {
            return Err(error.clone());
        }
        let bytes = state.bytes + job.bytes();
        if bytes > self.limit_bytes && state.bytes > 0 {
            let waiting = state.bytes;
            return Err(StoreError::Throttled(format!("{waiting} bytes wait to be written to the log")));
        }
        state.bytes = bytes;
        state.jobs.push_back(job);
        self.changed.notify_one();
        Ok(())
    }

    /// Waits for jobs and takes all there are; `None` once the queue is closed and empty.
    pub fn take(&self) -> Option<VecDeque<Job>> {
        let state = lock(&self.state);
        let idle = |state: &mut State| state.jobs.is_empty() && !state.closed;
        let mut state = self.changed.wait_while(state, idle).unwrap_or_else(PoisonError::into_inner);
        (!state.jobs.is_empty()).then(|| std::mem::take(&mut state.jobs))
    }

    /// Gives back the room of jobs that were taken.
    pub fn release(&self, bytes: usize) {
        lock(&self.state).bytes -= bytes;
    }

    /// From now on every job is refused with this error.
    pub fn fail(&self, error: StoreError) {
        lock(&self.state).failed.get_or_insert(error);
    }

    /// Why jobs are refused, if they are.
    pub fn failure(&self) -> Option<StoreError> {
        lock(&self.state).failed.clone()
    }

    /// Lets the writer end once it has done what waits.
    pub fn close(&self) {
        lock(&self.state).closed = true;
        self.changed.notify_all();
    }
}
