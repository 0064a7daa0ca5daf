//! One execution environment: logs, settings and clients once, then one invocation after the other.

use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use lambda_runtime::{Diagnostic, LambdaEvent, service_fn};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tracing::Instrument;
use trawl_event::Timestamp;
use trawl_store::local::System;
use trawl_store::ports::Clock;

use crate::metrics::{self, Metric};
use crate::settings::Settings;

/// Least threads that drive sockets. A scan occupies the one it runs on, and what it asks for has to arrive meanwhile.
const MIN_THREADS: usize = 2;
/// As long as an invocation may take: <https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html>.
const LONGEST_INVOCATION: Duration = Duration::from_secs(900);

/// What is known of an invocation beside its event.
#[derive(Clone, Debug)]
pub struct Call {
    /// Names the invocation in logs.
    pub request_id: String,
    /// When Lambda ends it.
    pub deadline: Timestamp,
    /// The function's name.
    pub function: Arc<str>,
}

impl Call {
    /// How long it is until `margin` before the deadline.
    pub fn left(&self, margin: Duration) -> Duration {
        let ns = self.deadline.0.saturating_sub(System.now().0).max(0).unsigned_abs();
        Duration::from_nanos(ns).saturating_sub(margin)
    }

    /// Reports values of this invocation.
    pub fn report(&self, metrics: &[Metric]) {
        metrics::emit(&self.function, &self.request_id, System.now(), metrics);
    }
}

/// Runs a function: `start` makes clients and stage once, `answer` takes one event at a time.
pub fn run<T, E, R>(
    start: impl AsyncFnOnce(&Settings) -> anyhow::Result<T>,
    answer: impl AsyncFn(&T, &Call, E) -> anyhow::Result<R>,
) -> ExitCode
where
    E: DeserializeOwned,
    R: Serialize,
{
    let function = std::env::var("AWS_LAMBDA_FUNCTION_NAME").unwrap_or_default();
    crate::log::start(&function, std::env::var("TRAWL_LOG").ok().as_deref(), System);
    trawl_store::memory::return_large_allocations();
    let settings = Settings::from_env();
    let threads = settings.vcpus().max(MIN_THREADS);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(threads).enable_all().build();
    let ended = runtime.map_err(anyhow::Error::from).and_then(|runtime| {
        runtime.block_on(async {
            let state = start(&settings).await?;
            serve(state, function.into(), answer).await
        })
    });
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(error = format!("{error:#}"), "the function cannot start");
            ExitCode::FAILURE
        }
    }
}

async fn serve<T, E, R>(
    state: T,
    function: Arc<str>,
    answer: impl AsyncFn(&T, &Call, E) -> anyhow::Result<R>,
) -> anyhow::Result<()>
where
    E: DeserializeOwned,
    R: Serialize,
{
    let shared = Arc::new((state, answer));
    let is_first = AtomicBool::new(true);
    let handler = service_fn(move |event: LambdaEvent<E>| {
        let shared = shared.clone();
        let (event, context) = event.into_parts();
        let deadline = deadline(context.deadline, System.now());
        let call = Call { request_id: context.request_id, deadline, function: function.clone() };
        let cold_start = is_first.swap(false, Ordering::Relaxed);
        let span = tracing::info_span!("invocation", cold_start);
        async move {
            let (state, answer) = &*shared;
            answer(state, &call, event).await.map_err(diagnostic)
        }
        .instrument(span)
    });
    lambda_runtime::run(handler).await.map_err(|error| anyhow::anyhow!("the runtime ended: {error}"))
}

/// When Lambda ends an invocation that began `now`. cargo-lambda's runtime API gives a constant in place of a time.
fn deadline(ms: u64, now: Timestamp) -> Timestamp {
    let ms = i64::try_from(ms).unwrap_or(i64::MAX);
    let deadline = Timestamp(ms.saturating_mul(1_000_000));
    if deadline > now { deadline } else { now.plus_ns(LONGEST_INVOCATION.as_nanos() as i64) }
}

fn diagnostic(error: anyhow::Error) -> Diagnostic {
    let error_message = format!("{error:#}");
    tracing::error!(error = error_message, "the invocation failed");
    Diagnostic { error_type: "Trawl.Error".to_owned(), error_message }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deadline_that_is_over_is_none() {
        let now = Timestamp(1_800_000_000_000_000_000);
        assert_eq!(deadline(1_800_000_003_000, now), Timestamp(1_800_000_003_000_000_000));
        for constant in [0, 600_000] {
            assert_eq!(deadline(constant, now), Timestamp(1_800_000_900_000_000_000));
        }
    }
}
