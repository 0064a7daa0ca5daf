//! The run of a search: plan, hand out, merge, store.

use std::future::Future;
use std::pin::{Pin, pin};
use std::time::Duration;

use futures_util::future::{Either, select};
use futures_util::stream::{FuturesUnordered, StreamExt};
use trawl_api::search::{Aggregates, Cost, Order, Progress, Status};
use trawl_event::{Evidence, TenantId, Timestamp};
use trawl_query::{Output, Partial, Query, SortKey};
use trawl_store::ports::{
    Catalog, Clock, Ids, Launcher, RowKey, ScanEvent, ScanResult, ScanTask, SearchId, Searches, Source, StoreError,
    Stream, Unreadable, Version, Workers,
};

use crate::Coordinator;
use crate::merge::Merge;
use crate::pages::Pages;
use crate::plan::{Planned, plan};
use crate::state::{HEARTBEAT, LEASE, PLAN_PAGE, Resume, SearchState, after};

/// How often one task is tried.
const ATTEMPTS: u32 = 4;
/// The pause before the second attempt; it doubles with each.
const FIRST_BACKOFF: Duration = Duration::from_millis(100);
/// How often the state is written while nothing new is to be seen.
const SAVE_EVERY: Duration = Duration::from_millis(200);
/// As [`SAVE_EVERY`], for a state of more than [`LARGE_STATE_BYTES`].
const SAVE_LARGE_EVERY: Duration = Duration::from_secs(2);
/// Bytes of a state that is large: it may go through an object.
const LARGE_STATE_BYTES: usize = 100_000;
/// How often a run notes what it has for one that would have to go on: so much work may be done twice.
const CHECKPOINT_EVERY: Duration = Duration::from_secs(2);
/// How long a task goes on trying while there is no room for it.
const THROTTLED_PATIENCE: Duration = Duration::from_secs(60);
/// The longest pause between two attempts.
const LAST_BACKOFF: Duration = Duration::from_secs(4);
/// How long before its end a run hands over to the next: long enough to write its state several times.
const HANDOVER: Duration = Duration::from_secs(20);
/// Tasks that a search begins with when its first events are all it wants, beside its tails.
const FIRST_WAVE: usize = 1;
/// Most bytes of an aggregate's JSON: a Lambda response carries 6 MB.
const AGGREGATE_BYTES: usize = 5_000_000;

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
enum Stop {
    /// A port failed for good.
    Store(StoreError),
    /// The caller cancelled, or the state is gone.
    Gone,
    /// The query cannot be answered.
    Failed { code: String, message: String },
    /// This run is at its end and the search is not.
    HandedOver,
}

