//! The function that the stream's event source mapping calls; the stage is the library of the same name.

use std::process::ExitCode;

use aws_lambda_events::kinesis::KinesisEvent;
use persister::{PersistError, Persisted, Persister};
use trawl_lambda::metrics::Metric;
use trawl_lambda::records::{BatchAnswer, Delivery};
use trawl_lambda::{Call, Settings};
use trawl_segment::WriteOptions;
use trawl_store::aws::{AwsCatalog, AwsObjects, CatalogSettings, Clients};
use trawl_store::local::System;
use trawl_store::ports::{Catalog, Clock};

struct Function {
    /// For the checkpoint after a run that failed.
    catalog: AwsCatalog,
    persister: Persister<AwsCatalog, AwsObjects, System>,
}

fn main() -> ExitCode {
    trawl_lambda::run(start, answer)
}

async fn start(settings: &Settings) -> anyhow::Result<Function> {
    let clients = Clients::from_env().await;
    let (table, claims_kept) = (settings.table()?, settings.claims_kept()?);
    let catalog = || AwsCatalog::new(clients.dynamodb.clone(), table.as_str(), CatalogSettings { claims_kept });
    let objects = AwsObjects::new(clients.s3.clone(), settings.bucket()?);
    let persister = Persister::new(catalog(), objects, System, WriteOptions::default());
    Ok(Function { catalog: catalog(), persister })
}

async fn answer(function: &Function, call: &Call, event: KinesisEvent) -> anyhow::Result<BatchAnswer> {
    let Some(delivery) = Delivery::read(event)? else { return Ok(BatchAnswer::default()) };
    let outcome = function.persister.persist(&delivery.shard, &delivery.records).await;
    let persisted = outcome.as_ref().cloned().unwrap_or_default();
    let age_ns = delivery.oldest().map_or(0, |oldest| System.now().0.saturating_sub(oldest.0)).max(0);
    report(call, &delivery, &persisted, age_ns.unsigned_abs() / 1_000_000, outcome.is_err());
    let Err(error) = outcome else {
        let (events, segments) = (persisted.events, persisted.segments);
        tracing::info!(shard = %delivery.shard, records = delivery.records.len(), events, segments, "persisted");
        return Ok(BatchAnswer::default());
    };
    // What another delivery committed meanwhile is not asked for again.
    let checkpoint = function.catalog.checkpoint(&delivery.shard).await?;
    let (again, is_less) = delivery.again_after(checkpoint);
    // Halving a delivery finds the record that cannot be persisted, and helps against nothing that passes by itself.
    // The mapping halves after an error of the function only.
    match is_less || is_passing(&error) {
        true => {
            tracing::warn!(shard = %delivery.shard, %error, "not all of a delivery is persisted, asking for it again");
            Ok(again)
        }
        false => Err(error.into()),
    }
}

fn is_passing(error: &PersistError) -> bool {
    match error {
        PersistError::Store(error) => error.is_retryable(),
        PersistError::Contended(_) => true,
        PersistError::Segment(_) => false,
    }
}

fn report(call: &Call, delivery: &Delivery, persisted: &Persisted, age_ms: u64, failed: bool) {
    call.report(&[
        Metric::count("EventsPersisted", persisted.events),
        Metric::count("RecordsRead", delivery.records.len() as u64),
        Metric::count("SegmentsWritten", persisted.segments as u64),
        Metric::count("DeadLetters", persisted.dead_letters),
        Metric::count("RepeatedBatches", persisted.repeated_batches.len() as u64),
        Metric::count("PersistFailures", u64::from(failed)),
        Metric::ms("IteratorAgeMs", age_ms),
    ]);
}
