//! The catalog in DynamoDB: one table, keyed by `pk` and `sk`, which searches share.
//!
//! ```text
//! pk                          sk                            attributes
//! checkpoints                 <shard>                       position (48 hex digits) · dead_letters N
//! tenants                     <tenant>                      every tenant that ever had a segment
//! days#<tenant>               <day>                         every day on which it had one
//! segments#<tenant>#<day>     <object key>                  row (JSON of the catalog's row) · staged · retired N (ns), by
//!                                                           · replaces B (hashes of rows it holds) · covers (JSON, shard → position)
//! commits                     <shard>#<after>#<upto>        the marker of a commit that staged its rows
//! retired                     <at>#<hash>                   at N (ns) · keys L: what one replacement retired
//! claim#<tenant>#<batch>      claim                         places L, arrived L (ns), in turn · ttl N (s)
//! horizon                     claims                        at N (ns): claims that arrived before are forgotten
//! ```
//!
//! A partition holds the segments of one tenant and day: no partition takes all writes, and a range of time is
//! read from its days side by side. `tenants` and `days` are written before what needs them: a name too many
//! costs an empty query, one too few would hide data. They are never removed.
//!
//! * [`resolve`]: how a read of many items becomes one moment
//! * [`claims`]: who owns a batch
//!
//! **Commits.** A transaction has at most 100 items. A commit of more rows writes them first, *staged*, then moves
//! the checkpoint and sets a marker in one transaction; a staged row counts when the marker of its commit is
//! there. The marker's name is the row's origin, and an origin is committed once, so a row left behind by a run
//! that died can never come to count through another.

mod claims;
mod items;
mod resolve;

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::types::{AttributeValue, Put, TransactWriteItem, Update};
use futures_util::stream::{self, StreamExt, TryStreamExt};
use trawl_event::{TenantId, Timestamp};
use xxhash_rust::xxh3::xxh3_64;

use super::error::store_error;
use super::table::{Item, Refused, Table, damaged, key, number, number_of, text, text_of};
use crate::ports::{
    Catalog, Claim, Commit, CommitOutcome, Origin, Place, Position, Replacement, Result, Retired, SegmentKey,
    SegmentRow, ShardId, Snapshot, StoreError, Totals,
};
use items::{
    CHECKPOINTS, RETIRED, Stored, TENANTS, checkpoint_of, day_name, days, hash_of, item_of, marker_key, position_text,
    segment_key, segments, stored_of, time_of,
};

