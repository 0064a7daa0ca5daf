//! DELTA_BINARY_PACKED: each number as its difference from the one before.
//!
//! ```text
//!   varint 128 | varint 4 | varint count | zigzag first      then, per 128 differences:
//!   zigzag least difference | 4 widths | 4 * 32 packed (difference - least)
//! ```

use super::bits::{pack, packed_len, unpack, width_of};
use super::{push_varint, take_bytes, take_varint};
use crate::error::{Error, Result};

const BLOCK: usize = 128;
const MINIBLOCKS: usize = 4;
const MINIBLOCK: usize = BLOCK / MINIBLOCKS;

/// Appends `values`.
pub(crate) fn encode(values: &[i64], out: &mut Vec<u8>) {
    push_varint(BLOCK as u64, out);
    push_varint(MINIBLOCKS as u64, out);
    push_varint(values.len() as u64, out);
    push_varint(zigzag(values.first().copied().unwrap_or(0)), out);
    let mut deltas = [0i64; BLOCK];
    let mut rest = values;
    while rest.len() > 1 {
        let count = (rest.len() - 1).min(BLOCK);
        for (delta, pair) in deltas.iter_mut().zip(rest.windows(2)) {
            *delta = pair[1].wrapping_sub(pair[0]);
        }
        rest = &rest[count..];
        let deltas = &deltas[..count];
        let least = deltas.iter().copied().min().unwrap_or(0);
        push_varint(zigzag(least), out);
        let mut widths = [0u8; MINIBLOCKS];
        for (width, miniblock) in widths.iter_mut().zip(deltas.chunks(MINIBLOCK)) {
            let bits = miniblock.iter().fold(0, |bits, delta| bits | delta.wrapping_sub(least) as u64);
            *width = width_of(bits) as u8;
        }
        out.extend_from_slice(&widths);
        for (width, miniblock) in widths.iter().zip(deltas.chunks(MINIBLOCK)) {
            let padding = MINIBLOCK - miniblock.len();
            let offsets = miniblock.iter().map(|delta| delta.wrapping_sub(least) as u64);
            pack(offsets.chain(std::iter::repeat_n(0, padding)), u32::from(*width), out);
        }
    }
}

/// Takes at most `limit` values off the front of `data`.
pub(crate) fn decode(data: &mut &[u8], limit: usize) -> Result<Vec<i64>> {
    let block = take_varint(data)?;
    let miniblocks = take_varint(data)?;
    let count = take_varint(data)?;
    let mut value = unzigzag(take_varint(data)?);
    if (block, miniblocks) != (BLOCK as u64, MINIBLOCKS as u64) {
        return Err(Error::Unsupported("delta blocks of another size".into()));
    }
    if count > limit as u64 {
        return Err(Error::corrupt("more delta values than rows"));
    }
    let count = count as usize;
    let mut values = Vec::with_capacity(count);
    if count > 0 {
        values.push(value);
    }
    while values.len() < count {
        let least = unzigzag(take_varint(data)?);
        let widths = take_bytes(data, MINIBLOCKS)?;
        for width in widths {
            let wanted = (count - values.len()).min(MINIBLOCK);
            // The last block lists the widths of miniblocks it does not have.
            if wanted == 0 {
                break;
            }
            let width = u32::from(*width);
            let len = packed_len(MINIBLOCK, width).filter(|_| width <= 64);
            let bytes = take_bytes(data, len.ok_or_else(|| Error::corrupt("deltas wider than 64 bits"))?)?;
            unpack(bytes, width, wanted, |offset| {
                value = value.wrapping_add(least).wrapping_add(offset as i64);
                values.push(value);
            });
        }
    }
    Ok(values)
}

fn zigzag(value: i64) -> u64 {
    ((value << 1) ^ (value >> 63)) as u64
}

fn unzigzag(value: u64) -> i64 {
    (value >> 1) as i64 ^ -((value & 1) as i64)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn numbers_come_back(values in prop::collection::vec(prop_oneof![any::<i64>(), 0i64..1000], 0..400)) {
            let mut bytes = Vec::new();
            encode(&values, &mut bytes);
            bytes.push(42);
            let mut data = bytes.as_slice();
            prop_assert_eq!(decode(&mut data, values.len()).unwrap(), values);
            prop_assert_eq!(data, [42]);
        }

        #[test]
        fn noise_is_refused_or_read_but_never_panics(bytes in prop::collection::vec(any::<u8>(), 0..100)) {
            let _ = decode(&mut bytes.as_slice(), 1000);
            let mut headed = vec![0x80, 1, 4];
            headed.extend(bytes);
            let _ = decode(&mut headed.as_slice(), 1000);
        }
    }
}
