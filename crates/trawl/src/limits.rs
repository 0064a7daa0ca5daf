//! `trawl limits`: what a tenant may use.

use std::io::{self, Write};
use std::process::ExitCode;

use clap::Args;
use trawl_client::{Client, Limits};

use crate::local::access::{LimitArg, limits};

const EXAMPLES: &str = "\
Examples:
  trawl limits                                                         those of your own tenant
  trawl limits shop --set ingest_bytes_per_second=10MB --set concurrent_searches=4
  trawl limits shop --none

Limits: ingest_bytes_per_second (decompressed), ingest_events_per_second, concurrent_searches, scanned_bytes_per_search,
scanned_bytes_per_day (stored bytes, days in UTC). What is over a limit is answered with 429 and when to come again.
They count everywhere within 30 s. Setting them needs the scope operator.";

/// Whose limits, and what they are to be.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct LimitsArgs {
    /// The tenant; your own without it.
    pub tenant: Option<String>,
    /// Set these limits, in the place of all it has.
    #[arg(long = "set", value_name = "NAME=NUMBER", requires = "tenant")]
    pub set: Vec<LimitArg>,
    /// Let it use as much as there is.
    #[arg(long, requires = "tenant", conflicts_with = "set")]
    pub none: bool,
}

/// Shows or sets them.
pub fn run(client: &Client, args: &LimitsArgs) -> anyhow::Result<ExitCode> {
    let answer = match &args.tenant {
        Some(tenant) if args.none || !args.set.is_empty() => {
            let wanted: Limits = serde_json::from_value(serde_json::to_value(limits(&args.set)?)?)?;
            client.set_limits(tenant, &wanted)?
        }
        tenant => client.limits(tenant.as_deref())?,
    };
    writeln!(io::stdout().lock(), "{}", serde_json::to_string_pretty(&answer)?)?;
    Ok(ExitCode::SUCCESS)
}
