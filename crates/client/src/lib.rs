//! The library that talks to a Trawl server.
//!
//! # For services that log
//! A [`Logger`] takes events and sends them in the background; with the feature `tracing` it is a layer for
//! `tracing-subscriber`, too. See [`logger`] and [`layer`].
//!
//! # For all else
//! A blocking client for the HTTP API, as the `trawl` command and the tests use it. It repeats what
//! may be repeated: a batch with an idempotency key goes out again, under the same key, until the
//! server answers, so each of its events ends up visible once. HTTPS comes from rustls with
//! Mozilla's root certificates built in; nothing of the machine is asked for.
//!
//! * [`Client`]: one method per route
//! * [`answer`]: what the server says, as types; events stay the JSON text that the server sent
//! * [`counts`]: what is counted beside the events; [`live`]: plans, context, new events, saved searches
//! * [`error`]: what can go wrong, with the server's own code and message
//! * [`retry`]: how long to wait before the next attempt
//!
//! # Features
//! * `tracing` (on by custom): the layer; brings `logger` along
//! * `logger`: the logger alone. Without either, the client alone, which needs neither zstd nor `tracing`
//!
//! ```no_run
//! use trawl_client::{Client, Encoding, SearchRequest};
//!
//! let client = Client::new("http://127.0.0.1:8080", None)?;
//! let answer = client.push(br#"{"message":"hello"}"#, Encoding::Identity, Some("greeting-1"))?;
//! assert_eq!(answer.accepted, 1);
//! let search = client.create_search(&SearchRequest { query: "hello".into(), ..Default::default() })?;
//! # Ok::<(), trawl_client::Error>(())
//! ```
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used))]

pub mod access;
pub mod answer;
mod client;
pub mod counts;
pub mod deletion;
pub mod error;
#[cfg(feature = "tracing")]
pub mod layer;
pub mod live;
#[cfg(feature = "logger")]
pub mod logger;
pub mod retry;
#[cfg(all(test, feature = "logger"))]
mod test_server;
mod transport;

pub use access::{CreatedKey, Key, KeyList, Limits, NewKey, TenantLimits};
pub use answer::{
    Aggregates, Cost, Estimate, Health, Order, Progress, PushAnswer, Rejection, SearchCreated, SearchPage,
    SearchRequest, SearchStatus, ServerStatus, Timing,
};
pub use client::{Client, Encoding};
pub use counts::{
    Bucket, FacetCounts, FacetRequest, Field, FieldValues, Fields, Histogram, HistogramRequest, ValueCount,
    ValuesRequest,
};
pub use deletion::{Deletion, DeletionList, NewDeletion};
pub use error::{ApiError, Error};
pub use live::{Context, ContextRequest, NamedSearch, News, Plan, SavedSearch, SearchName};
#[cfg(feature = "logger")]
pub use logger::{Level, Logger};
pub use retry::Retries;
