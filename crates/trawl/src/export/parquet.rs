//! Lines of events as Parquet: the segments of `trawl-segment`, which any reader of Parquet reads.
//!
//! A file is written in two passes over its lines. The first finds the columns, the second turns one block of
//! [`BLOCK_BYTES`] after the other into row groups. So one block and the compressed file are in memory, whatever is
//! exported.

use std::io::{BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use trawl_event::shred::{Shredder, TimeRule};
use trawl_event::{Block, Timestamp};
use trawl_segment::{Schema, SegmentWriter, WriteOptions};

use super::part::replace;

/// Most events of a file.
pub const FILE_EVENTS: usize = 1_000_000;
/// Most bytes of events, as they were sent, of a file.
pub const FILE_BYTES: u64 = 512 << 20;
/// Bytes of events that become a row group.
const BLOCK_BYTES: u64 = 64 << 20;
/// Between what a persister takes, in haste, and a compactor, for good.
const ZSTD_LEVEL: i32 = 3;
/// Any time goes. Events come from the server, which has seen to it that they have one.
const ANY_TIME: TimeRule = TimeRule { received: Timestamp(0), oldest: Timestamp::MIN, latest: Timestamp::MAX };

/// Writes `lines` to `target`, and to further files beside it. `on_block` is told how many events were read so far,
/// in both passes. Gives the files.
pub fn convert<R: Read + Seek>(lines: R, target: &Path, mut on_block: impl FnMut(u64)) -> anyhow::Result<Vec<PathBuf>> {
    let mut lines = BufReader::new(lines);
    let options = WriteOptions { zstd_level: ZSTD_LEVEL, source: "export".to_owned(), ..WriteOptions::default() };
    let mut files = Vec::new();
    let mut events_read = 0;
    loop {
        let start = lines.stream_position()?;
        let mut extent = Extent::default();
        let mut schema = Schema::default();
        while let Some(block) = next_block(&mut lines, &mut extent)? {
            schema.merge(&Schema::of_blocks([&block]));
            events_read += block.rows() as u64;
            on_block(events_read);
        }
        if extent.events == 0 {
            return Ok(files);
        }
        let path = nth_file(target, files.len() + 1);
        let named = || path.display().to_string();
        let mut writer = SegmentWriter::new(&options, schema).with_context(named)?;
        lines.seek(SeekFrom::Start(start))?;
        let mut extent = Extent::default();
        while let Some(block) = next_block(&mut lines, &mut extent)? {
            writer.push(&block).with_context(named)?;
            events_read += block.rows() as u64;
            on_block(events_read);
        }
        replace(&path, &writer.finish().with_context(named)?.bytes).with_context(named)?;
        files.push(path);
    }
}

/// How much of a file was read.
#[derive(Default)]
struct Extent {
    events: usize,
    bytes: u64,
}

impl Extent {
    fn is_full(&self) -> bool {
        self.events >= FILE_EVENTS || self.bytes >= FILE_BYTES
    }
}

/// The next block of the file that `extent` is of, if there is one.
fn next_block(lines: &mut impl BufRead, extent: &mut Extent) -> anyhow::Result<Option<Block>> {
    let mut shredder = Shredder::default();
    let mut line = Vec::new();
    let mut bytes = 0;
    while bytes < BLOCK_BYTES && !extent.is_full() {
        line.clear();
        if lines.read_until(b'\n', &mut line)? == 0 {
            break;
        }
        let event = line.trim_ascii_end();
        if let Err(error) = shredder.push(event, &ANY_TIME) {
            let shown: String = String::from_utf8_lossy(event).chars().take(200).collect();
            bail!("an event cannot be put into Parquet: {error}\n  {shown}");
        }
        extent.events += 1;
        extent.bytes += event.len() as u64;
        bytes += event.len() as u64;
    }
    Ok((shredder.rows() > 0).then(|| shredder.finish()))
}

/// The name of the nth file, from 1 on: `a.parquet`, `a-00002.parquet` …
fn nth_file(target: &Path, number: usize) -> PathBuf {
    if number == 1 {
        return target.to_owned();
    }
    let mut name = target.file_stem().unwrap_or_default().to_owned();
    name.push(format!("-{number:05}"));
    if let Some(extension) = target.extension() {
        name.push(".");
        name.push(extension);
    }
    target.with_file_name(name)
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    #[test]
    fn further_files_are_numbered() {
        let names = |target: &str| [1, 2, 12].map(|number| nth_file(Path::new(target), number).display().to_string());
        assert_eq!(names("x/a.b.parquet"), ["x/a.b.parquet", "x/a.b-00002.parquet", "x/a.b-00012.parquet"]);
        assert_eq!(names("a"), ["a", "a-00002", "a-00012"]);
    }

    #[test]
    fn nothing_makes_no_file_and_what_is_no_event_is_named() {
        let directory = tempfile::tempdir().unwrap();
        let target = directory.path().join("a.parquet");
        assert_eq!(convert(Cursor::new(b""), &target, |_| ()).unwrap(), Vec::<PathBuf>::new());
        let error = convert(Cursor::new(b"{\"a\":1}\n[2]\n"), &target, |_| ()).unwrap_err().to_string();
        assert!(error.contains("[2]"), "{error}");
        assert!(!target.exists());
    }

    #[test]
    fn every_event_is_in_a_file() {
        let directory = tempfile::tempdir().unwrap();
        let target = directory.path().join("a.parquet");
        let lines: String =
            (0..FILE_EVENTS + 5).map(|n| format!("{{\"ts\":{},\"n\":{n}}}\n", 1_700_000_000 + n)).collect();
        let mut last = 0;
        let files = convert(Cursor::new(lines), &target, |events| last = events).unwrap();
        assert_eq!((files.len(), last), (2, 2 * (FILE_EVENTS as u64 + 5)));
        for (file, events) in files.iter().zip([FILE_EVENTS, 5]) {
            let bytes = std::fs::read(file).unwrap();
            // The last 8 bytes of Parquet tell how long its own metadata is; ours counts the rows there.
            let reader = reader(&bytes);
            assert_eq!(reader.events(), events as u64);
        }
    }

    /// Opens a segment without knowing where its directory is.
    fn reader(bytes: &[u8]) -> trawl_segment::SegmentReader {
        let metadata = parquet_metadata(bytes);
        let offset: Vec<u64> = serde_json::from_str(&metadata).unwrap();
        trawl_segment::SegmentReader::open(&bytes[offset[0] as usize..], offset[0]).unwrap()
    }

    /// The value of `trawl.directory`, as it stands in the metadata: `[offset,bytes]`.
    fn parquet_metadata(bytes: &[u8]) -> String {
        let key = b"trawl.directory";
        let at = bytes.windows(key.len()).rposition(|window| window == key).unwrap() + key.len();
        let rest = &bytes[at..];
        let start = rest.iter().position(|byte| *byte == b'[').unwrap();
        let end = rest.iter().position(|byte| *byte == b']').unwrap();
        String::from_utf8(rest[start..=end].to_vec()).unwrap()
    }
}
