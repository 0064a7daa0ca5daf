//! The run of a search: plan, hand out, merge, store.

use std::future::Future;
use std::pin::{Pin, pin};
use std::time::Duration;

use futures_util::future::{Either, select};
use futures_util::stream::{FuturesUnordered, StreamExt};
use trawl_api::search::{Cost, Order, Progress, Status};
use trawl_event::{Evidence, TenantId, Timestamp};
use trawl_query::Query;
use trawl_store::ports::{
    Catalog, Clock, Ids, Launcher, ScanResult, SearchId, Searches, Source, StoreError, Stream, Version, Workers,
};

use crate::Coordinator;
use crate::attempt::{ATTEMPTS, FIRST_BACKOFF};
use crate::collect::{Collected, aggregates};
use crate::describe::{describe, left_out};
use crate::merge::Merge;
use crate::pages::Pages;
use crate::plan::{Planned, plan};
use crate::resume::Before;
use crate::state::{HEARTBEAT, INTERRUPTED, LEASE, SearchState, after};

/// How often the state is written while nothing new is to be seen.
const SAVE_EVERY: Duration = Duration::from_millis(200);
/// As [`SAVE_EVERY`], for a state of more than [`LARGE_STATE_BYTES`].
const SAVE_LARGE_EVERY: Duration = Duration::from_secs(2);
/// Bytes of a state that is large: it may go through an object.
const LARGE_STATE_BYTES: usize = 100_000;
/// How often a run notes what it has for one that would have to go on: so much work may be done twice.
const CHECKPOINT_EVERY: Duration = Duration::from_secs(2);
/// How long before its end a run hands over to the next, at most: long enough to write its state several times.
const HANDOVER: Duration = Duration::from_secs(20);
/// A run works for this share of its time at least, however short that is: all but a quarter.
const HANDOVER_SHARE: u32 = 4;
/// Tasks that a search begins with when its first events are all it wants, beside its tails.
const FIRST_WAVE: usize = 1;

/// What became of a run.
#[derive(Clone, Debug)]
pub struct RunOutcome {
    /// Where the search stands.
    pub status: Status,
    /// How far it came.
    pub progress: Progress,
    /// What it cost.
    pub cost: Cost,
    /// Whether this run did anything: another may have been at it, or have ended it.
    pub worked: bool,
}

impl RunOutcome {
    fn of(state: &SearchState, worked: bool) -> Self {
        Self { status: state.status, progress: state.progress, cost: state.cost, worked }
    }
}

/// Why a run ended early.
pub(crate) enum Stop {
    /// A port failed for good.
    Store(StoreError),
    /// The caller cancelled, or the state is gone.
    Gone,
    /// The query cannot be answered.
    Failed { code: String, message: String },
    /// This run is at its end and the search is not.
    HandedOver,
}

impl Stop {
    /// Runs died, or got nowhere, too often.
    pub(crate) fn interrupted() -> Self {
        let message = "the runs of this search were interrupted again and again: start it anew".into();
        Self::Failed { code: INTERRUPTED.into(), message }
    }
}

