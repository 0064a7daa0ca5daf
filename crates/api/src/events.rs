//! `POST /v1/events`.

use serde::{Deserialize, Serialize};
use trawl_event::BatchId;
use trawl_event::decode::Rejection;

/// The answer `202` to a batch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PushAnswer {
    /// How many events were accepted; they are durable.
    pub accepted: u64,
    /// The events that were refused: the first 1,000 of `rejected_total`.
    pub rejected: Vec<RejectedEvent>,
    /// How many were refused.
    pub rejected_total: u64,
    /// What the server takes the batch by, should it come again.
    pub batch_id: BatchId,
}

/// An event that was refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RejectedEvent {
    /// Its place among the events of the body, from 0 (blank lines do not count).
    pub index: u64,
    /// A stable name for programs.
    pub code: String,
    /// Why, for people.
    pub message: String,
}

impl From<&Rejection> for RejectedEvent {
    fn from(rejection: &Rejection) -> Self {
        let Rejection { index, error } = rejection;
        Self { index: *index, code: error.code().to_owned(), message: error.to_string() }
    }
}
