//! `trawl tail`: follows new events as they arrive.
//!
//! The server is asked again and again for what is new since the last event seen. Events do not arrive in
//! the order of their timestamps, so each question reaches back by `--late`, and what was shown before is
//! left out: it is known by its fields, and counted, so that two equal events are shown twice. An event
//! that arrives later than that after its own timestamp is not seen here; a search finds it.

use std::collections::HashMap;
use std::process::ExitCode;
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::bail;
use clap::Args;
use serde_json::value::RawValue;
use trawl_client::{Client, Order, SearchRequest, SearchStatus};
use trawl_event::Timestamp;
use trawl_query::{Output, Query};
use xxhash_rust::xxh3::Xxh3;

use crate::output::{Format, Printer, event};
use crate::search::{ending, explain, follow, warn_of_missing};
use crate::signal;
use crate::timespec::parse_duration;

/// Most events asked for at a time: as many as the server sorts, should the query ask for that.
const MAX_EVENTS_PER_ROUND: u64 = 10_000;

const EXAMPLES: &str = "\
Examples:
  trawl tail                             everything
  trawl tail 'level:>=error'             errors of all services
  trawl tail 'service:checkout' --since 5m -o ndjson | jq .message

Ctrl-C stops it. `trawl help search` explains the query language.";

/// What to follow, and how to show it.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct TailArgs {
    /// What to follow; everything without it.
    #[arg(value_name = "QUERY", default_value = "*", hide_default_value = true, allow_hyphen_values = true)]
    pub query: String,
    /// Begin with events of the last so much.
    #[arg(long, value_name = "AGE", default_value = "0s", value_parser = parse_duration)]
    pub since: Duration,
    /// How much later than its own timestamp an event may arrive and still be shown.
    #[arg(long, value_name = "AGE", default_value = "10s", value_parser = parse_duration)]
    pub late: Duration,
    /// Time between two questions to the server.
    #[arg(long, value_name = "TIME", default_value = "1s", value_parser = parse_duration)]
    pub every: Duration,
    /// Stop after so many events.
    #[arg(short = 'n', long, value_name = "N")]
    pub limit: Option<u64>,
    /// The form of events.
    #[arg(short, long, value_name = "FORM", value_enum, default_value = "table")]
    pub output: Format,
}

/// Follows until Ctrl-C, `--limit`, or a server that stays away.
pub fn run(client: &Client, args: &TailArgs) -> anyhow::Result<ExitCode> {
    let query = Query::parse(&args.query).ok();
    if query.as_ref().is_some_and(|query| query.output() == Output::Table) {
        bail!("a query that aggregates has no events to follow: use `trawl search`");
    }
    // Each question is short; one that is cut off here ends by itself on the server.
    signal::on_interrupt(0, || ())?;
    let mut printer = Printer::stdout(args.output, query.as_ref());
    let mut window = Window::new(now(), args.since, args.late);
    let mut left = args.limit.unwrap_or(u64::MAX);
    while left > 0 {
        let asked = Instant::now();
        let mut news = round(client, &args.query, &mut window)?;
        let full = news.full;
        news.events.truncate(usize::try_from(left).unwrap_or(usize::MAX));
        left -= news.events.len() as u64;
        // A reader that is gone ends this quietly, see `main`.
        printer.events(&news.events)?;
        if !full && left > 0 {
            thread::sleep(args.every.saturating_sub(asked.elapsed()));
        }
    }
    Ok(ExitCode::SUCCESS)
}

struct News {
    events: Vec<Box<RawValue>>,
    /// Whether there was more than one question brings.
    full: bool,
}

