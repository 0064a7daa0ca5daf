//! What was asked of an object store.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::prices::{USD_PER_GET, USD_PER_PUT};

/// Requests by kind, their bytes and their time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// GETs: one for each range.
    pub gets: u64,
    /// Bytes that they brought.
    pub get_bytes: u64,
    /// PUTs, conditional ones too.
    pub puts: u64,
    /// Bytes that they carried.
    pub put_bytes: u64,
    /// LISTs: one for each thousand keys.
    pub lists: u64,
    /// Requests to delete.
    pub deletes: u64,
    /// Calls of the port, whose requests went out together. A caller that makes one call after the other waits this often
    /// for a first byte, if no call has more ranges than there are connections.
    pub round_trips: u64,
    /// The time of all calls, one after the other. Calls that ran side by side took less.
    pub time: Duration,
}

impl Usage {
    /// Requests of every kind.
    pub fn requests(&self) -> u64 {
        self.gets + self.puts + self.lists + self.deletes
    }

    /// What the requests cost, in US dollars.
    pub fn usd(&self) -> f64 {
        self.gets as f64 * USD_PER_GET + (self.puts + self.lists) as f64 * USD_PER_PUT
    }

    /// What came after `earlier`, a usage of the same store.
    #[must_use]
    pub fn since(&self, earlier: &Self) -> Self {
        Self {
            gets: self.gets.saturating_sub(earlier.gets),
            get_bytes: self.get_bytes.saturating_sub(earlier.get_bytes),
            puts: self.puts.saturating_sub(earlier.puts),
            put_bytes: self.put_bytes.saturating_sub(earlier.put_bytes),
            lists: self.lists.saturating_sub(earlier.lists),
            deletes: self.deletes.saturating_sub(earlier.deletes),
            round_trips: self.round_trips.saturating_sub(earlier.round_trips),
            time: self.time.saturating_sub(earlier.time),
        }
    }
}

/// Counters that any number of callers add to. Each is right by itself; a reading beside running calls may have
/// counted some of a call and not the rest.
#[derive(Debug, Default)]
pub(super) struct Meter {
    pub(super) gets: AtomicU64,
    pub(super) get_bytes: AtomicU64,
    pub(super) puts: AtomicU64,
    pub(super) put_bytes: AtomicU64,
    pub(super) lists: AtomicU64,
    pub(super) deletes: AtomicU64,
    pub(super) round_trips: AtomicU64,
    pub(super) time_ns: AtomicU64,
}

/// Adds to a counter.
pub(super) fn add(counter: &AtomicU64, number: u64) {
    counter.fetch_add(number, Ordering::Relaxed);
}

impl Meter {
    pub(super) fn usage(&self) -> Usage {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Usage {
            gets: read(&self.gets),
            get_bytes: read(&self.get_bytes),
            puts: read(&self.puts),
            put_bytes: read(&self.put_bytes),
            lists: read(&self.lists),
            deletes: read(&self.deletes),
            round_trips: read(&self.round_trips),
            time: Duration::from_nanos(read(&self.time_ns)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_have_their_list_prices() {
        let thousand_of_each = Usage { gets: 1000, puts: 1000, lists: 1000, deletes: 1000, ..Usage::default() };
        assert!((thousand_of_each.usd() - 0.0104).abs() < 1e-12);
        assert_eq!(thousand_of_each.requests(), 4000);
        assert_eq!(Usage::default().usd(), 0.0);
    }

    #[test]
    fn a_later_usage_less_an_earlier_one_is_what_came_between() {
        let earlier = Usage { gets: 2, get_bytes: 10, round_trips: 1, ..Usage::default() };
        let later = Usage { gets: 5, get_bytes: 30, round_trips: 2, time: Duration::from_millis(3), ..earlier };
        let between =
            Usage { gets: 3, get_bytes: 20, round_trips: 1, time: Duration::from_millis(3), ..Usage::default() };
        assert_eq!(later.since(&earlier), between);
        assert_eq!(later.since(&later), Usage::default());
    }
}
