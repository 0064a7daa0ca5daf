//! The coordinator stage: a search from its request to its last page.
//!
//! * [`http`]: the routes; [`Coordinator::create`] stores a search and launches its run
//! * [`plan`]: one moment of the catalog and the stream → tasks, newest first
//! * [`run`]: tasks to workers in growing waves; [`attempt`]: one task, tried again; [`describe`]: what fails for good
//! * [`collect`]: what comes of it, by the form of the result
//! * [`resume`]: how a run leaves the search to the next
//! * [`merge`]: what workers found → the order of the search, as soon as it is final
//! * [`state`]: what is stored of a search, and what it cost
//! * [`fields`]: which fields occur
//! * [`status`]: sums over what is stored and what is in flight
//!
//! A run holds at most one result per task under way; pages are stored as they fill.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used))]

mod attempt;
mod collect;
mod describe;
pub mod fields;
pub mod http;
pub mod merge;
mod pages;
pub mod plan;
mod resume;
pub mod run;
pub mod state;
pub mod status;

use trawl_store::ports::{Catalog, Clock, Ids, Launcher, Searches, Stream, Workers};

/// The stage, over its ports.
pub struct Coordinator<S, K, Q, W, L, C> {
    stream: S,
    catalog: K,
    searches: Q,
    workers: W,
    launcher: L,
    clock: C,
}

impl<S, K, Q, W, L, C> Coordinator<S, K, Q, W, L, C>
where
    S: Stream,
    K: Catalog,
    Q: Searches,
    W: Workers,
    L: Launcher,
    C: Clock + Ids,
{
    /// A stage over these ports.
    pub fn new(stream: S, catalog: K, searches: Q, workers: W, launcher: L, clock: C) -> Self {
        Self { stream, catalog, searches, workers, launcher, clock }
    }
}
