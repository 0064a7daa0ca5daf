//! Stream records and the blocks in them: noise, and what was encoded comes back.

#![no_main]

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use trawl_event::block::Projection;
use trawl_event::{BatchId, Block, TenantId, batch, codec};
use trawl_fuzz::{ANY_TIME, block_of, events_of};

fuzz_target!(|data: &[u8]| {
    let Some((choice, rest)) = data.split_first() else { return };
    match choice & 3 {
        0 => record(&Bytes::copy_from_slice(rest)),
        1 => block(rest),
        _ => round_trip(rest),
    }
});

fn texts() -> Projection {
    Projection::Some { texts: true, names: ["latency".to_owned()].into(), envelopes: true, times: true }
}

/// Every batch of a record that can be found is read; errors are fine.
fn record(record: &Bytes) {
    let (batches, error) = batch::read_all(record);
    assert!(error.is_some() || !batches.is_empty() || record.is_empty());
    for batch in batches {
        let _ = batch.block(&texts());
        if let Ok(block) = batch.block(&Projection::All) {
            assert_eq!(block.rows() as u64, batch.header.events);
            events_of(&block);
        }
    }
}

/// A block without the checksum around it.
fn block(bytes: &[u8]) {
    let _ = codec::decode(bytes, &texts());
    let Ok(block) = codec::decode(bytes, &Projection::All) else { return };
    events_of(&block);
    let mut encoded = Vec::new();
    codec::encode(&block, &mut encoded);
    let again = codec::decode(&encoded, &Projection::All).expect("an encoded block can be decoded");
    assert!(is_same(&again, &block), "{again:?} is not {block:?}");
}

/// Blocks are equal but for floats that are no numbers, which equal nothing: their printed form does.
fn is_same(one: &Block, other: &Block) -> bool {
    one == other || format!("{one:?}") == format!("{other:?}")
}

/// Events, one a line, two batches to a record.
fn round_trip(lines: &[u8]) {
    let tenant = TenantId::default_tenant();
    let middle = lines.len() / 2;
    let blocks = [&lines[..middle], &lines[middle..]].map(|half| block_of(half.split(|byte| *byte == b'\n')));
    let mut record = Vec::new();
    for (id, block) in blocks.iter().enumerate() {
        batch::encode(&tenant, BatchId(id as u128), ANY_TIME.received, block, &mut record);
    }
    let (batches, error) = batch::read_all(&Bytes::from(record));
    assert_eq!((batches.len(), error), (blocks.len(), None));
    for (batch, block) in batches.iter().zip(&blocks) {
        let read = batch.block(&Projection::All).expect("an encoded batch can be read");
        assert!(is_same(&read, block), "{read:?} is not {block:?}");
    }
}
