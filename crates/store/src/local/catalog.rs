//! The catalog in SQLite (WAL, `synchronous=FULL`: a commit is durable when it returns).
//!
//! ```text
//! segments     one row per segment, live or retired
//!   key TEXT PK · tenant TEXT · day INT (days since 1970) · first, last, created INT (ns since 1970)
//!   events, raw_bytes, size_bytes, footer_offset, directory_bytes, index_bytes INT · zones TEXT (JSON)
//!   shard TEXT, after, upto BLOB     where the events came from; all NULL after a compaction
//!   retired INT                      NULL while live, else when it was retired (ns)
//! checkpoints  shard TEXT PK · position BLOB
//! claims       turn INT PK · (tenant TEXT, batch BLOB, shard TEXT, position BLOB, ordinal INT) unique · arrived INT (ns)
//! counters     name TEXT PK · value INT
//! ```
//! Positions are blobs of 24 bytes, big endian; batches of 16. A key is committed once: a commit or
//! replacement that adds a key which is there already, live or retired, is an error, because its
//! object may be about to be deleted.

use std::path::Path;

use rusqlite::{OptionalExtension, Row, Transaction, named_params, params};
use trawl_event::timestamp::Day;
use trawl_event::{TenantId, Timestamp};

use super::sqlite::{Database, Schema, count, count_at, failed, parsed, position_at, position_blob};
use crate::ports::{
    Catalog, Claim, Commit, CommitOutcome, Origin, Place, Position, Replacement, Result, Retired, SegmentKey,
    SegmentRow, ShardId, Snapshot, StoreError, Totals,
};

