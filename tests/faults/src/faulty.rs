//! Ports with faults around every call, and the bugs that can be planted in them.

use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use trawl_event::{TenantId, Timestamp};
use trawl_store::ports::{
    Catalog, Claim, Commit, CommitOutcome, Document, DocumentKey, Documents, Kind, NewRecord, ObjectMeta, Objects,
    Place, Position, Put, Record, Replacement, Result, Retired, SearchId, Searches, SegmentKey, SegmentRow, ShardId,
    Snapshot, Stream, Totals, Version,
};

use crate::memory::{MemoryCatalog, MemoryDocuments, MemoryObjects, MemorySearches, MemoryStream};
use crate::world::World;

/// A bug that the simulation must find.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Plant {
    /// A commit takes place wherever the checkpoint stands.
    IgnoreCheckpoint,
    /// An append is acknowledged before it is done, and may be lost.
    AcknowledgeEarly,
    /// The stream seems to have no records, so that no search reads the tail.
    ForgetTail,
    /// Whoever claims a batch owns it.
    EveryClaimOwns,
}

/// A port with faults around each call.
pub struct Faulty<P> {
    inner: Arc<P>,
    world: World,
    plant: Option<Plant>,
}

impl<P> Clone for Faulty<P> {
    fn clone(&self) -> Self {
        Self { inner: self.inner.clone(), world: self.world.clone(), plant: self.plant }
    }
}

impl<P> Faulty<P> {
    /// `inner` behind the faults of `world`.
    pub fn new(inner: Arc<P>, world: World, plant: Option<Plant>) -> Self {
        Self { inner, world, plant }
    }
}

impl Faulty<MemoryStream> {
    /// Where a record really goes: where the ring says, or to another shard after that one refused it.
    async fn append_somewhere(&self, record: NewRecord) -> Result<(ShardId, Position)> {
        let shards = self.inner.shards().await?;
        let home = self.inner.shard_of(&record);
        let rates = self.world.rates();
        let shard = match self.world.chance(|chance| chance.hit(rates.reroute).then(|| chance.pick(&shards).clone())) {
            Some(shard) if shard != home => {
                self.world.cover("append sent to another shard");
                shard
            }
            _ => home,
        };
        let is_lost = self.plant == Some(Plant::AcknowledgeEarly) && self.world.chance(|chance| chance.hit(0.2));
        if is_lost {
            return Ok((shard, Position::of(1)));
        }
        let position = self.inner.append_to(&shard, record.data)?;
        Ok((shard, position))
    }
}

impl Stream for Faulty<MemoryStream> {
    async fn shards(&self) -> Result<Vec<ShardId>> {
        self.world.call("stream.shards", self.inner.shards()).await
    }

    async fn append(&self, record: NewRecord) -> Result<(ShardId, Position)> {
        self.world.call("stream.append", self.append_somewhere(record)).await
    }

    async fn read(&self, shard: &ShardId, after: Position, max_bytes: usize) -> Result<Vec<Record>> {
        // Fewer bytes than asked for: what is read in one piece is for the stream to say.
        let max_bytes = self.world.chance(|chance| if chance.hit(0.5) { max_bytes.min(600) } else { max_bytes });
        self.world.call("stream.read", self.inner.read(shard, after, max_bytes)).await
    }

    async fn end(&self, shard: &ShardId) -> Result<Position> {
        let end = self.world.call("stream.end", self.inner.end(shard)).await?;
        Ok(if self.plant == Some(Plant::ForgetTail) { Position::START } else { end })
    }
}

impl Objects for Faulty<MemoryObjects> {
    async fn put_if_absent(&self, key: &str, body: Bytes) -> Result<Put> {
        self.world.call("objects.put_if_absent", self.inner.put_if_absent(key, body)).await
    }

    async fn put(&self, key: &str, body: Bytes) -> Result<()> {
        self.world.call("objects.put", self.inner.put(key, body)).await
    }

    async fn get(&self, key: &str) -> Result<Option<Bytes>> {
        self.world.call("objects.get", self.inner.get(key)).await
    }

    async fn get_ranges(&self, key: &str, ranges: &[Range<u64>]) -> Result<Option<Vec<Bytes>>> {
        self.world.call("objects.get_ranges", self.inner.get_ranges(key, ranges)).await
    }

    async fn delete(&self, key: &str) -> Result<()> {
        self.world.call("objects.delete", self.inner.delete(key)).await
    }

    async fn list(&self, prefix: &str) -> Result<Vec<ObjectMeta>> {
        self.world.call("objects.list", self.inner.list(prefix)).await
    }
}

