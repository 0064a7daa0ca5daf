//! Batches on disk, so that what was accepted outlives the process.
//!
//! * [`format`](mod@format): the bytes of a file
//!
//! The directory belongs to one process at a time, by a lock on the file `lock`. A file that is being written is
//! never written to again after its process has ended: the next process begins another.

pub(crate) mod format;

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use format::{Seal, head, idempotency_key, is_torn_head, read};

/// Behind the number of a segment file.
const EXTENSION: &str = "spool";
/// What holds the lock.
const LOCK: &str = "lock";

/// What an accepted event survives.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Survives {
    /// The end of the process, however it comes: the event is in the operating system's memory.
    #[default]
    Crash,
    /// The end of the machine's power, too: the event is on the disk. Each call waits for that.
    PowerLoss,
}

/// A directory of segment files, locked.
#[derive(Debug)]
pub(crate) struct SpoolDirectory {
    path: PathBuf,
    survives: Survives,
    _lock: File,
}

/// A segment file that an earlier process left.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Found {
    pub number: u64,
    pub path: PathBuf,
    /// 0 for a file that does not begin as a segment: it is left alone, and its number is taken.
    pub events: u64,
    pub bytes: u64,
    pub unreadable_bytes: u64,
}

/// A batch read from its file, ready to be sent.
#[derive(Debug)]
pub(crate) struct SealedBatch {
    pub key: String,
    pub body: Vec<u8>,
    pub events: u64,
    /// When it may have been sent first by an earlier process, in seconds since 1970.
    pub sealed_before: Option<u64>,
    /// Why it could not be sealed: a full disk, which only sending makes emptier. Its key follows from its bytes all
    /// the same; but a process after this one would not know since when it may be there.
    pub unsealed: Option<io::Error>,
}

impl SpoolDirectory {
    /// Makes the directory if need be, locks it, and lists what is in it, oldest first. `WouldBlock` if another
    /// process has it. Files that are no segments stay untouched.
    pub(crate) fn open(path: &Path, survives: Survives) -> io::Result<(Self, Vec<Found>)> {
        fs::create_dir_all(path)?;
        if let (Survives::PowerLoss, Some(parent)) = (survives, path.canonicalize()?.parent()) {
            File::open(parent)?.sync_all()?;
        }
        let lock = OpenOptions::new().create(true).write(true).truncate(false).open(path.join(LOCK))?;
        lock.try_lock().map_err(io::Error::from)?;
        let mut found = Vec::new();
        for entry in fs::read_dir(path)? {
            found.extend(look_at(entry?.path())?);
        }
        found.sort_by_key(|segment| segment.number);
        Ok((Self { path: path.to_owned(), survives, _lock: lock }, found))
    }

    /// Begins a segment file with its first event, a whole frame.
    pub(crate) fn create(&self, number: u64, frame: &[u8]) -> io::Result<SegmentFile> {
        let path = self.path.join(format!("{number:016x}.{EXTENSION}"));
        let file = OpenOptions::new().append(true).create_new(true).open(&path)?;
        let mut segment = SegmentFile { file, path, bytes: 0, survives: self.survives };
        let begun = segment.append(&[&head(rand_id()), frame].concat()).and_then(|()| match self.survives {
            Survives::Crash => Ok(()),
            Survives::PowerLoss => File::open(&self.path)?.sync_all(),
        });
        match begun {
            Ok(()) => Ok(segment),
            Err(error) => {
                // Nothing in it was accepted.
                let _ = fs::remove_file(&segment.path);
                Err(error)
            }
        }
    }

    /// Reads a batch, and seals it unless it is sealed as it stands. `None` if no event is in it.
    pub(crate) fn seal(path: &Path, survives: Survives, now: u64) -> io::Result<Option<SealedBatch>> {
        let Some(contents) = read(&fs::read(path)?).filter(|contents| contents.events > 0) else { return Ok(None) };
        let sealed_before = contents.seal.map(|seal| seal.sealed_at);
        let (seal, unsealed) = match contents.seal_holds() {
            Some(seal) => (seal, None),
            None => {
                let seal = Seal::of(&contents.body, contents.events, now);
                (seal, write_seal(path, survives, contents.events_end, seal).err())
            }
        };
        let key = idempotency_key(contents.id, seal.digest);
        Ok(Some(SealedBatch { key, body: contents.body, events: contents.events, sealed_before, unsealed }))
    }

    pub(crate) fn survives(&self) -> Survives {
        self.survives
    }
}

/// A segment file that takes events.
#[derive(Debug)]
pub(crate) struct SegmentFile {
    file: File,
    pub(crate) path: PathBuf,
    pub(crate) bytes: u64,
    survives: Survives,
}

impl SegmentFile {
    /// Adds a whole frame, or nothing.
    pub(crate) fn append(&mut self, frame: &[u8]) -> io::Result<()> {
        let written = self.file.write_all(frame).and_then(|()| match self.survives {
            Survives::Crash => Ok(()),
            Survives::PowerLoss => self.file.sync_data(),
        });
        match written {
            Ok(()) => {
                self.bytes += frame.len() as u64;
                Ok(())
            }
            Err(error) => {
                // What comes next must not stand behind half an event.
                self.file.set_len(self.bytes)?;
                Err(error)
            }
        }
    }
}

/// Cuts what is behind the events, and writes the seal there.
fn write_seal(path: &Path, survives: Survives, events_end: u64, seal: Seal) -> io::Result<()> {
    let mut file = OpenOptions::new().append(true).open(path)?;
    file.set_len(events_end)?;
    file.write_all(&seal.frame())?;
    if survives == Survives::PowerLoss { file.sync_data() } else { Ok(()) }
}

