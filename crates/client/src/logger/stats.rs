//! What became of the events.

use std::sync::atomic::{AtomicU64, Ordering};

/// What became of the events so far.
///
/// At any quiet moment `accepted + recovered = sent + rejected + dropped + waiting`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Stats {
    /// Events that a call took, saying `Ok`.
    pub accepted: u64,
    /// Events that an earlier process left in the spool.
    pub recovered: u64,
    /// Events that the server has taken.
    pub sent: u64,
    /// Events that the server refused, alone or with their batch.
    pub rejected: u64,
    /// Events that were accepted and given up: the queue was full, the time to shut down was over, or the spool
    /// could not be read.
    pub dropped: u64,
    /// Events that no call took, saying `Err`: the queue was full or closed, the event too large, the spool could not
    /// be written.
    pub refused: u64,
    /// Events that are accepted and not settled.
    pub waiting: u64,
    /// Bytes of these in memory.
    pub queued_bytes: u64,
    /// Bytes of these in the spool.
    pub spooled_bytes: u64,
    /// Batches that the server has answered.
    pub batches: u64,
    /// Requests that repeated an earlier one.
    pub retries: u64,
    /// Batches that went out again more than an hour after an attempt whose outcome is not known. By then the server
    /// has forgotten their keys, so their events may be there twice.
    pub late: u64,
}

/// [`Stats`] while they are counted.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub accepted: Counter,
    pub recovered: Counter,
    pub sent: Counter,
    pub rejected: Counter,
    pub dropped: Counter,
    pub refused: Counter,
    pub batches: Counter,
    pub retries: Counter,
    pub late: Counter,
}

/// A number that grows.
#[derive(Debug, Default)]
pub(crate) struct Counter(AtomicU64);

impl Counter {
    pub(crate) fn add(&self, more: u64) {
        self.0.fetch_add(more, Ordering::Relaxed);
    }

    pub(crate) fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}
