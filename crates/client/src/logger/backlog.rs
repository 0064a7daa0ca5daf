//! What was accepted and is not settled: batches in memory or in a spool, oldest first.

use std::collections::VecDeque;
use std::fs;
use std::io;
use std::path::PathBuf;
use std::time::Instant;

use super::spool::format::FRAME_HEAD_BYTES;
use super::spool::{Found, SegmentFile, SpoolDirectory, Survives};

/// The batches, at most one of them open and at most one being sent.
#[derive(Debug)]
pub(crate) struct Backlog {
    spool: Option<SpoolDirectory>,
    batch_bytes: u64,
    next_number: u64,
    open: Option<Open>,
    waiting: VecDeque<Batch>,
    sending: Option<Place>,
    held_bytes: u64,
    held_events: u64,
    /// Memory of a batch that is settled, for the next one.
    spare: Vec<u8>,
}

/// A batch's number, which grows, and its size.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    pub number: u64,
    pub events: u64,
    pub bytes: u64,
}

/// A batch that is complete.
#[derive(Debug)]
pub(crate) struct Batch {
    pub place: Place,
    pub held: Held,
}

/// Where a batch's events are.
#[derive(Debug)]
pub(crate) enum Held {
    /// As NDJSON.
    Memory(Vec<u8>),
    /// In a segment file.
    File(PathBuf, Survives),
}

/// The batch that takes events.
#[derive(Debug)]
struct Open {
    place: Place,
    since: Instant,
    target: Target,
}

#[derive(Debug)]
enum Target {
    Memory(Vec<u8>),
    File(SegmentFile),
}

/// What an append has changed for whoever sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Appended {
    /// Nothing: the open batch has one more.
    Open,
    /// There is an open batch now, or another one.
    Began,
}

impl Backlog {
    /// Nothing yet, in memory.
    pub(crate) fn in_memory(batch_bytes: u64) -> Self {
        Self {
            spool: None,
            batch_bytes,
            next_number: 0,
            open: None,
            waiting: VecDeque::new(),
            sending: None,
            held_bytes: 0,
            held_events: 0,
            spare: Vec::new(),
        }
    }

    /// What a spool holds.
    pub(crate) fn in_spool(batch_bytes: u64, spool: SpoolDirectory, found: &[Found]) -> Self {
        let next_number = found.iter().map(|segment| segment.number.saturating_add(1)).max().unwrap_or_default();
        let survives = spool.survives();
        let whole = found.iter().filter(|segment| segment.events > 0);
        let waiting: VecDeque<Batch> = whole
            .map(|segment| Batch {
                place: Place { number: segment.number, events: segment.events, bytes: segment.bytes },
                held: Held::File(segment.path.clone(), survives),
            })
            .collect();
        let held_bytes = waiting.iter().map(|batch| batch.place.bytes).sum();
        let held_events = waiting.iter().map(|batch| batch.place.events).sum();
        let spool = Some(spool);
        Self { spool, next_number, waiting, held_bytes, held_events, ..Self::in_memory(batch_bytes) }
    }

    /// Adds an event, a whole frame. After an error it is not in.
    pub(crate) fn append(&mut self, frame: &[u8], now: Instant) -> io::Result<Appended> {
        let bytes = frame.len() as u64;
        let full = |open: &Open| open.place.bytes + bytes > self.batch_bytes;
        if self.open.as_ref().is_some_and(full) {
            self.cut();
        }
        let appended = match &mut self.open {
            Some(open) => {
                if let Err(error) = open.target.append(frame) {
                    // Nothing more goes behind what may be half an event.
                    self.cut();
                    return Err(error);
                }
                open.place.events += 1;
                open.place.bytes += bytes;
                Appended::Open
            }
            None => {
                let number = self.next_number;
                let target = match &self.spool {
                    Some(spool) => Target::File(spool.create(number, frame)?),
                    None => {
                        let mut memory = Target::Memory(std::mem::take(&mut self.spare));
                        memory.append(frame)?;
                        memory
                    }
                };
                self.next_number += 1;
                self.open = Some(Open { place: Place { number, events: 1, bytes }, since: now, target });
                Appended::Began
            }
        };
        self.held_bytes += bytes;
        self.held_events += 1;
        Ok(appended)
    }

