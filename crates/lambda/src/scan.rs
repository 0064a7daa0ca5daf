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

#[cfg(test)]
mod tests {
    use super::*;
    use trawl_store::aws::payload::{FailureKind, ScanFailure};
    use trawl_store::local::System;
    use trawl_store::local::objects::LocalObjects;
    use trawl_store::ports::{RowKey, ScanEvent};

    fn store() -> (tempfile::TempDir, LocalObjects) {
        let dir = tempfile::tempdir().unwrap();
        let objects = LocalObjects::open(dir.path()).unwrap();
        (dir, objects)
    }

    fn result(event_bytes: usize) -> ScanResult {
        let key = RowKey { timestamp: trawl_event::Timestamp(1), source: 0, row: 0 };
        let event = ScanEvent { key, json: "x".repeat(event_bytes), sort: None };
        ScanResult { events: vec![event], events_matched: 1, ..ScanResult::default() }
    }

    #[tokio::test]
    async fn a_result_that_fits_is_the_answer_and_a_larger_one_is_an_object() {
        let (_dir, objects) = store();
        let small = answer(&objects, &System, async { Ok(result(5_000_000)) }).await;
        assert_eq!(small, ScanResponse::Result(Box::new(result(5_000_000))));
        let large = answer(&objects, &System, async { Ok(result(6_000_000)) }).await;
        let ScanResponse::ResultKey(key) = large else { panic!("an answer of 6 MB") };
        assert!(key.starts_with("results/"), "{key}");
        let stored = objects.get(&key).await.unwrap().unwrap();
        assert_eq!(serde_json::from_slice::<ScanResult>(&stored).unwrap(), result(6_000_000));
    }

    #[tokio::test]
    async fn a_panic_is_a_permanent_failure_and_an_error_keeps_its_kind() {
        let (_dir, objects) = store();
        let panicked = answer(&objects, &System, async { panic!("of no use") }).await;
        let failure = |kind, message: &str| ScanResponse::Error(ScanFailure { kind, message: message.to_owned() });
        assert_eq!(panicked, failure(FailureKind::Permanent, "the scan worker panicked"));
        let throttled = answer(&objects, &System, async { Err(StoreError::Throttled("busy".to_owned())) }).await;
        assert_eq!(throttled, failure(FailureKind::Throttled, "busy"));
    }

    #[tokio::test]
    async fn a_task_is_read_by_its_key() {
        let (_dir, objects) = store();
        let gone = task(&objects, ScanRequest::TaskKey("tasks/0".to_owned())).await;
        assert_eq!(gone, Err(StoreError::Permanent("the task tasks/0 is not there".to_owned())));
        objects.put("tasks/0", Bytes::from_static(b"{}")).await.unwrap();
        let damaged = task(&objects, ScanRequest::TaskKey("tasks/0".to_owned())).await;
        assert!(matches!(damaged, Err(StoreError::Permanent(_))), "{damaged:?}");
    }
}
