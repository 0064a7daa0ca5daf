//! `trawl context`: what happened around one event.
//!
//! The server starts two searches that lead away from the event: what is before its time, newest first, and what is
//! at its time and later, oldest first. The event is among the latter, perhaps behind others of the same time, which
//! count as before it.

use std::io::{self, Read};
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use clap::Args;
use serde_json::value::RawValue;
use trawl_client::{Client, ContextRequest, SearchStatus};
use trawl_event::Timestamp;

use crate::EXIT_FAILED;
use crate::output::event::{fingerprint, leaf_fingerprint, leaves, timestamp};
use crate::output::{Format, Printer, style};
use crate::search::{Following, ending, explain, warn_of_missing};

/// What stands before the event itself, and before the others.
const MARKS: (&str, &str) = ("> ", "  ");

const EXAMPLES: &str = "\
Examples:
  trawl search 'level:fatal' -n 1 -o ndjson | trawl context -
  trawl search 'level:fatal' -n 1 -o ndjson | trawl context - -B 20 -A 5 --fields service,host
  trawl context '{\"timestamp\":\"2026-03-02T10:00:57.37Z\",\"service\":\"auth\",\"message\":\"…\"}' -C 3 --query 'level:>=warn'

The event is given as a search gives it with -o ndjson. Its neighbours are of the same service, host, pod, container
and file, as far as the event names them; --fields says otherwise, and --fields '' takes all there are.
The event is marked with >. With ndjson and csv nothing is marked.";

/// Around which event to look, and how far.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct ContextArgs {
    /// The event as JSON; - reads it from stdin, the first one there.
    #[arg(value_name = "EVENT")]
    pub event: String,
    /// Events before it.
    #[arg(short = 'B', long, value_name = "N", default_value_t = 10)]
    pub before: usize,
    /// Events after it.
    #[arg(short = 'A', long, value_name = "N", default_value_t = 10)]
    pub after: usize,
    /// Events on either side.
    #[arg(short = 'C', long, value_name = "N", conflicts_with_all = ["before", "after"])]
    pub context: Option<usize>,
    /// Fields in which its neighbours agree with it.
    #[arg(long, value_name = "FIELD,…", value_delimiter = ',')]
    pub fields: Option<Vec<String>>,
    /// Only neighbours that match.
    #[arg(long, value_name = "QUERY", default_value = "", hide_default_value = true, allow_hyphen_values = true)]
    pub query: String,
    /// The form of events.
    #[arg(short, long, value_name = "FORM", value_enum, default_value = "table")]
    pub output: Format,
    /// No word on stderr of what the neighbours have in common.
    #[arg(short, long)]
    pub quiet: bool,
}

/// Finds the neighbours and prints them in the order of time.
pub fn run(client: &Client, args: &ContextArgs) -> anyhow::Result<ExitCode> {
    let own = match args.event.as_str() {
        "-" => first_event(io::stdin().lock()).context("stdin")?,
        event => first_event(event.as_bytes())?,
    };
    let (before, after) = args.context.map_or((args.before, args.after), |context| (context, context));
    let fields = args.fields.clone().map(|fields| fields.into_iter().filter(|field| !field.is_empty()).collect());
    let request = ContextRequest {
        event: own.clone(),
        fields,
        query: args.query.clone(),
        // The event itself is among those after it.
        limit: Some(before.max(after).saturating_add(1) as u64),
    };
    let context = client.context(&request).map_err(|error| explain(error, &args.query))?;
    let mut sides = Sides::new(own, before, after);
    let mut missing = side(client, &context.before.id, |events| sides.add_before(events))?;
    missing.extend(side(client, &context.after.id, |events| sides.add_after(events))?);
    let arranged = sides.arrange();

    let mut printer = Printer::stdout(args.output, None);
    for (place, event) in arranged.events.iter().enumerate() {
        printer.marked(if place == arranged.own { MARKS.0 } else { MARKS.1 }, event)?;
    }
    printer.flush()?;
    if !arranged.is_found {
        let warning = style::WARNING;
        anstream::eprintln!(
            "{warning}not found:{warning:#} no event there is the one that was given; it is shown as it was given"
        );
    }
    if !args.quiet {
        anstream::eprintln!("{}", in_common(&context.fields));
    }
    if missing.is_empty() {
        return Ok(ExitCode::SUCCESS);
    }
    warn_of_missing(&missing);
    Ok(ExitCode::from(EXIT_FAILED))
}

