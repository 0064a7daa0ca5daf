//! Page headers: a Thrift struct in compact form, read with every size checked before use.
//!
//! The specification is <https://github.com/apache/parquet-format/blob/master/src/main/thrift/parquet.thrift>
//! and <https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md>.

use crate::encoding::{take_bytes, take_varint};
use crate::error::{Error, Result};

/// What kind of page follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PageKind {
    /// Distinct values.
    Dictionary,
    /// Values, in version 1 of the layout.
    Data,
}

/// The header of a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PageHeader {
    pub(crate) kind: PageKind,
    pub(crate) uncompressed_size: usize,
    pub(crate) compressed_size: usize,
    pub(crate) num_values: usize,
    /// Parquet's number of the encoding.
    pub(crate) encoding: i32,
}

/// Deepest nesting of a header that is skipped over.
const MAX_DEPTH: u32 = 8;

const DATA_PAGE: i64 = 0;
const DICTIONARY_PAGE: i64 = 2;

impl PageHeader {
    /// Takes a header off the front of `data`.
    pub(crate) fn take(data: &mut &[u8]) -> Result<Self> {
        let (mut page_type, mut uncompressed, mut compressed) = (-1, -1, -1);
        let (mut num_values, mut encoding) = (-1, -1);
        fields(data, |id, kind, data| {
            match (id, kind) {
                (1, Kind::Int) => page_type = take_int(data)?,
                (2, Kind::Int) => uncompressed = take_int(data)?,
                (3, Kind::Int) => compressed = take_int(data)?,
                (5 | 7, Kind::Struct) => fields(data, |id, kind, data| {
                    match (id, kind) {
                        (1, Kind::Int) => num_values = take_int(data)?,
                        (2, Kind::Int) => encoding = take_int(data)?,
                        _ => skip(kind, data, MAX_DEPTH)?,
                    }
                    Ok(())
                })?,
                _ => skip(kind, data, MAX_DEPTH)?,
            }
            Ok(())
        })?;
        let kind = match page_type {
            DATA_PAGE => PageKind::Data,
            DICTIONARY_PAGE => PageKind::Dictionary,
            other => return Err(Error::Unsupported(format!("page type {other}"))),
        };
        let size = |value: i64| usize::try_from(value).map_err(|_| Error::corrupt("a page header lacks a size"));
        Ok(Self {
            kind,
            uncompressed_size: size(uncompressed)?,
            compressed_size: size(compressed)?,
            num_values: size(num_values)?,
            encoding: i32::try_from(encoding).map_err(|_| Error::corrupt("an encoding out of range"))?,
        })
    }
}

/// The types of Thrift's compact protocol.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// A boolean, its value being the type.
    Bool,
    Byte,
    Int,
    Double,
    Binary,
    List,
    Struct,
}

fn kind_of(number: u8) -> Result<Kind> {
    Ok(match number {
        1 | 2 => Kind::Bool,
        3 => Kind::Byte,
        4..=6 => Kind::Int,
        7 => Kind::Double,
        8 => Kind::Binary,
        9 | 10 => Kind::List,
        12 => Kind::Struct,
        _ => return Err(Error::corrupt("a page header of unknown types")),
    })
}

/// Gives each field of a struct to `each`, which takes its value.
fn fields<'d>(data: &mut &'d [u8], mut each: impl FnMut(i64, Kind, &mut &'d [u8]) -> Result<()>) -> Result<()> {
    let mut id = 0i64;
    loop {
        let head = take_bytes(data, 1)?[0];
        if head == 0 {
            return Ok(());
        }
        id = match head >> 4 {
            0 => take_int(data)?,
            step => id.wrapping_add(i64::from(step)),
        };
        each(id, kind_of(head & 0x0f)?, data)?;
    }
}

fn take_int(data: &mut &[u8]) -> Result<i64> {
    let value = take_varint(data)?;
    Ok((value >> 1) as i64 ^ -((value & 1) as i64))
}

fn take_len(data: &mut &[u8]) -> Result<usize> {
    usize::try_from(take_varint(data)?).map_err(|_| Error::corrupt("a length out of range"))
}

fn skip(kind: Kind, data: &mut &[u8], depth: u32) -> Result<()> {
    let deeper = depth.checked_sub(1).ok_or_else(|| Error::corrupt("a page header nests too deep"))?;
    match kind {
        Kind::Bool => {}
        Kind::Byte => drop(take_bytes(data, 1)?),
        Kind::Int => drop(take_varint(data)?),
        Kind::Double => drop(take_bytes(data, 8)?),
        Kind::Binary => {
            let len = take_len(data)?;
            take_bytes(data, len)?;
        }
        Kind::List => {
            let head = take_bytes(data, 1)?[0];
            let len = if head >> 4 == 15 { take_len(data)? } else { usize::from(head >> 4) };
            let kind = match kind_of(head & 0x0f)? {
                // In a list a boolean takes a byte, unlike in a field.
                Kind::Bool => Kind::Byte,
                kind => kind,
            };
            for _ in 0..len {
                skip(kind, data, deeper)?;
            }
        }
        Kind::Struct => fields(data, |_, kind, data| skip(kind, data, deeper))?,
    }
    Ok(())
}
