//! A task of a search and its result, within what an invocation carries. What is larger goes by way of an object.

use std::future::Future;
use std::panic::AssertUnwindSafe;

use bytes::Bytes;
use futures_util::FutureExt;
use trawl_store::aws::payload::{ScanRequest, ScanResponse};
use trawl_store::ports::{Ids, Objects, Result, ScanResult, ScanTask, StoreError};

/// Largest result that is an answer itself, in bytes of JSON: Lambda carries 6 MiB.
pub const MAX_INLINE_BYTES: usize = 5_500_000;

/// The task that a request holds or names.
pub async fn task<O: Objects>(objects: &O, request: ScanRequest) -> Result<ScanTask> {
    match request {
        ScanRequest::Task(task) => Ok(*task),
        ScanRequest::TaskKey(key) => {
            let gone = || StoreError::Permanent(format!("the task {key} is not there"));
            let json = objects.get(&key).await?.ok_or_else(gone)?;
            let unreadable = |error| StoreError::Permanent(format!("the task {key} cannot be read: {error}"));
            serde_json::from_slice(&json).map_err(unreadable)
        }
    }
}

/// The answer to a task. One that panics is not tried again: the same bytes would meet the same code.
pub async fn answer<O: Objects>(
    objects: &O,
    ids: &impl Ids,
    scan: impl Future<Output = Result<ScanResult>>,
) -> ScanResponse {
    let scanned = AssertUnwindSafe(scan).catch_unwind().await;
    let result = scanned.unwrap_or_else(|_| Err(StoreError::Permanent("the scan worker panicked".to_owned())));
    let fitted = match result {
        Ok(result) => fit(objects, ids, result).await,
        Err(error) => Err(error),
    };
    fitted.unwrap_or_else(|error| {
        tracing::warn!(%error, "task failed");
        ScanResponse::Error(error.into())
    })
}

async fn fit<O: Objects>(objects: &O, ids: &impl Ids, result: ScanResult) -> Result<ScanResponse> {
    // Events are nearly all of a result that may be too large; its size is measured only then.
    let json = serde_json::to_vec(&result).map_err(|error| StoreError::Permanent(error.to_string()))?;
    if json.len() <= MAX_INLINE_BYTES {
        return Ok(ScanResponse::Result(Box::new(result)));
    }
    let key = format!("results/{:032x}", ids.fresh());
    objects.put(&key, Bytes::from(json)).await?;
    Ok(ScanResponse::ResultKey(key))
}
