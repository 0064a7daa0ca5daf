//! What a tenant may use.

use std::time::Duration;

use bytes::Bytes;
use quick_cache::sync::Cache;
use serde::{Deserialize, Serialize};
use trawl_api::ApiError;
use trawl_event::{TenantId, Timestamp};
use trawl_store::ports::{Clock, DocumentKey, Documents, Kind, Result, StoreError};

use crate::quota::{Meter, Quota};

/// How long limits count before they are read again.
const FRESH: Duration = Duration::from_secs(30);
/// Tenants whose limits are remembered.
const REMEMBERED: usize = 10_000;
/// The name of the document.
const NAME: &str = "all";

/// Limits of a tenant; what is absent is not limited.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// Bytes of events a second, decompressed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ingest_bytes_per_second: Option<u64>,
    /// Events a second.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ingest_events_per_second: Option<u64>,
    /// Searches that run at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub concurrent_searches: Option<u64>,
    /// Stored bytes that one search reads.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scanned_bytes_per_search: Option<u64>,
    /// Stored bytes that all searches read in a day (UTC).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scanned_bytes_per_day: Option<u64>,
}

/// The limits of all tenants.
pub struct TenantLimits<D, C> {
    documents: D,
    clock: C,
    default: Limits,
    remembered: Cache<TenantId, (Limits, Timestamp)>,
}

impl<D: Documents, C: Clock> TenantLimits<D, C> {
    /// Limits in `documents`; `default` for a tenant that has none of its own.
    pub fn new(documents: D, clock: C, default: Limits) -> Self {
        Self { documents, clock, default, remembered: Cache::new(REMEMBERED) }
    }

    /// The limits of a tenant, as they stood half a minute ago at most. While they cannot be read, those known last.
    pub async fn of(&self, tenant: &TenantId) -> Limits {
        let now = self.clock.now();
        let known = self.remembered.get(tenant);
        let is_fresh =
            |at: &Timestamp| now.0.checked_sub(at.0).is_some_and(|age| (0..FRESH.as_nanos() as i64).contains(&age));
        if let Some((limits, at)) = known.as_ref()
            && is_fresh(at)
        {
            return *limits;
        }
        let limits = match self.read(tenant).await {
            Ok(limits) => limits,
            Err(error) => {
                tracing::warn!(%error, %tenant, "the limits of a tenant cannot be read");
                known.map_or(self.default, |(limits, _)| limits)
            }
        };
        self.remembered.insert(tenant.clone(), (limits, now));
        limits
    }

    /// The limits of a tenant as they stand.
    pub async fn read(&self, tenant: &TenantId) -> Result<Limits> {
        match self.documents.document(&DocumentKey::of(tenant, Kind::Limits, NAME)).await? {
            None => Ok(self.default),
            Some((_, body)) => serde_json::from_slice(&body)
                .map_err(|error| StoreError::Permanent(format!("the limits of {tenant} cannot be read: {error}"))),
        }
    }

    /// Sets the limits of a tenant.
    pub async fn set(&self, tenant: &TenantId, limits: Limits) -> Result<()> {
        let key = DocumentKey::of(tenant, Kind::Limits, NAME);
        let body = serde_json::to_vec(&limits).map_err(|error| StoreError::Permanent(error.to_string()))?;
        loop {
            let version = self.documents.document(&key).await?.map(|(version, _)| version);
            let written = self.documents.put_document(&key, version, Bytes::from(body.clone()), Timestamp::MAX).await?;
            if written.is_some() {
                self.remembered.insert(tenant.clone(), (limits, self.clock.now()));
                return Ok(());
            }
        }
    }
}

/// Counts events that a tenant sends, or says when there is room again.
pub async fn admit_events<D: Documents, C: Clock>(
    limits: &TenantLimits<D, C>,
    quota: &Quota<D, C>,
    tenant: &TenantId,
    bytes: u64,
    events: u64,
) -> std::result::Result<(), ApiError> {
    let limits = limits.of(tenant).await;
    if let Some(most) = limits.ingest_bytes_per_second {
        quota.admit(tenant, &Meter::IngestBytes, most, bytes).await?;
    }
    if let Some(most) = limits.ingest_events_per_second {
        quota.admit(tenant, &Meter::IngestEvents, most, events).await?;
    }
    Ok(())
}
