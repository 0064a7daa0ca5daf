//! `GET /v1/status`: what is stored and what is in flight.

use serde::{Deserialize, Serialize};
use trawl_event::{TenantId, batch};
use trawl_store::ports::{Catalog, Clock, Ids, Launcher, Searches, StoreError, Stream, Totals, Workers};

use crate::Coordinator;

/// Bytes of records read at once.
const READ_BYTES: usize = 8 * 1024 * 1024;

/// The answer to `GET /v1/status`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatusAnswer {
    /// Accepted events that are in no segment yet.
    pub tail_events: u64,
    /// Sums over the segments.
    #[serde(flatten)]
    pub totals: Totals,
}

impl<S, K, Q, W, L, C> Coordinator<S, K, Q, W, L, C>
where
    S: Stream,
    K: Catalog,
    Q: Searches,
    W: Workers,
    L: Launcher,
    C: Clock + Ids,
{
    /// Counts what a tenant has.
    pub async fn status(&self, tenant: &TenantId) -> Result<StatusAnswer, StoreError> {
        let totals = self.catalog.totals(tenant).await?;
        let mut tail_events = 0;
        for shard in self.stream.shards().await? {
            let mut position = self.catalog.checkpoint(&shard).await?;
            loop {
                let records = self.stream.read(&shard, position, READ_BYTES).await?;
                let Some(last) = records.last() else { break };
                position = last.position;
                for record in &records {
                    let (batches, _) = batch::read_all(&record.data);
                    let own = batches.iter().filter(|batch| batch.header.tenant == *tenant);
                    tail_events += own.map(|batch| batch.header.events).sum::<u64>();
                }
            }
        }
        Ok(StatusAnswer { tail_events, totals })
    }
}
