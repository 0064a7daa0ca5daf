//! A checksum of the footer, kept in the footer.
//!
//! Pages carry zstd's own checksum. The names, places and statistics of the footer have none in Parquet, and a
//! changed bit there could hide events or rename a field unnoticed. So the value of [`KEY_CHECK`] is the XXH3 (64
//! bits, 16 hexadecimal digits) of all bytes from the footer's offset to the end of the object, these digits
//! themselves taken as zeros. Other readers see a string among the metadata.

use xxhash_rust::xxh3::Xxh3Default;

use crate::error::{Error, Result};
use crate::format::KEY_CHECK;

/// Digits of the checksum.
const DIGITS: usize = 16;
/// What stands for the checksum until it is known.
pub(crate) const PLACEHOLDER: &str = "0000000000000000";
/// Between key and value in Thrift's compact form: the next field, a string, of so many bytes.
const VALUE_FOLLOWS: [u8; 2] = [0x18, DIGITS as u8];

/// Where the digits stand. The key is the last of the metadata, so its last occurrence is the one.
fn place(footer: &[u8]) -> Result<usize> {
    let pattern = [KEY_CHECK.as_bytes(), &VALUE_FOLLOWS].concat();
    let found = footer.windows(pattern.len()).rposition(|window| window == pattern);
    let place = found.map(|at| at + pattern.len()).filter(|place| place + DIGITS <= footer.len());
    place.ok_or_else(|| Error::corrupt("the footer has no checksum"))
}

fn digits(footer: &[u8], place: usize) -> String {
    let mut hasher = Xxh3Default::new();
    hasher.update(&footer[..place]);
    hasher.update(PLACEHOLDER.as_bytes());
    hasher.update(&footer[place + DIGITS..]);
    format!("{:016x}", hasher.digest())
}

/// Puts the checksum in the place of [`PLACEHOLDER`].
pub(crate) fn seal(footer: &mut [u8]) -> Result<()> {
    let place = place(footer)?;
    let digits = digits(footer, place);
    footer[place..place + DIGITS].copy_from_slice(digits.as_bytes());
    Ok(())
}

/// Fails when the footer is not what was sealed.
pub(crate) fn verify(footer: &[u8]) -> Result<()> {
    let place = place(footer)?;
    if digits(footer, place).as_bytes() != &footer[place..place + DIGITS] {
        return Err(Error::corrupt("the checksum of the footer does not match"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sealed() -> Vec<u8> {
        let mut footer = [b"before", KEY_CHECK.as_bytes(), &VALUE_FOLLOWS, PLACEHOLDER.as_bytes(), b"behind"].concat();
        seal(&mut footer).unwrap();
        footer
    }

    #[test]
    fn every_changed_bit_is_noticed() {
        let footer = sealed();
        assert!(verify(&footer).is_ok());
        for bit in 0..footer.len() * 8 {
            let mut changed = footer.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            assert!(verify(&changed).is_err(), "bit {bit}");
        }
    }

    #[test]
    fn what_is_cut_off_is_noticed() {
        let footer = sealed();
        for end in 0..footer.len() {
            assert!(verify(&footer[..end]).is_err(), "{end}");
        }
    }
}
