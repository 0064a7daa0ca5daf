//! The order of rows in a row group: like beside like, each kind ascending in time.
//!
//! Rows of one service whose messages differ only in numbers and ids compress best when
//! they stand together, and a search that looks for one kind of message then finds it in few
//! pages. The order is by service, by the *shape* of the message (every run of letters
//! and digits that holds a digit counts as the same), by time, and by the order of arrival.

use std::collections::HashMap;

use trawl_event::block::{MESSAGE, SERVICE};
use trawl_event::{Block, Texts};
use xxhash_rust::xxh3::Xxh3Builder;

use crate::chunk::dictionary::Dictionary;

/// How much of a message its shape is taken from, in bytes: what follows seldom tells kinds apart.
const SHAPE_BYTES: usize = 160;

/// Which kind of row each row of a block is.
pub(crate) struct Kinds {
    /// By row: the place of its kind in the order.
    of_row: Vec<u32>,
    count: usize,
}

/// What makes two rows of one kind.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct KindKey {
    service: u32,
    shape: u64,
}

impl Kinds {
    pub(crate) fn of(block: &Block) -> Self {
        let services = service_codes(block);
        let messages = block.text_column(MESSAGE);
        let mut shapes = vec![0u64; block.rows()];
        if let Some((column, texts)) = messages {
            for (row, text) in column.rows.iter().zip(texts.iter()) {
                shapes[*row as usize] = shape_hash(text);
            }
        }
        let mut known: HashMap<KindKey, u32, Xxh3Builder> = HashMap::default();
        let mut first_rows: Vec<u32> = Vec::new();
        let mut of_row = Vec::with_capacity(block.rows());
        for (row, (service, shape)) in services.codes.iter().zip(&shapes).enumerate() {
            let kind = *known.entry(KindKey { service: *service, shape: *shape }).or_insert_with(|| {
                first_rows.push(row as u32);
                first_rows.len() as u32 - 1
            });
            of_row.push(kind);
        }
        let place = places(&first_rows, &services, messages);
        of_row.iter_mut().for_each(|kind| *kind = place[*kind as usize]);
        Self { of_row, count: first_rows.len() }
    }

    /// `rows` of the block (ascending) in the order they are written.
    pub(crate) fn arrange(&self, block: &Block, rows: impl Iterator<Item = u32> + Clone) -> Vec<u32> {
        // Counting sort by kind, which is stable; then each kind by time.
        let mut ends = vec![0usize; self.count + 1];
        for row in rows.clone() {
            ends[self.of_row[row as usize] as usize + 1] += 1;
        }
        for kind in 0..self.count {
            ends[kind + 1] += ends[kind];
        }
        let mut next = ends.clone();
        let mut arranged = vec![0u32; ends[self.count]];
        for row in rows {
            let slot = &mut next[self.of_row[row as usize] as usize];
            arranged[*slot] = row;
            *slot += 1;
        }
        let time = |row: &u32| (block.timestamps[*row as usize], *row);
        for range in ends.windows(2) {
            let kind = &mut arranged[range[0]..range[1]];
            if !kind.is_sorted_by_key(time) {
                kind.sort_unstable_by_key(time);
            }
        }
        arranged
    }
}

struct Services<'b> {
    /// By row; 0 for a row without one.
    codes: Vec<u32>,
    /// By code - 1.
    names: Vec<&'b [u8]>,
}

fn service_codes(block: &Block) -> Services<'_> {
    let mut codes = vec![0u32; block.rows()];
    let mut dictionary: Dictionary<&[u8]> = Dictionary::new();
    if let Some((column, texts)) = block.text_column(SERVICE) {
        for (row, text) in column.rows.iter().zip(texts.iter()) {
            codes[*row as usize] = dictionary.code(text.as_bytes()) + 1;
        }
    }
    Services { codes, names: dictionary.values().to_vec() }
}

/// The place of each kind: by service, then by the shape's text, so that similar shapes are neighbours.
fn places(first_rows: &[u32], services: &Services<'_>, messages: Option<(&trawl_event::Column, &Texts)>) -> Vec<u32> {
    let shape_text = |row: u32| {
        let (column, texts) = messages?;
        Some(shape_text(texts.get(column.index_of(row)?)))
    };
    let service = |row: u32| services.codes[row as usize].checked_sub(1).map(|code| services.names[code as usize]);
    let mut order: Vec<u32> = (0..first_rows.len() as u32).collect();
    order.sort_by_cached_key(|kind| {
        let row = first_rows[*kind as usize];
        (service(row), shape_text(row))
    });
    let mut places = vec![0; order.len()];
    for (kind, place) in order.iter().zip(0u32..) {
        places[*kind as usize] = place;
    }
    places
}

/// Calls `each` with the bytes of the shape of a message.
fn shape(text: &str, mut word: impl FnMut(&[u8]), mut border: impl FnMut(u8)) {
    let bytes = text.as_bytes();
    let bytes = &bytes[..bytes.len().min(SHAPE_BYTES)];
    let (mut start, mut has_digit) = (0, false);
    for (at, byte) in bytes.iter().enumerate() {
        if byte.is_ascii_alphanumeric() {
            has_digit |= byte.is_ascii_digit();
            continue;
        }
        word(if has_digit { b"#" } else { &bytes[start..at] });
        border(*byte);
        (start, has_digit) = (at + 1, false);
    }
    word(if has_digit { b"#" } else { &bytes[start..] });
}

fn shape_text(message: &str) -> String {
    let shape_bytes = std::cell::RefCell::new(Vec::with_capacity(SHAPE_BYTES));
    shape(message, |word| shape_bytes.borrow_mut().extend_from_slice(word), |byte| shape_bytes.borrow_mut().push(byte));
    String::from_utf8_lossy(&shape_bytes.into_inner()).into_owned()
}

/// Multiplier of the FxHash family (from the fractional part of pi): one multiplication per step is
/// enough where a rare collision only puts two kinds together.
const MULTIPLIER: u64 = 0x517c_c1b7_2722_0a95;

fn shape_hash(message: &str) -> u64 {
    let hash = std::cell::Cell::new(message.is_empty() as u64);
    let step = |value: u64| hash.set((hash.get().rotate_left(5) ^ value).wrapping_mul(MULTIPLIER));
    shape(
        message,
        |word| {
            for part in word.chunks(8) {
                let mut eight = [0u8; 8];
                eight[..part.len()].copy_from_slice(part);
                step(u64::from_le_bytes(eight));
            }
        },
        |byte| step(u64::from(byte)),
    );
    hash.get()
}
