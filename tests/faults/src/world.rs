//! The world that the stages run in: one thread, one clock, one source of chance.
//!
//! Every port call, and every wait, takes a *ticket* and pends. The scheduler draws one ticket
//! after the other among those that are due and lets its holder go on to its next call. So any
//! order of port calls of any number of actors can come about, each a function of the seed alone,
//! and between any two calls of an actor anything else may happen, its own death included.
//!
//! ```text
//!   actors ──call──▶ ticket ─┐
//!   actors ──sleep─▶ ticket ─┼─▶ scheduler draws one ──▶ wake ──▶ fault? effect ──▶ next call
//!   time moves with each draw; when no ticket is due, it moves to the first that will be
//! ```

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use trawl_event::Timestamp;
use trawl_event::timestamp::NS_PER_SECOND;
use trawl_store::ports::{Clock, Ids, StoreError};

use crate::chance::Chance;
use crate::faults::{Coverage, Rates};

/// Draws after which a run counts as stuck: a usual one takes some thousands.
const MOST_DRAWS: u64 = 400_000;
/// Most time between two draws, in nanoseconds: a port call takes some milliseconds.
const MOST_BETWEEN_DRAWS_NS: u64 = 8_000_000;

type Task = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Simulated time in nanoseconds since 1970, as the stores see it. It never goes back.
pub type StoreTime = Arc<AtomicI64>;

struct Ticket {
    waker: Waker,
    due_ns: i64,
    drawn: bool,
}

struct State {
    chance: Chance,
    rates: Rates,
    /// How far the clock of the stages is off, in nanoseconds.
    offset_ns: i64,
    tickets: BTreeMap<u64, Ticket>,
    next_ticket: u64,
    spawned: Vec<Task>,
    running: usize,
    driven: bool,
    coverage: Coverage,
    violations: Vec<String>,
    next_id: u64,
    /// Which actor is being polled, for the trace.
    current: usize,
    trace: Option<Vec<String>>,
}

/// A handle to the world; clones are handles to the same.
#[derive(Clone)]
pub struct World {
    state: Arc<Mutex<State>>,
    time: StoreTime,
}

