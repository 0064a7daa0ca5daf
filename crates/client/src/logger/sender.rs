//! The thread that sends batches, one after the other, in their order.

use std::fs;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use super::backlog::{Batch, Held};
use super::problem::{ProblemKind, Reporter};
use super::shared::{Shared, mark_as_sender};
use super::spool::{SealedBatch, SpoolDirectory, Survives};
use super::time::{monotonic, now_ns};
use super::verdict::{Verdict, verdict};
use crate::answer::PushAnswer;
use crate::client::{Client, Encoding};
use crate::retry::Retries;

/// How long the server remembers idempotency keys (G3 of the design), in seconds.
const HORIZON_SECONDS: u64 = 3600;
/// Failed attempts at a batch after which the program is told.
const TELL_AFTER: u32 = 3;
/// Compression that costs little: a level of zstd.
const ZSTD_LEVEL: i32 = 1;
/// No server is left alone for longer than this at a time, whatever it asks.
const LONGEST_RETRY_AFTER: Duration = Duration::from_secs(600);

/// What the thread works with.
pub(crate) struct Sender {
    pub shared: Arc<Shared>,
    /// Asks once: waiting is done here, where a shutdown can end it.
    pub client: Client,
    pub retries: Retries,
    pub reporter: Reporter,
    /// Events given up or refused that were told.
    pub told_lost: u64,
}

/// A batch while it is sent.
struct Parcel {
    key: String,
    events: u64,
    /// When an attempt began whose outcome is not known, in seconds since 1970.
    unknown_since: Option<u64>,
    is_late: bool,
}

impl Sender {
    /// Sends until the logger is shut down.
    pub(crate) fn run(mut self) {
        mark_as_sender();
        let shared = Arc::clone(&self.shared);
        // Were there a panic, callers must not wait for a thread that is gone.
        let _ = catch_unwind(AssertUnwindSafe(|| {
            while let Some(batch) = shared.next() {
                if !self.deliver(batch) {
                    break;
                }
                self.tell_lost();
            }
        }));
        shared.end();
        self.tell_lost();
    }

    /// Brings a batch to its end. False when the time to shut down is over before.
    fn deliver(&mut self, batch: Batch) -> bool {
        match batch.held {
            Held::Memory(body) => {
                let key = format!("trawl-{:032x}", random_id());
                let parcel = Parcel { key, events: batch.place.events, unknown_since: None, is_late: false };
                let settled = self.send(parcel, &body);
                if settled {
                    self.shared.settle(Some(body));
                }
                settled
            }
            Held::File(path, survives) => self.deliver_file(&path, survives, batch.place.events),
        }
    }

    fn deliver_file(&mut self, path: &Path, survives: Survives, events: u64) -> bool {
        let unreadable = |reason: String| format!("{}: {reason}", path.display());
        let sealed = loop {
            match SpoolDirectory::seal(path, survives, now_seconds()) {
                Ok(sealed) => break sealed,
                Err(error) if error.kind() == io::ErrorKind::NotFound => break None,
                // Such as too many open files: that passes.
                Err(error) => {
                    self.reporter.tell(ProblemKind::SpoolUnreadable, events, unreadable(error.to_string()));
                    if !self.shared.pause(self.retries.longest_wait, true) {
                        return false;
                    }
                }
            }
        };
        let lost = events.saturating_sub(sealed.as_ref().map_or(0, |sealed| sealed.events));
        if lost > 0 {
            self.shared.counters.dropped.add(lost);
            self.reporter.tell(ProblemKind::SpoolUnreadable, lost, unreadable("it is damaged or gone".to_owned()));
        }
        if let Some(SealedBatch { key, body, events, sealed_before, unsealed }) = sealed {
            if let Some(error) = unsealed {
                self.reporter.tell(ProblemKind::SpoolUnreadable, 0, unreadable(format!("it can't be sealed: {error}")));
            }
            let parcel = Parcel { key, events, unknown_since: sealed_before, is_late: false };
            if !self.send(parcel, &body) {
                return false;
            }
            if let Err(error) = fs::remove_file(path) {
                self.reporter.tell(ProblemKind::SpoolUnreadable, 0, unreadable(error.to_string()));
            }
        }
        self.shared.settle(None);
        true
    }

