//! Rows that were replaced, and when they go.
//!
//! A retired row counts again where a reader does not meet its successor (see [`super::resolve`]), so it has to be
//! gone before its successor goes: a row stays as long as one that it replaced is there.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::time::Duration;

use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::types::{AttributeValue, TransactWriteItem, Update};
use trawl_event::Timestamp;
use xxhash_rust::xxh3::xxh3_64;

use super::items::{
    BEFORE, CHECKPOINTS, LAST, RETIRED, Stored, hash_of, item_of, segment_key, segment_of, stored_of, texts_of, time_of,
};
use super::read::is_committed;
use super::{AwsCatalog, TRANSACTION_ITEMS, is_there_already};
use crate::aws::error::store_error;
use crate::aws::table::{Item, Refused, damaged, key, number, text, text_of};
use crate::ports::{CommitOutcome, Origin, Position, Replacement, Result, Retired, SegmentKey, ShardId, StoreError};

/// Rows that one replacement retires at most; the rest of a transaction is for what it adds.
pub const MAX_RETIRED: usize = 90;
/// How long a merged row remembers what it holds: longer than a read of the catalog takes.
const LINEAGE_KEPT: Duration = Duration::from_secs(600);
/// How often a checkpoint is tried that names a row which is about to go, and moves meanwhile.
const ATTEMPTS: usize = 10;

/// What one replacement retired, as it is listed.
struct Listed {
    sk: String,
    at: Timestamp,
    keys: Vec<SegmentKey>,
    by: Option<SegmentKey>,
}

impl AwsCatalog {
    pub(super) async fn replace_rows(&self, replacement: Replacement) -> Result<CommitOutcome> {
        let Replacement { retire, add, at } = replacement;
        if retire.len() > MAX_RETIRED || add.len() > 1 {
            let (retired, added) = (retire.len(), add.len());
            let message = format!(
                "{retired} rows cannot be replaced by {added} at once: expected at most {MAX_RETIRED}, by one or none"
            );
            return Err(StoreError::Permanent(message));
        }
        const { assert!(MAX_RETIRED + 2 <= TRANSACTION_ITEMS) };
        self.note_days(&add).await?;
        let stored = self.stored(&retire).await?;
        let committed = self.committed(&stored).await?;
        let is_live = |stored: &Stored| stored.retired.is_none() && is_committed(stored, &committed);
        if stored.len() < retire.len() || !stored.iter().all(is_live) {
            return Ok(CommitOutcome::Conflict);
        }
        let (replaces, covers) = lineage(&stored.iter().collect::<Vec<_>>(), at);
        let mut items = Vec::with_capacity(retire.len() + 2);
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
            let merged = Stored { replaces: replaces.clone(), covers: covers.clone(), ..Stored::new(row.clone()) };
            items.push(self.put(item_of(&merged)?, Some("attribute_not_exists(pk)"))?);
        }
        items.push(self.put(retired_item(&retire, add.first().map(|row| &row.key), at), None)?);
        match self.table.transact(items).await {
            Ok(()) => Ok(CommitOutcome::Committed),
            Err(Refused::Condition(place)) => match add.get(place.wrapping_sub(retire.len())) {
                Some(row) => Err(is_there_already(&row.key)),
                None => Ok(CommitOutcome::Conflict),
            },
            Err(Refused::Store(error)) => Err(error),
        }
    }

    async fn stored(&self, keys: &[SegmentKey]) -> Result<Vec<Stored>> {
        let items = self.table.get_all(keys.iter().map(segment_key).collect::<Result<_>>()?).await?;
        items.iter().map(stored_of).collect()
    }

    async fn listed(&self) -> Result<Vec<Listed>> {
        self.table.query(RETIRED, None).await?.iter().map(listed_of).collect()
    }

    pub(super) async fn retired_rows(&self) -> Result<Vec<Retired>> {
        let listed = self.listed().await?.into_iter();
        let each = listed.flat_map(|Listed { keys, at, .. }| keys.into_iter().map(move |key| Retired { key, at }));
        let mut retired: Vec<Retired> = each.collect();
        retired.sort_by(|one, other| (one.at, &one.key).cmp(&(other.at, &other.key)));
        Ok(retired)
    }

    pub(super) async fn forget_rows(&self, keys: &[SegmentKey]) -> Result<()> {
        let mut wanted: HashSet<&SegmentKey> = keys.iter().collect();
        let mut listed = self.listed().await?;
        self.forget_names(&wanted).await?;
        loop {
            // Those whose predecessors are all gone; theirs come next.
            let held: HashSet<SegmentKey> =
                listed.iter().filter(|list| !list.keys.is_empty()).filter_map(|list| list.by.clone()).collect();
            let is_free = |key: &SegmentKey| wanted.contains(key) && !held.contains(key);
            let mut gone: BTreeMap<usize, Vec<SegmentKey>> = BTreeMap::new();
            for (index, list) in listed.iter().enumerate() {
                let free: Vec<SegmentKey> = list.keys.iter().filter(|key| is_free(key)).cloned().collect();
                if !free.is_empty() {
                    gone.insert(index, free);
                }
            }
            if gone.is_empty() {
                return Ok(());
            }
            for (index, gone) in gone {
                self.forget_listed(&mut listed[index], &gone).await?;
                wanted.retain(|key| !gone.contains(key));
            }
        }
    }

    /// Rows first: what is listed without a row is forgotten the next time.
    async fn forget_listed(&self, list: &mut Listed, gone: &[SegmentKey]) -> Result<()> {
        let rows: BTreeSet<&SegmentKey> = gone.iter().collect();
        self.table.delete_all(rows.into_iter().map(segment_key).collect::<Result<_>>()?).await?;
        list.keys.retain(|key| !gone.contains(key));
        let mut item = key(RETIRED, &list.sk);
        if list.keys.is_empty() {
            return self.table.delete_all(vec![item]).await;
        }
        item.extend(attributes(&list.keys, list.by.as_ref(), list.at));
        self.table.put(item).await
    }

    /// No checkpoint names a row that is about to go: a snapshot would look for it. A shard that takes no
    /// records keeps its last commits for ever.
    async fn forget_names(&self, gone: &HashSet<&SegmentKey>) -> Result<()> {
        let gone: HashSet<&str> = gone.iter().map(|key| key.as_str()).collect();
        for _ in 0..ATTEMPTS {
            let mut is_named = false;
            for item in self.table.query(CHECKPOINTS, None).await? {
                for attribute in [LAST, BEFORE] {
                    let names = texts_of(&item, attribute)?;
                    let Some(named) = names.iter().find(|name| gone.contains(name.as_str())) else { continue };
                    is_named = true;
                    let left = names.iter().filter(|name| !gone.contains(name.as_str())).map(text);
                    self.rename(text_of(&item, "sk")?, attribute, named, left.collect()).await?;
                }
            }
            if !is_named {
                return Ok(());
            }
        }
        Err(StoreError::Throttled(format!("table {}: the checkpoints move too fast to be changed", self.table.name)))
    }

    /// Changes what a checkpoint says it added, unless that no longer is what it was.
    async fn rename(&self, shard: &str, attribute: &str, named: &str, left: Vec<AttributeValue>) -> Result<()> {
        let update = self.table.client.update_item().table_name(&self.table.name);
        let update = update
            .set_key(Some(key(CHECKPOINTS, shard)))
            .update_expression("SET #names = :left")
            .condition_expression("contains(#names, :named)")
            .expression_attribute_names("#names", attribute)
            .expression_attribute_values(":left", AttributeValue::L(left))
            .expression_attribute_values(":named", text(named));
        match update.send().await {
            Ok(_) => Ok(()),
            Err(SdkError::ServiceError(error)) if error.err().is_conditional_check_failed_exception() => Ok(()),
            Err(error) => Err(store_error(&format!("changing the checkpoint of shard {shard}"), &error)),
        }
    }
}

