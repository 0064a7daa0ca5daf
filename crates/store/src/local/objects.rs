//! Objects as files: the key is the path below a root, so that other tools read the segments
//! where they lie.
//!
//! A put writes a file under `.unfinished`, syncs it, then gives it its name in one step (a hard
//! link, which fails where the name is taken, or a rename, which replaces) and syncs the directory.
//! A crash leaves at most a file there, which opening removes. A root belongs to one process.
//!
//! Unlike S3, a file system cannot hold both the object `a` and the object `a/b`: the later put is
//! an error.

use std::fs::File;
use std::io::{self, ErrorKind, Write};
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;

use super::clock::timestamp_of;
use super::{create_dirs, io_error, sync_dir};
use crate::ports::objects::{check_key, check_prefix};
use crate::ports::{ObjectMeta, Objects, Put, Result, StoreError};

/// The directory below the root for files that are being written; no key may begin with it.
const UNFINISHED: &str = ".unfinished";

/// Objects below a directory.
#[derive(Debug)]
pub struct LocalObjects {
    root: PathBuf,
    /// Numbers the files under [`UNFINISHED`].
    next: AtomicU64,
}

impl LocalObjects {
    /// Opens the objects below `root`, which is made if it is not there.
    pub fn open(root: &Path) -> Result<Self> {
        let unfinished = root.join(UNFINISHED);
        let failed = |error| io_error("cannot open the objects in", root, &error);
        match std::fs::remove_dir_all(&unfinished) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(failed(error)),
            _ => {}
        }
        create_dirs(&unfinished).map_err(failed)?;
        Ok(Self { root: root.to_path_buf(), next: AtomicU64::new(0) })
    }

    /// Where the object of a key lies.
    pub fn path_of(&self, key: &str) -> Result<PathBuf> {
        check_path(key)?;
        Ok(self.root.join(key))
    }

    /// Writes `body` under a passing name, durably, and hands that to `publish` with the object's
    /// path; the passing name is gone afterwards.
    fn write<T>(&self, key: &str, body: &[u8], publish: impl FnOnce(&Path, &Path) -> io::Result<T>) -> Result<T> {
        let path = self.path_of(key)?;
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let unfinished = self.root.join(UNFINISHED).join(number.to_string());
        let attempt = || {
            let mut file = File::create(&unfinished)?;
            file.write_all(body)?;
            file.sync_data()?;
            let dir = path.parent().unwrap_or(&self.root);
            create_dirs(dir)?;
            let published = publish(&unfinished, &path)?;
            // Also where the object was there already: who put it may not have come this far.
            sync_dir(dir)?;
            Ok(published)
        };
        let outcome = attempt();
        match std::fs::remove_file(&unfinished) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                tracing::warn!(path = %unfinished.display(), %error, "cannot remove an unfinished object");
            }
            _ => {}
        }
        outcome.map_err(|error| io_error("cannot write", &path, &error))
    }

    fn open_object(&self, key: &str) -> Result<Option<(File, u64, PathBuf)>> {
        let path = self.path_of(key)?;
        let opened = File::open(&path).and_then(|file| file.metadata().map(|metadata| (file, metadata)));
        match opened {
            Ok((file, metadata)) if metadata.is_file() => Ok(Some((file, metadata.len(), path))),
            Ok(_) => Ok(None),
            Err(error) if is_absent(&error) => Ok(None),
            Err(error) => Err(io_error("cannot open", &path, &error)),
        }
    }

    /// Adds every object below `dir` whose key begins with `prefix`; `dir_key` is the key of the
    /// directory with a slash behind, or empty for the root.
    fn walk(&self, dir: &Path, dir_key: &str, prefix: &str, found: &mut Vec<ObjectMeta>) -> io::Result<()> {
        for entry in absent_as_none(std::fs::read_dir(dir))?.into_iter().flatten() {
            let entry = entry?;
            let Ok(name) = entry.file_name().into_string() else { continue };
            let key = format!("{dir_key}{name}");
            if key == UNFINISHED {
                continue;
            }
            // What goes while the walk is under way is not listed.
            let Some(metadata) = absent_as_none(entry.metadata())? else { continue };
            if metadata.is_dir() {
                let below = format!("{key}/");
                if below.starts_with(prefix) || prefix.starts_with(&below) {
                    self.walk(&entry.path(), &below, prefix, found)?;
                }
            } else if metadata.is_file() && key.starts_with(prefix) {
                found.push(ObjectMeta {
                    key,
                    size_bytes: metadata.len(),
                    modified: timestamp_of(metadata.modified()?),
                });
            }
        }
        Ok(())
    }
}

impl Objects for LocalObjects {
    async fn put_if_absent(&self, key: &str, body: Bytes) -> Result<Put> {
        self.write(key, &body, |unfinished, path| match std::fs::hard_link(unfinished, path) {
            Ok(()) => Ok(Put::Created),
            Err(error) if error.kind() == ErrorKind::AlreadyExists && path.is_file() => Ok(Put::Existed),
            Err(error) => Err(error),
        })
    }

