//! The function that a schedule calls; the stage is the library of the same name.

use std::process::ExitCode;
use std::time::Duration;

use compactor::{Compactor, Settings as Chosen};
use serde::de::IgnoredAny;
use trawl_lambda::metrics::Metric;
use trawl_lambda::{Call, Settings};
use trawl_store::aws::{AwsCatalog, AwsDocuments, AwsObjects, AwsSearches, AwsStream, CatalogSettings, Clients};
use trawl_store::local::System;

/// A run is left this long before Lambda ends it. What it did until then stays done, and the next one goes on.
const MARGIN: Duration = Duration::from_secs(10);
/// Rows younger than this are left alone: longer than any plan is made from what was read of the catalog.
const MIN_AGE: Duration = Duration::from_secs(60);
/// Objects that no row names stay this much longer than the stream keeps records.
const ORPHAN_MARGIN: Duration = Duration::from_secs(3600);

type Stage = Compactor<AwsStream, AwsObjects, AwsCatalog, AwsSearches<AwsObjects>, AwsDocuments, System>;

fn main() -> ExitCode {
    trawl_lambda::run(start, answer)
}

async fn start(settings: &Settings) -> anyhow::Result<Stage> {
    let clients = Clients::from_env().await;
    let (table, kept) = (settings.table()?, CatalogSettings { claims_kept: settings.claims_kept()? });
    let stream = AwsStream::new(clients.kinesis, settings.stream()?);
    let objects = AwsObjects::new(clients.s3, settings.bucket()?);
    let catalog = AwsCatalog::new(clients.dynamodb.clone(), table.as_str(), kept);
    let documents = AwsDocuments::new(clients.dynamodb.clone(), table.as_str());
    let searches = AwsSearches::new(clients.dynamodb, table, objects.clone());
    let chosen = Chosen {
        min_age: MIN_AGE,
        max_group: trawl_store::aws::catalog::MAX_RETIRED,
        orphan_age: settings.stream_retention()? + ORPHAN_MARGIN,
        retention: settings.retention()?,
        ..Chosen::default()
    };
    Ok(Compactor::new(stream, objects, catalog, searches, documents, System, chosen))
}

async fn answer(compactor: &Stage, call: &Call, _schedule: IgnoredAny) -> anyhow::Result<()> {
    let Ok(outcome) = tokio::time::timeout(call.left(MARGIN), compactor.run(false)).await else {
        tracing::warn!("stopped before the deadline, the next run goes on");
        call.report(&[Metric::count("RunsCutShort", 1)]);
        return Ok(());
    };
    let done = outcome?;
    call.report(&[
        Metric::count("SegmentsMerged", done.merged as u64),
        Metric::count("SegmentsWritten", done.written as u64),
        Metric::count("SegmentsExpired", done.expired as u64),
        Metric::count("EventsDeleted", done.deleted_events),
        Metric::count("ObjectsRemoved", done.removed as u64),
    ]);
    tracing::info!(
        merged = done.merged,
        written = done.written,
        expired = done.expired,
        deleted_events = done.deleted_events,
        removed = done.removed,
        "compacted"
    );
    Ok(())
}
