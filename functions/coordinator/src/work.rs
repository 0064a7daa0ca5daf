//! The work of one run: tasks to workers in growing waves, and what they find to pages, tables and counts.

use std::time::Duration;

use futures_util::stream::FuturesUnordered;
use trawl_api::search::{Order, Status};
use trawl_query::Query;
use trawl_store::ports::{Clock, ScanResult, Searches, Source, StoreError, Workers};

use crate::Ports;
use crate::collect::{Collected, aggregates};
use crate::counting::{Counting, Part};
use crate::describe::{describe, left_out};
use crate::merge::Merge;
use crate::pages::Pages;
use crate::run::{Attempt, Errand, Run, Saved, Stop};
use crate::state::{Granules, SearchState, after};

/// How often the state is written while nothing new is to be seen.
const SAVE_EVERY: Duration = Duration::from_millis(200);
/// As [`SAVE_EVERY`], for a state of more than [`LARGE_STATE_BYTES`].
const SAVE_LARGE_EVERY: Duration = Duration::from_secs(2);
/// Bytes of a state that is large: it may go through an object.
const LARGE_STATE_BYTES: usize = 100_000;
/// How often a run notes what it has for one that would have to go on: so much work may be done twice.
const CHECKPOINT_EVERY: Duration = Duration::from_secs(2);
/// Tasks that a search begins with when its first events are all it wants, beside its tails.
const FIRST_WAVE: usize = 1;
/// Most events beyond those that are wanted which are kept because they were found already.
const SPARE_EVENTS: usize = 10_000;

/// What a run has collected, and what it still has to do.
pub(crate) struct Work<'c, Q> {
    query: Query,
    pub collected: Collected,
    /// Most events that the query lets through.
    most: usize,
    pub merge: Merge,
    /// What is counted beside the events, until all is.
    pub counting: Option<Counting>,
    pub pages: Pages<'c, Q>,
    /// Events in the pages, by this run and those before.
    given: usize,
    first_wave: usize,
    /// Tasks that looked for events and ended.
    ended: usize,
    /// Tasks that are looking for events.
    looking: usize,
}

impl<Q: Searches> Work<'_, Q> {
    /// How many tasks may look for events at once: the first few, and then twice as many as ended.
    fn wave(&self) -> usize {
        if self.ended < self.first_wave { self.first_wave - self.ended } else { self.ended.saturating_mul(2) }
    }

    fn limit(&self, state: &SearchState) -> usize {
        self.most.min(state.wanted())
    }

    fn is_limit_met(&self, state: &SearchState) -> bool {
        let limit = self.limit(state);
        self.collected.is_ordered() && limit > 0 && self.given >= limit
    }

    /// Whether tasks are to look for events; a search that gives none looks all the same if nothing else counts them.
    fn is_looking_wanted(&self, state: &SearchState) -> bool {
        let counts_only = self.collected.is_ordered() && self.limit(state) == 0 && self.counting.is_some();
        !counts_only && !self.is_limit_met(state)
    }

    /// Whether more events may lie behind those that were wanted.
    fn has_more(&mut self, state: &SearchState) -> bool {
        self.is_limit_met(state) && self.given < self.most && !self.merge.is_exhausted()
    }
}

impl<'c, P: Ports> Run<'c, P> {
    pub(crate) async fn work(&mut self) -> Result<(), Stop> {
        let mut work = self.begin().await?;
        let mut running: FuturesUnordered<Attempt<'c>> = FuturesUnordered::new();
        loop {
            let read = self.state.cost.bytes;
            let over = self.state.asked.most_scanned.filter(|most| read > *most);
            // Over the limit, what runs is waited for; whether anything is left to do shows when it is handed out.
            let was_idle = running.is_empty();
            if over.is_none() || was_idle {
                self.hand_out(&mut work, &mut running);
            }
            if let Some(most) = over.filter(|_| was_idle && !running.is_empty()) {
                work.pages.flush().await?;
                self.count_pages(&work);
                return Err(Stop::over_limit(read, most));
            }
            if running.is_empty() {
                match self.finish(&mut work).await? {
                    Saved::Written => return Ok(()),
                    Saved::MoreWanted => continue,
                }
            }
            let Some((errand, outcome)) = self.next(&mut running).await? else {
                return self.hand_over(&mut work).await;
            };
            self.is_any_task_ended = true;
            match errand {
                Errand::Look(index) => self.take_found(&mut work, index, outcome)?,
                Errand::Count(part) => self.take_counts(&mut work, part, outcome)?,
            }
            self.note_progress(&mut work);
            self.give(&mut work).await?;
            let is_counted = work.counting.as_ref().is_none_or(Counting::is_done);
            if work.is_limit_met(&self.state) && is_counted && self.finish(&mut work).await? == Saved::Written {
                return Ok(());
            }
            self.show(&mut work).await?;
        }
    }

