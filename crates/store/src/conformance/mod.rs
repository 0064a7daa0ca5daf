//! The behaviour every adapter of a port must show, one suite per port.
//!
//! A suite takes a function that makes a fresh, empty store and panics where the store behaves
//! otherwise than the port says. Run it on a multi-threaded runtime: the parts about concurrent
//! callers spawn tasks. It is no test code of this crate alone, because adapters and simulated
//! stores elsewhere run it too.

// A suite is a test: it panics on purpose.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

pub mod catalog;
pub mod documents;
pub mod objects;
pub mod searches;
pub mod stream;
pub mod workers;

pub use catalog::suite as catalog;
pub use documents::suite as documents;
pub use objects::suite as objects;
pub use searches::suite as searches;
pub use stream::{suite as stream, trim_suite as stream_trim};
pub use workers::suite as workers;

use std::future::Future;

use crate::ports::{Result, StoreError};

/// Runs all futures at once and gives what they return, in order.
async fn all_at_once<T: Send + 'static>(
    futures: impl IntoIterator<Item = impl Future<Output = T> + Send + 'static>,
) -> Vec<T> {
    let tasks: Vec<_> = futures.into_iter().map(tokio::spawn).collect();
    let mut outcomes = Vec::with_capacity(tasks.len());
    for task in tasks {
        outcomes.push(task.await.unwrap());
    }
    outcomes
}

/// Panics unless the call failed for good.
#[track_caller]
fn assert_permanent<T: std::fmt::Debug>(result: Result<T>) {
    assert!(matches!(result, Err(StoreError::Permanent(_))), "not a permanent error: {result:?}");
}