    /// Ends the open batch.
    fn cut(&mut self) {
        let survives = self.spool.as_ref().map(SpoolDirectory::survives).unwrap_or_default();
        if let Some(Open { place, target, .. }) = self.open.take() {
            let held = match target {
                Target::Memory(body) => Held::Memory(body),
                Target::File(segment) => Held::File(segment.path, survives),
            };
            self.waiting.push_back(Batch { place, held });
        }
    }

    /// Takes the oldest batch to send it; with `open_too` the open one, when no other waits.
    /// It counts as held until [`Backlog::settle`].
    pub(crate) fn take(&mut self, open_too: bool) -> Option<Batch> {
        if self.waiting.is_empty() && open_too {
            self.cut();
        }
        let batch = self.waiting.pop_front()?;
        self.sending = Some(batch.place);
        Some(batch)
    }

    /// The batch that was taken has come to its end: nothing of it is held any more.
    pub(crate) fn settle(&mut self, memory: Option<Vec<u8>>) {
        if let Some(place) = self.sending.take() {
            self.let_go(place);
        }
        if let Some(mut memory) = memory {
            memory.clear();
            self.spare = memory;
        }
    }

    /// Drops the oldest batch that is not being sent. `None` if there is none.
    pub(crate) fn drop_oldest(&mut self) -> Option<Place> {
        let batch = match self.waiting.pop_front() {
            Some(batch) => batch,
            None => {
                self.cut();
                self.waiting.pop_front()?
            }
        };
        if let Held::File(path, _) = &batch.held {
            // One that can't be removed will be sent after the next start: late, but not lost.
            let _ = fs::remove_file(path);
        }
        self.let_go(batch.place);
        Some(batch.place)
    }

    fn let_go(&mut self, place: Place) {
        self.held_bytes = self.held_bytes.saturating_sub(place.bytes);
        self.held_events = self.held_events.saturating_sub(place.events);
    }

    /// Bytes of all that is not settled.
    pub(crate) fn held_bytes(&self) -> u64 {
        self.held_bytes
    }

    /// Events that are not settled.
    pub(crate) fn held_events(&self) -> u64 {
        self.held_events
    }

