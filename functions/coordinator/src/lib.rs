//! The coordinator stage: a search from its request to its last page.
//!
//! * [`http`]: the routes; [`Coordinator::create`] stores a search and launches its run
//! * [`request`]: what a request asks for; [`searches`]: the routes of a search, [`more`]: past its limit
//! * [`plan`]: one moment of the catalog and the stream → tasks, newest first; [`explain`]: what they would read
//! * [`run`]: a run from its begin to its end; [`work`]: tasks to workers in growing waves; [`attempt`]: one task, tried
//!   again; [`describe`]: what fails for good
//! * [`collect`]: what comes of it, by the form of the result; [`counting`]: what is counted beside the events
//! * [`resume`]: how a run leaves the search to the next
//! * [`merge`]: what workers found → the order of the search, as soon as it is final
//! * [`state`]: what is stored of a search, and what it cost
//! * [`fields`]: which fields occur; [`values`]: which values they have
//! * [`context`]: the events around one; [`live`]: new events; [`saved`]: searches under a name
//! * [`status`]: sums over what is stored and what is in flight
//!
//! A run holds at most one result per task under way; pages are stored as they fill.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used))]

mod attempt;
mod collect;
mod context;
mod counting;
mod describe;
mod explain;
pub mod fields;
pub mod http;
mod live;
pub mod merge;
mod more;
mod pages;
pub mod plan;
mod request;
mod resume;
pub mod run;
mod saved;
mod searches;
pub mod state;
pub mod status;
mod values;
mod work;

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
