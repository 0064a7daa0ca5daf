//! Opening a log: scan every file, check that nothing is missing, cut a torn tail.

use std::collections::VecDeque;
use std::path::Path;
use std::sync::Arc;

use super::super::{io_error, sync_dir};
use super::StreamOptions;
use super::file::{LogFile, is_unfinished, number_of};
use super::frame::{
    Counters, FRAME_HEADER_BYTES, FileHeader, FrameHeader, Kind, file_header_bytes, synced_frame_follows,
};
use super::index::{Place, ShardIndex};
use crate::ports::{Result, ShardId, StoreError};

/// A file of the log and how far each shard reaches in it.
#[derive(Debug)]
pub struct TrackedFile {
    /// The file.
    pub file: Arc<LogFile>,
    /// The newest position of each shard in this file; 0 where it has none.
    pub newest: Vec<u64>,
}

/// A log as it was found.
#[derive(Debug)]
pub struct Recovered {
    /// Its files, oldest first; the last one is written to and is always there.
    pub files: VecDeque<TrackedFile>,
    /// Bytes of the last file.
    pub active_bytes: u64,
    /// How far each shard got.
    pub counters: Vec<Counters>,
    /// The index of each shard.
    pub index: Vec<ShardIndex>,
}

/// Reads the log in `dir`, or begins one.
pub fn recover(dir: &Path, shards: &[ShardId], options: &StreamOptions) -> Result<Recovered> {
    let numbers = list(dir)?;
    if numbers.is_empty() {
        return begin(dir, shards.len(), options);
    }
    let mut scan = Scan {
        counters: vec![Counters::default(); shards.len()],
        places: shards.iter().map(|_| Vec::new()).collect(),
        files: VecDeque::new(),
        active_bytes: 0,
    };
    let newest = numbers.last().copied();
    for number in numbers {
        let file = LogFile::open(
            dir,
            number,
            #[cfg(test)]
            options.faults.clone(),
        )
        .map_err(|error| io_error("cannot open the log file", &LogFile::path_of(dir, number), &error))?;
        scan.file(Arc::new(file), Some(number) == newest)?;
    }
    let index = scan.index(dir, shards)?;
    Ok(Recovered { files: scan.files, active_bytes: scan.active_bytes, counters: scan.counters, index })
}

/// The numbers of the files in `dir`, ascending; removes what a creation left unfinished.
fn list(dir: &Path) -> Result<Vec<u64>> {
    let unreadable = |error| io_error("cannot list the log directory", dir, &error);
    let mut numbers = Vec::new();
    for entry in std::fs::read_dir(dir).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        if is_unfinished(&path) {
            std::fs::remove_file(&path).map_err(|error| io_error("cannot remove", &path, &error))?;
        }
        numbers.extend(number_of(&path));
    }
    numbers.sort_unstable();
    Ok(numbers)
}

/// Makes the first file of a new log.
fn begin(dir: &Path, shards: usize, options: &StreamOptions) -> Result<Recovered> {
    let header = FileHeader { number: 1, shards: vec![Counters::default(); shards] };
    let file = create(dir, &header, options).and_then(|file| file.install().map(|()| file));
    let file = file.map_err(|error| io_error("cannot create a log in", dir, &error))?;
    Ok(Recovered {
        files: VecDeque::from([TrackedFile { file: Arc::new(file), newest: vec![0; shards] }]),
        active_bytes: file_header_bytes(shards) as u64,
        counters: header.shards,
        index: (0..shards).map(|_| ShardIndex::starting_after(0)).collect(),
    })
}

/// Prepares a file with this header; it is not part of the log before it is installed.
pub fn create(
    dir: &Path,
    header: &FileHeader,
    #[cfg_attr(not(test), allow(unused))] options: &StreamOptions,
) -> std::io::Result<LogFile> {
    LogFile::prepare(
        dir,
        header.number,
        &header.encode(),
        #[cfg(test)]
        options.faults.clone(),
    )
}

/// What was found so far.
struct Scan {
    counters: Vec<Counters>,
    /// Positions and places of each shard, ascending.
    places: Vec<Vec<(u64, Place)>>,
    files: VecDeque<TrackedFile>,
    active_bytes: u64,
}

