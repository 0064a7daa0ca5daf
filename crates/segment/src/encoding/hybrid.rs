//! The RLE / bit-packing hybrid: definition levels and dictionary codes.
//!
//! ```text
//!   run  = varint(count << 1)      value, in whole bytes       count times the same
//!        | varint(groups << 1 | 1) groups * 8 packed values    anything else
//! ```

use super::bits::{pack, packed_len, unpack};
use super::{push_varint, take_bytes, take_varint};
use crate::error::{Error, Result};

/// Shortest run that is worth leaving the packed form for.
const MIN_RUN: usize = 8;

/// Appends `codes`, each below 2^`width`.
pub(crate) fn encode(codes: &[u32], width: u32, out: &mut Vec<u8>) {
    let (mut packed_from, mut at) = (0, 0);
    while let Some(code) = codes.get(at) {
        let run = codes[at..].iter().take_while(|other| *other == code).count();
        // What precedes a run is packed in groups of eight: the run lends what lacks.
        let fill = (at - packed_from).next_multiple_of(8) - (at - packed_from);
        if run >= fill + MIN_RUN {
            push_packed(&codes[packed_from..at + fill], width, out);
            push_varint(((run - fill) << 1) as u64, out);
            out.extend_from_slice(&code.to_le_bytes()[..width.div_ceil(8) as usize]);
            packed_from = at + run;
        }
        at += run;
    }
    push_packed(&codes[packed_from..], width, out);
}

fn push_packed(codes: &[u32], width: u32, out: &mut Vec<u8>) {
    if codes.is_empty() {
        return;
    }
    let groups = codes.len().div_ceil(8);
    push_varint((groups << 1 | 1) as u64, out);
    let padding = groups * 8 - codes.len();
    pack(codes.iter().map(|code| u64::from(*code)).chain(std::iter::repeat_n(0, padding)), width, out);
}

/// Appends the definition levels of `len` rows: 1 for those in `present` (ascending, from 0).
pub(crate) fn encode_presence(present: impl ExactSizeIterator<Item = u32>, len: usize, out: &mut Vec<u8>) {
    let count = present.len();
    if count == 0 || count == len {
        push_varint((len << 1) as u64, out);
        out.push(u8::from(count > 0));
        return;
    }
    // A group of eight levels of one bit is a byte: runs are runs of equal bytes.
    let mut groups = vec![0u8; len.div_ceil(8)];
    for row in present {
        if let Some(group) = groups.get_mut(row as usize / 8) {
            *group |= 1 << (row % 8);
        }
    }
    let tail_bits = len % 8;
    if let Some(last) = groups.last_mut()
        && tail_bits > 0
        && *last == (1 << tail_bits) - 1
    {
        *last = 0xff;
    }
    let (mut packed_from, mut at) = (0, 0);
    while let Some(group) = groups.get(at) {
        let run = groups[at..].iter().take_while(|other| *other == group).count();
        // A run of two groups costs as much as their packed form: only longer ones gain.
        if run > 2 && matches!(group, 0 | 0xff) {
            push_groups(&groups[packed_from..at], out);
            let rows = ((at + run) * 8).min(len) - at * 8;
            push_varint((rows << 1) as u64, out);
            out.push(group & 1);
            packed_from = at + run;
        }
        at += run;
    }
    push_groups(&groups[packed_from..], out);
}

fn push_groups(groups: &[u8], out: &mut Vec<u8>) {
    if !groups.is_empty() {
        push_varint((groups.len() << 1 | 1) as u64, out);
        out.extend_from_slice(groups);
    }
}

/// Part of an encoded sequence.
pub(crate) enum Run<'d> {
    /// The same code, `count` times.
    Repeated { code: u32, count: usize },
    /// `count` packed codes.
    Packed { bytes: &'d [u8], count: usize },
}

