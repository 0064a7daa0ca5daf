//! `/v1/deletions`: events that are to be gone for good, and the record of it.
//!
//! From the answer on no search finds them; the compactor takes them out of segments (see [`trawl_store::deletions`]).

use bytes::Bytes;
use http::{Method, Response, StatusCode};
use serde::Serialize;
use trawl_api::deletions::{DeletionAnswer, DeletionRequest, MAX_BODY_BYTES, MAX_REASON_CHARS};
use trawl_api::{ApiError, ApiResult};
use trawl_event::limits::MAX_AHEAD_NS;
use trawl_event::{TenantId, Timestamp};
use trawl_query::Exclusion;
use trawl_store::deletions::{self, Deletion, Hidden, Progress, Record};
use trawl_store::ports::{Clock, Ids, StoreError};

use crate::http::{query_error, store_error};
use crate::request::read_json;
use crate::{Coordinator, Ports};

#[derive(Serialize)]
struct Listed {
    deletions: Vec<DeletionAnswer>,
}

impl<P: Ports> Coordinator<P> {
    /// What is hidden of a tenant's events.
    pub(crate) async fn hidden(&self, tenant: &TenantId) -> Result<Hidden, StoreError> {
        deletions::hidden(&self.documents, tenant).await
    }

    /// Answers the routes under `/v1/deletions` for `by`, who is an admin of the tenant.
    pub async fn handle_deletions(
        &self,
        tenant: &TenantId,
        by: &str,
        method: &Method,
        path: &str,
        body: &[u8],
    ) -> Response<Bytes> {
        let answer = match path.strip_prefix("/v1/deletions") {
            Some("") => match *method {
                Method::GET => self.list_deletions(tenant).await,
                Method::POST => self.delete_events(tenant, by, body).await,
                _ => Err(ApiError::method_not_allowed(method, "GET or POST")),
            },
            Some(rest) if rest.starts_with('/') => match *method {
                Method::GET => self.get_deletion(tenant, &rest[1..]).await,
                _ => Err(ApiError::method_not_allowed(method, "GET")),
            },
            _ => Err(ApiError::unknown_route(path)),
        };
        answer.unwrap_or_else(ApiError::into_response)
    }

    async fn delete_events(&self, tenant: &TenantId, by: &str, body: &[u8]) -> ApiResult {
        let request: DeletionRequest = read_json(body, "a deletion", MAX_BODY_BYTES)?;
        let reason = request.reason.trim();
        if reason.is_empty() || reason.chars().count() > MAX_REASON_CHARS {
            let message = format!("a deletion has a reason of 1 to {MAX_REASON_CHARS} characters, for the record");
            return Err(ApiError::bad_request("invalid_reason", message));
        }
        if request.query.trim().is_empty() {
            let message = "a deletion names what is deleted: expected a query, or * for all events of the range";
            return Err(ApiError::bad_request("empty_query", message));
        }
        let now = self.clock.now();
        let (from, to) = self.read_range(request.from.as_ref(), request.to.as_ref())?;
        // Events that were taken in may be a little ahead of the clock.
        let to = if request.to.is_some() { to } else { now.plus_ns(MAX_AHEAD_NS) };
        let events = Exclusion { query: request.query, from, to };
        events.filter().map_err(query_error)?;
        let deletion = Deletion {
            id: format!("{:032x}", self.clock.fresh()),
            events,
            reason: reason.to_owned(),
            by: by.to_owned(),
            created: now,
            ends: self.ends().await.map_err(store_error)?,
        };
        if !deletions::hide(&self.documents, tenant, &deletion).await.map_err(store_error)? {
            let message = format!(
                "{} deletions, or {} bytes of their queries, wait to be carried out, which is the most: try again later",
                deletions::MAX_HIDDEN,
                deletions::MAX_HIDDEN_BYTES
            );
            return Err(ApiError::new(StatusCode::TOO_MANY_REQUESTS, "too_many_deletions", message));
        }
        tracing::info!(id = deletion.id, %tenant, by, "events are deleted");
        trawl_api::json(StatusCode::ACCEPTED, &answer(Record::new(deletion)))
    }

    async fn list_deletions(&self, tenant: &TenantId) -> ApiResult {
        let records = deletions::records(&self.documents, Some(tenant)).await.map_err(store_error)?;
        let deletions = records.into_iter().map(|(_, record)| answer(record)).collect();
        trawl_api::json(StatusCode::OK, &Listed { deletions })
    }

    async fn get_deletion(&self, tenant: &TenantId, id: &str) -> ApiResult {
        let is_name = id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit());
        let unknown = || ApiError::not_found("unknown_deletion", format!("there is no deletion {id:?}"));
        if !is_name {
            return Err(unknown());
        }
        let record = deletions::record(&self.documents, tenant, id).await.map_err(store_error)?;
        trawl_api::json(StatusCode::OK, &answer(record.ok_or_else(unknown)?))
    }
}

fn answer(record: Record) -> DeletionAnswer {
    let text = |at: Timestamp| at.to_string();
    let Record { deletion, progress, events_removed, segments_rewritten, rewritten, erased } = record;
    let Exclusion { query, from, to } = deletion.events;
    DeletionAnswer {
        id: deletion.id,
        status: match progress {
            Progress::Hidden => "hidden",
            Progress::Rewritten => "rewritten",
            Progress::Erased => "erased",
        },
        query,
        from: (from > Timestamp::MIN).then(|| text(from)),
        to: text(to),
        reason: deletion.reason,
        by: deletion.by,
        created: text(deletion.created),
        events_removed,
        segments_rewritten,
        rewritten: rewritten.map(text),
        erased: erased.map(text),
    }
}
