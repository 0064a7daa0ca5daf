//! Puts records into the stream that no ingest stage would write.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use trawl_event::batch;
use trawl_event::decode;
use trawl_event::shred::TimeRule;
use trawl_event::{BatchId, Timestamp};
use trawl_store::ports::{Ids, Stream};

use super::Env;
use crate::requests::{Identity, Request};

/// Appends a record that cannot be decoded, whole or in part.
pub async fn poison(env: Arc<Env>, request: Request) {
    let world = env.stages.world.clone();
    let pause_ms = world.chance(|chance| chance.below(5000));
    world.turn(Duration::from_millis(pause_ms)).await;
    let Ok(shards) = env.stages.stores.stream.shards().await else { return };
    let received = world.true_now();
    let rule = TimeRule { received, oldest: Timestamp::MIN, latest: Timestamp::MAX };
    let Ok(decoded) = decode::decode(&request.body, &rule) else { return };
    let mut record = Vec::new();
    for block in decoded.parts.iter().filter(|block| !block.is_empty()) {
        batch::encode(&request.tenant, BatchId(world.fresh()), received, block, &mut record);
    }
    let kind = world.chance(|chance| chance.below(4));
    let mut is_there = false;
    match kind {
        0 => record = b"no batch at all".to_vec(),
        1 => record.truncate(record.len() / 2),
        2 => {
            // The last byte of the body: the checksum tells.
            if let Some(last) = record.last_mut() {
                *last ^= 0x40;
            }
        }
        _ => {
            record.extend_from_slice(b"TRB1 and then nonsense");
            is_there = true;
        }
    }
    world.cover("poisoned record");
    // Nobody repeats it: it has an id that no request has.
    let number = env.model().track(Request { identity: Identity::None, ..request });
    if is_there {
        env.model().attempt(number, received);
    }
    let shard = world.chance(|chance| chance.pick(&shards).clone());
    if env.stages.stores.stream.append_to(&shard, Bytes::from(record)).is_ok() && is_there {
        // What stands before the damage was taken by the stream, and counts.
        env.model().acknowledge(number);
    }
}
