//! The unfinished file, and the note of how far it is.
//!
//! `FILE.part` holds the events so far, and `FILE.part.state` says, as JSON, of which request and search they are, up
//! to which page, and how many bytes that is. The bytes are on disk before the note says that they are; what a kill
//! left behind them is cut off. So a second run goes on as if nothing had happened.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;

use super::edge::Edge;

/// How often the note is written: so much is fetched again after a kill.
const SAVE_EVERY: Duration = Duration::from_secs(1);

/// How far an export is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    /// Checksum of what is exported from where, in which form.
    pub request: String,
    /// The search.
    pub search: Option<String>,
    /// Where the next page begins; the first without it.
    pub cursor: Option<String>,
    /// Bytes of the part that count.
    pub bytes: u64,
    /// Events in them.
    pub events: u64,
    /// Columns of a CSV file.
    pub columns: Option<Vec<String>>,
    /// Where another search would go on.
    pub edge: Edge,
    /// Whether all events are there.
    pub is_fetched: bool,
    /// What could not be read.
    pub missing: Vec<Value>,
}

/// The unfinished file. Nobody else writes it meanwhile.
pub struct Part {
    path: PathBuf,
    file: File,
    /// How far it is; what is on disk may be behind.
    pub state: State,
    saved: Option<Instant>,
    /// Whether something of another request was there.
    was_left: bool,
}

impl Part {
    /// Where the unfinished file of `target` stands.
    pub fn beside(target: &Path) -> PathBuf {
        with_suffix(target, ".part")
    }

    /// Opens the part of `target`, cut to what its note says if that is of the same request, empty otherwise.
    pub fn open(target: &Path, request: u128) -> anyhow::Result<Self> {
        let path = Self::beside(target);
        let named = || path.display().to_string();
        let file =
            OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path).with_context(named)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => bail!("{}: another export is writing it", named()),
            // Not every file system has locks.
            Err(TryLockError::Error(_)) => {}
        }
        let request = format!("{request:032x}");
        let length = file.metadata().with_context(named)?.len();
        let note = fs::read(state_path(&path)).ok().and_then(|note| serde_json::from_slice::<State>(&note).ok());
        let was_left = length > 0;
        let state = note.filter(|state| state.request == request && state.bytes <= length);
        let mut part = Self { path, file, state: State { request, ..State::default() }, saved: None, was_left };
        if let Some(state) = state {
            part.state = state;
            part.cut()?;
        }
        Ok(part)
    }

    /// Its path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether there was a part before.
    pub fn was_left(&self) -> bool {
        self.was_left
    }

    /// Empties it: nothing is fetched.
    pub fn clear(&mut self) -> anyhow::Result<()> {
        self.forget()?;
        self.state = State { request: std::mem::take(&mut self.state.request), ..State::default() };
        self.cut()
    }

    /// Removes the note: the next run begins anew.
    pub fn forget(&self) -> anyhow::Result<()> {
        match fs::remove_file(state_path(&self.path)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(error).context(self.path.display().to_string())
            }
            _ => Ok(()),
        }
    }

    fn cut(&mut self) -> anyhow::Result<()> {
        let cut = self.file.set_len(self.state.bytes).and_then(|()| self.file.seek(SeekFrom::End(0)));
        cut.map(drop).with_context(|| self.path.display().to_string())
    }

    /// Adds a page.
    pub fn append(&mut self, bytes: &[u8], events: &[Box<RawValue>]) -> anyhow::Result<()> {
        self.file.write_all(bytes).with_context(|| self.path.display().to_string())?;
        self.state.bytes += bytes.len() as u64;
        self.state.events += events.len() as u64;
        self.state.edge.reach(events);
        Ok(())
    }

    /// Writes the note, if it was not written just now.
    pub fn save_at_times(&mut self) -> anyhow::Result<()> {
        let was_just_saved = self.saved.is_some_and(|saved| saved.elapsed() < SAVE_EVERY);
        if was_just_saved || self.state.bytes == 0 {
            return Ok(());
        }
        self.saved = Some(Instant::now());
        self.save()
    }

    /// Writes the note.
    pub fn save(&mut self) -> anyhow::Result<()> {
        let note = serde_json::to_vec(&self.state)?;
        let path = state_path(&self.path);
        let saved = self.file.sync_data().and_then(|()| replace(&path, &note));
        saved.with_context(|| path.display().to_string())
    }

    /// The whole of it, for reading from the start.
    pub fn file(&mut self) -> anyhow::Result<&mut File> {
        self.file.seek(SeekFrom::Start(0)).with_context(|| self.path.display().to_string())?;
        Ok(&mut self.file)
    }

    /// Gives it its final name. It is on disk then.
    pub fn put(self, target: &Path) -> anyhow::Result<()> {
        let put =
            self.file.sync_all().and_then(|()| fs::rename(&self.path, target)).and_then(|()| sync_directory(target));
        put.with_context(|| target.display().to_string())?;
        self.forget()
    }

    /// Removes it.
    pub fn remove(&self) -> anyhow::Result<()> {
        self.forget()?;
        fs::remove_file(&self.path).with_context(|| self.path.display().to_string())
    }
}

