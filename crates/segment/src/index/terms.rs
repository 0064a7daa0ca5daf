//! Texts and values → hashes, for building and for asking alike.
//!
//! **Grams.** Of two neighbouring grams (four bytes each, one byte apart) the one with the smaller hash is kept, so
//! about two thirds of them are; five bytes of text have two grams and so at least one that is surely kept, whatever
//! stands around them.

use trawl_event::text::words;
use xxhash_rust::xxh3::xxh3_64_with_seed;

/// Bytes of a gram.
const GRAM_BYTES: usize = 4;

/// What a term stands for, which keeps their hashes apart.
#[derive(Clone, Copy)]
enum Sort {
    Word = 1,
    FieldWord = 2,
    FieldValue = 3,
    FieldOpen = 4,
}

fn hash(sort: Sort, name: u64, bytes: &[u8]) -> u32 {
    (xxh3_64_with_seed(bytes, name.wrapping_add(sort as u64)) >> 32) as u32
}

/// The name of a column, as the functions below take it.
#[derive(Clone, Copy)]
pub(super) struct Name(u64);

impl Name {
    pub(super) fn of(name: &str) -> Self {
        // The low bits tell the sorts of terms apart.
        Self(xxh3_64_with_seed(name.as_bytes(), 0) << 8)
    }

    /// A folded word in a text of this column.
    pub(super) fn word(self, word: &str) -> u32 {
        hash(Sort::FieldWord, self.0, word.as_bytes())
    }

    /// An integer or boolean of this column.
    pub(super) fn value(self, spelled: &str) -> u32 {
        hash(Sort::FieldValue, self.0, spelled.as_bytes())
    }

    /// "This column holds more than is listed."
    pub(super) fn open(self) -> u32 {
        hash(Sort::FieldOpen, self.0, &[])
    }
}

/// A folded word in any text.
pub(super) fn word(word: &str) -> u32 {
    hash(Sort::Word, 0, word.as_bytes())
}

/// Gives the words of a folded text that are whole to `each`: those at its ends are if no word goes on there.
pub(super) fn whole_words<'t>(folded: &'t str, starts: bool, ends: bool, mut each: impl FnMut(&'t str)) {
    words(folded, |start, end| {
        if (start > 0 || starts) && (end < folded.len() || ends) {
            each(&folded[start..end]);
        }
    });
}

/// A one-to-one mixing of 32 bits (the first two rounds of "lowbias32", <https://github.com/skeeto/hash-prospector>).
fn mix(gram: u32) -> u32 {
    let mut hash = gram;
    hash = (hash ^ hash >> 16).wrapping_mul(0x7feb_352d);
    hash = (hash ^ hash >> 15).wrapping_mul(0x846c_a68b);
    hash
}

/// What grams are compared by. It is one-to-one, so grams that compare equal are equal.
fn rank(hash: u32) -> u32 {
    hash.rotate_left(16)
}

/// Gives the hashes of the grams of a folded text that are kept to `each`.
pub(super) fn grams(folded: &[u8], mut each: impl FnMut(u32)) {
    let Some((first, rest)) = folded.split_first_chunk::<GRAM_BYTES>() else { return };
    let mut gram = u32::from_be_bytes(*first);
    let mut last = mix(gram);
    for byte in rest {
        gram = gram << 8 | u32::from(*byte);
        let next = mix(gram);
        each(if rank(next) < rank(last) { next } else { last });
        last = next;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn grams_of(text: &[u8]) -> std::collections::BTreeSet<u32> {
        let mut found = std::collections::BTreeSet::new();
        grams(text, |hash| {
            found.insert(hash);
        });
        found
    }

    proptest! {
        #[test]
        fn a_piece_has_no_gram_that_the_text_lacks(text in "[ab1 ]{0,40}", from in 0usize..40, length in 0usize..12) {
            let from = from.min(text.len());
            let piece = &text.as_bytes()[from..(from + length).min(text.len())];
            prop_assert!(grams_of(text.as_bytes()).is_superset(&grams_of(piece)));
            prop_assert_eq!(grams_of(piece).is_empty(), piece.len() < 5);
        }
    }
}
