//! Who may use a deployment, and how much: the gate over the table, as its environment sets it up.

use std::sync::Arc;

use trawl_access::gate::{Asked, GateSettings};
use trawl_access::limits::{TenantLimits, admit_events};
use trawl_access::provider::{Https, Provider};
use trawl_access::quota::Quota;
use trawl_access::{Caller, Gate, Limits, Pepper};
use trawl_api::ApiError;
use trawl_event::TenantId;
use trawl_store::aws::AwsDocuments;
use trawl_store::local::System;

use crate::Settings;
use crate::http::Request;

/// What decides who may do what, and how much.
pub struct Access {
    /// Lets requests in.
    pub gate: Gate<Arc<AwsDocuments>, System, Https>,
    /// What tenants may use,
    pub limits: TenantLimits<Arc<AwsDocuments>, System>,
    /// and what they used.
    pub quota: Quota<Arc<AwsDocuments>, System>,
}

impl Access {
    /// What the environment asks for, over these documents.
    pub fn new(settings: &Settings, documents: &Arc<AwsDocuments>) -> anyhow::Result<Self> {
        let deployment_key = settings.deployment_key()?;
        let gate_settings = GateSettings { is_open: deployment_key.is_none(), deployment_key };
        let pepper = Pepper::new(settings.key_pepper()?.as_bytes())?;
        let provider = settings.provider()?.map(|provider| Provider::new(provider, Https)).transpose()?;
        Ok(Self {
            gate: Gate::new(documents.clone(), System, pepper, gate_settings, provider),
            limits: TenantLimits::new(documents.clone(), System, settings.limits()?),
            quota: Quota::new(documents.clone(), System),
        })
    }

    /// Who sends a request, if it may be answered at all; `None` where nobody has to be anyone.
    pub async fn admit(&self, request: &Request, is_ingest: bool) -> Result<Option<Caller>, ApiError> {
        let Request { method, path, query, headers, .. } = request;
        self.gate.admit(&Asked { method, path, query, headers, is_ingest }).await
    }

    /// Counts events that a tenant sends, or says when there is room again.
    pub async fn admit_events(&self, tenant: &TenantId, bytes: u64, events: u64) -> Result<(), ApiError> {
        admit_events(&self.limits, &self.quota, tenant, bytes, events).await
    }
}

/// The limits that a JSON object names.
pub(crate) fn read_limits(text: &str) -> Option<Limits> {
    serde_json::from_str(text).ok()
}
