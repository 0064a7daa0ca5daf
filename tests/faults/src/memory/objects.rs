//! Objects in memory.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Mutex;
use std::sync::atomic::Ordering;

use bytes::Bytes;
use trawl_event::Timestamp;
use trawl_store::ports::{ObjectMeta, Objects, Put, Result, StoreError};

use super::lock;
use crate::world::StoreTime;

/// Objects by key.
pub struct MemoryObjects {
    time: StoreTime,
    objects: Mutex<BTreeMap<String, (Bytes, Timestamp)>>,
}

impl MemoryObjects {
    /// No objects.
    pub fn new(time: StoreTime) -> Self {
        Self { time, objects: Mutex::default() }
    }

    fn now(&self) -> Timestamp {
        Timestamp(self.time.load(Ordering::Relaxed))
    }
}

fn check(key: &str) -> Result<()> {
    let part = |part: &str| !matches!(part, "" | "." | "..") && !part.contains('\0');
    if key.split('/').all(part) { Ok(()) } else { Err(StoreError::Permanent(format!("{key:?} is no key"))) }
}

impl Objects for MemoryObjects {
    async fn put_if_absent(&self, key: &str, body: Bytes) -> Result<Put> {
        check(key)?;
        let mut objects = lock(&self.objects);
        if objects.contains_key(key) {
            return Ok(Put::Existed);
        }
        objects.insert(key.to_owned(), (body, self.now()));
        Ok(Put::Created)
    }

    async fn put(&self, key: &str, body: Bytes) -> Result<()> {
        check(key)?;
        lock(&self.objects).insert(key.to_owned(), (body, self.now()));
        Ok(())
    }

    async fn get(&self, key: &str) -> Result<Option<Bytes>> {
        check(key)?;
        Ok(lock(&self.objects).get(key).map(|(body, _)| body.clone()))
    }

    async fn get_ranges(&self, key: &str, ranges: &[Range<u64>]) -> Result<Option<Vec<Bytes>>> {
        check(key)?;
        let Some((body, _)) = lock(&self.objects).get(key).cloned() else { return Ok(None) };
        let slice = |range: &Range<u64>| {
            if range.start > range.end || range.end > body.len() as u64 {
                return Err(StoreError::Permanent(format!("{key} has no bytes {range:?}")));
            }
            Ok(body.slice(range.start as usize..range.end as usize))
        };
        ranges.iter().map(slice).collect::<Result<_>>().map(Some)
    }

    async fn delete(&self, key: &str) -> Result<()> {
        check(key)?;
        lock(&self.objects).remove(key);
        Ok(())
    }

    async fn list(&self, prefix: &str) -> Result<Vec<ObjectMeta>> {
        let whole_parts = prefix.rsplit_once('/').map_or("", |(parts, _)| parts);
        if prefix.starts_with('/') || !whole_parts.is_empty() {
            check(whole_parts)?;
        }
        let objects = lock(&self.objects);
        let listed = objects.range(prefix.to_owned()..).take_while(|(key, _)| key.starts_with(prefix));
        let meta = |(key, (body, modified)): (&String, &(Bytes, Timestamp))| ObjectMeta {
            key: key.clone(),
            size_bytes: body.len() as u64,
            modified: *modified,
        };
        Ok(listed.map(meta).collect())
    }
}
