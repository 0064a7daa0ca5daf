//! What each query should find, by `reference.py`.

use std::io::BufRead;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::Value;
use trawl_system::search::ALL;

use crate::logs::Logs;

/// A query of `queries.json`; what is not here is for the reference alone.
#[derive(Clone, Debug, Deserialize)]
pub struct Question {
    pub query: String,
    pub from: Option<String>,
    pub to: Option<String>,
    #[serde(default = "newest_first")]
    pub order: String,
    pub limit: Option<u64>,
    /// The field whose values tell whether the right events came first.
    pub order_by: Option<String>,
    pub first: Option<u64>,
    pub shown: Option<String>,
    pub table: Option<String>,
    /// How far numbers of a table may be off, as a part of the value; 0 asks for equal ones.
    #[serde(default)]
    pub tolerance: f64,
}

fn newest_first() -> String {
    "desc".to_owned()
}

impl Question {
    /// The limit to ask with.
    pub fn most(&self) -> u64 {
        match (self.limit, &self.order_by, self.query.contains("| sort")) {
            (Some(limit), _, _) => limit,
            // A sorted result is bounded; all that is asked for fits.
            (None, Some(_), true) => self.first.unwrap_or(ALL),
            _ => ALL,
        }
    }

    /// Whether it has no pipe and no bound, so that its matches can be counted.
    pub fn is_plain(&self) -> bool {
        self.table.is_none() && self.shown.is_none() && self.order_by.is_none()
    }
}

/// What the reference found.
#[derive(Debug, Deserialize)]
pub struct Answer {
    pub lines: Vec<usize>,
    pub keys: Option<Vec<Value>>,
    pub shown: Option<Vec<Value>>,
    pub rows: Option<Vec<Vec<Value>>>,
}

/// The reference at work, beside the server.
pub struct Reference(Child);

fn here() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

impl Reference {
    /// Starts it on these logs.
    pub fn start(logs: &Logs) -> Self {
        let mut python = Command::new("python3");
        python.arg(here().join("reference.py")).arg(here().join("queries.json")).args(&logs.files);
        Self(python.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().expect("python3 can be started"))
    }

    /// Waits for its answers.
    pub fn answers(mut self) -> Vec<(Question, Answer)> {
        let text = std::fs::read(here().join("queries.json")).unwrap();
        let questions: Vec<Question> = serde_json::from_slice(&text).unwrap();
        let stdout = std::io::BufReader::new(self.0.stdout.take().unwrap());
        let answers: Vec<Answer> = stdout.lines().map(|line| serde_json::from_str(&line.unwrap()).unwrap()).collect();
        assert!(self.0.wait().unwrap().success(), "the reference failed");
        assert_eq!(questions.len(), answers.len());
        questions.into_iter().zip(answers).collect()
    }
}

impl Drop for Reference {
    fn drop(&mut self) {
        // Where the test failed before its end.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Whether two cells are the same: numbers within the tolerance, everything else equal.
pub fn same_cell(expected: &Value, found: &Value, tolerance: f64) -> bool {
    match (expected.as_f64(), found.as_f64()) {
        (Some(one), Some(other)) => (one - other).abs() <= tolerance * one.abs(),
        _ => expected == found,
    }
}

/// A row as the command gives it: one object, its names the columns in their order.
pub struct Row(pub Vec<Value>);

impl<'de> Deserialize<'de> for Row {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Cells;
        impl<'de> Visitor<'de> for Cells {
            type Value = Row;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("an object")
            }

            fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Row, M::Error> {
                let mut cells = Vec::new();
                while let Some((_, cell)) = map.next_entry::<String, Value>()? {
                    cells.push(cell);
                }
                Ok(Row(cells))
            }
        }
        deserializer.deserialize_map(Cells)
    }
}
