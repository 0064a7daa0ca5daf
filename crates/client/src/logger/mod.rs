//! A logger for services: a call hands an event over, a thread sends it.
//!
//! ```no_run
//! use serde_json::json;
//! use trawl_client::Logger;
//!
//! let logger = Logger::builder("http://127.0.0.1:8080").service("checkout").start()?;
//! logger.info("paid", json!({"amount": 12.5, "currency": "EUR"}));
//! # Ok::<(), trawl_client::logger::StartError>(())
//! ```
//!
//! A call writes the event as JSON, puts it behind those that wait, and returns. It takes about as long as formatting
//! a line, never waits for the network, and never panics. The thread makes batches by size and age, compresses them
//! and sends one after the other; while the server is away or busy it tries the same batch again, the same bytes
//! under the same idempotency key, so that each event is there once.
//!
//! # What "accepted" means
//! [`Logger::log`] and [`Logger::send`] say `Ok` for an event that is *accepted*:
//!
//! * In memory (the default) it is sent as long as the process lives, or until newer events need its room
//!   ([`WhenFull`]). What is not sent when the process dies is lost.
//! * With a [spool](Builder::spool) it has been written to a file before the call returns. It survives the end of the
//!   process, however that comes, and with [`Survives::PowerLoss`] that of the machine; the next process that opens
//!   the spool sends it.
//!
//! An accepted event is found **exactly once**, unless it is rejected or dropped, which [`Stats`] counts. One bound: a
//! server knows a key for an hour. If an attempt ended without an answer, and the next that gets one comes more than
//! an hour later (the server or this process was away as long), the batch is sent all the same and its events may be
//! there **twice**: rather that than lose them. [`Stats::late`] counts such batches.
//!
//! # Files
//! * [`line`](mod@line), [`fields`](mod@fields), [`time`](mod@time): an event as JSON
//! * [`shared`](mod@shared): the queue; [`backlog`](mod@backlog): its batches, in memory or in a [`spool`](mod@spool)
//! * [`sender`](mod@sender): the thread; [`verdict`](mod@verdict): what a failed attempt means

mod backlog;
mod builder;
mod error;
mod fields;
mod level;
mod line;
mod problem;
mod sender;
mod shared;
mod spool;
mod stats;
mod time;
mod verdict;

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use serde::Serialize;

pub use builder::Builder;
pub use error::{LogError, StartError, Unfinished};
pub use level::Level;
pub use problem::{Problem, ProblemKind};
pub use shared::WhenFull;
pub use spool::Survives;
pub use stats::Stats;

#[cfg(feature = "tracing")]
pub(crate) use fields::Fields;
#[cfg(feature = "tracing")]
pub(crate) use line::Line;
pub(crate) use shared::Shared;
#[cfg(feature = "tracing")]
pub(crate) use time::now_ns;

/// Hands events over to be sent. Cloning is cheap; any number of threads may log at once.
///
/// When the last clone goes, what is accepted is sent, for 5 s at most ([`Builder::drop_timeout`]). A program that
/// ends by `std::process::exit` calls [`Logger::shutdown`] before. A process that forks starts its loggers in the
/// children: a thread does not go along.
#[derive(Debug, Clone)]
pub struct Logger {
    handle: Arc<Handle>,
}

/// What all clones share; its end is the logger's.
#[derive(Debug)]
struct Handle {
    shared: Arc<Shared>,
    drop_timeout: Duration,
}

impl Drop for Handle {
    fn drop(&mut self) {
        // Who shut it down has said how long that may take.
        if !self.shared.is_closed() {
            // What is left is counted, and told on the sending thread.
            let _ = self.shared.shutdown(self.drop_timeout);
        }
    }
}

/// An event to log. Its time is that of its making.
#[derive(Debug, Clone)]
pub struct Event<'e, F = ()> {
    level: Level,
    message: &'e str,
    target: Option<&'e str>,
    time_ns: i64,
    fields: F,
}

impl<'e> Event<'e> {
    /// An event of now.
    pub fn new(level: Level, message: &'e str) -> Self {
        Self { level, message, target: None, time_ns: time::now_ns(), fields: () }
    }
}

