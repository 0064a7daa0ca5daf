//! What callers and the sending thread share.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::backlog::{Appended, Backlog, Batch};
use super::error::{LogError, Unfinished};
use super::fields::Fields;
use super::level::Level;
use super::line::{Line, with_line};
use super::spool::format::FRAME_HEAD_BYTES;
use super::stats::{Counters, Stats};
use super::time::monotonic;

/// Largest event that the server takes, in bytes of JSON: `MAX_EVENT_BYTES` of `trawl-event`.
const MAX_EVENT_BYTES: usize = 1000 * 1000;
/// A wait without an end, for a condition variable that wants one.
const FOR_EVER: Duration = Duration::from_secs(3600);

/// What happens to an event when the queue is full.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum WhenFull {
    /// The oldest batch goes, and its events are counted as dropped. A call never waits.
    #[default]
    DropOldest,
    /// The call waits until there is room.
    Block,
    /// The call waits until there is room, but not longer than this; then the event is refused.
    BlockFor(Duration),
}

/// The limits of a queue.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    pub max_bytes: u64,
    pub when_full: WhenFull,
    pub batch_age: Duration,
}

/// The queue, with what each event carries.
#[derive(Debug)]
pub(crate) struct Shared {
    state: Mutex<State>,
    /// For the sending thread: something to do.
    work: Condvar,
    /// For callers: a batch is settled, or the sending thread has ended.
    settled: Condvar,
    limits: Limits,
    /// A member `,"service":"…"`, or nothing.
    service: Vec<u8>,
    fixed: Fields,
    spooled: bool,
    pub(crate) counters: Counters,
    last_rejection: Mutex<Option<String>>,
}

#[derive(Debug)]
struct State {
    backlog: Backlog,
    sender_waits: SenderWaits,
    /// Batches up to this number are cut whatever their age.
    cut_through: Option<u64>,
    closed: bool,
    /// When the sending thread is to end, whatever is left.
    deadline: Option<Instant>,
    ended: bool,
    /// Events that were left when it ended.
    left: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum SenderWaits {
    No,
    /// Until the open batch is old enough, or complete.
    ForTheOpenBatch,
    ForAnyEvent,
}

thread_local! {
    static SENDS: Cell<bool> = const { Cell::new(false) };
}

/// Says that this thread sends: what it logs would never come to an end.
pub(crate) fn mark_as_sender() {
    SENDS.set(true);
}

impl Shared {
    pub(crate) fn new(backlog: Backlog, limits: Limits, service: Vec<u8>, fixed: Fields) -> Self {
        let counters = Counters::default();
        counters.recovered.add(backlog.held_events());
        let spooled = backlog.is_spooled();
        let state = State {
            backlog,
            sender_waits: SenderWaits::No,
            cut_through: None,
            closed: false,
            deadline: None,
            ended: false,
            left: 0,
        };
        Self {
            state: Mutex::new(state),
            work: Condvar::new(),
            settled: Condvar::new(),
            limits,
            service,
            fixed,
            spooled,
            counters,
            last_rejection: Mutex::new(None),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes an event and takes it in. No panic of `write` gets out.
    pub(crate) fn record(
        &self,
        time_ns: i64,
        level: Level,
        write: impl FnOnce(&mut Line) -> Result<(), serde_json::Error>,
    ) -> Result<(), LogError> {
        if SENDS.try_with(Cell::get).unwrap_or_default() {
            return Err(LogError::OwnThread);
        }
        let write_and_take = || {
            with_line(|line| {
                line.begin(time_ns, level, &self.service);
                write(line).map_err(LogError::Fields)?;
                let taken = self.take_in(line.finish(&self.fixed));
                line.tidy();
                taken
            })
        };
        let outcome = catch_unwind(AssertUnwindSafe(write_and_take)).unwrap_or(Err(LogError::Panicked));
        let counter = if outcome.is_ok() { &self.counters.accepted } else { &self.counters.refused };
        counter.add(1);
        outcome
    }

    fn take_in(&self, frame: &[u8]) -> Result<(), LogError> {
        let bytes = frame.len().saturating_sub(FRAME_HEAD_BYTES + 1);
        if bytes > MAX_EVENT_BYTES {
            return Err(LogError::TooLarge { bytes });
        }
        if frame.len() as u64 > self.limits.max_bytes {
            return Err(LogError::Full);
        }
        let mut state = self.lock();
        if state.closed {
            return Err(LogError::Closed);
        }
        if state.backlog.held_bytes() + frame.len() as u64 > self.limits.max_bytes {
            state = self.make_room(state, frame.len() as u64)?;
        }
        let appended = state.backlog.append(frame, monotonic()).map_err(LogError::Spool)?;
        let wanted = match (appended, state.sender_waits) {
            (Appended::Open, _) | (_, SenderWaits::No) => false,
            (Appended::Began, SenderWaits::ForAnyEvent) => true,
            (Appended::Began, SenderWaits::ForTheOpenBatch) => state.backlog.has_waiting(),
        };
        if wanted {
            state.sender_waits = SenderWaits::No;
            drop(state);
            self.work.notify_one();
        }
        Ok(())
    }

    fn make_room<'s>(
        &'s self,
        mut state: MutexGuard<'s, State>,
        bytes: u64,
    ) -> Result<MutexGuard<'s, State>, LogError> {
        let has_room = |state: &State| state.backlog.held_bytes() + bytes <= self.limits.max_bytes;
        let until = match self.limits.when_full {
            WhenFull::DropOldest => {
                while !has_room(&state) {
                    let dropped = state.backlog.drop_oldest().ok_or(LogError::Full)?;
                    self.counters.dropped.add(dropped.events);
                }
                self.settled.notify_all();
                return Ok(state);
            }
            WhenFull::Block => None,
            WhenFull::BlockFor(longest) => monotonic().checked_add(longest),
        };
        while !has_room(&state) {
            if state.closed {
                return Err(LogError::Closed);
            }
            state = wait(&self.settled, state, until).ok_or(LogError::Full)?;
        }
        if state.closed { Err(LogError::Closed) } else { Ok(state) }
    }

