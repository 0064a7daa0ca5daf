//! `trawl search`: finds events, or counts and groups them.

use std::process::ExitCode;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::bail;
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::Value;
use trawl_client::{Aggregates, Client, Error, Order, Progress, Retries, SearchPage, SearchRequest, SearchStatus};
use trawl_query::{ErrorCode, Query, QueryError};

use crate::output::{Format, Printer, style};
use crate::timespec::{ago, parse_duration, parse_moment};
use crate::{EXIT_FAILED, EXIT_NOTHING, is_broken_pipe, signal, units};

/// How long the server may hold a poll back while nothing is new.
const POLL_WAIT: Duration = Duration::from_secs(5);
/// Shortest time between two polls that brought nothing, whatever the server does.
const MIN_POLL_INTERVAL: Duration = Duration::from_millis(100);

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
  trawl search -o csv --limit 100000 '* | fields timestamp, service, message' > events.csv

A query that begins with - comes after --, as in: trawl search -- '-debug'

Table shows events for reading; ndjson gives each event as it was sent (for an aggregate one object per row);
csv has the fields of the first page as columns, and _rest for others that come later.

Exit status: 0 something was found, 1 nothing was found, 2 an error, or the result is incomplete: then what was
found is printed, and what is missing is named on stderr. Ctrl-C ends the search on the server too.";

/// What to search for, and how to show it.
#[derive(Debug, Args)]
#[command(after_help = HELP)]
pub struct SearchArgs {
    /// What to find (see below); all events without it.
    #[arg(value_name = "QUERY", default_value = "*", hide_default_value = true, allow_hyphen_values = true)]
    pub query: String,
    /// Only the last so much: 15m, 1h30m, 7d.
    #[arg(long, value_name = "AGE", value_parser = parse_duration, conflicts_with_all = ["from", "to"])]
    pub since: Option<Duration>,
    /// From this moment on: RFC 3339, a date, an epoch, -15m, now.
    #[arg(long, value_name = "TIME", value_parser = parse_moment, allow_hyphen_values = true)]
    pub from: Option<String>,
    /// Up to this moment, which no longer counts.
    #[arg(long, value_name = "TIME", value_parser = parse_moment, allow_hyphen_values = true)]
    pub to: Option<String>,
    /// Most events to show.
    #[arg(short = 'n', long, value_name = "N", default_value_t = 100)]
    pub limit: u64,
    /// Newest first (desc) or oldest first (asc).
    #[arg(long, value_name = "ORDER", default_value = "desc", value_parser = parse_order)]
    pub order: Order,
    /// The form of results.
    #[arg(short, long, value_name = "FORM", value_enum, default_value = "table")]
    pub output: Format,
    /// No progress and no summary on stderr.
    #[arg(short, long)]
    pub quiet: bool,
}

fn parse_order(text: &str) -> Result<Order, String> {
    match text {
        "desc" => Ok(Order::Desc),
        "asc" => Ok(Order::Asc),
        other => Err(format!("expected desc or asc, found {other:?}")),
    }
}

/// Searches, prints, and says by its status whether something was found.
pub fn run(client: &Client, args: &SearchArgs) -> anyhow::Result<ExitCode> {
    let request = SearchRequest {
        query: args.query.clone(),
        from: args.since.map(ago).or_else(|| args.from.clone()),
        to: args.to.clone(),
        limit: Some(args.limit),
        order: args.order,
    };
    let began = Instant::now();
    let search = client.create_search(&request).map_err(|error| explain(error, &args.query))?;
    let canceller = client.clone().with_retries(Retries::NONE);
    let (bar, id) = (spinner(args.quiet), search.id.clone());
    let shown = bar.clone();
    signal::on_interrupt(signal::EXIT_INTERRUPTED, {
        let canceller = canceller.clone();
        move || {
            shown.finish_and_clear();
            // Nothing more can be done if this fails: the search expires by itself.
            let _ = canceller.cancel(&id);
        }
    })?;

    // The query is the server's to judge; what can be read of it here serves the display.
    let query = Query::parse(&args.query).ok();
    let mut result = ResultPrinter { printer: Printer::stdout(args.output, query.as_ref()), found: 0, table: None };
    let followed = follow(client, &search.id, |page| {
        bar.set_message(progress_line(&page.progress));
        bar.tick();
        bar.suspend(|| result.page(page))
    });
    bar.finish_and_clear();
    let last = match followed {
        Ok(last) => last,
        Err(error) if is_broken_pipe(&error) => {
            // Whoever read the results has enough of them.
            let _ = canceller.cancel(&search.id);
            return Ok(ExitCode::SUCCESS);
        }
        Err(error) => return Err(error),
    };
    result.end()?;
    if !args.quiet {
        let found = result.found;
        let seconds = began.elapsed().as_secs_f64();
        anstream::eprintln!(
            "{} in {seconds:.2} s ({})",
            units::counted(found, "result"),
            progress_line(&last.progress)
        );
    }
    status_of(&last, result.found)
}

