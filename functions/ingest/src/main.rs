//! The function behind `POST /v1/events`; the stage is the library of the same name.

use std::process::ExitCode;

use http::{Method, Response, StatusCode};
use ingest::{Counted, Ingest};
use trawl_api::ApiError;
use trawl_event::TenantId;
use trawl_lambda::http::{ApiAnswer, ApiEvent, Request};
use trawl_lambda::key::KeyCheck;
use trawl_lambda::metrics::Metric;
use trawl_lambda::{Call, Settings};
use trawl_store::aws::{AwsStream, Clients};
use trawl_store::local::System;

struct Function {
    key: KeyCheck,
    ingest: Ingest<AwsStream, System>,
}

fn main() -> ExitCode {
    trawl_lambda::run(start, answer)
}

async fn start(settings: &Settings) -> anyhow::Result<Function> {
    let key = settings.api_key()?;
    let chosen = ingest::Settings { max_event_age: settings.max_event_age()? };
    let stream = AwsStream::new(Clients::from_env().await.kinesis, settings.stream()?);
    Ok(Function { key, ingest: Ingest::new(stream, System, chosen) })
}

async fn answer(function: &Function, call: &Call, event: ApiEvent) -> anyhow::Result<ApiAnswer> {
    let route = async |request: &Request| match (&request.method, request.path.as_str()) {
        (&Method::POST, "/v1/events") => ingest(function, call, request).await,
        (method, "/v1/events") => ApiError::method_not_allowed(method, "POST").into_response(),
        (_, path) => ApiError::unknown_route(path).into_response(),
    };
    Ok(trawl_lambda::http::answer(event, &function.key, route).await)
}

async fn ingest(function: &Function, call: &Call, request: &Request) -> Response<bytes::Bytes> {
    // One tenant, until keys decide it.
    let tenant = TenantId::default_tenant();
    let response = function.ingest.handle(&tenant, &request.headers, request.body.clone()).await;
    let counted = response.extensions().get::<Counted>().copied().unwrap_or_default();
    let is_throttled = response.status() == StatusCode::SERVICE_UNAVAILABLE;
    call.report(&[
        Metric::count("EventsAccepted", counted.accepted),
        Metric::count("EventsRejected", counted.rejected),
        Metric::bytes("BytesReceived", request.body.len() as u64),
        Metric::count("RequestsThrottled", u64::from(is_throttled)),
    ]);
    response
}
