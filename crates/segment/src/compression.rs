//! zstd with a checksum of the content: a changed bit in the directory or the index would hide events unnoticed.

use std::cell::RefCell;

use crate::error::{Error, Result};

thread_local! {
    /// One compressor a thread: setting one up costs more than compressing a small page.
    static COMPRESSOR: RefCell<Option<(i32, zstd::bulk::Compressor<'static>)>> = const { RefCell::new(None) };
    /// One decompressor a thread, for the same reason.
    static DECOMPRESSOR: RefCell<Option<zstd::bulk::Decompressor<'static>>> = const { RefCell::new(None) };
}

/// Compresses with a checksum, which a reader finds wrong when a bit has changed.
pub(crate) fn compress_checked(bytes: &[u8], level: i32) -> Result<Vec<u8>> {
    COMPRESSOR.with_borrow_mut(|kept| {
        let compressor = match kept {
            Some((kept_level, compressor)) if *kept_level == level => compressor,
            _ => {
                let mut compressor = zstd::bulk::Compressor::new(level)?;
                // Four bytes a frame, checked by every reader. Fuzzing changes bits to see what lies behind.
                compressor.include_checksum(!cfg!(fuzzing))?;
                &mut kept.insert((level, compressor)).1
            }
        };
        Ok(compressor.compress(bytes)?)
    })
}

/// The content of a frame, if it is one of at most `max` bytes.
pub(crate) fn decompress_checked(bytes: &[u8], max: usize) -> Result<Vec<u8>> {
    let size = zstd::bulk::Decompressor::upper_bound(bytes).filter(|size| *size <= max);
    let size = size.ok_or_else(|| Error::corrupt("a compressed part takes too much room"))?;
    let mut plain = Vec::new();
    plain.try_reserve_exact(size).map_err(|_| Error::corrupt("a compressed part takes too much room"))?;
    decompress_into(bytes, &mut plain)?;
    Ok(plain)
}

/// Decompresses a frame into the free room of `plain`, which must hold it.
pub(crate) fn decompress_into(bytes: &[u8], plain: &mut Vec<u8>) -> Result<usize> {
    DECOMPRESSOR.with_borrow_mut(|kept| {
        let decompressor = match kept {
            Some(decompressor) => decompressor,
            None => kept.insert(zstd::bulk::Decompressor::new()?),
        };
        decompressor.decompress_to_buffer(bytes, plain).map_err(|_| Error::corrupt("a part cannot be decompressed"))
    })
}