    /// Whether batches wait that are complete.
    pub(crate) fn has_waiting(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// The number of the open batch, and since when it is open.
    pub(crate) fn open_since(&self) -> Option<(u64, Instant)> {
        self.open.as_ref().map(|open| (open.place.number, open.since))
    }

    /// The number of the oldest batch that is not settled.
    pub(crate) fn oldest(&self) -> Option<u64> {
        let waiting = self.waiting.front().map(|batch| batch.place.number);
        let open = self.open.as_ref().map(|open| open.place.number);
        self.sending.map(|place| place.number).or(waiting).or(open)
    }

    /// The number of the newest.
    pub(crate) fn newest(&self) -> Option<u64> {
        let waiting = self.waiting.back().map(|batch| batch.place.number);
        let open = self.open.as_ref().map(|open| open.place.number);
        open.or(waiting).or(self.sending.map(|place| place.number))
    }

    /// Lets another process have the spool. Nothing can be appended in it any more.
    pub(crate) fn release_spool(&mut self) {
        self.cut();
        self.spool = None;
    }

    /// Whether it is kept on disk.
    pub(crate) fn is_spooled(&self) -> bool {
        self.spool.is_some()
    }
}

impl Target {
    fn append(&mut self, frame: &[u8]) -> io::Result<()> {
        match self {
            Self::Memory(body) => {
                body.extend_from_slice(frame.get(FRAME_HEAD_BYTES..).unwrap_or_default());
                Ok(())
            }
            Self::File(segment) => segment.append(frame),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::spool::format::frame_head;
    use super::super::time::monotonic;
    use super::*;

    fn frame(text: &str) -> Vec<u8> {
        [frame_head(text.as_bytes()).as_slice(), text.as_bytes()].concat()
    }

    fn body(batch: &Batch) -> Vec<u8> {
        match &batch.held {
            Held::Memory(body) => body.clone(),
            Held::File(path, survives) => SpoolDirectory::seal(path, *survives, 0).unwrap().unwrap().body,
        }
    }

    /// Takes and settles all batches.
    fn drain(backlog: &mut Backlog) -> Vec<(Place, Vec<u8>)> {
        std::iter::from_fn(|| {
            let batch = backlog.take(true)?;
            let taken = (batch.place, body(&batch));
            backlog.settle(None);
            Some(taken)
        })
        .collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        /// In memory and in a spool: all events come out once, in their order, in batches that keep to the size.
        #[test]
        fn batches_hold_all_events_in_order(
            lengths in proptest::collection::vec(1_usize..60, 0..60), batch_bytes in 10_u64..200, spooled: bool,
        ) {
            let directory = tempfile::tempdir().unwrap();
            let mut backlog = if spooled {
                let (spool, found) = SpoolDirectory::open(directory.path(), Survives::Crash).unwrap();
                Backlog::in_spool(batch_bytes, spool, &found)
            } else {
                Backlog::in_memory(batch_bytes)
            };
            let events: Vec<String> =
                lengths.iter().enumerate().map(|(place, length)| format!("{place:0length$}\n")).collect();
            for event in &events {
                backlog.append(&frame(event), monotonic()).unwrap();
            }
            prop_assert_eq!(backlog.held_events(), events.len() as u64);
            let batches = drain(&mut backlog);
            prop_assert!(batches.iter().all(|(place, _)| place.events == 1 || place.bytes <= batch_bytes));
            let numbers: Vec<u64> = batches.iter().map(|(place, _)| place.number).collect();
            prop_assert!(numbers.is_sorted());
            let bodies: Vec<u8> = batches.into_iter().flat_map(|(_, body)| body).collect();
            prop_assert_eq!(bodies, events.concat().into_bytes());
            prop_assert_eq!((backlog.held_bytes(), backlog.held_events(), backlog.oldest()), (0, 0, None));
        }
    }

    #[test]
    fn the_oldest_batch_that_is_not_being_sent_is_dropped_first() {
        let mut backlog = Backlog::in_memory(10);
        for event in ["a\n", "b\n", "c\n"] {
            backlog.append(&frame(event), monotonic()).unwrap();
        }
        let sending = backlog.take(false).unwrap();
        assert_eq!(body(&sending), b"a\n");
        assert_eq!(backlog.drop_oldest().unwrap().number, 1);
        assert_eq!((backlog.oldest(), backlog.newest()), (Some(0), Some(2)));
        assert_eq!(backlog.drop_oldest().unwrap().number, 2);
        assert_eq!(backlog.drop_oldest(), None);
        assert_eq!(backlog.held_events(), 1);
        backlog.settle(None);
        assert_eq!(backlog.held_bytes(), 0);
    }

    #[test]
    fn what_a_spool_held_comes_before_what_is_new() {
        let directory = tempfile::tempdir().unwrap();
        for life in ["one\n", "two\n", "three\n"] {
            let (spool, found) = SpoolDirectory::open(directory.path(), Survives::Crash).unwrap();
            let mut backlog = Backlog::in_spool(1000, spool, &found);
            backlog.append(&frame(life), monotonic()).unwrap();
        }
        let (spool, found) = SpoolDirectory::open(directory.path(), Survives::Crash).unwrap();
        let mut backlog = Backlog::in_spool(1000, spool, &found);
        assert_eq!(backlog.held_events(), 3);
        let bodies: Vec<_> = drain(&mut backlog).into_iter().map(|(_, body)| body).collect();
        assert_eq!(bodies, [b"one\n".as_slice(), b"two\n", b"three\n"]);
    }
}
