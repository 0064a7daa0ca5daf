//! Reads protobuf messages where they stand (<https://protobuf.dev/programming-guides/encoding/>).
//!
//! Nothing is allocated, so that a body of many tiny messages takes no more memory than its bytes.

/// Not protobuf.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Malformed {
    /// Bytes read of the message in which it was noticed.
    pub(crate) offset: usize,
    /// What is wrong there.
    pub(crate) reason: &'static str,
}

/// The value of a field.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Wire<'b> {
    Varint(u64),
    Fixed64(u64),
    Fixed32(u32),
    Bytes(&'b [u8]),
}

/// The fields of a message, in the order in which they stand.
#[derive(Clone, Copy)]
pub(crate) struct Fields<'b> {
    rest: &'b [u8],
    len: usize,
}

impl<'b> Fields<'b> {
    /// Of the message that `bytes` is.
    pub(crate) fn of(bytes: &'b [u8]) -> Self {
        Self { rest: bytes, len: bytes.len() }
    }

    /// The next field: its number and value.
    pub(crate) fn next(&mut self) -> Result<Option<(u64, Wire<'b>)>, Malformed> {
        if self.rest.is_empty() {
            return Ok(None);
        }
        let tag = self.varint()?;
        let value = match tag & 7 {
            0 => Wire::Varint(self.varint()?),
            1 => Wire::Fixed64(u64::from_le_bytes(self.array()?)),
            2 => {
                let len = usize::try_from(self.varint()?).unwrap_or(usize::MAX);
                let (bytes, rest) = self.rest.split_at_checked(len).ok_or(self.malformed("a field is cut off"))?;
                self.rest = rest;
                Wire::Bytes(bytes)
            }
            5 => Wire::Fixed32(u32::from_le_bytes(self.array()?)),
            _ => return Err(self.malformed("a field has an unknown wire type")),
        };
        match tag >> 3 {
            0 => Err(self.malformed("a field has number 0")),
            number => Ok(Some((number, value))),
        }
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Malformed> {
        let (bytes, rest) = self.rest.split_first_chunk::<N>().ok_or(self.malformed("a number is cut off"))?;
        self.rest = rest;
        Ok(*bytes)
    }

    #[inline]
    fn varint(&mut self) -> Result<u64, Malformed> {
        let mut value = 0;
        for (at, byte) in self.rest.iter().take(10).enumerate() {
            value |= u64::from(byte & 0x7f) << (7 * at);
            if byte & 0x80 == 0 {
                self.rest = self.rest.get(at + 1..).unwrap_or_default();
                return Ok(value);
            }
        }
        Err(self.malformed("a number does not end"))
    }

    fn malformed(&self, reason: &'static str) -> Malformed {
        Malformed { offset: self.len - self.rest.len(), reason }
    }
}

/// Appends a field of a number.
pub fn put_varint(out: &mut Vec<u8>, number: u64, value: u64) {
    varint(out, number << 3);
    varint(out, value);
}

/// Appends a field of bytes: a string or a message.
pub fn put_bytes(out: &mut Vec<u8>, number: u64, value: &[u8]) {
    varint(out, number << 3 | 2);
    varint(out, value.len() as u64);
    out.extend_from_slice(value);
}

/// Appends a field of 8 bytes.
pub fn put_fixed64(out: &mut Vec<u8>, number: u64, value: u64) {
    varint(out, number << 3 | 1);
    out.extend_from_slice(&value.to_le_bytes());
}

/// Appends a field of 4 bytes.
pub fn put_fixed32(out: &mut Vec<u8>, number: u64, value: u32) {
    varint(out, number << 3 | 5);
    out.extend_from_slice(&value.to_le_bytes());
}

fn varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}
