//! What the service is asked for.

use std::path::PathBuf;

use clap::Parser;

/// A service that logs made-up requests to Trawl.
#[derive(Debug, Parser)]
#[command(name = "service_a")]
pub struct Args {
    /// Address of the server.
    #[arg(long, env = "TRAWL_URL", value_name = "URL", default_value = "http://127.0.0.1:8080")]
    pub url: String,
    /// API key, where the server asks for one.
    #[arg(long, env = "TRAWL_API_KEY", value_name = "KEY", hide_env_values = true)]
    pub api_key: Option<String>,
    /// Requests per second, each of which logs two to four events.
    #[arg(long, value_name = "N", default_value_t = 20)]
    pub rate: u64,
    /// How long; until Ctrl-C without it.
    #[arg(long, value_name = "N")]
    pub seconds: Option<u64>,
    /// How many requests; until Ctrl-C without it.
    #[arg(long, value_name = "N")]
    pub count: Option<u64>,
    /// Keep events in this directory until the server has them. Each instance has its own.
    #[arg(long, value_name = "DIR")]
    pub spool: Option<PathBuf>,
    /// Which of several instances this is.
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub instance: u32,
    /// Which start of the instance this is.
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub run: u32,
    /// What the requests follow from.
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
    /// Bytes of events in a batch.
    #[arg(long, value_name = "N", default_value_t = 512 * 1024)]
    pub batch_bytes: u64,
    /// Milliseconds that an event waits for others.
    #[arg(long, value_name = "N", default_value_t = 1000)]
    pub batch_age_ms: u64,
    /// Print the number of each request on stdout once its last event is accepted.
    #[arg(long)]
    pub report_accepted: bool,
}
