//! The run of a search: plan, hand out, merge, store.

use std::future::Future;
use std::pin::{Pin, pin};
use std::time::Duration;

use futures_util::future::{Either, select};
use futures_util::stream::{FuturesUnordered, StreamExt};
use trawl_api::search::{Cost, Estimate, Progress, Status};
use trawl_event::{Evidence, TenantId, Timestamp};
use trawl_store::ports::{Clock, Ids, Launcher, ScanResult, SearchId, Searches, StoreError, Version};

use crate::attempt::{ATTEMPTS, FIRST_BACKOFF};
use crate::counting::Part;
use crate::plan::Planned;
use crate::resume::Before;
use crate::state::{HEARTBEAT, INTERRUPTED, LEASE, SearchState, after};
use crate::{Coordinator, Ports};

/// How often a run that waits for its tasks looks whether it is still wanted.
const LISTEN_EVERY: Duration = Duration::from_secs(1);
/// How long before its end a run hands over to the next, at most: long enough to write its state several times.
const HANDOVER: Duration = Duration::from_secs(20);
/// A run works for this share of its time at least, however short that is: all but a quarter.
const HANDOVER_SHARE: u32 = 4;

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

    /// More would have to be read than the tenant may.
    pub(crate) fn over_limit(read: u64, most: u64) -> Self {
        let message = format!(
            "the search has read {read} bytes, and the limit of this tenant is {most}: what was found until then is \
             given; narrow the range of time or the query"
        );
        Self::Failed { code: "scan_limit_reached".into(), message }
    }

    /// More would have to be read than the caller allows.
    fn too_large(estimate: &Estimate, most: u64) -> Self {
        let Estimate { segments, bytes, usd } = estimate;
        let message = format!(
            "up to {bytes} bytes in {segments} segments may have to be read (${usd:.4} on AWS), and max_bytes is {most}: \
             narrow the range of time or the query, or allow more"
        );
        Self::Failed { code: "scan_too_large".into(), message }
    }
}

impl From<StoreError> for Stop {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl<P: Ports> Coordinator<P> {
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
        let read_before = state.cost.bytes;
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
        let outcome = match run.save().await {
            Ok(_) => run.work().await,
            Err(stop) => Err(stop),
        };
        if run.state.asked.is_counted {
            self.count_scanned(tenant, run.state.cost.bytes.saturating_sub(read_before)).await;
        }
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
            // Nobody gets more of a search that failed.
            Ok(_) => Ok(RunOutcome::of(&run.state, true)),
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

pub(crate) struct Run<'c, P: Ports> {
    pub(crate) coordinator: &'c Coordinator<P>,
    pub(crate) tenant: &'c TenantId,
    pub(crate) id: SearchId,
    version: Version,
    pub(crate) saved: Timestamp,
    /// Bytes of the state as it was written last.
    pub(crate) state_bytes: usize,
    /// When it was noted last where another run would go on.
    pub(crate) checkpointed: Timestamp,
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

/// Why a task was handed to a worker.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Errand {
    /// For its events, or its part of an aggregate; the task has this index in the merge.
    Look(usize),
    /// To be counted: this part of it.
    Count(Part),
}

/// What became of a task.
pub(crate) type Ended = (Errand, Result<ScanResult, StoreError>);
pub(crate) type Attempt<'c> = Pin<Box<dyn Future<Output = Ended> + Send + 'c>>;

/// What became of writing the state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Saved {
    /// It is written.
    Written,
    /// It was about to say that the search ended, when more events turned out to be wanted.
    MoreWanted,
}

