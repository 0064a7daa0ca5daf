//! `trawl saved`: searches under a name, for everyone who uses the server.

use std::io::{self, Write};
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use clap::{Args, Subcommand};
use trawl_client::{Client, NamedSearch, SavedSearch};

use crate::EXIT_NOTHING;
use crate::output::harmless::clean;
use crate::range::RangeArgs;
use crate::search::{self, ShowArgs, explain};

const EXAMPLES: &str = "\
Examples:
  trawl saved save 'failed checkouts' 'service:checkout level:>=error' --since 1h
  trawl saved
  trawl saved run 'failed checkouts' --histogram
  trawl saved run 'failed checkouts' --since 1d -o ndjson
  trawl saved delete 'failed checkouts'

A relative time stays relative: --since 1h is the last hour whenever the search is run.";

/// What to do with saved searches.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES, args_conflicts_with_subcommands = true)]
pub struct SavedArgs {
    /// What to do; list without it.
    #[command(subcommand)]
    pub command: Option<SavedCommand>,
    /// Print one JSON object per search.
    #[arg(long)]
    pub json: bool,
}

/// What can be done with saved searches.
#[derive(Debug, Subcommand)]
pub enum SavedCommand {
    /// Show them all.
    List {
        /// Print one JSON object per search.
        #[arg(long)]
        json: bool,
    },
    /// Run one, as `trawl search` would.
    Run {
        /// Its name.
        name: String,
        /// When it happened, in the place of what is saved.
        #[command(flatten)]
        range: RangeArgs,
        /// How to show it.
        #[command(flatten)]
        shown: Box<ShowArgs>,
    },
    /// Save one, in the place of what has the name.
    Save {
        /// Its name.
        name: String,
        /// What to find.
        #[arg(allow_hyphen_values = true)]
        query: String,
        /// When it happened.
        #[command(flatten)]
        range: RangeArgs,
        /// Fields that are shown as columns, where it is shown as a table of events.
        #[arg(long, value_name = "FIELD,…", value_delimiter = ',')]
        columns: Vec<String>,
    },
    /// Delete one.
    Delete {
        /// Its name.
        name: String,
    },
}

/// Does it.
pub fn run(client: &Client, args: &SavedArgs) -> anyhow::Result<ExitCode> {
    match &args.command {
        None => list(client, args.json),
        Some(SavedCommand::List { json }) => list(client, *json),
        Some(SavedCommand::Run { name, range, shown }) => {
            let NamedSearch { search, .. } = find(client, name)?;
            let range = if range.is_everything() { (search.from, search.to) } else { (range.from(), range.to()) };
            search::search(client, &search.query, range, shown)
        }
        Some(SavedCommand::Save { name, query, range, columns }) => {
            let search =
                SavedSearch { query: query.clone(), from: range.from(), to: range.to(), columns: columns.clone() };
            client.save(name, &search).map_err(|error| explain(error, query))?;
            Ok(ExitCode::SUCCESS)
        }
        Some(SavedCommand::Delete { name }) => {
            client.forget(name)?;
            Ok(ExitCode::SUCCESS)
        }
    }
}

fn find(client: &Client, name: &str) -> anyhow::Result<NamedSearch> {
    let saved = client.saved()?;
    let names: Vec<String> = saved.iter().map(|search| search.name.clone()).collect();
    match saved.into_iter().find(|search| search.name == name) {
        Some(search) => Ok(search),
        None if names.is_empty() => bail!("no search is saved yet: `trawl saved save NAME QUERY` does"),
        None => Err(anyhow::anyhow!("saved are: {}", names.join(", ")))
            .context(format!("there is no saved search {name:?}")),
    }
}

fn list(client: &Client, json: bool) -> anyhow::Result<ExitCode> {
    let saved = client.saved()?;
    let mut out = io::stdout().lock();
    if json {
        for search in &saved {
            writeln!(out, "{}", serde_json::to_string(search)?)?;
        }
    } else {
        write!(out, "{}", table(&saved))?;
    }
    Ok(if saved.is_empty() { ExitCode::from(EXIT_NOTHING) } else { ExitCode::SUCCESS })
}

/// A line per search: its name, its range of time, its query.
fn table(saved: &[NamedSearch]) -> String {
    let row = |named: &NamedSearch| (clean(&named.name), range(&named.search), clean(&named.search.query));
    let rows: Vec<(String, String, String)> = saved.iter().map(row).collect();
    let name_chars = rows.iter().map(|(name, ..)| name.chars().count()).max().unwrap_or_default();
    let range_chars = rows.iter().map(|(_, range, _)| range.chars().count()).max().unwrap_or_default();
    let mut text = String::new();
    for (name, range, query) in &rows {
        let line = format!("{name:<name_chars$}  {range:<range_chars$}  {query}");
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

fn range(search: &SavedSearch) -> String {
    match (&search.from, &search.to) {
        (None, None) => "all of time".to_owned(),
        (Some(from), None) => format!("from {from}"),
        (None, Some(to)) => format!("to {to}"),
        (Some(from), Some(to)) => format!("{from} to {to}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_tells_name_time_and_query() {
        let named = |name: &str, from: Option<&str>, query: &str| NamedSearch {
            name: name.to_owned(),
            search: SavedSearch { query: query.to_owned(), from: from.map(str::to_owned), ..SavedSearch::default() },
            updated: String::new(),
        };
        let text = table(&[named("all", None, ""), named("é rrors", Some("-3600s"), "level:error")]);
        assert_eq!(text, "all      all of time\né rrors  from -3600s  level:error\n");
    }
}
