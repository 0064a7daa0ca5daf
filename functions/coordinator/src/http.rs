//! The routes: `/v1/searches`, `/v1/fields`, `/v1/status`.

use std::time::Duration;

use bytes::Bytes;
use http::{Method, Response, StatusCode};
use serde::Serialize;
use serde_json::json;
use serde_json::value::RawValue;
use trawl_api::search::{Aggregates, Cost, Failure, MAX_LIMIT, Order, Progress, SearchCreated, SearchRequest, Status};
use trawl_api::time::{TimeSpec, parse_duration};
use trawl_api::{ApiError, ApiResult};
use trawl_event::{TenantId, Timestamp};
use trawl_query::{Evaluator, Output, Query, QueryError};
use trawl_store::ports::{Catalog, Clock, Ids, Launcher, SearchId, Searches, StoreError, Stream, Version, Workers};

use crate::Coordinator;
use crate::state::{Asked, SearchState};

/// Largest body of a search request, in bytes.
const MAX_REQUEST_BYTES: usize = 64 * 1024;
/// Longest wait of a poll: API Gateway answers for us after 30 s.
const MAX_WAIT: Duration = Duration::from_secs(20);
/// The first pause between two looks at a search that is waited for; it doubles up to [`LAST_LOOK`].
const FIRST_LOOK: Duration = Duration::from_millis(2);
/// The longest pause between two looks.
const LAST_LOOK: Duration = Duration::from_millis(50);
/// Most events that a `sort` pipe can order: each worker sends that many in one result.
const MAX_SORTED: usize = 10_000;

