//! One file of the log: created whole, read and written at offsets.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use super::super::sync_dir;
#[cfg(test)]
use super::faults::Faults;

/// A log file, open. Readers hold on to it even after it was deleted from the directory.
#[derive(Debug)]
pub struct LogFile {
    /// Its number, as in its name and header.
    pub number: u64,
    /// Where it is.
    pub path: PathBuf,
    file: File,
    #[cfg(test)]
    faults: Faults,
}

/// Ends the name of a file whose header is not on disk yet. Such a file holds nothing.
const UNFINISHED: &str = "new";
/// Ends the name of a log file.
const EXTENSION: &str = "log";

/// The number of a log file by its path; `None` for any other file.
pub fn number_of(path: &Path) -> Option<u64> {
    let stem = path.file_stem()?.to_str()?;
    (path.extension()? == EXTENSION && stem.len() == 20).then(|| stem.parse().ok()).flatten()
}

/// Whether a file is left over from a creation that did not come to its end.
pub fn is_unfinished(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == UNFINISHED)
}

impl LogFile {
    /// The path of a file.
    pub fn path_of(dir: &Path, number: u64) -> PathBuf {
        dir.join(format!("{number:020}.{EXTENSION}"))
    }

    /// Writes a new file that holds `header`, durable but under a name that recovery ignores.
    pub fn prepare(dir: &Path, number: u64, header: &[u8], #[cfg(test)] faults: Faults) -> io::Result<Self> {
        let path = Self::path_of(dir, number);
        let unfinished = path.with_extension(UNFINISHED);
        let file = OpenOptions::new().read(true).write(true).create(true).truncate(true).open(&unfinished)?;
        let new = Self {
            number,
            path,
            file,
            #[cfg(test)]
            faults,
        };
        new.write_at(header, 0)?;
        new.sync()?;
        Ok(new)
    }

    /// Gives a prepared file its name, durably. After an error it is not known whether it has it.
    pub fn install(&self) -> io::Result<()> {
        std::fs::rename(self.path.with_extension(UNFINISHED), &self.path)?;
        self.path.parent().map_or(Ok(()), sync_dir)
    }

    /// Opens a file that is there.
    pub fn open(dir: &Path, number: u64, #[cfg(test)] faults: Faults) -> io::Result<Self> {
        let path = Self::path_of(dir, number);
        let file = OpenOptions::new().read(true).write(true).open(&path)?;
        Ok(Self {
            number,
            path,
            file,
            #[cfg(test)]
            faults,
        })
    }

    /// The whole file.
    pub fn read_all(&self) -> io::Result<Vec<u8>> {
        let mut bytes = vec![0; usize::try_from(self.file.metadata()?.len()).unwrap_or(usize::MAX)];
        self.file.read_exact_at(&mut bytes, 0)?;
        Ok(bytes)
    }

    /// `length` bytes at `offset`.
    pub fn read_at(&self, offset: u64, length: usize) -> io::Result<Vec<u8>> {
        let mut bytes = vec![0; length];
        self.file.read_exact_at(&mut bytes, offset)?;
        Ok(bytes)
    }

    /// Writes at `offset`.
    pub fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        #[cfg(test)]
        if let Some((written, error)) = self.faults.on_write(bytes.len()) {
            self.file.write_all_at(&bytes[..written], offset)?;
            return Err(error);
        }
        self.file.write_all_at(bytes, offset)
    }

    /// Makes what was written durable (data, and the length that reading it needs).
    pub fn sync(&self) -> io::Result<()> {
        #[cfg(test)]
        self.faults.on_sync()?;
        self.file.sync_data()
    }

    /// Cuts the file to `length` bytes, durably.
    pub fn truncate(&self, length: u64) -> io::Result<()> {
        #[cfg(test)]
        self.faults.on_truncate()?;
        self.file.set_len(length)?;
        self.file.sync_all()
    }
}
