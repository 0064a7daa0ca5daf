//! The function that the coordinator hands tasks to; the stage is the library of the same name.

use std::process::ExitCode;

use scan_worker::ScanWorker;
use trawl_lambda::metrics::Metric;
use trawl_lambda::{Call, Settings, scan};
use trawl_store::aws::payload::{ScanRequest, ScanResponse};
use trawl_store::aws::{AwsCatalog, AwsObjects, AwsStream, CatalogSettings, Clients};
use trawl_store::local::System;
use trawl_store::ports::{ScanResult, StoreError};

struct Function {
    objects: AwsObjects,
    worker: ScanWorker<AwsStream, AwsObjects, AwsCatalog, System>,
}

fn main() -> ExitCode {
    trawl_lambda::run(start, answer)
}

async fn start(settings: &Settings) -> anyhow::Result<Function> {
    rayon::ThreadPoolBuilder::new().num_threads(settings.vcpus()).build_global()?;
    let clients = Clients::from_env().await;
    let stream = AwsStream::new(clients.kinesis, settings.stream()?);
    let objects = AwsObjects::new(clients.s3, settings.bucket()?);
    let kept = CatalogSettings { claims_kept: settings.claims_kept()? };
    let catalog = AwsCatalog::new(clients.dynamodb, settings.table()?, kept);
    Ok(Function { worker: ScanWorker::new(stream, objects.clone(), catalog, System), objects })
}

async fn answer(function: &Function, call: &Call, request: ScanRequest) -> anyhow::Result<ScanResponse> {
    let scanned = async {
        let task = scan::task(&function.objects, request).await?;
        let result = function.worker.run(&task).await.map_err(StoreError::from)?;
        report(call, &result);
        Ok(result)
    };
    Ok(scan::answer(&function.objects, &System, scanned).await)
}

fn report(call: &Call, result: &ScanResult) {
    call.report(&[
        Metric::count("Gets", result.gets),
        Metric::bytes("BytesRead", result.bytes_read),
        Metric::count("GranulesTotal", result.granules_total),
        Metric::count("GranulesRead", result.granules_read),
        Metric::count("GranulesSkipped", result.granules_total.saturating_sub(result.granules_read)),
        Metric::ms("DurationMs", result.duration_ms),
    ]);
}
