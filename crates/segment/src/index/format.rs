//! Numbers as LEB128 varints, and chunks as zstd with a checksum.

use crate::error::{Error, Result};

pub(super) fn push_varint(mut value: u64, out: &mut Vec<u8>) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Takes a varint from the front of `bytes`.
pub(super) fn take_varint(bytes: &mut &[u8]) -> Result<u64> {
    let mut value = 0u64;
    for shift in (0..64).step_by(7) {
        let (byte, rest) = bytes.split_first().ok_or_else(|| Error::corrupt("the index ends early"))?;
        *bytes = rest;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Ok(value);
        }
    }
    Err(Error::corrupt("a number of the index is too long"))
}

/// A varint that is at most `max`.
pub(super) fn take_count(bytes: &mut &[u8], max: usize) -> Result<usize> {
    let value = take_varint(bytes)?;
    usize::try_from(value).ok().filter(|value| *value <= max).ok_or_else(|| Error::corrupt("a number of the index"))
}

pub(super) fn compress(bytes: &[u8], level: i32) -> Result<Vec<u8>> {
    let mut compressor = zstd::bulk::Compressor::new(level)?;
    // A flipped bit in a page shows as a broken event; here it would silently hide one.
    compressor.include_checksum(true)?;
    Ok(compressor.compress(bytes)?)
}

pub(super) fn decompress(bytes: &[u8], max: usize) -> Result<Vec<u8>> {
    let damaged = |_| Error::corrupt("a part of the index cannot be decompressed");
    let size = zstd::bulk::Decompressor::upper_bound(bytes).filter(|size| *size <= max);
    let size = size.ok_or_else(|| Error::corrupt("a part of the index takes too much room"))?;
    zstd::bulk::decompress(bytes, size).map_err(damaged)
}
