//! The bytes of a spool's segment file.
//!
//! A spool is a directory of files `<number>.spool`, the number in 16 hexadecimal digits, oldest first. Each is one
//! batch. Numbers are little-endian.
//!
//! ```text
//! head     "TRAWLSP1"   8 bytes
//!          id          16         random: half of the batch's idempotency key
//!          check        8         XXH3-64 of the 24 bytes before
//! event    length       4         of the payload, at least 1; the top bit is 0
//!          check        4         low half of the XXH3-64 of the payload
//!          payload                JSON and a line feed
//! …
//! seal     length       4         40, the top bit is 1
//!          check        4         as for an event
//!          digest      16         XXH3-128 of all payloads, one behind the other: the other half of the key
//!          bytes        8         their length
//!          events       8         their number
//!          sealed_at    8         seconds since 1970
//! ```
//!
//! The seal is written before the batch is first sent, and nothing behind it. Until then no server has heard of the
//! batch, so whatever a crash left of it may be sealed anew. Since the key holds the digest, the same key never goes
//! out with other bytes, whatever has happened to the file; and a batch that could not be sealed, since the disk is
//! full, goes out under the key that it will have after a crash as well.

use xxhash_rust::xxh3::{xxh3_64, xxh3_128};

/// What a file begins with.
const MAGIC: [u8; 8] = *b"TRAWLSP1";
/// Magic, id and check.
pub(crate) const HEAD_BYTES: usize = 32;
/// Length and check, before each payload.
pub(crate) const FRAME_HEAD_BYTES: usize = 8;
/// Set in the length of a seal.
const SEAL_BIT: u32 = 1 << 31;
/// The payload of a seal.
const SEAL_BYTES: usize = 40;

/// The head of a file.
pub(crate) fn head(id: u128) -> [u8; HEAD_BYTES] {
    let mut head = [0; HEAD_BYTES];
    head[..8].copy_from_slice(&MAGIC);
    head[8..24].copy_from_slice(&id.to_le_bytes());
    let check = xxh3_64(&head[..24]);
    head[24..].copy_from_slice(&check.to_le_bytes());
    head
}

/// What stands before an event's payload.
pub(crate) fn frame_head(payload: &[u8]) -> [u8; FRAME_HEAD_BYTES] {
    // An event is far smaller: its size is checked before it is framed.
    frame_head_of(u32::try_from(payload.len()).unwrap_or(SEAL_BIT - 1) & !SEAL_BIT, payload)
}

fn frame_head_of(length: u32, payload: &[u8]) -> [u8; FRAME_HEAD_BYTES] {
    let mut head = [0; FRAME_HEAD_BYTES];
    head[..4].copy_from_slice(&length.to_le_bytes());
    head[4..].copy_from_slice(&check(payload).to_le_bytes());
    head
}

fn check(payload: &[u8]) -> u32 {
    xxh3_64(payload) as u32
}

/// The end of a batch, and what it was when it got its key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Seal {
    pub digest: u128,
    pub bytes: u64,
    pub events: u64,
    pub sealed_at: u64,
}

impl Seal {
    /// The seal of this batch.
    pub(crate) fn of(body: &[u8], events: u64, sealed_at: u64) -> Self {
        Self { digest: xxh3_128(body), bytes: body.len() as u64, events, sealed_at }
    }

    /// As it stands in the file.
    pub(crate) fn frame(&self) -> Vec<u8> {
        let mut payload = Vec::with_capacity(SEAL_BYTES);
        payload.extend_from_slice(&self.digest.to_le_bytes());
        for number in [self.bytes, self.events, self.sealed_at] {
            payload.extend_from_slice(&number.to_le_bytes());
        }
        let head = frame_head_of(SEAL_BYTES as u32 | SEAL_BIT, &payload);
        [&head, payload.as_slice()].concat()
    }

    fn parse(payload: &[u8]) -> Option<Self> {
        let (digest, rest) = payload.split_first_chunk::<16>()?;
        let (bytes, rest) = rest.split_first_chunk::<8>()?;
        let (events, rest) = rest.split_first_chunk::<8>()?;
        let (sealed_at, rest) = rest.split_first_chunk::<8>()?;
        rest.is_empty().then_some(Self {
            digest: u128::from_le_bytes(*digest),
            bytes: u64::from_le_bytes(*bytes),
            events: u64::from_le_bytes(*events),
            sealed_at: u64::from_le_bytes(*sealed_at),
        })
    }
}

/// The key of a batch: of its place and its bytes.
pub(crate) fn idempotency_key(id: u128, digest: u128) -> String {
    format!("trawl-{id:032x}-{digest:032x}")
}

/// What a file holds, as far as it can be relied on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Contents {
    pub id: u128,
    /// The events as NDJSON.
    pub body: Vec<u8>,
    pub events: u64,
    /// Where the last whole event ends in the file.
    pub events_end: u64,
    /// The seal behind it, if there is one.
    pub seal: Option<Seal>,
    /// Bytes behind that are no record: the torn end of a write, or damage.
    pub unreadable_bytes: u64,
}

impl Contents {
    /// Whether the batch is as it was when it got its key.
    pub(crate) fn seal_holds(&self) -> Option<Seal> {
        let seal = self.seal?;
        (seal == Seal::of(&self.body, self.events, seal.sealed_at)).then_some(seal)
    }
}

