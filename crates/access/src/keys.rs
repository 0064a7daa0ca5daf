//! Keys are made, listed and revoked.

use bytes::Bytes;
use trawl_event::{TenantId, Timestamp};
use trawl_store::ports::{Clock, DocumentKey, Documents, Ids, Kind, Result, StoreError};

use crate::key::{ApiKey, Grant, KeyId, KeyRecord, Pepper, Revoked};

/// Longest name of a key, in characters.
pub const MAX_NAME_CHARS: usize = 100;

/// What a key is to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewKey {
    /// What it is for.
    pub name: String,
    /// What it opens.
    pub grant: Grant,
}

/// The keys of a deployment.
#[derive(Clone, Debug)]
pub struct Keys<D, C> {
    documents: D,
    clock: C,
    pepper: Pepper,
}

impl<D: Documents, C: Clock + Ids> Keys<D, C> {
    /// The keys in `documents`.
    pub fn new(documents: D, clock: C, pepper: Pepper) -> Self {
        Self { documents, clock, pepper }
    }

    /// Makes a key for `by`. The key itself is nowhere but in what this gives.
    pub async fn create(&self, new: NewKey, by: &str) -> Result<(ApiKey, KeyRecord)> {
        let key = ApiKey::fresh(&self.clock);
        let record = KeyRecord {
            id: key.id().clone(),
            name: new.name,
            hash: self.pepper.hash(&key, &new.grant),
            grant: new.grant,
            created: self.clock.now(),
            created_by: by.to_owned(),
            revoked: None,
        };
        let document = DocumentKey::api_key(key.id().as_str());
        // Ids are 64 random bits: one that is taken was taken by this very call, whose answer was lost.
        let written = self.documents.put_document(&document, None, encode(&record)?, Timestamp::MAX).await?;
        if written.is_none() && self.record(key.id()).await?.as_ref() != Some(&record) {
            return Err(StoreError::Transient("the id of the new key is taken: try again".into()));
        }
        Ok((key, record))
    }

    /// The record of a key that is sent, if its secret is the right one.
    pub fn is_key_of(&self, key: &ApiKey, record: &KeyRecord) -> bool {
        self.pepper.hash(key, &record.grant) == record.hash
    }

    /// What is stored of a key.
    pub async fn record(&self, id: &KeyId) -> Result<Option<KeyRecord>> {
        let found = self.documents.document(&DocumentKey::api_key(id.as_str())).await?;
        found.map(|(_, body)| decode(&body)).transpose()
    }

    /// The keys of a tenant, or of all; by age.
    pub async fn list(&self, tenant: Option<&TenantId>) -> Result<Vec<KeyRecord>> {
        let documents = self.documents.documents(Kind::Key, None).await?;
        let mut records = documents.iter().map(|document| decode(&document.body)).collect::<Result<Vec<_>>>()?;
        records.retain(|record| tenant.is_none_or(|tenant| record.grant.tenant == *tenant));
        records.sort_by(|one, other| one.created.cmp(&other.created).then_with(|| one.id.cmp(&other.id)));
        Ok(records)
    }

    /// Revokes a key of a tenant, or of any, for `by`; gives what is stored of it then. `None` when there is no such
    /// key. One that is revoked stays as it is.
    pub async fn revoke(&self, id: &KeyId, tenant: Option<&TenantId>, by: &str) -> Result<Option<KeyRecord>> {
        let document = DocumentKey::api_key(id.as_str());
        loop {
            let Some((version, body)) = self.documents.document(&document).await? else { return Ok(None) };
            let mut record = decode(&body)?;
            if tenant.is_some_and(|tenant| record.grant.tenant != *tenant) {
                return Ok(None);
            }
            if record.revoked.is_some() {
                return Ok(Some(record));
            }
            record.revoked = Some(Revoked { at: self.clock.now(), by: by.to_owned() });
            let body = encode(&record)?;
            if self.documents.put_document(&document, Some(version), body, Timestamp::MAX).await?.is_some() {
                return Ok(Some(record));
            }
        }
    }
}

fn encode(record: &KeyRecord) -> Result<Bytes> {
    serde_json::to_vec(record).map(Bytes::from).map_err(|error| StoreError::Permanent(error.to_string()))
}

fn decode(body: &[u8]) -> Result<KeyRecord> {
    serde_json::from_slice(body)
        .map_err(|error| StoreError::Permanent(format!("the record of an API key cannot be read: {error}")))
}