fn in_common(fields: &[String]) -> String {
    match fields {
        [] => "neighbours among all events".to_owned(),
        fields => format!("neighbours with the same {}", fields.join(", ")),
    }
}

/// The first JSON value of a text, which is to be an object.
fn first_event(mut text: impl Read) -> anyhow::Result<Box<RawValue>> {
    let mut bytes = Vec::new();
    text.read_to_end(&mut bytes)?;
    let mut values = serde_json::Deserializer::from_slice(&bytes).into_iter::<Box<RawValue>>();
    match values.next() {
        Some(Ok(event)) if event.get().starts_with('{') => Ok(event),
        Some(Err(error)) => bail!("the event is no JSON: {error}"),
        Some(Ok(_)) => bail!("an event is a JSON object, as `trawl search -o ndjson` prints it"),
        None => bail!("there is no event: expected a JSON object, as `trawl search -o ndjson` prints it"),
    }
}

/// Reads a search until `add` has enough. Gives what could not be read.
fn side(
    client: &Client,
    id: &str,
    mut add: impl FnMut(Vec<Box<RawValue>>) -> bool,
) -> anyhow::Result<Vec<serde_json::Value>> {
    let following = Following { past_limit: true, ..Following::default() };
    let mut missing = Vec::new();
    let followed = following.run(client, id, |page, _| {
        missing = std::mem::take(&mut page.missing);
        if add(std::mem::take(&mut page.events)) { Err(Enough.into()) } else { Ok(()) }
    });
    match followed {
        Ok(last) if matches!(last.status, SearchStatus::Failed | SearchStatus::Cancelled) => bail!("{}", ending(&last)),
        Ok(_) => {}
        // What nobody wants any more may end; if this fails, it ends later.
        Err(error) if error.is::<Enough>() => drop(client.cancel(id)),
        Err(error) => return Err(error),
    }
    Ok(missing)
}

/// As many neighbours were found as were asked for.
#[derive(Debug, thiserror::Error)]
#[error("enough events were found")]
struct Enough;

/// The neighbours, as the two searches give them.
struct Sides {
    own: Box<RawValue>,
    time: Option<Timestamp>,
    most: (usize, usize),
    /// Newest first.
    before: Vec<Box<RawValue>>,
    /// Oldest first, the event among them.
    after: Vec<Box<RawValue>>,
}

/// All of it in the order of time.
struct Arranged {
    events: Vec<Box<RawValue>>,
    /// The place of the event itself.
    own: usize,
    /// Whether it was among what the searches gave.
    is_found: bool,
}

impl Sides {
    fn new(own: Box<RawValue>, before: usize, after: usize) -> Self {
        let time = timestamp(&own);
        Self { own, time, most: (before, after), before: Vec::new(), after: Vec::new() }
    }

    /// Adds what is before; says whether that is enough.
    fn add_before(&mut self, events: Vec<Box<RawValue>>) -> bool {
        self.before.extend(events);
        self.before.len() >= self.most.0
    }

    /// Adds what is at its time and later; says whether the event is there with enough behind it, or is not there.
    fn add_after(&mut self, events: Vec<Box<RawValue>>) -> bool {
        self.after.extend(events);
        let later = self.after.iter().filter(|event| timestamp(event) > self.time).count();
        match self.place() {
            Some(place) => self.after.len() > place + self.most.1,
            None => later > self.most.1,
        }
    }

    /// Where the event is among those after: the same in every field, or, as after a `fields` pipe, with all fields
    /// of the one that was given.
    fn place(&self) -> Option<usize> {
        let own = fingerprint(&self.own);
        let parts: Vec<u128> = leaves(&self.own).iter().map(leaf_fingerprint).collect();
        let has_all = |event: &RawValue| {
            let found: Vec<u128> = leaves(event).iter().map(leaf_fingerprint).collect();
            parts.iter().all(|part| found.contains(part))
        };
        let candidates = || self.after.iter().take_while(|event| timestamp(event) <= self.time);
        candidates()
            .position(|event| fingerprint(event) == own)
            .or_else(|| candidates().position(|event| has_all(event)))
    }

