//! Comma-separated values (RFC 4180): a header, CRLF after each record, quotes where needed.

use std::borrow::Cow;
use std::io::{self, Write};

use serde_json::value::RawValue;
use trawl_client::Aggregates;

use super::event::{Leaf, leaves};
use super::harmless::cell;
use super::json;

/// The column for fields that the header does not have, as a JSON object.
pub const REST: &str = "_rest";

/// Writes events as records, page after page.
///
/// The header names the fields of the query's `fields` pipe; without one, the fields of the first page in
/// the order in which they appear, and [`REST`], where fields that only later pages bring are put.
pub struct EventCsv {
    columns: Option<Vec<String>>,
    with_rest: bool,
    header_written: bool,
}

impl EventCsv {
    /// With these columns, or with those of the first page.
    pub fn new(columns: Option<Vec<String>>) -> Self {
        Self { with_rest: columns.is_none(), columns, header_written: false }
    }

    /// Goes on with a file that has these columns already.
    pub fn going_on(columns: Vec<String>, with_rest: bool) -> Self {
        Self { columns: Some(columns), with_rest, header_written: true }
    }

    /// The columns, once the header is written.
    pub fn written_columns(&self) -> Option<Vec<String>> {
        self.columns.clone().filter(|_| self.header_written)
    }

    /// Writes a page.
    pub fn write(&mut self, events: &[Box<RawValue>], out: &mut dyn Write) -> io::Result<()> {
        if events.is_empty() {
            return Ok(());
        }
        let rows: Vec<Vec<Leaf<'_>>> = events.iter().map(|event| leaves(event)).collect();
        let columns = self.columns.get_or_insert_with(|| paths(&rows));
        if !self.header_written {
            let rest = self.with_rest.then_some(REST);
            record(columns.iter().map(|name| cell(name.into())).chain(rest.map(Cow::Borrowed)), out)?;
            self.header_written = true;
        }
        for row in &rows {
            let cells = columns.iter().map(|column| {
                row.iter().find(|leaf| leaf.path == *column).map(|leaf| shown(leaf.value)).unwrap_or_default()
            });
            let rest = self.with_rest.then(|| rest_of(row, columns).into());
            record(cells.chain(rest), out)?;
        }
        Ok(())
    }
}