/// Reads a file up to the first byte that cannot be relied on. `None` if it does not begin as one.
pub(crate) fn read(file: &[u8]) -> Option<Contents> {
    let (head_bytes, mut rest) = file.split_first_chunk::<HEAD_BYTES>()?;
    let id = u128::from_le_bytes(head_bytes.get(8..24)?.try_into().ok()?);
    if *head_bytes != head(id) {
        return None;
    }
    let mut contents = Contents {
        id,
        body: Vec::with_capacity(rest.len()),
        events: 0,
        events_end: 0,
        seal: None,
        unreadable_bytes: 0,
    };
    while let Some((is_seal, payload, behind)) = record(rest) {
        if is_seal {
            contents.seal = Seal::parse(payload);
            break;
        }
        contents.body.extend_from_slice(payload);
        contents.events += 1;
        rest = behind;
    }
    contents.events_end = (file.len() - rest.len()) as u64;
    let sealed_bytes = if contents.seal.is_some() { FRAME_HEAD_BYTES + SEAL_BYTES } else { 0 };
    contents.unreadable_bytes = rest.len().saturating_sub(sealed_bytes) as u64;
    Some(contents)
}

/// Whether a file's process ended before it had written the head: no event can have been in it.
pub(crate) fn is_torn_head(file: &[u8]) -> bool {
    file.len() < HEAD_BYTES && file.iter().zip(MAGIC).all(|(byte, expected)| *byte == expected)
}

/// The record at the beginning, and what is behind it.
fn record(bytes: &[u8]) -> Option<(bool, &[u8], &[u8])> {
    let (length, rest) = bytes.split_first_chunk::<4>()?;
    let (expected, rest) = rest.split_first_chunk::<4>()?;
    let length = u32::from_le_bytes(*length);
    let (payload, behind) = rest.split_at_checked((length & !SEAL_BIT) as usize)?;
    let is_seal = length & SEAL_BIT != 0;
    let whole = !payload.is_empty() && check(payload) == u32::from_le_bytes(*expected);
    (whole && (!is_seal || payload.len() == SEAL_BYTES)).then_some((is_seal, payload, behind))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn file(events: &[Vec<u8>], seal: bool) -> Vec<u8> {
        let mut file = head(7).to_vec();
        for event in events {
            file.extend_from_slice(&frame_head(event));
            file.extend_from_slice(event);
        }
        if seal {
            file.extend_from_slice(&Seal::of(&events.concat(), events.len() as u64, 99).frame());
        }
        file
    }

    fn some_events() -> impl Strategy<Value = Vec<Vec<u8>>> {
        proptest::collection::vec(proptest::collection::vec(any::<u8>(), 1..40), 0..8)
    }

    #[test]
    fn a_file_cut_anywhere_gives_the_events_before_the_cut() {
        let events: Vec<Vec<u8>> = (0..5).map(|number| format!("{{\"n\":{number}}}\n").into_bytes()).collect();
        let whole = file(&events, true);
        for cut in 0..=whole.len() {
            assert_eq!(is_torn_head(&whole[..cut]), cut < HEAD_BYTES, "cut at {cut}");
            let Some(contents) = read(&whole[..cut]) else {
                assert!(cut < HEAD_BYTES, "cut at {cut}");
                continue;
            };
            let frame = FRAME_HEAD_BYTES + events[0].len();
            let expected = ((cut - HEAD_BYTES) / frame).min(events.len());
            assert_eq!(contents.body, events[..expected].concat(), "cut at {cut}");
            assert_eq!(contents.seal_holds().is_some(), cut == whole.len(), "cut at {cut}");
        }
    }

    proptest! {
        #[test]
        fn a_file_reads_as_it_was_written(events in some_events(), seal: bool) {
            let contents = read(&file(&events, seal)).unwrap();
            prop_assert_eq!(&contents.body, &events.concat());
            prop_assert_eq!(contents.events, events.len() as u64);
            prop_assert_eq!(contents.unreadable_bytes, 0);
            prop_assert_eq!(contents.seal_holds().is_some(), seal);
        }

        /// Whatever is flipped: nothing before it is lost, nothing wrong is read, and no seal covers other bytes.
        #[test]
        fn a_flipped_byte_ends_what_is_read(events in some_events(), place: prop::sample::Index, flip in 1_u8..) {
            let mut file = file(&events, true);
            let place = place.index(file.len());
            file[place] ^= flip;
            let Some(contents) = read(&file) else {
                prop_assert!(place < HEAD_BYTES);
                return Ok(());
            };
            let mut end = HEAD_BYTES;
            let before = events.iter().take_while(|event| {
                end += FRAME_HEAD_BYTES + event.len();
                end <= place
            });
            prop_assert_eq!(&contents.body, &before.cloned().collect::<Vec<_>>().concat());
            prop_assert!(contents.seal_holds().is_none());
            prop_assert!(contents.unreadable_bytes > 0);
        }

        #[test]
        fn any_bytes_can_be_read(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = read(&bytes);
            let _ = read(&[&head(1), bytes.as_slice()].concat());
        }
    }
}
