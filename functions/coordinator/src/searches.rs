//! The routes of a search: start, look, cancel.

use std::time::Duration;

use bytes::Bytes;
use http::StatusCode;
use serde::Serialize;
use serde_json::json;
use serde_json::value::RawValue;
use trawl_api::counts::{FacetCounts, Histogram};
use trawl_api::search::{Aggregates, Cost, Estimate, Explained, Failure, Progress, SearchCreated, Status, Timing};
use trawl_api::time::parse_duration;
use trawl_api::{ApiError, ApiResult};
use trawl_event::{TenantId, Timestamp};
use trawl_store::ports::{Clock, Ids, Launcher, SearchId, Searches, StoreError, Version};

use crate::http::{store_error, unknown_parameter, unknown_search};
use crate::request::read_search;
use crate::state::{Asked, RESULTS_KEPT, SearchState, after};
use crate::{Allowance, Coordinator, Ports};

/// Longest wait of a poll: API Gateway answers for us after 30 s.
pub(crate) const MAX_WAIT: Duration = Duration::from_secs(20);
/// The first pause between two looks at a search that is waited for; it doubles up to [`LAST_LOOK`].
const FIRST_LOOK: Duration = Duration::from_millis(2);
/// The longest pause between two looks.
const LAST_LOOK: Duration = Duration::from_millis(50);

#[derive(Serialize)]
struct Answer<'a> {
    id: String,
    status: Status,
    version: u64,
    progress: Progress,
    events: &'a RawValue,
    aggregates: Option<Aggregates>,
    histogram: Option<Histogram>,
    facets: Option<Vec<FacetCounts>>,
    next_cursor: Option<String>,
    more_cursor: Option<String>,
    missing: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<Failure>,
    timing: Timing,
    estimate: Option<Estimate>,
    cost: Cost,
}

impl<P: Ports> Coordinator<P> {
    pub(crate) async fn post(&self, tenant: &TenantId, allowance: &Allowance, body: &[u8]) -> ApiResult {
        let request = read_search(body)?;
        let explain = request.explain;
        let asked = self.read_asked(request)?;
        if explain {
            let plan = self.explain(tenant, &asked).await.map_err(store_error)?;
            return trawl_api::json(StatusCode::OK, &Explained { plan });
        }
        let id = self.admit(tenant, allowance, asked).await?;
        trawl_api::json(StatusCode::ACCEPTED, &SearchCreated { id: id.to_string(), status: Status::Running })
    }

    /// Stores a search and launches its run, if the tenant may have another.
    pub(crate) async fn admit(
        &self,
        tenant: &TenantId,
        allowance: &Allowance,
        asked: Asked,
    ) -> Result<SearchId, ApiError> {
        self.check_scanned(tenant, allowance).await?;
        let id = self.fresh_id();
        let asked = Asked {
            most_scanned: allowance.scanned_bytes_per_search,
            is_counted: allowance.scanned_bytes_per_day.is_some(),
            ..asked
        };
        // Noted before it is stored, so that of two at once both see the other; stored before the next looks.
        self.note_running(tenant, allowance, id).await?;
        self.store(tenant, id, asked).await.map_err(store_error)?;
        Ok(id)
    }

    /// Stores a search and launches its run.
    pub async fn create(&self, tenant: &TenantId, asked: Asked) -> Result<SearchId, StoreError> {
        let id = self.fresh_id();
        self.store(tenant, id, asked).await?;
        Ok(id)
    }

    fn fresh_id(&self) -> SearchId {
        named_at(self.clock.now(), self.clock.fresh())
    }

    async fn store(&self, tenant: &TenantId, id: SearchId, asked: Asked) -> Result<(), StoreError> {
        let now = self.clock.now();
        let state = SearchState::new(asked, now);
        self.searches.put_state(tenant, id, None, state.encode()?, state.expires()).await?;
        self.launcher.launch(tenant, id).await
    }