const SCHEMA: Schema = Schema {
    name: "catalog",
    application_id: i32::from_be_bytes(*b"TrwC"),
    version: 3,
    synchronous: "FULL",
    create: "
        CREATE TABLE segments (
            key TEXT PRIMARY KEY,
            tenant TEXT NOT NULL,
            day INTEGER NOT NULL,
            first INTEGER NOT NULL,
            last INTEGER NOT NULL,
            events INTEGER NOT NULL,
            raw_bytes INTEGER NOT NULL,
            size_bytes INTEGER NOT NULL,
            footer_offset INTEGER NOT NULL,
            directory_bytes INTEGER NOT NULL,
            index_bytes INTEGER NOT NULL,
            zones TEXT NOT NULL,
            created INTEGER NOT NULL,
            shard TEXT,
            after BLOB,
            upto BLOB,
            retired INTEGER
        ) STRICT, WITHOUT ROWID;
        CREATE INDEX live_segments ON segments (tenant, last) WHERE retired IS NULL;
        CREATE INDEX retired_segments ON segments (retired) WHERE retired IS NOT NULL;
        CREATE TABLE checkpoints (shard TEXT PRIMARY KEY, position BLOB NOT NULL) STRICT, WITHOUT ROWID;
        CREATE TABLE claims (
            turn INTEGER PRIMARY KEY,
            tenant TEXT NOT NULL,
            batch BLOB NOT NULL,
            shard TEXT NOT NULL,
            position BLOB NOT NULL,
            ordinal INTEGER NOT NULL,
            arrived INTEGER NOT NULL,
            UNIQUE (tenant, batch, shard, position, ordinal)
        ) STRICT;
        CREATE INDEX claims_by_arrival ON claims (arrived);
        CREATE TABLE counters (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID;
    ",
};

/// The counter of dead letters over all tenants.
const DEAD_LETTERS: &str = "dead_letters";

/// Columns in the order that [`segment_of`] reads them.
const SEGMENT_COLUMNS: &str = "key, tenant, day, first, last, events, raw_bytes, size_bytes, footer_offset, directory_bytes, index_bytes, zones, created, shard, after, upto";

/// The catalog in a file.
#[derive(Debug)]
pub struct LocalCatalog {
    database: Database,
}

impl LocalCatalog {
    /// Opens the catalog in this file, or begins one.
    ///
    /// # Errors
    /// `Permanent` when the file is no catalog or one of an unknown version.
    pub fn open(path: &Path) -> Result<Self> {
        Ok(Self { database: Database::open(path, &SCHEMA)? })
    }
}

impl Catalog for LocalCatalog {
    async fn checkpoint(&self, shard: &ShardId) -> Result<Position> {
        self.database.read(|transaction| checkpoint(transaction, shard))
    }

    async fn claim(&self, claims: Vec<Claim>) -> Result<Vec<Vec<Place>>> {
        if claims.is_empty() {
            return Ok(Vec::new());
        }
        let earlier = self.database.write(|transaction| {
            let earlier = claims.iter().map(|claim| places_before(transaction, claim));
            earlier.collect::<rusqlite::Result<Vec<_>>>().map(Some).map_err(failed)
        });
        earlier.map(Option::unwrap_or_default)
    }

    async fn commit(&self, commit: Commit) -> Result<CommitOutcome> {
        let committed = self.database.write(|transaction| {
            if checkpoint(transaction, &commit.shard)? != commit.expected {
                return Ok(None);
            }
            commit.segments.iter().try_for_each(|row| add(transaction, row))?;
            let sql = "INSERT INTO checkpoints VALUES (?1, ?2) ON CONFLICT DO UPDATE SET position = excluded.position";
            let mut statement = transaction.prepare_cached(sql).map_err(failed)?;
            statement.execute(params![commit.shard.0, position_blob(commit.next)]).map_err(failed)?;
            if commit.dead_letters > 0 {
                let sql =
                    "INSERT INTO counters VALUES (?1, ?2) ON CONFLICT DO UPDATE SET value = value + excluded.value";
                let mut statement = transaction.prepare_cached(sql).map_err(failed)?;
                statement.execute(params![DEAD_LETTERS, count(commit.dead_letters)?]).map_err(failed)?;
            }
            Ok(Some(()))
        });
        committed.map(outcome)
    }

    async fn snapshot(&self, tenant: &TenantId, from: Timestamp, to: Timestamp) -> Result<Snapshot> {
        self.database.read(|transaction| {
            let mut statement =
                transaction.prepare_cached("SELECT shard, position FROM checkpoints").map_err(failed)?;
            let rows =
                statement.query_map([], |row| Ok((ShardId(row.get(0)?), position_at(row, 1)?))).map_err(failed)?;
            let checkpoints = rows.collect::<rusqlite::Result<_>>().map_err(failed)?;
            let sql = format!(
                "SELECT {SEGMENT_COLUMNS} FROM segments
                 WHERE retired IS NULL AND tenant = ?1 AND last >= ?2 AND first < ?3 ORDER BY key"
            );
            let segments = segments(transaction, &sql, params![tenant.as_str(), from.0, to.0])?;
            Ok(Snapshot { checkpoints, segments })
        })
    }

    async fn live(&self) -> Result<Vec<SegmentRow>> {
        let sql = format!("SELECT {SEGMENT_COLUMNS} FROM segments WHERE retired IS NULL ORDER BY tenant, day, key");
        self.database.read(|transaction| segments(transaction, &sql, []))
    }

    async fn replace(&self, replacement: Replacement) -> Result<CommitOutcome> {
        let replaced = self.database.write(|transaction| {
            let sql = "UPDATE segments SET retired = ?2 WHERE key = ?1 AND retired IS NULL";
            let mut statement = transaction.prepare_cached(sql).map_err(failed)?;
            for key in &replacement.retire {
                if statement.execute(params![key.as_str(), replacement.at.0]).map_err(failed)? == 0 {
                    return Ok(None);
                }
            }
            replacement.add.iter().try_for_each(|row| add(transaction, row))?;
            Ok(Some(()))
        });
        replaced.map(outcome)
    }

    async fn retired(&self) -> Result<Vec<Retired>> {
        self.database.read(|transaction| {
            let sql = "SELECT key, retired FROM segments WHERE retired IS NOT NULL ORDER BY retired, key";
            let mut statement = transaction.prepare_cached(sql).map_err(failed)?;
            let retired = |row: &Row<'_>| Ok(Retired { key: key_at(row, 0)?, at: Timestamp(row.get(1)?) });
            statement.query_map([], retired).map_err(failed)?.collect::<rusqlite::Result<_>>().map_err(failed)
        })
    }

    async fn forget(&self, keys: &[SegmentKey]) -> Result<()> {
        let forgotten = self.database.write(|transaction| {
            // A live row stays, whoever asks.
            let sql = "DELETE FROM segments WHERE key = ?1 AND retired IS NOT NULL";
            let mut statement = transaction.prepare_cached(sql).map_err(failed)?;
            for key in keys {
                statement.execute([key.as_str()]).map_err(failed)?;
            }
            Ok(Some(()))
        });
        forgotten?;
        self.database.empty_log()
    }

    async fn forget_claims(&self, before: Timestamp) -> Result<()> {
        let forgotten = self.database.write(|transaction| {
            let mut statement = transaction.prepare_cached("DELETE FROM claims WHERE arrived < ?1").map_err(failed)?;
            statement.execute([before.0]).map(Some).map_err(failed)
        });
        forgotten.map(drop)
    }

    async fn totals(&self, tenant: &TenantId) -> Result<Totals> {
        let sql = "SELECT count(*), coalesce(sum(events), 0), coalesce(sum(size_bytes), 0),
                          coalesce(sum(index_bytes), 0), coalesce(sum(raw_bytes), 0),
                          coalesce((SELECT value FROM counters WHERE name = ?2), 0)
                   FROM segments WHERE retired IS NULL AND tenant = ?1";
        self.database.read(|transaction| {
            let mut statement = transaction.prepare_cached(sql).map_err(failed)?;
            let totals = |row: &Row<'_>| {
                Ok(Totals {
                    segments: count_at(row, 0)?,
                    events: count_at(row, 1)?,
                    stored_bytes: count_at(row, 2)?,
                    index_bytes: count_at(row, 3)?,
                    raw_bytes: count_at(row, 4)?,
                    dead_letters: count_at(row, 5)?,
                })
            };
            statement.query_row(params![tenant.as_str(), DEAD_LETTERS], totals).map_err(failed)
        })
    }
}