/// Reads `count` codes of `width` bits run by run.
pub(crate) fn decode<'d>(
    mut data: &'d [u8],
    width: u32,
    count: usize,
    mut each: impl FnMut(Run<'d>) -> Result<()>,
) -> Result<()> {
    if width > u32::BITS {
        return Err(Error::corrupt("dictionary codes wider than 32 bits"));
    }
    let mut left = count;
    while left > 0 {
        let header = take_varint(&mut data)?;
        let length = usize::try_from(header >> 1).map_err(|_| Error::corrupt("a run is too long"))?;
        if length == 0 {
            return Err(Error::corrupt("an empty run"));
        }
        if header & 1 == 0 {
            let mut code = [0u8; 4];
            let bytes = take_bytes(&mut data, width.div_ceil(8) as usize)?;
            code[..bytes.len()].copy_from_slice(bytes);
            let count = length.min(left);
            each(Run::Repeated { code: u32::from_le_bytes(code), count })?;
            left -= count;
        } else {
            let len = length.checked_mul(8).and_then(|codes| packed_len(codes, width));
            let len = len.ok_or_else(|| Error::corrupt("a run is too long"))?;
            let bytes = take_bytes(&mut data, len)?;
            let count = length.saturating_mul(8).min(left);
            each(Run::Packed { bytes, count })?;
            left -= count;
        }
    }
    Ok(())
}

/// Appends `count` codes.
pub(crate) fn decode_codes(data: &[u8], width: u32, count: usize, codes: &mut Vec<u32>) -> Result<()> {
    codes.reserve(count);
    decode(data, width, count, |run| {
        match run {
            Run::Repeated { code, count } => codes.extend(std::iter::repeat_n(code, count)),
            Run::Packed { bytes, count } => unpack(bytes, width, count, |code| codes.push(code as u32)),
        }
        Ok(())
    })
}

/// Appends `first_row + i` for each of `count` levels that is 1.
pub(crate) fn decode_presence(data: &[u8], count: usize, first_row: u32, rows: &mut Vec<u32>) -> Result<()> {
    let mut row = first_row;
    decode(data, 1, count, |run| {
        match run {
            Run::Repeated { code: 0, count } => row += count as u32,
            Run::Repeated { count, .. } => {
                rows.extend(row..row + count as u32);
                row += count as u32;
            }
            Run::Packed { bytes, count } => {
                for (index, byte) in bytes.iter().enumerate() {
                    let valid = count.saturating_sub(index * 8).min(8) as u32;
                    let mut bits = *byte & ((1u16 << valid) - 1) as u8;
                    while bits != 0 {
                        rows.push(row + bits.trailing_zeros());
                        bits &= bits - 1;
                    }
                    row += valid;
                }
            }
        }
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Runs and noise, as columns have them.
    fn codes() -> impl Strategy<Value = Vec<u32>> {
        let run = (0u32..1000, 1usize..40).prop_map(|(code, count)| vec![code; count]);
        let noise = prop::collection::vec(0u32..1000, 0..30);
        prop::collection::vec(prop_oneof![run, noise], 0..20).prop_map(|parts| parts.concat())
    }

    proptest! {
        #[test]
        fn codes_come_back(codes in codes(), extra in 0u32..23) {
            let width = 10 + extra;
            let mut bytes = Vec::new();
            encode(&codes, width, &mut bytes);
            let mut again = Vec::new();
            decode_codes(&bytes, width, codes.len(), &mut again).unwrap();
            prop_assert_eq!(again, codes);
        }

        #[test]
        fn presence_comes_back(runs in prop::collection::vec((any::<bool>(), 1usize..60), 0..30)) {
            let levels: Vec<bool> = runs.iter().flat_map(|(level, count)| vec![*level; *count]).collect();
            let present: Vec<u32> = (0..levels.len() as u32).filter(|row| levels[*row as usize]).collect();
            let mut bytes = Vec::new();
            encode_presence(present.iter().copied(), levels.len(), &mut bytes);
            let mut again = Vec::new();
            decode_presence(&bytes, levels.len(), 7, &mut again).unwrap();
            prop_assert_eq!(again, present.iter().map(|row| row + 7).collect::<Vec<_>>());
        }

        #[test]
        fn noise_is_refused_or_read_but_never_panics(bytes in prop::collection::vec(any::<u8>(), 0..50), width in 0u32..40) {
            let _ = decode_codes(&bytes, width, 1000, &mut Vec::new());
            let _ = decode_presence(&bytes, 1000, 0, &mut Vec::new());
        }
    }
}
