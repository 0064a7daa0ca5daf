//! Retention, and removal of what nobody can need any more.

use std::collections::HashSet;
use std::time::Duration;

use trawl_event::Timestamp;
use trawl_store::ports::{
    Catalog, Clock, CommitOutcome, Documents, Ids, Objects, Replacement, Searches, SegmentKey, StoreError, Stream,
};

use crate::{CompactError, Compacted, Compactor, before};

/// How far the clocks of the stream, the object store and this process may lie apart.
const CLOCK_MARGIN: Duration = Duration::from_secs(3600);

impl<S, O, K, Q, D, C> Compactor<S, O, K, Q, D, C>
where
    S: Stream,
    O: Objects,
    K: Catalog,
    Q: Searches,
    D: Documents,
    C: Clock + Ids,
{
    /// Retires segments all of whose events are past the retention.
    pub(crate) async fn expire(&self, done: &mut Compacted) -> Result<(), CompactError> {
        let Some(retention) = self.settings.retention else { return Ok(()) };
        let now = self.clock.now();
        let oldest = before(now, retention);
        let mut retire: Vec<SegmentKey> = Vec::new();
        for row in self.catalog.live().await? {
            if row.last < oldest {
                retire.push(row.key);
            }
        }
        // One by one: a conflict over one (merged away meanwhile) must not keep the others.
        for key in retire {
            let replacement = Replacement { retire: vec![key], add: Vec::new(), at: now };
            if self.catalog.replace(replacement).await? == CommitOutcome::Committed {
                done.expired += 1;
            }
        }
        Ok(())
    }

    /// Removes objects of retired rows after the grace period, objects that no row names,
    /// claims past the horizon, and expired searches.
    pub(crate) async fn collect(&self, done: &mut Compacted) -> Result<(), CompactError> {
        let now = self.clock.now();
        let settings = &self.settings;
        let mut gone = Vec::new();
        for retired in self.catalog.retired().await? {
            if retired.at <= before(now, settings.grace) {
                self.objects.delete(retired.key.as_str()).await?;
                gone.push(retired.key);
            }
        }
        done.removed += gone.len();
        if !gone.is_empty() {
            self.catalog.forget(&gone).await?;
        }
        let in_flight = self.oldest_in_flight(now).await?;
        self.remove_orphans(before(now, settings.orphan_age).min(before(in_flight, CLOCK_MARGIN)), done).await?;
        // The clock here may be ahead of the stream's, which dates claims.
        let settled = before(before(in_flight, CLOCK_MARGIN), settings.repeat_horizon);
        self.catalog.forget_claims(settled).await?;
        self.searches.remove_expired(now).await?;
        self.documents.remove_expired_documents(now).await?;
        Ok(())
    }

    /// Removes segment objects that no row names, once no persister can commit them any more: a
    /// run that may still commit an object has its records in flight, and wrote it after they arrived.
    async fn remove_orphans(&self, old: Timestamp, done: &mut Compacted) -> Result<(), CompactError> {
        let listed = self.objects.list(SegmentKey::PREFIX).await?;
        let mut candidates = listed.into_iter().filter(|object| object.modified <= old).peekable();
        if candidates.peek().is_none() {
            return Ok(());
        }
        // Rows are read after the listing: whatever was listed and is committed by now has one.
        let mut named: HashSet<SegmentKey> = self.catalog.live().await?.into_iter().map(|row| row.key).collect();
        named.extend(self.catalog.retired().await?.into_iter().map(|retired| retired.key));
        for object in candidates {
            let Some(key) = SegmentKey::from_listing(object.key) else { continue };
            if !named.contains(&key) {
                self.objects.delete(key.as_str()).await?;
                done.removed += 1;
            }
        }
        Ok(())
    }

    /// When the oldest record that is in no segment yet arrived; now, if there is none. A batch
    /// can be recognised as repeated as long as its first claim is kept, and its repetition may
    /// still wait in the stream: claims are forgotten only a horizon before this.
    async fn oldest_in_flight(&self, now: Timestamp) -> Result<Timestamp, StoreError> {
        let mut oldest = now;
        for shard in self.stream.shards().await? {
            let checkpoint = self.catalog.checkpoint(&shard).await?;
            if let Some(record) = self.stream.read(&shard, checkpoint, 1).await?.first() {
                oldest = oldest.min(record.arrived);
            }
        }
        Ok(oldest)
    }
}
