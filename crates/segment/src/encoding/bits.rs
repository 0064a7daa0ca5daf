//! Numbers of a fixed width of bits, least significant first.

/// The width that holds `value`.
pub(crate) fn width_of(value: u64) -> u32 {
    u64::BITS - value.leading_zeros()
}

/// Appends `values`, each below 2^`width`, in whole bytes.
pub(crate) fn pack(values: impl IntoIterator<Item = u64>, width: u32, out: &mut Vec<u8>) {
    if width == 0 {
        return;
    }
    let (mut pending, mut pending_bits) = (0u64, 0u32);
    for value in values {
        pending |= value << pending_bits;
        if pending_bits + width >= u64::BITS {
            out.extend_from_slice(&pending.to_le_bytes());
            let taken = u64::BITS - pending_bits;
            pending = value.checked_shr(taken).unwrap_or(0);
            pending_bits = width - taken;
        } else {
            pending_bits += width;
        }
    }
    out.extend_from_slice(&pending.to_le_bytes()[..pending_bits.div_ceil(8) as usize]);
}

/// How many bytes `count` values of `width` bits take, `None` beyond what memory can hold.
pub(crate) fn packed_len(count: usize, width: u32) -> Option<usize> {
    Some(count.checked_mul(width as usize)?.div_ceil(8))
}

/// Reads `count` values; `bytes` holds at least [`packed_len`] bytes, what lacks reads as zero.
pub(crate) fn unpack(bytes: &[u8], width: u32, count: usize, mut each: impl FnMut(u64)) {
    let mask = if width == 64 { u64::MAX } else { (1 << width) - 1 };
    let mut bit = 0usize;
    for _ in 0..count {
        let (byte, shift) = (bit / 8, bit % 8);
        let value = match bytes.get(byte..).and_then(<[u8]>::first_chunk::<8>) {
            // Eight bytes hold any value of up to 57 bits at any shift.
            Some(word) if width <= 57 => u64::from_le_bytes(*word) >> shift,
            _ => {
                let mut word = [0u8; 16];
                let rest = bytes.get(byte..).unwrap_or_default();
                let len = rest.len().min(word.len());
                word[..len].copy_from_slice(&rest[..len]);
                (u128::from_le_bytes(word) >> shift) as u64
            }
        };
        each(value & mask);
        bit += width as usize;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn packed_numbers_come_back(values in prop::collection::vec(any::<u64>(), 0..100), width in 0u32..=64) {
            let mask = if width == 64 { u64::MAX } else { (1 << width) - 1 };
            let values: Vec<u64> = values.into_iter().map(|value| value & mask).collect();
            let mut bytes = Vec::new();
            pack(values.iter().copied(), width, &mut bytes);
            prop_assert_eq!(Some(bytes.len()), packed_len(values.len(), width));
            let mut again = Vec::new();
            unpack(&bytes, width, values.len(), |value| again.push(value));
            prop_assert_eq!(again, values);
        }
    }
}
