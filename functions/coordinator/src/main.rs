//! The function behind the routes of searches, which also runs them; the stage is the library of the same name.

use std::process::ExitCode;
use std::sync::Arc;

use coordinator::run::RunOutcome;
use coordinator::{Allowance, Coordinator};
use http::Response;
use serde_json::value::RawValue;
use trawl_access::Caller;
use trawl_access::http::Management;
use trawl_api::ApiError;
use trawl_api::search::Status;
use trawl_lambda::access::Access;
use trawl_lambda::http::{ApiAnswer, ApiEvent, Request};
use trawl_lambda::metrics::Metric;
use trawl_lambda::{Call, Settings};
use trawl_store::aws::payload::{Run, RunRequest};
use trawl_store::aws::{
    AwsCatalog, AwsDocuments, AwsLauncher, AwsObjects, AwsSearches, AwsStream, AwsWorkers, CatalogSettings, Clients,
    WorkerSettings,
};
use trawl_store::local::System;
use trawl_store::ports::Clock;

type Stage = Coordinator<(
    AwsStream,
    AwsCatalog,
    AwsSearches<AwsObjects>,
    Arc<AwsDocuments>,
    AwsWorkers<AwsObjects>,
    AwsLauncher,
    System,
)>;

struct Function {
    access: Access,
    coordinator: Stage,
}

fn main() -> ExitCode {
    trawl_lambda::run(start, answer)
}

async fn start(settings: &Settings) -> anyhow::Result<Function> {
    let clients = Clients::from_env().await;
    let (table, kept) = (settings.table()?, CatalogSettings { claims_kept: settings.claims_kept()? });
    let stream = AwsStream::new(clients.kinesis, settings.stream()?);
    let objects = AwsObjects::new(clients.s3, settings.bucket()?);
    let catalog = AwsCatalog::new(clients.dynamodb.clone(), table.as_str(), kept);
    let documents = Arc::new(AwsDocuments::new(clients.dynamodb.clone(), table.as_str()));
    let access = Access::new(settings, &documents)?;
    let searches = AwsSearches::new(clients.dynamodb, table, objects.clone());
    let launcher = AwsLauncher::new(clients.lambda.clone(), settings.coordinator()?);
    let fan_out = WorkerSettings { most_at_once: settings.search_concurrency()?, ..WorkerSettings::default() };
    let workers = AwsWorkers::new(clients.lambda, settings.scan_worker()?, objects, fan_out);
    Ok(Function { access, coordinator: Stage::new(stream, catalog, searches, documents, workers, launcher, System) })
}

/// A run, started by this function itself, or a request of the API.
async fn answer(function: &Function, call: &Call, event: Box<RawValue>) -> anyhow::Result<Option<ApiAnswer>> {
    if let Ok(RunRequest { run }) = serde_json::from_str(event.get()) {
        run_search(function, call, run).await?;
        return Ok(None);
    }
    let event: ApiEvent = serde_json::from_str(event.get())?;
    let route = async |request: &Request| match function.access.admit(request, false).await {
        Ok(Some(caller)) => route(function, &caller, request).await,
        Ok(None) => open_route(function, request).await,
        Err(error) => error.into_response(),
    };
    Ok(Some(trawl_lambda::http::answer(event, route).await))
}

async fn route(function: &Function, caller: &Caller, request: &Request) -> Response<bytes::Bytes> {
    let Request { method, path, query, body, .. } = request;
    let Function { access, coordinator } = function;
    match path.as_str() {
        "/v1/health" | "/v1/openapi.json" | "/v1/auth" => ApiError::method_not_allowed(method, "GET").into_response(),
        "/v1/auth/token" => ApiError::method_not_allowed(method, "POST").into_response(),
        "/v1/events" => ApiError::method_not_allowed(method, "POST").into_response(),
        path if path == "/v1/deletions" || path.starts_with("/v1/deletions/") => {
            coordinator.handle_deletions(&caller.tenant, &caller.subject, method, path, body).await
        }
        path if trawl_access::http::serves(path) => {
            let management = Management { keys: access.gate.keys(), limits: &access.limits, clock: &System };
            management.handle(caller, method, path, body).await
        }
        path => {
            let limits = access.limits.of(&caller.tenant).await;
            let allowance = Allowance {
                concurrent_searches: limits.concurrent_searches,
                scanned_bytes_per_search: limits.scanned_bytes_per_search,
                scanned_bytes_per_day: limits.scanned_bytes_per_day,
            };
            coordinator.handle_within(&caller.tenant, &allowance, method, path, query, body).await
        }
    }
}

/// Routes that tell nothing about anyone.
async fn open_route(function: &Function, request: &Request) -> Response<bytes::Bytes> {
    if let Some(answer) = function.access.gate.answer_open(&request.method, &request.path, &request.body).await {
        return answer.unwrap_or_else(ApiError::into_response);
    }
    match request.path.as_str() {
        "/v1/health" => trawl_api::health().unwrap_or_else(ApiError::into_response),
        "/v1/openapi.json" => trawl_api::openapi(),
        path => ApiError::unknown_route(path).into_response(),
    }
}

/// Runs a search until it ends or this invocation has to: a search that goes on then has been started again.
async fn run_search(function: &Function, call: &Call, run: Run) -> anyhow::Result<()> {
    let begun = System.now();
    let outcome = function.coordinator.run(&run.tenant, run.id, Some(call.deadline)).await?;
    let ms = System.now().0.saturating_sub(begun.0).max(0).unsigned_abs() / 1_000_000;
    let status = outcome.status;
    tracing::info!(id = %run.id, ?status, ms, usd = outcome.cost.usd, "the run of a search ended");
    if outcome.worked && status != Status::Running {
        report(call, &outcome, ms);
    }
    Ok(())
}

fn report(call: &Call, outcome: &RunOutcome, ms: u64) {
    let RunOutcome { status, progress, cost, .. } = outcome;
    let ended_so = |wanted: Status| u64::from(*status == wanted);
    call.report(&[
        Metric::count("SearchesCompleted", ended_so(Status::Complete)),
        Metric::count("SearchesPartial", ended_so(Status::Partial)),
        Metric::count("SearchesFailed", ended_so(Status::Failed)),
        Metric::count("SearchGets", cost.gets),
        Metric::bytes("SearchBytes", cost.bytes),
        Metric::count("GranulesSkipped", progress.granules_total.saturating_sub(progress.granules_read)),
        Metric::ms("SearchMs", ms),
        Metric::usd("SearchCostUsd", cost.usd),
    ]);
}
