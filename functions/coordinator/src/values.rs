//! `GET /v1/fields/{name}/values`: which values a field has, for whoever types one.
//!
//! Newest events first, and no longer than a person waits: what was counted by then is given.

use std::pin::pin;
use std::time::Duration;

use futures_util::future::{Either, select};
use futures_util::stream::{self, StreamExt};
use http::StatusCode;
use trawl_api::counts::{DEFAULT_VALUES, FieldValues, MAX_VALUES};
use trawl_api::time::TimeSpec;
use trawl_api::{ApiError, ApiResult};
use trawl_event::{TenantId, Timestamp};
use trawl_query::summary::facet::FacetSpec;
use trawl_query::{Summary, SummarySpec};
use trawl_store::ports::{Clock, ScanTask, Want, Workers};

use crate::counting::value_count;
use crate::http::{store_error, unknown_parameter};
use crate::request::{check_field, check_most, read_query};
use crate::state::{Asked, after};
use crate::{Coordinator, Ports};

/// How long values are looked for.
const PATIENCE: Duration = Duration::from_secs(2);

impl<P: Ports> Coordinator<P> {
    pub(crate) async fn get_values(&self, tenant: &TenantId, field: &str, query: &str) -> ApiResult {
        check_field(field)?;
        let (mut from, mut to, mut limit) = (None, None, DEFAULT_VALUES);
        let (mut filter, mut prefix) = (String::new(), None);
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            match &*name {
                "from" => from = Some(TimeSpec::Text(value.into_owned())),
                "to" => to = Some(TimeSpec::Text(value.into_owned())),
                "query" => filter = value.into_owned(),
                "prefix" => prefix = Some(value.into_owned()).filter(|prefix| !prefix.is_empty()),
                "limit" => {
                    let message = format!("limit: {value:?} is not a number");
                    limit = value.parse().map_err(|_| ApiError::bad_request("invalid_limit", message))?;
                }
                _ => return Err(unknown_parameter(&name, "prefix, query, from, to or limit")),
            }
        }
        check_most("limit", "invalid_limit", limit, MAX_VALUES)?;
        let (from, to) = self.read_range(from.as_ref(), to.as_ref())?;
        let filter = read_query(&filter)?.filter;
        let asked = Asked { query: filter.to_string(), ..Asked::everything(from, to) };
        let spec = FacetSpec { field: field.to_owned(), prefix };
        let (summary, is_complete) = self.count_values(tenant, asked, spec).await?;
        let facet = summary.facets.into_iter().next().unwrap_or_default();
        let values = facet.top(limit).iter().map(|(value, count)| value_count(value, *count)).collect();
        let complete = is_complete && !facet.is_approximate;
        trawl_api::json(StatusCode::OK, &FieldValues { field: field.to_owned(), values, complete })
    }

    /// Counts the values of a field in as many events as there is time for; says whether that was all of them.
    async fn count_values(
        &self,
        tenant: &TenantId,
        asked: Asked,
        facet: FacetSpec,
    ) -> Result<(Summary, bool), ApiError> {
        let deadline = after(self.clock.now(), PATIENCE);
        let evidence = read_query(&asked.query)?.evidence();
        let plan = self.plan(tenant, &asked, &evidence, 0).await.map_err(store_error)?;
        let spec = SummarySpec { histogram: None, facets: vec![facet] };
        let mut total = Summary::new(&spec);
        let task = |task: ScanTask| ScanTask { want: Want::Counts, summary: Some(spec.clone()), ..task };
        let attempts = plan.tasks.into_iter().map(|planned| self.attempt((), task(planned.task)));
        let mut ended = stream::iter(attempts).buffer_unordered(self.workers.parallelism().max(1));
        let mut is_complete = true;
        loop {
            let left = until(self.clock.now(), deadline);
            match select(ended.next(), pin!(self.clock.sleep(left))).await {
                Either::Left((Some(((), Ok(result))), _)) => {
                    is_complete &= result.unreadable.is_empty();
                    total.merge(result.summary.unwrap_or_default());
                }
                Either::Left((Some(((), Err(error))), _)) => {
                    tracing::warn!(%error, "values of a field could not be read");
                    is_complete = false;
                }
                Either::Left((None, _)) => return Ok((total, is_complete)),
                Either::Right(_) => return Ok((total, false)),
            }
        }
    }
}

/// How long it is from `now` until `then`.
fn until(now: Timestamp, then: Timestamp) -> Duration {
    Duration::from_nanos(then.0.saturating_sub(now.0).max(0).unsigned_abs())
}