impl From<StoreError> for Stop {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
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
    /// Runs a search that was created before, or goes on where a run before ended. Its outcome is in its state.
    /// Before `until` the run hands over to another one, which it launches.
    pub async fn run(
        &self,
        tenant: &TenantId,
        id: SearchId,
        until: Option<Timestamp>,
    ) -> Result<RunOutcome, StoreError> {
        let Some((version, bytes)) = self.searches.state(tenant, id).await? else {
            let (progress, cost) = (Progress::default(), Cost::default());
            return Ok(RunOutcome { status: Status::Cancelled, progress, cost, worked: false });
        };
        let mut state = SearchState::decode(&bytes)?;
        let now = self.clock.now();
        // A launch may arrive twice. Of two runs at once the first to note itself goes on; one that is
        // alive is left alone.
        if state.status != Status::Running || (state.run.is_some() && !state.is_abandoned(now)) {
            return Ok(RunOutcome::of(&state, false));
        }
        let plan_page = state.begin(SearchId(self.clock.fresh()))?;
        let before = state.resume.as_ref().map(Before::from).unwrap_or_default();
        let mut run = Run {
            coordinator: self,
            tenant,
            id,
            version,
            saved: now,
            state_bytes: 0,
            checkpointed: now,
            plan: Vec::new(),
            plan_page: state.resume.as_ref().map_or(plan_page, |resume| resume.plan),
            is_plan_stored: state.resume.is_some(),
            before,
            is_any_task_ended: false,
            hand_over_at: until.map(|until| hand_over_at(now, until)),
            state,
        };
        let started = run.save().await;
        let outcome = if started.is_ok() { run.work().await } else { started };
        let (code, message) = match outcome {
            Ok(()) => return Ok(RunOutcome::of(&run.state, true)),
            // Another run counts from here on.
            Err(Stop::Gone) => return Ok(RunOutcome::of(&run.state, false)),
            Err(Stop::HandedOver) => {
                self.launcher.launch(tenant, id).await?;
                return Ok(RunOutcome::of(&run.state, true));
            }
            Err(Stop::Store(error)) => ("search_failed".to_owned(), error.to_string()),
            Err(Stop::Failed { code, message }) => (code, message),
        };
        tracing::warn!(%id, code, message, "search failed");
        run.state.fail(&code, message);
        match run.save().await {
            Ok(()) => Ok(RunOutcome::of(&run.state, true)),
            Err(Stop::Gone | Stop::HandedOver) => Ok(RunOutcome::of(&run.state, false)),
            Err(Stop::Store(error)) => Err(error),
            Err(Stop::Failed { message, .. }) => Err(StoreError::Permanent(message)),
        }
    }
}

/// When a run that began `now` and is ended at `until` leaves the search to the next.
fn hand_over_at(now: Timestamp, until: Timestamp) -> Timestamp {
    let time = Duration::from_nanos(until.0.saturating_sub(now.0).max(0).unsigned_abs());
    after(now, time - HANDOVER.min(time / HANDOVER_SHARE))
}

pub(crate) struct Run<'c, S, K, Q, W, L, C> {
    pub(crate) coordinator: &'c Coordinator<S, K, Q, W, L, C>,
    pub(crate) tenant: &'c TenantId,
    pub(crate) id: SearchId,
    version: Version,
    saved: Timestamp,
    /// Bytes of the state as it was written last.
    state_bytes: usize,
    /// When it was noted last where another run would go on.
    checkpointed: Timestamp,
    pub(crate) plan: Vec<Planned>,
    /// The page that holds the plan, once it is stored.
    pub(crate) plan_page: u32,
    pub(crate) is_plan_stored: bool,
    pub(crate) before: Before,
    /// Whether this run got anywhere.
    pub(crate) is_any_task_ended: bool,
    hand_over_at: Option<Timestamp>,
    pub(crate) state: SearchState,
}

type Attempt<'c> = Pin<Box<dyn Future<Output = (usize, Result<ScanResult, StoreError>)> + Send + 'c>>;

