//! The coordinator stage: a search from its request to its last page.
//!
//! * [`http`]: the routes; [`Coordinator::create`] stores a search and launches its run
//! * [`allowance`]: how much a tenant may search
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
//! * [`deletions`]: events that are to be gone
//! * [`status`]: sums over what is stored and what is in flight
//!
//! A run holds at most one result per task under way; pages are stored as they fill.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used))]

pub mod allowance;
mod attempt;
mod collect;
mod context;
mod counting;
mod deletions;
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

pub use allowance::Allowance;

use trawl_store::ports::{Catalog, Clock, Documents, Ids, Launcher, Searches, Stream, Workers};

/// The ports that a coordinator works over, as types.
pub trait Ports {
    /// Where events are that are in no segment yet.
    type Stream: Stream;
    /// Which segments there are.
    type Catalog: Catalog;
    /// Searches and their pages.
    type Searches: Searches;
    /// What is deleted, and how much a tenant may search.
    type Documents: Documents;
    /// Who does the tasks.
    type Workers: Workers;
    /// Who starts runs.
    type Launcher: Launcher;
    /// Time and chance.
    type Clock: Clock + Ids;
}

impl<S, K, Q, D, W, L, C> Ports for (S, K, Q, D, W, L, C)
where
    S: Stream,
    K: Catalog,
    Q: Searches,
    D: Documents,
    W: Workers,
    L: Launcher,
    C: Clock + Ids,
{
    type Stream = S;
    type Catalog = K;
    type Searches = Q;
    type Documents = D;
    type Workers = W;
    type Launcher = L;
    type Clock = C;
}

/// The stage, over its ports.
pub struct Coordinator<P: Ports> {
    stream: P::Stream,
    catalog: P::Catalog,
    searches: P::Searches,
    documents: P::Documents,
    workers: P::Workers,
    launcher: P::Launcher,
    clock: P::Clock,
}

impl<P: Ports> Coordinator<P> {
    /// A stage over these ports.
    pub fn new(
        stream: P::Stream,
        catalog: P::Catalog,
        searches: P::Searches,
        documents: P::Documents,
        workers: P::Workers,
        launcher: P::Launcher,
        clock: P::Clock,
    ) -> Self {
        Self { stream, catalog, searches, documents, workers, launcher, clock }
    }
}