    fn arrange(mut self) -> Arranged {
        let place = self.place();
        let is_found = place.is_some();
        // Without it, what has its time is taken for before it.
        let place = place.unwrap_or_else(|| {
            let place = self.after.iter().take_while(|event| timestamp(event) <= self.time).count();
            self.after.insert(place, self.own.clone());
            place
        });
        let (before, after) = self.most;
        let earlier_wanted = before.saturating_sub(place).min(self.before.len());
        let first = place.saturating_sub(before);
        let mut events: Vec<_> = self.before.drain(..earlier_wanted).rev().collect();
        let own = events.len() + place - first;
        let last = place.saturating_add(after).saturating_add(1).min(self.after.len());
        events.extend(self.after.drain(first..last));
        Arranged { events, own, is_found }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(second: u32, n: u32) -> Box<RawValue> {
        serde_json::from_str(&format!(r#"{{"timestamp":"2026-03-02T10:00:{second:02}Z","n":{n}}}"#)).unwrap()
    }

    /// The numbers of the events in order, and the place of the event itself.
    fn arranged(
        own: Box<RawValue>,
        most: (usize, usize),
        before: &[(u32, u32)],
        after: &[(u32, u32)],
    ) -> (Vec<u64>, usize, bool) {
        let mut sides = Sides::new(own, most.0, most.1);
        sides.add_before(before.iter().map(|(second, n)| event(*second, *n)).collect());
        sides.add_after(after.iter().map(|(second, n)| event(*second, *n)).collect());
        let Arranged { events, own, is_found } = sides.arrange();
        let number = |event: &RawValue| {
            let event: serde_json::Value = serde_json::from_str(event.get()).unwrap();
            event["n"].as_u64().unwrap()
        };
        (events.iter().map(|event| number(event)).collect(), own, is_found)
    }

    #[test]
    fn events_are_in_the_order_of_time_around_their_own() {
        let (before, after) = ([(4, 3), (3, 2), (2, 1)], [(5, 4), (6, 5), (7, 6)]);
        assert_eq!(arranged(event(5, 4), (2, 1), &before, &after), (vec![2, 3, 4, 5], 2, true));
        assert_eq!(arranged(event(5, 4), (9, 9), &before, &after), (vec![1, 2, 3, 4, 5, 6], 3, true));
        assert_eq!(arranged(event(5, 4), (0, 0), &before, &after), (vec![4], 0, true));
    }

    #[test]
    fn events_of_the_same_time_count_as_before_or_after() {
        let after = [(5, 10), (5, 11), (5, 12), (6, 13)];
        assert_eq!(arranged(event(5, 11), (2, 1), &[(4, 9), (4, 8)], &after), (vec![9, 10, 11, 12], 2, true));
        assert_eq!(arranged(event(5, 12), (1, 1), &[(4, 9)], &after), (vec![11, 12, 13], 1, true));
    }

    #[test]
    fn an_event_with_fewer_fields_is_found_and_one_that_is_nowhere_is_shown() {
        let own: Box<RawValue> = serde_json::from_str(r#"{"timestamp":"2026-03-02T10:00:05Z"}"#).unwrap();
        assert_eq!(arranged(own, (1, 1), &[(4, 1)], &[(5, 2), (6, 3)]), (vec![1, 2, 3], 1, true));
        assert_eq!(arranged(event(5, 99), (2, 1), &[(4, 1)], &[(5, 2), (6, 3)]), (vec![1, 2, 99, 3], 2, false));
    }

    #[test]
    fn it_looks_until_there_is_enough_behind_the_event() {
        let mut sides = Sides::new(event(5, 2), 1, 2);
        assert!(!sides.add_after(vec![event(5, 1), event(5, 2), event(6, 3)]));
        assert!(sides.add_after(vec![event(6, 4)]));
        let mut sides = Sides::new(event(5, 99), 1, 1);
        assert!(!sides.add_after(vec![event(5, 1), event(6, 2)]));
        assert!(sides.add_after(vec![event(7, 3)]), "the event is not there");
    }

    #[test]
    fn the_first_event_of_a_text_is_taken() {
        assert_eq!(first_event(&b" {\"a\": 1}\n{\"b\":2}"[..]).unwrap().get(), "{\"a\": 1}");
        for wrong in ["", "[1]", "{", "text"] {
            assert!(first_event(wrong.as_bytes()).is_err(), "{wrong}");
        }
    }
}
