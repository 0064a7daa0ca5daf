//! Events and tables for reading: aligned, coloured, with what was searched for marked.

use std::fmt::Write as _;
use std::io::{self, Write};
use std::ops::Range;

use anstyle::Style;
use serde_json::value::RawValue;
use trawl_client::Aggregates;
use trawl_event::Level;
use trawl_query::Highlight;

use super::event::{Leaf, Part, leaves};
use super::harmless::{Clean, clean};
use super::{json, style};

/// Widest column that is kept aligned, in characters; longer cells push the rest of their line aside.
const MAX_ALIGNED_CHARS: usize = 24;
/// Width of most levels' names.
const LEVEL_CHARS: usize = 5;
/// What the further lines of a message begin with.
const CONTINUATION: &str = "\n    ";

/// Writes events, one after another: time, level, service, message, then the other fields as `name=value`.
pub struct EventTable {
    highlights: Vec<Highlight>,
    service_chars: usize,
}

impl EventTable {
    /// Marks what `highlights` find.
    pub fn new(highlights: Vec<Highlight>) -> Self {
        Self { highlights, service_chars: 0 }
    }

    /// Writes one event.
    pub fn write(&mut self, event: &RawValue, out: &mut dyn Write) -> io::Result<()> {
        let mut fields = leaves(event);
        let mut line = String::new();
        if let Some(time) = Part::Timestamp.take(&mut fields) {
            self.cell(&mut line, Part::Timestamp.names()[0], &time, style::DIM, 0);
        }
        if let Some(level) = Part::Level.take(&mut fields) {
            let rank = Level::of_text(&json::plain(level.value));
            self.cell(&mut line, Part::Level.names()[0], &level, style::level(rank), LEVEL_CHARS);
        }
        if let Some(service) = Part::Service.take(&mut fields) {
            let chars = json::plain(service.value).chars().count();
            self.service_chars = self.service_chars.max(chars.min(MAX_ALIGNED_CHARS));
            self.cell(&mut line, Part::Service.names()[0], &service, style::SERVICE, self.service_chars);
        }
        if let Some(message) = Part::Message.take(&mut fields) {
            self.cell(&mut line, Part::Message.names()[0], &message, Style::new(), 0);
        }
        for field in &fields {
            let dim = style::DIM;
            let _ = write!(line, "{dim}{}={dim:#}", Clean(&field.path));
            self.value(&mut line, field);
            line.push(' ');
        }
        writeln!(out, "{}", line.trim_end())
    }

    /// Appends the text of a part, padded, and a space.
    fn cell(&self, line: &mut String, name: &str, field: &Leaf<'_>, base: Style, chars: usize) {
        let text = json::plain(field.value);
        self.paint(line, &[name, &field.path], &text, base, CONTINUATION);
        let pad = chars.saturating_sub(text.chars().count());
        line.extend(std::iter::repeat_n(' ', pad + 1));
    }

    /// Appends a value, quoted if it would not read as one word.
    fn value(&self, line: &mut String, field: &Leaf<'_>) {
        let text = json::plain(field.value);
        let is_string = field.value.get().starts_with('"');
        let quoted = is_string && (text.is_empty() || text.contains([' ', '"', '=', '\n', '\t']));
        let quote = if quoted { "\"" } else { "" };
        line.push_str(quote);
        if field.value.get() == "null" {
            line.push_str("null");
        }
        self.paint(line, &[&field.path], &text, Style::new(), "\\n");
        line.push_str(quote);
    }

    /// Appends `text` in `base` style with matches marked. `names` are those the field may have in the query.
    fn paint(&self, line: &mut String, names: &[&str], text: &str, base: Style, line_break: &str) {
        let mut at = 0;
        for marked in self.matches(names, text) {
            append(line, &text[at..marked.start], base, line_break);
            append(line, &text[marked.clone()], style::MATCH, line_break);
            at = marked.end;
        }
        append(line, &text[at..], base, line_break);
    }

    /// What is to be marked, ascending and apart.
    fn matches(&self, names: &[&str], text: &str) -> Vec<Range<usize>> {
        let concerns = |highlight: &&Highlight| highlight.field.as_deref().is_none_or(|field| names.contains(&field));
        let mut ranges: Vec<_> =
            self.highlights.iter().filter(concerns).flat_map(|highlight| highlight.ranges(text)).collect();
        ranges.sort_by_key(|range| range.start);
        let mut merged: Vec<Range<usize>> = Vec::with_capacity(ranges.len());
        for range in ranges {
            match merged.last_mut() {
                Some(last) if range.start <= last.end => last.end = last.end.max(range.end),
                _ => merged.push(range),
            }
        }
        // A range that splits a character could not be shown; none is expected.
        merged.retain(|range| !range.is_empty() && text.get(range.clone()).is_some());
        merged
    }
}