    /// Sends a batch, always the same bytes under the same key, until it is settled.
    fn send(&mut self, mut parcel: Parcel, body: &[u8]) -> bool {
        let compressed = zstd::bulk::compress(body, ZSTD_LEVEL).ok();
        let (body, encoding) = match &compressed {
            Some(compressed) => (compressed.as_slice(), Encoding::Zstd),
            None => (body, Encoding::Identity),
        };
        let began = monotonic();
        let mut attempts = 0_u32;
        loop {
            self.count_lateness(&mut parcel);
            let attempted_at = now_seconds();
            let outcome = self.client.push(body, encoding, Some(&parcel.key));
            attempts = attempts.saturating_add(1);
            let error = match outcome {
                Ok(answer) => {
                    self.taken(&parcel, &answer);
                    return true;
                }
                Err(error) => error,
            };
            let (retry_after, is_unknown) = match verdict(&error) {
                Verdict::Refused => {
                    self.refused(&parcel, &error);
                    return true;
                }
                Verdict::Again { retry_after, is_unknown } => (retry_after, is_unknown),
            };
            if is_unknown {
                parcel.unknown_since.get_or_insert(attempted_at);
            }
            if attempts >= TELL_AFTER {
                self.reporter.tell(ProblemKind::Undelivered, parcel.events, error.to_string());
            }
            self.tell_lost();
            let asked = retry_after.map(|asked| asked.min(LONGEST_RETRY_AFTER));
            let patience = Retries { give_up_after: Duration::MAX, ..self.retries };
            let wait = patience.wait(attempts, began.elapsed(), asked, random_fraction());
            if !self.shared.pause(wait.unwrap_or(patience.longest_wait), asked.is_none()) {
                return false;
            }
            self.shared.counters.retries.add(1);
        }
    }

    fn count_lateness(&self, parcel: &mut Parcel) {
        let forgotten = |since: u64| now_seconds().saturating_sub(since) >= HORIZON_SECONDS;
        if !parcel.is_late && parcel.unknown_since.is_some_and(forgotten) {
            parcel.is_late = true;
            self.shared.counters.late.add(1);
        }
    }

    fn taken(&mut self, parcel: &Parcel, answer: &PushAnswer) {
        let accepted = answer.accepted.min(parcel.events);
        let rejected = parcel.events - accepted;
        self.shared.counters.batches.add(1);
        self.shared.counters.sent.add(accepted);
        if rejected > 0 {
            let reason = answer.rejected.last().map(|last| format!("{} ({})", last.message, last.code));
            self.rejected(
                ProblemKind::EventsRejected,
                rejected,
                &reason.unwrap_or_else(|| "no reason given".to_owned()),
            );
        }
    }

    fn refused(&mut self, parcel: &Parcel, error: &crate::Error) {
        self.shared.counters.batches.add(1);
        let detail = error.api().and_then(|api| api.detail.get("rejected")?.as_array()?.last()?.get("message"));
        let kind = if detail.is_some() { ProblemKind::EventsRejected } else { ProblemKind::BatchRefused };
        let reason = detail.and_then(Value::as_str).map_or_else(|| error.to_string(), str::to_owned);
        self.rejected(kind, parcel.events, &reason);
    }

    fn rejected(&mut self, kind: ProblemKind, events: u64, reason: &str) {
        self.shared.counters.rejected.add(events);
        self.shared.remember_rejection(reason);
        self.reporter.tell(kind, events, reason);
    }

    /// Tells of events that callers could not hand over, or that were dropped for newer ones.
    fn tell_lost(&mut self) {
        let lost = self.shared.counters.dropped.get() + self.shared.counters.refused.get();
        if lost > self.told_lost {
            let reason = "the queue was full or closed, or they could not be written";
            self.reporter.tell(ProblemKind::Dropped, lost - self.told_lost, reason);
            self.told_lost = lost;
        }
    }
}

fn now_seconds() -> u64 {
    u64::try_from(now_ns() / 1_000_000_000).unwrap_or_default()
}

// Keys and waits must be others in every process: a seed would not do.
#[allow(clippy::disallowed_methods)]
fn random_id() -> u128 {
    rand::random()
}

#[allow(clippy::disallowed_methods)]
fn random_fraction() -> f64 {
    rand::random()
}
