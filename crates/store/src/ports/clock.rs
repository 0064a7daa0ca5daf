//! Time and randomness, so that a simulation owns both.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use trawl_event::Timestamp;

/// The wall clock.
pub trait Clock: Send + Sync {
    /// Now. May jump, forwards and back: nothing may rely on its order for correctness.
    fn now(&self) -> Timestamp;

    /// Ready after `duration`.
    fn sleep(&self, duration: Duration) -> impl Future<Output = ()> + Send;
}

/// Fresh identifiers.
pub trait Ids: Send + Sync {
    /// 128 random bits that nobody had before and nobody can guess.
    fn fresh(&self) -> u128;
}

impl<T: Clock> Clock for Arc<T> {
    fn now(&self) -> Timestamp {
        (**self).now()
    }

    fn sleep(&self, duration: Duration) -> impl Future<Output = ()> + Send {
        (**self).sleep(duration)
    }
}

impl<T: Ids> Ids for Arc<T> {
    fn fresh(&self) -> u128 {
        (**self).fresh()
    }
}