fn append(line: &mut String, text: &str, style: Style, line_break: &str) {
    if text.is_empty() {
        return;
    }
    let _ = write!(line, "{style}");
    for (place, part) in text.split('\n').enumerate() {
        if place > 0 {
            line.push_str(line_break);
        }
        let _ = write!(line, "{}", Clean(part));
    }
    let _ = write!(line, "{style:#}");
}

/// Writes the table of an aggregate: columns as wide as their cells, numbers to the right.
pub fn aggregates(aggregates: &Aggregates, out: &mut dyn Write) -> io::Result<()> {
    let rows: Vec<Vec<String>> = aggregates
        .rows
        .iter()
        .map(|row| row.iter().map(|cell| Clean(&json::plain(cell)).to_string()).collect())
        .collect();
    let names: Vec<String> = aggregates.columns.iter().map(|name| clean(name)).collect();
    let columns = names.iter().enumerate().map(|(place, name)| {
        let cells = rows.iter().filter_map(|row| row.get(place));
        let chars = cells.map(|cell| cell.chars().count()).chain([name.chars().count()]).max().unwrap_or_default();
        let numeric = aggregates.rows.iter().filter_map(|row| row.get(place)).all(|cell| is_number_or_null(cell));
        (chars, numeric && !rows.is_empty())
    });
    let columns: Vec<(usize, bool)> = columns.collect();
    let heading = style::HEADING;
    write!(out, "{heading}")?;
    row(&names, &columns, out)?;
    write!(out, "{heading:#}")?;
    rows.iter().try_for_each(|cells| row(cells, &columns, out))
}

fn row(cells: &[String], columns: &[(usize, bool)], out: &mut dyn Write) -> io::Result<()> {
    let mut line = String::new();
    for (cell, (chars, to_the_right)) in cells.iter().zip(columns) {
        let pad = " ".repeat(chars - cell.chars().count().min(*chars));
        let (before, after) = if *to_the_right { (pad.as_str(), "") } else { ("", pad.as_str()) };
        line.push_str(&format!("{before}{cell}{after}  "));
    }
    writeln!(out, "{}", line.trim_end())
}

fn is_number_or_null(cell: &RawValue) -> bool {
    matches!(cell.get().as_bytes().first(), Some(b'-' | b'0'..=b'9' | b'n'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn raw(json: &str) -> Box<RawValue> {
        serde_json::from_str(json).unwrap()
    }

    fn lines(events: &[&str]) -> String {
        let mut table = EventTable::new(Vec::new());
        let mut out = Vec::new();
        for event in events {
            table.write(&raw(event), &mut out).unwrap();
        }
        anstream::adapter::strip_str(&String::from_utf8(out).unwrap()).to_string()
    }

    #[test]
    fn events_are_shown_by_their_parts() {
        let text = lines(&[
            r#"{"a":{"n":1.50,"s":"two words","e":"","z":null},"message":"done","level":"INFO","timestamp":"2026-03-02T10:00:00Z","service":"checkout"}"#,
            r#"{"ts":1700000000,"lvl":"warn","service":"web","msg":"first\nsecond"}"#,
        ]);
        let expected = "2026-03-02T10:00:00Z INFO  checkout done a.n=1.50 a.s=\"two words\" a.e=\"\" a.z=null\n\
                        1700000000 warn  web      first\n    second\n";
        assert_eq!(text, expected);
    }

    #[test]
    fn control_characters_do_not_reach_the_terminal() {
        let mut out = Vec::new();
        EventTable::new(Vec::new())
            .write(&raw(r#"{"message":"\u001b[2Jx\u0007","k\u001b":"\u009b1"}"#), &mut out)
            .unwrap();
        let text = String::from_utf8(out).unwrap();
        let text = anstream::adapter::strip_str(&text).to_string();
        assert_eq!(text, "\\u{1b}[2Jx\\u{7} k\\u{1b}=\\u{9b}1\n");
    }

    #[test]
    fn tables_are_aligned() {
        let table = Aggregates {
            columns: vec!["service".into(), "count()".into()],
            rows: vec![vec![raw(r#""checkout é""#), raw("12")], vec![raw("null"), raw("1.5")]],
        };
        let mut out = Vec::new();
        aggregates(&table, &mut out).unwrap();
        let text = anstream::adapter::strip_str(&String::from_utf8(out).unwrap()).to_string();
        assert_eq!(text, "service     count()\ncheckout é       12\n                1.5\n");
    }
}
