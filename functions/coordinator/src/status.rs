//! `GET /v1/status`: what is stored and what is in flight.

use serde::{Deserialize, Serialize};
use trawl_event::{TenantId, batch};
use trawl_store::ports::{Catalog, Claim, Record, ShardId, StoreError, Stream, Totals};

use crate::{Coordinator, Ports};

/// Bytes of records read at once.
const READ_BYTES: usize = 8 * 1024 * 1024;

/// How often segments and stream are counted until both are of one moment; after that the answer is a guess.
const ATTEMPTS: u32 = 8;

/// The answer to `GET /v1/status`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatusAnswer {
    /// Accepted events that are in no segment yet.
    pub tail_events: u64,
    /// Sums over the segments.
    #[serde(flatten)]
    pub totals: Totals,
}

impl<P: Ports> Coordinator<P> {
    /// Counts what a tenant has.
    pub async fn status(&self, tenant: &TenantId) -> Result<StatusAnswer, StoreError> {
        let mut totals = self.catalog.totals(tenant).await?;
        for _ in 1..ATTEMPTS {
            let tail_events = self.tail_events(tenant).await?;
            let after = self.catalog.totals(tenant).await?;
            // A commit in between would leave its events out of both, or count them twice.
            if after == totals {
                return Ok(StatusAnswer { tail_events, totals });
            }
            totals = after;
        }
        Ok(StatusAnswer { tail_events: self.tail_events(tenant).await?, totals })
    }

    /// Counts the events of a tenant that are in no segment yet.
    async fn tail_events(&self, tenant: &TenantId) -> Result<u64, StoreError> {
        let mut tail_events = 0;
        for shard in self.stream.shards().await? {
            let mut position = self.catalog.checkpoint(&shard).await?;
            loop {
                let records = self.stream.read(&shard, position, READ_BYTES).await?;
                let Some(last) = records.last() else { break };
                position = last.position;
                let (claims, events): (Vec<Claim>, Vec<u64>) = own_batches(tenant, &shard, &records).unzip();
                // A batch that was sent twice counts in one place, as in a search.
                let earlier = if claims.is_empty() { Vec::new() } else { self.catalog.claim(claims).await? };
                let owned = events.iter().zip(earlier).filter(|(_, earlier)| earlier.is_empty());
                tail_events += owned.map(|(events, _)| events).sum::<u64>();
            }
        }
        Ok(tail_events)
    }
}

/// The whole batches of a tenant among some records: the claim that each makes, and its events.
fn own_batches<'r>(
    tenant: &'r TenantId,
    shard: &'r ShardId,
    records: &'r [Record],
) -> impl Iterator<Item = (Claim, u64)> + 'r {
    records.iter().flat_map(move |record| {
        let batches = batch::read_all(&record.data).0.into_iter().enumerate();
        batches.filter(|(_, batch)| batch.header.tenant == *tenant && batch.is_whole()).map(move |(ordinal, batch)| {
            let claim = Claim {
                tenant: tenant.clone(),
                batch: batch.header.id,
                shard: shard.clone(),
                position: record.position,
                ordinal: ordinal as u32,
                arrived: record.arrived,
            };
            (claim, batch.header.events)
        })
    })
}
