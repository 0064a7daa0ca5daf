//! The clock and random ids of this machine, as one port.

use std::future::Future;
use std::time::Duration;

use trawl_event::Timestamp;
use trawl_store::local::clock::{RandomIds, SystemClock};
use trawl_store::ports::{Clock, Ids};

/// The real clock and real randomness.
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
