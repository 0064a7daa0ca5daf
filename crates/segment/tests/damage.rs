//! Damaged and hostile bytes are an error or read as something else, and nothing worse.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use bytes::Bytes;
use common::{block_of, events};
use proptest::prelude::*;
use trawl_event::block::Projection;
use trawl_event::{Evidence, Fragment, RowSet};
use trawl_segment::{Error, Fetched, IndexQuery, Segment, SegmentReader, WriteOptions, write};

/// Opens and reads everything; errors are fine.
fn open_and_read(object: &[u8], footer_offset: usize) {
    let object = Bytes::copy_from_slice(object);
    let footer_offset = footer_offset.min(object.len());
    let Ok(reader) = SegmentReader::open(&object[footer_offset..], footer_offset as u64) else { return };
    let whole = Fetched::whole(object.clone());
    let _ = reader.index_ranges(&question());
    if let Ok(found) = reader.candidates(&question(), &whole) {
        let rows = found.iter().zip(reader.row_groups()).map(|(granules, info)| (granules.rows(), info.granules()));
        assert!(rows.into_iter().all(|(rows, granules)| rows == granules));
    }
    for (row_group, info) in reader.row_groups().iter().enumerate() {
        assert_eq!(reader.granule_times(row_group).len(), info.granules());
        let mut some = RowSet::none(info.rows);
        (0..info.rows).step_by(3).for_each(|row| some.insert(row));
        for rows in [None, Some(&some)] {
            reader.ranges(row_group, &Projection::All, rows, &Fetched::new());
            if let Ok(block) = reader.read(row_group, &Projection::All, rows, &whole) {
                common::events_of(&block);
            }
        }
    }
}

/// Something that index and zones of every sort are asked for.
fn question() -> IndexQuery {
    let text = Evidence::Text(Fragment::inside("abcdefgh"));
    let field = Evidence::FieldValue { name: "a".into(), value: Some("1".into()) };
    let number = Evidence::FieldNumber { name: "a.b".into(), low: 0.0, high: 3.0 };
    IndexQuery::new(&Evidence::Any(vec![text, field, number, Evidence::FieldLevel { ranks: 1 }]))
}

/// The segment with some bytes of its directory changed before compression, so that no checksum gives that away.
fn with_other_directory(segment: &Segment, damage: &[(prop::sample::Index, u8)]) -> Vec<u8> {
    let start = segment.footer_offset as usize;
    let compressed = &segment.bytes[start + 4..start + segment.directory_bytes as usize];
    let mut plain = zstd::bulk::decompress(compressed, 1 << 20).unwrap();
    let length = plain.len();
    damage.iter().for_each(|(at, byte)| plain[at.index(length)] = *byte);
    let compressed = zstd::bulk::compress(&plain, 1).unwrap();
    [&segment.bytes[..start], &(compressed.len() as u32).to_le_bytes(), &compressed].concat()
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
    fn a_directory_that_says_something_else_never_panics(
        events in events(1..30),
        damage in prop::collection::vec(
            (any::<prop::sample::Index>(), prop_oneof![any::<u8>(), prop::sample::select(vec![0, 1, 127, 128, 255])]),
            1..6,
        ),
        row_group_rows in prop::sample::select(vec![3, 1000]),
        granule_rows in 1u64..9,
    ) {
        let mut block = block_of(&events);
        block.raw_bytes = block.rows() as u64 * trawl_segment::GRANULE_RAW_BYTES / granule_rows;
        let options = WriteOptions { columns_max: 3, row_group_rows, row_group_bytes: u64::MAX, ..WriteOptions::default() };
        let segment = write(&block, &options).unwrap();
        open_and_read(&with_other_directory(&segment, &damage), segment.footer_offset as usize);
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