impl<'c, S, K, Q, W, L, C> Run<'c, S, K, Q, W, L, C>
where
    S: Stream,
    K: Catalog,
    Q: Searches,
    W: Workers,
    L: Launcher,
    C: Clock + Ids,
{
    async fn work(&mut self) -> Result<(), Stop> {
        let coordinator = self.coordinator;
        let query = Query::parse(&self.state.asked.query)
            .map_err(|error| Stop::Failed { code: error.code.as_str().to_owned(), message: error.to_string() })?;
        let (mut collected, limit) = Collected::new(&query, &self.state.asked)?;
        self.plan = match &self.state.resume {
            Some(resume) => self.stored_plan(resume.plan).await?,
            None => self.plan(&query.evidence(), limit).await?,
        };
        if let Some(resume) = &self.state.resume {
            collected.restore(resume);
        }
        let ordered = collected.is_ordered();
        let planned = self.left_to_do(ordered);
        let tails = planned.iter().filter(|planned| matches!(planned.task.source, Source::Tail { .. })).count();
        // Who wants the first events only is served by the first tasks; others begin when these
        // turn out not to hold enough. An aggregate needs all tasks, so nothing is in vain.
        let first_wave = if ordered && limit > 0 { tails.max(FIRST_WAVE) } else { usize::MAX };
        self.state.progress.tasks_total = self.plan.len() as u64;
        self.state.progress.tasks_done = self.before.ended.len() as u64;
        let mut merge = Merge::new(planned, self.state.asked.order == Order::Desc);
        let place = (self.state.pages, self.state.page_number(self.state.pages) - self.state.pages);
        let reached = (self.before.last, self.before.given);
        let mut pages = Pages::new(&coordinator.searches, self.tenant, self.id, place, reached);
        let mut left = limit.saturating_sub(self.before.given as usize);
        let mut ended = 0usize;
        let mut running: FuturesUnordered<Attempt<'c>> = FuturesUnordered::new();
        loop {
            let wave = if ended < first_wave { first_wave - ended } else { ended.saturating_mul(2) };
            while running.len() < wave.min(coordinator.workers.parallelism()) {
                let Some((index, task)) = merge.next_task() else { break };
                running.push(Box::pin(coordinator.attempt(index, task)));
            }
            if running.is_empty() {
                break;
            }
            let Some((index, outcome)) = self.next(&mut running).await? else {
                return self.hand_over(&mut pages, &collected, &merge).await;
            };
            ended += 1;
            self.is_any_task_ended = true;
            self.state.progress.tasks_done += 1;
            match outcome {
                Ok(result) => {
                    self.state.count(&result);
                    self.state.progress.tasks_total += u64::from(result.more && ordered);
                    for missing in left_out(&merge.task(index).source, &result) {
                        self.state.note_missing(missing);
                    }
                    let SearchState { asked, progress, .. } = &mut self.state;
                    collected.add(&mut merge, index, result, (asked, limit), progress)?;
                    if ordered {
                        progress.events_matched = self.before.given + self.before.not_given + merge.matched();
                    }
                }
                Err(error) => {
                    let task = merge.give_up(index);
                    self.state.note_missing(format!("{}: {error}", describe(&task.source)));
                }
            }
            while left > 0 && ordered {
                let Some(event) = merge.pop() else { break };
                pages.push(&event.json, event.key).await?;
                left -= 1;
            }
            if ordered && limit > 0 && left == 0 {
                break;
            }
            self.show(&mut pages, &collected, &query, &merge).await?;
        }
        self.finish(pages, collected, &query).await
    }

    async fn plan(&self, evidence: &Evidence, limit: usize) -> Result<Vec<Planned>, StoreError> {
        let Coordinator { stream, catalog, clock, .. } = self.coordinator;
        let mut pause = FIRST_BACKOFF;
        for _ in 1..ATTEMPTS {
            match plan(stream, catalog, self.tenant, &self.state.asked, evidence, limit).await {
                Err(error) if error.is_retryable() => {
                    clock.sleep(self.coordinator.spread(pause)).await;
                    pause *= 2;
                }
                outcome => return outcome,
            }
        }
        plan(stream, catalog, self.tenant, &self.state.asked, evidence, limit).await
    }

    /// The tasks that the runs before left, each behind the events that these gave out.
    fn left_to_do(&self, ordered: bool) -> Vec<Planned> {
        let mut planned = self.plan.clone();
        planned.retain(|planned| !self.before.ended.contains(&planned.task.number));
        for planned in planned.iter_mut().filter(|_| ordered) {
            planned.task.after = self.before.last;
        }
        planned
    }

    /// Waits for a task to end, with a sign of life in between; `None` when this run has to end first.
    async fn next(
        &mut self,
        running: &mut FuturesUnordered<Attempt<'c>>,
    ) -> Result<Option<(usize, Result<ScanResult, StoreError>)>, Stop> {
        loop {
            let now = self.coordinator.clock.now();
            let left =
                self.hand_over_at.map(|at| Duration::from_nanos(at.0.saturating_sub(now.0).max(0).unsigned_abs()));
            if left == Some(Duration::ZERO) {
                return Ok(None);
            }
            let heartbeat = left.map_or(HEARTBEAT, |left| left.min(HEARTBEAT));
            let heartbeat = pin!(self.coordinator.clock.sleep(heartbeat));
            match select(running.next(), heartbeat).await {
                Either::Left((Some(ended), _)) => return Ok(Some(ended)),
                Either::Left((None, _)) => return Err(StoreError::Permanent("no task is running".into()).into()),
                Either::Right(_) => self.save().await?,
            }
        }
    }

    /// Lets the caller see how far the search is: the first page at once, later ones as they fill.
    async fn show(
        &mut self,
        pages: &mut Pages<'_, Q>,
        collected: &Collected,
        query: &Query,
        merge: &Merge,
    ) -> Result<(), Stop> {
        let now = self.coordinator.clock.now();
        let is_checkpoint = now >= after(self.checkpointed, CHECKPOINT_EVERY);
        if pages.stored() == 0 || is_checkpoint {
            pages.flush().await?;
        }
        let every = if self.state_bytes > LARGE_STATE_BYTES { SAVE_LARGE_EVERY } else { SAVE_EVERY };
        let has_pages = pages.stored() > self.state.pages;
        if !has_pages && now < after(self.saved, every) {
            return Ok(());
        }
        // Pages that were counted are there for good, so another run has to go on behind them.
        if has_pages || is_checkpoint {
            self.note(pages, collected, merge).await?;
            self.checkpointed = now;
        }
        self.state.pages = pages.stored();
        if let Collected::Table(partial) = collected {
            self.state.aggregates = aggregates(partial, query).ok();
        }
        self.save().await
    }

    async fn finish(&mut self, mut pages: Pages<'_, Q>, collected: Collected, query: &Query) -> Result<(), Stop> {
        match collected {
            Collected::Events => {}
            Collected::Sorted(events) => {
                for event in events {
                    pages.push(&event.json, event.key).await?;
                }
            }
            Collected::Table(partial) => self.state.aggregates = Some(aggregates(&partial, query)?),
        }
        pages.flush().await?;
        self.state.pages = pages.stored();
        self.state.progress.tasks_total = self.state.progress.tasks_total.max(self.state.progress.tasks_done);
        self.state.resume = None;
        self.state.status = if self.state.missing.is_empty() { Status::Complete } else { Status::Partial };
        self.save().await
    }

    /// Writes the state. When somebody else wrote it, the search was cancelled or is gone.
    pub(crate) async fn save(&mut self) -> Result<(), Stop> {
        let now = self.coordinator.clock.now();
        self.saved = now;
        self.state.lease = after(now, LEASE);
        let searches = &self.coordinator.searches;
        let body = self.state.encode()?;
        self.state_bytes = body.len();
        let expires = self.state.expires();
        let mut expected = self.version;
        for _ in 0..ATTEMPTS {
            match searches.put_state(self.tenant, self.id, Some(expected), body.clone(), expires).await {
                Ok(Some(version)) => {
                    self.version = version;
                    return Ok(());
                }
                // An earlier attempt of ours may have been written with its answer lost.
                Ok(None) => match searches.state(self.tenant, self.id).await? {
                    Some((version, stored)) if stored == body => {
                        self.version = version;
                        return Ok(());
                    }
                    Some((version, _)) if version == expected => expected = version,
                    _ => return Err(Stop::Gone),
                },
                Err(error) if error.is_retryable() => {
                    self.coordinator.clock.sleep(self.coordinator.spread(FIRST_BACKOFF)).await;
                }
                Err(error) => return Err(error.into()),
            }
        }
        Err(StoreError::Transient("the state of the search could not be written".into()).into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_works_for_most_of_its_time() {
        let at = |seconds: i64| hand_over_at(Timestamp(0), Timestamp(seconds * 1_000_000_000)).0 / 1_000_000_000;
        assert_eq!((at(900), at(80), at(40), at(4), at(0), at(-5)), (880, 60, 30, 3, 0, 0));
    }
}
