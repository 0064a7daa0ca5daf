//! The index of a segment: which granules may hold a match.
//!
//! A *granule* is a run of rows, in the order they are stored, of about [`GRANULE_RAW_BYTES`] as sent. Of each
//! granule the index keeps sets of hashed slots; a query asks whether some slots are set, and only granules
//! in which all of them are need be read. A slot may be set for another reason, so a granule may be read for
//! nothing; but what a granule holds always has its slot set: *the index never hides a match*.
//!
//! | plane | a slot stands for | answers |
//! | --- | --- | --- |
//! | terms | a word of at most [`MAX_WORD_BYTES`], or in another script than Latin, in any text; a word, an integer or a boolean in a column of a name; "this column holds more than is listed" | words and phrases, `field:value` |
//! | grams | four characters of any text (see [`terms`]) | substrings, prefixes, long words, regexes |
//! | long words | a longer word in any text; only where more than a quarter of the bits of grams are set, or there are fives | long words |
//! | fives | five characters of any text; in row groups where more than three of eight bits of grams would be set, in their place | as grams, from six characters on |
//!
//! Texts are folded first ([`trawl_event::text::fold`]), so that letter case does not matter. A column of more than
//! [`MAX_LISTED`] distinct values in a granule, and one of floats or JSON, is not listed by value there; its slot
//! "more than is listed" is set instead, and a field's word is then looked for among those of any text.
//!
//! ```text
//!            granule 0 1 2 3 …             the planes are bit matrices; a query takes some rows of them and
//!   slot 0           . . 1 . …             combines these as its AND and OR say
//!   slot 1           1 . 1 1 …
//!   …                                      slot = the upper bits of a 32-bit hash
//! ```
//!
//! So that a query reads little, a plane is cut by slot into [`PARTS`] parts, and neighbouring parts are
//! compressed together as one *chunk* of at least [`MIN_CHUNK_BYTES`]:
//!
//! ```text
//!   index block   chunk …  chunk …          plane by plane, in the order of the table
//!                                           the directory of the segment, with that of the index in it, behind
//!
//!   chunk         zstd with checksum:  for each part in it, for each row group: varint length, then bytes
//!   bytes         varints:  the gaps between set bits, bit = slot within the part × granules + granule;
//!                 the first counts from 0, each other one from the bit after the last
//!   directory     row groups; for each of them, for each plane: log2 of slots (0: it has no such plane);
//!                 then for each plane: parts per chunk (0: there is no such plane); the share of its bits that are
//!                 set, in parts of 256, rounded up; the length of each chunk
//! ```
//!
//! Numbers are LEB128 varints. Cost and gain: with n slots set of m in a granule, a set slot takes about
//! log2(m / n) + 1.44 bits, and one hashed slot lets n / m of the granules through; more slots multiply. On logs
//! n is about 1,000 terms and 4,000 grams of m = 2^16. Where texts are random, grams fill up and tell nothing: fives and
//! long words are for these, at three times the room. A segment whose index would exceed [`MAX_SHARE_PERCENT`] of the
//! bytes of its row groups does without the last planes, and if that is not enough without an index.

pub(crate) mod build;
mod format;
mod query;
mod read;
mod terms;

pub use query::IndexQuery;
pub(crate) use query::Zone;
pub(crate) use read::{Index, Zones};

/// Bytes of events, as sent, in a granule.
pub const GRANULE_RAW_BYTES: u64 = 256 * 1024;
/// Rows of a granule are a multiple of this, if there are more: then it fills whole words of a row set.
const GRANULE_ROWS_UNIT: u64 = 64;
/// A row group of fewer bytes is not indexed: reading it takes less time than asking.
const MIN_INDEXED_BYTES: u64 = 16 * 1024;

/// The words of texts and what stands in fields.
const TERMS: usize = 0;
/// Pieces of texts.
const GRAMS: usize = 1;
/// Words that are too long for terms.
const LONG_WORDS: usize = 2;
/// Longer pieces of texts, in place of grams.
const FIVES: usize = 3;
/// How many planes there are.
const PLANES: usize = 4;

/// log2 of the parts of a plane.
const PARTS_LOG2: u32 = 9;
/// Parts of a plane: what one hash needs is one of them.
const PARTS: usize = 1 << PARTS_LOG2;
/// log2 of the most slots of a plane. Twice as many would cost one more bit for each that is set.
const MAX_SLOTS_LOG2: [u32; PLANES] = [19, 16, 19, 19];
/// The same for a plane that is sized by its fullest granule; more than these only for what the average granule holds.
const FULLEST_SLOTS_LOG2: u32 = 16;
/// Slots per set slot of the fullest granule that are enough: one hash then lets a sixteenth through.
const SLOTS_PER_ITEM: [usize; PLANES] = [16, 16, 16, 8];

/// Grams of a fragment that are asked for at least, if it has so many: each lets about 7 % of the granules of common logs
/// through, but grams of one text are not independent.
const MIN_GRAMS: usize = 8;
/// As many grams are asked for as would let this share of the granules through if they were independent: where texts
/// are random, one gram alone lets most of them through.
const GRAMS_TARGET: f64 = 1e-4;

/// Longest word that is a term, in bytes: longer ones have so many grams that these are sharp enough.
const MAX_WORD_BYTES: usize = 12;
/// Share of the bits of grams of a row group, in parts of 256, from which on it has fives in their place: of random digits
/// nearly every gram occurs in every granule.
const FIVES_FILL: u64 = 96;
/// Share of the bits of the plane of grams, in parts of 256, from which on long words are terms all the same: texts are so
/// random then that grams are not sharp.
const LONG_WORDS_FILL: u64 = 64;
/// Most distinct values of a column that are listed for a granule.
const MAX_LISTED: usize = 64;
/// Longest value that is listed under its column, in bytes.
const MAX_LISTED_BYTES: usize = 256;

/// Smallest chunk, in bytes before compression, unless there is but one.
const MIN_CHUNK_BYTES: usize = 16 * 1024;
/// Largest chunk that is read, in bytes after decompression: a part of every row group, each bit a byte.
const MAX_CHUNK_BYTES: usize = 256 << 20;
/// Most that the index takes beside the bytes of the row groups, in percent of these: 37.5 % of the segment.
const MAX_SHARE_PERCENT: usize = 60;

/// Rows of each granule of a row group of this many rows and bytes as sent.
pub(crate) fn granule_rows(rows: usize, raw_bytes: u64) -> usize {
    let rows = rows.max(1) as u64;
    let wanted = (GRANULE_RAW_BYTES * rows / raw_bytes.max(1)).clamp(1, rows.next_multiple_of(GRANULE_ROWS_UNIT));
    // Few large events stay as they are.
    let beyond = if wanted > GRANULE_ROWS_UNIT { wanted % GRANULE_ROWS_UNIT } else { 0 };
    (wanted - beyond) as usize
}
