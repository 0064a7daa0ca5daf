//! Searches in memory.

use std::collections::BTreeMap;
use std::sync::Mutex;

use bytes::Bytes;
use trawl_event::{TenantId, Timestamp};
use trawl_store::ports::{Result, SearchId, Searches, Version};

use super::lock;

type Key = (TenantId, SearchId);

#[derive(Default)]
struct State {
    searches: BTreeMap<Key, (Version, Bytes, Timestamp)>,
    pages: BTreeMap<(Key, u32), Bytes>,
}

/// States and pages by tenant and id.
#[derive(Default)]
pub struct MemorySearches(Mutex<State>);

impl Searches for MemorySearches {
    async fn put_state(
        &self,
        tenant: &TenantId,
        id: SearchId,
        expected: Option<Version>,
        state: Bytes,
        expires: Timestamp,
    ) -> Result<Option<Version>> {
        let searches = &mut lock(&self.0).searches;
        let key = (tenant.clone(), id);
        if searches.get(&key).map(|(version, ..)| *version) != expected {
            return Ok(None);
        }
        let next = Version(expected.map_or(1, |version| version.0 + 1));
        searches.insert(key, (next, state, expires));
        Ok(Some(next))
    }

    async fn state(&self, tenant: &TenantId, id: SearchId) -> Result<Option<(Version, Bytes)>> {
        let found = lock(&self.0).searches.get(&(tenant.clone(), id)).cloned();
        Ok(found.map(|(version, state, _)| (version, state)))
    }

    async fn put_page(&self, tenant: &TenantId, id: SearchId, page: u32, body: Bytes) -> Result<()> {
        lock(&self.0).pages.insert(((tenant.clone(), id), page), body);
        Ok(())
    }

    async fn page(&self, tenant: &TenantId, id: SearchId, page: u32) -> Result<Option<Bytes>> {
        Ok(lock(&self.0).pages.get(&((tenant.clone(), id), page)).cloned())
    }

    async fn remove_expired(&self, now: Timestamp) -> Result<()> {
        let State { searches, pages } = &mut *lock(&self.0);
        searches.retain(|_, (_, _, expires)| *expires >= now);
        pages.retain(|(key, _), _| searches.contains_key(key));
        Ok(())
    }
}