impl Catalog for Faulty<MemoryCatalog> {
    async fn checkpoint(&self, shard: &ShardId) -> Result<Position> {
        self.world.call("catalog.checkpoint", self.inner.checkpoint(shard)).await
    }

    async fn claim(&self, claims: Vec<Claim>) -> Result<Vec<Vec<Place>>> {
        let count = claims.len();
        let earlier = self.world.call("catalog.claim", self.inner.claim(claims)).await?;
        if earlier.iter().any(|places| !places.is_empty()) {
            self.world.cover("repeated batch dropped");
        }
        Ok(if self.plant == Some(Plant::EveryClaimOwns) { vec![Vec::new(); count] } else { earlier })
    }

    async fn commit(&self, commit: Commit) -> Result<CommitOutcome> {
        let effect = async {
            match self.plant {
                Some(Plant::IgnoreCheckpoint) => self.inner.commit_unconditionally(commit),
                _ => self.inner.commit(commit).await,
            }
        };
        let outcome = self.world.call("catalog.commit", effect).await?;
        self.world.cover(format!("commit: {outcome:?}"));
        Ok(outcome)
    }

    async fn snapshot(&self, tenant: &TenantId, from: Timestamp, to: Timestamp) -> Result<Snapshot> {
        self.world.call("catalog.snapshot", self.inner.snapshot(tenant, from, to)).await
    }

    async fn live(&self) -> Result<Vec<SegmentRow>> {
        self.world.call("catalog.live", self.inner.live()).await
    }

    async fn replace(&self, replacement: Replacement) -> Result<CommitOutcome> {
        let outcome = self.world.call("catalog.replace", self.inner.replace(replacement)).await?;
        self.world.cover(format!("replacement: {outcome:?}"));
        Ok(outcome)
    }

    async fn retired(&self) -> Result<Vec<Retired>> {
        self.world.call("catalog.retired", self.inner.retired()).await
    }

    async fn forget(&self, keys: &[SegmentKey]) -> Result<()> {
        self.world.call("catalog.forget", self.inner.forget(keys)).await
    }

    async fn forget_claims(&self, before: Timestamp) -> Result<()> {
        self.world.call("catalog.forget_claims", self.inner.forget_claims(before)).await
    }

    async fn totals(&self, tenant: &TenantId) -> Result<Totals> {
        self.world.call("catalog.totals", self.inner.totals(tenant)).await
    }
}

impl Searches for Faulty<MemorySearches> {
    async fn put_state(
        &self,
        tenant: &TenantId,
        id: SearchId,
        expected: Option<Version>,
        state: Bytes,
        expires: Timestamp,
    ) -> Result<Option<Version>> {
        let effect = self.inner.put_state(tenant, id, expected, state, expires);
        self.world.call("searches.put_state", effect).await
    }

    async fn state(&self, tenant: &TenantId, id: SearchId) -> Result<Option<(Version, Bytes)>> {
        self.world.call("searches.state", self.inner.state(tenant, id)).await
    }

    async fn put_page(&self, tenant: &TenantId, id: SearchId, page: u32, body: Bytes) -> Result<()> {
        self.world.call("searches.put_page", self.inner.put_page(tenant, id, page, body)).await
    }

    async fn page(&self, tenant: &TenantId, id: SearchId, page: u32) -> Result<Option<Bytes>> {
        self.world.call("searches.page", self.inner.page(tenant, id, page)).await
    }

    async fn remove_expired(&self, now: Timestamp) -> Result<()> {
        self.world.call("searches.remove_expired", self.inner.remove_expired(now)).await
    }
}

impl Documents for Faulty<MemoryDocuments> {
    async fn put_document(
        &self,
        key: &DocumentKey,
        expected: Option<Version>,
        body: Bytes,
        expires: Timestamp,
    ) -> Result<Option<Version>> {
        self.world.call("documents.put_document", self.inner.put_document(key, expected, body, expires)).await
    }

    async fn document(&self, key: &DocumentKey) -> Result<Option<(Version, Bytes)>> {
        self.world.call("documents.document", self.inner.document(key)).await
    }

    async fn documents(&self, kind: Kind, tenant: Option<&TenantId>) -> Result<Vec<Document>> {
        self.world.call("documents.documents", self.inner.documents(kind, tenant)).await
    }

    async fn remove_expired_documents(&self, now: Timestamp) -> Result<()> {
        self.world.call("documents.remove_expired_documents", self.inner.remove_expired_documents(now)).await
    }
}
