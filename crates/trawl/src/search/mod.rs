//! `trawl search`: finds events, or counts and groups them.
//!
//! * [`mod@follow`]: a search from its first page to its end
//! * [`plan`]: what it would read, in words
//! * [`show`]: what is printed of it

pub mod follow;
pub mod plan;
pub mod show;

use std::io::Write;
use std::process::ExitCode;
use std::time::Instant;

use anyhow::bail;
use clap::Args;
use trawl_client::{Client, FacetRequest, HistogramRequest, Order, Retries, SearchPage, SearchRequest, SearchStatus};
use trawl_query::{Output, Query};

pub use self::follow::{Following, ending, explain, follow, warn_of_missing};
use self::show::{Counts, ResultPrinter, progress_line, spinner, summary};
use crate::output::{Format, Printer, histogram};
use crate::range::RangeArgs;
use crate::units::{SizeOrNone, parse_size_or_none};
use crate::{EXIT_FAILED, EXIT_NOTHING, is_broken_pipe, signal};

/// Most events a search may ask for at once.
pub const MAX_LIMIT: u64 = 10_000_000;
/// Most events that a `sort` pipe puts in order.
pub const MAX_SORTED: u64 = 10_000;

const HELP: &str = "\
Query language (letter case is ignored unless said otherwise):
  timeout                      a text of the event holds the word
  \"connection reset\"           holds the phrase
  *8f3a*   req-*               holds the substring; a word begins with it
  /blk_-?\\d+7\\b/   /x/i        the regex finds something (case counts, unless /i)
  service:checkout             the same forms within one field; also numbers, true, false, null
  service:=\"Check Out\"         the field is exactly this (case counts)
  http.status:>=500            compare; also level:>=warn (trace debug info warn error fatal)
  latency:[10 TO 50]           inclusive range
  user.id:*                    the field is there
  a b   a AND b   a OR b   NOT a   -a   ( )
                               side by side is AND; AND binds before OR
  … | stats count(), p99(latency) by service
  … | timechart 5m by level       … | top 10 client.ip
  … | fields a, b                 … | sort -latency      … | limit 20
  functions: count count_distinct sum avg min max p50 … p99
An empty query or * finds everything.

Examples:
  trawl search 'timeout service:checkout' --since 1h
  trawl search 'http.status:>=500 -path:\"/health\"' --from 2026-03-02 --to 2026-03-03 -o ndjson
  trawl search 'level:>=error | stats count() by service' --since 1d
  trawl search --histogram=level --facet service 'level:>=warn' --since 1d
  trawl search --explain '*8f3a* -debug'
  trawl search -o csv --all '* | fields timestamp, service, message' > events.csv

A query that begins with - comes after --, as in: trawl search -- '-debug'

Table shows events for reading; ndjson gives each event as it was sent (for an aggregate one object per row);
csv has the fields of the first page as columns, and _rest for others that come later.
Drawings of --histogram and --facet follow the table; with ndjson and csv they go to stderr, so that stdout holds
events alone. They count all matches, also those past --limit: with -n 0 there are drawings only.

Exit status: 0 something was found, 1 nothing was found, 2 an error, or the result is incomplete: then what was
found is printed, and what is missing is named on stderr. Ctrl-C ends the search on the server too.";

/// What to search for, and how to show it.
#[derive(Debug, Args)]
#[command(after_help = HELP)]
pub struct SearchArgs {
    /// What to find (see below); all events without it.
    #[arg(value_name = "QUERY", default_value = "*", hide_default_value = true, allow_hyphen_values = true)]
    pub query: String,
    /// When it happened.
    #[command(flatten)]
    pub range: RangeArgs,
    /// How to show it.
    #[command(flatten)]
    pub shown: ShowArgs,
}

/// How much of a result is shown, and how.
#[derive(Debug, Args)]
pub struct ShowArgs {
    /// Most events to show.
    #[arg(short = 'n', long, value_name = "N", default_value_t = 100)]
    pub limit: u64,
    /// Show all that match, however many.
    #[arg(long, conflicts_with = "limit")]
    pub all: bool,
    /// Newest first (desc) or oldest first (asc).
    #[arg(long, value_name = "ORDER", default_value = "desc", value_parser = parse_order)]
    pub order: Order,
    /// The form of results.
    #[arg(short, long, value_name = "FORM", value_enum, default_value = "table")]
    pub output: Format,
    /// Draw all matches by time; with a field, its values apart: --histogram=level.
    #[arg(long, value_name = "FIELD", num_args = 0..=1, require_equals = true)]
    pub histogram: Option<Option<String>>,
    /// Draw the most frequent values of a field among all matches; may be given several times.
    #[arg(long = "facet", value_name = "FIELD")]
    pub facets: Vec<String>,
    /// Say what would be read and what it may cost, and run nothing.
    #[arg(long)]
    pub explain: bool,
    /// Do not run if more stored bytes than this may have to be read; none: however many.
    #[arg(long, value_name = "SIZE", default_value = DEFAULT_MAX_SCAN, value_parser = parse_size_or_none)]
    pub max_scan: SizeOrNone,
    /// No progress and no summary on stderr.
    #[arg(short, long)]
    pub quiet: bool,
}

