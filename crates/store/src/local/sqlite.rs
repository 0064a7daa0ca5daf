//! What the SQLite adapters share: opening, schema versions, column types, what errors mean.
//!
//! Each file has a writer and a reader connection behind a mutex of their own. In WAL mode a
//! reader sees the last commit before its transaction began and is not held up by the writer.

use std::path::Path;
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use rusqlite::types::Type;
use rusqlite::{Connection, ErrorCode, Row, Transaction, TransactionBehavior};

use super::{create_dirs, io_error, lock};
use crate::ports::{Position, Result, StoreError};

/// How long a call waits while another process writes the same file.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// Prepared statements kept per connection: all that an adapter has.
const STATEMENTS: usize = 32;

/// What a file of ours looks like.
pub struct Schema {
    /// What the file is for, as errors call it.
    pub name: &'static str,
    /// Stands in the file's `application_id`, so that no other file is taken for one of ours.
    pub application_id: i32,
    /// Stands in the file's `user_version`.
    pub version: i32,
    /// Makes the tables of an empty file.
    pub create: &'static str,
    /// `FULL`: a commit survives a power cut. `NORMAL`: it survives the loss of the process.
    pub synchronous: &'static str,
}

/// An open file.
#[derive(Debug)]
pub struct Database {
    writer: Mutex<Connection>,
    reader: Mutex<Connection>,
}

impl Database {
    /// Opens the file, or makes it.
    pub fn open(path: &Path, schema: &Schema) -> Result<Self> {
        let dir = path.parent().unwrap_or(Path::new(""));
        create_dirs(dir).map_err(|error| io_error("cannot create", dir, &error))?;
        let mut writer = connect(path, schema)?;
        prepare(&mut writer, path, schema)?;
        let reader = connect(path, schema)?;
        Ok(Self { writer: Mutex::new(writer), reader: Mutex::new(reader) })
    }

    /// Runs `work` in a transaction that has the write lock from the start; commits what `work`
    /// says is to be kept (`Some`), else leaves everything as it was.
    pub fn write<T>(&self, work: impl FnOnce(&Transaction<'_>) -> Result<Option<T>>) -> Result<Option<T>> {
        let mut connection = lock(&self.writer);
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(failed)?;
        let outcome = work(&transaction)?;
        if outcome.is_some() {
            transaction.commit().map_err(failed)?;
        }
        Ok(outcome)
    }

    /// Moves what the log holds into the file, and empties the log, so that what was removed is in neither.
    pub fn empty_log(&self) -> Result<()> {
        let connection = lock(&self.writer);
        connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).map_err(failed)
    }

    /// Runs `work` in a transaction that sees one moment.
    pub fn read<T>(&self, work: impl FnOnce(&Transaction<'_>) -> Result<T>) -> Result<T> {
        let mut connection: MutexGuard<'_, Connection> = lock(&self.reader);
        let transaction = connection.transaction().map_err(failed)?;
        work(&transaction)
    }
}

fn connect(path: &Path, schema: &Schema) -> Result<Connection> {
    let open = || {
        let connection = Connection::open(path)?;
        connection.busy_timeout(BUSY_TIMEOUT)?;
        // What is removed is overwritten: rows know values of events, which may have been deleted for good.
        connection.pragma_update(None, "secure_delete", "ON")?;
        connection.set_prepared_statement_cache_capacity(STATEMENTS);
        Ok(connection)
    };
    open().map_err(|error| not_opened(path, schema, &error))
}

/// Checks whose file it is and makes the tables of an empty one.
fn prepare(connection: &mut Connection, path: &Path, schema: &Schema) -> Result<()> {
    let mut versions = || {
        // First, because it fails on a file that is no database before anything is written to it.
        let tables: i64 = connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", schema.synchronous)?;
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        if tables == 0 {
            transaction.execute_batch(schema.create)?;
            transaction.pragma_update(None, "application_id", schema.application_id)?;
            transaction.pragma_update(None, "user_version", schema.version)?;
        }
        let application_id: i32 = transaction.pragma_query_value(None, "application_id", |row| row.get(0))?;
        let version: i32 = transaction.pragma_query_value(None, "user_version", |row| row.get(0))?;
        transaction.commit()?;
        Ok((application_id, version))
    };
    let (application_id, version) = versions().map_err(|error| not_opened(path, schema, &error))?;
    let (name, known, path) = (schema.name, schema.version, path.display());
    if application_id != schema.application_id {
        return Err(StoreError::Permanent(format!("{path} is not a {name}")));
    }
    if version != known {
        let text = format!("{path}: {name} of version {version} is not known to this program, which reads {known}");
        return Err(StoreError::Permanent(text));
    }
    Ok(())
}

fn not_opened(path: &Path, schema: &Schema, error: &rusqlite::Error) -> StoreError {
    let (name, path) = (schema.name, path.display());
    with_text(error, format!("cannot open the {name} {path}: {error}"))
}

/// What an SQLite error means to a caller.
pub fn failed(error: rusqlite::Error) -> StoreError {
    with_text(&error, error.to_string())
}

fn with_text(error: &rusqlite::Error, text: String) -> StoreError {
    match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => StoreError::Throttled(text),
        Some(
            ErrorCode::DiskFull | ErrorCode::SystemIoFailure | ErrorCode::OutOfMemory | ErrorCode::OperationInterrupted,
        ) => StoreError::Transient(text),
        _ => StoreError::Permanent(text),
    }
}

