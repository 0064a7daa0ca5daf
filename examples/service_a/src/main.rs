//! A service that logs to Trawl: made-up requests, their latencies and their failures.
//!
//! * [`args`]: what it is asked for
//! * [`shop`]: a request, and what it logs
//!
//! Start several with `--instance 0`, `--instance 1`, … and a `--spool` each. Ctrl-C ends it once what it accepted is
//! sent.
// It is a program of its own: its time is that of the machine, and it prints.
#![allow(clippy::disallowed_methods, clippy::print_stdout, clippy::print_stderr)]

mod args;
mod shop;

use std::io::{self, Write};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::Parser;
use tokio::time::MissedTickBehavior;
use tracing_subscriber::prelude::*;
use trawl_client::Logger;
use trawl_client::logger::WhenFull;

use args::Args;
use shop::Shop;

/// How often requests come in.
const TICK: Duration = Duration::from_millis(10);
/// The longest that the end waits for the server.
const SHUTDOWN: Duration = Duration::from_secs(110);

fn main() -> anyhow::Result<ExitCode> {
    let args = Args::parse();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    // From here on nothing that is accepted is left behind by Ctrl-C.
    let end = {
        let _entered = runtime.enter();
        End::listen()?
    };
    let logger = start_logger(&args)?;
    tracing_subscriber::registry().with(logger.layer()).init();
    let served = runtime.block_on(serve(&args, &logger, end));
    let finished = logger.shutdown(SHUTDOWN);
    eprintln!("{:#?}", logger.stats());
    served?;
    Ok(match finished {
        Ok(()) => ExitCode::SUCCESS,
        Err(unfinished) => {
            eprintln!("service_a: {unfinished}");
            ExitCode::FAILURE
        }
    })
}

fn start_logger(args: &Args) -> anyhow::Result<Logger> {
    let mut builder = Logger::builder(&args.url)
        .service("service_a")
        .field("instance", args.instance)
        .field("run", args.run)
        .field("version", env!("CARGO_PKG_VERSION"))
        .batch_bytes(args.batch_bytes)
        .batch_age(Duration::from_millis(args.batch_age_ms));
    if let Some(key) = &args.api_key {
        builder = builder.api_key(key);
    }
    if let Some(spool) = &args.spool {
        // What is accepted is not to be dropped for what comes later.
        builder = builder.spool(spool).when_full(WhenFull::Block);
    }
    Ok(builder.start()?)
}

/// Handles requests at their pace until time or number is reached, or somebody asks for an end.
async fn serve(args: &Args, logger: &Logger, mut end: End) -> anyhow::Result<()> {
    let mut shop = Shop::new(args.seed ^ (u64::from(args.instance) << 32) ^ (u64::from(args.run) << 48));
    let began = Instant::now();
    let mut ticks = tokio::time::interval(TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    let mut handled = 0;
    loop {
        tokio::select! {
            () = end.asked_for() => return Ok(()),
            _ = ticks.tick() => {}
        }
        let elapsed = began.elapsed().as_secs_f64();
        let over = args.seconds.is_some_and(|seconds| elapsed >= seconds as f64);
        let due = (elapsed * args.rate as f64) as u64;
        while handled < due.min(args.count.unwrap_or(u64::MAX)) {
            let accepted = shop.handle(logger, handled);
            if args.report_accepted && accepted {
                writeln!(io::stdout(), "{handled}")?;
            }
            handled += 1;
        }
        if over || args.count.is_some_and(|count| handled >= count) {
            return Ok(());
        }
    }
}

/// Ctrl-C, or what a supervisor sends.
#[cfg(unix)]
struct End {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl End {
    fn listen() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self { interrupt: signal(SignalKind::interrupt())?, terminate: signal(SignalKind::terminate())? })
    }

    async fn asked_for(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

/// Ctrl-C.
#[cfg(windows)]
struct End(tokio::signal::windows::CtrlC);

#[cfg(windows)]
impl End {
    fn listen() -> io::Result<Self> {
        tokio::signal::windows::ctrl_c().map(Self)
    }

    async fn asked_for(&mut self) {
        self.0.recv().await;
    }
}
