//! Commits: rows and the checkpoint that accounts for them, both or neither.
//!
//! A transaction has at most 100 items. A commit of more rows writes them first, *staged*, then moves the
//! checkpoint and sets a marker in one transaction. The marker's name is the origin of the rows, which is
//! committed once; it says which set of rows was committed, by a hash of their names. A staged row lists
//! the sets that it belongs to, and counts when the marker of its origin is of one of them. So a row that only
//! a run which died had written can never come to count, and two runs that write the same row do not disturb
//! each other.

use std::collections::BTreeSet;
use std::sync::PoisonError;

use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::types::{AttributeValue, TransactWriteItem, Update};
use futures_util::stream::{self, StreamExt, TryStreamExt};
use trawl_event::TenantId;
use xxhash_rust::xxh3::xxh3_128;

use super::items::{
    BEFORE, CHECKPOINTS, LAST, MARKERS, Stored, TENANTS, day_name, days, item_of, marker_entry, marker_of,
    position_text, row_text, segment_key,
};
use super::{AT_ONCE, AwsCatalog, TRANSACTION_ITEMS, is_there_already};
use crate::aws::error::store_error;
use crate::aws::table::{Refused, key, number, text};
use crate::ports::{Catalog, Commit, CommitOutcome, Position, Result, SegmentRow, StoreError};

impl AwsCatalog {
    pub(super) async fn commit_rows(&self, commit: Commit) -> Result<CommitOutcome> {
        self.note_days(&commit.segments).await?;
        let mut items = Vec::new();
        if commit.segments.len() < TRANSACTION_ITEMS {
            let added = commit.segments.iter().map(|row| row.key.as_str().to_owned()).collect();
            items.push(self.move_checkpoint(&commit, added)?);
            for row in &commit.segments {
                // What a run that died has staged of the same origin does not count, and gives way.
                let is_free = "attribute_not_exists(pk) OR attribute_exists(staged)";
                items.push(self.put(item_of(&Stored::new(row.clone()))?, Some(is_free))?);
            }
        } else {
            let set = set_of(&commit.segments);
            if let Some(row) = self.stage(&commit.segments, &set).await? {
                return self.why_not(&commit, &row).await;
            }
            let markers: Option<BTreeSet<String>> = commit.segments.iter().map(marker_of).collect();
            let markers = markers.ok_or_else(|| StoreError::Permanent("a commit is of the stream".into()))?;
            items.push(self.move_checkpoint(&commit, markers.iter().map(|marker| marker_entry(marker)).collect())?);
            for marker in markers {
                let mut item = key(MARKERS, marker);
                item.insert("rows".into(), text(&set));
                items.push(self.put(item, None)?);
            }
        }
        match self.table.transact(items).await {
            Ok(()) => Ok(CommitOutcome::Committed),
            Err(Refused::Condition(place)) => match place.checked_sub(1).and_then(|row| commit.segments.get(row)) {
                Some(row) => self.why_not(&commit, row).await,
                None => Ok(CommitOutcome::Conflict),
            },
            Err(Refused::Store(error)) => Err(error),
        }
    }

    /// A repetition of a commit that took place meets its own rows; its checkpoint tells.
    async fn why_not(&self, commit: &Commit, row: &SegmentRow) -> Result<CommitOutcome> {
        match self.checkpoint(&commit.shard).await? == commit.expected {
            true => Err(is_there_already(&row.key)),
            false => Ok(CommitOutcome::Conflict),
        }
    }

    /// The part of a transaction that moves a checkpoint. `added` is what a reader of the new one has to meet.
    fn move_checkpoint(&self, commit: &Commit, added: Vec<String>) -> Result<TransactWriteItem> {
        let update = Update::builder().table_name(&self.table.name).set_key(Some(key(CHECKPOINTS, &commit.shard.0)));
        let mut update = update
            .expression_attribute_names("#position", "position")
            .expression_attribute_values(":next", text(position_text(commit.next)))
            .expression_attribute_values(":dead_letters", number(commit.dead_letters));
        update = if added.is_empty() {
            update.update_expression("SET #position = :next ADD dead_letters :dead_letters")
        } else {
            update
                .update_expression(
                    "SET #position = :next, #before = if_not_exists(#last, :none), #last = :added \
                     ADD dead_letters :dead_letters",
                )
                .expression_attribute_names("#last", LAST)
                .expression_attribute_names("#before", BEFORE)
                .expression_attribute_values(":none", AttributeValue::L(Vec::new()))
                .expression_attribute_values(":added", AttributeValue::L(added.into_iter().map(text).collect()))
        };
        update = match commit.expected {
            Position::START => update.condition_expression("attribute_not_exists(#position)"),
            expected => update
                .condition_expression("#position = :expected")
                .expression_attribute_values(":expected", text(position_text(expected))),
        };
        let update = update.build().map_err(|error| StoreError::Permanent(error.to_string()))?;
        Ok(TransactWriteItem::builder().update(update).build())
    }

    /// Writes the rows of a large commit so that none counts yet. Gives one that stands there already, if any.
    async fn stage(&self, rows: &[SegmentRow], set: &str) -> Result<Option<SegmentRow>> {
        let writes: Vec<_> = rows.iter().map(|row| self.stage_one(row, set)).collect();
        let met: Vec<Option<SegmentRow>> = stream::iter(writes).buffer_unordered(AT_ONCE).try_collect().await?;
        Ok(met.into_iter().flatten().next())
    }

    async fn stage_one(&self, row: &SegmentRow, set: &str) -> Result<Option<SegmentRow>> {
        let update = self.table.client.update_item().table_name(&self.table.name);
        let update = update
            .set_key(Some(segment_key(&row.key)?))
            .update_expression("SET #row = :row ADD staged :set")
            .condition_expression("attribute_not_exists(pk) OR attribute_exists(staged)")
            .expression_attribute_names("#row", "row")
            .expression_attribute_values(":row", text(row_text(row)?))
            .expression_attribute_values(":set", AttributeValue::Ss(vec![set.to_owned()]));
        match update.send().await {
            Ok(_) => Ok(None),
            Err(SdkError::ServiceError(error)) if error.err().is_conditional_check_failed_exception() => {
                Ok(Some(row.clone()))
            }
            Err(error) => Err(store_error(&format!("writing the row of {}", row.key), &error)),
        }
    }

    /// Makes sure that the days of some rows are found later.
    pub(super) async fn note_days(&self, rows: &[SegmentRow]) -> Result<()> {
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
}

/// The name of a set of rows.
fn set_of(rows: &[SegmentRow]) -> String {
    let names: BTreeSet<&str> = rows.iter().map(|row| row.key.as_str()).collect();
    let names: Vec<&str> = names.into_iter().collect();
    format!("{:032x}", xxh3_128(names.join("\n").as_bytes()))
}
