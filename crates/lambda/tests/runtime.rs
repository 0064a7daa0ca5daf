//! A function in a process of its own, under the runtime API of Lambda
//! (<https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html>): what it answers, and what it logs.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::process::{Command, ExitCode, Stdio};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::{Mutex, mpsc};
use trawl_lambda::metrics::Metric;
use trawl_lambda::{Call, Settings};

/// How long anything here may take.
const PATIENCE: Duration = Duration::from_secs(30);
/// Lambda's deadline of every invocation, in milliseconds since 1970.
const DEADLINE_MS: i64 = 4_000_000_000_000;

/// The function: doubles a number, fails over 0, panics over null.
#[test]
#[ignore = "is what the other tests start"]
fn function() {
    let start = async |settings: &Settings| Ok(settings.table()?.len());
    let answer = async |_: &usize, call: &Call, event: Value| {
        anyhow::ensure!(event != 0, "cannot double {event}");
        assert_eq!(call.deadline.millis(), DEADLINE_MS);
        let number = event.as_u64().expect("a number");
        tracing::info!(number, "doubling");
        call.report(&[Metric::count("Doubled", 1)]);
        Ok(number * 2)
    };
    assert_eq!(trawl_lambda::run(start, answer), ExitCode::SUCCESS);
}

type Outcomes = mpsc::UnboundedSender<(String, String, Value)>;

#[derive(Clone)]
struct RuntimeApi {
    events: Arc<Mutex<mpsc::UnboundedReceiver<(String, Value)>>>,
    outcomes: Outcomes,
}

async fn next(State(api): State<RuntimeApi>) -> Response {
    // Without another event the function waits until it is ended.
    let Some((id, event)) = api.events.lock().await.recv().await else { return std::future::pending().await };
    let headers = [
        ("Lambda-Runtime-Aws-Request-Id", id.clone()),
        ("Lambda-Runtime-Deadline-Ms", DEADLINE_MS.to_string()),
        ("Lambda-Runtime-Invoked-Function-Arn", "arn:aws:lambda:us-east-1:123456789012:function:double".to_owned()),
        ("Lambda-Runtime-Trace-Id", format!("Root=1-{id}")),
    ];
    (headers, event.to_string()).into_response()
}

async fn outcome(State(api): State<RuntimeApi>, Path((id, kind)): Path<(String, String)>, body: String) {
    let body = serde_json::from_str(&body).unwrap();
    api.outcomes.send((id, kind, body)).unwrap();
}

/// Starts the function with these variables, hands it the events, and gives outcomes and log lines.
async fn run(variables: &[(&str, &str)], events: &[(&str, Value)]) -> (Vec<(String, String, Value)>, Vec<Value>) {
    let (event_in, event_out) = mpsc::unbounded_channel();
    let (outcome_in, mut outcome_out) = mpsc::unbounded_channel();
    let api = RuntimeApi { events: Arc::new(Mutex::new(event_out)), outcomes: outcome_in };
    let router = Router::new()
        .route("/2018-06-01/runtime/invocation/next", get(next))
        .route("/2018-06-01/runtime/invocation/{id}/{kind}", post(outcome))
        .with_state(api);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let server = tokio::spawn(axum::serve(listener, router).into_future());

    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["function", "--exact", "--ignored", "--nocapture"]).stdout(Stdio::piped());
    command.env("AWS_LAMBDA_RUNTIME_API", address).env("AWS_LAMBDA_FUNCTION_NAME", "double");
    command.env("AWS_LAMBDA_FUNCTION_VERSION", "1").env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "1769");
    let mut child = command.envs(variables.iter().copied()).spawn().unwrap();

    for (id, event) in events {
        event_in.send(((*id).to_owned(), event.clone())).unwrap();
    }
    let mut outcomes = Vec::new();
    for _ in events {
        outcomes.push(tokio::time::timeout(PATIENCE, outcome_out.recv()).await.expect("an outcome").unwrap());
    }
    if !events.is_empty() {
        child.kill().unwrap();
    }
    let ended = tokio::task::spawn_blocking(move || child.wait_with_output());
    let output = tokio::time::timeout(PATIENCE, ended).await.expect("an end").unwrap().unwrap();
    server.abort();
    let text = String::from_utf8(output.stdout).unwrap();
    // The lines of the test harness in the other process are no JSON.
    (outcomes, text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect())
}

#[tokio::test]
async fn every_invocation_is_answered_and_its_lines_name_it() {
    let events = [("r-1", json!(4)), ("r-2", json!(0)), ("r-3", json!(null)), ("r-4", json!(5))];
    let (outcomes, lines) = run(&[("TRAWL_TABLE", "trawl")], &events).await;
    let of = |index: usize| (outcomes[index].0.as_str(), outcomes[index].1.as_str(), &outcomes[index].2);
    assert_eq!(of(0), ("r-1", "response", &json!(8)));
    assert_eq!(of(1), ("r-2", "error", &json!({"errorType": "Trawl.Error", "errorMessage": "cannot double 0"})));
    assert_eq!((of(2).0, of(2).1), ("r-3", "error"));
    assert_eq!(of(3), ("r-4", "response", &json!(10)));

    let line = |message: &str, request: &str| {
        let found = lines.iter().find(|line| line["message"] == message && line["request_id"] == request);
        found.unwrap_or_else(|| panic!("no line {message:?} of {request} in {lines:#?}"))
    };
    let first = line("doubling", "r-1");
    assert_eq!((&first["function"], &first["level"]), (&json!("double"), &json!("INFO")));
    assert_eq!((&first["trace_id"], &first["cold_start"]), (&json!("Root=1-r-1"), &json!(true)));
    assert_eq!(first["fields"], json!({"number": 4}));
    assert_eq!(line("doubling", "r-4")["cold_start"], false);
    assert_eq!(line("the invocation failed", "r-2")["fields"]["error"], "cannot double 0");
    assert!(line("panicked", "r-3")["fields"]["reason"].as_str().unwrap().contains("a number"));
    let metric = lines.iter().find(|line| line.get("_aws").is_some()).expect("a metric");
    assert_eq!((&metric["Doubled"], &metric["request_id"]), (&json!(1), &json!("r-1")));
}

#[tokio::test]
async fn a_function_that_lacks_a_setting_ends_and_says_which() {
    let (_, lines) = run(&[], &[]).await;
    let last = lines.iter().find(|line| line["message"] == "the function cannot start").expect("a line");
    let expected = "the environment variable TRAWL_TABLE is not set: expected the name of the DynamoDB table";
    assert_eq!((&last["level"], &last["fields"]["error"]), (&json!("ERROR"), &json!(expected)));
}
