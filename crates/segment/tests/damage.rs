//! Damaged and hostile bytes are an error or read as something else, and nothing worse.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use bytes::Bytes;
use common::{block_of, events};
use proptest::prelude::*;
use trawl_event::block::Projection;
use trawl_segment::{Error, Fetched, SegmentReader, WriteOptions, write};

/// Opens and reads everything; errors are fine.
fn open_and_read(object: &[u8], footer_offset: usize) {
    let object = Bytes::copy_from_slice(object);
    let footer_offset = footer_offset.min(object.len());
    let Ok(reader) = SegmentReader::open(&object[footer_offset..], footer_offset as u64) else { return };
    for row_group in 0..reader.row_groups().len() {
        reader.ranges(row_group, &Projection::All, None, &Fetched::new());
        if let Ok(block) = reader.read(row_group, &Projection::All, None, &Fetched::whole(object.clone())) {
            common::events_of(&block);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn a_damaged_segment_never_panics(
        events in events(1..12),
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        in_footer in any::<bool>(),
    ) {
        let segment = write(&block_of(&events), &WriteOptions { columns_max: 3, ..WriteOptions::default() }).unwrap();
        let mut object = segment.bytes.to_vec();
        let from = if in_footer { segment.footer_offset as usize } else { 0 };
        let len = object.len() - from;
        for (at, byte) in damage {
            object[from + at.index(len)] = byte;
        }
        open_and_read(&object, segment.footer_offset as usize);
    }

    #[test]
    fn noise_is_no_segment(bytes in prop::collection::vec(any::<u8>(), 0..300), offset in 0usize..300) {
        open_and_read(&bytes, offset);
        let framed = [bytes.as_slice(), &(bytes.len() as u32).to_le_bytes(), b"PAR1"].concat();
        open_and_read(&framed, offset.min(bytes.len()));
    }

    #[test]
    fn a_cut_segment_is_refused(events in events(1..5), cut in any::<prop::sample::Index>()) {
        let segment = write(&block_of(&events), &WriteOptions::default()).unwrap();
        let directory_end = segment.footer_offset + segment.directory_bytes;
        let len = cut.index(directory_end as usize);
        let footer_offset = (segment.footer_offset as usize).min(len);
        prop_assert!(SegmentReader::open(&segment.bytes[footer_offset..len], footer_offset as u64).is_err());
    }
}

#[test]
fn a_footer_of_another_size_is_refused() {
    let outcome = SegmentReader::open(b"PAR1", u64::MAX);
    assert!(matches!(outcome, Err(Error::Corrupt(_))));
}
