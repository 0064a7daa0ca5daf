//! The wall clock and random ids: the only place that touches either. Everything else asks a
//! [`Clock`] or [`Ids`], so that a simulation owns both; clippy refuses the rest (`clippy.toml`).

use std::future::Future;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use trawl_event::Timestamp;

use crate::ports::{Clock, Ids};

/// The time of this machine.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[allow(clippy::disallowed_methods)] // the one place
    fn now(&self) -> Timestamp {
        timestamp_of(SystemTime::now())
    }

    fn sleep(&self, duration: Duration) -> impl Future<Output = ()> + Send {
        tokio::time::sleep(duration)
    }
}

/// Ids from the process's cryptographic generator, which the operating system seeds.
#[derive(Clone, Copy, Debug, Default)]
pub struct RandomIds;

impl Ids for RandomIds {
    #[allow(clippy::disallowed_methods)] // the one place
    fn fresh(&self) -> u128 {
        rand::random()
    }
}

/// The real clock and real randomness, as one port.
#[derive(Clone, Copy, Debug, Default)]
pub struct System;

impl Clock for System {
    fn now(&self) -> Timestamp {
        SystemClock.now()
    }

    fn sleep(&self, duration: Duration) -> impl Future<Output = ()> + Send {
        SystemClock.sleep(duration)
    }
}

impl Ids for System {
    fn fresh(&self) -> u128 {
        RandomIds.fresh()
    }
}

/// A system time in nanoseconds since 1970; times outside 1677–2262 are moved to its ends.
pub(super) fn timestamp_of(time: SystemTime) -> Timestamp {
    match time.duration_since(UNIX_EPOCH) {
        Ok(after) => Timestamp(i64::try_from(after.as_nanos()).unwrap_or(i64::MAX)),
        Err(before) => Timestamp(i64::try_from(before.duration().as_nanos()).map_or(i64::MIN, |ns| -ns)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn system_times_become_timestamps_on_both_sides_of_1970() {
        let nanosecond = Duration::from_nanos(1);
        assert_eq!(timestamp_of(UNIX_EPOCH + nanosecond), Timestamp(1));
        assert_eq!(timestamp_of(UNIX_EPOCH - nanosecond), Timestamp(-1));
        assert_eq!(timestamp_of(UNIX_EPOCH + Duration::from_secs(1 << 40)), Timestamp::MAX);
        assert!(SystemClock.now() > Timestamp(1_700_000_000 * trawl_event::timestamp::NS_PER_SECOND));
    }

    #[test]
    fn fresh_ids_differ() {
        assert_ne!(RandomIds.fresh(), RandomIds.fresh());
    }
}