/// What a row that holds the events of `retire` has to remember of them.
pub(super) fn lineage(retire: &[&Stored], at: Timestamp) -> (Vec<u64>, BTreeMap<ShardId, Position>) {
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

fn attributes(keys: &[SegmentKey], by: Option<&SegmentKey>, at: Timestamp) -> HashMap<String, AttributeValue> {
    let names = keys.iter().map(|key| text(key.as_str())).collect();
    let mut attributes = HashMap::from([("at".into(), number(at.0)), ("keys".into(), AttributeValue::L(names))]);
    if let Some(by) = by {
        attributes.insert("by".into(), text(by.as_str()));
    }
    attributes
}

/// The item that lists what one replacement retired.
fn retired_item(keys: &[SegmentKey], by: Option<&SegmentKey>, at: Timestamp) -> Item {
    let names: Vec<&str> = keys.iter().map(SegmentKey::as_str).collect();
    let mut item = key(RETIRED, format!("{:020}#{:016x}", at.0, xxh3_64(names.join("\n").as_bytes())));
    item.extend(attributes(keys, by, at));
    item
}

fn listed_of(item: &Item) -> Result<Listed> {
    if !item.contains_key("keys") {
        return Err(damaged(item, "keys"));
    }
    let keys = texts_of(item, "keys")?.into_iter().map(SegmentKey::from_listing).collect::<Option<_>>();
    let keys = keys.ok_or_else(|| damaged(item, "keys"))?;
    let by = item.contains_key("by").then(|| segment_of(item, "by")).transpose()?;
    Ok(Listed { sk: text_of(item, "sk")?.to_owned(), at: time_of(item, "at")?, keys, by })
}