    /// For the sending thread: the next batch, once there is one. `None` when it is to end.
    pub(crate) fn next(&self) -> Option<Batch> {
        let mut state = self.lock();
        loop {
            let now = monotonic();
            if state.deadline.is_some_and(|deadline| deadline <= now) {
                return None;
            }
            let open = state.backlog.open_since();
            let old_at = open.and_then(|(_, since)| since.checked_add(self.limits.batch_age));
            let cut = open.is_some_and(|(number, _)| state.cut_through.is_some_and(|through| number <= through));
            let due = state.closed || cut || old_at.is_some_and(|at| at <= now);
            if let Some(batch) = state.backlog.take(due) {
                return Some(batch);
            }
            if state.closed {
                return None;
            }
            state.sender_waits = if open.is_some() { SenderWaits::ForTheOpenBatch } else { SenderWaits::ForAnyEvent };
            let longest = old_at.map_or(FOR_EVER, |at| at.saturating_duration_since(now));
            state = self.work.wait_timeout(state, longest).unwrap_or_else(PoisonError::into_inner).0;
            state.sender_waits = SenderWaits::No;
        }
    }

    /// For the sending thread: waits before another attempt. A shutdown that begins meanwhile ends the wait of one
    /// that `hurries`. False when the thread is to end instead, since another attempt would come too late.
    pub(crate) fn pause(&self, wait_for: Duration, hurries: bool) -> bool {
        let until = monotonic().checked_add(wait_for);
        let mut state = self.lock();
        let was_closed = state.closed;
        loop {
            let now = monotonic();
            let hurried = hurries && state.closed && !was_closed;
            let attempt_at = if hurried { Some(now) } else { until };
            if state.deadline.is_some_and(|deadline| attempt_at.is_none_or(|at| at >= deadline)) {
                return false;
            }
            if hurried {
                return true;
            }
            if until.is_some_and(|until| until <= now) {
                return true;
            }
            let longest = until.map_or(FOR_EVER, |until| until.saturating_duration_since(now));
            state = self.work.wait_timeout(state, longest).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// For the sending thread: the batch it took is settled.
    pub(crate) fn settle(&self, memory: Option<Vec<u8>>) {
        self.lock().backlog.settle(memory);
        self.settled.notify_all();
    }

    /// For the sending thread: it has ended. What is left in memory is lost; what is in the spool stays there.
    pub(crate) fn end(&self) {
        let mut state = self.lock();
        state.closed = true;
        state.ended = true;
        state.left = state.backlog.held_events();
        if self.spooled {
            state.backlog.release_spool();
        } else {
            self.counters.dropped.add(state.backlog.held_events());
            state.backlog = Backlog::in_memory(0);
        }
        drop(state);
        self.settled.notify_all();
    }

    /// Waits until all that was accepted before the call is settled.
    pub(crate) fn flush(&self, timeout: Duration) -> Result<(), Unfinished> {
        let until = monotonic().checked_add(timeout);
        let mut state = self.lock();
        let Some(newest) = state.backlog.newest() else { return Ok(()) };
        state.cut_through = state.cut_through.max(Some(newest));
        self.work.notify_one();
        while state.backlog.oldest().is_some_and(|oldest| oldest <= newest) {
            let events = state.backlog.held_events();
            if state.ended {
                return Err(Unfinished { events });
            }
            state = wait(&self.settled, state, until).ok_or(Unfinished { events })?;
        }
        Ok(())
    }

    /// Takes no more events, and waits until the sending thread has ended; it ends by `timeout` at the latest, but
    /// for a request that is under way.
    pub(crate) fn shutdown(&self, timeout: Duration) -> Result<(), Unfinished> {
        let until = monotonic().checked_add(timeout);
        let mut state = self.lock();
        state.closed = true;
        state.deadline = match (state.deadline, until) {
            (Some(earlier), Some(until)) => Some(earlier.max(until)),
            (earlier, until) => until.or(earlier),
        };
        self.work.notify_all();
        self.settled.notify_all();
        while !state.ended {
            let events = state.backlog.held_events();
            state = wait(&self.settled, state, until).ok_or(Unfinished { events })?;
        }
        if state.left == 0 { Ok(()) } else { Err(Unfinished { events: state.left }) }
    }

    /// Whether it takes no more events.
    pub(crate) fn is_closed(&self) -> bool {
        self.lock().closed
    }

    pub(crate) fn remember_rejection(&self, reason: &str) {
        *self.last_rejection.lock().unwrap_or_else(PoisonError::into_inner) = Some(reason.to_owned());
    }

    pub(crate) fn last_rejection(&self) -> Option<String> {
        self.last_rejection.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn stats(&self) -> Stats {
        let state = self.lock();
        let bytes = state.backlog.held_bytes();
        let counters = &self.counters;
        Stats {
            accepted: counters.accepted.get(),
            recovered: counters.recovered.get(),
            sent: counters.sent.get(),
            rejected: counters.rejected.get(),
            dropped: counters.dropped.get(),
            refused: counters.refused.get(),
            waiting: state.backlog.held_events(),
            queued_bytes: if self.spooled { 0 } else { bytes },
            spooled_bytes: if self.spooled { bytes } else { 0 },
            batches: counters.batches.get(),
            retries: counters.retries.get(),
            late: counters.late.get(),
        }
    }
}

/// Waits for a signal, until `until` at most: `None` then.
fn wait<'s>(
    condition: &Condvar,
    state: MutexGuard<'s, State>,
    until: Option<Instant>,
) -> Option<MutexGuard<'s, State>> {
    let longest = until.map_or(FOR_EVER, |until| until.saturating_duration_since(monotonic()));
    if longest.is_zero() {
        return None;
    }
    Some(condition.wait_timeout(state, longest).unwrap_or_else(PoisonError::into_inner).0)
}
