//! Many strings as one value: the texts of a column.

use std::sync::Arc;

/// Strings in order, either *plain* or *coded*.
///
/// ```text
///   plain   bytes "INFOWARNINFO"   offsets 0 4 8 12      string i is bytes[offsets[i]..offsets[i + 1]]
///   coded   distinct "INFO","WARN" codes   0 1 0         string i is string codes[i] of the distinct ones
/// ```
///
/// Whoever looks at each string alone need not care which. Work that depends on the string only (does it match, which
/// group is it) is done once per distinct one where there are codes: see [`Texts::form`].
#[derive(Clone, Debug)]
pub struct Texts {
    offsets: Vec<u32>,
    bytes: Vec<u8>,
    /// When there are codes, `offsets` and `bytes` are those of no string.
    coded: Option<Coded>,
}

#[derive(Clone, Debug)]
struct Coded {
    /// Plain.
    distinct: Arc<Texts>,
    /// Each below the number of distinct strings.
    codes: Vec<u32>,
}

/// How strings are kept, for work that goes through all of them.
#[derive(Clone, Copy, Debug)]
pub enum Form<'t> {
    /// One after the other.
    Plain(Plain<'t>),
    /// Each as the index of its own among the distinct ones, which may be more than occur.
    Coded {
        /// The distinct strings.
        distinct: Plain<'t>,
        /// One for each string.
        codes: &'t [u32],
    },
}

/// Strings end to end.
#[derive(Clone, Copy, Debug)]
pub struct Plain<'t> {
    bytes: &'t [u8],
    offsets: &'t [u32],
}

impl<'t> Plain<'t> {
    /// All of them as one run of UTF-8.
    #[inline]
    pub fn bytes(&self) -> &'t [u8] {
        self.bytes
    }

    /// The borders between them: one more than there are strings, ascending.
    #[inline]
    pub fn offsets(&self) -> &'t [u32] {
        self.offsets
    }

    /// How many strings there are.
    #[inline]
    pub fn len(&self) -> usize {
        self.offsets.len() - 1
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// String `index`; panics when there is none, as slices do.
    #[inline]
    pub fn get(&self, index: usize) -> &'t str {
        let range = self.offsets[index] as usize..self.offsets[index + 1] as usize;
        // Only `push` and `append` add bytes, always whole strings; re-checking the
        // UTF-8 of every value on every read would cost more than the scan itself.
        #[allow(unsafe_code)]
        // SAFETY: `bytes` is a concatenation of `str`s and `offsets` are their borders: nobody but `Texts` makes this.
        unsafe {
            std::str::from_utf8_unchecked(&self.bytes[range])
        }
    }

    /// All strings in order.
    pub fn iter(self) -> impl ExactSizeIterator<Item = &'t str> {
        (0..self.len()).map(move |index| self.get(index))
    }
}

impl Default for Texts {
    fn default() -> Self {
        Self { offsets: vec![0], bytes: Vec::new(), coded: None }
    }
}

impl PartialEq for Texts {
    /// The same strings in the same order, however they are kept.
    fn eq(&self, other: &Self) -> bool {
        self.len() == other.len() && self.iter().eq(other.iter())
    }
}

impl Eq for Texts {}

impl Texts {
    /// No strings, with room for so many of so many bytes together.
    pub fn with_capacity(values: usize, bytes: usize) -> Self {
        let mut offsets = Vec::with_capacity(values + 1);
        offsets.push(0);
        Self { offsets, bytes: Vec::with_capacity(bytes), coded: None }
    }

    /// Coded strings; `None` when a code has no string.
    pub fn coded(distinct: Arc<Texts>, codes: Vec<u32>) -> Option<Self> {
        let distinct = if distinct.coded.is_some() { Arc::new(distinct.to_plain()) } else { distinct };
        let known = distinct.len();
        codes
            .iter()
            .all(|code| (*code as usize) < known)
            .then(|| Self { coded: Some(Coded { distinct, codes }), ..Self::default() })
    }

    /// Plain strings from their concatenation and lengths; `None` unless `bytes` is UTF-8,
    /// the lengths add up to it, and every border is a character border.
    pub fn from_parts(bytes: Vec<u8>, lengths: impl IntoIterator<Item = u32>) -> Option<Self> {
        let text = std::str::from_utf8(&bytes).ok()?;
        let mut offsets = vec![0u32];
        let mut end = 0u32;
        for length in lengths {
            end = end.checked_add(length)?;
            if !text.is_char_boundary(end as usize) {
                return None;
            }
            offsets.push(end);
        }
        (end as usize == bytes.len()).then_some(Self { offsets, bytes, coded: None })
    }

