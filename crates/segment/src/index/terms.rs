//! Texts and values → hashes, for building and for asking alike.
//!
//! **Grams.** A text is taken as bytes, one for each character: an ASCII character itself, another one a hash of it
//! with the top bit set, so that a gram is four characters in every script. Of two neighbouring grams (four bytes each,
//! one byte apart) the one with the smaller hash is kept, so about two thirds of them are; five characters of text have
//! two grams and so at least one that is surely kept, whatever stands around them. *Fives* are the same of five characters.

use trawl_event::text::words;
use xxhash_rust::xxh3::xxh3_64_with_seed;

use super::MAX_WORD_BYTES;

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

/// The byte that stands for a character that is not ASCII.
fn byte_of(c: char) -> u8 {
    (mix(u32::from(c)) >> 25) as u8 | 0x80
}

/// Whether a folded word is a long one. In other scripts than Latin a word is many bytes before it is many letters.
pub(super) fn is_long(word: &str) -> bool {
    word.len() > MAX_WORD_BYTES && word.is_ascii()
}

/// The hash of five bytes.
fn mix_five(gram: u64) -> u32 {
    mix(gram as u32 ^ ((gram >> 32) as u32).wrapping_mul(0x9e37_79b9))
}

/// Gives the hashes of the grams of a folded text that are kept to `each`.
pub(super) fn grams(folded: &str, each: impl FnMut(u32)) {
    kept::<GRAM_BYTES>(folded, |gram| mix(gram as u32), each);
}

/// The same for grams of five characters.
pub(super) fn fives(folded: &str, each: impl FnMut(u32)) {
    kept::<{ GRAM_BYTES + 1 }>(folded, mix_five, each);
}

/// Gives the hashes of those grams of so many bytes that are kept to `each`.
fn kept<const BYTES: usize>(folded: &str, hash: impl Fn(u64) -> u32, mut each: impl FnMut(u32)) {
    let of_characters: Vec<u8>;
    let bytes = if folded.is_ascii() {
        folded.as_bytes()
    } else {
        of_characters = folded.chars().map(|c| if c.is_ascii() { c as u8 } else { byte_of(c) }).collect();
        &of_characters
    };
    let Some((first, rest)) = bytes.split_first_chunk::<BYTES>() else { return };
    let mask = (1u64 << (8 * BYTES)) - 1;
    let mut gram = first.iter().fold(0, |gram, byte| gram << 8 | u64::from(*byte));
    let mut last = hash(gram);
    for byte in rest {
        gram = (gram << 8 | u64::from(*byte)) & mask;
        let next = hash(gram);
        each(if rank(next) < rank(last) { next } else { last });
        last = next;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn found(text: &str, grams: impl Fn(&str, &mut dyn FnMut(u32))) -> std::collections::BTreeSet<u32> {
        let mut found = std::collections::BTreeSet::new();
        grams(text, &mut |hash| {
            found.insert(hash);
        });
        found
    }

    proptest! {
        #[test]
        fn a_piece_has_no_gram_that_the_text_lacks(text in "[ab1 жф漢🦀]{0,40}", from in 0usize..40, length in 0usize..12) {
            let characters: Vec<char> = text.chars().collect();
            let from = from.min(characters.len());
            let piece: String = characters[from..(from + length).min(characters.len())].iter().collect();
            let fours = |text: &str| found(text, |text, each| grams(text, each));
            let fives = |text: &str| found(text, |text, each| fives(text, each));
            prop_assert!(fours(&text).is_superset(&fours(&piece)));
            prop_assert!(fives(&text).is_superset(&fives(&piece)));
            prop_assert_eq!(fours(&piece).is_empty(), piece.chars().count() < 5);
            prop_assert_eq!(fives(&piece).is_empty(), piece.chars().count() < 6);
        }
    }
}