impl From<StoreError> for Stop {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// What a search collects, by the form of its result.
enum Collected {
    Events,
    Sorted(Vec<ScanEvent>),
    Table(Partial),
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
        state.run = Some(SearchId(self.clock.fresh()));
        match &state.resume {
            Some(resume) => {
                (state.progress, state.cost) = (resume.progress, resume.cost);
                state.missing.clone_from(&resume.missing);
            }
            // Nothing that counts was found yet.
            None => {
                (state.progress, state.cost, state.missing, state.pages) = Default::default();
            }
        }
        state.begin_pages();
        let mut run = Run {
            coordinator: self,
            tenant,
            id,
            version,
            saved: now,
            state_bytes: 0,
            checkpointed: now,
            is_plan_stored: state.resume.is_some(),
            until,
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

    /// Runs a task until it succeeds or trying again will not help. Where there is only no room for it,
    /// it goes on trying for longer.
    pub(crate) async fn attempt(&self, index: usize, task: ScanTask) -> (usize, Result<ScanResult, StoreError>) {
        let began = self.clock.now();
        let mut pause = FIRST_BACKOFF;
        let mut failures = 0;
        loop {
            let error = match self.workers.run(task.clone()).await {
                Err(error) if error.is_retryable() => error,
                outcome => return (index, outcome),
            };
            let goes_on = match &error {
                StoreError::Throttled(_) => self.clock.now() < after(began, THROTTLED_PATIENCE),
                _ => {
                    failures += 1;
                    failures < ATTEMPTS
                }
            };
            if !goes_on {
                return (index, Err(error));
            }
            tracing::debug!(task = task.number, %error, "task failed, trying again");
            self.clock.sleep(pause).await;
            pause = (pause * 2).min(LAST_BACKOFF);
        }
    }
}

struct Run<'c, S, K, Q, W, L, C> {
    coordinator: &'c Coordinator<S, K, Q, W, L, C>,
    tenant: &'c TenantId,
    id: SearchId,
    version: Version,
    saved: Timestamp,
    /// Bytes of the state as it was written last.
    state_bytes: usize,
    /// When the aggregate was noted last for a run that would have to go on.
    checkpointed: Timestamp,
    is_plan_stored: bool,
    until: Option<Timestamp>,
    state: SearchState,
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
        let (mut collected, limit) = match query.output() {
            Output::Table => match Partial::new(&query) {
                Some(partial) => (Collected::Table(partial), 0),
                None => return Err(StoreError::Permanent("the query has a table without an aggregate".into()).into()),
            },
            Output::Events { sort, limit, .. } => {
                let limit = limit.unwrap_or(usize::MAX).min(self.state.asked.limit);
                (if sort.is_some() { Collected::Sorted(Vec::new()) } else { Collected::Events }, limit)
            }
        };
        let resume = self.state.resume.clone();
        let mut planned = match &resume {
            Some(_) => self.stored_plan().await?,
            None => self.plan(&query.evidence(), limit).await?,
        };
        let plan = planned.clone();
        let ordered = matches!(collected, Collected::Events);
        let (mut reached, mut ended_before) = ((None, 0), Vec::new());
        if let Some(resume) = resume {
            reached = (resume.last, resume.given);
            planned.retain(|planned| !resume.ended.contains(&planned.task.number));
            for planned in planned.iter_mut().filter(|_| ordered) {
                planned.task.after = resume.last;
            }
            match &mut collected {
                Collected::Events => {}
                Collected::Sorted(events) => *events = resume.sorted,
                Collected::Table(partial) => *partial = resume.partial.unwrap_or_else(|| partial.clone()),
            }
            ended_before = resume.ended;
        }
        let tails = planned.iter().filter(|planned| matches!(planned.task.source, Source::Tail { .. })).count();
        // Who wants the first events only is served by the first tasks; others begin when these
        // turn out not to hold enough. An aggregate needs all tasks, so nothing is in vain.
        let first_wave = if ordered && limit > 0 { tails.max(FIRST_WAVE) } else { usize::MAX };
        self.state.progress.tasks_total = plan.len() as u64;
        self.state.progress.tasks_done = ended_before.len() as u64;
        let mut merge = Merge::new(planned, self.state.asked.order == Order::Desc);
        let place = (self.state.pages, self.state.page_number(self.state.pages) - self.state.pages);
        let mut pages = Pages::new(&coordinator.searches, self.tenant, self.id, place, reached);
        let matched_before = if ordered { reached.1 } else { 0 };
        let mut left = limit.saturating_sub(matched_before as usize);
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
                let resume = self.resume(&pages, &collected, &merge, &ended_before);
                return self.hand_over(&plan, resume, pages.stored()).await;
            };
            ended += 1;
            self.state.progress.tasks_done += 1;
            match outcome {
                Ok(result) => {
                    self.state.count(&result);
                    self.state.progress.tasks_total += u64::from(result.more && ordered);
                    self.note_unreadable(merge.task(index), &result);
                    self.collect(&mut collected, &mut merge, index, result, limit)?;
                    if ordered {
                        self.state.progress.events_matched = matched_before + merge.matched();
                    }
                }
                Err(error) => {
                    let task = merge.give_up(index);
                    self.state.missing.push(format!("{}: {error}", describe(&task.source)));
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
            self.show(&mut pages, &collected, &query, (&plan, &merge, &ended_before)).await?;
        }
        self.finish(pages, collected, &query).await
    }

    /// The plan of the run before.
    async fn stored_plan(&self) -> Result<Vec<Planned>, StoreError> {
        let lost = |reason: String| StoreError::Permanent(format!("the plan of the search cannot be read: {reason}"));
        let stored = self.coordinator.searches.page(self.tenant, self.id, PLAN_PAGE).await?;
        let stored = stored.ok_or_else(|| lost("it is gone".into()))?;
        serde_json::from_slice(&stored).map_err(|error| lost(error.to_string()))
    }

