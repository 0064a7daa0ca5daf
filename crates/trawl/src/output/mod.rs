//! Events and tables as text for people and programs.
//!
//! * [`table`]: aligned and coloured, for reading
//! * NDJSON: each event as the server gives it, one per line
//! * [`csv`]: RFC 4180
//! * [`histogram`], [`facets`]: counts as drawings, of [`bars`], for a [`screen`]
//! * [`event`]: the parts of an event, in the order and spelling in which they were sent
//! * [`json`]: JSON text, handled as text; [`harmless`]: text that steers no terminal and no spreadsheet

pub mod bars;
pub mod csv;
pub mod event;
pub mod facets;
pub mod harmless;
pub mod histogram;
pub mod json;
pub mod screen;
pub mod style;
pub mod table;

use std::io::{self, BufWriter, IsTerminal, Write};

use clap::ValueEnum;
use serde_json::value::RawValue;
use trawl_client::Aggregates;
use trawl_query::{Output, Query};

/// The form of results.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For reading: time, level, service, message, then the other fields.
    Table,
    /// Each event as it was sent, or each row as an object; one per line.
    Ndjson,
    /// Comma-separated values with a header (RFC 4180).
    Csv,
}

/// Writes results in one form.
pub struct Printer {
    out: Box<dyn Write + Send>,
    form: Form,
    /// Whether results were written.
    is_begun: bool,
    /// Whether a terminal shows them.
    is_shown: bool,
}

enum Form {
    Table(table::EventTable),
    Ndjson,
    Csv(csv::EventCsv),
}

impl Printer {
    /// Writes to stdout. `query` tells what to mark and which columns there are; `None` if it could not be read here.
    pub fn stdout(format: Format, query: Option<&Query>) -> Self {
        match format {
            // Colours are dropped where stdout is no terminal.
            Format::Table => Self::new(format, query, anstream::stdout()),
            Format::Ndjson | Format::Csv => {
                Self { is_shown: io::stdout().is_terminal(), ..Self::new(format, query, io::stdout()) }
            }
        }
    }

    /// Writes to `out`.
    pub fn new(format: Format, query: Option<&Query>, out: impl Write + Send + 'static) -> Self {
        let form = match format {
            Format::Table => Form::Table(table::EventTable::new(query.map(Query::highlights).unwrap_or_default())),
            Format::Ndjson => Form::Ndjson,
            Format::Csv => Form::Csv(csv::EventCsv::new(query.and_then(named_fields))),
        };
        Self { out: Box::new(BufWriter::new(out)), form, is_begun: false, is_shown: false }
    }

    /// Writes events and flushes, so that they are seen as they are found.
    pub fn events(&mut self, events: &[Box<RawValue>]) -> io::Result<()> {
        self.is_begun |= !events.is_empty();
        let out = &mut *self.out;
        match &mut self.form {
            Form::Table(table) => events.iter().try_for_each(|event| table.write(event, out))?,
            Form::Ndjson => events.iter().try_for_each(|event| line(event, self.is_shown, out))?,
            Form::Csv(csv) if self.is_shown => {
                let mut text = Vec::new();
                csv.write(events, &mut text)?;
                out.write_all(harmless::clean_lines(&String::from_utf8_lossy(&text)).as_bytes())?;
            }
            Form::Csv(csv) => csv.write(events, out)?,
        }
        self.out.flush()
    }

    /// Writes one event behind a mark that tells it from the others; programs get the event alone.
    pub fn marked(&mut self, mark: &str, event: &RawValue) -> io::Result<()> {
        let out = &mut *self.out;
        match &mut self.form {
            Form::Table(table) => {
                write!(out, "{mark}")?;
                table.write(event, out)
            }
            Form::Ndjson => line(event, self.is_shown, out),
            Form::Csv(csv) => csv.write(&[event.to_owned()], out),
        }
    }

    /// Writes a drawing, apart from what stands above it, and flushes.
    pub fn drawing(&mut self, drawing: &str) -> io::Result<()> {
        write!(self.out, "{}{drawing}", if self.is_begun { "\n" } else { "" })?;
        self.out.flush()
    }

    /// Writes what is still held back.
    pub fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }

    /// Writes the table of an aggregate and flushes.
    pub fn aggregates(&mut self, aggregates: &Aggregates) -> io::Result<()> {
        self.is_begun = true;
        let out = &mut *self.out;
        match &self.form {
            Form::Table(_) => table::aggregates(aggregates, out)?,
            Form::Ndjson => rows_as_objects(aggregates, out)?,
            Form::Csv(_) => csv::aggregates(aggregates, out)?,
        }
        self.out.flush()
    }
}

/// Writes an event in a line; on a terminal, characters that would steer it are spelled as JSON has them, too.
fn line(event: &RawValue, is_shown: bool, out: &mut dyn Write) -> io::Result<()> {
    let line = json::one_line(event.get());
    match is_shown {
        true => writeln!(out, "{}", harmless::json(&line)),
        false => writeln!(out, "{line}"),
    }
}

/// The columns that a `fields` pipe asks for.
pub fn named_fields(query: &Query) -> Option<Vec<String>> {
    match query.output() {
        Output::Events { fields, .. } => fields,
        Output::Table => None,
    }
}

fn rows_as_objects(aggregates: &Aggregates, out: &mut dyn Write) -> io::Result<()> {
    for row in &aggregates.rows {
        for (place, (column, cell)) in aggregates.columns.iter().zip(row).enumerate() {
            let lead = if place == 0 { '{' } else { ',' };
            write!(out, "{lead}{}:{}", serde_json::to_string(column)?, json::one_line(cell.get()))?;
        }
        writeln!(out, "{}", if row.is_empty() { "{}" } else { "}" })?;
    }
    Ok(())
}
