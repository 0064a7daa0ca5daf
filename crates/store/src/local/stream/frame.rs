//! The bytes of a log file: encoding and checking. See the parent module for the picture.

use trawl_event::Timestamp;
use xxhash_rust::xxh3::{Xxh3, xxh3_64};

/// What a log file begins with.
const FILE_MAGIC: [u8; 8] = *b"TRAWLLOG";
/// The version this module writes and reads.
const FORMAT_VERSION: u32 = 1;
/// What a frame begins with.
const FRAME_MAGIC: [u8; 4] = *b"tRec";
/// Bytes of a frame before its data.
pub const FRAME_HEADER_BYTES: usize = 48;
/// Where the checksum lies in a frame; it covers what comes before and the data.
const CHECKSUM_AT: usize = 40;
/// Longest data of a record, in bytes: far above any batch, it only keeps a damaged length from
/// being believed.
pub const MAX_RECORD_BYTES: usize = 64 * 1024 * 1024;

/// What a frame says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A record of a shard.
    Record,
    /// All records of the shard up to the position may go.
    Trim,
}

/// A frame without its data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FrameHeader {
    /// What it says.
    pub kind: Kind,
    /// The number of the shard.
    pub shard: u16,
    /// The record's position, or the trim point.
    pub position: u64,
    /// When the log took it.
    pub arrived: Timestamp,
    /// How much of the file was on disk for certain when this frame was written.
    pub synced: u64,
}

/// The counters a file begins with, one of each per shard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileHeader {
    /// The file's number, as in its name.
    pub number: u64,
    /// The newest position of each shard before this file, and its trim point.
    pub shards: Vec<Counters>,
}

/// How far a shard got.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// The newest position given out; 0 before the first.
    pub last: u64,
    /// Records at or before it are gone.
    pub trimmed: u64,
}

/// Bytes of a file's header.
pub fn file_header_bytes(shards: usize) -> usize {
    24 + 16 * shards + 8
}

impl FileHeader {
    /// The header's bytes.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(file_header_bytes(self.shards.len()));
        out.extend_from_slice(&FILE_MAGIC);
        out.extend_from_slice(&FORMAT_VERSION.to_le_bytes());
        out.extend_from_slice(&(self.shards.len() as u32).to_le_bytes());
        out.extend_from_slice(&self.number.to_le_bytes());
        for counters in &self.shards {
            out.extend_from_slice(&counters.last.to_le_bytes());
            out.extend_from_slice(&counters.trimmed.to_le_bytes());
        }
        let checksum = xxh3_64(&out);
        out.extend_from_slice(&checksum.to_le_bytes());
        out
    }

    /// Reads the header at the beginning of a file, or says what is wrong with it.
    pub fn decode(file: &[u8]) -> Result<Self, String> {
        if file.get(..8) != Some(FILE_MAGIC.as_slice()) {
            return Err("not a log file".into());
        }
        let version = u32_at(file, 8).ok_or("the file header is cut short")?;
        if version != FORMAT_VERSION {
            return Err(format!("log format {version} is not known to this version, which reads {FORMAT_VERSION}"));
        }
        let count = u32_at(file, 12).ok_or("the file header is cut short")? as usize;
        let covered = file_header_bytes(count) - 8;
        let (Some(number), Some(checksum)) = (u64_at(file, 16), u64_at(file, covered)) else {
            return Err("the file header is cut short".into());
        };
        if file.get(..covered).map(xxh3_64) != Some(checksum) {
            return Err("the checksum of the file header does not match".into());
        }
        let counters = |at: usize| Some(Counters { last: u64_at(file, at)?, trimmed: u64_at(file, at + 8)? });
        let shards = (0..count).map(|shard| counters(24 + 16 * shard)).collect::<Option<_>>();
        Ok(Self { number, shards: shards.ok_or("the file header is cut short")? })
    }
}

impl FrameHeader {
    /// The bytes before the data. `file_number` seeds the checksum, so that a frame is only valid in
    /// the file it was written to.
    pub fn encode(&self, file_number: u64, data: &[u8]) -> [u8; FRAME_HEADER_BYTES] {
        let mut out = [0; FRAME_HEADER_BYTES];
        out[..4].copy_from_slice(&FRAME_MAGIC);
        out[4] = match self.kind {
            Kind::Record => 1,
            Kind::Trim => 2,
        };
        out[6..8].copy_from_slice(&self.shard.to_le_bytes());
        out[8..12].copy_from_slice(&(data.len() as u32).to_le_bytes());
        out[16..24].copy_from_slice(&self.position.to_le_bytes());
        out[24..32].copy_from_slice(&self.arrived.0.to_le_bytes());
        out[32..40].copy_from_slice(&self.synced.to_le_bytes());
        let checksum = checksum(file_number, &out[..CHECKSUM_AT], data);
        out[CHECKSUM_AT..].copy_from_slice(&checksum.to_le_bytes());
        out
    }

