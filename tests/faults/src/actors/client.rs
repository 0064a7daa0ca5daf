//! A client that sends a request until it is answered, or gives up.

use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;
use trawl_api::events::PushAnswer;

use super::Env;
use crate::requests::{Identity, Request};

/// Tries before a client gives up.
const ATTEMPTS: u32 = 6;
/// The first pause between tries; it doubles. All tries lie well within the hour for which a batch is remembered.
const FIRST_PAUSE: Duration = Duration::from_millis(200);

/// Sends a request. True when it was acknowledged.
pub async fn send(env: &Arc<Env>, request: Request) -> bool {
    let number = env.model().track(request.clone());
    send_tracked(env, number, request).await
}

/// Sends a request that the model knows, perhaps once more.
pub async fn send_tracked(env: &Arc<Env>, number: usize, request: Request) -> bool {
    let world = &env.stages.world;
    let mut pause = FIRST_PAUSE;
    let mut acknowledged = false;
    for _ in 0..ATTEMPTS {
        env.model().attempt(number, world.true_now());
        let handled = env.stages.ingest.handle(&request.tenant, &request.headers, request.body.clone());
        let answer = world.mortal("ingest", handled).await;
        let status = answer.as_ref().map(http::Response::status);
        match (status, answer) {
            (Some(StatusCode::ACCEPTED), Some(answer)) => {
                world.trace(|| format!("request {number} of {} is acknowledged: {:?}", request.tenant, answer.body()));
                env.model().acknowledge(number);
                acknowledged = true;
                check_answer(env, &request, answer.body());
                let rates = world.rates();
                if request.identity == Identity::None || !world.chance(|chance| chance.hit(rates.repeat)) {
                    return true;
                }
                // The client never saw the answer, or its own client asks again.
                world.cover("acknowledged request repeated");
            }
            // Throttled, or the connection broke: nobody knows whether it was taken.
            (Some(StatusCode::SERVICE_UNAVAILABLE) | None, _) => {
                world.cover("request tried again");
            }
            (status, answer) => {
                let body = answer.map(|answer| String::from_utf8_lossy(answer.body()).into_owned());
                world.violation(format!("G8: a good request was answered with {status:?}: {body:?}"));
                return acknowledged;
            }
        }
        if request.identity == Identity::None {
            return acknowledged;
        }
        world.turn(pause).await;
        pause *= 2;
    }
    world.cover("client gave up");
    acknowledged
}

fn check_answer(env: &Env, request: &Request, body: &[u8]) {
    let events: u64 = request.events.iter().map(|event| event.copies).sum();
    match serde_json::from_slice::<PushAnswer>(body) {
        Ok(answer) if (answer.accepted, answer.rejected_total) == (events, request.refused) => {}
        other => {
            let sent = (events, request.refused);
            env.stages.world.violation(format!("G8: of {sent:?} good and bad events, the answer says {other:?}"));
        }
    }
}
