//! A block as bytes, for the stream.
//!
//! Little-endian; `v` is an unsigned LEB128 varint, `z` a zigzag varint, `text` a varint length and UTF-8.
//!
//! ```text
//! block    := rows:v raw_bytes:v timestamps envelopes:v envelope* codes columns:v column*
//! timestamps := z*            each the difference to the one before, the first to 0
//! envelope := path spelling:text alias alias alias            service, level, message
//! alias    := 0 | 1 path
//! codes    := (run length:v, index into envelopes:v)*          until all rows are covered
//! column   := length:v path kind:u8 presence values            length counts what follows it
//! path     := keys:v text*
//! presence := runs:v (gap since the last run:v, length:v)*     the rows that have a value
//! values   := Text, Json: z-free lengths v*, then all bytes
//!             Int: z*   Float: f64*   Bool: u8*
//! ```
//!
//! Whoever reads skips the columns it does not need by their length.

use crate::block::{Block, Column, Envelope, Kind, Path, Projection, Values};
use crate::texts::{Form, Texts};
use crate::timestamp::Spelling;

/// The bytes are not a block.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an event block: {what} at byte {offset}")]
pub struct CodecError {
    /// What was wrong.
    pub what: &'static str,
    /// Where.
    pub offset: usize,
}

/// Most rows a block may claim: bounds what a few corrupt bytes can make a reader allocate.
pub const MAX_ROWS: u64 = 16 * 1024 * 1024;

/// Appends a block.
pub fn encode(block: &Block, out: &mut Vec<u8>) {
    put_varint(out, block.rows() as u64);
    put_varint(out, block.raw_bytes);
    let mut previous = 0i64;
    for timestamp in &block.timestamps {
        put_varint(out, zigzag(timestamp.wrapping_sub(previous)));
        previous = *timestamp;
    }
    put_varint(out, block.envelopes.len() as u64);
    for envelope in &block.envelopes {
        put_path(out, &envelope.timestamp_path);
        put_text(out, &envelope.timestamp_spelling.to_string());
        for alias in [&envelope.service_alias, &envelope.level_alias, &envelope.message_alias] {
            out.push(u8::from(alias.is_some()));
            if let Some(path) = alias {
                put_path(out, path);
            }
        }
    }
    for run in block.envelope_codes.chunk_by(|one, next| one == next) {
        put_varint(out, run.len() as u64);
        put_varint(out, u64::from(run[0]));
    }
    put_varint(out, block.columns.len() as u64);
    let mut bytes = Vec::new();
    for column in &block.columns {
        bytes.clear();
        put_column(&mut bytes, column);
        put_varint(out, bytes.len() as u64);
        out.extend_from_slice(&bytes);
    }
}

/// Reads a block, leaving out the columns that `projection` does not want.
pub fn decode(bytes: &[u8], projection: &Projection) -> Result<Block, CodecError> {
    let mut input = Input { bytes, at: 0 };
    let rows = input.varint()?;
    // Every row takes at least one byte of timestamp.
    if rows > MAX_ROWS || rows as usize > bytes.len() {
        return Err(input.error("row count"));
    }
    let rows = rows as usize;
    let mut block = Block { raw_bytes: input.varint()?, ..Block::default() };
    let mut timestamp = 0i64;
    block.timestamps.reserve_exact(rows);
    for _ in 0..rows {
        timestamp = timestamp.wrapping_add(unzigzag(input.varint()?));
        block.timestamps.push(timestamp);
    }
    for _ in 0..input.varint()? {
        block.envelopes.push(input.envelope()?);
    }
    block.envelope_codes.reserve_exact(rows);
    while block.envelope_codes.len() < rows {
        let (length, code) = (input.varint()?, input.varint()?);
        let left = rows - block.envelope_codes.len();
        if length == 0 || length > left as u64 || code >= block.envelopes.len() as u64 {
            return Err(input.error("envelope run"));
        }
        block.envelope_codes.extend(std::iter::repeat_n(code as u32, length as usize));
    }
    for _ in 0..input.varint()? {
        let length = input.varint()?;
        let mut part = Input { bytes: input.take(length)?, at: 0 };
        if let Some(column) = part.column(rows, projection)? {
            block.columns.push(column);
        }
    }
    if input.at != bytes.len() {
        return Err(input.error("trailing bytes"));
    }
    Ok(block)
}

fn put_column(out: &mut Vec<u8>, column: &Column) {
    put_path(out, &column.path);
    out.push(column.values.kind() as u8);
    let runs = column.rows.chunk_by(|one, next| one + 1 == *next);
    put_varint(out, runs.clone().count() as u64);
    let mut end = 0u32;
    for run in runs {
        put_varint(out, u64::from(run[0] - end));
        put_varint(out, run.len() as u64);
        end = run[0] + run.len() as u32;
    }
    match &column.values {
        Values::Text(texts) | Values::Json(texts) => {
            texts.iter().for_each(|text| put_varint(out, text.len() as u64));
            match texts.form() {
                Form::Plain(plain) => out.extend_from_slice(plain.bytes()),
                Form::Coded { .. } => texts.iter().for_each(|text| out.extend_from_slice(text.as_bytes())),
            }
        }
        Values::Int(values) => values.iter().for_each(|value| put_varint(out, zigzag(*value))),
        Values::Float(values) => values.iter().for_each(|value| out.extend_from_slice(&value.to_le_bytes())),
        Values::Bool(values) => values.iter().for_each(|value| out.push(u8::from(*value))),
    }
}