/// Items in a transaction: <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html>.
pub const TRANSACTION_ITEMS: usize = 100;
/// Rows that one replacement retires at most; the rest of a transaction is for what it adds.
pub const MAX_RETIRED: usize = 90;
/// Partitions read at once.
const READS_AT_ONCE: usize = 16;
/// How long a merged row remembers what it holds: longer than a read of the catalog takes.
const LINEAGE_KEPT: Duration = Duration::from_secs(600);

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

    async fn checkpoints(&self) -> Result<BTreeMap<ShardId, Position>> {
        let items = self.table.query(CHECKPOINTS, None).await?;
        items.iter().map(|item| Ok((ShardId(text_of(item, "sk")?.to_owned()), checkpoint_of(item)?))).collect()
    }

    /// Makes sure that the days of some rows are found later.
    async fn note_days(&self, rows: &[SegmentRow]) -> Result<()> {
        let days_of: BTreeSet<(TenantId, String)> =
            rows.iter().map(|row| (row.tenant.clone(), day_name(row.day))).collect();
        for (tenant, day) in days_of {
            let noted = (tenant.clone(), day.clone());
            if self.known_days.lock().unwrap_or_else(PoisonError::into_inner).contains(&noted) {
                continue;
            }
            self.table.put(key(TENANTS, tenant.as_str())).await?;
            self.table.put(key(days(&tenant), day)).await?;
            self.known_days.lock().unwrap_or_else(PoisonError::into_inner).insert(noted);
        }
        Ok(())
    }

    /// The rows that count on some days of a tenant.
    async fn rows(
        &self,
        tenant: &TenantId,
        range: Option<(&str, &str)>,
        checkpoints: Option<&BTreeMap<ShardId, Position>>,
    ) -> Result<Vec<SegmentRow>> {
        let days = self.table.query(&days(tenant), range).await?;
        let days: Vec<&str> = days.iter().map(|item| text_of(item, "sk")).collect::<Result<_>>()?;
        let reads: Vec<_> = days.into_iter().map(|day| self.rows_of_day(tenant, day, checkpoints)).collect();
        let rows: Vec<Vec<Stored>> = stream::iter(reads).buffered(READS_AT_ONCE).try_collect().await?;
        Ok(rows.into_iter().flatten().map(|stored| stored.row).collect())
    }

    async fn rows_of_day(
        &self,
        tenant: &TenantId,
        day: &str,
        checkpoints: Option<&BTreeMap<ShardId, Position>>,
    ) -> Result<Vec<Stored>> {
        let items = self.table.query(&segments(tenant, day), None).await?;
        let stored: Vec<Stored> = items.iter().map(stored_of).collect::<Result<_>>()?;
        let committed = self.committed(&stored).await?;
        let is_committed = |stored: &Stored| marker_of(&stored.row).is_some_and(|marker| committed.contains(&marker));
        Ok(resolve::resolve(stored, checkpoints, is_committed))
    }

    /// The markers that there are for the staged ones among some rows, by sort key.
    async fn committed(&self, rows: &[Stored]) -> Result<HashSet<String>> {
        let staged: BTreeSet<String> =
            rows.iter().filter(|stored| stored.staged).filter_map(|stored| marker_of(&stored.row)).collect();
        let markers = self.table.get_all(staged.into_iter().map(|marker| key("commits", marker)).collect()).await?;
        markers.iter().map(|item| text_of(item, "sk").map(str::to_owned)).collect()
    }

    async fn tenants(&self) -> Result<Vec<TenantId>> {
        let items = self.table.query(TENANTS, None).await?;
        let tenant = |item: &Item| text_of(item, "sk")?.parse().map_err(|_| damaged(item, "sk"));
        items.iter().map(tenant).collect()
    }

    fn put(&self, item: Item, condition: Option<&str>) -> Result<TransactWriteItem> {
        let put = Put::builder().table_name(&self.table.name).set_item(Some(item));
        let put = put.set_condition_expression(condition.map(str::to_owned)).build();
        let put = put.map_err(|error| StoreError::Permanent(error.to_string()))?;
        Ok(TransactWriteItem::builder().put(put).build())
    }

    /// The part of a transaction that moves a checkpoint.
    fn move_checkpoint(&self, commit: &Commit) -> Result<TransactWriteItem> {
        let update = Update::builder().table_name(&self.table.name).set_key(Some(key(CHECKPOINTS, &commit.shard.0)));
        let update = update
            .update_expression("SET #position = :next ADD dead_letters :dead_letters")
            .expression_attribute_names("#position", "position")
            .expression_attribute_values(":next", text(position_text(commit.next)))
            .expression_attribute_values(":dead_letters", number(commit.dead_letters));
        let update = match commit.expected {
            Position::START => update.condition_expression("attribute_not_exists(#position)"),
            expected => update
                .condition_expression("#position = :expected")
                .expression_attribute_values(":expected", text(position_text(expected))),
        };
        let update = update.build().map_err(|error| StoreError::Permanent(error.to_string()))?;
        Ok(TransactWriteItem::builder().update(update).build())
    }

    /// Writes the rows of a large commit so that none counts yet.
    async fn stage(&self, rows: &[SegmentRow]) -> Result<()> {
        let puts: Vec<_> = rows.iter().map(|row| self.stage_one(row)).collect();
        stream::iter(puts).buffer_unordered(READS_AT_ONCE).try_collect().await
    }

    async fn stage_one(&self, row: &SegmentRow) -> Result<()> {
        let stored = Stored { staged: true, ..fresh(row.clone()) };
        let put = self.table.client.put_item().table_name(&self.table.name).set_item(Some(item_of(&stored)?));
        // An equal key is of the same commit, by an earlier run.
        match put.condition_expression("attribute_not_exists(pk) OR attribute_exists(staged)").send().await {
            Ok(_) => Ok(()),
            Err(SdkError::ServiceError(error)) if error.err().is_conditional_check_failed_exception() => {
                Err(is_there_already(&row.key))
            }
            Err(error) => Err(store_error(&format!("writing the row of {}", row.key), &error)),
        }
    }

    async fn stored(&self, keys: &[SegmentKey]) -> Result<Vec<Stored>> {
        let items = self.table.get_all(keys.iter().map(segment_key).collect::<Result<_>>()?).await?;
        items.iter().map(stored_of).collect()
    }
}

fn fresh(row: SegmentRow) -> Stored {
    Stored { row, staged: false, retired: None, replaces: Vec::new(), covers: BTreeMap::new() }
}