/// Asks once and keeps what was not shown before.
fn round(client: &Client, query: &str, window: &mut Window) -> anyhow::Result<News> {
    let request = SearchRequest {
        query: query.to_owned(),
        from: Some(window.from().to_string()),
        to: None,
        limit: Some(MAX_EVENTS_PER_ROUND),
        order: Order::Asc,
    };
    let search = client.create_search(&request).map_err(|error| explain(error, query))?;
    let (mut events, mut received) = (Vec::new(), 0);
    window.begin_round();
    let last = follow(client, &search.id, |page| {
        received += page.events.len() as u64;
        events.extend(page.events.drain(..).filter(|event| window.is_new(event)));
        Ok(())
    })?;
    match last.status {
        SearchStatus::Failed | SearchStatus::Cancelled => bail!("{}", ending(&last)),
        SearchStatus::Partial => warn_of_missing(&last.missing),
        SearchStatus::Complete | SearchStatus::Running => {}
    }
    let full = received >= MAX_EVENTS_PER_ROUND;
    window.end_round(now(), full);
    Ok(News { events, full })
}

fn now() -> Timestamp {
    // A clock before 1970 or after 2262 is no clock.
    let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp(i64::try_from(since_1970.as_nanos()).unwrap_or(i64::MAX))
}

/// From when on to ask, and what was shown from there on.
struct Window {
    start: Timestamp,
    from: Timestamp,
    newest: Timestamp,
    newest_of_round: Timestamp,
    late_ns: i64,
    /// Of each event shown, by fingerprint: how often, and its time.
    shown: HashMap<u128, (u32, Timestamp)>,
    /// Of each event, by fingerprint: how often it came in this round.
    came: HashMap<u128, u32>,
}

impl Window {
    fn new(now: Timestamp, since: Duration, late: Duration) -> Self {
        let ns = |duration: Duration| i64::try_from(duration.as_nanos()).unwrap_or(i64::MAX);
        let start = now.plus_ns(-ns(since));
        Self {
            start,
            from: start,
            newest: start,
            newest_of_round: start,
            late_ns: ns(late),
            shown: HashMap::new(),
            came: HashMap::new(),
        }
    }

    fn from(&self) -> Timestamp {
        self.from
    }

    fn begin_round(&mut self) {
        self.came.clear();
        self.newest_of_round = self.from;
    }

    /// Whether an event of this round was not shown in an earlier one; from now on it was.
    fn is_new(&mut self, event: &RawValue) -> bool {
        let time = event::timestamp(event).unwrap_or(self.newest);
        self.newest = self.newest.max(time);
        self.newest_of_round = self.newest_of_round.max(time);
        let fingerprint = fingerprint(event);
        let came = self.came.entry(fingerprint).or_default();
        *came += 1;
        let (shown, _) = self.shown.entry(fingerprint).or_insert((0, time));
        let is_new = *came > *shown;
        *shown = (*shown).max(*came);
        is_new
    }

    /// Moves on. After a round that was `full`, the next begins where it broke off; else it reaches back for
    /// latecomers. An event from the future holds the window at `now`.
    fn end_round(&mut self, now: Timestamp, full: bool) {
        let back = self.newest.min(now).plus_ns(-self.late_ns).max(self.start);
        self.from = match full {
            // More events of one moment than a round brings: the rest of them can't be reached.
            true if self.newest_of_round <= self.from => self.from.plus_ns(1),
            true => self.newest_of_round,
            false => back,
        };
        // What a later round may bring again must be known again.
        let kept_from = back.min(self.from);
        self.shown.retain(|_, (_, time)| *time >= kept_from);
    }
}

