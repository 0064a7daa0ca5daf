//! Strings: PLAIN and DELTA_LENGTH_BYTE_ARRAY.
//!
//! DELTA_BYTE_ARRAY, which leaves out what a string shares with the one before, was measured on
//! real logs too: behind ZSTD it takes 3 % more room, since equal strings no longer look equal.

use super::{delta, take_bytes};
use crate::error::{Error, Result};

/// Appends each string behind its length in four bytes.
pub(crate) fn encode_plain<'t>(texts: impl IntoIterator<Item = &'t [u8]>, out: &mut Vec<u8>) {
    for text in texts {
        out.extend_from_slice(&(text.len() as u32).to_le_bytes());
        out.extend_from_slice(text);
    }
}

/// Appends the lengths of all strings, then all strings.
pub(crate) fn encode_delta_length(texts: &[&[u8]], out: &mut Vec<u8>) {
    let lengths: Vec<i64> = texts.iter().map(|text| text.len() as i64).collect();
    delta::encode(&lengths, out);
    texts.iter().for_each(|text| out.extend_from_slice(text));
}

/// The lengths of `count` strings, and all of them as one run.
pub(crate) fn decode_plain(mut data: &[u8], count: usize) -> Result<(Vec<u32>, String)> {
    // Every string takes four bytes and its own.
    let count = count.min(data.len() / 4 + 1);
    let (mut lengths, mut run) = (Vec::with_capacity(count), String::with_capacity(data.len()));
    for _ in 0..count {
        let (length, rest) = data.split_first_chunk::<4>().ok_or_else(|| Error::corrupt("a page ends early"))?;
        data = rest;
        let length = u32::from_le_bytes(*length);
        run.push_str(utf8(take_bytes(&mut data, length as usize)?)?);
        lengths.push(length);
    }
    Ok((lengths, run))
}

/// The lengths of `count` strings, and the run of text that they cut.
///
/// Checking all strings at once is quicker than one by one; that borders fall between characters is for whoever
/// cuts them to check.
pub(crate) fn decode_delta_length(mut data: &[u8], count: usize) -> Result<(Vec<u32>, &str)> {
    let lengths = delta::decode(&mut data, count)?;
    if lengths.len() != count {
        return Err(Error::corrupt("fewer strings than rows that have one"));
    }
    let narrow = |length: i64| u32::try_from(length).map_err(|_| Error::corrupt("a string reaches beyond its page"));
    Ok((lengths.into_iter().map(narrow).collect::<Result<_>>()?, utf8(data)?))
}

fn utf8(bytes: &[u8]) -> Result<&str> {
    std::str::from_utf8(bytes).map_err(|_| Error::corrupt("a string is not UTF-8"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn strings_come_back(texts in prop::collection::vec("[a-c\u{0}é🦀]{0,20}", 0..100)) {
            let slices: Vec<&[u8]> = texts.iter().map(|text| text.as_bytes()).collect();
            let (mut plain, mut delta_length) = (Vec::new(), Vec::new());
            encode_plain(slices.iter().copied(), &mut plain);
            encode_delta_length(&slices, &mut delta_length);
            let lengths: Vec<u32> = texts.iter().map(|text| text.len() as u32).collect();
            let (count, run) = (texts.len(), texts.concat());
            prop_assert_eq!(decode_plain(&plain, count).unwrap(), (lengths.clone(), run.clone()));
            prop_assert_eq!(decode_delta_length(&delta_length, count).unwrap(), (lengths, run.as_str()));
        }

        #[test]
        fn noise_is_refused_or_read_but_never_panics(bytes in prop::collection::vec(any::<u8>(), 0..100)) {
            let mut headed = vec![0x80, 1, 4];
            headed.extend(&bytes);
            for data in [bytes, headed] {
                let _ = decode_plain(&data, 20);
                let _ = decode_delta_length(&data, 20);
            }
        }
    }
}