/// A position as 24 bytes, big endian: sorts as the position.
pub fn position_blob(position: Position) -> [u8; 24] {
    let mut blob = [0; 24];
    for (bytes, part) in blob.chunks_exact_mut(8).zip(position.0) {
        bytes.copy_from_slice(&part.to_be_bytes());
    }
    blob
}

/// The position in a column.
pub fn position_at(row: &Row<'_>, column: usize) -> rusqlite::Result<Position> {
    let blob: [u8; 24] = row.get(column)?;
    let mut parts = [0; 3];
    for (part, bytes) in parts.iter_mut().zip(blob.as_chunks().0) {
        *part = u64::from_be_bytes(*bytes);
    }
    Ok(Position(parts))
}

/// A count in a column: SQLite's integers have a sign, a count never has.
pub fn count_at(row: &Row<'_>, column: usize) -> rusqlite::Result<u64> {
    let count: i64 = row.get(column)?;
    u64::try_from(count).map_err(|_| rusqlite::Error::IntegralValueOutOfRange(column, count))
}

/// A count for a column.
pub fn count(count: u64) -> Result<i64> {
    i64::try_from(count).map_err(|_| StoreError::Permanent(format!("{count} is more than a column holds")))
}

/// Text in a column as a type that checks it.
pub fn parsed<T>(row: &Row<'_>, column: usize, parse: impl FnOnce(String) -> Option<T>) -> rusqlite::Result<T> {
    let wrong = || rusqlite::Error::InvalidColumnType(column, "not as it was written".into(), Type::Text);
    parse(row.get(column)?).ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SCHEMA: Schema = Schema {
        name: "thing",
        application_id: 7,
        version: 2,
        create: "CREATE TABLE things (position BLOB)",
        synchronous: "FULL",
    };

    #[test]
    fn files_of_others_and_unknown_versions_are_refused_unchanged() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x/y/file");
        Database::open(&path, &SCHEMA).unwrap();
        Database::open(&path, &SCHEMA).unwrap();
        let newer = Database::open(&path, &Schema { version: 3, ..SCHEMA }).unwrap_err();
        assert!(newer.to_string().contains("thing of version 2 is not known"), "{newer}");
        let other = Database::open(&path, &Schema { application_id: 8, ..SCHEMA }).unwrap_err();
        assert!(other.to_string().ends_with("is not a thing"), "{other}");
        let text = dir.path().join("text");
        std::fs::write(&text, "no database, but long enough to be taken for one at first sight").unwrap();
        assert!(matches!(Database::open(&text, &SCHEMA), Err(StoreError::Permanent(_))));
        assert!(std::fs::read_to_string(&text).unwrap().starts_with("no database"));
        Database::open(&path, &SCHEMA).unwrap();
    }

    #[test]
    fn a_transaction_that_keeps_nothing_changes_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let database = Database::open(&dir.path().join("file"), &SCHEMA).unwrap();
        let insert = |keep: bool| {
            database.write(|transaction| {
                transaction.execute("INSERT INTO things VALUES (x'00')", []).map_err(failed)?;
                Ok(keep.then_some(()))
            })
        };
        let count = || {
            database.read(|transaction| {
                transaction.query_row("SELECT count(*) FROM things", [], |row| row.get::<_, i64>(0)).map_err(failed)
            })
        };
        assert_eq!(insert(false), Ok(None));
        assert_eq!(count(), Ok(0));
        assert_eq!(insert(true), Ok(Some(())));
        assert_eq!(count(), Ok(1));
    }

    proptest! {
        #[test]
        fn positions_sort_as_their_blobs(left: [u64; 3], right: [u64; 3]) {
            let (left, right) = (Position(left), Position(right));
            prop_assert_eq!(left.cmp(&right), position_blob(left).cmp(&position_blob(right)));
        }
    }
}
