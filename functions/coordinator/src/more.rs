//! Past the limit: a search goes on where it stopped, over the same moment, without looking again at what it gave.

use std::time::Duration;

use http::StatusCode;
use trawl_api::ApiError;
use trawl_api::search::Status;
use trawl_event::{TenantId, Timestamp};
use trawl_store::ports::{Clock, Launcher, SearchId, Searches};

use crate::http::store_error;
use crate::searches::invalid_cursor;
use crate::state::{SearchState, after};
use crate::{Coordinator, Ports};

/// How long after its planning a search can go on. The segments of the plan are there for longer, even when they are
/// merged meanwhile.
pub const PLAN_KEPT: Duration = Duration::from_secs(15 * 60);
/// Fewest and most events by which a search goes on: as many as were wanted until then, within these.
const STEP: (usize, usize) = (100, 50_000);

/// What asking for more takes.
#[derive(Debug, PartialEq, Eq)]
enum Step {
    /// Nothing: what is asked for is there, or on its way.
    None,
    /// The state changes, and a run sees that or is not needed.
    Write,
    /// The state changes, and a run has to begin.
    Launch,
    /// It is too late.
    Expired,
}

/// Goes on behind `page`, which is the end of what counts so far.
fn step(state: &mut SearchState, page: u32, now: Timestamp) -> Step {
    if page < state.pages || !state.has_more {
        return Step::None;
    }
    let is_running = match state.status {
        Status::Running => true,
        Status::Complete | Status::Partial => false,
        Status::Failed | Status::Cancelled => return Step::None,
    };
    let more = state.wanted().clamp(STEP.0, STEP.1);
    if state.spare_pages > 0 {
        let given = state.resume.as_ref().map_or(0, |resume| resume.given as usize);
        state.wanted = Some(state.wanted().max(given));
        state.pages += std::mem::take(&mut state.spare_pages);
        return Step::Write;
    }
    if !is_running && state.planned.is_none_or(|planned| now > after(planned, PLAN_KEPT)) {
        return Step::Expired;
    }
    state.wanted = Some(state.wanted().saturating_add(more));
    state.has_more = false;
    if is_running {
        return Step::Write;
    }
    state.status = Status::Running;
    state.rested_ms = state.age_ms(now).saturating_sub(state.timing.total_ms);
    state.leave(now);
    Step::Launch
}

impl<P: Ports> Coordinator<P> {
    /// Lets a search go on past its limit.
    pub(crate) async fn go_on(&self, tenant: &TenantId, id: SearchId, page: u32) -> Result<(), ApiError> {
        loop {
            let (version, mut state) = self.load(tenant, id).await?;
            if page > state.pages {
                return Err(invalid_cursor());
            }
            let step = step(&mut state, page, self.clock.now());
            match step {
                Step::None => return Ok(()),
                Step::Expired => {
                    let message = "a search can go on for 15 minutes after it began: search again, up to the time of the \
                         last event you have";
                    return Err(ApiError::new(StatusCode::GONE, "cursor_expired", message));
                }
                Step::Write | Step::Launch => {}
            }
            let body = state.encode().map_err(store_error)?;
            let written = self.searches.put_state(tenant, id, Some(version), body, state.expires()).await;
            if written.map_err(store_error)?.is_none() {
                continue; // somebody else wrote in between
            }
            if step == Step::Launch {
                self.launcher.launch(tenant, id).await.map_err(store_error)?;
            }
            return Ok(());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::{Asked, Resume};
    use trawl_api::search::{Cost, Progress};

    const NOW: Timestamp = Timestamp(1_800_000_000_000_000_000);

    fn ended(spare_pages: u32) -> SearchState {
        let mut state = SearchState::new(Asked { limit: 100, ..Asked::default() }, NOW);
        (state.status, state.pages, state.spare_pages, state.has_more) = (Status::Complete, 1, spare_pages, true);
        state.planned = Some(NOW);
        let (progress, cost) = (Progress::default(), Cost::default());
        state.resume = Some(Resume {
            plan: 9,
            last: None,
            given: 100 + 50 * u64::from(spare_pages),
            not_given: 0,
            ended: Vec::new(),
            partial: None,
            sorted: Vec::new(),
            summary: None,
            counted: Vec::new(),
            progress,
            cost,
            missing: Vec::new(),
        });
        state
    }

    #[test]
    fn what_was_found_already_is_given_without_a_run() {
        let mut state = ended(2);
        assert_eq!(step(&mut state, 0, NOW), Step::None, "the page is there");
        assert_eq!(step(&mut state, 1, NOW), Step::Write);
        assert_eq!((state.pages, state.wanted(), state.has_more, state.status), (3, 200, true, Status::Complete));
        assert_eq!(step(&mut state, 1, NOW), Step::None, "asked twice");
        assert_eq!(step(&mut state, 3, NOW), Step::Launch);
        assert_eq!((state.wanted(), state.has_more, state.status), (400, false, Status::Running));
        assert_eq!(step(&mut state, 3, NOW), Step::None, "a run is on its way");
    }

    #[test]
    fn the_time_until_more_is_asked_for_is_no_work() {
        let mut state = ended(0);
        state.timing.total_ms = 40;
        let later = after(NOW, Duration::from_secs(60));
        assert_eq!(step(&mut state, 1, later), Step::Launch);
        assert_eq!(state.worked_ms(after(later, Duration::from_millis(7))), 47);
    }

    #[test]
    fn a_plan_that_is_too_old_says_so() {
        let mut state = ended(0);
        assert_eq!(step(&mut state, 1, after(NOW, PLAN_KEPT)), Step::Launch);
        let mut state = ended(0);
        assert_eq!(step(&mut state, 1, after(NOW, PLAN_KEPT + Duration::from_secs(1))), Step::Expired);
        let mut state = ended(1);
        assert_eq!(step(&mut state, 1, after(NOW, PLAN_KEPT * 2)), Step::Write, "what was found is there");
    }

    #[test]
    fn a_search_that_still_counts_is_told_while_it_runs() {
        let mut state = ended(0);
        state.status = Status::Running;
        state.run = Some(SearchId(1));
        let mut run = state.clone();
        assert_eq!(step(&mut state, 1, NOW), Step::Write);
        assert!(run.adopt(&state));
        assert_eq!((run.wanted(), run.has_more), (200, false));
        assert!(!run.adopt(&state), "nothing more is wanted than is known");
        state.run = Some(SearchId(2));
        state.wanted = Some(9999);
        assert!(!run.adopt(&state), "another run is at it");
        (run.run, state.run) = (None, None);
        assert!(!run.adopt(&state), "a run that hands over met a search that another ended and that goes on since");
    }
}
