//! Events that are to be gone for good.

use serde::{Deserialize, Serialize};
use ureq::http::Method;

use crate::client::{Client, get};
use crate::error::Error;
use crate::transport::{Call, percent_encode};

/// Which events are to be gone, and why.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct NewDeletion {
    /// A query without pipes.
    pub query: String,
    /// Why, for the record.
    pub reason: String,
    /// From when on: RFC 3339, epoch, or relative; from the beginning without it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// Until when; all that was taken in so far without it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
}

/// A deletion and how far it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deletion {
    /// Its name.
    pub id: String,
    /// `hidden`, `rewritten` or `erased`.
    pub status: String,
    /// Which events.
    pub query: String,
    /// From when on: RFC 3339; the beginning without it.
    #[serde(default)]
    pub from: Option<String>,
    /// Until when: RFC 3339.
    pub to: String,
    /// Why.
    pub reason: String,
    /// Who asked for it.
    pub by: String,
    /// When: RFC 3339.
    pub created: String,
    /// Events taken out of segments so far.
    #[serde(default)]
    pub events_removed: u64,
    /// Segments written anew without them, or dropped.
    #[serde(default)]
    pub segments_rewritten: u64,
    /// When the last segment in use was rid of them.
    #[serde(default)]
    pub rewritten: Option<String>,
    /// When the last object was.
    #[serde(default)]
    pub erased: Option<String>,
}

/// The deletions of a tenant.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct DeletionList {
    /// The latest last.
    pub deletions: Vec<Deletion>,
}

impl Client {
    /// Deletes events: from the answer on nobody finds them. Never repeated of itself; asking twice does no harm.
    pub fn delete_events(&self, deletion: &NewDeletion) -> Result<Deletion, Error> {
        let route = || "POST /v1/deletions".to_owned();
        let body = serde_json::to_vec(deletion).map_err(|source| Error::Answer { route: route(), source })?;
        self.transport.json(&Call {
            method: Method::POST,
            headers: vec![("content-type", "application/json")],
            body: Some(&body),
            repeatable: false,
            ..get("/v1/deletions".to_owned())
        })
    }

    /// The deletions of the caller's tenant.
    pub fn deletions(&self) -> Result<DeletionList, Error> {
        self.transport.json(&get("/v1/deletions".to_owned()))
    }

    /// How far a deletion is.
    pub fn deletion(&self, id: &str) -> Result<Deletion, Error> {
        self.transport.json(&get(format!("/v1/deletions/{}", percent_encode(id))))
    }
}
