//! What may stand on the command line, and its help.

use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};
use trawl_client::{Client, Retries};

use crate::output::harmless::clean;
use crate::{
    bench, context, deletion, export, fields, key, limits, local, push, saved, search, simulate, status, tail,
};

const EXAMPLES: &str = "\
Start here:
  trawl local                                   a server on this machine
  trawl push /var/log/app/*.ndjson.gz           send files
  trawl search 'timeout service:checkout' --since 1h
  trawl search 'level:>=error | stats count() by service'
  trawl tail 'level:>=warn'
  trawl search 'level:fatal' -n 1 -o ndjson | trawl context -
  trawl export 'service:checkout' --since 7d -o checkout.parquet

`trawl help search` explains the query language.
Exit status: 0 found or done, 1 nothing found or some events refused, 2 error.";

/// Takes in log events, keeps them as open Parquet, and finds them again.
#[derive(Debug, Parser)]
#[command(name = "trawl", version, after_help = EXAMPLES, subcommand_required = true, arg_required_else_help = true)]
pub struct Cli {
    /// Which server to talk to.
    #[command(flatten)]
    pub server: ServerArgs,
    /// When to use colours: on a terminal (and not with NO_COLOR), always, or never.
    #[arg(long, global = true, value_enum, default_value_t, value_name = "WHEN", help_heading = "Global options")]
    pub color: Color,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// Which server to talk to.
#[derive(Debug, Args)]
pub struct ServerArgs {
    /// Address of the server, http:// or https:// [default: http://127.0.0.1:8080].
    #[arg(long, global = true, env = "TRAWL_URL", help_heading = "Global options")]
    pub url: Option<String>,
    /// API key, where the server asks for one.
    #[arg(
        long,
        global = true,
        env = "TRAWL_API_KEY",
        hide_env_values = true,
        value_name = "KEY",
        help_heading = "Global options"
    )]
    pub api_key: Option<String>,
}

impl ServerArgs {
    /// A client for a verb whose caller waits for one answer: a server that is not there is told soon.
    pub fn client(&self) -> anyhow::Result<Client> {
        let brief = Retries { give_up_after: ANSWER_SOON, ..Retries::default() };
        Ok(self.patient()?.with_retries(brief))
    }

    /// A client for a verb that goes on for long: it outlasts a server that is away for a while.
    pub fn patient(&self) -> anyhow::Result<Client> {
        let api_key = self.api_key.as_deref().filter(|key| !key.is_empty());
        let url = self.url.as_deref().unwrap_or(DEFAULT_URL);
        if api_key.is_some() && url.starts_with("http://") && !is_this_machine(url) {
            anstream::eprintln!("trawl: {} is no https: whoever is on the way reads the key", clean(url));
        }
        Ok(Client::new(url, api_key)?)
    }
}

/// Whether a URL is of this machine, by the look of it.
fn is_this_machine(url: &str) -> bool {
    let host = url.trim_start_matches("http://").split(['/', '?']).next().unwrap_or_default();
    ["127.0.0.1", "localhost", "[::1]"]
        .iter()
        .any(|name| host.strip_prefix(name).is_some_and(|port| port.is_empty() || port.starts_with(':')))
}

/// Where `trawl local` listens by default.
const DEFAULT_URL: &str = "http://127.0.0.1:8080";

/// How long a verb whose caller waits tries to reach the server.
const ANSWER_SOON: Duration = Duration::from_secs(3);

/// When to use colours.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum Color {
    /// On a terminal that wants them.
    #[default]
    Auto,
    /// Even into a pipe.
    Always,
    /// Not at all.
    Never,
}

impl Color {
    /// Makes it so for stdout and stderr.
    pub fn apply(self) {
        match self {
            Self::Auto => anstream::ColorChoice::Auto,
            Self::Always => anstream::ColorChoice::Always,
            Self::Never => anstream::ColorChoice::Never,
        }
        .write_global();
    }
}

/// The verbs.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run a whole server on this machine.
    Local(local::LocalArgs),
    /// Send events from files or stdin.
    Push(push::PushArgs),
    /// Find events, or count and group them.
    Search(search::SearchArgs),
    /// Follow new events as they arrive.
    Tail(tail::TailArgs),
    /// Show what happened around one event.
    Context(context::ContextArgs),
    /// Write a whole result into a file.
    Export(export::ExportArgs),
    /// List fields, or the values of one.
    Fields(fields::FieldsArgs),
    /// List, run, save or delete searches under a name.
    Saved(saved::SavedArgs),
    /// Send believable events of made-up services.
    Simulate(simulate::SimulateArgs),
    /// Delete events for good, and show what was deleted.
    Deletion(deletion::DeletionArgs),
    /// Make, list and revoke API keys.
    Key(key::KeyArgs),
    /// Show or set what a tenant may use.
    Limits(limits::LimitsArgs),
    /// Show what the server holds.
    Status(status::StatusArgs),
    /// Measure searches, and estimate them for more data on AWS.
    Bench(bench::BenchArgs),
    /// Persist and compact everything now (servers started with `trawl local`).
    Compact,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn defaults_are_the_documented_ones() {
        let Command::Local(args) = Cli::parse_from(["trawl", "local"]).command else { panic!("another verb") };
        assert_eq!((args.data.to_str(), args.listen.to_string().as_str()), (Some("./trawl-data"), "127.0.0.1:8080"));
        assert_eq!((args.max_event_age.0, args.retention.0, args.shards), (None, None, 2));
        let Command::Search(args) = Cli::parse_from(["trawl", "search", "-a b:1"]).command else {
            panic!("another verb")
        };
        assert_eq!(
            (args.query.as_str(), args.shown.limit, args.shown.max_scan.0),
            ("-a b:1", 100, Some(100_000_000_000))
        );
    }

    #[test]
    fn every_verb_shows_examples() {
        let mut cli = Cli::command();
        for verb in [
            "local", "push", "search", "tail", "context", "export", "fields", "saved", "simulate", "status", "bench",
            "key", "limits", "deletion",
        ] {
            let help = cli.find_subcommand_mut(verb).expect(verb).render_long_help().to_string();
            assert!(help.contains("Examples:") && help.contains(&format!("trawl {verb}")), "{verb}: {help}");
        }
    }
}
