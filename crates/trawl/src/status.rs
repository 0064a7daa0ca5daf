//! `trawl status`: what the server holds.

use std::io::{self, Write};
use std::process::ExitCode;

use clap::Args;
use trawl_client::Client;

use crate::units;

const EXAMPLES: &str = "\
Examples:
  trawl status
  trawl status --json | jq .stored_bytes";

/// How the state is shown.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct StatusArgs {
    /// Print one JSON object, sizes in bytes.
    #[arg(long)]
    pub json: bool,
}

/// Asks for the state and prints it.
pub fn run(client: &Client, args: &StatusArgs) -> anyhow::Result<ExitCode> {
    let status = client.status()?;
    let mut out = io::stdout().lock();
    if args.json {
        writeln!(out, "{}", serde_json::to_string(&status)?)?;
        return Ok(ExitCode::SUCCESS);
    }
    let rows = [
        ("events in segments", units::count(status.events)),
        ("events in the tail", units::count(status.tail_events)),
        ("segments", units::count(status.segments)),
        ("stored", units::size(status.stored_bytes)),
        ("of that, index", units::size(status.index_bytes)),
    ];
    for (name, value) in rows {
        writeln!(out, "{name:<20}{value:>14}")?;
    }
    Ok(ExitCode::SUCCESS)
}