    async fn put(&self, key: &str, body: Bytes) -> Result<()> {
        self.write(key, &body, |unfinished, path| std::fs::rename(unfinished, path))
    }

    async fn get(&self, key: &str) -> Result<Option<Bytes>> {
        let Some((_, size_bytes, _)) = self.open_object(key)? else { return Ok(None) };
        let whole = self.get_ranges(key, std::slice::from_ref(&(0..size_bytes))).await?;
        Ok(whole.and_then(|mut ranges| ranges.pop()))
    }

    async fn get_ranges(&self, key: &str, ranges: &[Range<u64>]) -> Result<Option<Vec<Bytes>>> {
        let Some((file, size_bytes, path)) = self.open_object(key)? else { return Ok(None) };
        let read = |range: &Range<u64>| {
            if range.start > range.end || range.end > size_bytes {
                let (start, end) = (range.start, range.end);
                return Err(StoreError::Permanent(format!("{key}: no bytes {start} to {end} in {size_bytes}")));
            }
            let mut bytes = vec![0; usize::try_from(range.end - range.start).unwrap_or(usize::MAX)];
            file.read_exact_at(&mut bytes, range.start).map_err(|error| io_error("cannot read", &path, &error))?;
            Ok(Bytes::from(bytes))
        };
        ranges.iter().map(read).collect::<Result<_>>().map(Some)
    }

    /// Not synced: after a power cut the object may be back, as one that no row names.
    async fn delete(&self, key: &str) -> Result<()> {
        let path = self.path_of(key)?;
        match std::fs::remove_file(&path) {
            Err(error) if !is_absent(&error) => Err(io_error("cannot delete", &path, &error)),
            _ => Ok(()),
        }
    }

    async fn list(&self, prefix: &str) -> Result<Vec<ObjectMeta>> {
        // A prefix may end anywhere in a part: only what stands before the last slash is a path.
        let (dir_key, _) = prefix.rsplit_once('/').unwrap_or(("", prefix));
        let mut found = Vec::new();
        let (dir, below) = if dir_key.is_empty() && !prefix.starts_with('/') {
            (self.root.clone(), String::new())
        } else {
            check_prefix(prefix)?;
            check_path(dir_key)?;
            (self.root.join(dir_key), format!("{dir_key}/"))
        };
        self.walk(&dir, &below, prefix, &mut found).map_err(|error| io_error("cannot list", &dir, &error))?;
        found.sort_unstable_by(|left, right| left.key.cmp(&right.key));
        Ok(found)
    }
}

/// Refuses what is no key, and what would meet files that are being written.
fn check_path(path: &str) -> Result<()> {
    match path.split('/').next() {
        Some(UNFINISHED) => Err(StoreError::Permanent(format!("{path:?} is not an object key"))),
        _ => check_key(path),
    }
}

fn is_absent(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory)
}

fn absent_as_none<T>(result: io::Result<T>) -> io::Result<Option<T>> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(error) if is_absent(&error) => Ok(None),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conformance;

    #[tokio::test(flavor = "multi_thread")]
    async fn files_behave_as_objects() {
        let dir = tempfile::tempdir().unwrap();
        let number = AtomicU64::new(0);
        conformance::objects(async || {
            let root = dir.path().join(number.fetch_add(1, Ordering::Relaxed).to_string());
            LocalObjects::open(&root).unwrap()
        })
        .await;
    }

    #[tokio::test]
    async fn what_a_crash_left_unfinished_is_removed_and_never_listed() {
        let dir = tempfile::tempdir().unwrap();
        let objects = LocalObjects::open(dir.path()).unwrap();
        std::fs::write(dir.path().join(UNFINISHED).join("7"), b"half").unwrap();
        assert_eq!(objects.list("").await, Ok(vec![]));
        objects.put("a/b", Bytes::from_static(b"whole")).await.unwrap();
        drop(objects);
        let objects = LocalObjects::open(dir.path()).unwrap();
        assert_eq!(std::fs::read_dir(dir.path().join(UNFINISHED)).unwrap().count(), 0);
        assert_eq!(objects.get("a/b").await, Ok(Some(Bytes::from_static(b"whole"))));
        assert!(objects.put(&format!("{UNFINISHED}/x"), Bytes::new()).await.is_err());
    }

    #[tokio::test]
    async fn an_object_below_another_is_an_error_that_leaves_both_alone() {
        let dir = tempfile::tempdir().unwrap();
        let objects = LocalObjects::open(dir.path()).unwrap();
        objects.put("a", Bytes::from_static(b"1")).await.unwrap();
        let below = objects.put_if_absent("a/b", Bytes::from_static(b"2")).await;
        assert!(matches!(below, Err(StoreError::Permanent(_))), "{below:?}");
        assert_eq!(objects.get("a/b").await, Ok(None));
        assert_eq!(objects.delete("a/b").await, Ok(()));
        objects.put("d/e", Bytes::from_static(b"3")).await.unwrap();
        let above = objects.put_if_absent("d", Bytes::from_static(b"4")).await;
        assert!(matches!(above, Err(StoreError::Permanent(_))), "{above:?}");
        assert_eq!(objects.get("d").await, Ok(None));
    }
}
