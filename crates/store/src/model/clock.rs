//! A clock for one caller at a time: waiting moves it on.

use std::future::{Future, ready};
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use trawl_event::Timestamp;

use crate::ports::Clock;

/// Time that stands still until somebody sleeps, and has passed when they look again. Callers that sleep side by side
/// see the sum of their sleeps, not the longest.
#[derive(Debug, Default)]
pub struct SkippingClock(AtomicI64);

impl SkippingClock {
    /// A clock that shows `start`.
    pub fn new(start: Timestamp) -> Self {
        Self(AtomicI64::new(start.0))
    }
}

impl Clock for SkippingClock {
    fn now(&self) -> Timestamp {
        Timestamp(self.0.load(Ordering::Relaxed))
    }

    fn sleep(&self, duration: Duration) -> impl Future<Output = ()> + Send {
        self.0.fetch_add(i64::try_from(duration.as_nanos()).unwrap_or(i64::MAX), Ordering::Relaxed);
        ready(())
    }
}