    /// Where another run would go on.
    fn resume(&self, pages: &Pages<'_, Q>, collected: &Collected, merge: &Merge, ended_before: &[u32]) -> Resume {
        let (last, given) = pages.reached();
        // Events given out into the open page are not in the pages that count, so a task whose last events
        // these are has not ended.
        let is_open = matches!(collected, Collected::Events) && pages.is_open();
        let ended = if is_open { merge.given_up() } else { merge.exhausted() };
        let (partial, sorted) = match collected {
            Collected::Events => (None, Vec::new()),
            Collected::Sorted(events) => (None, events.clone()),
            Collected::Table(partial) => (Some(partial.clone()), Vec::new()),
        };
        Resume {
            last,
            given,
            ended: ended_before.iter().copied().chain(ended).collect(),
            partial,
            sorted,
            progress: self.state.progress,
            cost: self.state.cost,
            missing: self.state.missing.clone(),
        }
    }

    /// Notes where another run would go on; the plan before the first such note.
    async fn note(&mut self, plan: &[Planned], resume: Resume) -> Result<(), Stop> {
        if !self.is_plan_stored {
            let json = serde_json::to_vec(plan).map_err(|error| StoreError::Permanent(error.to_string()))?;
            self.coordinator.searches.put_page(self.tenant, self.id, PLAN_PAGE, json.into()).await?;
            self.is_plan_stored = true;
        }
        self.state.resume = Some(resume);
        Ok(())
    }

    /// Leaves the search to another run.
    async fn hand_over(&mut self, plan: &[Planned], resume: Resume, pages: u32) -> Result<(), Stop> {
        self.note(plan, resume).await?;
        self.state.pages = pages;
        self.state.run = None;
        self.save().await?;
        Err(Stop::HandedOver)
    }

    /// Names the segments that a worker left out. A task that goes on says so again, which counts once.
    fn note_unreadable(&mut self, task: &ScanTask, result: &ScanResult) {
        for missing in left_out(&task.source, result) {
            if !self.state.missing.contains(&missing) {
                self.state.missing.push(missing);
            }
        }
    }

    async fn plan(&self, evidence: &Evidence, limit: usize) -> Result<Vec<Planned>, StoreError> {
        let Coordinator { stream, catalog, clock, .. } = self.coordinator;
        let mut pause = FIRST_BACKOFF;
        for _ in 1..ATTEMPTS {
            match plan(stream, catalog, self.tenant, &self.state.asked, evidence, limit).await {
                Err(error) if error.is_retryable() => {
                    clock.sleep(pause).await;
                    pause *= 2;
                }
                outcome => return outcome,
            }
        }
        plan(stream, catalog, self.tenant, &self.state.asked, evidence, limit).await
    }

    /// Waits for a task to end, with a sign of life in between; `None` when this run has to end first.
    async fn next(
        &mut self,
        running: &mut FuturesUnordered<Attempt<'c>>,
    ) -> Result<Option<(usize, Result<ScanResult, StoreError>)>, Stop> {
        loop {
            let now = self.coordinator.clock.now();
            if self.until.is_some_and(|until| after(now, HANDOVER) >= until) {
                return Ok(None);
            }
            let heartbeat = pin!(self.coordinator.clock.sleep(HEARTBEAT));
            match select(running.next(), heartbeat).await {
                Either::Left((Some(ended), _)) => return Ok(Some(ended)),
                Either::Left((None, _)) => return Err(StoreError::Permanent("no task is running".into()).into()),
                Either::Right(_) => self.save().await?,
            }
        }
    }

