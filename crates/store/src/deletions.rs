//! Deletions of events: asked for, hidden at once, carried out later.
//!
//! A tenant has one document of what is *hidden*: the deletions that are not carried out yet. Searches read it before
//! they read the catalog, and do not find what it names; the compactor reads it to know what to take out of segments.
//! Beside it each deletion has a document of its own that stays, for the record.
//!
//! ```text
//! requested ── hidden document ──► invisible
//!              compactor: every segment that may hold matches is written anew without them, until a pass over the
//!              live segments finds none and all that was in flight when it was asked for is in segments
//!          ──► rewritten: taken out of the hidden document
//!              compactor: the objects of replaced segments are removed after the grace period
//!          ──► erased
//! ```

use std::collections::BTreeMap;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use trawl_event::{TenantId, Timestamp};
use trawl_query::Exclusion;

use crate::ports::{DocumentKey, Documents, Kind, Position, Result, ShardId, StoreError, Version};

/// The name of the document of what is hidden.
const HIDDEN: &str = "all";
/// Deletions of a tenant that may wait to be carried out: each is a filter that every search works off.
pub const MAX_HIDDEN: usize = 50;
/// Bytes of their queries together: they go along with every task.
pub const MAX_HIDDEN_BYTES: usize = 64 * 1024;

/// A deletion as it was asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deletion {
    /// Its name: 32 hexadecimal digits.
    pub id: String,
    /// What is deleted.
    pub events: Exclusion,
    /// Why, in the words of who asked for it.
    pub reason: String,
    /// Who asked for it.
    pub by: String,
    /// When.
    pub created: Timestamp,
    /// Where each shard ended then: what was in flight is deleted as well.
    pub ends: BTreeMap<ShardId, Position>,
}

/// What is hidden of a tenant's events.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hidden {
    /// How many deletions were asked for so far: a search that was planned when there were fewer may have found what is
    /// to be gone.
    pub asked: u64,
    /// Those that are not carried out yet.
    pub deletions: Vec<Deletion>,
}

impl Hidden {
    /// What no search finds.
    pub fn exclusions(&self) -> Vec<Exclusion> {
        self.deletions.iter().map(|deletion| deletion.events.clone()).collect()
    }
}

/// How far a deletion is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Progress {
    /// Nobody finds the events any more.
    #[default]
    Hidden,
    /// No live segment holds them any more.
    Rewritten,
    /// No object holds them any more.
    Erased,
}

/// The record of a deletion.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// What was asked for.
    #[serde(flatten)]
    pub deletion: Deletion,
    /// How far it is.
    #[serde(default)]
    pub progress: Progress,
    /// Events that were taken out of segments.
    #[serde(default)]
    pub events_removed: u64,
    /// Segments that were written anew, or dropped.
    #[serde(default)]
    pub segments_rewritten: u64,
    /// When the last live segment was rid of them.
    #[serde(default)]
    pub rewritten: Option<Timestamp>,
    /// When the last object was.
    #[serde(default)]
    pub erased: Option<Timestamp>,
}

impl Record {
    /// The record of a deletion that was just asked for.
    pub fn new(deletion: Deletion) -> Self {
        Self {
            deletion,
            progress: Progress::Hidden,
            events_removed: 0,
            segments_rewritten: 0,
            rewritten: None,
            erased: None,
        }
    }
}

/// What is hidden of a tenant's events.
pub async fn hidden<D: Documents>(documents: &D, tenant: &TenantId) -> Result<Hidden> {
    Ok(read_hidden(documents, tenant).await?.1)
}

/// What is hidden of the events of each tenant that has had a deletion.
pub async fn all_hidden<D: Documents>(documents: &D) -> Result<Vec<(TenantId, Hidden)>> {
    let mut all = Vec::new();
    for document in documents.documents(Kind::Hidden, None).await? {
        if let Some(tenant) = document.key.tenant {
            all.push((tenant, decode(&document.body)?));
        }
    }
    Ok(all)
}

async fn read_hidden<D: Documents>(documents: &D, tenant: &TenantId) -> Result<(Option<Version>, Hidden)> {
    match documents.document(&DocumentKey::of(tenant, Kind::Hidden, HIDDEN)).await? {
        None => Ok((None, Hidden::default())),
        Some((version, body)) => Ok((Some(version), decode(&body)?)),
    }
}