fn outcome(kept: Option<()>) -> CommitOutcome {
    if kept.is_some() { CommitOutcome::Committed } else { CommitOutcome::Conflict }
}

fn checkpoint(transaction: &Transaction<'_>, shard: &ShardId) -> Result<Position> {
    let read = || {
        let mut statement = transaction.prepare_cached("SELECT position FROM checkpoints WHERE shard = ?1")?;
        statement.query_row([&shard.0], |row| position_at(row, 0)).optional()
    };
    read().map(|found| found.unwrap_or(Position::START)).map_err(failed)
}

/// Claims a batch, if this place has not yet, and gives the places that did before.
fn places_before(transaction: &Transaction<'_>, claim: &Claim) -> rusqlite::Result<Vec<Place>> {
    let (tenant, batch, own) = (claim.tenant.as_str(), claim.batch.0.to_be_bytes(), claim.place());
    let sql = "INSERT INTO claims (tenant, batch, shard, position, ordinal, arrived)
               VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT DO NOTHING";
    let mut insert = transaction.prepare_cached(sql)?;
    insert.execute(params![tenant, batch, own.shard.0, position_blob(own.position), own.ordinal, claim.arrived.0])?;
    let sql = "SELECT shard, position, ordinal FROM claims WHERE tenant = ?1 AND batch = ?2 ORDER BY turn";
    let mut select = transaction.prepare_cached(sql)?;
    let place =
        |row: &Row<'_>| Ok(Place { shard: ShardId(row.get(0)?), position: position_at(row, 1)?, ordinal: row.get(2)? });
    let places = select.query_map(params![tenant, batch], place)?.collect::<rusqlite::Result<Vec<_>>>()?;
    Ok(places.into_iter().take_while(|place| *place != own).collect())
}

/// Adds a live row.
fn add(transaction: &Transaction<'_>, row: &SegmentRow) -> Result<()> {
    let (shard, after, upto) = match &row.origin {
        Origin::Stream { shard, after, upto } => {
            (Some(&shard.0), Some(position_blob(*after)), Some(position_blob(*upto)))
        }
        Origin::Compaction => (None, None, None),
    };
    let zones = serde_json::to_string(&row.zones);
    let zones = zones.map_err(|error| StoreError::Permanent(format!("the zones of {}: {error}", row.key)))?;
    let sql = "INSERT INTO segments VALUES (:key, :tenant, :day, :first, :last, :events, :raw_bytes, :size_bytes,
               :footer_offset, 
               :directory_bytes, :index_bytes, :zones, :created, :shard, :after, :upto, NULL) ON CONFLICT DO NOTHING";
    let mut statement = transaction.prepare_cached(sql).map_err(failed)?;
    let added = statement.execute(named_params! {
        ":key": row.key.as_str(),
        ":tenant": row.tenant.as_str(),
        ":day": row.day.0,
        ":first": row.first.0,
        ":last": row.last.0,
        ":events": count(row.events)?,
        ":raw_bytes": count(row.raw_bytes)?,
        ":size_bytes": count(row.size_bytes)?,
        ":footer_offset": count(row.footer_offset)?,
        ":directory_bytes": count(row.directory_bytes)?,
        ":index_bytes": count(row.index_bytes)?,
        ":zones": zones,
        ":created": row.created.0,
        ":shard": shard,
        ":after": after,
        ":upto": upto,
    });
    match added.map_err(failed)? {
        0 => Err(StoreError::Permanent(format!("{} is in the catalog already", row.key))),
        _ => Ok(()),
    }
}