impl<'c, P: Ports> Run<'c, P> {
    /// Plans the search, and notes what that says of it.
    pub(crate) async fn plan(&mut self, evidence: &Evidence, limit: usize) -> Result<Vec<Planned>, Stop> {
        let plan = self.coordinator.plan(self.tenant, &self.state.asked, evidence, limit).await?;
        let now = self.coordinator.clock.now();
        self.state.planned = Some(now);
        self.state.timing.plan_ms = self.state.age_ms(now);
        self.state.deletions = plan.deletions;
        self.state.estimate = Some(plan.estimate);
        match self.state.asked.max_bytes {
            Some(most) if plan.estimate.bytes > most => Err(Stop::too_large(&plan.estimate, most)),
            _ => Ok(plan.tasks),
        }
    }

    /// The tasks that the runs before left, each behind the events that these gave out.
    pub(crate) fn left_to_do(&self, ordered: bool, limit: usize) -> Vec<Planned> {
        let mut planned = self.plan.clone();
        planned.retain(|planned| !self.before.ended.contains(&planned.task.number));
        for planned in planned.iter_mut().filter(|_| ordered) {
            planned.task.after = self.before.last;
            planned.task.limit = limit;
        }
        planned
    }

    /// Waits for a task to end, with a sign of life in between; `None` when this run has to end first.
    pub(crate) async fn next(&mut self, running: &mut FuturesUnordered<Attempt<'c>>) -> Result<Option<Ended>, Stop> {
        loop {
            let now = self.coordinator.clock.now();
            let left =
                self.hand_over_at.map(|at| Duration::from_nanos(at.0.saturating_sub(now.0).max(0).unsigned_abs()));
            if left == Some(Duration::ZERO) {
                return Ok(None);
            }
            let pause = left.map_or(LISTEN_EVERY, |left| left.min(LISTEN_EVERY));
            let pause = pin!(self.coordinator.clock.sleep(pause));
            match select(running.next(), pause).await {
                Either::Left((Some(ended), _)) => return Ok(Some(ended)),
                Either::Left((None, _)) => return Err(StoreError::Permanent("no task is running".into()).into()),
                Either::Right(_) if self.coordinator.clock.now() >= after(self.saved, HEARTBEAT) => {
                    self.save().await?;
                }
                Either::Right(_) => self.listen().await?,
            }
        }
    }

    /// Sees whether the search was cancelled, or more of it is wanted: writing the state would tell, which is done less
    /// often. What cannot be read now can be read next time.
    async fn listen(&mut self) -> Result<(), Stop> {
        match self.coordinator.searches.state(self.tenant, self.id).await {
            Ok(Some((version, _))) if version == self.version => Ok(()),
            Ok(_) => self.save().await.map(|_| ()),
            Err(error) => {
                tracing::debug!(id = %self.id, %error, "the state of the search could not be read");
                Ok(())
            }
        }
    }

    /// Writes the state. When somebody else wrote it, the search was cancelled or is gone, unless all they did was to
    /// want more events.
    pub(crate) async fn save(&mut self) -> Result<Saved, Stop> {
        let now = self.coordinator.clock.now();
        self.saved = now;
        self.state.lease = after(now, LEASE);
        self.state.timing.total_ms = self.state.worked_ms(now);
        let searches = &self.coordinator.searches;
        let mut body = self.state.encode()?;
        self.state_bytes = body.len();
        let expires = self.state.expires();
        let mut expected = self.version;
        for _ in 0..ATTEMPTS {
            match searches.put_state(self.tenant, self.id, Some(expected), body.clone(), expires).await {
                Ok(Some(version)) => {
                    self.version = version;
                    return Ok(Saved::Written);
                }
                // An earlier attempt of ours may have been written with its answer lost.
                Ok(None) => match searches.state(self.tenant, self.id).await? {
                    Some((version, stored)) if stored == body => {
                        self.version = version;
                        return Ok(Saved::Written);
                    }
                    Some((version, _)) if version == expected => expected = version,
                    Some((version, stored)) if self.state.adopt(&SearchState::decode(&stored)?) => {
                        self.version = version;
                        if self.state.status != Status::Running {
                            self.state.status = Status::Running;
                            return Ok(Saved::MoreWanted);
                        }
                        (expected, body) = (version, self.state.encode()?);
                    }
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
