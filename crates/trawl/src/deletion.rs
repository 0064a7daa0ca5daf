//! `trawl deletion`: events that are to be gone for good.

use std::io::{self, Write};
use std::process::ExitCode;

use clap::{Args, Subcommand};
use trawl_client::{Client, Deletion, NewDeletion};

use crate::EXIT_NOTHING;
use crate::output::harmless::clean;
use crate::range::RangeArgs;

const EXAMPLES: &str = "\
Examples:
  trawl search 'user.email:=\"ann@example.com\" | stats count()'          look first
  trawl deletion create 'user.email:=\"ann@example.com\"' --reason 'request 17'
  trawl deletion create 'service:shop' --from 2026-01-01 --to 2026-02-01 --reason 'test data'
  trawl deletion list
  trawl deletion show 0123456789abcdef0123456789abcdef

From the answer on nobody finds the events (hidden). The compactor writes the segments anew without them (rewritten), and
removes the objects that held them when no search can need these any more (erased). There is no way back.";

/// What to do with deletions.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct DeletionArgs {
    /// What to do.
    #[command(subcommand)]
    pub command: DeletionCommand,
    /// Print JSON, one object per deletion.
    #[arg(long, global = true)]
    pub json: bool,
}

/// What can be done with deletions.
#[derive(Debug, Subcommand)]
pub enum DeletionCommand {
    /// Delete the events that a query finds.
    Create {
        /// Which events: a query without pipes.
        #[arg(allow_hyphen_values = true)]
        query: String,
        /// Why, for the record.
        #[arg(long)]
        reason: String,
        /// When they happened; all that was taken in so far without it.
        #[command(flatten)]
        range: RangeArgs,
    },
    /// Show all deletions of your tenant.
    List,
    /// Show one, and how far it is.
    Show {
        /// Its name.
        id: String,
    },
}

/// Does it.
pub fn run(client: &Client, args: &DeletionArgs) -> anyhow::Result<ExitCode> {
    match &args.command {
        DeletionCommand::Create { query, reason, range } => {
            let (from, to) = (range.from(), range.to());
            let new = NewDeletion { query: query.clone(), reason: reason.clone(), from, to };
            show(&[client.delete_events(&new)?], args.json)
        }
        DeletionCommand::List => show(&client.deletions()?.deletions, args.json),
        DeletionCommand::Show { id } => show(&[client.deletion(id)?], args.json),
    }
}

fn show(deletions: &[Deletion], json: bool) -> anyhow::Result<ExitCode> {
    if deletions.is_empty() {
        anstream::eprintln!("nothing was deleted");
        return Ok(ExitCode::from(EXIT_NOTHING));
    }
    let mut out = io::stdout().lock();
    for deletion in deletions {
        if json {
            writeln!(out, "{}", serde_json::to_string(deletion)?)?;
            continue;
        }
        let Deletion { id, status, created, events_removed, query, reason, .. } = deletion;
        let (query, reason) = (clean(query), clean(reason));
        writeln!(out, "{id}  {status:<9}  {created}  {events_removed} events  {query}  ({reason})")?;
    }
    Ok(ExitCode::SUCCESS)
}
