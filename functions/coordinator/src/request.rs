//! What a request asks for, checked before anything is stored.

use http::StatusCode;
use serde::Deserialize;
use serde_json::json;
use trawl_api::counts::{FacetValuesRequest, MAX_BUCKETS, MAX_FACETS, MAX_VALUES};
use trawl_api::search::{MAX_LIMIT, SearchRequest};
use trawl_api::time::TimeSpec;
use trawl_api::{ApiError, ApiResult};
use trawl_event::Timestamp;
use trawl_query::{Evaluator, Output, Query};
use trawl_store::ports::Clock;

use crate::http::query_error;
use crate::state::Asked;
use crate::{Coordinator, Ports};

/// Largest body of a search request, in bytes.
const MAX_REQUEST_BYTES: usize = 64 * 1024;
/// Most events that a `sort` pipe can order: each worker sends that many in one result.
const MAX_SORTED: usize = 10_000;
/// Longest name of a field, in bytes, as for events.
const MAX_FIELD_BYTES: usize = 512;

/// Reads a JSON body of at most [`MAX_REQUEST_BYTES`]. `what` names it.
pub(crate) fn read_json<'b, T: Deserialize<'b>>(body: &'b [u8], what: &str, most: usize) -> Result<T, ApiError> {
    if body.len() > most {
        let message = format!("the request has {} bytes, the limit is {most}", body.len());
        return Err(ApiError::new(StatusCode::PAYLOAD_TOO_LARGE, "body_too_large", message));
    }
    serde_json::from_slice(body)
        .map_err(|error| ApiError::bad_request("invalid_request", format!("not {what}: {error}")))
}

/// Reads a search request.
pub(crate) fn read_search(body: &[u8]) -> Result<SearchRequest, ApiError> {
    read_json(body, "a search request", MAX_REQUEST_BYTES)
}

/// A query that can be evaluated.
pub(crate) fn read_query(text: &str) -> Result<Query, ApiError> {
    let query = Query::parse(text).map_err(query_error)?;
    Evaluator::new(&query).map_err(query_error)?;
    Ok(query)
}

/// `POST /v1/queries/parse`: whether a query can be read, and what its result looks like.
pub(crate) fn parse_query(body: &[u8]) -> ApiResult {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Request {
        query: String,
    }
    let Request { query } = read_json(body, "a query in an object", MAX_REQUEST_BYTES)?;
    let output = match read_query(&query)?.output() {
        Output::Events { .. } => "events",
        Output::Table => "table",
    };
    trawl_api::json(StatusCode::OK, &json!({"output": output}))
}

/// The name of a field that a request gives.
pub(crate) fn check_field(name: &str) -> Result<(), ApiError> {
    if name.is_empty() || name.len() > MAX_FIELD_BYTES {
        let message = format!("a field has a name of 1 to {MAX_FIELD_BYTES} bytes, this one has {}", name.len());
        return Err(ApiError::bad_request("invalid_field", message));
    }
    Ok(())
}

/// A number that a request gives, within its bounds.
pub(crate) fn check_most(what: &str, code: &'static str, number: usize, most: usize) -> Result<(), ApiError> {
    if number > most {
        let message = format!("{what} {number} is too large: expected at most {most}");
        return Err(ApiError::bad_request(code, message));
    }
    Ok(())
}

impl<P: Ports> Coordinator<P> {
    /// What a search request asks for.
    pub(crate) fn read_asked(&self, request: SearchRequest) -> Result<Asked, ApiError> {
        let query = read_query(&request.query)?;
        let is_sorted = matches!(query.output(), Output::Events { sort: Some(_), .. });
        check_most("limit", "invalid_limit", request.limit, if is_sorted { MAX_SORTED } else { MAX_LIMIT })?;
        if let Some(histogram) = &request.histogram {
            check_most("buckets", "invalid_histogram", histogram.buckets, MAX_BUCKETS)?;
            if histogram.buckets == 0 {
                return Err(ApiError::bad_request("invalid_histogram", "a histogram has at least 1 bucket"));
            }
            histogram.by.as_deref().map_or(Ok(()), check_field)?;
        }
        check_most("the number of facets", "invalid_facets", request.facets.len(), MAX_FACETS)?;
        let facets: Vec<FacetValuesRequest> = request.facets.into_iter().map(Into::into).collect();
        for facet in &facets {
            check_field(&facet.field)?;
            check_most("the limit of a facet", "invalid_facets", facet.limit, MAX_VALUES)?;
        }
        let (from, to) = self.read_range(request.from.as_ref(), request.to.as_ref())?;
        let SearchRequest { query, limit, order, histogram, max_bytes, .. } = request;
        Ok(Asked { query, from, to, limit, order, histogram, facets, max_bytes, ..Asked::default() })
    }

    /// The range of time that a request asks for; all of time where it does not say.
    pub(crate) fn read_range(
        &self,
        from: Option<&TimeSpec>,
        to: Option<&TimeSpec>,
    ) -> Result<(Timestamp, Timestamp), ApiError> {
        let now = self.clock.now();
        let from = read_time("from", from, now)?.unwrap_or(Timestamp::MIN);
        let to = read_time("to", to, now)?.unwrap_or(Timestamp::MAX);
        if from >= to {
            let message = format!("from ({from}) is not before to ({to})");
            return Err(ApiError::bad_request("invalid_time_range", message));
        }
        Ok((from, to))
    }
}

fn read_time(name: &str, spec: Option<&TimeSpec>, now: Timestamp) -> Result<Option<Timestamp>, ApiError> {
    let resolved = spec.map(|spec| spec.resolve(now)).transpose();
    resolved.map_err(|message| ApiError::bad_request("invalid_time", format!("{name}: {message}")))
}
