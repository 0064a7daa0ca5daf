//! The value encodings of Parquet that segments use, both ways.
//!
//! The specification is <https://parquet.apache.org/docs/file-format/data-pages/encodings/>.
//! They stand here rather than behind the `parquet` crate's column writer because that one
//! takes a definition level per row and an owned buffer per string, which costs more than
//! all the rest when most columns are null in most rows.

pub(crate) mod bits;
pub(crate) mod delta;
pub(crate) mod hybrid;
pub(crate) mod strings;

use crate::error::{Error, Result};

/// Appends an unsigned LEB128 number.
pub(crate) fn push_varint(mut value: u64, out: &mut Vec<u8>) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Takes an unsigned LEB128 number off the front.
pub(crate) fn take_varint(data: &mut &[u8]) -> Result<u64> {
    let mut value = 0u64;
    for shift in (0..64).step_by(7) {
        let Some((byte, rest)) = data.split_first() else { break };
        *data = rest;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Ok(value);
        }
    }
    Err(Error::corrupt("a number does not end"))
}

/// Takes `len` bytes off the front.
pub(crate) fn take_bytes<'d>(data: &mut &'d [u8], len: usize) -> Result<&'d [u8]> {
    let (taken, rest) = data.split_at_checked(len).ok_or_else(|| Error::corrupt("a page ends early"))?;
    *data = rest;
    Ok(taken)
}
