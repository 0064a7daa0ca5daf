//! What the program is told when events don't arrive.

use std::collections::HashMap;
use std::fmt;
use std::io::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use super::time::monotonic;

/// No kind of problem is told more often than this.
const TELL_EVERY: Duration = Duration::from_secs(60);

/// Something that keeps events from arriving.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// What it is.
    pub kind: ProblemKind,
    /// How many events it has met since this kind was told last.
    pub events: u64,
    /// What was said about it last.
    pub reason: String,
}

/// Kinds of problems.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ProblemKind {
    /// The server can't be reached, is busy or does not know the key. It is tried again; `events` counts those of the
    /// batch that waits.
    Undelivered,
    /// The server refused a whole batch for good.
    BatchRefused,
    /// The server refused single events.
    EventsRejected,
    /// Events were given up or not taken: see [`crate::logger::Stats::dropped`] and [`crate::logger::Stats::refused`].
    Dropped,
    /// Something in the spool can't be read.
    SpoolUnreadable,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kind, events, reason } = self;
        match kind {
            ProblemKind::Undelivered => write!(f, "events wait, the first {events} in vain so far: {reason}"),
            ProblemKind::BatchRefused => write!(f, "the server refused whole batches of {events} events: {reason}"),
            ProblemKind::EventsRejected => write!(f, "the server refused {events} events: {reason}"),
            ProblemKind::Dropped => write!(f, "{events} events were given up: {reason}"),
            ProblemKind::SpoolUnreadable => write!(f, "the spool cannot be read: {reason}"),
        }
    }
}

/// What is called with problems.
pub(crate) type Hook = Box<dyn Fn(&Problem) + Send>;

/// A line on stderr.
pub(crate) fn to_stderr() -> Hook {
    // Not `eprintln!`, which panics where stderr is closed.
    Box::new(|problem| drop(writeln!(std::io::stderr(), "trawl-client: {problem}")))
}

/// Tells problems, each kind once in a while.
pub(crate) struct Reporter {
    hook: Hook,
    told: HashMap<ProblemKind, Told>,
}

struct Told {
    at: Instant,
    untold_events: u64,
}

impl Reporter {
    pub(crate) fn new(hook: Hook) -> Self {
        Self { hook, told: HashMap::new() }
    }

    pub(crate) fn tell(&mut self, kind: ProblemKind, events: u64, reason: impl Into<String>) {
        self.tell_at(monotonic(), kind, events, reason.into());
    }

    fn tell_at(&mut self, now: Instant, kind: ProblemKind, events: u64, reason: String) {
        let counts_up = kind != ProblemKind::Undelivered;
        let mut events = events;
        if let Some(told) = self.told.get_mut(&kind) {
            if now.saturating_duration_since(told.at) < TELL_EVERY {
                told.untold_events += events;
                return;
            }
            events += if counts_up { told.untold_events } else { 0 };
        }
        self.told.insert(kind, Told { at: now, untold_events: 0 });
        let problem = Problem { kind, events, reason };
        // A hook that panics has had its say on stderr; events go on.
        let _ = catch_unwind(AssertUnwindSafe(|| (self.hook)(&problem)));
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;

    use super::*;

    #[test]
    fn each_kind_is_told_once_in_a_while_with_all_its_events() {
        let (sender, told) = channel();
        let mut reporter = Reporter::new(Box::new(move |problem| sender.send(problem.clone()).unwrap()));
        let began = monotonic();
        let mut tell = |seconds, kind, events| {
            reporter.tell_at(began + Duration::from_secs(seconds), kind, events, format!("after {seconds} s"));
            told.try_recv().ok().map(|problem| problem.to_string())
        };
        assert_eq!(tell(0, ProblemKind::Dropped, 1).unwrap(), "1 events were given up: after 0 s");
        assert_eq!(tell(1, ProblemKind::Dropped, 2), None);
        assert!(tell(2, ProblemKind::EventsRejected, 5).is_some());
        assert_eq!(tell(60, ProblemKind::Dropped, 4).unwrap(), "6 events were given up: after 60 s");
        assert_eq!(tell(61, ProblemKind::Dropped, 1), None);
    }

    #[test]
    fn a_hook_may_panic() {
        let mut reporter = Reporter::new(Box::new(|_| panic!("on purpose")));
        reporter.tell(ProblemKind::Dropped, 1, "first");
        reporter.tell(ProblemKind::EventsRejected, 1, "second");
    }
}