impl World {
    /// A world of this seed that begins at `start`.
    pub fn new(seed: u64, start: Timestamp, rates: Rates) -> Self {
        let state = State {
            chance: Chance::new(seed),
            rates,
            offset_ns: 0,
            tickets: BTreeMap::new(),
            next_ticket: 0,
            spawned: Vec::new(),
            running: 0,
            driven: false,
            coverage: Coverage::default(),
            violations: Vec::new(),
            next_id: 0,
            current: 0,
            trace: None,
        };
        Self { state: Arc::new(Mutex::new(state)), time: Arc::new(AtomicI64::new(start.0)) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The stores' time.
    pub fn time(&self) -> StoreTime {
        self.time.clone()
    }

    /// The stores' time now.
    pub fn true_now(&self) -> Timestamp {
        Timestamp(self.time.load(Ordering::Relaxed))
    }

    /// Draws from the world's chance.
    pub fn chance<T>(&self, draw: impl FnOnce(&mut Chance) -> T) -> T {
        draw(&mut self.state().chance)
    }

    /// The rates of faults at present.
    pub fn rates(&self) -> Rates {
        self.state().rates.clone()
    }

    /// Ends all faults; the clock is right from now on.
    pub fn calm(&self) {
        let mut state = self.state();
        state.rates = Rates::none();
        state.offset_ns = 0;
    }

    /// Notes that something took place.
    pub fn cover(&self, what: impl Into<String>) {
        self.state().coverage.add(what.into(), 1);
    }

    /// Notes a guarantee that did not hold.
    pub fn violation(&self, what: impl Into<String>) {
        self.state().violations.push(what.into());
    }

    /// What took place, and which guarantees did not hold.
    pub fn findings(&self) -> (Coverage, Vec<String>) {
        let state = self.state();
        (state.coverage.clone(), state.violations.clone())
    }

    /// Keeps a line for each port call from now on.
    pub fn keep_trace(&self) {
        self.state().trace = Some(Vec::new());
    }

    /// Adds a line to the trace, if one is kept.
    pub fn trace(&self, line: impl FnOnce() -> String) {
        let now = self.true_now();
        let state = &mut *self.state();
        if let Some(trace) = &mut state.trace {
            trace.push(format!("{now} actor {}: {}", state.current, line()));
        }
    }

    /// The trace that was kept.
    pub fn take_trace(&self) -> Vec<String> {
        self.state().trace.take().unwrap_or_default()
    }

    /// Starts an actor beside those there are.
    pub fn spawn(&self, actor: impl Future<Output = ()> + Send + 'static) {
        let mut state = self.state();
        state.running += 1;
        state.spawned.push(Box::pin(actor));
    }

    /// Lets `duration` pass at once, as if nobody had done anything meanwhile.
    pub fn leap(&self, duration: Duration) {
        self.time.fetch_add(duration.as_nanos() as i64, Ordering::Relaxed);
    }

    /// Sets the clock of the stages ahead of the stores' by `error`.
    pub fn set_clock_error(&self, error: Duration) {
        self.state().offset_ns = error.as_nanos() as i64;
    }

    /// Waits for the scheduler to draw this caller, no earlier than after `delay`.
    pub fn turn(&self, delay: Duration) -> Turn {
        Turn { world: self.clone(), delay_ns: delay.as_nanos() as i64, ticket: None }
    }

    /// Waits until `condition` holds.
    pub async fn until(&self, mut condition: impl FnMut() -> bool) {
        while !condition() {
            self.turn(Duration::from_millis(100)).await;
        }
    }

    /// How many actors have not ended, the caller's own not counted.
    pub fn others_running(&self) -> usize {
        self.state().running.saturating_sub(1)
    }

    /// Runs `work`, which may die between any two of its port calls: `None` then, and nothing of it is left.
    pub async fn mortal<T>(&self, who: &str, work: impl Future<Output = T> + Send) -> Option<T> {
        let doom = {
            let state = &mut *self.state();
            let dies = state.chance.hit(state.rates.crash);
            dies.then(|| {
                let most_steps = *state.chance.pick(&[3, 10, 40]);
                1 + state.chance.below(most_steps)
            })
        };
        let Some(mut steps_left) = doom else { return Some(work.await) };
        let mut work = pin!(work);
        let outcome = poll_fn(|context| match steps_left {
            0 => Poll::Ready(None),
            _ => {
                steps_left -= 1;
                work.as_mut().poll(context).map(Some)
            }
        });
        let outcome = outcome.await;
        if outcome.is_none() {
            self.cover(format!("crash of {who}"));
            self.trace(|| format!("{who} dies"));
        }
        outcome
    }

    /// What stands between a caller and a port: the wait for its turn, then perhaps a refusal, or
    /// an answer that is late or lost although the effect took place.
    pub async fn call<T: fmt::Debug>(
        &self,
        operation: &'static str,
        effect: impl Future<Output = Result<T, StoreError>> + Send,
    ) -> Result<T, StoreError> {
        let delay = self.delay(operation);
        self.turn(delay).await;
        if let Some(refusal) = self.refusal(operation) {
            self.trace(|| format!("{operation} refused"));
            return Err(refusal);
        }
        let outcome = effect.await;
        self.trace(|| format!("{operation} gives {outcome:?}"));
        if self.chance(|chance| chance.hit(0.5)) {
            let delay = self.delay(operation);
            self.turn(delay).await;
        }
        let state = &mut *self.state();
        if outcome.is_ok() && state.chance.hit(state.rates.lose) {
            state.coverage.add(format!("lost answer of {operation}"), 1);
            if let Some(trace) = &mut state.trace {
                trace.push(format!("    its answer to actor {} is lost", state.current));
            }
            return Err(StoreError::Transient(format!("the answer of {operation} was lost")));
        }
        outcome
    }

    fn refusal(&self, operation: &'static str) -> Option<StoreError> {
        let state = &mut *self.state();
        if !state.chance.hit(state.rates.refuse) {
            return None;
        }
        if operation.contains(".put") && state.chance.hit(0.3) {
            state.coverage.add(format!("half-done {operation}"), 1);
            return Some(StoreError::Transient(format!("the connection broke in the middle of {operation}")));
        }
        state.coverage.add(format!("refused {operation}"), 1);
        Some(match state.chance.hit(0.5) {
            true => StoreError::Throttled(format!("too many {operation}")),
            false => StoreError::Transient(format!("{operation} failed")),
        })
    }

    fn delay(&self, operation: &'static str) -> Duration {
        let state = &mut *self.state();
        if !state.chance.hit(state.rates.delay) {
            return Duration::ZERO;
        }
        state.coverage.add(format!("late {operation}"), 1);
        // Mostly seconds; now and then so long that leases run out and others take over.
        let most_ms = if state.chance.hit(0.05) { 120_000 } else { 3_000 };
        Duration::from_millis(state.chance.below(most_ms))
    }

    /// Runs `script` to its end with all actors it spawns. False when nothing moves any more.
    pub fn run(&self, script: impl Future<Output = ()> + Send + 'static) -> bool {
        self.state().driven = true;
        self.spawn(script);
        let woken: Arc<Mutex<VecDeque<usize>>> = Arc::default();
        let mut tasks: Vec<Option<Task>> = Vec::new();
        for _ in 0..MOST_DRAWS {
            loop {
                for task in std::mem::take(&mut self.state().spawned) {
                    woken.lock().unwrap_or_else(PoisonError::into_inner).push_back(tasks.len());
                    tasks.push(Some(task));
                }
                let next = woken.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
                let Some(index) = next else { break };
                let Some(task) = &mut tasks[index] else { continue };
                self.state().current = index;
                let waker = Waker::from(Arc::new(TaskWaker { index, woken: woken.clone() }));
                if task.as_mut().poll(&mut Context::from_waker(&waker)).is_ready() {
                    tasks[index] = None;
                    self.state().running -= 1;
                }
            }
            if tasks.first().is_none_or(Option::is_none) {
                return true;
            }
            if !self.draw() {
                return false;
            }
        }
        false
    }

    /// Draws one ticket that is due. False when there is none at all.
    fn draw(&self) -> bool {
        let state = &mut *self.state();
        let waiting = state.tickets.values().filter(|ticket| !ticket.drawn);
        let Some(first_due_ns) = waiting.map(|ticket| ticket.due_ns).min() else { return false };
        let step_ns = state.chance.below(MOST_BETWEEN_DRAWS_NS) as i64;
        let now_ns = (self.true_now().0 + step_ns).max(first_due_ns);
        self.time.store(now_ns, Ordering::Relaxed);
        let due: Vec<u64> = (state.tickets.iter())
            .filter(|(_, ticket)| !ticket.drawn && ticket.due_ns <= now_ns)
            .map(|(number, _)| *number)
            .collect();
        let number = *state.chance.pick(&due);
        if let Some(ticket) = state.tickets.get_mut(&number) {
            ticket.drawn = true;
            ticket.waker.wake_by_ref();
        }
        if state.chance.hit(state.rates.clock_jump) {
            // Mostly what a clock being set right does, now and then a quarter of an hour.
            let most_ns = if state.chance.hit(0.2) { state.rates.clock_error_ns } else { 20 * NS_PER_SECOND };
            let before_ns = state.offset_ns;
            state.offset_ns = state.chance.within(-most_ns, most_ns);
            let direction = if state.offset_ns < before_ns { "back" } else { "forward" };
            state.coverage.add(format!("clock jumped {direction}"), 1);
        }
        true
    }
}

impl Clock for World {
    fn now(&self) -> Timestamp {
        let offset_ns = self.state().offset_ns;
        self.true_now().plus_ns(offset_ns)
    }

    fn sleep(&self, duration: Duration) -> impl Future<Output = ()> + Send {
        self.turn(duration)
    }
}

impl Ids for World {
    fn fresh(&self) -> u128 {
        let state = &mut *self.state();
        state.next_id += 1;
        // The counter makes it unique, the rest makes it look like one.
        let random = state.chance.bits();
        u128::from(random) << 64 | u128::from(state.next_id)
    }
}

struct TaskWaker {
    index: usize,
    woken: Arc<Mutex<VecDeque<usize>>>,
}

impl Wake for TaskWaker {
    fn wake(self: Arc<Self>) {
        let mut woken = self.woken.lock().unwrap_or_else(PoisonError::into_inner);
        if !woken.contains(&self.index) {
            woken.push_back(self.index);
        }
    }
}

/// The wait of [`World::turn`]. Over at once in a world that nobody runs.
pub struct Turn {
    world: World,
    delay_ns: i64,
    ticket: Option<u64>,
}

impl Future for Turn {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let world = self.world.clone();
        let state = &mut *world.state();
        let Some(number) = self.ticket else {
            if !state.driven {
                return Poll::Ready(());
            }
            let number = state.next_ticket;
            state.next_ticket += 1;
            let due_ns = world.true_now().0.saturating_add(self.delay_ns);
            state.tickets.insert(number, Ticket { waker: context.waker().clone(), due_ns, drawn: false });
            self.ticket = Some(number);
            return Poll::Pending;
        };
        match state.tickets.get_mut(&number) {
            Some(ticket) if !ticket.drawn => {
                ticket.waker.clone_from(context.waker());
                Poll::Pending
            }
            _ => {
                state.tickets.remove(&number);
                Poll::Ready(())
            }
        }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        if let Some(number) = self.ticket {
            self.world.state().tickets.remove(&number);
        }
    }
}
