//! `trawl tail`: follows new events as they arrive.
//!
//! The server gives what has arrived since a cursor, so that each event comes once, however late or early its
//! timestamp is. With `--since` a search over the past comes first; see [`overlap`] for how the two are joined.

pub mod overlap;
mod patience;

use std::process::ExitCode;
use std::time::Duration;

use anyhow::bail;
use clap::Args;
use serde_json::value::RawValue;
use trawl_client::{Client, News, Order, SearchRequest, SearchStatus};
use trawl_query::{Output, Query};

use self::overlap::Overlap;
use self::patience::Patience;
use crate::output::{Format, Printer, style};
use crate::search::{Following, MAX_LIMIT, ending, explain, warn_of_missing};
use crate::timespec::{ago, parse_duration};
use crate::{signal, units};

/// How long the server may hold an answer back while nothing is new: as long as it does.
const WAIT: Duration = Duration::from_secs(20);
/// Most events of one answer: as many as the server gives.
const MAX_EVENTS: u64 = 10_000;
/// Most questions until what arrived while a search was planned is here; each brings megabytes.
const MAX_ROUNDS: u32 = 16;
/// How long to wait for a word on the plan of a search.
const PLAN_WAIT: Duration = Duration::from_secs(1);

const EXAMPLES: &str = "\
Examples:
  trawl tail                             everything
  trawl tail 'level:>=error'             errors of all services
  trawl tail 'service:checkout' --since 5m -o ndjson | jq .message

An event is shown within about a second of its arrival, whatever its timestamp says. With --since those that arrived
before are searched for and shown first, oldest first; none is shown twice or left out where the two meet. Should more
arrive at once than the server gives (10,000), the newest are shown, and stderr says how many were not.

A server that is away is waited for. Ctrl-C stops it. `trawl help search` explains the query language; stats,
timechart, top, sort and limit have no meaning here.";

/// What to follow, and how to show it.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct TailArgs {
    /// What to follow; everything without it.
    #[arg(value_name = "QUERY", default_value = "*", hide_default_value = true, allow_hyphen_values = true)]
    pub query: String,
    /// Begin with events of the last so much.
    #[arg(long, value_name = "AGE", value_parser = parse_duration)]
    pub since: Option<Duration>,
    /// Stop after so many events.
    #[arg(short = 'n', long, value_name = "N")]
    pub limit: Option<u64>,
    /// The form of events.
    #[arg(short, long, value_name = "FORM", value_enum, default_value = "table")]
    pub output: Format,
}

/// Follows until Ctrl-C or `--limit`.
pub fn run(client: &Client, args: &TailArgs) -> anyhow::Result<ExitCode> {
    let query = Query::parse(&args.query).ok();
    if query.as_ref().is_some_and(|query| query.output() == Output::Table) {
        bail!("a query that aggregates has no events to follow: use `trawl search`");
    }
    // The server keeps nothing for a tail. A search of --since ends by itself there.
    signal::on_interrupt(0, || ())?;
    let mut shown = Shown { printer: Printer::stdout(args.output, query.as_ref()), left: args.limit };
    let first = client.tail(&args.query, None, Duration::ZERO, Some(MAX_EVENTS));
    let first = first.map_err(|error| explain(error, &args.query))?;
    let mut cursor = first.cursor.clone();
    shown.news(&first)?;
    if let Some(since) = args.since {
        cursor = catch_up(client, &args.query, since, cursor, &mut shown)?;
    }
    let mut patience = Patience::new(client);
    while !shown.is_enough() {
        let answer = patience.ask(|client| client.tail(&args.query, Some(&cursor), WAIT, Some(MAX_EVENTS)))?;
        match answer {
            Some(news) => {
                shown.news(&news)?;
                cursor = news.cursor;
            }
            // Another server's, or one that has begun anew: what it has now cannot be told from what was shown.
            None => cursor = client.tail(&args.query, None, Duration::ZERO, None)?.cursor,
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Shows the past, and then what arrived behind `cursor` and is not among it. Gives the cursor to go on from.
fn catch_up(
    client: &Client,
    query: &str,
    since: Duration,
    mut cursor: String,
    shown: &mut Shown,
) -> anyhow::Result<String> {
    let request = SearchRequest {
        query: query.to_owned(),
        from: Some(ago(since)),
        limit: Some(MAX_LIMIT),
        order: Order::Asc,
        ..SearchRequest::default()
    };
    let search = client.create_search(&request).map_err(|error| explain(error, query))?;
    let mut seen = None;
    loop {
        let page = client.poll_seen(&search.id, None, PLAN_WAIT, seen)?;
        // Once it is planned, the search sees one moment, whatever arrives.
        if page.estimate.is_some() || page.status != SearchStatus::Running {
            break;
        }
        seen = Some(page.version);
    }
    let mut overlap = Overlap::default();
    for _ in 0..MAX_ROUNDS {
        let news = client.tail(query, Some(&cursor), Duration::ZERO, Some(MAX_EVENTS))?;
        warn(&news);
        let is_all = news.cursor == cursor;
        cursor = news.cursor;
        overlap.arrived(news.events);
        if is_all {
            break;
        }
    }
    let following = Following { past_limit: true, ..Following::default() };
    let last = following.run(client, &search.id, |page, _| {
        page.events.iter().for_each(|event| overlap.found(event));
        shown.events(&page.events)?;
        if shown.is_enough() { Err(Enough.into()) } else { Ok(()) }
    });
    match last {
        Ok(last) => match last.status {
            SearchStatus::Failed | SearchStatus::Cancelled => bail!("{}", ending(&last)),
            SearchStatus::Partial => warn_of_missing(&last.missing),
            SearchStatus::Complete | SearchStatus::Running => {}
        },
        // The search of what nobody wants any more may end; if this fails, it ends later.
        Err(error) if error.is::<Enough>() => drop(client.cancel(&search.id)),
        Err(error) => return Err(error),
    }
    shown.events(&overlap.left())?;
    Ok(cursor)
}

/// As many events were shown as were asked for.
#[derive(Debug, thiserror::Error)]
#[error("enough events were shown")]
struct Enough;

/// What is shown, up to `--limit`.
struct Shown {
    printer: Printer,
    /// How many more events; no bound without it.
    left: Option<u64>,
}

impl Shown {
    fn is_enough(&self) -> bool {
        self.left == Some(0)
    }

    fn news(&mut self, news: &News) -> anyhow::Result<()> {
        warn(news);
        self.events(&news.events)
    }

    fn events(&mut self, events: &[Box<RawValue>]) -> anyhow::Result<()> {
        let most = self.left.map_or(events.len(), |left| events.len().min(usize::try_from(left).unwrap_or(usize::MAX)));
        let events = events.get(..most).unwrap_or_default();
        self.left = self.left.map(|left| left - most as u64);
        // A reader that is gone ends this quietly, see `main`.
        Ok(self.printer.events(events)?)
    }
}

/// Says on stderr what went by unseen.
fn warn(news: &News) {
    let warning = style::WARNING;
    if news.missed > 0 {
        let (events, were) = (units::counted(news.missed, "event"), if news.missed == 1 { "was" } else { "were" });
        anstream::eprintln!(
            "{warning}missed:{warning:#} {events} {were} left out, more came at once than are shown; a search finds them"
        );
    }
    if let Some(gap) = &news.gap {
        anstream::eprintln!("{warning}gap:{warning:#} {gap}");
    }
}
