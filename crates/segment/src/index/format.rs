//! Counts of the index, bounded.

use crate::encoding::take_varint;
use crate::error::{Error, Result};

/// A varint that is at most `max`.
pub(super) fn take_count(bytes: &mut &[u8], max: usize) -> Result<usize> {
    let value = take_varint(bytes)?;
    usize::try_from(value).ok().filter(|value| *value <= max).ok_or_else(|| Error::corrupt("a number of the index"))
}
