//! Object storage: S3, or files.

use std::future::Future;
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use trawl_event::Timestamp;

use super::{Result, StoreError};

/// Refuses what is no key, alike in every adapter: parts between slashes that are empty, `.` or `..`, and NUL.
///
/// # Errors
/// `Permanent`, naming the key.
pub fn check_key(key: &str) -> Result<()> {
    let usable = |part: &str| !part.is_empty() && part != "." && part != ".." && !part.contains('\0');
    if key.split('/').all(usable) {
        return Ok(());
    }
    Err(StoreError::Permanent(format!("{key:?} is not an object key")))
}

/// Refuses what no key can begin with. A prefix may end anywhere in a part.
///
/// # Errors
/// `Permanent`, naming the prefix.
pub fn check_prefix(prefix: &str) -> Result<()> {
    match prefix.rsplit_once('/') {
        Some((parts, _)) => check_key(parts)
            .map_err(|_| StoreError::Permanent(format!("{prefix:?} is not the beginning of an object key"))),
        None => Ok(()),
    }
}

/// What a conditional put did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Put {
    /// The object is new.
    Created,
    /// An object of this key was there already and is left as it was.
    Existed,
}

/// What a listing says of an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectMeta {
    /// Its key.
    pub key: String,
    /// Its size in bytes.
    pub size_bytes: u64,
    /// When it was written.
    pub modified: Timestamp,
}

/// Objects by key. Keys are `/`-separated; no part is empty, `.` or `..`.
pub trait Objects: Send + Sync {
    /// Writes an object unless there is one of that key. Whole or not at all, and durable on return.
    fn put_if_absent(&self, key: &str, body: Bytes) -> impl Future<Output = Result<Put>> + Send;

    /// Writes an object, in place of one that may be there.
    fn put(&self, key: &str, body: Bytes) -> impl Future<Output = Result<()>> + Send;

    /// A whole object; `None` when there is none.
    fn get(&self, key: &str) -> impl Future<Output = Result<Option<Bytes>>> + Send;

    /// Byte ranges of an object, in the order asked; `None` when there is no such object.
    /// A range beyond the end is an error. Adapters fetch them in parallel.
    fn get_ranges(&self, key: &str, ranges: &[Range<u64>]) -> impl Future<Output = Result<Option<Vec<Bytes>>>> + Send;

    /// Removes an object; no error when there is none.
    fn delete(&self, key: &str) -> impl Future<Output = Result<()>> + Send;

    /// Every object whose key begins with `prefix`, by key.
    fn list(&self, prefix: &str) -> impl Future<Output = Result<Vec<ObjectMeta>>> + Send;
}

impl<T: Objects> Objects for Arc<T> {
    fn put_if_absent(&self, key: &str, body: Bytes) -> impl Future<Output = Result<Put>> + Send {
        (**self).put_if_absent(key, body)
    }

    fn put(&self, key: &str, body: Bytes) -> impl Future<Output = Result<()>> + Send {
        (**self).put(key, body)
    }

    fn get(&self, key: &str) -> impl Future<Output = Result<Option<Bytes>>> + Send {
        (**self).get(key)
    }

    fn get_ranges(&self, key: &str, ranges: &[Range<u64>]) -> impl Future<Output = Result<Option<Vec<Bytes>>>> + Send {
        (**self).get_ranges(key, ranges)
    }

    fn delete(&self, key: &str) -> impl Future<Output = Result<()>> + Send {
        (**self).delete(key)
    }

    fn list(&self, prefix: &str) -> impl Future<Output = Result<Vec<ObjectMeta>>> + Send {
        (**self).list(prefix)
    }
}
