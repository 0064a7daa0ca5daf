//! The function behind the routes under which events are sent; the stage is the library of the same name.

use std::process::ExitCode;
use std::sync::Arc;

use http::{Response, StatusCode};
use ingest::protocol::{self, Asked};
use ingest::{Admission, Counted, Ingest};
use trawl_api::ApiError;
use trawl_event::TenantId;
use trawl_lambda::access::Access;
use trawl_lambda::http::{ApiAnswer, ApiEvent, Request};
use trawl_lambda::metrics::Metric;
use trawl_lambda::{Call, Settings};
use trawl_store::aws::{AwsDocuments, AwsStream, Clients};
use trawl_store::local::System;

/// Lets in the events of tenants that send no more than they may.
struct Admit(Arc<Access>);

impl Admission for Admit {
    async fn admit(&self, tenant: &TenantId, bytes: u64, events: u64) -> Result<(), ApiError> {
        self.0.admit_events(tenant, bytes, events).await
    }
}

struct Function {
    access: Arc<Access>,
    ingest: Ingest<AwsStream, System, Admit>,
}

fn main() -> ExitCode {
    trawl_lambda::run(start, answer)
}

async fn start(settings: &Settings) -> anyhow::Result<Function> {
    let clients = Clients::from_env().await;
    let documents = Arc::new(AwsDocuments::new(clients.dynamodb, settings.table()?));
    let access = Arc::new(Access::new(settings, &documents)?);
    let chosen = ingest::Settings { max_event_age: settings.max_event_age()? };
    let stream = AwsStream::new(clients.kinesis, settings.stream()?);
    let ingest = Ingest::new(stream, System, chosen).within(Admit(access.clone()));
    Ok(Function { access, ingest })
}

async fn answer(function: &Function, call: &Call, event: ApiEvent) -> anyhow::Result<ApiAnswer> {
    Ok(trawl_lambda::http::answer(event, async |request| ingest(function, call, request).await).await)
}

async fn ingest(function: &Function, call: &Call, request: &Request) -> Response<bytes::Bytes> {
    let Request { method, path, query, headers, body } = request;
    let asked = Asked { method, path, query, headers };
    let tenant = match function.access.admit(request, protocol::serves(&asked)).await {
        Ok(caller) => caller.map_or_else(TenantId::default_tenant, |caller| caller.tenant),
        Err(error) => return protocol::refuse(&asked, error),
    };
    if path == "/v1/health" {
        return trawl_api::health().unwrap_or_else(ApiError::into_response);
    }
    let response = function.ingest.answer(&tenant, &asked, body.clone()).await;
    let counted = response.extensions().get::<Counted>().copied().unwrap_or_default();
    let is_throttled = response.status() == StatusCode::SERVICE_UNAVAILABLE;
    call.report(&[
        Metric::count("EventsAccepted", counted.accepted),
        Metric::count("EventsRejected", counted.rejected),
        Metric::bytes("BytesReceived", body.len() as u64),
        Metric::count("RequestsThrottled", u64::from(is_throttled)),
        Metric::count("RequestsOverLimit", u64::from(response.status() == StatusCode::TOO_MANY_REQUESTS)),
    ]);
    response
}