    pub(crate) async fn get(&self, tenant: &TenantId, id: SearchId, query: &str) -> ApiResult {
        let Poll { page, goes_on, wait, seen } = Poll::read(id, query)?;
        if goes_on {
            self.go_on(tenant, id, page).await?;
        }
        let mut waited = Duration::ZERO;
        let mut pause = FIRST_LOOK;
        let (version, state) = loop {
            let (version, state) = self.look(tenant, id).await?;
            let is_news = state.pages > page || seen.is_some_and(|seen| version.0 > seen);
            if state.status != Status::Running || is_news || waited >= wait {
                break (version, state);
            }
            self.clock.sleep(pause).await;
            waited += pause;
            pause = (pause * 2).min(LAST_LOOK);
        };
        // What was asked for to be deleted after the search began may be among what it found.
        if state.planned.is_some() && self.hidden(tenant).await.map_err(store_error)?.asked != state.deletions {
            let message = "events were deleted after this search began, and may be among its results: search again";
            return Err(ApiError::new(StatusCode::GONE, "search_expired", message));
        }
        self.page(tenant, id, (version, state), page).await
    }

    /// The answer of a search with one of its pages.
    async fn page(
        &self,
        tenant: &TenantId,
        id: SearchId,
        (version, mut state): (Version, SearchState),
        page: u32,
    ) -> ApiResult {
        if page > state.pages {
            return Err(invalid_cursor());
        }
        let body = match page < state.pages {
            true => self.searches.page(tenant, id, state.page_number(page)).await.map_err(store_error)?.ok_or_else(
                || ApiError::new(StatusCode::GONE, "result_expired", "the results of this search have expired"),
            )?,
            false => Bytes::from_static(b"[]"),
        };
        let events = std::str::from_utf8(&body).ok().map(serde_json::from_str::<&RawValue>);
        let Some(Ok(events)) = events else {
            return Err(ApiError::internal("a stored result page cannot be read"));
        };
        // A cursor is given while there is a page after this one, or may be.
        let next = page + u32::from(page < state.pages);
        let has_next = next < state.pages || state.status == Status::Running;
        let may_go_on = matches!(state.status, Status::Running | Status::Complete | Status::Partial);
        let has_more = state.has_more && may_go_on && next >= state.pages;
        if state.status == Status::Running {
            state.timing.total_ms = state.worked_ms(self.clock.now());
        }
        let counts = state.counts.unwrap_or_default();
        let answer = Answer {
            id: id.to_string(),
            status: state.status,
            version: version.0,
            progress: state.progress,
            events,
            aggregates: state.aggregates,
            histogram: counts.histogram,
            facets: counts.facets,
            next_cursor: has_next.then(|| format!("{id}-{next}")),
            more_cursor: has_more.then(|| format!("{id}-{next}{MORE}")),
            missing: state.missing,
            error: state.error,
            timing: state.timing,
            estimate: state.estimate,
            cost: state.cost,
        };
        trawl_api::json(StatusCode::OK, &answer)
    }

    /// The state of a search. One whose run has given no sign of life is taken up by a new run, a few times.
    async fn look(&self, tenant: &TenantId, id: SearchId) -> Result<(Version, SearchState), ApiError> {
        let (version, mut state) = self.load(tenant, id).await?;
        let now = self.clock.now();
        if state.status != Status::Running || !state.is_abandoned(now) {
            return Ok((version, state));
        }
        let goes_on = state.take_up(now);
        let body = state.encode().map_err(store_error)?;
        let written = self.searches.put_state(tenant, id, Some(version), body, state.expires()).await;
        if written.map_err(store_error)?.is_some() && goes_on {
            tracing::warn!(%id, resumptions = state.resumptions, "the run of a search died or did not begin, starting another");
            self.launcher.launch(tenant, id).await.map_err(store_error)?;
        }
        self.load(tenant, id).await
    }

    pub(crate) async fn load(&self, tenant: &TenantId, id: SearchId) -> Result<(Version, SearchState), ApiError> {
        match self.searches.state(tenant, id).await.map_err(store_error)? {
            Some((version, bytes)) => Ok((version, SearchState::decode(&bytes).map_err(store_error)?)),
            None if was_kept_until(id, self.clock.now()) => Err(ApiError::new(
                StatusCode::GONE,
                "search_expired",
                "the results of this search were kept for 24 hours and are gone: search again",
            )),
            None => Err(unknown_search(&id.to_string())),
        }
    }