#[derive(Serialize)]
struct Answer<'a> {
    id: String,
    status: Status,
    progress: Progress,
    events: &'a RawValue,
    aggregates: Option<Aggregates>,
    next_cursor: Option<String>,
    missing: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<Failure>,
    cost: Cost,
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
    /// Answers a request for one of these routes. `query` is what stands behind the `?`.
    pub async fn handle(
        &self,
        tenant: &TenantId,
        method: &Method,
        path: &str,
        query: &str,
        body: &[u8],
    ) -> Response<Bytes> {
        let answer = match path {
            "/v1/searches" if method == Method::POST => self.post(tenant, body).await,
            "/v1/searches" => Err(method_not_allowed(method, "POST")),
            "/v1/status" if method == Method::GET => match self.status(tenant).await {
                Ok(status) => trawl_api::json(StatusCode::OK, &status),
                Err(error) => Err(store_error(error)),
            },
            "/v1/fields" if method == Method::GET => self.get_fields(tenant, query).await,
            "/v1/status" | "/v1/fields" => Err(method_not_allowed(method, "GET")),
            _ => match path.strip_prefix("/v1/searches/") {
                Some(id) => self.handle_search(tenant, method, id, query).await,
                None => Err(ApiError::not_found("unknown_route", format!("there is no route {path}"))),
            },
        };
        answer.unwrap_or_else(ApiError::into_response)
    }

    async fn handle_search(&self, tenant: &TenantId, method: &Method, id: &str, query: &str) -> ApiResult {
        match id.parse() {
            Ok(id) if method == Method::GET => self.get(tenant, id, query).await,
            Ok(id) if method == Method::DELETE => self.delete(tenant, id).await,
            Ok(_) => Err(method_not_allowed(method, "GET or DELETE")),
            Err(_) => Err(unknown_search(id)),
        }
    }

    async fn get_fields(&self, tenant: &TenantId, query: &str) -> ApiResult {
        let (mut from, mut to) = (None, None);
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            match &*name {
                "from" => from = Some(TimeSpec::Text(value.into_owned())),
                "to" => to = Some(TimeSpec::Text(value.into_owned())),
                _ => return Err(unknown_parameter(&name, "from or to")),
            }
        }
        let (from, to) = self.read_range(from.as_ref(), to.as_ref())?;
        let asked = Asked { query: String::new(), from, to, limit: 0, order: Order::Desc };
        let fields = self.fields(tenant, &asked).await.map_err(store_error)?;
        trawl_api::json(StatusCode::OK, &fields)
    }

    async fn post(&self, tenant: &TenantId, body: &[u8]) -> ApiResult {
        let asked = self.read_request(body)?;
        let id = self.create(tenant, asked).await.map_err(store_error)?;
        trawl_api::json(StatusCode::ACCEPTED, &SearchCreated { id: id.to_string(), status: Status::Running })
    }

    /// Stores a search and launches its run.
    pub async fn create(&self, tenant: &TenantId, asked: Asked) -> Result<SearchId, StoreError> {
        let id = SearchId(self.clock.fresh());
        let state = SearchState::new(asked, self.clock.now());
        self.searches.put_state(tenant, id, None, state.encode()?, state.expires()).await?;
        self.launcher.launch(tenant, id).await?;
        Ok(id)
    }

    fn read_request(&self, body: &[u8]) -> Result<Asked, ApiError> {
        if body.len() > MAX_REQUEST_BYTES {
            let message = format!("the request has {} bytes, the limit is {MAX_REQUEST_BYTES}", body.len());
            return Err(ApiError::new(StatusCode::PAYLOAD_TOO_LARGE, "body_too_large", message));
        }
        let request: SearchRequest = serde_json::from_slice(body)
            .map_err(|error| ApiError::bad_request("invalid_request", format!("not a search request: {error}")))?;
        let query = Query::parse(&request.query).map_err(query_error)?;
        Evaluator::new(&query).map_err(query_error)?;
        let is_sorted = matches!(query.output(), Output::Events { sort: Some(_), .. });
        let most = if is_sorted { MAX_SORTED } else { MAX_LIMIT };
        if request.limit > most {
            let message = format!("limit {} is too large: expected at most {most}", request.limit);
            return Err(ApiError::bad_request("invalid_limit", message));
        }
        let (from, to) = self.read_range(request.from.as_ref(), request.to.as_ref())?;
        Ok(Asked { query: request.query, from, to, limit: request.limit, order: request.order })
    }

    /// The range of time that a request asks for; all of time where it does not say.
    fn read_range(&self, from: Option<&TimeSpec>, to: Option<&TimeSpec>) -> Result<(Timestamp, Timestamp), ApiError> {
        let now = self.clock.now();
        let from = read_time("from", from, now)?.unwrap_or(Timestamp::MIN);
        let to = read_time("to", to, now)?.unwrap_or(Timestamp::MAX);
        if from >= to {
            let message = format!("from ({from}) is not before to ({to})");
            return Err(ApiError::bad_request("invalid_time_range", message));
        }
        Ok((from, to))
    }

    async fn get(&self, tenant: &TenantId, id: SearchId, query: &str) -> ApiResult {
        let (page, wait) = read_parameters(id, query)?;
        let mut waited = Duration::ZERO;
        let mut pause = FIRST_LOOK;
        let state = loop {
            let state = self.look(tenant, id).await?;
            if state.status != Status::Running || state.pages > page || waited >= wait {
                break state;
            }
            self.clock.sleep(pause).await;
            waited += pause;
            pause = (pause * 2).min(LAST_LOOK);
        };
        if page > state.pages {
            return Err(ApiError::bad_request("invalid_cursor", "the cursor is not one that this search gave"));
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
        let goes_on = next < state.pages || state.status == Status::Running;
        let answer = Answer {
            id: id.to_string(),
            status: state.status,
            progress: state.progress,
            events,
            aggregates: state.aggregates,
            next_cursor: goes_on.then(|| format!("{id}-{next}")),
            missing: state.missing,
            error: state.error,
            cost: state.cost,
        };
        trawl_api::json(StatusCode::OK, &answer)
    }

    /// The state of a search. One whose run has given no sign of life is taken up by a new run, a few times.
    async fn look(&self, tenant: &TenantId, id: SearchId) -> Result<SearchState, ApiError> {
        let (version, mut state) = self.load(tenant, id).await?;
        let now = self.clock.now();
        if state.status != Status::Running || !state.is_abandoned(now) {
            return Ok(state);
        }
        let goes_on = state.take_up(now);
        let body = state.encode().map_err(store_error)?;
        let written = self.searches.put_state(tenant, id, Some(version), body, state.expires()).await;
        if written.map_err(store_error)?.is_some() && goes_on {
            tracing::warn!(%id, resumptions = state.resumptions, "the run of a search died or did not begin, starting another");
            self.launcher.launch(tenant, id).await.map_err(store_error)?;
        }
        Ok(self.load(tenant, id).await?.1)
    }

    async fn load(&self, tenant: &TenantId, id: SearchId) -> Result<(Version, SearchState), ApiError> {
        let found = self.searches.state(tenant, id).await.map_err(store_error)?;
        let (version, bytes) = found.ok_or_else(|| unknown_search(&id.to_string()))?;
        Ok((version, SearchState::decode(&bytes).map_err(store_error)?))
    }

    async fn delete(&self, tenant: &TenantId, id: SearchId) -> ApiResult {
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

fn read_time(name: &str, spec: Option<&TimeSpec>, now: Timestamp) -> Result<Option<Timestamp>, ApiError> {
    let resolved = spec.map(|spec| spec.resolve(now)).transpose();
    resolved.map_err(|message| ApiError::bad_request("invalid_time", format!("{name}: {message}")))
}

/// The page and the longest wait that the parameters of a poll ask for.
fn read_parameters(id: SearchId, query: &str) -> Result<(u32, Duration), ApiError> {
    let (mut page, mut wait) = (0, Duration::ZERO);
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        match &*name {
            "cursor" => {
                let number = value.strip_prefix(&format!("{id}-")).and_then(|number| number.parse().ok());
                page = number.ok_or_else(|| {
                    ApiError::bad_request("invalid_cursor", "the cursor is not one that this search gave")
                })?;
            }
            "wait" => {
                let duration = parse_duration(&value).ok_or_else(|| {
                    let message = format!("{value:?} is not a duration: expected for example 5s");
                    ApiError::bad_request("invalid_wait", message)
                })?;
                wait = duration.min(MAX_WAIT);
            }
            _ => return Err(unknown_parameter(&name, "cursor or wait")),
        }
    }
    Ok((page, wait))
}

fn unknown_parameter(name: &str, expected: &str) -> ApiError {
    ApiError::bad_request("unknown_parameter", format!("unknown parameter {name:?}: expected {expected}"))
}

fn query_error(error: QueryError) -> ApiError {
    let detail = json!({"column": error.column, "expected": error.expected});
    ApiError::bad_request(error.code.as_str(), error.to_string()).with_detail(detail)
}

fn unknown_search(id: &str) -> ApiError {
    ApiError::not_found("unknown_search", format!("there is no search {id:?}, or its results have expired"))
}

fn method_not_allowed(method: &Method, expected: &str) -> ApiError {
    let message = format!("{method} is not answered here: expected {expected}");
    ApiError::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", message)
}

fn store_error(error: StoreError) -> ApiError {
    match error {
        StoreError::Permanent(reason) => ApiError::internal(reason),
        other => ApiError::unavailable("storage_unavailable", other.to_string()),
    }
}