/// Changes what is hidden, again on what another wrote in between. `false` when `change` leaves it as it is.
async fn change_hidden<D: Documents>(
    documents: &D,
    tenant: &TenantId,
    change: impl Fn(&mut Hidden) -> bool,
) -> Result<bool> {
    let key = DocumentKey::of(tenant, Kind::Hidden, HIDDEN);
    loop {
        let (version, mut hidden) = read_hidden(documents, tenant).await?;
        if !change(&mut hidden) {
            return Ok(false);
        }
        if documents.put_document(&key, version, encode(&hidden)?, Timestamp::MAX).await?.is_some() {
            return Ok(true);
        }
    }
}

/// Hides events from now on, and notes why. `false` when too much is hidden already.
pub async fn hide<D: Documents>(documents: &D, tenant: &TenantId, deletion: &Deletion) -> Result<bool> {
    let is_hidden = change_hidden(documents, tenant, |hidden| {
        hidden.deletions.retain(|known| known.id != deletion.id);
        let bytes: usize = hidden.deletions.iter().map(|known| known.events.query.len()).sum();
        let fits = hidden.deletions.len() < MAX_HIDDEN && bytes + deletion.events.query.len() <= MAX_HIDDEN_BYTES;
        if fits {
            hidden.deletions.push(deletion.clone());
            hidden.asked += 1;
        }
        fits
    })
    .await?;
    if is_hidden {
        // What is hidden names all that the record does: who carries it out writes a record that is missing.
        update(documents, tenant, deletion, |_| {}).await?;
    }
    Ok(is_hidden)
}

/// Takes a deletion out of what is hidden: no live segment holds its events any more.
pub async fn unhide<D: Documents>(documents: &D, tenant: &TenantId, id: &str) -> Result<()> {
    let change = |hidden: &mut Hidden| {
        let before = hidden.deletions.len();
        hidden.deletions.retain(|deletion| deletion.id != id);
        hidden.deletions.len() < before
    };
    change_hidden(documents, tenant, change).await.map(drop)
}

/// Changes the record of a deletion, which is made if it is missing.
pub async fn update<D: Documents>(
    documents: &D,
    tenant: &TenantId,
    deletion: &Deletion,
    change: impl Fn(&mut Record),
) -> Result<Record> {
    let key = DocumentKey::of(tenant, Kind::Deletion, &deletion.id);
    loop {
        let found = documents.document(&key).await?;
        let (version, mut record) = match found {
            Some((version, body)) => (Some(version), decode::<Record>(&body)?),
            None => (None, Record::new(deletion.clone())),
        };
        change(&mut record);
        if documents.put_document(&key, version, encode(&record)?, Timestamp::MAX).await?.is_some() {
            return Ok(record);
        }
    }
}

/// The record of a deletion.
pub async fn record<D: Documents>(documents: &D, tenant: &TenantId, id: &str) -> Result<Option<Record>> {
    let found = documents.document(&DocumentKey::of(tenant, Kind::Deletion, id)).await?;
    found.map(|(_, body)| decode(&body)).transpose()
}

/// The records of a tenant, or of all tenants; the latest last.
pub async fn records<D: Documents>(documents: &D, tenant: Option<&TenantId>) -> Result<Vec<(TenantId, Record)>> {
    let mut records = Vec::new();
    for document in documents.documents(Kind::Deletion, tenant).await? {
        if let Some(tenant) = document.key.tenant {
            records.push((tenant, decode::<Record>(&document.body)?));
        }
    }
    records.sort_by_key(|(_, record)| record.deletion.created);
    Ok(records)
}

fn encode(value: &impl Serialize) -> Result<Bytes> {
    serde_json::to_vec(value).map(Bytes::from).map_err(|error| StoreError::Permanent(error.to_string()))
}

fn decode<T: for<'de> Deserialize<'de>>(body: &[u8]) -> Result<T> {
    serde_json::from_slice(body)
        .map_err(|error| StoreError::Permanent(format!("what is stored of a deletion cannot be read: {error}")))
}