/// Shows pages as they come, and an aggregate when it is whole.
struct ResultPrinter {
    printer: Printer,
    found: u64,
    table: Option<Aggregates>,
}

impl ResultPrinter {
    fn page(&mut self, page: &mut SearchPage) -> anyhow::Result<()> {
        self.found += page.events.len() as u64;
        if !page.events.is_empty() {
            self.printer.events(&page.events)?;
        }
        // While the search runs, its table is not final.
        if page.status != SearchStatus::Running && page.aggregates.is_some() {
            self.table = page.aggregates.take();
        }
        Ok(())
    }

    fn end(&mut self) -> anyhow::Result<()> {
        if let Some(table) = &self.table {
            self.found += table.rows.len() as u64;
            self.printer.aggregates(table)?;
        }
        Ok(())
    }
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

/// Says why a search ended without a result.
pub fn ending(last: &SearchPage) -> String {
    let mut text = match last.status {
        SearchStatus::Cancelled => "the search was cancelled".to_owned(),
        _ => "the search failed".to_owned(),
    };
    if let Some(error) = &last.error {
        text.push_str(": ");
        text.push_str(error["message"].as_str().unwrap_or(&plain(error)));
    }
    for missing in &last.missing {
        text.push_str("\n  ");
        text.push_str(&plain(missing));
    }
    text
}

/// Names what a search could not read.
pub fn warn_of_missing(missing: &[Value]) {
    let warning = style::WARNING;
    anstream::eprintln!(
        "{warning}incomplete:{warning:#} {} could not be read",
        units::counted(missing.len() as u64, "part")
    );
    for part in missing {
        anstream::eprintln!("  {}", plain(part));
    }
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// Polls a search to its end, page after page. Gives the last answer.
pub fn follow(
    client: &Client,
    id: &str,
    mut on_page: impl FnMut(&mut SearchPage) -> anyhow::Result<()>,
) -> anyhow::Result<SearchPage> {
    let mut cursor: Option<String> = None;
    loop {
        let asked = Instant::now();
        let mut page = client.poll(id, cursor.as_deref(), POLL_WAIT)?;
        on_page(&mut page)?;
        let running = page.status == SearchStatus::Running;
        let moved = page.next_cursor.is_some() && page.next_cursor != cursor;
        if !running && !moved {
            return Ok(page);
        }
        if !moved {
            if !page.events.is_empty() {
                bail!("the server gave events of a running search without a cursor to go on from");
            }
            thread::sleep(MIN_POLL_INTERVAL.saturating_sub(asked.elapsed()));
        }
        cursor = page.next_cursor.or(cursor);
    }
}

/// The server's refusal of a query, with a caret under the column where it gives one.
pub fn explain(error: Error, query: &str) -> anyhow::Error {
    let Some((api, column)) = error.api().and_then(|api| Some((api, api.detail["column"].as_u64()?))) else {
        return error.into();
    };
    let expected = api.detail["expected"].as_str().unwrap_or_default();
    let place = QueryError {
        code: ErrorCode::Syntax,
        message: String::new(),
        column: usize::try_from(column).unwrap_or(1),
        expected: expected.to_owned(),
    };
    // What stands under the caret need not be said twice.
    let said = api.message.strip_suffix(&format!("; expected {expected}")).unwrap_or(&api.message);
    anyhow::anyhow!("{said} ({})\n{}", api.code, place.caret(query))
}

fn spinner(quiet: bool) -> ProgressBar {
    if quiet {
        return ProgressBar::hidden();
    }
    // Hidden by itself where stderr is no terminal.
    ProgressBar::new_spinner().with_style(ProgressStyle::default_spinner())
}

fn progress_line(progress: &Progress) -> String {
    format!(
        "{}/{} tasks, {} read, {} matched",
        units::count(progress.tasks_done),
        units::count(progress.tasks_total),
        units::size(progress.bytes_read),
        units::count(progress.events_matched)
    )
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use trawl_client::ApiError;

    use super::*;

    #[test]
    fn a_query_error_points_at_its_column() {
        let api = |detail| ApiError {
            status: 400,
            code: "syntax".into(),
            message: "expected a value".into(),
            detail,
            retry_after: None,
        };
        let text = explain(Error::Api(api(json!({"column": 9}))), "service: ").to_string();
        assert_eq!(text.lines().next(), Some("expected a value (syntax)"));
        assert!(text.lines().nth(2).is_some_and(|line| line.starts_with("          ^")), "{text}");
        assert_eq!(explain(Error::Api(api(Value::Null)), "x").to_string(), "expected a value (syntax, 400)");
    }
}
