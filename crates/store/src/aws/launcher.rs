//! Starting the run of a search: the coordinator invokes itself, asynchronously.
//!
//! Lambda queues the invocation before it answers, and tries it again twice when it ends in an error
//! (<https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html>).

use aws_sdk_lambda::Client;
use aws_sdk_lambda::primitives::Blob;
use aws_sdk_lambda::types::InvocationType;
use trawl_event::TenantId;

use super::error::store_error;
use super::payload::{Run, RunRequest};
use crate::ports::{Launcher, Result, SearchId, StoreError};

/// Launches runs as invocations of a function.
#[derive(Clone, Debug)]
pub struct AwsLauncher {
    client: Client,
    function: String,
}

impl AwsLauncher {
    /// Runs searches in `function`.
    pub fn new(client: Client, function: impl Into<String>) -> Self {
        Self { client, function: function.into() }
    }
}

impl Launcher for AwsLauncher {
    async fn launch(&self, tenant: &TenantId, id: SearchId) -> Result<()> {
        let request = RunRequest { run: Run { tenant: tenant.clone(), id } };
        let payload = serde_json::to_vec(&request).map_err(|error| StoreError::Permanent(error.to_string()))?;
        let call = self.client.invoke().function_name(&self.function).invocation_type(InvocationType::Event);
        let invoked = call.payload(Blob::new(payload)).send().await;
        invoked.map(drop).map_err(|error| store_error(&format!("launching a search in {}", self.function), &error))
    }
}