/// What a search may read unless it is told otherwise: at most a few seconds of many workers, and cents.
pub const DEFAULT_MAX_SCAN: &str = "100GB";

/// Reads `desc` or `asc`.
pub fn parse_order(text: &str) -> Result<Order, String> {
    match text {
        "desc" => Ok(Order::Desc),
        "asc" => Ok(Order::Asc),
        other => Err(format!("expected desc or asc, found {other:?}")),
    }
}

impl ShowArgs {
    /// The request for what is to be shown of `query`.
    fn request(&self, query: &str, (from, to): (Option<String>, Option<String>)) -> SearchRequest {
        // What is sorted comes whole or not at all.
        let is_sorted = |query: &Query| matches!(query.output(), Output::Events { sort: Some(_), .. });
        let most = if Query::parse(query).is_ok_and(|query| is_sorted(&query)) { MAX_SORTED } else { MAX_LIMIT };
        let histogram = self.histogram.clone().map(|by| HistogramRequest { by, buckets: Some(histogram::BUCKETS) });
        let facet = |field: &String| FacetRequest { field: field.clone(), limit: None };
        SearchRequest {
            query: query.to_owned(),
            from,
            to,
            limit: Some(if self.all { most } else { self.limit }),
            order: self.order,
            histogram,
            facets: self.facets.iter().map(facet).collect(),
            max_bytes: self.max_scan.0,
        }
    }
}

/// Searches, prints, and says by its status whether something was found.
pub fn run(client: &Client, args: &SearchArgs) -> anyhow::Result<ExitCode> {
    search(client, &args.query, (args.range.from(), args.range.to()), &args.shown)
}

/// Searches for `query` in a range of time, from and to, and prints what is to be shown of it.
pub fn search(
    client: &Client,
    query: &str,
    range: (Option<String>, Option<String>),
    shown: &ShowArgs,
) -> anyhow::Result<ExitCode> {
    let request = shown.request(query, range);
    if shown.explain {
        return explain_plan(client, &request, shown.output);
    }
    let began = Instant::now();
    let search = client.create_search(&request).map_err(|error| explain(error, query))?;
    let canceller = client.clone().with_retries(Retries::NONE);
    let (bar, id) = (spinner(shown.quiet), search.id.clone());
    signal::on_interrupt(signal::EXIT_INTERRUPTED, {
        let (canceller, bar) = (canceller.clone(), bar.clone());
        move || {
            bar.finish_and_clear();
            // Nothing more can be done if this fails: the search expires by itself.
            let _ = canceller.cancel(&id);
        }
    })?;

    // The query is the server's to judge; what can be read of it here serves the display.
    let parsed = Query::parse(query).ok();
    let mut result = ResultPrinter::new(Printer::stdout(shown.output, parsed.as_ref()), began);
    let following = Following { past_limit: shown.all, watched: !bar.is_hidden(), ..Following::default() };
    let followed = following.run(client, &search.id, |page, _| {
        bar.set_message(progress_line(page));
        bar.tick();
        bar.suspend(|| result.page(page))
    });
    bar.finish_and_clear();
    let has_result = |last: &SearchPage| !matches!(last.status, SearchStatus::Failed | SearchStatus::Cancelled);
    let ended = followed.and_then(|last| {
        result.end()?;
        let counts = Counts::of(&last);
        if has_result(&last) {
            counts.print(shown.output, &mut result.printer)?;
        }
        let matches = counts.matches;
        Ok((last, matches))
    });
    let (last, matches) = match ended {
        Ok(ended) => ended,
        Err(error) if is_broken_pipe(&error) => {
            // Whoever read the results has enough of them.
            let _ = canceller.cancel(&search.id);
            return Ok(ExitCode::SUCCESS);
        }
        Err(error) => return Err(error),
    };
    if !shown.quiet && has_result(&last) {
        anstream::eprintln!("{}", summary(&result, began.elapsed(), &last));
    }
    status_of(&last, result.found + matches)
}

/// The exit status of a search that has ended so.
fn status_of(last: &SearchPage, found: u64) -> anyhow::Result<ExitCode> {
    match last.status {
        SearchStatus::Complete if found > 0 => Ok(ExitCode::SUCCESS),
        SearchStatus::Complete => Ok(ExitCode::from(EXIT_NOTHING)),
        SearchStatus::Failed | SearchStatus::Cancelled | SearchStatus::Running => bail!("{}", ending(last)),
        SearchStatus::Partial => {
            warn_of_missing(&last.missing);
            Ok(ExitCode::from(EXIT_FAILED))
        }
    }
}

/// Prints what a search would read: in words, or as one object with `-o ndjson`.
fn explain_plan(client: &Client, request: &SearchRequest, format: Format) -> anyhow::Result<ExitCode> {
    let plan = client.explain(request).map_err(|error| explain(error, &request.query))?;
    let mut out = std::io::stdout().lock();
    match format {
        Format::Ndjson => writeln!(out, "{}", serde_json::to_string(&plan)?)?,
        Format::Table | Format::Csv => write!(out, "{}", plan::in_words(&plan))?,
    }
    if plan.missing.is_empty() {
        return Ok(ExitCode::SUCCESS);
    }
    warn_of_missing(&plan.missing);
    Ok(ExitCode::from(EXIT_FAILED))
}