impl<'e, F> Event<'e, F> {
    /// The part of the program that it comes from.
    #[must_use]
    pub fn target(mut self, target: &'e str) -> Self {
        self.target = Some(target);
        self
    }

    /// When it happened, if not now.
    #[must_use]
    pub fn at(mut self, time: SystemTime) -> Self {
        self.time_ns = time::since_1970_ns(time);
        self
    }

    /// Its fields: a map, or a struct.
    #[must_use]
    pub fn fields<G: Serialize>(self, fields: G) -> Event<'e, G> {
        let Self { level, message, target, time_ns, .. } = self;
        Event { level, message, target, time_ns, fields }
    }
}

impl Logger {
    /// Settings of a logger to the server at `url`.
    pub fn builder(url: &str) -> Builder {
        Builder::new(url)
    }

    /// Logs an event. After `Ok` it is accepted: see the [module](self).
    ///
    /// `fields` is a map or a struct; its members become fields of the event. Those of the names `timestamp`,
    /// `level`, `service`, `message`, `target`, `thread` and `spans` get a `_` behind them.
    pub fn log(&self, level: Level, message: &str, fields: impl Serialize) -> Result<(), LogError> {
        self.send(&Event::new(level, message).fields(fields))
    }

    /// Logs an event that has more to it. After `Ok` it is accepted.
    pub fn send(&self, event: &Event<'_, impl Serialize>) -> Result<(), LogError> {
        self.handle.shared.record(event.time_ns, event.level, |line| {
            line.own("message", event.message)?;
            if let Some(target) = event.target {
                line.own("target", target)?;
            }
            line.thread();
            line.fields.put_all(&event.fields)
        })
    }

    /// Logs at level `trace`. An event that is not accepted is counted as [`Stats::refused`].
    pub fn trace(&self, message: &str, fields: impl Serialize) {
        let _ = self.log(Level::Trace, message, fields);
    }

    /// Logs at level `debug`, as [`Logger::trace`].
    pub fn debug(&self, message: &str, fields: impl Serialize) {
        let _ = self.log(Level::Debug, message, fields);
    }

    /// Logs at level `info`, as [`Logger::trace`].
    pub fn info(&self, message: &str, fields: impl Serialize) {
        let _ = self.log(Level::Info, message, fields);
    }

    /// Logs at level `warn`, as [`Logger::trace`].
    pub fn warn(&self, message: &str, fields: impl Serialize) {
        let _ = self.log(Level::Warn, message, fields);
    }

    /// Logs at level `error`, as [`Logger::trace`].
    pub fn error(&self, message: &str, fields: impl Serialize) {
        let _ = self.log(Level::Error, message, fields);
    }

    /// Logs at level `fatal`, as [`Logger::trace`].
    pub fn fatal(&self, message: &str, fields: impl Serialize) {
        let _ = self.log(Level::Fatal, message, fields);
    }

    /// Waits until all that was accepted before is settled: sent, rejected or dropped.
    pub fn flush(&self, timeout: Duration) -> Result<(), Unfinished> {
        self.handle.shared.flush(timeout)
    }

    /// Takes no more events, sends what is accepted, and ends the thread. When that takes longer than `timeout`, what
    /// is left in memory is dropped, and what is in a spool stays for the next start.
    pub fn shutdown(&self, timeout: Duration) -> Result<(), Unfinished> {
        self.handle.shared.shutdown(timeout)
    }

    /// What became of the events so far.
    pub fn stats(&self) -> Stats {
        self.handle.shared.stats()
    }

    /// Why the server refused an event last.
    pub fn last_rejection(&self) -> Option<String> {
        self.handle.shared.last_rejection()
    }

    /// A layer for `tracing-subscriber` that hands events to this logger. It does not keep the logger alive: hold on
    /// to it until the program ends.
    #[cfg(feature = "tracing")]
    pub fn layer(&self) -> crate::layer::TrawlLayer {
        crate::layer::TrawlLayer::new(Arc::clone(&self.handle.shared))
    }
}

#[cfg(test)]
mod tests;
