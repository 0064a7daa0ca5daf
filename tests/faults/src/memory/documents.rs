//! Documents in memory.

use std::collections::BTreeMap;
use std::sync::Mutex;

use bytes::Bytes;
use trawl_event::{TenantId, Timestamp};
use trawl_store::ports::documents::check;
use trawl_store::ports::{Document, DocumentKey, Documents, Kind, Result, Version};

use super::lock;

/// Documents by name.
#[derive(Default)]
pub struct MemoryDocuments(Mutex<BTreeMap<DocumentKey, (Version, Bytes, Timestamp)>>);

impl Documents for MemoryDocuments {
    async fn put_document(
        &self,
        key: &DocumentKey,
        expected: Option<Version>,
        body: Bytes,
        expires: Timestamp,
    ) -> Result<Option<Version>> {
        check(key, body.len())?;
        let documents = &mut lock(&self.0);
        if documents.get(key).map(|(version, ..)| *version) != expected {
            return Ok(None);
        }
        let next = Version(expected.map_or(1, |version| version.0 + 1));
        documents.insert(key.clone(), (next, body, expires));
        Ok(Some(next))
    }

    async fn document(&self, key: &DocumentKey) -> Result<Option<(Version, Bytes)>> {
        Ok(lock(&self.0).get(key).map(|(version, body, _)| (*version, body.clone())))
    }

    async fn documents(&self, kind: Kind, tenant: Option<&TenantId>) -> Result<Vec<Document>> {
        let documents = lock(&self.0);
        let wanted = documents
            .iter()
            .filter(|(key, _)| key.kind == kind && tenant.is_none_or(|tenant| key.tenant.as_ref() == Some(tenant)));
        let document = |(key, (version, body, _)): (&DocumentKey, &(Version, Bytes, Timestamp))| Document {
            key: key.clone(),
            version: *version,
            body: body.clone(),
        };
        Ok(wanted.map(document).collect())
    }

    async fn remove_expired_documents(&self, now: Timestamp) -> Result<()> {
        lock(&self.0).retain(|_, (_, _, expires)| *expires >= now);
        Ok(())
    }
}
