//! What is printed of a search: pages as they come, then a table, drawings and a summary.

use std::io;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use trawl_client::{Aggregates, FacetCounts, Histogram, SearchPage, SearchStatus};

use crate::output::screen::Screen;
use crate::output::{Format, Printer, facets, histogram};
use crate::units;

/// Shows pages as they come, and an aggregate when it is whole.
pub struct ResultPrinter {
    /// Where results go.
    pub printer: Printer,
    /// Events and rows so far.
    pub found: u64,
    began: Instant,
    /// When the first events were there.
    first: Option<Duration>,
    table: Option<Aggregates>,
}

impl ResultPrinter {
    /// For a search that began then.
    pub fn new(printer: Printer, began: Instant) -> Self {
        Self { printer, found: 0, began, first: None, table: None }
    }

    /// Takes an answer.
    pub fn page(&mut self, page: &mut SearchPage) -> anyhow::Result<()> {
        self.found += page.events.len() as u64;
        if !page.events.is_empty() {
            self.first.get_or_insert_with(|| self.began.elapsed());
            self.printer.events(&page.events)?;
        }
        // While the search runs, its table is not final.
        if page.status != SearchStatus::Running && page.aggregates.is_some() {
            self.table = page.aggregates.take();
        }
        Ok(())
    }

    /// Prints what has waited for the end.
    pub fn end(&mut self) -> anyhow::Result<()> {
        if let Some(table) = &self.table {
            self.found += table.rows.len() as u64;
            self.printer.aggregates(table)?;
        }
        Ok(())
    }
}

/// What was counted beside the events.
pub struct Counts<'p> {
    histogram: Option<&'p Histogram>,
    facets: &'p [FacetCounts],
    /// Matches that were counted.
    pub matches: u64,
}

impl<'p> Counts<'p> {
    /// As the last answer has it.
    pub fn of(last: &'p SearchPage) -> Self {
        let facets = last.facets.as_deref().unwrap_or_default();
        let is_asked = last.histogram.is_some() || !facets.is_empty();
        let matches = if is_asked { last.progress.events_matched } else { 0 };
        Self { histogram: last.histogram.as_ref(), facets, matches }
    }

    /// Draws it: behind a table, or on stderr beside results for programs.
    pub fn print(&self, format: Format, printer: &mut Printer) -> io::Result<()> {
        let draw = |screen: &Screen| {
            let mut drawings: Vec<String> =
                self.histogram.iter().map(|counts| histogram::draw(counts, screen)).collect();
            drawings.extend(self.facets.iter().map(|counts| facets::draw(counts, self.matches, screen)));
            drawings.join("\n")
        };
        match format {
            _ if self.histogram.is_none() && self.facets.is_empty() => {}
            Format::Table => printer.drawing(&draw(&Screen::stdout()))?,
            Format::Ndjson | Format::Csv => anstream::eprint!("{}", draw(&Screen::stderr())),
        }
        Ok(())
    }
}

/// A spinner on a terminal; nothing elsewhere, and for those who want quiet.
pub fn spinner(quiet: bool) -> ProgressBar {
    if quiet {
        return ProgressBar::hidden();
    }
    // Hidden by itself where stderr is no terminal.
    ProgressBar::new_spinner().with_style(ProgressStyle::default_spinner())
}

/// What a search has done so far.
pub fn progress_line(page: &SearchPage) -> String {
    let progress = &page.progress;
    let mut line = format!(
        "{}/{} tasks, {} read, {} matched",
        units::count(progress.tasks_done),
        units::count(progress.tasks_total),
        units::size(progress.bytes_read),
        units::count(progress.events_matched)
    );
    if progress.granules_total > 0 {
        let skipped = progress.granules_total.saturating_sub(progress.granules_read);
        let share = units::percent(skipped, progress.granules_total);
        line.push_str(&format!(", {share} of {} skipped", units::counted(progress.granules_total, "granule")));
    }
    line
}

/// What a search gave, and what it took.
pub fn summary(result: &ResultPrinter, elapsed: Duration, last: &SearchPage) -> String {
    let first = match result.first {
        Some(first) => format!(", the first after {:.2} s", first.as_secs_f64()),
        None => String::new(),
    };
    format!(
        "{} in {:.2} s{first} ({}, {} on AWS)",
        units::counted(result.found, "result"),
        elapsed.as_secs_f64(),
        progress_line(last),
        units::usd(last.cost.usd)
    )
}
