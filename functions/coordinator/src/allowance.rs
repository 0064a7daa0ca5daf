//! How much a tenant may search.
//!
//! A tenant's running searches are one document, to which a search is added when it is asked for. It is tidied up when it
//! is full, by looking what became of each: a search that ended, or whose run died for good, need not be told to leave.
//! What searches read in a day is another, which runs add to.

use std::time::Duration;

use bytes::Bytes;
use http::StatusCode;
use http::header::RETRY_AFTER;
use serde_json::json;
use trawl_api::ApiError;
use trawl_api::search::Status;
use trawl_event::timestamp::NS_PER_DAY;
use trawl_event::{TenantId, Timestamp};
use trawl_store::ports::documents::{add_to, counted};
use trawl_store::ports::{Clock, DocumentKey, Documents, Kind, SearchId, Searches, StoreError};

use crate::http::store_error;
use crate::state::{SearchState, after};
use crate::{Coordinator, Ports};

/// When to come again if too many searches run: they take seconds.
const TRY_AGAIN_S: u64 = 2;
/// How long the count of a day is kept after it.
const KEPT: Duration = Duration::from_secs(2 * 24 * 3600);

/// How much a tenant may search; what is absent is not limited.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Allowance {
    /// Searches that run at once.
    pub concurrent_searches: Option<u64>,
    /// Stored bytes that one search reads.
    pub scanned_bytes_per_search: Option<u64>,
    /// Stored bytes that all searches read in a day (UTC).
    pub scanned_bytes_per_day: Option<u64>,
}

fn running(tenant: &TenantId) -> DocumentKey {
    DocumentKey::of(tenant, Kind::Usage, "running-searches")
}

fn scanned(tenant: &TenantId, now: Timestamp) -> DocumentKey {
    DocumentKey::of(tenant, Kind::Usage, format!("scanned-bytes/{}", now.day()))
}

impl<P: Ports> Coordinator<P> {
    /// Refuses a search of a tenant that has read enough for today.
    pub(crate) async fn check_scanned(&self, tenant: &TenantId, allowance: &Allowance) -> Result<(), ApiError> {
        let Some(most) = allowance.scanned_bytes_per_day else { return Ok(()) };
        let now = self.clock.now();
        let found = self.documents.document(&scanned(tenant, now)).await.map_err(store_error)?;
        let read = found.map_or(0, |(_, body)| counted(&body));
        if read < most {
            return Ok(());
        }
        let left_ns = NS_PER_DAY - now.0.rem_euclid(NS_PER_DAY);
        let seconds = u64::try_from(left_ns).unwrap_or(0).div_ceil(1_000_000_000);
        let message =
            format!("searches have read {read} bytes today, and the limit is {most}: try again in {seconds} s");
        Err(over("scan_limit_reached", message, most, read, seconds))
    }

    /// Notes that a search runs, unless too many do.
    pub(crate) async fn note_running(
        &self,
        tenant: &TenantId,
        allowance: &Allowance,
        id: SearchId,
    ) -> Result<(), ApiError> {
        let Some(most) = allowance.concurrent_searches else { return Ok(()) };
        let key = running(tenant);
        loop {
            let found = self.documents.document(&key).await.map_err(store_error)?;
            let version = found.as_ref().map(|(version, _)| *version);
            let mut ids: Vec<SearchId> = match &found {
                // A document that cannot be read is begun anew: the worst is a few searches too many.
                Some((_, body)) => serde_json::from_slice(body).unwrap_or_default(),
                None => Vec::new(),
            };
            if ids.len() as u64 >= most {
                let mut left = Vec::with_capacity(ids.len());
                for id in ids {
                    if self.is_running(tenant, id).await.map_err(store_error)? {
                        left.push(id);
                    }
                }
                ids = left;
            }
            if ids.len() as u64 >= most {
                let message = format!("{} searches run, and the limit is {most}: cancel one, or try again", ids.len());
                return Err(over("too_many_searches", message, most, ids.len() as u64, TRY_AGAIN_S));
            }
            ids.push(id);
            let body = serde_json::to_vec(&ids).map_err(|error| ApiError::internal(error.to_string()))?;
            let written = self.documents.put_document(&key, version, Bytes::from(body), Timestamp::MAX).await;
            if written.map_err(store_error)?.is_some() {
                return Ok(());
            }
        }
    }

    async fn is_running(&self, tenant: &TenantId, id: SearchId) -> Result<bool, StoreError> {
        let Some((_, state)) = self.searches.state(tenant, id).await? else { return Ok(false) };
        let state = SearchState::decode(&state)?;
        Ok(state.status == Status::Running && !state.is_abandoned(self.clock.now()))
    }

    /// Adds what a run read to what its tenant read today. What cannot be written is not counted: no search fails over it.
    pub(crate) async fn count_scanned(&self, tenant: &TenantId, bytes: u64) {
        let now = self.clock.now();
        let key = scanned(tenant, now);
        let expires = after(now, KEPT);
        if let Err(error) = add_to(&self.documents, &key, bytes, expires).await {
            tracing::warn!(%tenant, %error, "what searches read today could not be counted");
        }
    }
}

/// 429, what is used up, and when to come again.
fn over(code: &'static str, message: String, limit: u64, used: u64, seconds: u64) -> ApiError {
    ApiError::new(StatusCode::TOO_MANY_REQUESTS, code, message)
        .with_header(RETRY_AFTER, seconds.to_string())
        .with_detail(json!({"limit": limit, "used": used, "retry_after_seconds": seconds}))
}
