//! The run of a search: plan, hand out, merge, store.

use std::future::Future;
use std::pin::{Pin, pin};
use std::time::Duration;

use futures_util::future::{Either, select};
use futures_util::stream::{FuturesUnordered, StreamExt};
use trawl_api::search::{Aggregates, Order, Status};
use trawl_event::{Evidence, TenantId};
use trawl_query::{Output, Partial, Query, SortKey};
use trawl_store::ports::{
    Catalog, Clock, Ids, Launcher, RowKey, ScanEvent, ScanResult, ScanTask, SearchId, Searches, Source, StoreError,
    Stream, Unreadable, Version, Workers,
};

use crate::Coordinator;
use crate::merge::Merge;
use crate::pages::Pages;
use crate::plan::{Planned, plan};
use crate::state::{HEARTBEAT, LEASE, SearchState, after};

/// How often one task is tried.
const ATTEMPTS: u32 = 4;
/// The pause before the second attempt; it doubles with each.
const FIRST_BACKOFF: Duration = Duration::from_millis(100);
/// How often the state is written while nothing new is to be seen.
const SAVE_EVERY: Duration = Duration::from_millis(200);
/// Tasks that a search begins with when its first events are all it wants, beside its tails.
const FIRST_WAVE: usize = 1;
/// Most bytes of an aggregate's JSON: a Lambda response carries 6 MB.
const AGGREGATE_BYTES: usize = 5_000_000;

/// Why a run ended early.
enum Stop {
    /// A port failed for good.
    Store(StoreError),
    /// The caller cancelled, or the state is gone.
    Gone,
    /// The query cannot be answered.
    Failed { code: String, message: String },
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
    /// Runs a search that was created before. Its outcome is in its state.
    pub async fn run(&self, tenant: &TenantId, id: SearchId) -> Result<(), StoreError> {
        let Some((version, bytes)) = self.searches.state(tenant, id).await? else { return Ok(()) };
        let mut state = SearchState::decode(&bytes)?;
        // A launch may arrive twice. Two runs would plan at different moments and write over each
        // other's pages, so the first to note itself is the only one.
        if state.status != Status::Running || state.run.is_some() {
            return Ok(());
        }
        state.run = Some(SearchId(self.clock.fresh()));
        let mut run = Run { coordinator: self, tenant, id, version, saved: self.clock.now(), state };
        let started = run.save().await;
        let outcome = if started.is_ok() { run.work().await } else { started };
        let (code, message) = match outcome {
            Ok(()) | Err(Stop::Gone) => return Ok(()),
            Err(Stop::Store(error)) => ("search_failed".to_owned(), error.to_string()),
            Err(Stop::Failed { code, message }) => (code, message),
        };
        tracing::warn!(%id, code, message, "search failed");
        run.state.fail(&code, message);
        match run.save().await {
            Ok(()) | Err(Stop::Gone) => Ok(()),
            Err(Stop::Store(error)) => Err(error),
            Err(Stop::Failed { message, .. }) => Err(StoreError::Permanent(message)),
        }
    }

    /// Runs a task until it succeeds or trying again will not help.
    pub(crate) async fn attempt(&self, index: usize, task: ScanTask) -> (usize, Result<ScanResult, StoreError>) {
        let mut pause = FIRST_BACKOFF;
        for _ in 1..ATTEMPTS {
            match self.workers.run(task.clone()).await {
                Err(error) if error.is_retryable() => {
                    tracing::debug!(task = task.number, %error, "task failed, trying again");
                    self.clock.sleep(pause).await;
                    pause *= 2;
                }
                outcome => return (index, outcome),
            }
        }
        (index, self.workers.run(task).await)
    }
}

struct Run<'c, S, K, Q, W, L, C> {
    coordinator: &'c Coordinator<S, K, Q, W, L, C>,
    tenant: &'c TenantId,
    id: SearchId,
    version: Version,
    saved: trawl_event::Timestamp,
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
        let planned = self.plan(&query.evidence(), limit).await?;
        let ordered = matches!(collected, Collected::Events);
        let tails = planned.iter().filter(|planned| matches!(planned.task.source, Source::Tail { .. })).count();
        // Who wants the first events only is served by the first tasks; others begin when these
        // turn out not to hold enough. An aggregate needs all tasks, so nothing is in vain.
        let first_wave = if ordered && limit > 0 { tails.max(FIRST_WAVE) } else { usize::MAX };
        self.state.progress.tasks_total = planned.len() as u64;
        let mut merge = Merge::new(planned, self.state.asked.order == Order::Desc);
        let mut pages = Pages::new(&coordinator.searches, self.tenant, self.id);
        let mut left = limit;
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
            let (index, outcome) = self.next(&mut running).await?;
            ended += 1;
            self.state.progress.tasks_done += 1;
            match outcome {
                Ok(result) => {
                    self.state.count(&result);
                    self.state.progress.tasks_total += u64::from(result.more && ordered);
                    self.note_unreadable(merge.task(index), &result);
                    self.collect(&mut collected, &mut merge, index, result, limit)?;
                }
                Err(error) => {
                    let task = merge.give_up(index);
                    self.state.missing.push(format!("{}: {error}", describe(&task.source)));
                }
            }
            while left > 0 && ordered {
                let Some(event) = merge.pop() else { break };
                pages.push(&event.json).await?;
                left -= 1;
            }
            if ordered && limit > 0 && left == 0 {
                break;
            }
            self.show(&mut pages, &collected, &query).await?;
        }
        self.finish(pages, collected, &query).await
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

    /// Waits for a task to end, with a sign of life in between.
    async fn next(
        &mut self,
        running: &mut FuturesUnordered<Attempt<'c>>,
    ) -> Result<(usize, Result<ScanResult, StoreError>), Stop> {
        loop {
            let heartbeat = pin!(self.coordinator.clock.sleep(HEARTBEAT));
            match select(running.next(), heartbeat).await {
                Either::Left((Some(ended), _)) => return Ok(ended),
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
                self.state.progress.events_matched = merge.matched();
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
    async fn show(&mut self, pages: &mut Pages<'_, Q>, collected: &Collected, query: &Query) -> Result<(), Stop> {
        if pages.stored() == 0 {
            pages.flush().await?;
        }
        let is_due = self.coordinator.clock.now() >= after(self.saved, SAVE_EVERY);
        if pages.stored() > self.state.pages || is_due {
            self.state.pages = pages.stored();
            if let Collected::Table(partial) = collected {
                self.state.aggregates = aggregates(partial, query).ok();
            }
            self.save().await?;
        }
        Ok(())
    }

    async fn finish(&mut self, mut pages: Pages<'_, Q>, collected: Collected, query: &Query) -> Result<(), Stop> {
        match collected {
            Collected::Events => {}
            Collected::Sorted(events) => {
                for event in events {
                    pages.push(&event.json).await?;
                }
            }
            Collected::Table(partial) => self.state.aggregates = Some(aggregates(&partial, query)?),
        }
        pages.flush().await?;
        self.state.pages = pages.stored();
        self.state.progress.tasks_total = self.state.progress.tasks_total.max(self.state.progress.tasks_done);
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
