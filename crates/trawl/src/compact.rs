//! `trawl compact`: persists the tail of a local server and compacts its segments.

use std::io::{self, Write};
use std::process::ExitCode;
use std::time::Instant;

use anyhow::Context;
use trawl_client::Client;

use crate::units;

/// Asks for it, and prints what the server holds afterwards.
pub fn run(client: &Client) -> anyhow::Result<ExitCode> {
    let began = Instant::now();
    client.compact().map_err(|error| match error.api() {
        Some(api) if matches!(api.status, 404 | 405) => {
            anyhow::anyhow!(
                "{} compacts on its own schedule: only a server started with `trawl local` can be told to",
                client.url()
            )
        }
        _ => error.into(),
    })?;
    let status = client.status().context("compacted, but the result could not be asked for")?;
    writeln!(
        io::stdout().lock(),
        "{} in {} ({}), done in {:.1} s",
        units::counted(status.events, "event"),
        units::counted(status.segments, "segment"),
        units::size(status.stored_bytes),
        began.elapsed().as_secs_f64(),
    )?;
    Ok(ExitCode::SUCCESS)
}
