//! A batch as the stream carries it: a header that can be read alone, and a compressed block.
//!
//! ```text
//! batch  := "TRB1" header_length:v header body
//! header := tenant:text id:u128 received:z first:z last:z events:v raw_bytes:v
//!           block_bytes:v body_bytes:v body_hash:u64       little-endian, v and z as in `codec`
//! body   := zstd frame of an encoded block; `body_hash` is its xxh3-64
//! ```
//!
//! A record holds one or more batches end to end.

use bytes::Bytes;
use xxhash_rust::xxh3::xxh3_64;

use crate::block::{Block, Projection};
use crate::codec::{self, CodecError, Input, put_varint, unzigzag, zigzag};
use crate::ids::{BatchId, TenantId};
use crate::timestamp::Timestamp;

const MAGIC: &[u8; 4] = b"TRB1";

/// zstd level in the stream: the lowest, since the data is compressed anew within seconds.
const STREAM_ZSTD_LEVEL: i32 = 1;

/// Largest encoded block, in bytes: bounds what a corrupt header can make a reader allocate.
/// An encoded block is at most a few times larger than the JSON it came from.
pub const MAX_BLOCK_BYTES: u64 = 256 * 1024 * 1024;

/// What is known of a batch without decompressing it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// Whose events.
    pub tenant: TenantId,
    /// What makes a repetition recognisable.
    pub id: BatchId,
    /// When ingest received the request.
    pub received: Timestamp,
    /// The earliest event.
    pub first: Timestamp,
    /// The latest event.
    pub last: Timestamp,
    /// How many events.
    pub events: u64,
    /// Bytes of the events as they were sent.
    pub raw_bytes: u64,
    block_bytes: u64,
    body_hash: u64,
}

/// A batch: its header, and its events still compressed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch {
    /// What is known without decompressing.
    pub header: Header,
    body: Bytes,
}

/// Why bytes are not a batch.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BatchError {
    /// The frame cannot be read.
    #[error("not a batch: {what} at byte {offset}")]
    Frame {
        /// What was wrong.
        what: &'static str,
        /// Where, from the start of the record.
        offset: usize,
    },
    /// The body is not what was written.
    #[error("the batch's body is damaged: {0}")]
    Body(String),
}

impl From<CodecError> for BatchError {
    fn from(error: CodecError) -> Self {
        Self::Frame { what: error.what, offset: error.offset }
    }
}

/// Appends a batch of the events of `block`, of which there is at least one.
pub fn encode(tenant: &TenantId, id: BatchId, received: Timestamp, block: &Block, out: &mut Vec<u8>) {
    let (first, last) = block.time_range().unwrap_or((received, received));
    let mut plain = Vec::with_capacity(block.raw_bytes as usize + 1024);
    codec::encode(block, &mut plain);
    // Compressing into memory fails only when memory does; the frame is then empty and its
    // hash says so, which a reader reports as damaged.
    let body = zstd::bulk::compress(&plain, STREAM_ZSTD_LEVEL).unwrap_or_default();
    let mut header = Vec::with_capacity(128);
    put_varint(&mut header, tenant.as_str().len() as u64);
    header.extend_from_slice(tenant.as_str().as_bytes());
    header.extend_from_slice(&id.0.to_le_bytes());
    for timestamp in [received, first, last] {
        put_varint(&mut header, zigzag(timestamp.0));
    }
    for number in [block.rows() as u64, block.raw_bytes, plain.len() as u64, body.len() as u64] {
        put_varint(&mut header, number);
    }
    header.extend_from_slice(&xxh3_64(&body).to_le_bytes());
    out.extend_from_slice(MAGIC);
    put_varint(out, header.len() as u64);
    out.extend_from_slice(&header);
    out.extend_from_slice(&body);
}

/// The batches of a record. When one cannot be read, what follows it cannot be found either:
/// the error says where it began, and the batches before it are given as well.
pub fn read_all(record: &Bytes) -> (Vec<Batch>, Option<BatchError>) {
    let mut batches = Vec::new();
    let mut at = 0;
    while at < record.len() {
        match read_one(record, at) {
            Ok((batch, end)) => {
                batches.push(batch);
                at = end;
            }
            Err(error) => return (batches, Some(error)),
        }
    }
    (batches, None)
}

fn read_one(record: &Bytes, start: usize) -> Result<(Batch, usize), BatchError> {
    let mut input = Input { bytes: record, at: start };
    if input.take(MAGIC.len() as u64)? != MAGIC {
        return Err(BatchError::Frame { what: "magic bytes", offset: start });
    }
    let header_length = input.varint()?;
    let header_bytes = input.take(header_length)?;
    let mut fields = Input { bytes: header_bytes, at: 0 };
    let tenant = fields.text()?.parse().map_err(|_| fields.error("tenant"))?;
    let id = BatchId(u128::from_le_bytes(array(fields.take(16)?)));
    let mut timestamp = || fields.varint().map(|value| Timestamp(unzigzag(value)));
    let (received, first, last) = (timestamp()?, timestamp()?, timestamp()?);
    let (events, raw_bytes) = (fields.varint()?, fields.varint()?);
    let (block_bytes, body_bytes) = (fields.varint()?, fields.varint()?);
    let body_hash = u64::from_le_bytes(array(fields.take(8)?));
    let body_start = input.at;
    input.take(body_bytes)?;
    let header = Header { tenant, id, received, first, last, events, raw_bytes, block_bytes, body_hash };
    Ok((Batch { header, body: record.slice(body_start..input.at) }, input.at))
}

/// The bytes as an array; callers took exactly that many.
fn array<const N: usize>(bytes: &[u8]) -> [u8; N] {
    bytes.try_into().unwrap_or([0; N])
}

impl Batch {
    /// Whether the body is what was written.
    pub fn is_whole(&self) -> bool {
        xxh3_64(&self.body) == self.header.body_hash
    }

    /// The events, without the columns that `projection` does not want.
    pub fn block(&self, projection: &Projection) -> Result<Block, BatchError> {
        if !self.is_whole() {
            return Err(BatchError::Body("its checksum does not match".into()));
        }
        if self.header.block_bytes > MAX_BLOCK_BYTES {
            return Err(BatchError::Body(format!("it claims {} bytes", self.header.block_bytes)));
        }
        let plain = zstd::bulk::decompress(&self.body, self.header.block_bytes as usize)
            .map_err(|error| BatchError::Body(error.to_string()))?;
        let block = codec::decode(&plain, projection).map_err(|error| BatchError::Body(error.to_string()))?;
        if block.rows() as u64 != self.header.events {
            return Err(BatchError::Body("its event count does not match".into()));
        }
        Ok(block)
    }
}