fn put_path(out: &mut Vec<u8>, path: &Path) {
    put_varint(out, path.keys().len() as u64);
    path.keys().iter().for_each(|key| put_text(out, key));
}

fn put_text(out: &mut Vec<u8>, text: &str) {
    put_varint(out, text.len() as u64);
    out.extend_from_slice(text.as_bytes());
}

pub(crate) fn put_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

pub(crate) fn zigzag(value: i64) -> u64 {
    ((value << 1) ^ (value >> 63)) as u64
}

pub(crate) fn unzigzag(value: u64) -> i64 {
    (value >> 1) as i64 ^ -((value & 1) as i64)
}

/// Bytes being read; every read is checked.
pub(crate) struct Input<'a> {
    pub(crate) bytes: &'a [u8],
    pub(crate) at: usize,
}

impl<'a> Input<'a> {
    pub(crate) fn error(&self, what: &'static str) -> CodecError {
        CodecError { what, offset: self.at }
    }

    pub(crate) fn varint(&mut self) -> Result<u64, CodecError> {
        let mut value = 0u64;
        for shift in (0..64).step_by(7) {
            let byte = *self.bytes.get(self.at).ok_or_else(|| self.error("end of bytes in a number"))?;
            self.at += 1;
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err(self.error("number too long"))
    }

    pub(crate) fn take(&mut self, length: u64) -> Result<&'a [u8], CodecError> {
        let left = self.bytes.len() - self.at;
        if length > left as u64 {
            return Err(self.error("end of bytes"));
        }
        let taken = &self.bytes[self.at..self.at + length as usize];
        self.at += length as usize;
        Ok(taken)
    }

    pub(crate) fn text(&mut self) -> Result<&'a str, CodecError> {
        let length = self.varint()?;
        let bytes = self.take(length)?;
        std::str::from_utf8(bytes).map_err(|_| self.error("invalid UTF-8"))
    }

    fn byte(&mut self) -> Result<u8, CodecError> {
        Ok(self.take(1)?[0])
    }

    fn path(&mut self) -> Result<Path, CodecError> {
        let keys = self.varint()?;
        let keys: Result<Vec<&str>, _> = (0..keys).map(|_| self.text()).collect();
        Ok(Path::new(keys?))
    }

    fn envelope(&mut self) -> Result<Envelope, CodecError> {
        let timestamp_path = self.path()?;
        let timestamp_spelling: Spelling = self.text()?.parse().map_err(|()| self.error("timestamp spelling"))?;
        let mut alias = || match self.byte()? {
            0 => Ok(None),
            1 => self.path().map(Some),
            _ => Err(self.error("alias")),
        };
        let (service_alias, level_alias, message_alias) = (alias()?, alias()?, alias()?);
        Ok(Envelope { timestamp_path, timestamp_spelling, service_alias, level_alias, message_alias })
    }

    /// Reads a column that takes all of the input, unless it is not wanted.
    fn column(&mut self, block_rows: usize, projection: &Projection) -> Result<Option<Column>, CodecError> {
        let path = self.path()?;
        let kind = match self.byte()? {
            0 => Kind::Text,
            1 => Kind::Int,
            2 => Kind::Float,
            3 => Kind::Bool,
            4 => Kind::Json,
            _ => return Err(self.error("column kind")),
        };
        if *projection != Projection::All && !projection.wants(&path.name(), kind) {
            return Ok(None);
        }
        let mut rows = Vec::new();
        let mut end = 0u64;
        for _ in 0..self.varint()? {
            let (gap, length) = (self.varint()?, self.varint()?);
            let start = end.checked_add(gap).ok_or_else(|| self.error("row run"))?;
            end = start.checked_add(length).ok_or_else(|| self.error("row run"))?;
            if length == 0 || end > block_rows as u64 {
                return Err(self.error("row run"));
            }
            rows.extend(start as u32..end as u32);
        }
        let values = self.values(kind, rows.len())?;
        if self.at != self.bytes.len() {
            return Err(self.error("trailing bytes in a column"));
        }
        Ok(Some(Column { path, rows, values }))
    }

    fn values(&mut self, kind: Kind, count: usize) -> Result<Values, CodecError> {
        match kind {
            Kind::Text | Kind::Json => {
                let mut lengths = Vec::with_capacity(count);
                for _ in 0..count {
                    let length = self.varint()?;
                    lengths.push(u32::try_from(length).map_err(|_| self.error("text length"))?);
                }
                let bytes = self.take((self.bytes.len() - self.at) as u64)?.to_vec();
                let texts = Texts::from_parts(bytes, lengths).ok_or_else(|| self.error("text borders"))?;
                Ok(if kind == Kind::Text { Values::Text(texts) } else { Values::Json(texts) })
            }
            Kind::Int => {
                let values: Result<_, _> = (0..count).map(|_| self.varint().map(unzigzag)).collect();
                Ok(Values::Int(values?))
            }
            Kind::Float => {
                let bytes = self.take(count as u64 * 8)?;
                let number = |chunk: &[u8]| chunk.try_into().map(f64::from_le_bytes).unwrap_or_default();
                Ok(Values::Float(bytes.chunks_exact(8).map(number).collect()))
            }
            Kind::Bool => Ok(Values::Bool(self.take(count as u64)?.iter().map(|byte| *byte != 0).collect())),
        }
    }
}
