//! The compactor's schedule, with runs that overlap and die, and what operators do: nothing.

use std::sync::Arc;
use std::time::Duration;

use super::Env;

/// Runs the compactor now and then until asked to stop.
pub async fn compact(env: Arc<Env>) {
    let world = env.stages.world.clone();
    while !env.is_stopping() {
        let pause_ms = world.chance(|chance| chance.below(6000));
        world.turn(Duration::from_millis(pause_ms)).await;
        run(&env).await;
    }
}

/// One run.
async fn run(env: &Env) {
    let world = &env.stages.world;
    let force = world.chance(|chance| chance.hit(0.8));
    match world.mortal("compactor", env.stages.compactor.run(force)).await {
        Some(Ok(done)) => {
            if done.merged > 0 {
                world.cover("segments merged");
            }
            if done.removed > 0 {
                world.cover("objects removed");
            }
        }
        Some(Err(compactor::CompactError::Segment { key, error })) => {
            world.violation(format!("the compactor cannot read what was written: {key}: {error}"));
        }
        Some(Err(compactor::CompactError::Deletion { id, error })) => {
            world.violation(format!("the compactor cannot tell what deletion {id} names: {error}"));
        }
        Some(Err(compactor::CompactError::Store(_))) | None => {}
    }
}
