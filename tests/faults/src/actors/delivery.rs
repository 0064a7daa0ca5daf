//! How records reach the persister: as an event source of Lambda delivers a shard's records.
//!
//! In order within the shard and at least once. What was delivered and not confirmed is delivered
//! again, cut anew; a run that is taken for dead may still go on; now and then the place from
//! which to deliver is forgotten and an earlier one is taken; two deliveries may overlap.

use std::sync::Arc;
use std::time::Duration;

use trawl_store::ports::{Catalog, Position, Record, ShardId, Stream};

use super::Env;

/// Delivers a shard's records until all are persisted and nobody asks for more.
pub async fn deliver(env: Arc<Env>, shard: ShardId) {
    let world = env.stages.world.clone();
    let mut place = Position::START;
    loop {
        let pause_ms = world.chance(|chance| if chance.hit(0.3) { chance.below(4000) } else { chance.below(300) });
        world.turn(Duration::from_millis(pause_ms)).await;
        let records = next_records(&env, &shard, place).await;
        let Some(last) = records.last().map(|record| record.position) else {
            if env.is_stopping() {
                return;
            }
            continue;
        };
        let rates = world.rates();
        if world.chance(|chance| chance.hit(rates.zombie)) {
            world.cover("persister run taken for dead goes on");
            spawn_run(&env, &shard, records);
            continue; // delivered again from the same place
        }
        if world.chance(|chance| chance.hit(rates.zombie)) {
            world.cover("two persisters at once");
            let cut = world.chance(|chance| 1 + chance.below(records.len() as u64)) as usize;
            spawn_run(&env, &shard, records[..cut].to_vec());
        }
        match world.mortal("persister", env.stages.persister.persist(&shard, &records)).await {
            Some(Ok(_)) => {
                if world.chance(|chance| chance.hit(rates.zombie * 0.5)) {
                    world.cover("confirmed records delivered again");
                } else {
                    place = last;
                }
            }
            Some(Err(_)) | None => world.cover("records delivered again, cut anew"),
        }
    }
}

/// The next records, as many as chance says.
async fn next_records(env: &Env, shard: &ShardId, place: Position) -> Vec<Record> {
    let stream = &env.stages.stores.stream;
    let mut records = match stream.read(shard, place, usize::MAX).await {
        Ok(records) => records,
        // Trimmed: what is gone was persisted, since only then it is trimmed.
        Err(_) => {
            let checkpoint = env.stages.stores.catalog.checkpoint(shard).await.unwrap_or_default();
            stream.read(shard, checkpoint, usize::MAX).await.unwrap_or_default()
        }
    };
    let most = env.stages.world.chance(|chance| 1 + chance.below(6)) as usize;
    records.truncate(most);
    records
}

fn spawn_run(env: &Arc<Env>, shard: &ShardId, records: Vec<Record>) {
    let (env, shard) = (env.clone(), shard.clone());
    env.clone().stages.world.spawn(async move {
        let pause_ms =
            env.stages.world.chance(|chance| if chance.hit(0.3) { chance.below(30_000) } else { chance.below(50) });
        env.stages.world.turn(Duration::from_millis(pause_ms)).await;
        // Whatever becomes of it, nobody listens.
        drop(env.stages.world.mortal("second persister", env.stages.persister.persist(&shard, &records)).await);
    });
}
