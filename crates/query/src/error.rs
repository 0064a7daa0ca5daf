//! What is wrong with a query, and where.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What kind of mistake it is; [`ErrorCode::as_str`] is the `code` of the HTTP answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorCode {
    /// The text does not follow the grammar.
    Syntax,
    /// The query is longer than [`crate::MAX_QUERY_BYTES`].
    QueryTooLong,
    /// Groups and negations are nested deeper than [`crate::MAX_DEPTH`].
    QueryTooDeep,
    /// A regex is malformed.
    RegexInvalid,
    /// A regex compiles to more than [`crate::MAX_REGEX_BYTES`].
    RegexTooLarge,
    /// A value does not fit its field: no time, no level, ends of a range that do not compare.
    BadValue,
    /// There is no such pipe.
    UnknownPipe,
    /// There is no such aggregate function.
    UnknownFunction,
    /// A pipe after an aggregate names a column that the table does not have.
    UnknownColumn,
    /// Two columns of the table have one name.
    DuplicateColumn,
    /// A pipe cannot stand where it stands.
    PipeOrder,
    /// An aggregate has more groups than [`crate::MAX_GROUPS`].
    TooManyGroups,
    /// Two partial aggregates of different queries were merged.
    PartialMismatch,
}

impl ErrorCode {
    /// The code as the HTTP API shows it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Syntax => "syntax",
            Self::QueryTooLong => "query_too_long",
            Self::QueryTooDeep => "query_too_deep",
            Self::RegexInvalid => "regex_invalid",
            Self::RegexTooLarge => "regex_too_large",
            Self::BadValue => "bad_value",
            Self::UnknownPipe => "unknown_pipe",
            Self::UnknownFunction => "unknown_function",
            Self::UnknownColumn => "unknown_column",
            Self::DuplicateColumn => "duplicate_column",
            Self::PipeOrder => "pipe_order",
            Self::TooManyGroups => "too_many_groups",
            Self::PartialMismatch => "partial_mismatch",
        }
    }
}

/// Why a query was refused: where, what stands there, and what was expected instead.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub struct QueryError {
    /// The kind of mistake.
    pub code: ErrorCode,
    /// What is wrong, in lower case and without a full stop.
    pub message: String,
    /// Where, counted in characters from 1. One past the last character means the end.
    pub column: usize,
    /// What could stand there instead; empty when nothing could.
    pub expected: String,
}

impl QueryError {
    pub(crate) fn new(code: ErrorCode, column: usize, message: impl Into<String>, expected: impl Into<String>) -> Self {
        Self { code, message: message.into(), column, expected: expected.into() }
    }

    /// The query with a caret under the column, for a terminal:
    ///
    /// ```text
    ///   service:(a OR
    ///                ^ expected a value
    /// ```
    ///
    /// Control characters of the query are shown as spaces, so that the caret stands right.
    pub fn caret(&self, query: &str) -> String {
        let line: String = query.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        let indent = " ".repeat(self.column.saturating_sub(1));
        let note = if self.expected.is_empty() { &self.message } else { &self.expected };
        let lead = if self.expected.is_empty() { "" } else { "expected " };
        format!("  {line}\n  {indent}^ {lead}{note}")
    }
}

impl fmt::Display for QueryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "column {}: {}", self.column, self.message)?;
        if !self.expected.is_empty() {
            write!(f, "; expected {}", self.expected)?;
        }
        Ok(())
    }
}