/// The same for the same event, in whatever order its fields are written: an event comes from the stream first and
/// from a segment later, and only the values are promised to be the same.
fn fingerprint(event: &RawValue) -> u128 {
    let field = |leaf: event::Leaf<'_>| {
        let mut hasher = Xxh3::new();
        hasher.update(leaf.path.as_bytes());
        hasher.update(b"\0");
        hasher.update(leaf.value.get().as_bytes());
        hasher.digest128()
    };
    event::leaves(event).into_iter().map(field).fold(0, u128::wrapping_add)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: i64 = trawl_event::timestamp::NS_PER_SECOND;

    fn at(second: i64) -> Timestamp {
        Timestamp(1_700_000_000 * SECOND + second * SECOND)
    }

    fn event(second: i64, text: &str) -> Box<RawValue> {
        serde_json::from_str(&format!(r#"{{"timestamp":"{}","message":"{text}"}}"#, at(second))).unwrap()
    }

    fn round(window: &mut Window, events: &[Box<RawValue>], now: i64, full: bool) -> Vec<bool> {
        window.begin_round();
        let new = events.iter().map(|event| window.is_new(event)).collect();
        window.end_round(at(now), full);
        new
    }

    fn window() -> Window {
        Window::new(at(0), Duration::ZERO, Duration::from_secs(10))
    }

    #[test]
    fn an_event_is_shown_once_and_equal_events_each() {
        let mut window = window();
        assert_eq!(round(&mut window, &[event(1, "a"), event(1, "a")], 1, false), [true, true]);
        assert_eq!(round(&mut window, &[event(1, "a"), event(1, "a"), event(1, "a")], 2, false), [false, false, true]);
        assert_eq!(round(&mut window, &[event(1, "b"), event(1, "a")], 3, false), [true, false]);
    }

    #[test]
    fn the_order_of_fields_makes_no_other_event() {
        let print = |json: &str| fingerprint(&serde_json::from_str::<Box<RawValue>>(json).unwrap());
        assert_eq!(print(r#"{"a":{"b":1,"c":"x"},"d":[1]}"#), print(r#"{"d":[1],"a":{"c":"x","b":1}}"#));
        assert_ne!(print(r#"{"a":1,"b":2}"#), print(r#"{"a":2,"b":1}"#));
        assert_ne!(print(r#"{"a":1}"#), print(r#"{"a":1.0}"#));
    }

    #[test]
    fn the_window_moves_with_the_newest_event_and_reaches_back() {
        let mut window = window();
        assert_eq!(window.from(), at(0));
        round(&mut window, &[event(5, "a")], 6, false);
        assert_eq!(window.from(), at(0));
        round(&mut window, &[event(30, "b")], 31, false);
        assert_eq!(window.from(), at(20));
        assert_eq!(window.shown.len(), 1);
        // A quiet time moves nothing.
        round(&mut window, &[], 100, false);
        assert_eq!(window.from(), at(20));
        // An event that claims to be from the future does not hide the present.
        round(&mut window, &[event(500, "c")], 101, false);
        assert_eq!(window.from(), at(91));
        assert_eq!(round(&mut window, &[event(95, "d"), event(500, "c")], 102, false), [true, false]);
    }

    #[test]
    fn reaching_back_after_full_rounds_shows_nothing_twice() {
        let mut window = window();
        let events: Vec<_> = (1..=6).map(|second| event(second, "a")).collect();
        assert_eq!(round(&mut window, &events[..3], 6, true), [true; 3]);
        assert_eq!(round(&mut window, &events[2..5], 6, true), [false, true, true]);
        assert_eq!(round(&mut window, &events[4..], 6, false), [false, true]);
        assert_eq!(round(&mut window, &events[..3], 7, true), [false; 3]);
        // The newest of this round is what counts, so that latecomers in between are found.
        assert_eq!(window.from(), at(3));
        assert_eq!(
            round(&mut window, &[event(3, "a"), event(4, "late"), event(4, "a")], 7, true),
            [false, true, false]
        );
    }

    #[test]
    fn a_full_round_goes_on_where_it_broke_off() {
        let mut window = window();
        round(&mut window, &[event(5, "a"), event(6, "b")], 50, true);
        assert_eq!(window.from(), at(6));
        assert_eq!(round(&mut window, &[event(6, "b"), event(6, "c")], 50, true), [false, true]);
        assert_eq!(window.from(), at(6).plus_ns(1));
    }
}
