//! Where each record lies, in memory: positions of a shard are dense, so this is a queue of places.

use std::collections::VecDeque;
use std::sync::Arc;

use trawl_event::Timestamp;

use super::file::LogFile;
use super::frame::FRAME_HEADER_BYTES;
use crate::ports::{Position, Result, StoreError};

/// The place of one record.
#[derive(Clone, Debug)]
pub struct Place {
    /// The file.
    pub file: Arc<LogFile>,
    /// Where its frame begins.
    pub offset: u64,
    /// Length of its data.
    pub data_bytes: usize,
    /// When the log took it.
    pub arrived: Timestamp,
}

impl Place {
    /// Bytes of the whole frame.
    pub fn frame_bytes(&self) -> usize {
        FRAME_HEADER_BYTES + self.data_bytes
    }

    /// Whether `next` is the frame right behind this one.
    pub fn is_followed_by(&self, next: &Place) -> bool {
        Arc::ptr_eq(&self.file, &next.file) && self.offset + self.frame_bytes() as u64 == next.offset
    }
}

/// What waits in a shard after some position.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pending {
    /// How many records.
    pub records: u64,
    /// Bytes of their data.
    pub bytes: u64,
    /// When the log took the oldest of them.
    pub oldest_arrival: Option<Timestamp>,
}

/// The records of one shard that are there.
#[derive(Debug, Default)]
pub struct ShardIndex {
    /// Records at or before this position are gone; the first place is the next position's.
    trimmed: u64,
    /// Each place, with the bytes of all data before it.
    places: VecDeque<(Place, u64)>,
    /// Bytes of all data ever added.
    bytes_added: u64,
}

impl ShardIndex {
    /// An empty index of a shard that was trimmed up to a position.
    pub fn starting_after(trimmed: u64) -> Self {
        Self { trimmed, ..Self::default() }
    }

    /// The newest position.
    pub fn end(&self) -> u64 {
        self.trimmed + self.places.len() as u64
    }

    /// Adds the record of the next position.
    pub fn push(&mut self, place: Place) {
        let bytes_before = self.bytes_added;
        self.bytes_added += place.data_bytes as u64;
        self.places.push_back((place, bytes_before));
    }

    /// Forgets records at or before `upto`, which is at most the end.
    pub fn trim(&mut self, upto: u64) {
        debug_assert!(upto <= self.end());
        let gone = upto.saturating_sub(self.trimmed);
        self.places.drain(..self.places.len().min(gone as usize));
        self.trimmed += gone;
        if self.places.len() < self.places.capacity() / 4 {
            self.places.shrink_to(self.places.len() * 2);
        }
    }

    /// How many places lie at or before `after`; an error where the record behind it is gone or
    /// the position was never given out.
    fn skipped(&self, after: Position) -> Result<usize> {
        let [0, 0, number] = after.0 else {
            return Err(StoreError::Permanent(format!("position {after} was not given out by this log")));
        };
        if number < self.trimmed {
            let trimmed = Position::of(self.trimmed);
            return Err(StoreError::Permanent(format!(
                "records after position {after} are gone: trimmed up to {trimmed}"
            )));
        }
        if number > self.end() {
            // A checkpoint beyond the end belongs to another log, or this one lost its files. An
            // empty answer would let new records below that checkpoint count as persisted.
            let end = Position::of(self.end());
            return Err(StoreError::Permanent(format!(
                "position {after} is beyond the end of the shard, {end}: the log does not belong to it"
            )));
        }
        Ok((number - self.trimmed) as usize)
    }

    /// The places after a position, in order, whose data fits `max_bytes`, but at least one; and
    /// the position of the first.
    pub fn after(&self, after: Position, max_bytes: usize) -> Result<(u64, Vec<Place>)> {
        let skipped = self.skipped(after)?;
        let mut bytes = 0;
        let mut found = Vec::new();
        for (place, _) in self.places.range(skipped..) {
            bytes += place.data_bytes;
            if bytes > max_bytes && !found.is_empty() {
                break;
            }
            found.push(place.clone());
        }
        Ok((self.trimmed + skipped as u64 + 1, found))
    }

    /// Bytes of all data that is there.
    pub fn retained_bytes(&self) -> u64 {
        self.places.front().map_or(0, |(_, bytes_before)| self.bytes_added - bytes_before)
    }

    /// What waits after a position.
    pub fn pending(&self, after: Position) -> Result<Pending> {
        let skipped = self.skipped(after)?;
        let Some((oldest, bytes_before)) = self.places.get(skipped) else { return Ok(Pending::default()) };
        Ok(Pending {
            records: (self.places.len() - skipped) as u64,
            bytes: self.bytes_added - bytes_before,
            oldest_arrival: Some(oldest.arrived),
        })
    }
}
