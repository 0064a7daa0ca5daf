//! What an event costs its caller: `make bench-client`.
//!
//! The same event through the logger, the layer and `tracing-subscriber`'s JSON on a file, each alone on its thread,
//! several rounds in turn; the median round is printed. The server is one that takes everything at once, so that the
//! sending thread is busy beside it as it is in life.
#![allow(missing_docs, clippy::unwrap_used, clippy::print_stdout, clippy::disallowed_methods)]

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::time::{Duration, Instant};

use serde::Serialize;
use tracing::{Dispatch, info, info_span};
use tracing_subscriber::prelude::*;
use trawl_client::Logger;
use trawl_client::logger::{Builder, Level, Survives};

const ROUNDS: usize = 9;
const EVENTS: u64 = 20_000;
/// Each event waits for the disk.
const SYNCED_EVENTS: u64 = 200;
/// Room for all that a round makes, so that none is dropped.
const MAX_BYTES: u64 = 1 << 30;
const PATIENCE: Duration = Duration::from_secs(120);

#[derive(Serialize)]
struct Fields {
    order: u64,
    amount: f64,
    currency: &'static str,
    path: &'static str,
}

fn main() {
    // What `cargo test --benches` passes along.
    if std::env::args().any(|argument| argument == "--test") {
        return;
    }
    let url = take_everything();
    let directory = tempfile::tempdir().unwrap();
    let builder = || Logger::builder(&url).service("checkout").max_bytes(MAX_BYTES);
    type Measure<'m> = Box<dyn Fn(usize) -> f64 + 'm>;
    let spool = |kind: &str, round: usize| directory.path().join(format!("{kind}-{round}"));
    let kinds: Vec<(&str, Measure<'_>)> = vec![
        ("Logger", Box::new(|_| through_logger(builder(), EVENTS, 1))),
        ("Logger, two threads at a time", Box::new(|_| through_logger(builder(), EVENTS, 2))),
        ("Logger, spool", Box::new(|round| through_logger(builder().spool(spool("logger", round)), EVENTS, 1))),
        (
            "Logger, spool, two threads at a time",
            Box::new(|round| through_logger(builder().spool(spool("both", round)), EVENTS, 2)),
        ),
        (
            "Logger, spool that survives power loss",
            Box::new(|round| {
                let builder = builder().spool(spool("synced", round)).survives(Survives::PowerLoss);
                through_logger(builder, SYNCED_EVENTS, 1)
            }),
        ),
        ("tracing: layer", Box::new(|_| through_layer(builder()))),
        ("tracing: layer, spool", Box::new(|round| through_layer(builder().spool(spool("layer", round))))),
        ("tracing: fmt JSON to a file", Box::new(|_| through_fmt(directory.path()))),
        ("tracing: fmt JSON, tracing-appender", Box::new(|_| through_appender(directory.path()))),
    ];
    let mut times = vec![Vec::new(); kinds.len()];
    for round in 0..ROUNDS {
        for ((_, measure), times) in kinds.iter().zip(&mut times) {
            times.push(measure(round));
        }
    }
    println!("{:<42}{:>10}{:>10}{:>10}", "ns per event on the caller's thread", "median", "least", "most");
    for ((name, _), times) in kinds.iter().zip(&mut times) {
        times.sort_by(f64::total_cmp);
        println!("{name:<42}{:>10.0}{:>10.0}{:>10.0}", times[ROUNDS / 2], times[0], times[ROUNDS - 1]);
    }
}

fn nanoseconds_each(events: u64, log: impl Fn(u64)) -> f64 {
    let began = Instant::now();
    (0..events).for_each(log);
    began.elapsed().as_nanos() as f64 / events as f64
}

fn through_logger(builder: Builder, events: u64, threads: u64) -> f64 {
    let logger = builder.start().unwrap();
    let log_some = || {
        nanoseconds_each(events, |order| {
            let fields = Fields { order, amount: 12.5, currency: "EUR", path: "/api/checkout" };
            logger.log(Level::Info, "payment was taken", &fields).unwrap();
        })
    };
    let times: Vec<f64> = std::thread::scope(|scope| {
        let others: Vec<_> = (1..threads).map(|_| scope.spawn(log_some)).collect();
        let own = log_some();
        others.into_iter().map(|other| other.join().unwrap()).chain([own]).collect()
    });
    logger.shutdown(PATIENCE).unwrap();
    assert_eq!(logger.stats().sent, events * threads);
    times.iter().sum::<f64>() / threads as f64
}

fn through_layer(builder: Builder) -> f64 {
    let logger = builder.start().unwrap();
    let time = through_tracing(&Dispatch::new(tracing_subscriber::registry().with(logger.layer())));
    logger.shutdown(PATIENCE).unwrap();
    assert_eq!(logger.stats().sent, EVENTS);
    time
}

fn through_fmt(directory: &Path) -> f64 {
    let file = File::create(directory.join("fmt.json")).unwrap();
    let layer = tracing_subscriber::fmt::layer().json().with_thread_names(true).with_writer(file);
    through_tracing(&Dispatch::new(tracing_subscriber::registry().with(layer)))
}

fn through_appender(directory: &Path) -> f64 {
    let file = File::create(directory.join("appender.json")).unwrap();
    let (writer, guard) = tracing_appender::non_blocking::NonBlockingBuilder::default().lossy(false).finish(file);
    let layer = tracing_subscriber::fmt::layer().json().with_thread_names(true).with_writer(writer);
    let time = through_tracing(&Dispatch::new(tracing_subscriber::registry().with(layer)));
    drop(guard);
    time
}

fn through_tracing(dispatch: &Dispatch) -> f64 {
    tracing::dispatcher::with_default(dispatch, || {
        let _span = info_span!("request", trace_id = "4bf92f3577b34da6").entered();
        nanoseconds_each(EVENTS, |order| {
            info!(order, amount = 12.5, currency = "EUR", path = "/api/checkout", "payment was taken");
        })
    })
}

/// A server that says of each batch that it has taken as many events as were ever sent.
fn take_everything() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            std::thread::spawn(move || while answer(&stream).is_some() {});
        }
    });
    url
}

fn answer(mut stream: &TcpStream) -> Option<()> {
    let mut reader = BufReader::new(stream);
    let mut length = 0;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok().filter(|read| *read > 0)?;
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().ok()?;
        }
        if line == "\r\n" {
            break;
        }
    }
    std::io::copy(&mut reader.take(length), &mut std::io::sink()).ok()?;
    let body = r#"{"accepted":18446744073709551615,"rejected":[],"batch_id":""}"#;
    write!(stream, "HTTP/1.1 202 Accepted\r\ncontent-length: {}\r\n\r\n{body}", body.len()).ok()
}
