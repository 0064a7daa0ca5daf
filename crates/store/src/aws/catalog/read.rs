//! Reads of rows.
//!
//! A transaction's items do not become visible to a `Query` at once
//! (<https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis.html>). So a checkpoint
//! names what its last two commits added, and a read that meets the checkpoint without all of that is done again.
//! Two, because the run that made the last but one may have died before it had its answer.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::time::Duration;

use futures_util::stream::{self, StreamExt, TryStreamExt};
use trawl_event::{TenantId, Timestamp};

use super::items::{
    BEFORE, CHECKPOINTS, LAST, MARKERS, Stored, TENANTS, checkpoint_of, day_name, day_prefix, days, marker_entry,
    marker_of, segments, stored_of, texts_of,
};
use super::{AT_ONCE, AwsCatalog, resolve};
use crate::aws::pause;
use crate::aws::table::{Item, damaged, key, text_of};
use crate::ports::{Position, Result, SegmentRow, ShardId, Snapshot, StoreError};

/// How often a read that is not of one moment is done.
const ATTEMPTS: u32 = 10;

/// How far the shards are.
#[derive(Default)]
struct Moment {
    checkpoints: BTreeMap<ShardId, Position>,
    /// What the last commits added: keys of segments, and markers.
    added: BTreeSet<String>,
}

/// The sets of rows that markers name, by the markers' sort keys.
pub(super) type Committed = HashMap<String, String>;

/// Whether a row was committed, as far as that needs a marker.
pub(super) fn is_committed(stored: &Stored, committed: &Committed) -> bool {
    let set = || committed.get(&marker_of(&stored.row)?);
    stored.staged.is_empty() || set().is_some_and(|set| stored.staged.contains(set))
}

impl AwsCatalog {
    pub(super) async fn one_moment(&self, tenant: &TenantId, from: Timestamp, to: Timestamp) -> Result<Snapshot> {
        let (first, last) = (day_name(from.day()), day_name(to.day()));
        for attempt in 0..ATTEMPTS {
            if attempt > 0 {
                pause(Duration::from_millis(20), Duration::from_secs(1), attempt).await;
            }
            // Before the rows: see the module `resolve`.
            let moment = self.moment().await?;
            let Some(mut segments) = self.rows(tenant, Some((&first, &last)), Some(&moment)).await? else { continue };
            segments.retain(|row| row.first < to && row.last >= from);
            segments.sort_unstable_by(|one, other| one.key.cmp(&other.key));
            return Ok(Snapshot { checkpoints: moment.checkpoints, segments });
        }
        let message = format!("table {}: rows that the checkpoints name are not there", self.table.name);
        Err(StoreError::Transient(message))
    }

    /// What is live, as far as one read of each day meets it.
    pub(super) async fn live_of(&self, tenant: &TenantId) -> Result<Vec<SegmentRow>> {
        Ok(self.rows(tenant, None, None).await?.unwrap_or_default())
    }

    async fn moment(&self) -> Result<Moment> {
        let mut moment = Moment::default();
        for item in self.table.query(CHECKPOINTS, None).await? {
            moment.checkpoints.insert(ShardId(text_of(&item, "sk")?.to_owned()), checkpoint_of(&item)?);
            moment.added.extend(texts_of(&item, LAST)?);
            moment.added.extend(texts_of(&item, BEFORE)?);
        }
        Ok(moment)
    }

    /// The rows that count on some days of a tenant; `None` when not all were met that the moment names.
    async fn rows(
        &self,
        tenant: &TenantId,
        range: Option<(&str, &str)>,
        moment: Option<&Moment>,
    ) -> Result<Option<Vec<SegmentRow>>> {
        let days = self.table.query(&days(tenant), range).await?;
        let days: Vec<&str> = days.iter().map(|item| text_of(item, "sk")).collect::<Result<_>>()?;
        let reads: Vec<_> = days.into_iter().map(|day| self.rows_of_day(tenant, day, moment)).collect();
        let rows: Vec<Option<Vec<Stored>>> = stream::iter(reads).buffered(AT_ONCE).try_collect().await?;
        let rows: Option<Vec<Vec<Stored>>> = rows.into_iter().collect();
        Ok(rows.map(|rows| rows.into_iter().flatten().map(|stored| stored.row).collect()))
    }

    async fn rows_of_day(&self, tenant: &TenantId, day: &str, moment: Option<&Moment>) -> Result<Option<Vec<Stored>>> {
        let items = self.table.query(&segments(tenant, day), None).await?;
        let stored: Vec<Stored> = items.iter().map(stored_of).collect::<Result<_>>()?;
        let committed = self.committed(&stored).await?;
        if moment.is_some_and(|moment| !is_met(&moment.added, &day_prefix(tenant, day), &stored, &committed)) {
            return Ok(None);
        }
        let checkpoints = moment.map(|moment| &moment.checkpoints);
        Ok(Some(resolve::resolve(stored, checkpoints, |stored| is_committed(stored, &committed))))
    }

    /// The markers that there are for the staged ones among some rows.
    pub(super) async fn committed(&self, rows: &[Stored]) -> Result<Committed> {
        let staged = rows.iter().filter(|stored| !stored.staged.is_empty());
        let staged: BTreeSet<String> = staged.filter_map(|stored| marker_of(&stored.row)).collect();
        let markers = self.table.get_all(staged.into_iter().map(|marker| key(MARKERS, marker)).collect()).await?;
        markers.iter().map(|item| Ok((text_of(item, "sk")?.to_owned(), text_of(item, "rows")?.to_owned()))).collect()
    }

    pub(super) async fn tenants(&self) -> Result<Vec<TenantId>> {
        let items = self.table.query(TENANTS, None).await?;
        let tenant = |item: &Item| text_of(item, "sk")?.parse().map_err(|_| damaged(item, "sk"));
        items.iter().map(tenant).collect()
    }
}

/// Whether a read of a day met what was `added` to it, by names with the day's prefix, and the markers of its rows.
fn is_met(added: &BTreeSet<String>, prefix: &str, stored: &[Stored], committed: &Committed) -> bool {
    let met: HashSet<&str> = stored.iter().map(|stored| stored.row.key.as_str()).collect();
    let mut wanted = added.range(prefix.to_owned()..).take_while(|name| name.starts_with(prefix));
    let staged = stored.iter().filter(|stored| !stored.staged.is_empty());
    let mut markers = staged.filter_map(|stored| marker_of(&stored.row));
    wanted.all(|name| met.contains(name.as_str()))
        && markers.all(|marker| committed.contains_key(&marker) || !added.contains(&marker_entry(&marker)))
}