/// All paths of some events, in order of appearance.
fn paths(rows: &[Vec<Leaf<'_>>]) -> Vec<String> {
    let mut seen = std::collections::HashSet::new();
    let all = rows.iter().flatten().map(|leaf| &leaf.path);
    all.filter(|path| seen.insert(path.as_str())).cloned().collect()
}

/// The fields that have no column, as a JSON object with dotted names; nothing if there are none.
fn rest_of(row: &[Leaf<'_>], columns: &[String]) -> String {
    let others = row.iter().filter(|leaf| !columns.contains(&leaf.path));
    let members: Vec<String> = others
        .map(|leaf| format!("{}:{}", serde_json::Value::from(leaf.path.as_str()), json::one_line(leaf.value.get())))
        .collect();
    if members.is_empty() { String::new() } else { format!("{{{}}}", members.join(",")) }
}

/// Writes the table of an aggregate.
pub fn aggregates(aggregates: &Aggregates, out: &mut dyn Write) -> io::Result<()> {
    record(aggregates.columns.iter().map(|name| cell(name.into())), out)?;
    aggregates.rows.iter().try_for_each(|row| record(row.iter().map(|value| shown(value)), out))
}

/// A value as a cell: a text that a spreadsheet would take for a formula is told apart, a number is a number.
fn shown(value: &RawValue) -> Cow<'_, str> {
    let text = json::plain(value);
    if value.get().starts_with('"') { cell(text) } else { text }
}

/// Writes one record. A single empty cell is quoted: RFC 4180 has no other way to tell it from no record.
fn record(cells: impl IntoIterator<Item = impl AsRef<str>>, out: &mut dyn Write) -> io::Result<()> {
    let mut line = String::new();
    let mut count = 0;
    for cell in cells {
        if count > 0 {
            line.push(',');
        }
        quote(cell.as_ref(), &mut line);
        count += 1;
    }
    if count == 1 && line.is_empty() {
        line.push_str("\"\"");
    }
    line.push_str("\r\n");
    out.write_all(line.as_bytes())
}

fn quote(cell: &str, line: &mut String) {
    if cell.contains([',', '"', '\r', '\n']) {
        line.push('"');
        line.push_str(&cell.replace('"', "\"\""));
        line.push('"');
    } else {
        line.push_str(cell);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn raws(events: &[&str]) -> Vec<Box<RawValue>> {
        events.iter().map(|event| serde_json::from_str(event).unwrap()).collect()
    }

    /// An independent reader of RFC 4180.
    fn read(text: &str) -> Vec<Vec<String>> {
        let (mut records, mut record, mut cell) = (Vec::new(), Vec::new(), String::new());
        let mut characters = text.chars().peekable();
        while let Some(character) = characters.next() {
            match character {
                '"' => loop {
                    match characters.next().unwrap() {
                        '"' if characters.peek() == Some(&'"') => cell.push(characters.next().unwrap()),
                        '"' => break,
                        other => cell.push(other),
                    }
                },
                ',' => record.push(std::mem::take(&mut cell)),
                '\r' => {
                    assert_eq!(characters.next(), Some('\n'));
                    record.push(std::mem::take(&mut cell));
                    records.push(std::mem::take(&mut record));
                }
                other => cell.push(other),
            }
        }
        assert!(record.is_empty() && cell.is_empty());
        records
    }

    #[test]
    fn later_fields_go_to_the_last_column() {
        let mut csv = EventCsv::new(None);
        let mut out = Vec::new();
        csv.write(&[], &mut out).unwrap();
        csv.write(&raws(&[r#"{"a":1,"b":{"c":"x,\"y\""}}"#, r#"{"d":null,"a":[1, 2]}"#]), &mut out).unwrap();
        csv.write(&raws(&[r#"{"a":"l1\nl2","e":{"f":1.0}}"#]), &mut out).unwrap();
        let text = String::from_utf8(out).unwrap();
        assert_eq!(
            text,
            "a,b.c,d,_rest\r\n1,\"x,\"\"y\"\"\",,\r\n\"[1, 2]\",,,\r\n\"l1\nl2\",,,\"{\"\"e.f\"\":1.0}\"\r\n"
        );
    }

    #[test]
    fn named_fields_are_the_columns() {
        let mut csv = EventCsv::new(Some(vec!["b".into(), "a".into()]));
        let mut out = Vec::new();
        csv.write(&raws(&[r#"{"a":1}"#]), &mut out).unwrap();
        assert_eq!(out, b"b,a\r\n,1\r\n");
    }

    #[test]
    fn no_cell_is_a_formula() {
        let mut csv = EventCsv::new(None);
        let mut out = Vec::new();
        csv.write(&raws(&[r#"{"=name":"=cmd|' /C calc'!A0","n":-5,"t":"\t=1"}"#]), &mut out).unwrap();
        assert_eq!(out, b"'=name,n,t,_rest\r\n'=cmd|' /C calc'!A0,-5,'\t=1,\r\n");
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_again(
            rows in proptest::collection::vec(proptest::collection::vec("[a\",\r\n é]{0,6}", 3), 0..5),
            single in "[a\"\r\n]{0,3}",
        ) {
            let mut out = Vec::new();
            for row in &rows {
                record(row, &mut out).unwrap();
            }
            record([&single], &mut out).unwrap();
            let mut expected = rows.clone();
            expected.push(vec![single]);
            prop_assert_eq!(read(&String::from_utf8(out).unwrap()), expected);
        }
    }
}
