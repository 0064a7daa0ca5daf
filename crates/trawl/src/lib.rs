//! The `trawl` command: one file per verb.
//!
//! * [`cli`]: what may stand on the command line, and its help
//! * [`push`], [`search`], [`tail`], [`context`], [`export`], [`fields`], [`saved`], [`simulate`], [`status`],
//!   [`key`], [`mod@limits`], [`deletion`], [`compact`], [`local`], [`mod@bench`]: the verbs
//! * [`output`]: events and tables as text for people and programs
//! * [`range`]: the range of time that a verb looks at
//! * [`timespec`], [`units`]: times, durations and sizes, read and written
//! * [`sender`]: batches over several connections; [`signal`]: Ctrl-C
//!
//! Results go to stdout; progress and errors go to stderr. The exit status is grep's: 0 when something was
//! found (or all went well), 1 when nothing was found (or some events were refused), 2 on an error. A
//! reader that closes the pipe ends the command without complaint.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used))]
// The command is what owns the clock, the threads and the chance that everything below it is handed.
#![allow(clippy::disallowed_methods)]

pub mod bench;
pub mod cli;
pub mod compact;
pub mod context;
pub mod deletion;
pub mod export;
pub mod fields;
pub mod key;
pub mod limits;
pub mod local;
pub mod output;
pub mod push;
pub mod range;
pub mod saved;
pub mod search;
pub mod sender;
pub mod signal;
pub mod simulate;
pub mod status;
pub mod tail;
pub mod timespec;
pub mod units;

use std::io;
use std::process::ExitCode;

use clap::Parser;

/// Exit status of a search without results, and of a push of which some was refused.
pub const EXIT_NOTHING: u8 = 1;
/// Exit status after an error.
pub const EXIT_FAILED: u8 = 2;

/// Runs the command that the process was started as.
pub fn main() -> ExitCode {
    let cli = cli::Cli::parse();
    cli.color.apply();
    match run(cli) {
        Ok(status) => status,
        Err(error) if is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            let style = output::style::ERROR;
            // What a server says may quote what others sent.
            let error = output::harmless::clean_lines(&format!("{error:#}"));
            anstream::eprintln!("{style}trawl:{style:#} {error}");
            ExitCode::from(EXIT_FAILED)
        }
    }
}

fn run(cli: cli::Cli) -> anyhow::Result<ExitCode> {
    let server = &cli.server;
    match cli.command {
        cli::Command::Local(args) => local::run(args),
        cli::Command::Push(args) => push::run(&server.patient()?, &args),
        cli::Command::Search(args) => search::run(&server.client()?, &args),
        cli::Command::Tail(args) => tail::run(&server.client()?, &args),
        cli::Command::Context(args) => context::run(&server.client()?, &args),
        cli::Command::Export(args) => export::run(&server.patient()?, &args),
        cli::Command::Deletion(args) => deletion::run(&server.client()?, &args),
        cli::Command::Key(args) => key::run(|| server.client(), &args),
        cli::Command::Limits(args) => limits::run(&server.client()?, &args),
        cli::Command::Fields(args) => fields::run(&server.client()?, &args),
        cli::Command::Saved(args) => saved::run(&server.client()?, &args),
        cli::Command::Simulate(args) => simulate::run(|| server.patient(), &args),
        cli::Command::Status(args) => status::run(&server.client()?, &args),
        cli::Command::Bench(args) => bench::run(server, &args),
        cli::Command::Compact => compact::run(&server.client()?),
    }
}

/// Whether the reader of stdout is gone, as after `| head`.
fn is_broken_pipe(error: &anyhow::Error) -> bool {
    let io_error = error.chain().find_map(|cause| cause.downcast_ref::<io::Error>());
    io_error.is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}