    fn collect(
        &mut self,
        collected: &mut Collected,
        merge: &mut Merge,
        index: usize,
        mut result: ScanResult,
        limit: usize,
    ) -> Result<(), Stop> {
        if let Some(error) = result.query_error.take() {
            return Err(Stop::Failed { code: error.code.as_str().to_owned(), message: error.to_string() });
        }
        match collected {
            Collected::Events => {
                merge.deliver(index, result);
            }
            Collected::Sorted(events) => {
                self.state.progress.events_matched += result.events_matched;
                if result.more && result.events.len() < limit {
                    return Err(Stop::Failed {
                        code: "result_too_large".into(),
                        message: "the events to sort are too large: lower the limit, or pick fields with a fields pipe"
                            .into(),
                    });
                }
                events.append(&mut result.events);
                let newest_first = self.state.asked.order == Order::Desc;
                events
                    .sort_unstable_by(|one, other| sort_order(one, newest_first).cmp(&sort_order(other, newest_first)));
                events.truncate(limit);
                merge.deliver(index, ScanResult::default());
            }
            Collected::Table(total) => {
                self.state.progress.events_matched += result.events_matched;
                if let Some(partial) = result.partial.take() {
                    total.merge(partial).map_err(|error| Stop::Failed {
                        code: error.code.as_str().to_owned(),
                        message: error.to_string(),
                    })?;
                }
                merge.deliver(index, ScanResult::default());
            }
        }
        Ok(())
    }

    /// Lets the caller see how far the search is: the first page at once, later ones as they fill.
    async fn show(
        &mut self,
        pages: &mut Pages<'_, Q>,
        collected: &Collected,
        query: &Query,
        (plan, merge, ended_before): (&[Planned], &Merge, &[u32]),
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
            let resume = self.resume(pages, collected, merge, ended_before);
            self.note(plan, resume).await?;
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
    async fn save(&mut self) -> Result<(), Stop> {
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
                    Some((version, stored)) if version == expected => {
                        debug_assert!(stored != body);
                        expected = version;
                    }
                    _ => return Err(Stop::Gone),
                },
                Err(error) if error.is_retryable() => self.coordinator.clock.sleep(FIRST_BACKOFF).await,
                Err(error) => return Err(error.into()),
            }
        }
        Err(StoreError::Transient("the state of the search could not be written".into()).into())
    }
}

/// The order of a `sort` pipe, ties in the order of the search.
fn sort_order(event: &ScanEvent, newest_first: bool) -> (Option<&SortKey>, (RowKey, std::cmp::Reverse<RowKey>)) {
    let nowhere = RowKey { timestamp: trawl_event::Timestamp(0), source: 0, row: 0 };
    let place =
        if newest_first { (nowhere, std::cmp::Reverse(event.key)) } else { (event.key, std::cmp::Reverse(nowhere)) };
    (event.sort.as_ref(), place)
}

fn aggregates(partial: &Partial, query: &Query) -> Result<Aggregates, Stop> {
    let table = partial.finish(query);
    let value = serde_json::to_value(&table).map_err(|error| StoreError::Permanent(error.to_string()))?;
    let aggregates: Aggregates =
        serde_json::from_value(value).map_err(|error| StoreError::Permanent(error.to_string()))?;
    let size = serde_json::to_vec(&aggregates).map_or(usize::MAX, |json| json.len());
    if size > AGGREGATE_BYTES {
        return Err(Stop::Failed {
            code: "result_too_large".into(),
            message: format!("the table has {size} bytes, the limit is {AGGREGATE_BYTES}: add a limit or top pipe"),
        });
    }
    Ok(aggregates)
}

/// The segments that a worker left out of its result, for people.
pub(crate) fn left_out(source: &Source, result: &ScanResult) -> Vec<String> {
    let Source::Segments(rows) = source else { return Vec::new() };
    let named = |Unreadable { place, reason }: &Unreadable| {
        let row = rows.get(*place as usize).cloned();
        format!("{}: {reason}", describe(&Source::Segments(row.into_iter().collect())))
    };
    result.unreadable.iter().map(named).collect()
}

/// What a task would have read, for people.
pub(crate) fn describe(source: &Source) -> String {
    match source {
        Source::Tail { shard, .. } => format!("events in flight on shard {shard}"),
        Source::Segments(rows) => {
            let first = rows.iter().map(|row| row.first).min();
            let last = rows.iter().map(|row| row.last).max();
            let events: u64 = rows.iter().map(|row| row.events).sum();
            let keys: Vec<&str> = rows.iter().map(|row| row.key.as_str()).collect();
            match (first, last) {
                (Some(first), Some(last)) => {
                    format!("{events} events from {first} to {last} in {}", keys.join(", "))
                }
                _ => keys.join(", "),
            }
        }
    }
}
