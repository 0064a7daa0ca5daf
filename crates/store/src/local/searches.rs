//! Searches and their pages in SQLite, in a file of their own.
//!
//! ```text
//! searches  (tenant TEXT, id BLOB) PK · version INT · state BLOB · expires INT (ns since 1970)
//! pages     (tenant TEXT, id BLOB, page INT) PK · body BLOB
//! ```
//! `synchronous=NORMAL`: a write survives the loss of the process. A power cut may take the last
//! moments of a search with it; its caller asks again, and each step of a search is spared an fsync.

use std::path::Path;

use bytes::Bytes;
use rusqlite::{OptionalExtension, params};
use trawl_event::{TenantId, Timestamp};

use super::sqlite::{Database, Schema, count, count_at, failed};
use crate::ports::{Result, SearchId, Searches, Version};

const SCHEMA: Schema = Schema {
    name: "search store",
    application_id: i32::from_be_bytes(*b"TrwS"),
    version: 1,
    synchronous: "NORMAL",
    create: "
        CREATE TABLE searches (
            tenant TEXT NOT NULL,
            id BLOB NOT NULL,
            version INTEGER NOT NULL,
            state BLOB NOT NULL,
            expires INTEGER NOT NULL,
            PRIMARY KEY (tenant, id)
        ) STRICT;
        CREATE INDEX searches_by_expiry ON searches (expires);
        CREATE TABLE pages (
            tenant TEXT NOT NULL,
            id BLOB NOT NULL,
            page INTEGER NOT NULL,
            body BLOB NOT NULL,
            PRIMARY KEY (tenant, id, page)
        ) STRICT;
    ",
};

/// Searches in a file.
#[derive(Debug)]
pub struct LocalSearches {
    database: Database,
}

impl LocalSearches {
    /// Opens the searches in this file, or begins one.
    ///
    /// # Errors
    /// `Permanent` when the file is something else or of an unknown version.
    pub fn open(path: &Path) -> Result<Self> {
        Ok(Self { database: Database::open(path, &SCHEMA)? })
    }
}

impl Searches for LocalSearches {
    async fn put_state(
        &self,
        tenant: &TenantId,
        id: SearchId,
        expected: Option<Version>,
        state: Bytes,
        expires: Timestamp,
    ) -> Result<Option<Version>> {
        let (tenant, id) = (tenant.as_str(), id.0.to_be_bytes());
        self.database.write(|transaction| {
            let next = Version(expected.map_or(1, |version| version.0 + 1));
            let written = match expected {
                None => {
                    let sql = "INSERT INTO searches VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT DO NOTHING";
                    let mut statement = transaction.prepare_cached(sql).map_err(failed)?;
                    statement.execute(params![tenant, id, count(next.0)?, &*state, expires.0])
                }
                Some(version) => {
                    let sql = "UPDATE searches SET version = ?3, state = ?4, expires = ?5
                               WHERE tenant = ?1 AND id = ?2 AND version = ?6";
                    let mut statement = transaction.prepare_cached(sql).map_err(failed)?;
                    statement.execute(params![tenant, id, count(next.0)?, &*state, expires.0, count(version.0)?])
                }
            };
            Ok((written.map_err(failed)? == 1).then_some(next))
        })
    }

    async fn state(&self, tenant: &TenantId, id: SearchId) -> Result<Option<(Version, Bytes)>> {
        self.database.read(|transaction| {
            let sql = "SELECT version, state FROM searches WHERE tenant = ?1 AND id = ?2";
            let mut statement = transaction.prepare_cached(sql).map_err(failed)?;
            let found = statement.query_row(params![tenant.as_str(), id.0.to_be_bytes()], |row| {
                Ok((Version(count_at(row, 0)?), Bytes::from(row.get::<_, Vec<u8>>(1)?)))
            });
            found.optional().map_err(failed)
        })
    }

    async fn put_page(&self, tenant: &TenantId, id: SearchId, page: u32, body: Bytes) -> Result<()> {
        let written = self.database.write(|transaction| {
            let sql = "INSERT INTO pages VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO UPDATE SET body = excluded.body";
            let mut statement = transaction.prepare_cached(sql).map_err(failed)?;
            statement.execute(params![tenant.as_str(), id.0.to_be_bytes(), page, &*body]).map(Some).map_err(failed)
        });
        written.map(drop)
    }

    async fn page(&self, tenant: &TenantId, id: SearchId, page: u32) -> Result<Option<Bytes>> {
        self.database.read(|transaction| {
            let sql = "SELECT body FROM pages WHERE tenant = ?1 AND id = ?2 AND page = ?3";
            let mut statement = transaction.prepare_cached(sql).map_err(failed)?;
            let parameters = params![tenant.as_str(), id.0.to_be_bytes(), page];
            let body = statement.query_row(parameters, |row| row.get::<_, Vec<u8>>(0)).optional();
            body.map(|body| body.map(Bytes::from)).map_err(failed)
        })
    }

    /// Also removes pages of searches that have no state: one that ran on after its search expired
    /// may have left them.
    async fn remove_expired(&self, now: Timestamp) -> Result<()> {
        let removed = self.database.write(|transaction| {
            transaction.execute("DELETE FROM searches WHERE expires < ?1", [now.0]).map_err(failed)?;
            let sql = "DELETE FROM pages WHERE NOT EXISTS
                       (SELECT 1 FROM searches WHERE searches.tenant = pages.tenant AND searches.id = pages.id)";
            transaction.execute(sql, []).map(Some).map_err(failed)
        });
        removed.map(drop)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::*;
    use crate::conformance;

    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn sqlite_behaves_as_a_search_store() {
        let dir = tempfile::tempdir().unwrap();
        let number = AtomicU64::new(0);
        conformance::searches(async || {
            let path = dir.path().join(format!("{}.db", number.fetch_add(1, Ordering::Relaxed)));
            LocalSearches::open(&path).unwrap()
        })
        .await;
    }

    #[tokio::test]
    async fn searches_survive_reopening() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("searches.db");
        let (tenant, id) = (TenantId::default_tenant(), SearchId(3));
        let searches = LocalSearches::open(&path).unwrap();
        searches.put_state(&tenant, id, None, Bytes::from_static(b"s"), Timestamp(9)).await.unwrap();
        searches.put_page(&tenant, id, 0, Bytes::from_static(b"p")).await.unwrap();
        drop(searches);
        let searches = LocalSearches::open(&path).unwrap();
        assert_eq!(searches.state(&tenant, id).await, Ok(Some((Version(1), Bytes::from_static(b"s")))));
        assert_eq!(searches.page(&tenant, id, 0).await, Ok(Some(Bytes::from_static(b"p"))));
    }
}
