//! `trawl bench`: measures searches, and estimates them for more data on AWS.
//!
//! * [`queries`]: one query of each class, with terms from the data
//! * [`mod@measure`]: runs them on a [`target`]: a server, or one [`embedded`] here
//! * [`figures`]: what came out, as it is written and read again
//! * [`mod@estimate`]: figures → time, requests and dollars at another scale; [`assumptions`]: what that rests on
//! * [`report`]: both for people and programs
//!
//! The formula and the sources are in `docs/model.md`.

pub mod assumptions;
pub mod embedded;
pub mod estimate;
pub mod figures;
pub mod measure;
pub mod queries;
pub mod report;
pub mod target;

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, ValueEnum};
use indicatif::{ProgressBar, ProgressStyle};
use trawl_store::model::S3Timing;

use crate::cli::ServerArgs;
use crate::timespec::parse_duration;
use crate::units::parse_size;
use assumptions::Assumptions;
use embedded::Embedded;
use estimate::Scale;
use figures::Figures;
use measure::{Plan, measure};
use target::Target;

const HELP: &str = "\
Without QUERY the standard classes are run: words, substrings and regexes that occur rarely or
not at all, a frequent word, a field, a timechart, a top. Terms come from the newest events.

With --model the figures are extended to more data and many workers on AWS. They come from
--figures; else --data, or a server that is named (--url, TRAWL_URL), is measured first; else they
are those of 1 GB of reference logs, built in. docs/model.md has the formula and the sources.

Examples:
  trawl bench                                     the standard queries on http://127.0.0.1:8080
  trawl bench --data ./trawl-data                 … on a directory; counts round trips too
  trawl bench --runs 9 'timeout service:checkout' '* | timechart 5m by level'
  trawl bench -o json > figures.json              for later
  trawl bench --model                             the reference data at 1 TB, 100 TB and 1 PB
  trawl bench --model --figures figures.json --raw 20TB --workers 500 --latency 100ms

Exit status: 0 done, 2 an error, or a search that did not complete.";

/// What to measure, and whether to extend it.
#[derive(Debug, Args)]
#[command(after_help = HELP)]
pub struct BenchArgs {
    /// Queries to run instead of the standard ones.
    #[arg(value_name = "QUERY")]
    pub queries: Vec<String>,
    /// Measure this data directory in this process, instead of a server.
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// How often each query is run; the median counts.
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..))]
    pub runs: u32,
    /// Events that each search asks for.
    #[arg(short = 'n', long, value_name = "N", default_value_t = 100)]
    pub limit: u64,
    /// What to call the figures.
    #[arg(long, value_name = "TEXT")]
    pub label: Option<String>,
    /// The form of results.
    #[arg(short, long, value_name = "FORM", value_enum, default_value = "table")]
    pub output: Form,
    /// No progress on stderr.
    #[arg(short, long)]
    pub quiet: bool,
    /// Estimate time, requests and cost on AWS.
    #[arg(long)]
    pub model: bool,
    /// Figures that an earlier `trawl bench -o json` wrote.
    #[arg(long, value_name = "FILE", requires = "model", conflicts_with_all = ["data", "queries"])]
    pub figures: Option<PathBuf>,
    /// How much data, as it was sent; several with commas.
    #[arg(long, value_name = "SIZE", requires = "model", value_delimiter = ',', default_values = ["1TB", "100TB", "1PB"], value_parser = parse_size)]
    pub raw: Vec<u64>,
    /// How many scan workers; several with commas.
    #[arg(long, value_name = "N", requires = "model", value_delimiter = ',', default_values = ["200", "1000"], value_parser = clap::value_parser!(u64).range(1..))]
    pub workers: Vec<u64>,
    /// Days that the data spans.
    #[arg(long, value_name = "N", requires = "model", default_value_t = 30, value_parser = clap::value_parser!(u32).range(1..))]
    pub days: u32,
    /// From an S3 request to its first byte.
    #[arg(long, value_name = "TIME", default_value = "30ms", value_parser = parse_duration)]
    pub latency: Duration,
    /// Seconds that a worker on AWS takes for one measured here.
    #[arg(long, value_name = "FACTOR", requires = "model", default_value_t = 1.0)]
    pub cpu_factor: f64,
}

/// The form of results.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Form {
    /// For reading.
    Table,
    /// One JSON object.
    Json,
}

