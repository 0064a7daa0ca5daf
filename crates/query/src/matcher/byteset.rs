//! Sets of bytes, and how often bytes turn up in logs.

use regex_syntax::hir::Class;

/// Some of the 256 bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ByteSet([u64; 4]);

impl ByteSet {
    /// This byte alone.
    pub(super) fn of(byte: u8) -> Self {
        Self::of_ranges([(byte, byte)])
    }

    fn of_ranges(ranges: impl IntoIterator<Item = (u8, u8)>) -> Self {
        let mut words = [0; 4];
        for byte in ranges.into_iter().flat_map(|(start, end)| start..=end) {
            words[usize::from(byte / 64)] |= 1 << (byte % 64);
        }
        Self(words)
    }

    /// The characters of a class, if each is one byte.
    pub(super) fn of_class(class: &Class) -> Option<Self> {
        match class {
            Class::Bytes(class) => Some(Self::of_ranges(class.iter().map(|range| (range.start(), range.end())))),
            Class::Unicode(class) if class.is_ascii() => {
                // Each end is ASCII, so that nothing is cut off.
                Some(Self::of_ranges(class.iter().map(|range| (range.start() as u8, range.end() as u8))))
            }
            Class::Unicode(_) => None,
        }
    }

    pub(super) fn contains(&self, byte: u8) -> bool {
        self.0[usize::from(byte / 64)] >> (byte % 64) & 1 == 1
    }

    /// The bytes, ascending.
    pub(super) fn iter(&self) -> impl Iterator<Item = u8> + '_ {
        (0..=u8::MAX).filter(|byte| self.contains(*byte))
    }

    /// About which share of the bytes of logs are in the set.
    pub(super) fn share(&self) -> f64 {
        self.iter().map(share).sum()
    }
}

/// About which share of the bytes of logs are this one. Measured roughly over the logs of several programs; only the
/// order of magnitude matters, since nothing but the choice of a search depends on it.
pub(super) fn share(byte: u8) -> f64 {
    let per_mille = match byte {
        b' ' => 110.0,
        b'e' | b't' | b'a' | b'o' | b'i' | b'n' | b's' | b'r' => 35.0,
        b'a'..=b'z' => 12.0,
        b'0'..=b'9' => 25.0,
        b'A'..=b'Z' => 4.0,
        b'.' => 18.0,
        b':' | b'-' => 13.0,
        b'/' | b'_' | b'=' => 7.0,
        b',' | b'"' | b'[' | b']' | b'(' | b')' => 4.0,
        b'!'..=b'~' => 1.0,
        _ => 0.3,
    };
    per_mille / 1000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shares_of_all_bytes_add_up_to_about_one() {
        let total = ByteSet::of_ranges([(0, u8::MAX)]).share();
        assert!((0.8..1.2).contains(&total), "{total}");
    }
}
