//! Events as the bytes of a file.

use std::path::Path;

use clap::ValueEnum;
use serde::Serialize;
use serde_json::value::RawValue;

use crate::output::csv::EventCsv;
use crate::output::json;

/// The form of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum FileForm {
    /// Each event as it was sent, one per line.
    Ndjson,
    /// Comma-separated values with a header (RFC 4180).
    Csv,
    /// As Trawl stores it; any reader of Parquet reads it.
    Parquet,
}

impl FileForm {
    /// What the end of a name tells.
    pub fn of_name(path: &Path) -> Option<Self> {
        match path.extension()?.to_str()?.to_ascii_lowercase().as_str() {
            "ndjson" | "jsonl" | "json" => Some(Self::Ndjson),
            "csv" => Some(Self::Csv),
            "parquet" => Some(Self::Parquet),
            _ => None,
        }
    }
}

/// Turns pages into bytes. Parquet is collected as lines, too.
pub struct Writer {
    form: Form,
    /// The columns that the query names.
    named: Option<Vec<String>>,
}

enum Form {
    Lines,
    Csv(EventCsv),
}

impl Writer {
    /// `named` are the columns that the query names; `columns` those of a file that is gone on with.
    pub fn new(form: FileForm, named: Option<Vec<String>>, columns: Option<Vec<String>>) -> Self {
        let form = match form {
            FileForm::Ndjson | FileForm::Parquet => Form::Lines,
            FileForm::Csv => Form::Csv(match columns {
                Some(columns) => EventCsv::going_on(columns, named.is_none()),
                None => EventCsv::new(named.clone()),
            }),
        };
        Self { form, named }
    }

    /// Begins again with an empty file.
    pub fn restart(&mut self) {
        if let Form::Csv(csv) = &mut self.form {
            *csv = EventCsv::new(self.named.clone());
        }
    }

    /// The bytes of a page.
    pub fn page(&mut self, events: &[Box<RawValue>]) -> std::io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        match &mut self.form {
            Form::Lines => {
                for event in events {
                    bytes.extend_from_slice(json::one_line(event.get()).as_bytes());
                    bytes.push(b'\n');
                }
            }
            Form::Csv(csv) => csv.write(events, &mut bytes)?,
        }
        Ok(bytes)
    }

    /// The columns of a file that was begun: what it needs to be gone on with.
    pub fn columns(&self) -> Option<Vec<String>> {
        match &self.form {
            Form::Lines => None,
            Form::Csv(csv) => csv.written_columns(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn events(texts: &[&str]) -> Vec<Box<RawValue>> {
        texts.iter().map(|text| serde_json::from_str(text).unwrap()).collect()
    }

    #[test]
    fn names_tell_the_form() {
        for (name, form) in [
            ("a.ndjson", Some(FileForm::Ndjson)),
            ("b.CSV", Some(FileForm::Csv)),
            ("x/c.d.parquet", Some(FileForm::Parquet)),
            ("d.txt", None),
            ("csv", None),
        ] {
            assert_eq!(FileForm::of_name(Path::new(name)), form, "{name}");
        }
    }

    #[test]
    fn a_csv_that_is_gone_on_with_keeps_its_columns() {
        let mut first = Writer::new(FileForm::Csv, None, None);
        assert_eq!(first.columns(), None);
        assert_eq!(first.page(&events(&[r#"{"a":1,"b":2}"#])).unwrap(), b"a,b,_rest\r\n1,2,\r\n");
        let mut second = Writer::new(FileForm::Csv, None, first.columns());
        assert_eq!(second.page(&events(&[r#"{"b":3,"c":4}"#])).unwrap(), b",3,\"{\"\"c\"\":4}\"\r\n");
        second.restart();
        assert_eq!(second.page(&events(&[r#"{"c":4}"#])).unwrap(), b"c,_rest\r\n4,\r\n");
    }
}
