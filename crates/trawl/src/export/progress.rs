//! What an export tells its user while it runs and at its end, all of it on stderr.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use trawl_client::SearchPage;
use trawl_query::{Output, Query};

use super::part::State;
use crate::units;

/// The bar, on a terminal.
pub struct Progress {
    bar: ProgressBar,
    /// Most events that the query lets through.
    most: Option<u64>,
    /// When this run began, and with how much.
    began: Instant,
    bytes_before: u64,
    events_before: u64,
}

impl Progress {
    /// Begins, with a bar unless it is to be quiet.
    pub fn start(quiet: bool, query: Option<&Query>) -> Self {
        let most = match query.map(Query::output) {
            Some(Output::Events { limit: Some(limit), .. }) => Some(limit as u64),
            _ => None,
        };
        let bar =
            if quiet { ProgressBar::hidden() } else { ProgressBar::no_length().with_style(style("{spinner} {msg}")) };
        Self { bar, most, began: Instant::now(), bytes_before: 0, events_before: 0 }
    }

    /// Whether there is a bar to be seen.
    pub fn is_shown(&self) -> bool {
        !self.bar.is_hidden()
    }

    /// Whether the query lets only so many events through.
    pub fn is_limited(&self) -> bool {
        self.most.is_some()
    }

    /// The bar, to be cleared by whoever ends the process.
    pub fn bar(&self) -> ProgressBar {
        self.bar.clone()
    }

    /// What is there counts for no rate.
    pub fn resumed(&mut self, state: &State) {
        (self.bytes_before, self.events_before, self.began) = (state.bytes, state.events, Instant::now());
    }

    /// Shows how far it is. The total is known once all matches are counted.
    pub fn show(&self, state: &State, page: &SearchPage) {
        if !self.is_shown() {
            return;
        }
        let counted = page.histogram.as_ref().filter(|histogram| histogram.complete);
        if let Some(histogram) = counted.filter(|_| self.bar.length().is_none()) {
            let total: u64 = histogram.buckets.iter().map(|bucket| bucket.count).sum();
            self.bar.set_length(self.most.map_or(total, |most| most.min(total)));
            self.bar.set_style(style("{bar:30} {percent:>3}%  {msg}  {eta} left"));
        }
        self.bar.set_position(state.events);
        let seconds = self.began.elapsed().as_secs_f64();
        let rate = units::per_second(state.bytes - self.bytes_before, seconds);
        let events = units::counted(state.events, "event");
        self.bar.set_message(format!("{events}  {}  {}/s", units::size(state.bytes), units::size(rate)));
        self.bar.tick();
    }

    /// Shows how far the conversion is, which reads each event twice.
    pub fn converting(&self, events: u64, state: &State) {
        let share = units::percent(events, state.events * 2);
        self.bar.set_message(format!("{} as Parquet: {share}", units::counted(state.events, "event")));
        self.bar.tick();
    }

    /// Writes a line above the bar.
    pub fn say(&self, line: &str) {
        self.bar.suspend(|| anstream::eprintln!("{line}"));
    }

    /// Takes the bar away.
    pub fn end(&self) {
        self.bar.finish_and_clear();
    }

    /// What was exported.
    pub fn summary(&self, state: &State, files: &[PathBuf], elapsed: Duration) -> String {
        let events = units::counted(state.events, "event");
        let places: Vec<String> = files.iter().map(|file| file.display().to_string()).collect();
        let place = if places.is_empty() { "no file".to_owned() } else { places.join(", ") };
        let before = match self.events_before {
            0 => String::new(),
            before => format!(", {} of them before", units::count(before)),
        };
        let seconds = elapsed.as_secs_f64();
        let rate = units::per_second(state.bytes - self.bytes_before, seconds);
        format!(
            "exported {events}{before} ({}) to {place} in {seconds:.1} s: {}/s",
            units::size(state.bytes),
            units::size(rate)
        )
    }
}

fn style(template: &str) -> ProgressStyle {
    // The templates are constants of this file; a wrong one would show as the plain default bar.
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}
