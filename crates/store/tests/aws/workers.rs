//! Scan workers and launches through Lambda's Invoke API, spoken by a server of the test's own: what a service does
//! to its callers rarely (throttling, crashes, stragglers, payloads beyond 6 MB) has to happen on demand here.
//! The real functions behind the same API are in `tests/aws`.

use std::collections::BTreeMap;
use std::path::Path;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path as UrlPath, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use trawl_event::Timestamp;
use trawl_store::aws::payload::{FailureKind, RunRequest, ScanFailure, ScanRequest, ScanResponse};
use trawl_store::aws::{AwsLauncher, AwsWorkers, Clients, WorkerSettings};
use trawl_store::conformance;
use trawl_store::conformance::catalog::stream_segment;
use trawl_store::conformance::workers::{NUMBER_THAT_FAILS, NUMBER_THAT_PANICS, task};
use trawl_store::local::LocalObjects;
use trawl_store::ports::{
    Launcher, Objects, RowKey, ScanEvent, ScanResult, ScanTask, SearchId, Source, StoreError, Workers,
};

/// Bytes that Lambda carries either way.
const PAYLOAD_BYTES: usize = 6 * 1024 * 1024;

/// What the function does with a payload.
enum Answer {
    Says(ScanResponse),
    SaysBytes(Vec<u8>),
    Crashes,
    IsThrottled,
    Does(Pin<Box<dyn Future<Output = Answer> + Send>>),
}

fn late(after: Duration, answer: Answer) -> Answer {
    Answer::Does(Box::pin(async move {
        tokio::time::sleep(after).await;
        answer
    }))
}

type Function = dyn Fn(usize, &[u8]) -> Answer + Send + Sync;

struct Lambda {
    function: Box<Function>,
    calls: AtomicUsize,
    asynchronous: Mutex<Vec<(String, Bytes)>>,
}

/// Lambda with one function; gives its endpoint.
async fn lambda(function: impl Fn(usize, &[u8]) -> Answer + Send + Sync + 'static) -> (Arc<Lambda>, Clients) {
    let lambda =
        Arc::new(Lambda { function: Box::new(function), calls: AtomicUsize::new(0), asynchronous: Mutex::default() });
    let invoke = post(invoke).layer(axum::extract::DefaultBodyLimit::disable());
    let router = Router::new().route("/2015-03-31/functions/{name}/invocations", invoke).with_state(lambda.clone());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    let clients = Clients::at(&url).await;
    (lambda, clients)
}

