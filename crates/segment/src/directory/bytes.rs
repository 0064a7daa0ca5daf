//! Sections, numbers and names as bytes.

use trawl_event::{Kind, Path};

use crate::encoding::{push_varint, take_bytes, take_varint};
use crate::error::{Error, Result};

/// Appends a string or a section behind its length.
pub(super) fn push_counted(bytes: &[u8], out: &mut Vec<u8>) {
    push_varint(bytes.len() as u64, out);
    out.extend_from_slice(bytes);
}

pub(super) fn push_kind_and_path(kind: Kind, path: &Path, out: &mut Vec<u8>) {
    out.push(kind as u8);
    push_varint(path.keys().len() as u64, out);
    path.keys().iter().for_each(|key| push_counted(key.as_bytes(), out));
}

pub(super) fn push_signed(value: i64, out: &mut Vec<u8>) {
    push_varint(((value << 1) ^ (value >> 63)) as u64, out);
}

/// Bytes that are taken off the front, with every count bounded by what is left.
pub(super) struct Section<'d>(pub(super) &'d [u8]);

impl<'d> Section<'d> {
    pub(super) fn number(&mut self) -> Result<u64> {
        take_varint(&mut self.0)
    }

    pub(super) fn signed(&mut self) -> Result<i64> {
        let value = self.number()?;
        Ok((value >> 1) as i64 ^ -((value & 1) as i64))
    }

    /// A number of at most `max`.
    pub(super) fn at_most(&mut self, max: u64, what: &'static str) -> Result<u64> {
        let value = self.number()?;
        if value > max { Err(Error::corrupt(format!("{what}: {value} of at most {max}"))) } else { Ok(value) }
    }

    /// How many things follow, each of at least a byte.
    pub(super) fn count(&mut self) -> Result<usize> {
        let left = self.0.len() as u64;
        self.at_most(left, "more things than bytes").map(|count| count as usize)
    }

    pub(super) fn byte(&mut self) -> Result<u8> {
        Ok(take_bytes(&mut self.0, 1)?[0])
    }

    /// Two bytes, little endian.
    pub(super) fn short(&mut self) -> Result<u16> {
        let bytes = take_bytes(&mut self.0, 2)?;
        Ok(u16::from(bytes[0]) | u16::from(bytes[1]) << 8)
    }

    pub(super) fn counted(&mut self) -> Result<&'d [u8]> {
        let length = self.count()?;
        take_bytes(&mut self.0, length)
    }

    pub(super) fn text(&mut self) -> Result<&'d str> {
        std::str::from_utf8(self.counted()?).map_err(|_| Error::corrupt("a name is not UTF-8"))
    }

    pub(super) fn kind_and_path(&mut self) -> Result<(Kind, Path)> {
        let number = self.byte()?;
        let kinds = [Kind::Text, Kind::Int, Kind::Float, Kind::Bool, Kind::Json];
        let kind = kinds.into_iter().find(|kind| *kind as u8 == number);
        let kind = kind.ok_or_else(|| Error::corrupt("a column of an unknown type"))?;
        let keys = (0..self.count()?).map(|_| self.text()).collect::<Result<Vec<_>>>()?;
        if keys.is_empty() {
            return Err(Error::corrupt("a column without a name"));
        }
        Ok((kind, Path::new(keys)))
    }

    pub(super) fn ends(&self) -> Result<()> {
        if self.0.is_empty() { Ok(()) } else { Err(Error::corrupt("a section of the directory is too long")) }
    }
}
