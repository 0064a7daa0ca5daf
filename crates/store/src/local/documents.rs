//! Documents in SQLite, in a file of their own.
//!
//! ```text
//! documents  (kind TEXT, tenant TEXT, name TEXT) PK · version INT · body BLOB · expires INT (ns since 1970)
//! ```
//! `synchronous=FULL`: a key that was revoked stays revoked after a power cut. Several processes may have the file
//! open: `trawl key create --data` writes beside a running server.

use std::path::Path;

use bytes::Bytes;
use rusqlite::{OptionalExtension, params};
use trawl_event::{TenantId, Timestamp};

use super::sqlite::{Database, Schema, count, count_at, failed, parsed};
use crate::ports::documents::check;
use crate::ports::{Document, DocumentKey, Documents, Kind, Result, Version};

const SCHEMA: Schema = Schema {
    name: "document store",
    application_id: i32::from_be_bytes(*b"TrwD"),
    version: 1,
    synchronous: "FULL",
    create: "
        CREATE TABLE documents (
            kind TEXT NOT NULL,
            tenant TEXT NOT NULL,
            name TEXT NOT NULL,
            version INTEGER NOT NULL,
            body BLOB NOT NULL,
            expires INTEGER NOT NULL,
            PRIMARY KEY (kind, tenant, name)
        ) STRICT;
        CREATE INDEX documents_by_expiry ON documents (expires);
    ",
};

/// Documents in a file.
#[derive(Debug)]
pub struct LocalDocuments {
    database: Database,
}

impl LocalDocuments {
    /// Opens the documents in this file, or begins one.
    ///
    /// # Errors
    /// `Permanent` when the file is something else or of an unknown version.
    pub fn open(path: &Path) -> Result<Self> {
        Ok(Self { database: Database::open(path, &SCHEMA)? })
    }
}

impl Documents for LocalDocuments {
    async fn put_document(
        &self,
        key: &DocumentKey,
        expected: Option<Version>,
        body: Bytes,
        expires: Timestamp,
    ) -> Result<Option<Version>> {
        check(key, body.len())?;
        let (kind, tenant, name) = (key.kind.as_str(), key.tenant_text(), key.name.as_str());
        self.database.write(|transaction| {
            let next = Version(expected.map_or(1, |version| version.0 + 1));
            let written = match expected {
                None => {
                    let sql = "INSERT INTO documents VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT DO NOTHING";
                    let mut statement = transaction.prepare_cached(sql).map_err(failed)?;
                    statement.execute(params![kind, tenant, name, count(next.0)?, &*body, expires.0])
                }
                Some(version) => {
                    let sql = "UPDATE documents SET version = ?4, body = ?5, expires = ?6
                               WHERE kind = ?1 AND tenant = ?2 AND name = ?3 AND version = ?7";
                    let mut statement = transaction.prepare_cached(sql).map_err(failed)?;
                    let version = count(version.0)?;
                    statement.execute(params![kind, tenant, name, count(next.0)?, &*body, expires.0, version])
                }
            };
            Ok((written.map_err(failed)? == 1).then_some(next))
        })
    }

    async fn document(&self, key: &DocumentKey) -> Result<Option<(Version, Bytes)>> {
        self.database.read(|transaction| {
            let sql = "SELECT version, body FROM documents WHERE kind = ?1 AND tenant = ?2 AND name = ?3";
            let mut statement = transaction.prepare_cached(sql).map_err(failed)?;
            let found = statement.query_row(params![key.kind.as_str(), key.tenant_text(), key.name], |row| {
                Ok((Version(count_at(row, 0)?), Bytes::from(row.get::<_, Vec<u8>>(1)?)))
            });
            found.optional().map_err(failed)
        })
    }

    async fn documents(&self, kind: Kind, tenant: Option<&TenantId>) -> Result<Vec<Document>> {
        self.database.read(|transaction| {
            let sql = "SELECT tenant, name, version, body FROM documents
                       WHERE kind = ?1 AND (?2 IS NULL OR tenant = ?2) ORDER BY tenant, name";
            let mut statement = transaction.prepare_cached(sql).map_err(failed)?;
            let rows = statement.query_map(params![kind.as_str(), tenant.map(TenantId::as_str)], |row| {
                let tenant = parsed(row, 0, |text| match text.as_str() {
                    "" => Some(None),
                    name => name.parse().ok().map(Some),
                })?;
                let key = DocumentKey { kind, tenant, name: row.get(1)? };
                Ok(Document { key, version: Version(count_at(row, 2)?), body: Bytes::from(row.get::<_, Vec<u8>>(3)?) })
            });
            rows.map_err(failed)?.collect::<rusqlite::Result<_>>().map_err(failed)
        })
    }

    async fn remove_expired_documents(&self, now: Timestamp) -> Result<()> {
        let removed = self.database.write(|transaction| {
            transaction.execute("DELETE FROM documents WHERE expires < ?1", [now.0]).map(Some).map_err(failed)
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
    async fn sqlite_behaves_as_a_document_store() {
        let dir = tempfile::tempdir().unwrap();
        let number = AtomicU64::new(0);
        conformance::documents(async || {
            let path = dir.path().join(format!("{}.db", number.fetch_add(1, Ordering::Relaxed)));
            LocalDocuments::open(&path).unwrap()
        })
        .await;
    }

    #[tokio::test]
    async fn two_processes_share_the_file() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("documents.db");
        let (one, other) = (LocalDocuments::open(&path).unwrap(), LocalDocuments::open(&path).unwrap());
        let key = DocumentKey::api_key("a");
        let first = one.put_document(&key, None, Bytes::from_static(b"1"), Timestamp::MAX).await.unwrap();
        assert_eq!(other.document(&key).await, Ok(first.map(|version| (version, Bytes::from_static(b"1")))));
        assert!(other.put_document(&key, first, Bytes::from_static(b"2"), Timestamp::MAX).await.unwrap().is_some());
        assert_eq!(one.put_document(&key, first, Bytes::from_static(b"3"), Timestamp::MAX).await, Ok(None));
    }
}
