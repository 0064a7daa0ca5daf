//! Segment objects: noise, damaged segments, and events that go through a segment and come back.

#![no_main]

use std::sync::LazyLock;

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use trawl_event::block::Projection;
use trawl_event::{Block, RowSet};
use trawl_fuzz::{Json, block_of, events_of, sample, values_of};
use trawl_segment::{Fetched, Segment, SegmentReader, WriteOptions, write};

/// Several row groups, and too few columns for all fields.
static SEGMENT: LazyLock<Segment> = LazyLock::new(|| written(&sample()));

/// Bytes of an edit of the sample segment: where (3, little-endian), and what stands there then.
const EDIT_BYTES: usize = 4;

fuzz_target!(|data: &[u8]| {
    let Some((choice, rest)) = data.split_first() else { return };
    match choice & 3 {
        0 => {
            let Some((offset, object)) = rest.split_first_chunk::<3>() else { return };
            let offset = u32::from_le_bytes([offset[0], offset[1], offset[2], 0]);
            read(&Bytes::copy_from_slice(object), u64::from(offset));
        }
        1 | 2 => damaged(rest, *choice & 3 == 2),
        _ => round_trip(rest),
    }
});

fn written(block: &Block) -> Segment {
    let options = WriteOptions { row_group_rows: 3, columns_max: 6, source: "fuzz".into(), ..WriteOptions::default() };
    write(block, &options).expect("a block of events can be written")
}

/// Reads everything there is, in whole and in part; errors are fine.
fn read(object: &Bytes, footer_offset: u64) -> Option<Vec<Block>> {
    let directory = &object[usize::try_from(footer_offset).ok()?.min(object.len())..];
    let reader = SegmentReader::open(directory, footer_offset).ok()?;
    let fetched = Fetched::whole(object.clone());
    let texts = Projection::Some { texts: true, names: ["http.*".to_owned()].into(), envelopes: false, times: true };
    let mut blocks = Some(Vec::new());
    for (index, row_group) in reader.row_groups().iter().enumerate() {
        for projection in [&Projection::timestamps(), &texts] {
            reader.ranges(index, projection, None, &Fetched::new());
            let _ = reader.read(index, projection, None, &fetched);
        }
        let mut every_other = RowSet::none(row_group.rows);
        (0..row_group.rows).step_by(2).for_each(|row| every_other.insert(row));
        reader.ranges(index, &Projection::All, Some(&every_other), &Fetched::new());
        if let Ok(block) = reader.read(index, &Projection::All, Some(&every_other), &fetched) {
            assert_eq!(block.rows(), every_other.count());
            events_of(&block);
        }
        match (reader.read(index, &Projection::All, None, &fetched), &mut blocks) {
            (Ok(block), Some(blocks)) => {
                events_of(&block);
                blocks.push(block);
            }
            (Ok(block), None) => drop(events_of(&block)),
            (Err(_), _) => blocks = None,
        }
    }
    blocks
}

/// Overwrites bytes of the sample segment, of its footer or anywhere.
fn damaged(edits: &[u8], in_footer: bool) {
    let segment = &*SEGMENT;
    let mut object = segment.bytes.to_vec();
    let start = if in_footer { segment.footer_offset as usize } else { 0 };
    let length = object.len() - start;
    for edit in edits.chunks_exact(EDIT_BYTES) {
        let at = u32::from_le_bytes([edit[0], edit[1], edit[2], 0]) as usize;
        object[start + at % length] = edit[3];
    }
    read(&Bytes::from(object), segment.footer_offset);
}

/// Events, one a line: what comes out of a segment is what went in.
fn round_trip(lines: &[u8]) {
    let block = block_of(lines.split(|byte| *byte == b'\n'));
    if block.is_empty() {
        return;
    }
    let segment = written(&block);
    let blocks = read(&segment.bytes, segment.footer_offset).expect("a segment just written can be read");
    let sorted = |blocks: &[Block]| {
        let mut values: Vec<Json> = blocks.iter().flat_map(values_of).collect();
        values.sort();
        values
    };
    assert_eq!(sorted(&blocks), sorted(&[block]));
}