/// What a file in the directory is: a segment with events, or nothing that counts.
fn look_at(path: PathBuf) -> io::Result<Option<Found>> {
    if path.extension().is_none_or(|extension| extension != EXTENSION) {
        return Ok(None);
    }
    let stem = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
    let Ok(number) = u64::from_str_radix(stem, 16) else { return Ok(None) };
    let bytes = fs::read(&path)?;
    let contents = read(&bytes);
    // The process ended before its first event was whole: none was accepted.
    if contents.as_ref().is_some_and(|contents| contents.events == 0) || is_torn_head(&bytes) {
        fs::remove_file(&path)?;
        return Ok(None);
    }
    let found = match contents {
        Some(contents) => Found {
            number,
            path,
            events: contents.events,
            bytes: bytes.len() as u64,
            unreadable_bytes: contents.unreadable_bytes,
        },
        // Of another version, or damaged.
        None => Found { number, path, events: 0, bytes: 0, unreadable_bytes: bytes.len() as u64 },
    };
    Ok(Some(found))
}

// The id must be another in every process: a seed would not do.
#[allow(clippy::disallowed_methods)]
fn rand_id() -> u128 {
    rand::random()
}

#[cfg(test)]
mod tests {
    use super::format::{FRAME_HEAD_BYTES, HEAD_BYTES, frame_head};
    use super::*;

    fn frame(text: &str) -> Vec<u8> {
        [frame_head(text.as_bytes()).as_slice(), text.as_bytes()].concat()
    }

    fn spool(directory: &Path) -> (SpoolDirectory, Vec<Found>) {
        SpoolDirectory::open(directory, Survives::Crash).unwrap()
    }

    #[test]
    fn a_directory_has_one_owner() {
        let directory = tempfile::tempdir().unwrap();
        let first = spool(directory.path());
        let second = SpoolDirectory::open(directory.path(), Survives::Crash);
        assert_eq!(second.unwrap_err().kind(), io::ErrorKind::WouldBlock);
        drop(first);
        spool(directory.path());
    }

    #[test]
    fn segments_are_found_again_in_their_order() {
        let directory = tempfile::tempdir().unwrap();
        let (opened, found) = spool(directory.path());
        assert!(found.is_empty());
        for number in [300, 2] {
            let mut segment = opened.create(number, &frame("a\n")).unwrap();
            segment.append(&frame("b\n")).unwrap();
        }
        std::fs::write(directory.path().join("notes.txt"), "mine").unwrap();
        drop(opened);
        let (_, found) = spool(directory.path());
        let seen: Vec<_> = found.iter().map(|segment| (segment.number, segment.events)).collect();
        assert_eq!(seen, [(2, 2), (300, 2)]);
    }

    #[test]
    fn a_file_without_a_whole_event_goes_and_one_of_another_kind_stays() {
        let directory = tempfile::tempdir().unwrap();
        let (opened, _) = spool(directory.path());
        let path = opened.create(0, &frame("a\n")).unwrap().path;
        drop(opened);
        let whole = std::fs::read(&path).unwrap();
        for cut in 0..whole.len() {
            std::fs::write(&path, &whole[..cut]).unwrap();
            let (_, found) = spool(directory.path());
            assert!(found.is_empty() && !path.exists(), "cut at {cut}");
        }
        std::fs::write(&path, "TRAWLSP2, as it may be called one day").unwrap();
        let (_, found) = spool(directory.path());
        assert!(path.exists() && found[0].events == 0);
    }

    #[test]
    fn a_batch_keeps_its_key_and_bytes_and_a_torn_end_is_cut_before_it_gets_one() {
        let directory = tempfile::tempdir().unwrap();
        let (opened, _) = spool(directory.path());
        let mut segment = opened.create(0, &frame("a\n")).unwrap();
        segment.append(&frame("b\n")).unwrap();
        let path = segment.path.clone();
        let whole = std::fs::read(&path).unwrap();
        for cut in HEAD_BYTES + FRAME_HEAD_BYTES + 2..whole.len() {
            std::fs::write(&path, &whole[..cut]).unwrap();
            let first = SpoolDirectory::seal(&path, Survives::Crash, 5).unwrap().unwrap();
            assert_eq!((first.body.as_slice(), first.sealed_before), (b"a\n".as_slice(), None));
            let again = SpoolDirectory::seal(&path, Survives::Crash, 9).unwrap().unwrap();
            assert_eq!((again.key, again.body, again.sealed_before), (first.key, first.body, Some(5)));
        }
        std::fs::write(&path, &whole[..HEAD_BYTES + 3]).unwrap();
        assert!(SpoolDirectory::seal(&path, Survives::Crash, 5).unwrap().is_none());
    }

    #[test]
    fn damage_after_the_seal_changes_the_key() {
        let directory = tempfile::tempdir().unwrap();
        let (opened, _) = spool(directory.path());
        let mut segment = opened.create(0, &frame("a\n")).unwrap();
        segment.append(&frame("b\n")).unwrap();
        let first = SpoolDirectory::seal(&segment.path, Survives::Crash, 5).unwrap().unwrap();
        let mut bytes = std::fs::read(&segment.path).unwrap();
        bytes[HEAD_BYTES + 2 * FRAME_HEAD_BYTES + 2] ^= 1;
        std::fs::write(&segment.path, bytes).unwrap();
        let again = SpoolDirectory::seal(&segment.path, Survives::Crash, 9).unwrap().unwrap();
        assert_eq!(again.body, b"a\n");
        assert_ne!(again.key, first.key);
    }
}