    /// Reads the frame that `bytes` begins with and gives the length of its data, which follows
    /// the header; or says what is wrong with it.
    pub fn decode(bytes: &[u8], file_number: u64) -> Result<(Self, usize), &'static str> {
        let Some(header) = bytes.get(..FRAME_HEADER_BYTES) else { return Err("the frame is cut short") };
        if !header.starts_with(&FRAME_MAGIC) {
            return Err("no frame begins here");
        }
        let cut = "the frame is cut short";
        let data_bytes = u32_at(header, 8).ok_or(cut)? as usize;
        if data_bytes > MAX_RECORD_BYTES {
            return Err("the frame is longer than any record may be");
        }
        let data = bytes.get(FRAME_HEADER_BYTES..FRAME_HEADER_BYTES + data_bytes).ok_or(cut)?;
        if Some(checksum(file_number, &header[..CHECKSUM_AT], data)) != u64_at(header, CHECKSUM_AT) {
            return Err("the checksum of the frame does not match");
        }
        let kind = match header[4] {
            1 => Kind::Record,
            2 => Kind::Trim,
            _ => return Err("the frame is of an unknown kind"),
        };
        let frame = Self {
            kind,
            shard: u16::from_le_bytes([header[6], header[7]]),
            position: u64_at(header, 16).ok_or(cut)?,
            arrived: Timestamp(u64_at(header, 24).ok_or(cut)?.cast_signed()),
            synced: u64_at(header, 32).ok_or(cut)?,
        };
        Ok((frame, data_bytes))
    }
}

fn checksum(file_number: u64, header: &[u8], data: &[u8]) -> u64 {
    let mut hasher = Xxh3::with_seed(file_number);
    hasher.update(header);
    hasher.update(data);
    hasher.digest()
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..)?.first_chunk().map(|chunk| u32::from_le_bytes(*chunk))
}

fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    bytes.get(at..)?.first_chunk().map(|chunk| u64::from_le_bytes(*chunk))
}

/// Whether a frame that was written after `offset` was on disk lies somewhere behind it. If so, what
/// stands at `offset` was acknowledged once.
pub fn synced_frame_follows(file: &[u8], offset: usize, file_number: u64) -> bool {
    let behind = file.get(offset + 1..).unwrap_or_default();
    behind.windows(FRAME_MAGIC.len()).enumerate().filter(|(_, window)| *window == FRAME_MAGIC).any(|(at, _)| {
        FrameHeader::decode(&behind[at..], file_number).is_ok_and(|(frame, _)| frame.synced > offset as u64)
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_frame_comes_back_and_any_flipped_bit_is_noticed(
            shard: u16, position: u64, arrived: i64, synced: u64, number: u64,
            data in proptest::collection::vec(any::<u8>(), 0..200),
            flip: proptest::sample::Index,
        ) {
            let header = FrameHeader { kind: Kind::Record, shard, position, arrived: Timestamp(arrived), synced };
            let mut bytes = header.encode(number, &data).to_vec();
            bytes.extend_from_slice(&data);
            prop_assert_eq!(FrameHeader::decode(&bytes, number), Ok((header, data.len())));
            prop_assert!(FrameHeader::decode(&bytes, number ^ 1).is_err());
            let bit = flip.index(bytes.len() * 8);
            bytes[bit / 8] ^= 1 << (bit % 8);
            prop_assert!(FrameHeader::decode(&bytes, number).is_err());
        }

        #[test]
        fn a_file_header_comes_back(number: u64, counters in proptest::collection::vec(any::<(u64, u64)>(), 0..9)) {
            let shards = counters.iter().map(|(last, trimmed)| Counters { last: *last, trimmed: *trimmed }).collect();
            let header = FileHeader { number, shards };
            let bytes = header.encode();
            prop_assert_eq!(bytes.len(), file_header_bytes(counters.len()));
            prop_assert_eq!(FileHeader::decode(&bytes), Ok(header));
            for cut in 0..bytes.len() {
                prop_assert!(FileHeader::decode(&bytes[..cut]).is_err());
            }
        }
    }
}
