//! Scan workers as Lambda invocations.
//!
//! * [`pace`]: how many run at once: more as they succeed, half as many when Lambda throttles
//! * [`hedge`]: when an invocation counts as a straggler
//!
//! A task goes as the request of a synchronous invocation, and its result comes as the answer. Either may
//! have 6 MB (<https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html>); what is larger
//! goes through an object. A crash, a time-out and an answer that cannot be read are passing errors: the
//! coordinator tries the task again. What the worker itself says is passed on as it is.

mod hedge;
mod pace;

use std::future::Future;
use std::time::Duration;

use aws_sdk_lambda::Client;
use aws_sdk_lambda::primitives::Blob;
use bytes::Bytes;
use futures_util::future::{Either, select};
use tokio::time::Instant;

use super::error::store_error;
use super::payload::{ScanRequest, ScanResponse};
use crate::local::RandomIds;
use crate::ports::{Ids, Objects, Result, ScanResult, ScanTask, StoreError, Workers};
use hedge::Durations;
use pace::{Pace, Room};

/// Bytes of a request that goes without an object: Lambda takes 6 MB.
const REQUEST_BYTES: usize = 5_500_000;
/// The prefix of tasks that are larger; a lifecycle rule removes what a crash leaves.
pub const TASKS_PREFIX: &str = "tasks/";

/// What a deployment chooses.
#[derive(Clone, Debug)]
pub struct WorkerSettings {
    /// Most invocations at once.
    pub most_at_once: usize,
    /// No invocation counts as a straggler before it has run this long.
    pub hedge_after: Duration,
}

impl Default for WorkerSettings {
    fn default() -> Self {
        Self { most_at_once: 64, hedge_after: Duration::from_millis(1500) }
    }
}

/// Runs tasks in a function.
#[derive(Debug)]
pub struct AwsWorkers<O> {
    client: Client,
    function: String,
    objects: O,
    settings: WorkerSettings,
    pace: Pace,
    durations: Durations,
}

impl<O: Objects> AwsWorkers<O> {
    /// Workers that are invocations of `function`.
    pub fn new(client: Client, function: impl Into<String>, objects: O, settings: WorkerSettings) -> Self {
        let pace = Pace::new(settings.most_at_once);
        Self { client, function: function.into(), objects, settings, pace, durations: Durations::default() }
    }

    /// One invocation, in a place taken for it.
    async fn invoke(&self, _room: Room<'_>, payload: &Bytes) -> Result<ScanResult> {
        let began = Instant::now();
        let outcome = self.invoke_now(payload).await;
        match &outcome {
            Ok(_) => {
                self.durations.note(began.elapsed());
                self.pace.went_well();
            }
            Err(StoreError::Throttled(_)) => self.pace.was_throttled(),
            Err(_) => {}
        }
        outcome
    }

    async fn invoke_now(&self, payload: &Bytes) -> Result<ScanResult> {
        let call = self.client.invoke().function_name(&self.function).payload(Blob::new(payload.to_vec()));
        let answer = call.send().await.map_err(|error| store_error(&format!("invoking {}", self.function), &error))?;
        let body = answer.payload().map(|payload| payload.as_ref()).unwrap_or_default();
        if let Some(kind) = answer.function_error() {
            // It crashed, ran out of time or memory, or its answer was too large for Lambda.
            let reason = String::from_utf8_lossy(&body[..body.len().min(500)]);
            return Err(StoreError::Transient(format!("{} failed ({kind}): {reason}", self.function)));
        }
        let unreadable = |error| StoreError::Transient(format!("the answer of {}: {error}", self.function));
        match serde_json::from_slice(body).map_err(unreadable)? {
            ScanResponse::Result(result) => Ok(*result),
            ScanResponse::ResultKey(key) => {
                let gone = || StoreError::Transient(format!("the result {key} is gone"));
                let stored = self.objects.get(&key).await?.ok_or_else(gone)?;
                let result = serde_json::from_slice(&stored).map_err(unreadable)?;
                self.remove(&key).await;
                Ok(result)
            }
            ScanResponse::Error(failure) => Err(failure.into()),
        }
    }

    /// Removes what was passed through an object. What stays goes by the bucket's lifecycle.
    async fn remove(&self, key: &str) {
        if let Err(error) = self.objects.delete(key).await {
            tracing::debug!(key, %error, "what was passed through an object stays until it expires");
        }
    }

    /// Runs a payload, a second time beside the first when that turns out to be a straggler.
    async fn invoke_hedged(&self, payload: &Bytes) -> Result<ScanResult> {
        let room = self.pace.room().await;
        let first = std::pin::pin!(self.invoke(room, payload));
        let Some(patience) = self.durations.patience(self.settings.hedge_after) else { return first.await };
        let late = std::pin::pin!(tokio::time::sleep(patience));
        let first = match select(first, late).await {
            Either::Left((outcome, _)) => return outcome,
            Either::Right(((), first)) => first,
        };
        let Some(_hedge) = self.pace.hedge() else { return first.await };
        tracing::info!(function = self.function, ?patience, "an invocation takes long, starting it a second time");
        let second = std::pin::pin!(async { self.invoke(self.pace.room().await, payload).await });
        first_success(first, second).await
    }
}

/// The first of two that succeeds, or the second error.
async fn first_success<A, B>(one: A, other: B) -> Result<ScanResult>
where
    A: Future<Output = Result<ScanResult>> + Unpin,
    B: Future<Output = Result<ScanResult>> + Unpin,
{
    match select(one, other).await {
        Either::Left((Ok(result), _)) | Either::Right((Ok(result), _)) => Ok(result),
        Either::Left((Err(_), other)) => other.await,
        Either::Right((Err(_), one)) => one.await,
    }
}

impl<O: Objects> Workers for AwsWorkers<O> {
    async fn run(&self, task: ScanTask) -> Result<ScanResult> {
        let encode = |request: &ScanRequest| {
            let json = serde_json::to_vec(request);
            json.map(Bytes::from).map_err(|error| StoreError::Permanent(format!("a task as JSON: {error}")))
        };
        let payload = encode(&ScanRequest::Task(Box::new(task.clone())))?;
        if payload.len() <= REQUEST_BYTES {
            return self.invoke_hedged(&payload).await;
        }
        let key = format!("{TASKS_PREFIX}{:032x}", RandomIds.fresh());
        let body = serde_json::to_vec(&task).map_err(|error| StoreError::Permanent(error.to_string()))?;
        self.objects.put(&key, body.into()).await?;
        let outcome = self.invoke_hedged(&encode(&ScanRequest::TaskKey(key.clone()))?).await;
        self.remove(&key).await;
        outcome
    }

    fn parallelism(&self) -> usize {
        self.pace.size()
    }
}
