//! The catalog in DynamoDB: one table, keyed by `pk` and `sk`, which searches share.
//!
//! ```text
//! pk                          sk                            attributes
//! checkpoints                 <shard>                       position (48 hex digits) · dead_letters N
//!                                                           · last L, before L: what the last two commits added
//! tenants                     <tenant>                      every tenant that ever had a segment
//! days#<tenant>               <day>                         every day on which it had one
//! segments#<tenant>#<day>     <object key>                  row (JSON of the catalog's row) · staged SS · retired N (ns), by
//!                                                           · replaces B (hashes of rows it holds) · covers (JSON, shard → position)
//! commits                     <shard>#<after>#<upto>        rows: which staged rows it committed
//! retired                     <at>#<hash>                   at N (ns) · keys L: what one replacement retired · by
//! claim#<tenant>#<batch>      claim                         places L, arrived L (ns), in turn · ttl N (s)
//! horizon                     claims                        at N (ns): claims that arrived before are forgotten
//! ```
//!
//! A partition holds the segments of one tenant and day: no partition takes all writes, and a range of time is
//! read from its days side by side. `tenants` and `days` are written before what needs them: a name too many
//! costs an empty query, one too few would hide data. They are never removed.
//!
//! * [`read`]: the rows of one moment; [`resolve`]: how a read of many items becomes one
//! * [`commit`]: rows and checkpoint together, however many rows
//! * [`retire`]: rows replaced, and in which order they go
//! * [`claims`]: who owns a batch

mod claims;
mod commit;
mod items;
mod read;
mod resolve;
mod retire;

use std::collections::HashSet;
use std::sync::Mutex;
use std::time::Duration;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::{Put, TransactWriteItem};
use trawl_event::{TenantId, Timestamp};

use super::table::{Item, Table, key, number_of};
use crate::ports::{
    Catalog, Claim, Commit, CommitOutcome, Place, Position, Replacement, Result, Retired, SegmentKey, SegmentRow,
    ShardId, Snapshot, StoreError, Totals,
};
use items::{CHECKPOINTS, checkpoint_of};

pub use retire::MAX_RETIRED;

/// Items in a transaction: <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html>.
pub const TRANSACTION_ITEMS: usize = 100;
/// Partitions read, or rows written, at once.
const AT_ONCE: usize = 16;

/// What a deployment chooses.
#[derive(Clone, Copy, Debug)]
pub struct CatalogSettings {
    /// How long claims are kept after a batch arrived: as long as the stream keeps records, and the horizon
    /// of a repetition and an hour for clocks that lie apart.
    pub claims_kept: Duration,
}

impl Default for CatalogSettings {
    fn default() -> Self {
        Self { claims_kept: Duration::from_secs(27 * 3600) }
    }
}

/// The catalog in a table.
#[derive(Debug)]
pub struct AwsCatalog {
    table: Table,
    settings: CatalogSettings,
    /// Days that this process has written: they need not be written again.
    known_days: Mutex<HashSet<(TenantId, String)>>,
}

impl AwsCatalog {
    /// The catalog in `table`.
    pub fn new(client: Client, table: impl Into<String>, settings: CatalogSettings) -> Self {
        Self { table: Table { client, name: table.into() }, settings, known_days: Mutex::default() }
    }

    fn put(&self, item: Item, condition: Option<&str>) -> Result<TransactWriteItem> {
        let put = Put::builder().table_name(&self.table.name).set_item(Some(item));
        let put = put.set_condition_expression(condition.map(str::to_owned)).build();
        let put = put.map_err(|error| StoreError::Permanent(error.to_string()))?;
        Ok(TransactWriteItem::builder().put(put).build())
    }
}

fn is_there_already(key: &SegmentKey) -> StoreError {
    StoreError::Permanent(format!("{key} is in the catalog already"))
}

impl Catalog for AwsCatalog {
    async fn checkpoint(&self, shard: &ShardId) -> Result<Position> {
        let item = self.table.get(key(CHECKPOINTS, &shard.0)).await?;
        item.as_ref().map_or(Ok(Position::START), checkpoint_of)
    }

    async fn claim(&self, claims: Vec<Claim>) -> Result<Vec<Vec<Place>>> {
        self.claim_all(claims).await
    }

    async fn commit(&self, commit: Commit) -> Result<CommitOutcome> {
        self.commit_rows(commit).await
    }

    async fn snapshot(&self, tenant: &TenantId, from: Timestamp, to: Timestamp) -> Result<Snapshot> {
        self.one_moment(tenant, from, to).await
    }

    async fn live(&self) -> Result<Vec<SegmentRow>> {
        let mut live = Vec::new();
        for tenant in self.tenants().await? {
            live.extend(self.live_of(&tenant).await?);
        }
        live.sort_by(|one, other| (&one.tenant, one.day, &one.key).cmp(&(&other.tenant, other.day, &other.key)));
        Ok(live)
    }

    async fn replace(&self, replacement: Replacement) -> Result<CommitOutcome> {
        self.replace_rows(replacement).await
    }

    async fn retired(&self) -> Result<Vec<Retired>> {
        self.retired_rows().await
    }

    async fn forget(&self, keys: &[SegmentKey]) -> Result<()> {
        self.forget_rows(keys).await
    }

    async fn forget_claims(&self, before: Timestamp) -> Result<()> {
        self.move_horizon(before).await
    }

    async fn totals(&self, tenant: &TenantId) -> Result<Totals> {
        let mut totals = Totals::default();
        for item in self.table.query(CHECKPOINTS, None).await? {
            totals.dead_letters += number_of::<u64>(&item, "dead_letters")?;
        }
        for row in self.live_of(tenant).await? {
            totals.segments += 1;
            totals.events += row.events;
            totals.stored_bytes += row.size_bytes;
            totals.index_bytes += row.index_bytes;
            totals.raw_bytes += row.raw_bytes;
        }
        Ok(totals)
    }
}