    async fn begin(&mut self) -> Result<Work<'c, P::Searches>, Stop> {
        let query = Query::parse(&self.state.asked.query)
            .map_err(|error| Stop::Failed { code: error.code.as_str().to_owned(), message: error.to_string() })?;
        let (mut collected, most) = Collected::new(&query)?;
        let limit = most.min(self.state.wanted());
        self.plan = match &self.state.resume {
            Some(resume) => self.stored_plan(resume.plan).await?,
            None => self.plan(&query.evidence(), limit).await?,
        };
        if let Some(resume) = &self.state.resume {
            collected.restore(resume);
        }
        let ordered = collected.is_ordered();
        let given = self.before.given as usize;
        let planned = self.left_to_do(ordered, limit.saturating_sub(given));
        let tails = planned.iter().filter(|planned| matches!(planned.task.source, Source::Tail { .. })).count();
        // Who wants the first events only is served by the first tasks; others begin when these
        // turn out not to hold enough. An aggregate needs all tasks, so nothing is in vain.
        let first_wave = if ordered && limit > 0 { tails.max(FIRST_WAVE) } else { usize::MAX };
        self.state.progress.tasks_total = self.plan.len() as u64;
        self.state.progress.tasks_done = self.before.ended.len() as u64;
        let merge = Merge::new(planned, self.state.asked.order == Order::Desc);
        let place = (self.state.pages, self.state.page_number(self.state.pages) - self.state.pages);
        let reached = (self.before.last, self.before.given);
        let pages = Pages::new(&self.coordinator.searches, self.tenant, self.id, place, reached);
        let counting = Counting::begin(&self.plan, &self.state);
        let (ended, looking) = (0, 0);
        let mut work = Work { query, collected, most, merge, counting, pages, given, first_wave, ended, looking };
        self.note_progress(&mut work);
        Ok(work)
    }

    /// Hands tasks to workers, as many as may run at once: those that look for events first. What is only counted
    /// waits until the first page is there, or nothing is to be looked for.
    fn hand_out(&self, work: &mut Work<'c, P::Searches>, running: &mut FuturesUnordered<Attempt<'c>>) {
        let coordinator = self.coordinator;
        while running.len() < coordinator.workers.parallelism() {
            let is_wanted = work.is_looking_wanted(&self.state);
            let is_turn = is_wanted && work.looking < work.wave();
            if let Some((index, task)) = is_turn.then(|| work.merge.next_task()).flatten() {
                work.looking += 1;
                running.push(Box::pin(coordinator.attempt(Errand::Look(index), task)));
                continue;
            }
            let may_count = !is_wanted || is_turn || work.pages.stored() > 0;
            let Some(counting) = work.counting.as_mut().filter(|_| may_count) else { return };
            let Some((part, task)) = counting.next_task(|number| work.merge.is_running(number)) else { return };
            running.push(Box::pin(coordinator.attempt(Errand::Count(part), task)));
        }
    }

    /// Takes what a task found that looked for events, or for its part of an aggregate.
    fn take_found(
        &mut self,
        work: &mut Work<'_, P::Searches>,
        index: usize,
        outcome: Result<ScanResult, StoreError>,
    ) -> Result<(), Stop> {
        work.looking -= 1;
        work.ended += 1;
        self.state.progress.tasks_done += 1;
        let mut result = match outcome {
            Ok(result) => result,
            Err(error) => {
                let task = work.merge.give_up(index);
                self.state.note_missing(format!("{}: {error}", describe(&task.source)));
                return Ok(());
            }
        };
        let number = work.merge.task(index).number;
        let counts = work.counting.as_mut().zip(result.summary.take());
        let is_counted = counts.is_some_and(|(counting, summary)| counting.take_whole(number, summary));
        let with_granules = is_counted || work.counting.is_none();
        self.state.count(&result, Granules { total: with_granules, read: with_granules });
        let ordered = work.collected.is_ordered();
        self.state.progress.tasks_total += u64::from(result.more && ordered);
        for missing in left_out(&work.merge.task(index).source, &result) {
            self.state.note_missing(missing);
        }
        let limit = work.limit(&self.state);
        let SearchState { asked, progress, .. } = &mut self.state;
        work.collected.add(&mut work.merge, index, result, (asked, limit), progress)
    }

    /// Takes what a task counted.
    fn take_counts(
        &mut self,
        work: &mut Work<'_, P::Searches>,
        part: Part,
        outcome: Result<ScanResult, StoreError>,
    ) -> Result<(), Stop> {
        let Some(counting) = &mut work.counting else { return Ok(()) };
        let source = self.plan.get(part.task() as usize).map(|planned| &planned.task.source);
        match outcome {
            Ok(mut result) => {
                if let Some(error) = result.query_error.take() {
                    return Err(Stop::Failed { code: error.code.as_str().to_owned(), message: error.to_string() });
                }
                let is_first = counting.take(part, result.summary.take().unwrap_or_default());
                // Each part says how many granules there are in all segments of its task.
                self.state.count(&result, Granules { total: is_first, read: true });
                for missing in source.map(|source| left_out(source, &result)).unwrap_or_default() {
                    self.state.note_missing(missing);
                }
            }
            Err(error) => {
                let place = source.map(describe).unwrap_or_default();
                self.state.note_missing(format!("{place}: {error}"));
                counting.give_up(part);
            }
        }
        Ok(())
    }

    /// Notes how many matches are known of, and how many tasks ended.
    fn note_progress(&mut self, work: &mut Work<'_, P::Searches>) {
        let progress = &mut self.state.progress;
        if work.collected.is_ordered() {
            let found = self.before.given + self.before.not_given + work.merge.matched();
            progress.events_matched = progress.events_matched.max(found);
        }
        if let Some(counting) = &work.counting {
            progress.events_matched = progress.events_matched.max(counting.events());
            (progress.tasks_done, progress.tasks_total) = (counting.parts_done(), counting.parts());
            // What two parts share was read twice, and is not more than there is.
            progress.granules_read = progress.granules_read.min(progress.granules_total);
        }
    }

    /// Puts final events into pages, as many as are wanted.
    async fn give(&mut self, work: &mut Work<'_, P::Searches>) -> Result<(), Stop> {
        let limit = work.limit(&self.state);
        let was_met = work.is_limit_met(&self.state);
        while work.given < limit && work.collected.is_ordered() {
            let Some(event) = work.merge.pop() else { break };
            work.pages.push(&event.json, event.key).await?;
            work.given += 1;
        }
        // What was wanted is there: no need to wait for a page to fill.
        if !was_met && work.is_limit_met(&self.state) {
            work.pages.flush().await?;
        }
        Ok(())
    }

    /// Lets the caller see how far the search is: the first page at once, later ones as they fill.
    async fn show(&mut self, work: &mut Work<'_, P::Searches>) -> Result<(), Stop> {
        let now = self.coordinator.clock.now();
        let is_checkpoint = now >= after(self.checkpointed, CHECKPOINT_EVERY);
        if work.pages.stored() == 0 || is_checkpoint {
            work.pages.flush().await?;
        }
        let every = if self.state_bytes > LARGE_STATE_BYTES { SAVE_LARGE_EVERY } else { SAVE_EVERY };
        let has_pages = work.pages.stored() > self.state.pages;
        if !has_pages && now < after(self.saved, every) {
            return Ok(());
        }
        // Pages that were counted are there for good, so another run has to go on behind them.
        if has_pages || is_checkpoint {
            self.note(work).await?;
            self.checkpointed = now;
        }
        self.count_pages(work);
        if let Collected::Table(partial) = &work.collected {
            self.state.aggregates = aggregates(partial, &work.query).ok();
        }
        self.show_counts(work);
        self.state.has_more = work.has_more(&self.state);
        self.save().await?;
        Ok(())
    }

    /// All pages that are stored count.
    pub(crate) fn count_pages(&mut self, work: &Work<'_, P::Searches>) {
        self.state.pages = work.pages.stored();
        self.state.spare_pages = 0;
        if self.state.pages > 0 && self.state.timing.first_page_ms.is_none() {
            self.state.timing.first_page_ms = Some(self.state.age_ms(self.coordinator.clock.now()));
        }
    }

    fn show_counts(&mut self, work: &Work<'_, P::Searches>) {
        if let Some(counting) = &work.counting {
            self.state.counts = Some(counting.shown(&self.state.asked));
        }
    }

    /// Ends the search, unless more turns out to be wanted. Where more may follow it is noted how to go on, and what
    /// was found already is kept for that.
    async fn finish(&mut self, work: &mut Work<'_, P::Searches>) -> Result<Saved, Stop> {
        match &mut work.collected {
            Collected::Events => {}
            Collected::Sorted(events) => {
                for event in std::mem::take(events) {
                    work.pages.push(&event.json, event.key).await?;
                }
            }
            Collected::Table(partial) => self.state.aggregates = Some(aggregates(partial, &work.query)?),
        }
        work.pages.flush().await?;
        self.count_pages(work);
        self.show_counts(work);
        let has_more = work.has_more(&self.state);
        self.state.has_more = has_more;
        self.state.resume = None;
        if has_more {
            self.keep_spare(work).await?;
            self.note(work).await?;
        }
        let progress = &mut self.state.progress;
        progress.tasks_total = progress.tasks_total.max(progress.tasks_done);
        self.state.status = if self.state.missing.is_empty() { Status::Complete } else { Status::Partial };
        let saved = self.save().await?;
        if saved == Saved::MoreWanted {
            // The note of where to go on counts the spare pages, so from now on they have to count.
            self.count_pages(work);
        }
        Ok(saved)
    }

    /// Stores events that are final and not wanted yet, as pages that do not count yet.
    async fn keep_spare(&mut self, work: &mut Work<'_, P::Searches>) -> Result<(), Stop> {
        let most = work.most.min(work.given.saturating_add(SPARE_EVENTS));
        while work.given < most {
            let Some(event) = work.merge.pop() else { break };
            work.pages.push(&event.json, event.key).await?;
            work.given += 1;
        }
        work.pages.flush().await?;
        self.state.spare_pages = work.pages.stored() - self.state.pages;
        Ok(())
    }
}