async fn invoke(
    State(lambda): State<Arc<Lambda>>,
    UrlPath(name): UrlPath<String>,
    headers: HeaderMap,
    payload: Bytes,
) -> Response {
    if payload.len() > PAYLOAD_BYTES {
        let kind = [("x-amzn-errortype", "RequestTooLargeException")];
        return (StatusCode::PAYLOAD_TOO_LARGE, kind, r#"{"message":"Request must be smaller"}"#).into_response();
    }
    let mut answer = (lambda.function)(lambda.calls.fetch_add(1, Ordering::SeqCst), &payload);
    while let Answer::Does(work) = answer {
        answer = work.await;
    }
    if let Answer::IsThrottled = answer {
        let kind = [("x-amzn-errortype", "TooManyRequestsException")];
        let body = r#"{"Reason":"ConcurrentInvocationLimitExceeded","Type":"User","message":"Rate Exceeded."}"#;
        return (StatusCode::TOO_MANY_REQUESTS, kind, body).into_response();
    }
    if headers.get("x-amz-invocation-type").is_some_and(|kind| kind == "Event") {
        lambda.asynchronous.lock().unwrap().push((name, payload));
        return StatusCode::ACCEPTED.into_response();
    }
    let body = match answer {
        Answer::Says(response) => serde_json::to_vec(&response).unwrap(),
        Answer::SaysBytes(bytes) => bytes,
        _ => {
            let body = r#"{"errorType":"Runtime.ExitError","errorMessage":"Error: Runtime exited"}"#;
            return ([("x-amz-function-error", "Unhandled")], body).into_response();
        }
    };
    if body.len() > PAYLOAD_BYTES {
        let body = r#"{"errorType":"Function.ResponseSizeTooLarge","errorMessage":"Response payload size exceeded"}"#;
        return ([("x-amz-function-error", "Unhandled")], body).into_response();
    }
    body.into_response()
}

fn task_of(payload: &[u8]) -> ScanTask {
    match serde_json::from_slice(payload).unwrap() {
        ScanRequest::Task(task) => *task,
        ScanRequest::TaskKey(key) => panic!("the task lies in {key}"),
    }
}

fn matched(events_matched: u64) -> Answer {
    Answer::Says(ScanResponse::Result(Box::new(ScanResult { events_matched, ..ScanResult::default() })))
}

fn failure(kind: FailureKind) -> Answer {
    Answer::Says(ScanResponse::Error(ScanFailure { kind, message: "as it says".into() }))
}

fn objects(dir: &Path) -> Arc<LocalObjects> {
    Arc::new(LocalObjects::open(dir).unwrap())
}

fn workers(clients: &Clients, objects: Arc<LocalObjects>, settings: WorkerSettings) -> AwsWorkers<Arc<LocalObjects>> {
    AwsWorkers::new(clients.lambda.clone(), "scan-worker", objects, settings)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn invocations_behave_as_a_pool_of_workers() {
    let dir = tempfile::tempdir().unwrap();
    let (_, clients) = lambda(|_, payload| match task_of(payload).number {
        NUMBER_THAT_FAILS => failure(FailureKind::Throttled),
        NUMBER_THAT_PANICS => failure(FailureKind::Permanent),
        number => matched(u64::from(number)),
    })
    .await;
    conformance::workers(async || {
        let settings = WorkerSettings { most_at_once: 8, ..WorkerSettings::default() };
        workers(&clients, objects(dir.path()), settings)
    })
    .await;
}

#[tokio::test]
async fn throttled_invocations_are_fewer_at_once_until_they_succeed() {
    let dir = tempfile::tempdir().unwrap();
    let (_, clients) = lambda(|call, _| if call < 1 { Answer::IsThrottled } else { matched(7) }).await;
    let settings = WorkerSettings { most_at_once: 32, ..WorkerSettings::default() };
    let workers = workers(&clients, objects(dir.path()), settings);
    let refused = workers.run(task(1)).await;
    assert!(
        matches!(&refused, Err(StoreError::Throttled(message)) if message.contains("Rate Exceeded")),
        "{refused:?}"
    );
    assert_eq!(workers.parallelism(), 16);
    assert_eq!(workers.run(task(1)).await.unwrap().events_matched, 7);
    assert_eq!(workers.parallelism(), 17);
}

#[tokio::test]
async fn a_crash_or_an_answer_that_is_none_may_be_tried_again() {
    let dir = tempfile::tempdir().unwrap();
    let (_, clients) = lambda(|call, _| match call {
        0 => Answer::Crashes,
        1 => Answer::SaysBytes(b"{\"resu".to_vec()),
        2 => Answer::SaysBytes(Vec::new()),
        3 => Answer::Says(ScanResponse::ResultKey("results/nowhere".into())),
        4 => Answer::SaysBytes(vec![b' '; PAYLOAD_BYTES + 1]),
        _ => failure(FailureKind::Transient),
    })
    .await;
    let workers = workers(&clients, objects(dir.path()), WorkerSettings::default());
    for expected in
        ["Runtime exited", "the answer of", "the answer of", "is gone", "ResponseSizeTooLarge", "as it says"]
    {
        let failed = workers.run(task(1)).await;
        assert!(matches!(&failed, Err(StoreError::Transient(message)) if message.contains(expected)), "{failed:?}");
    }
    assert_eq!(workers.parallelism(), WorkerSettings::default().most_at_once, "a crash is no reason to be slower");
}

#[tokio::test]
async fn what_is_larger_than_a_payload_goes_through_an_object_and_is_removed() {
    let dir = tempfile::tempdir().unwrap();
    let store = objects(dir.path());
    let stored = store.clone();
    let (_, clients) = lambda(move |_, payload| match serde_json::from_slice(payload).unwrap() {
        ScanRequest::Task(_) => panic!("the task was sent"),
        ScanRequest::TaskKey(key) => {
            // As the function does: it reads the task, and leaves a result that is too large.
            let stored = stored.clone();
            Answer::Does(Box::pin(async move {
                let task: ScanTask = serde_json::from_slice(&stored.get(&key).await.unwrap().unwrap()).unwrap();
                let Source::Segments(rows) = task.source else { panic!("other segments") };
                let row_key = RowKey { timestamp: Timestamp(1), source: 0, row: 0 };
                let events = vec![ScanEvent { key: row_key, json: "x".repeat(PAYLOAD_BYTES), sort: None }];
                let result = ScanResult { events, events_matched: rows.len() as u64, ..ScanResult::default() };
                stored.put("results/large", serde_json::to_vec(&result).unwrap().into()).await.unwrap();
                Answer::Says(ScanResponse::ResultKey("results/large".into()))
            }))
        }
    })
    .await;
    let workers = workers(&clients, store.clone(), WorkerSettings::default());
    let rows: Vec<_> = (1..=30_000).map(|number| stream_segment(0, number)).collect();
    let asked = ScanTask { source: Source::Segments(rows.clone()), ..task(1) };
    assert!(serde_json::to_vec(&asked).unwrap().len() > PAYLOAD_BYTES);
    let result = workers.run(asked).await.unwrap();
    assert_eq!((result.events_matched, result.events[0].json.len()), (rows.len() as u64, PAYLOAD_BYTES));
    assert_eq!(store.list("").await.unwrap(), [], "what was passed on is removed");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_straggler_is_started_a_second_time_and_the_first_answer_counts() {
    let dir = tempfile::tempdir().unwrap();
    const STRAGGLER: u32 = 1000;
    let tries = Arc::new(AtomicUsize::new(0));
    let counted = tries.clone();
    let (_, clients) = lambda(move |_, payload| {
        let ScanRequest::Task(task) = serde_json::from_slice(payload).unwrap() else { panic!("a task by its key") };
        match task.number {
            STRAGGLER if counted.fetch_add(1, Ordering::SeqCst) == 0 => late(Duration::from_secs(600), matched(1)),
            _ => matched(2),
        }
    })
    .await;
    let settings = WorkerSettings { hedge_after: Duration::from_millis(30), ..WorkerSettings::default() };
    let workers = workers(&clients, objects(dir.path()), settings);
    for number in 0..20 {
        workers.run(task(number)).await.unwrap();
    }
    let result = tokio::time::timeout(Duration::from_secs(300), workers.run(task(STRAGGLER))).await;
    assert_eq!(result.expect("it waits for the straggler").unwrap().events_matched, 2);
    assert_eq!(tries.load(Ordering::SeqCst), 2);
}

/// Tasks that wait for room are no stragglers.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn waiting_for_room_is_not_being_slow() {
    let dir = tempfile::tempdir().unwrap();
    let (lambda, clients) = lambda(|_, _| late(Duration::from_millis(20), matched(1))).await;
    let settings = WorkerSettings { most_at_once: 1, hedge_after: Duration::from_secs(3) };
    let workers = Arc::new(workers(&clients, objects(dir.path()), settings));
    let tasks = (0..250).map(|number| {
        let workers = workers.clone();
        tokio::spawn(async move { workers.run(task(number)).await.unwrap() })
    });
    for task in tasks.collect::<Vec<_>>() {
        task.await.unwrap();
    }
    assert_eq!(lambda.calls.load(Ordering::SeqCst), 250);
}

#[tokio::test]
async fn a_run_is_launched_asynchronously() {
    let (lambda, clients) = lambda(|call, _| if call == 0 { Answer::IsThrottled } else { matched(0) }).await;
    let launcher = AwsLauncher::new(clients.lambda.clone(), "coordinator");
    let (tenant, id) = ("acme".parse().unwrap(), SearchId(77));
    assert!(matches!(launcher.launch(&tenant, id).await, Err(StoreError::Throttled(_))));
    launcher.launch(&tenant, id).await.unwrap();
    let launched: BTreeMap<String, Bytes> = lambda.asynchronous.lock().unwrap().drain(..).collect();
    let request: RunRequest = serde_json::from_slice(&launched["coordinator"]).unwrap();
    assert_eq!((request.run.tenant, request.run.id), (tenant, id));
}
