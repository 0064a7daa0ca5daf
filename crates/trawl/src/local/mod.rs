//! `trawl local`: ingest, stream, persister, catalog, coordinator and scan workers in one process.
//!
//! * [`node`]: the stages over the embedded adapters
//! * [`flush`]: when the tail is persisted; [`housekeeping`]: when segments are compacted
//! * [`server`]: HTTP in front of the stages; [`access`]: who may use it

pub mod access;
pub mod flush;
pub mod housekeeping;
pub mod node;
pub mod server;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use clap::Args;
use tracing_subscriber::EnvFilter;

use crate::timespec::{DurationOrNone, parse_duration, parse_duration_or_none};
use crate::units::parse_size;
use access::AccessArgs;
use node::{Node, Settings};

const EXAMPLES: &str = "\
Examples:
  trawl local                                      data in ./trawl-data, address 127.0.0.1:8080
  trawl local --data /srv/logs --listen 0.0.0.0:8080
  trawl local --max-event-age 7d --retention 30d   refuse late events; drop old ones

Ctrl-C stops it: what was acknowledged is on disk, and is found again after the next start.";

/// How `trawl local` runs.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct LocalArgs {
    /// Where everything is kept; made when it is not there.
    #[arg(long, value_name = "DIR", default_value = "./trawl-data")]
    pub data: PathBuf,
    /// Address and port to listen on.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8080")]
    pub listen: SocketAddr,
    /// Refuse events older than this, or none.
    #[arg(long, value_name = "AGE", default_value = "none", value_parser = parse_duration_or_none)]
    pub max_event_age: DurationOrNone,
    /// Shards of the stream.
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = clap::value_parser!(u32).range(1..=1024))]
    pub shards: u32,
    /// Persist what has waited in the stream for this long.
    #[arg(long, value_name = "AGE", default_value = "10s", value_parser = parse_duration)]
    pub flush_age: Duration,
    /// Persist earlier once this much (raw) waits.
    #[arg(long, value_name = "SIZE", default_value = "16MiB", value_parser = parse_size)]
    pub flush_bytes: u64,
    /// Remove events older than this, or none.
    #[arg(long, value_name = "AGE", default_value = "none", value_parser = parse_duration_or_none)]
    pub retention: DurationOrNone,
    /// How long the files of segments that were merged or rid of deleted events stay: longer than the longest search.
    #[arg(long, value_name = "AGE", default_value = "20m", value_parser = parse_duration)]
    pub grace: Duration,
    /// The pause from one compaction to the next.
    #[arg(long, value_name = "AGE", default_value = "60s", value_parser = parse_duration)]
    pub compact_every: Duration,
    /// Who may use it.
    #[command(flatten)]
    pub access: AccessArgs,
}

/// Runs the server until it is told to stop.
pub fn run(args: LocalArgs) -> anyhow::Result<ExitCode> {
    trawl_store::memory::return_large_allocations();
    let filter = EnvFilter::try_from_env("TRAWL_LOG").unwrap_or_else(|_| EnvFilter::new("info"));
    // As for everything else on stderr: a log file holds no colours.
    let colours = anstream::AutoStream::choice(&std::io::stderr()) != anstream::ColorChoice::Never;
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    log.with_ansi(colours).with_target(false).init();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(serve(args))
}

async fn serve(args: LocalArgs) -> anyhow::Result<ExitCode> {
    // Listening comes first: a second server on the same address must not touch the data.
    let listener = tokio::net::TcpListener::bind(args.listen)
        .await
        .with_context(|| format!("cannot listen on {}", args.listen))?;
    let settings = Settings {
        shards: u16::try_from(args.shards).context("too many shards")?,
        max_event_age: args.max_event_age.0,
        flush_age: args.flush_age,
        flush_bytes: args.flush_bytes,
        retention: args.retention.0,
        grace: args.grace,
        compact_every: args.compact_every,
        address: listener.local_addr()?,
        access: args.access,
    };
    let node =
        Node::open(&args.data, &settings).await.with_context(|| format!("cannot open {}", args.data.display()))?;
    let address = listener.local_addr()?;
    tracing::info!(data = %args.data.display(), "listening on http://{address}");
    node.warn_without_keys(&args.data).await;
    let stopped = server::serve(listener, node.router(), interrupted()).await;
    tracing::info!("stopping: what is not in a segment yet stays in the stream");
    node.close().await;
    stopped?;
    Ok(ExitCode::SUCCESS)
}

/// Ready when the process is asked to end, by Ctrl-C or SIGTERM.
async fn interrupted() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut terminate) = signal(SignalKind::terminate()) {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = tokio::signal::ctrl_c() => {}
            }
            return;
        }
    }
    if let Err(error) = tokio::signal::ctrl_c().await {
        tracing::error!(%error, "cannot wait for Ctrl-C");
        std::future::pending::<()>().await;
    }
}
