//! What `tracing` says and what arrives.

use std::fmt;

use serde_json::{Value, json};
use tracing::subscriber::with_default;
use tracing::{error, info, info_span, trace, warn};
use tracing_subscriber::prelude::*;

use crate::Logger;
use crate::test_server::{PATIENCE, TestServer};

/// What arrives of what `log` logs, without time and thread.
fn arrived(log: impl FnOnce()) -> Vec<Value> {
    let server = TestServer::good();
    let logger = Logger::builder(&server.url()).on_problem(|_| ()).start().unwrap();
    with_default(tracing_subscriber::registry().with(logger.layer()), log);
    logger.flush(PATIENCE).unwrap();
    let mut events = server.events();
    for event in &mut events {
        let event = event.as_object_mut().unwrap();
        assert!(event.remove("timestamp").is_some() && event.remove("thread").is_some());
        if event.get("target").is_some_and(|target| target == module_path!()) {
            event.remove("target");
        }
    }
    events
}

#[test]
fn an_event_has_its_fields_and_those_of_its_spans() {
    let events = arrived(|| {
        let outer = info_span!("request", trace_id = "abc", user = 1, level = "mine", late = tracing::field::Empty);
        let _outer = outer.enter();
        let inner = info_span!("query", user = 2, rows = tracing::field::Empty);
        let _inner = inner.enter();
        inner.record("rows", 3);
        inner.record("rows", 4);
        outer.record("late", true);
        warn!(target: "db", took_ms = 1.5, trace_id = "own", statement = ?"select", "slow {}", "query");
    });
    let expected = json!({
        "level": "warn", "message": "slow query", "target": "db", "took_ms": 1.5, "trace_id": "own",
        "statement": "\"select\"", "spans": ["request", "query"], "user": 2, "rows": 4, "late": true, "level_": "mine",
    });
    assert_eq!(events, [expected]);
}

#[test]
fn all_levels_and_kinds_of_values_come_through() {
    let failure = std::io::Error::other("disk");
    let events = arrived(|| {
        trace!("t");
        info!(a = true, b = -1_i64, c = u64::MAX, d = f64::NAN, e = %"shown", f = &failure as &dyn std::error::Error);
        error!(parent: None, "e");
    });
    let expected = [
        json!({"level": "trace", "message": "t"}),
        json!({"level": "info", "a": true, "b": -1, "c": u64::MAX, "d": null, "e": "shown", "f": "disk"}),
        json!({"level": "error", "message": "e"}),
    ];
    assert_eq!(events, expected);
}

#[test]
fn a_value_that_logs_or_panics_harms_nothing() {
    struct Logs;
    impl fmt::Debug for Logs {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            info!("from inside");
            f.write_str("logs")
        }
    }
    struct Panics;
    impl fmt::Debug for Panics {
        fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
            panic!("on purpose")
        }
    }
    let events = arrived(|| {
        let _span = info_span!("span", field = ?Panics).entered();
        info!(field = ?Panics, "lost");
        info!(field = ?Logs, "kept");
    });
    let kept: Vec<_> = events.iter().filter(|event| event["message"] == "kept").collect();
    assert_eq!(kept, [&json!({"level": "info", "message": "kept", "field": "logs", "spans": ["span"]})]);
    assert!(events.iter().all(|event| event["message"] != "lost"));
}

#[test]
fn the_sending_thread_does_not_feed_itself() {
    let server = TestServer::start(|number| match number {
        0 => crate::test_server::Reply::Refuse(400, None, "{}"),
        _ => crate::test_server::Reply::Take,
    });
    let (sender, told) = std::sync::mpsc::channel();
    let (layers, layer) = std::sync::mpsc::channel::<crate::layer::TrawlLayer>();
    let logger = Logger::builder(&server.url())
        .on_problem(move |_| {
            let layer = layer.recv().unwrap();
            with_default(tracing_subscriber::registry().with(layer), || info!("from the sending thread"));
            sender.send(()).unwrap();
        })
        .start()
        .unwrap();
    layers.send(logger.layer()).unwrap();
    logger.info("refused", ());
    logger.flush(PATIENCE).unwrap();
    told.recv_timeout(PATIENCE).unwrap();
    logger.flush(PATIENCE).unwrap();
    assert!(server.events().is_empty());
    assert_eq!((logger.stats().accepted, logger.stats().refused), (1, 0));
}