fn state_path(part: &Path) -> PathBuf {
    with_suffix(part, ".state")
}

/// A path with something behind its name.
pub fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(suffix);
    PathBuf::from(name)
}

/// Writes a file under a name that shows either what was there or all that is new.
pub fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let new = with_suffix(path, ".new");
    let mut file = File::create(&new)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&new, path)?;
    sync_directory(path)
}

/// Makes the names in a file's directory last. Only Unix can, and must.
fn sync_directory(path: &Path) -> io::Result<()> {
    if cfg!(unix) {
        let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
        File::open(parent.unwrap_or(Path::new(".")))?.sync_all()?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(n: u32) -> Box<RawValue> {
        serde_json::from_str(&format!(r#"{{"timestamp":1700000000,"n":{n}}}"#)).unwrap()
    }

    /// A part of one page that was noted, and one that was not.
    fn broken_off(target: &Path) -> State {
        let mut part = Part::open(target, 7).unwrap();
        assert!(!part.was_left());
        part.state.search = Some("s1".to_owned());
        part.append(b"first\n", &[event(1)]).unwrap();
        part.state.cursor = Some("c2".to_owned());
        part.save_at_times().unwrap();
        let noted = part.state.clone();
        part.append(b"second\n", &[event(2)]).unwrap();
        part.state.cursor = Some("c3".to_owned());
        part.save_at_times().unwrap();
        noted
    }

    #[test]
    fn it_goes_on_where_the_note_says() {
        let directory = tempfile::tempdir().unwrap();
        let target = directory.path().join("a.ndjson");
        let noted = broken_off(&target);
        let mut part = Part::open(&target, 7).unwrap();
        assert_eq!((&part.state, part.state.events, part.state.bytes), (&noted, 1, 6));
        part.append(b"again\n", &[event(2)]).unwrap();
        part.put(&target).unwrap();
        assert_eq!(fs::read(&target).unwrap(), b"first\nagain\n");
        let left: Vec<_> = fs::read_dir(directory.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(left, ["a.ndjson"]);
    }

    #[test]
    fn another_request_or_a_part_that_is_too_short_begins_anew() {
        let directory = tempfile::tempdir().unwrap();
        let target = directory.path().join("a.ndjson");
        broken_off(&target);
        let part = Part::open(&target, 8).unwrap();
        assert!(part.was_left() && part.state.search.is_none());
        drop(part);
        File::options().write(true).open(Part::beside(&target)).unwrap().set_len(3).unwrap();
        let mut part = Part::open(&target, 7).unwrap();
        assert_eq!((part.state.events, part.state.search.as_deref()), (0, None));
        part.clear().unwrap();
        part.put(&target).unwrap();
        assert_eq!(fs::read(&target).unwrap(), b"");
    }

    #[test]
    fn two_exports_do_not_write_one_file() {
        let directory = tempfile::tempdir().unwrap();
        let target = directory.path().join("a.ndjson");
        let _first = Part::open(&target, 7).unwrap();
        let error = Part::open(&target, 7).err().unwrap().to_string();
        assert!(error.contains("another export"), "{error}");
    }
}