    /// How many strings there are.
    #[inline]
    pub fn len(&self) -> usize {
        match &self.coded {
            Some(coded) => coded.codes.len(),
            None => self.offsets.len() - 1,
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How they are kept.
    pub fn form(&self) -> Form<'_> {
        match &self.coded {
            Some(Coded { distinct, codes }) => Form::Coded { distinct: distinct.stored(), codes },
            None => Form::Plain(self.stored()),
        }
    }

    fn stored(&self) -> Plain<'_> {
        Plain { bytes: &self.bytes, offsets: &self.offsets }
    }

    /// Bytes of memory that the strings take.
    pub fn size_bytes(&self) -> usize {
        let offsets_bytes = self.offsets.len() * size_of::<u32>();
        match &self.coded {
            Some(coded) => coded.codes.len() * size_of::<u32>() + coded.distinct.size_bytes(),
            None => self.bytes.len() + offsets_bytes,
        }
    }

    /// String `index`; panics when there is none, as slices do.
    #[inline]
    pub fn get(&self, index: usize) -> &str {
        match self.form() {
            Form::Plain(plain) => plain.get(index),
            Form::Coded { distinct, codes } => distinct.get(codes[index] as usize),
        }
    }

    /// All strings in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &str> {
        (0..self.len()).map(|index| self.get(index))
    }

    /// Appends a string. All strings of one column stay below 4 GiB together
    /// (blocks are bounded far below that), so offsets fit `u32`.
    pub fn push(&mut self, text: &str) {
        self.make_plain();
        self.bytes.extend_from_slice(text.as_bytes());
        self.offsets.push(self.bytes.len() as u32);
    }

    /// Appends the strings of these lengths that `run` is made of; false, and nothing is appended, unless the lengths
    /// add up to it and every border is a character border.
    pub fn push_run(&mut self, run: &str, lengths: impl Iterator<Item = u32>) -> bool {
        self.make_plain();
        let (base, count) = (self.bytes.len(), self.offsets.len());
        let mut end = 0usize;
        for length in lengths {
            end += length as usize;
            if !run.is_char_boundary(end) {
                break;
            }
            self.offsets.push((base + end) as u32);
        }
        let is_whole = end == run.len();
        if is_whole {
            self.bytes.extend_from_slice(run.as_bytes());
        } else {
            self.offsets.truncate(count);
        }
        is_whole
    }

    /// Appends all strings of `other`.
    pub fn append(&mut self, other: &Texts) {
        self.make_plain();
        match other.form() {
            Form::Plain(Plain { bytes, offsets }) => {
                let base = self.bytes.len() as u32;
                self.bytes.extend_from_slice(bytes);
                self.offsets.extend(offsets[1..].iter().map(|offset| base + offset));
            }
            Form::Coded { .. } => other.iter().for_each(|text| self.push(text)),
        }
    }

    /// Keeps the first `len` strings.
    pub fn truncate(&mut self, len: usize) {
        if let Some(coded) = &mut self.coded {
            coded.codes.truncate(len);
        } else if len < self.len() {
            self.offsets.truncate(len + 1);
            self.bytes.truncate(self.offsets[len] as usize);
        }
    }

    fn to_plain(&self) -> Self {
        let mut plain = Self::with_capacity(self.len(), 0);
        self.iter().for_each(|text| plain.push(text));
        plain
    }

    fn make_plain(&mut self) {
        if self.coded.is_some() {
            *self = self.to_plain();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(strings: &[&str]) -> Texts {
        let mut texts = Texts::default();
        strings.iter().for_each(|text| texts.push(text));
        texts
    }

    #[test]
    fn coded_strings_are_the_strings_they_stand_for() {
        let distinct = Arc::new(plain(&["a", "", "ü"]));
        let mut coded = Texts::coded(distinct.clone(), vec![2, 0, 2, 1]).unwrap();
        assert_eq!(coded, plain(&["ü", "a", "ü", ""]));
        assert_eq!((coded.len(), coded.get(1)), (4, "a"));
        coded.truncate(2);
        let mut longer = plain(&["x"]);
        longer.append(&coded);
        assert_eq!(longer, plain(&["x", "ü", "a"]));
        coded.push("b");
        assert_eq!(coded, plain(&["ü", "a", "b"]));
        assert!(matches!(coded.form(), Form::Plain(_)));
        assert_eq!(Texts::coded(distinct, vec![3]), None);
    }
}