/// Measures, estimates and prints.
pub fn run(server: &ServerArgs, args: &BenchArgs) -> anyhow::Result<ExitCode> {
    let figures = figures(server, args)?;
    let mut out = anstream::stdout().lock();
    if args.model {
        anyhow::ensure!(args.cpu_factor.is_finite() && args.cpu_factor > 0.0, "--cpu-factor must be more than 0");
        let assumptions = Assumptions {
            first_byte: args.latency,
            days: f64::from(args.days),
            cpu_factor: args.cpu_factor,
            ..Assumptions::default()
        };
        let model = report::Model::new(&figures, &assumptions, &scales(args));
        match args.output {
            Form::Table => report::model(&model, &mut out)?,
            Form::Json => writeln!(out, "{}", serde_json::to_string_pretty(&model)?)?,
        }
    } else {
        match args.output {
            Form::Table => report::figures(&figures, &mut out)?,
            Form::Json => writeln!(out, "{}", serde_json::to_string_pretty(&figures)?)?,
        }
    }
    out.flush()?;
    Ok(ExitCode::SUCCESS)
}

/// Every size with every number of workers.
fn scales(args: &BenchArgs) -> Vec<Scale> {
    let of_size = |raw_bytes: u64| args.workers.iter().map(move |workers| Scale { raw_bytes, workers: *workers });
    args.raw.iter().flat_map(|raw_bytes| of_size(*raw_bytes)).collect()
}

/// The figures to print or to extend, measured if need be.
fn figures(server: &ServerArgs, args: &BenchArgs) -> anyhow::Result<Figures> {
    if let Some(path) = &args.figures {
        return Figures::read(path);
    }
    if args.model && args.data.is_none() && server.url.is_none() && args.queries.is_empty() {
        return Figures::reference();
    }
    let plan = Plan { queries: args.queries.clone(), runs: args.runs, limit: args.limit };
    let bar = progress_bar(args.quiet);
    let show = |message: &str| {
        if bar.is_hidden() && !args.quiet {
            anstream::eprintln!("{message}");
        }
        bar.set_message(message.to_owned());
        bar.tick();
    };
    let measured = match &args.data {
        Some(dir) => {
            let timing = S3Timing { first_byte: args.latency, ..S3Timing::default() };
            let embedded = Embedded::open(dir, timing)?;
            let measured = measure(Target::Embedded(&embedded), &plan, show);
            embedded.close()?;
            measured
        }
        None => measure(Target::Server(&server.client()?), &plan, show),
    };
    bar.finish_and_clear();
    let mut figures = measured?;
    if let Some(label) = &args.label {
        figures.origin.clone_from(label);
    }
    Ok(figures)
}

fn progress_bar(quiet: bool) -> ProgressBar {
    if quiet {
        return ProgressBar::hidden();
    }
    ProgressBar::new_spinner().with_style(ProgressStyle::default_spinner())
}

/// Numbers as the reports show them.
mod text {
    pub use crate::units::{seconds, usd};

    /// A count in short: `734`, `12.4 k`, `1.02 M`.
    pub fn count(number: f64) -> String {
        let (value, unit) = match number {
            small if small < 999.5 => return format!("{small:.0}"),
            thousands if thousands < 999.5e3 => (thousands / 1e3, "k"),
            millions if millions < 999.5e6 => (millions / 1e6, "M"),
            billions => (billions / 1e9, "G"),
        };
        let digits = if value < 9.995 { 2 } else { usize::from(value < 99.95) };
        format!("{value:.digits$} {unit}")
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn numbers_are_short_and_keep_what_matters() {
            for (value, text) in
                [(0.0, "0.00 s"), (2.034, "2.03 s"), (61.0, "61 s"), (600.0, "10.0 min"), (9000.0, "2.5 h")]
            {
                assert_eq!(seconds(value), text);
            }
            for (value, text) in
                [(0.0, "$0.00"), (0.000_002_3, "$0.0000023"), (0.41, "$0.41"), (3.5, "$3.50"), (1204.4, "$1,204")]
            {
                assert_eq!(usd(value), text);
            }
            for (value, text) in
                [(7.0, "7"), (12_400.0, "12.4 k"), (1_020_000.0, "1.02 M"), (3e9, "3.00 G"), (999_700.0, "1.00 M")]
            {
                assert_eq!(count(value), text);
            }
        }
    }
}
