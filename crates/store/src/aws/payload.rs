//! What functions send each other.
//!
//! ```text
//! scan worker   ← {"task":{…}}  or {"task_key":"tasks/…"}      when the task is larger than a request may be
//!               → {"result":{…}}, {"result_key":"results/…"}   when the result is larger than an answer may be,
//!                 or {"error":{"kind":"throttled"|"transient"|"permanent","message":"…"}}
//! coordinator   ← {"run":{"tenant":"default","id":"…"}}        beside the requests of the HTTP API
//! ```

use serde::{Deserialize, Serialize};
use trawl_event::TenantId;

use crate::ports::{ScanResult, ScanTask, SearchId, StoreError};

/// What a scan worker is asked.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ScanRequest {
    /// The task itself.
    Task(Box<ScanTask>),
    /// The object that holds it, as JSON.
    TaskKey(String),
}

/// What a scan worker answers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ScanResponse {
    /// The result itself.
    Result(Box<ScanResult>),
    /// The object that holds it, as JSON.
    ResultKey(String),
    /// The task failed.
    Error(ScanFailure),
}

/// Why a task failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScanFailure {
    /// Whether another try may help.
    pub kind: FailureKind,
    /// Why, for people.
    pub message: String,
}

/// The kinds of [`StoreError`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FailureKind {
    /// [`StoreError::Throttled`]
    Throttled,
    /// [`StoreError::Transient`]
    Transient,
    /// [`StoreError::Permanent`]
    Permanent,
}

impl From<StoreError> for ScanFailure {
    fn from(error: StoreError) -> Self {
        let (kind, message) = match error {
            StoreError::Throttled(message) => (FailureKind::Throttled, message),
            StoreError::Transient(message) => (FailureKind::Transient, message),
            StoreError::Permanent(message) => (FailureKind::Permanent, message),
        };
        Self { kind, message }
    }
}

impl From<ScanFailure> for StoreError {
    fn from(failure: ScanFailure) -> Self {
        match failure.kind {
            FailureKind::Throttled => Self::Throttled(failure.message),
            FailureKind::Transient => Self::Transient(failure.message),
            FailureKind::Permanent => Self::Permanent(failure.message),
        }
    }
}

/// What the coordinator sends itself: the run of a search that was stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunRequest {
    /// Which search.
    pub run: Run,
}

/// A search, by name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Run {
    /// Whose search.
    pub tenant: TenantId,
    /// Which search.
    pub id: SearchId,
}