impl Scan {
    /// Reads one file; `newest` is the one that was being written to.
    fn file(&mut self, file: Arc<LogFile>, newest: bool) -> Result<()> {
        let bytes = file.read_all().map_err(|error| io_error("cannot read the log file", &file.path, &error))?;
        let header = FileHeader::decode(&bytes).map_err(|reason| damaged(&file, 0, &reason))?;
        self.header(&file, &header)?;
        let mut tracked = TrackedFile { file: file.clone(), newest: vec![0; self.counters.len()] };
        let mut offset = file_header_bytes(header.shards.len());
        while offset < bytes.len() {
            match FrameHeader::decode(&bytes[offset..], header.number) {
                Ok((frame, data_bytes)) => {
                    self.frame(&mut tracked, frame, offset, data_bytes)?;
                    offset += FRAME_HEADER_BYTES + data_bytes;
                }
                // Only the group of frames that was being written when the process ended can be
                // torn, nobody was told that it is there, and nothing was written behind it.
                Err(_) if newest && !synced_frame_follows(&bytes, offset, header.number) => {
                    let (path, cut_bytes) = (file.path.display(), bytes.len() - offset);
                    tracing::warn!(%path, offset, cut_bytes, "cut a torn tail off the log");
                    let cut = file.truncate(offset as u64);
                    cut.map_err(|error| io_error("cannot cut the torn tail of", &file.path, &error))?;
                    break;
                }
                Err(reason) => return Err(damaged(&file, offset, reason)),
            }
        }
        if newest {
            // Whole frames whose fsync did not return may be in memory only. They count from now
            // on, so they must be on disk.
            file.sync().map_err(|error| io_error("cannot sync", &file.path, &error))?;
            file.path.parent().map_or(Ok(()), sync_dir).map_err(|error| io_error("cannot sync", &file.path, &error))?;
            self.active_bytes = offset as u64;
        }
        self.files.push_back(tracked);
        Ok(())
    }

    fn header(&mut self, file: &LogFile, header: &FileHeader) -> Result<()> {
        if header.number != file.number {
            return Err(damaged(file, 0, &format!("the header is that of file {}", header.number)));
        }
        if header.shards.len() != self.counters.len() {
            let (there, asked) = (header.shards.len(), self.counters.len());
            let path = file.path.display();
            return Err(StoreError::Permanent(format!("{path}: the log has {there} shards, not {asked}")));
        }
        for (counters, at_start) in self.counters.iter_mut().zip(&header.shards) {
            if at_start.last < counters.last || at_start.trimmed > at_start.last {
                return Err(damaged(file, 0, "its counters contradict the records before"));
            }
            // Where records are missing in between, they must have been trimmed: checked at the end.
            counters.last = at_start.last;
            counters.trimmed = counters.trimmed.max(at_start.trimmed);
        }
        Ok(())
    }

    fn frame(&mut self, tracked: &mut TrackedFile, frame: FrameHeader, offset: usize, data_bytes: usize) -> Result<()> {
        let file = &tracked.file;
        let shard = usize::from(frame.shard);
        let (Some(counters), Some(places), Some(newest)) =
            (self.counters.get_mut(shard), self.places.get_mut(shard), tracked.newest.get_mut(shard))
        else {
            return Err(damaged(file, offset, &format!("there is no shard number {shard}")));
        };
        match frame.kind {
            Kind::Record if frame.position == counters.last + 1 => {
                counters.last = frame.position;
                *newest = frame.position;
                let place = Place { file: file.clone(), offset: offset as u64, data_bytes, arrived: frame.arrived };
                places.push((frame.position, place));
                Ok(())
            }
            Kind::Record => {
                let (position, last) = (frame.position, counters.last);
                Err(damaged(file, offset, &format!("position {position} of shard number {shard} follows {last}")))
            }
            Kind::Trim if frame.position <= counters.last => {
                counters.trimmed = counters.trimmed.max(frame.position);
                Ok(())
            }
            Kind::Trim => Err(damaged(file, offset, "a trim point lies beyond the end of its shard")),
        }
    }

    /// The index of each shard, once it is sure that no record after the trim point is missing.
    fn index(&mut self, dir: &Path, shards: &[ShardId]) -> Result<Vec<ShardIndex>> {
        let found = std::mem::take(&mut self.places).into_iter().zip(&self.counters).zip(shards);
        found
            .map(|((places, counters), shard)| {
                let mut index = ShardIndex::starting_after(counters.trimmed);
                for (position, place) in places.into_iter().filter(|(position, _)| *position > counters.trimmed) {
                    check_next(dir, shard, index.end(), position)?;
                    index.push(place);
                }
                check_next(dir, shard, index.end(), counters.last + 1)?;
                Ok(index)
            })
            .collect()
    }
}

/// An error unless `next` comes right after `last`.
fn check_next(dir: &Path, shard: &ShardId, last: u64, next: u64) -> Result<()> {
    if next == last + 1 {
        return Ok(());
    }
    let (dir, first, last) = (dir.display(), last + 1, next - 1);
    Err(StoreError::Permanent(format!("{dir}: records {first} to {last} of {shard} are missing: a log file is gone")))
}

fn damaged(file: &LogFile, offset: usize, reason: &str) -> StoreError {
    let path = file.path.display();
    StoreError::Permanent(format!("{path}: damaged at offset {offset}: {reason}"))
}
