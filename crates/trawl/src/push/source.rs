//! What events are read from: a file or stdin, compressed or not.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Cursor, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Bytes read at a time.
const BUFFER_BYTES: usize = 256 * 1024;
/// Most bytes looked at to tell documents from lines.
const HEAD_BYTES: usize = 4096;
/// The name by which stdin is asked for.
pub const STDIN: &str = "-";

/// What tells one input from another, so that the same batch from both is two batches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Identity {
    /// A file on disk, by its absolute path: pushing it again is a retry.
    File(PathBuf),
    /// Stdin or a pipe: the same bytes may come again and mean new events.
    Stream,
}

/// An input, opened.
pub struct Source {
    /// As it was named on the command line.
    pub name: Arc<str>,
    /// Which input it is.
    pub identity: Identity,
    /// The first bytes, decompressed.
    pub head: Vec<u8>,
    /// The content, decompressed, from its first byte on.
    pub reader: Box<dyn BufRead>,
}

impl Source {
    /// Opens `path` (`-` is stdin) and looks at its first bytes: gzip and zstd are undone whatever the name says.
    /// `bytes_read` counts what is read, before decompression.
    pub fn open(path: &Path, bytes_read: &Arc<AtomicU64>) -> io::Result<Self> {
        if path.as_os_str() == STDIN {
            return Self::from_reader("stdin", Identity::Stream, io::stdin(), bytes_read);
        }
        let file = File::open(path)?;
        let metadata = file.metadata()?;
        if metadata.is_dir() {
            return Err(io::Error::new(io::ErrorKind::IsADirectory, "it is a directory"));
        }
        let identity = if metadata.is_file() { Identity::File(path.canonicalize()?) } else { Identity::Stream };
        Self::from_reader(&path.to_string_lossy(), identity, file, bytes_read)
    }

    fn from_reader(
        name: &str,
        identity: Identity,
        reader: impl Read + 'static,
        bytes_read: &Arc<AtomicU64>,
    ) -> io::Result<Self> {
        let counted = Counted { reader, bytes: Arc::clone(bytes_read) };
        let mut encoded = BufReader::with_capacity(BUFFER_BYTES, counted);
        let mut magic = Vec::with_capacity(4);
        (&mut encoded).take(4).read_to_end(&mut magic)?;
        let compression = Compression::of(&magic);
        let encoded = Cursor::new(magic).chain(encoded);
        let mut plain: Box<dyn BufRead> = match compression {
            Compression::None => Box::new(encoded),
            Compression::Gzip => {
                Box::new(BufReader::with_capacity(BUFFER_BYTES, flate2::bufread::MultiGzDecoder::new(encoded)))
            }
            Compression::Zstd => {
                let decoder = zstd::stream::read::Decoder::with_buffer(encoded)?;
                Box::new(BufReader::with_capacity(BUFFER_BYTES, decoder))
            }
        };
        let mut head = read_head(&mut plain)?;
        // A byte order mark is no part of the first event.
        if head.starts_with(b"\xef\xbb\xbf") {
            head.drain(..3);
        }
        let reader = Box::new(Cursor::new(head.clone()).chain(plain));
        Ok(Self { name: name.into(), identity, head, reader })
    }
}

/// How an input is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Compression {
    None,
    Gzip,
    Zstd,
}

impl Compression {
    /// RFC 1952 §2.3.1 and RFC 8878 §3.1 (a zstd stream may begin with a skippable frame).
    fn of(magic: &[u8]) -> Self {
        match magic {
            [0x1f, 0x8b, ..] => Self::Gzip,
            [0x28, 0xb5, 0x2f, 0xfd] | [0x50..=0x5f, 0x2a, 0x4d, 0x18] => Self::Zstd,
            _ => Self::None,
        }
    }
}

/// Reads until the first line that is not blank is there, or enough of it.
fn read_head(reader: &mut dyn BufRead) -> io::Result<Vec<u8>> {
    let mut head = Vec::new();
    while head.len() < HEAD_BYTES && !head.trim_ascii_start().contains(&b'\n') {
        let chunk = reader.fill_buf()?;
        if chunk.is_empty() {
            break;
        }
        let used = chunk.len().min(HEAD_BYTES);
        head.extend_from_slice(&chunk[..used]);
        reader.consume(used);
    }
    Ok(head)
}

struct Counted<R> {
    reader: R,
    bytes: Arc<AtomicU64>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.reader.read(buffer)?;
        self.bytes.fetch_add(count as u64, Ordering::Relaxed);
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn content(bytes: Vec<u8>) -> io::Result<(Vec<u8>, u64)> {
        let read = Arc::new(AtomicU64::new(0));
        let mut source = Source::from_reader("test", Identity::Stream, Cursor::new(bytes), &read)?;
        let mut plain = Vec::new();
        source.reader.read_to_end(&mut plain)?;
        assert!(plain.starts_with(&source.head));
        Ok((plain, read.load(Ordering::Relaxed)))
    }

    fn gzip(plain: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(plain).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn compression_is_undone_by_content_not_by_name() {
        for size in [0, 1, 3, 4, 5000, 600_000] {
            let plain: Vec<u8> = (0..size).map(|byte| if byte % 50 == 0 { b'\n' } else { b'x' }).collect();
            let zstd = zstd::bulk::compress(&plain, 1).unwrap();
            let joined = [gzip(&plain), gzip(&plain)].concat();
            assert_eq!(content(plain.clone()).unwrap(), (plain.clone(), plain.len() as u64));
            assert_eq!(content(gzip(&plain)).unwrap().0, plain);
            assert_eq!(content(joined).unwrap().0, plain.repeat(2));
            assert_eq!(content(zstd.clone()).unwrap(), (plain, zstd.len() as u64));
        }
    }

    #[test]
    fn a_truncated_file_is_an_error_after_what_could_be_read() {
        let plain: Vec<u8> = (0..100_000_u32).flat_map(|n| n.to_be_bytes()).collect();
        for mut bytes in [gzip(&plain), zstd::bulk::compress(&plain, 1).unwrap()] {
            bytes.truncate(bytes.len() / 2);
            assert!(content(bytes).is_err());
        }
    }

    #[test]
    fn a_byte_order_mark_is_dropped() {
        assert_eq!(content(b"\xef\xbb\xbf{}".to_vec()).unwrap().0, b"{}");
    }

    #[test]
    fn a_missing_file_or_a_directory_is_refused() {
        let read = Arc::new(AtomicU64::new(0));
        let directory = tempfile::tempdir().unwrap();
        assert!(Source::open(directory.path(), &read).is_err());
        assert!(Source::open(&directory.path().join("absent"), &read).is_err());
    }
}