    pub(crate) async fn delete(&self, tenant: &TenantId, id: SearchId) -> ApiResult {
        loop {
            let (version, mut state) = self.load(tenant, id).await?;
            if state.status == Status::Running {
                state.status = Status::Cancelled;
                let body = state.encode().map_err(store_error)?;
                let written = self.searches.put_state(tenant, id, Some(version), body, state.expires()).await;
                if written.map_err(store_error)?.is_none() {
                    continue; // the run wrote in between
                }
            }
            return trawl_api::json(StatusCode::OK, &json!({"id": id.to_string(), "status": state.status}));
        }
    }
}

/// Bits of a search's name that are chance; those above are the millisecond of its creation.
const CHANCE_BITS: u32 = 80;

/// The name of a search that is created now: a name tells when its results expire, though nothing is left of them.
fn named_at(now: Timestamp, chance: u128) -> SearchId {
    let ms = u128::from(now.0.max(0).unsigned_abs() / 1_000_000);
    SearchId(ms << CHANCE_BITS | chance & ((1 << CHANCE_BITS) - 1))
}

/// Whether a search of this name was created so long ago that its results expired by `now`.
fn was_kept_until(id: SearchId, now: Timestamp) -> bool {
    let ms = i64::try_from(id.0 >> CHANCE_BITS).unwrap_or(i64::MAX);
    let created = Timestamp(ms.saturating_mul(1_000_000));
    created > FIRST_SEARCH && after(created, RESULTS_KEPT) <= now
}

/// No search is older: 2026-01-01.
const FIRST_SEARCH: Timestamp = Timestamp(1_767_225_600_000_000_000);

/// What ends a cursor that goes on past the limit.
const MORE: &str = "-more";

/// The parameters of a poll.
struct Poll {
    page: u32,
    /// Whether events past the limit are wanted.
    goes_on: bool,
    wait: Duration,
    /// The version that the caller knows.
    seen: Option<u64>,
}

impl Poll {
    fn read(id: SearchId, query: &str) -> Result<Self, ApiError> {
        let mut poll = Self { page: 0, goes_on: false, wait: Duration::ZERO, seen: None };
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            match &*name {
                "cursor" => {
                    let place = value.strip_prefix(&format!("{id}-")).ok_or_else(invalid_cursor)?;
                    let number = place.strip_suffix(MORE);
                    poll.goes_on = number.is_some();
                    poll.page = number.unwrap_or(place).parse().map_err(|_| invalid_cursor())?;
                }
                "wait" => poll.wait = read_wait(&value)?,
                "seen" => {
                    let message = format!("{value:?} is not a version: expected that of an earlier answer");
                    poll.seen = Some(value.parse().map_err(|_| ApiError::bad_request("invalid_version", message))?);
                }
                _ => return Err(unknown_parameter(&name, "cursor, wait or seen")),
            }
        }
        Ok(poll)
    }
}

/// How long to wait for news.
pub(crate) fn read_wait(value: &str) -> Result<Duration, ApiError> {
    let duration = parse_duration(value).ok_or_else(|| {
        let message = format!("{value:?} is not a duration: expected for example 5s");
        ApiError::bad_request("invalid_wait", message)
    })?;
    Ok(duration.min(MAX_WAIT))
}

pub(crate) fn invalid_cursor() -> ApiError {
    ApiError::bad_request("invalid_cursor", "the cursor is not one that this search gave")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_a_search_tells_when_it_expires() {
        let created = Timestamp(1_800_000_000_000_000_000);
        let id = named_at(created, u128::MAX);
        assert!(!was_kept_until(id, created));
        assert!(!was_kept_until(id, after(created, RESULTS_KEPT - Duration::from_secs(1))));
        assert!(was_kept_until(id, after(created, RESULTS_KEPT)));
        // Names of chance tell nothing.
        assert!(!was_kept_until(SearchId(u128::MAX), created) && !was_kept_until(SearchId(7), created));
    }
}