fn segments(transaction: &Transaction<'_>, sql: &str, parameters: impl rusqlite::Params) -> Result<Vec<SegmentRow>> {
    let mut statement = transaction.prepare_cached(sql).map_err(failed)?;
    let rows = statement.query_map(parameters, segment_of).map_err(failed)?;
    rows.collect::<rusqlite::Result<_>>().map_err(failed)
}

/// Reads [`SEGMENT_COLUMNS`].
fn segment_of(row: &Row<'_>) -> rusqlite::Result<SegmentRow> {
    let origin = match row.get(13)? {
        Some(shard) => {
            Origin::Stream { shard: ShardId(shard), after: position_at(row, 14)?, upto: position_at(row, 15)? }
        }
        None => Origin::Compaction,
    };
    Ok(SegmentRow {
        key: key_at(row, 0)?,
        tenant: parsed(row, 1, |tenant| tenant.parse().ok())?,
        day: Day(row.get(2)?),
        first: Timestamp(row.get(3)?),
        last: Timestamp(row.get(4)?),
        events: count_at(row, 5)?,
        raw_bytes: count_at(row, 6)?,
        size_bytes: count_at(row, 7)?,
        footer_offset: count_at(row, 8)?,
        directory_bytes: count_at(row, 9)?,
        index_bytes: count_at(row, 10)?,
        zones: parsed(row, 11, |json| serde_json::from_str(&json).ok())?,
        created: Timestamp(row.get(12)?),
        origin,
    })
}

fn key_at(row: &Row<'_>, column: usize) -> rusqlite::Result<SegmentKey> {
    parsed(row, column, SegmentKey::from_listing)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::*;
    use crate::conformance;
    use crate::conformance::catalog::{first_commit, stream_segment};

    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn sqlite_behaves_as_a_catalog() {
        let dir = tempfile::tempdir().unwrap();
        let number = AtomicU64::new(0);
        conformance::catalog(async || {
            let path = dir.path().join(format!("{}.db", number.fetch_add(1, Ordering::Relaxed)));
            LocalCatalog::open(&path).unwrap()
        })
        .await;
    }

    #[tokio::test]
    async fn a_commit_survives_reopening_even_beside_another_process() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("catalog.db");
        let catalog = LocalCatalog::open(&path).unwrap();
        let other = LocalCatalog::open(&path).unwrap();
        let commit = first_commit(5, vec![stream_segment(1, 5)]);
        assert_eq!(catalog.commit(commit.clone()).await, Ok(CommitOutcome::Committed));
        assert_eq!(other.commit(commit.clone()).await, Ok(CommitOutcome::Conflict));
        drop(catalog);
        drop(other);
        let catalog = LocalCatalog::open(&path).unwrap();
        assert_eq!(catalog.live().await, Ok(commit.segments));
        assert_eq!(catalog.checkpoint(&commit.shard).await, Ok(Position::of(5)));
    }

    #[tokio::test]
    async fn a_key_is_committed_once() {
        let dir = tempfile::tempdir().unwrap();
        let catalog = LocalCatalog::open(&dir.path().join("catalog.db")).unwrap();
        let commit = first_commit(5, vec![stream_segment(1, 5)]);
        catalog.commit(commit.clone()).await.unwrap();
        let again = Commit { expected: Position::of(5), next: Position::of(6), ..commit.clone() };
        let refused = catalog.commit(again.clone()).await.unwrap_err();
        assert!(refused.to_string().ends_with("is in the catalog already"), "{refused}");
        let retire = vec![commit.segments[0].key.clone()];
        catalog.replace(Replacement { retire, add: vec![], at: Timestamp(9) }).await.unwrap();
        assert!(catalog.commit(again).await.is_err(), "its object may be deleted any moment");
        assert_eq!(catalog.checkpoint(&commit.shard).await, Ok(Position::of(5)));
    }
}