/// The sort key of the marker of the commit that a row came with.
fn marker_of(row: &SegmentRow) -> Option<String> {
    match &row.origin {
        Origin::Stream { shard, after, upto } => marker_key(shard, *after, *upto).remove("sk")?.as_s().ok().cloned(),
        Origin::Compaction => None,
    }
}

fn is_there_already(key: &SegmentKey) -> StoreError {
    StoreError::Permanent(format!("{key} is in the catalog already"))
}

/// What a row that holds the events of `retire` has to remember of them.
fn lineage(retire: &[&Stored], at: Timestamp) -> (Vec<u64>, BTreeMap<ShardId, Position>) {
    let lately = at.plus_ns(-(LINEAGE_KEPT.as_nanos() as i64));
    let mut replaces = BTreeSet::new();
    let mut covers: BTreeMap<ShardId, Position> = BTreeMap::new();
    for stored in retire {
        replaces.insert(hash_of(&stored.row.key));
        if stored.row.created < lately {
            continue;
        }
        replaces.extend(&stored.replaces);
        let own = match &stored.row.origin {
            Origin::Stream { shard, upto, .. } => Some((shard, upto)),
            Origin::Compaction => None,
        };
        for (shard, upto) in stored.covers.iter().chain(own) {
            let covered = covers.entry(shard.clone()).or_insert(*upto);
            *covered = (*covered).max(*upto);
        }
    }
    (replaces.into_iter().collect(), covers)
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
        self.note_days(&commit.segments).await?;
        let mut items = vec![self.move_checkpoint(&commit)?];
        let is_large = commit.segments.len() >= TRANSACTION_ITEMS;
        if is_large {
            self.stage(&commit.segments).await?;
            let origins = commit.segments.iter().map(marker_of).collect::<Option<BTreeSet<String>>>();
            for marker in origins.ok_or_else(|| StoreError::Permanent("a commit is of the stream".into()))? {
                items.push(self.put(key("commits", marker), None)?);
            }
        } else {
            for row in &commit.segments {
                items.push(self.put(item_of(&fresh(row.clone()))?, Some("attribute_not_exists(pk)"))?);
            }
        }
        match self.table.transact(items).await {
            Ok(()) => Ok(CommitOutcome::Committed),
            Err(Refused::Condition(0)) => Ok(CommitOutcome::Conflict),
            Err(Refused::Condition(place)) => {
                // A repetition of a commit that took place meets its own rows; its checkpoint tells.
                let stands = self.checkpoint(&commit.shard).await?;
                match commit.segments.get(place - 1) {
                    Some(row) if stands == commit.expected => Err(is_there_already(&row.key)),
                    _ => Ok(CommitOutcome::Conflict),
                }
            }
            Err(Refused::Store(error)) => Err(error),
        }
    }

    async fn snapshot(&self, tenant: &TenantId, from: Timestamp, to: Timestamp) -> Result<Snapshot> {
        // Before the rows: see the module `resolve`.
        let checkpoints = self.checkpoints().await?;
        let (first, last) = (day_name(from.day()), day_name(to.day()));
        let mut segments = self.rows(tenant, Some((&first, &last)), Some(&checkpoints)).await?;
        segments.retain(|row| row.first < to && row.last >= from);
        segments.sort_unstable_by(|one, other| one.key.cmp(&other.key));
        Ok(Snapshot { checkpoints, segments })
    }

    async fn live(&self) -> Result<Vec<SegmentRow>> {
        let mut live = Vec::new();
        for tenant in self.tenants().await? {
            live.extend(self.rows(&tenant, None, None).await?);
        }
        live.sort_by(|one, other| (&one.tenant, one.day, &one.key).cmp(&(&other.tenant, other.day, &other.key)));
        Ok(live)
    }

    async fn replace(&self, replacement: Replacement) -> Result<CommitOutcome> {
        let Replacement { retire, add, at } = replacement;
        if retire.len() > MAX_RETIRED || retire.len() + add.len() >= TRANSACTION_ITEMS {
            let message = format!("{} rows cannot be replaced at once: expected at most {MAX_RETIRED}", retire.len());
            return Err(StoreError::Permanent(message));
        }
        self.note_days(&add).await?;
        let stored = self.stored(&retire).await?;
        let committed = self.committed(&stored).await?;
        let is_live = |stored: &Stored| {
            let counts = || marker_of(&stored.row).is_some_and(|marker| committed.contains(&marker));
            stored.retired.is_none() && (!stored.staged || counts())
        };
        if stored.len() < retire.len() || !stored.iter().all(is_live) {
            return Ok(CommitOutcome::Conflict);
        }
        let (replaces, covers) = lineage(&stored.iter().collect::<Vec<_>>(), at);
        let mut items = Vec::with_capacity(retire.len() + add.len() + 1);
        for segment in &retire {
            let update = Update::builder().table_name(&self.table.name).set_key(Some(segment_key(segment)?));
            let update = match add.first() {
                None => update.update_expression("SET retired = :at"),
                Some(row) => update
                    .update_expression("SET retired = :at, #by = :by")
                    .expression_attribute_names("#by", "by")
                    .expression_attribute_values(":by", text(row.key.as_str())),
            };
            let update = update
                .condition_expression("attribute_exists(pk) AND attribute_not_exists(retired)")
                .expression_attribute_values(":at", number(at.0))
                .build()
                .map_err(|error| StoreError::Permanent(error.to_string()))?;
            items.push(TransactWriteItem::builder().update(update).build());
        }
        for row in &add {
            let merged = Stored { replaces: replaces.clone(), covers: covers.clone(), ..fresh(row.clone()) };
            items.push(self.put(item_of(&merged)?, Some("attribute_not_exists(pk)"))?);
        }
        items.push(self.put(retired_item(&retire, at), None)?);
        match self.table.transact(items).await {
            Ok(()) => Ok(CommitOutcome::Committed),
            Err(Refused::Condition(place)) => match add.get(place.wrapping_sub(retire.len())) {
                Some(row) => Err(is_there_already(&row.key)),
                None => Ok(CommitOutcome::Conflict),
            },
            Err(Refused::Store(error)) => Err(error),
        }
    }

    async fn retired(&self) -> Result<Vec<Retired>> {
        let mut retired = Vec::new();
        for item in self.table.query(RETIRED, None).await? {
            let at = time_of(&item, "at")?;
            retired.extend(retired_keys(&item)?.into_iter().map(|key| Retired { key, at }));
        }
        retired.sort_by(|one, other| (one.at, &one.key).cmp(&(other.at, &other.key)));
        Ok(retired)
    }

    async fn forget(&self, keys: &[SegmentKey]) -> Result<()> {
        let keys: HashSet<&SegmentKey> = keys.iter().collect();
        for item in self.table.query(RETIRED, None).await? {
            let (mut gone, left): (Vec<SegmentKey>, Vec<SegmentKey>) =
                retired_keys(&item)?.into_iter().partition(|key| keys.contains(key));
            if gone.is_empty() {
                continue;
            }
            // Rows first: what is listed without a row is forgotten the next time.
            gone.dedup();
            self.table.delete_all(gone.iter().map(segment_key).collect::<Result<_>>()?).await?;
            if left.is_empty() {
                self.table.delete_all(vec![key(RETIRED, text_of(&item, "sk")?)]).await?;
            } else {
                let mut item = item;
                item.insert("keys".into(), AttributeValue::L(left.iter().map(|key| text(key.as_str())).collect()));
                self.table.put(item).await?;
            }
        }
        Ok(())
    }

    async fn forget_claims(&self, before: Timestamp) -> Result<()> {
        self.move_horizon(before).await
    }

    async fn totals(&self, tenant: &TenantId) -> Result<Totals> {
        let mut totals = Totals::default();
        for item in self.table.query(CHECKPOINTS, None).await? {
            totals.dead_letters += number_of::<u64>(&item, "dead_letters")?;
        }
        for row in self.rows(tenant, None, None).await? {
            totals.segments += 1;
            totals.events += row.events;
            totals.stored_bytes += row.size_bytes;
            totals.index_bytes += row.index_bytes;
            totals.raw_bytes += row.raw_bytes;
        }
        Ok(totals)
    }
}

/// The item that lists what one replacement retired.
fn retired_item(keys: &[SegmentKey], at: Timestamp) -> Item {
    let names: Vec<&str> = keys.iter().map(SegmentKey::as_str).collect();
    let mut item = key(RETIRED, format!("{:020}#{:016x}", at.0, xxh3_64(names.join("\n").as_bytes())));
    item.insert("at".into(), number(at.0));
    item.insert("keys".into(), AttributeValue::L(names.into_iter().map(text).collect()));
    item
}

fn retired_keys(item: &Item) -> Result<Vec<SegmentKey>> {
    let Some(AttributeValue::L(keys)) = item.get("keys") else { return Err(damaged(item, "keys")) };
    let segment = |value: &AttributeValue| SegmentKey::from_listing(value.as_s().ok()?.clone());
    keys.iter().map(segment).collect::<Option<_>>().ok_or_else(|| damaged(item, "keys"))
}
