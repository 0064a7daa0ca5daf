//! One seed: a small deployment lives through a few rounds of everything at once, then comes to rest.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use trawl_event::timestamp::NS_PER_SECOND;
use trawl_event::{TenantId, Timestamp};
use trawl_store::ports::{Catalog, Position, Stream};

use crate::actors::{Env, client, delivery, searcher, upkeep, vandal};
use crate::chance::Chance;
use crate::faults::{Coverage, Rates};
use crate::faulty::Plant;
use crate::requests::Request;
use crate::rest;
use crate::stages::{Setup, Stages, Stores};
use crate::world::World;

/// When every simulation begins: 2026-01-10T06:00:00Z.
pub const START: Timestamp = Timestamp(1_768_024_800 * NS_PER_SECOND);

/// A batch is remembered for an hour; a client's last try, late as it may be, comes within.
const LATEST_REPETITION_NS: i64 = 58 * 60 * NS_PER_SECOND;

/// What a seed gave.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// What took place.
    pub coverage: Coverage,
    /// Which guarantees did not hold.
    pub violations: Vec<String>,
    /// Each port call and its outcome, if that was asked for.
    pub trace: Vec<String>,
}

impl Outcome {
    fn failed(reason: String) -> Self {
        Self { coverage: Coverage::default(), violations: vec![reason], trace: Vec::new() }
    }
}

/// Runs a seed, with a bug planted or without.
pub fn run_seed(seed: u64, plant: Option<Plant>) -> Outcome {
    run(seed, plant, false)
}

/// Runs a seed and keeps a line for each port call.
pub fn trace_seed(seed: u64) -> Outcome {
    run(seed, None, true)
}

fn run(seed: u64, plant: Option<Plant>, keeps_trace: bool) -> Outcome {
    // Stages cut their work by the number of threads they find: one, wherever the simulation runs.
    match rayon::ThreadPoolBuilder::new().num_threads(1).build() {
        Ok(pool) => pool.install(|| run_here(seed, plant, keeps_trace)),
        Err(error) => Outcome::failed(error.to_string()),
    }
}

fn run_here(seed: u64, plant: Option<Plant>, keeps_trace: bool) -> Outcome {
    let mut chance = Chance::new(seed);
    let rates = if chance.hit(0.05) { Rates::none() } else { Rates::draw(&mut chance) };
    let setup = Setup {
        shards: 1 + chance.below(3) as usize,
        max_event_age: chance.hit(0.5).then_some(Duration::from_secs(7 * 86_400)),
        row_group_rows: 1 + chance.below(12) as usize,
        columns_max: *chance.pick(&[1, 1000]),
        target_raw_bytes: *chance.pick(&[1000, 4000, 1 << 20]),
        plant,
    };
    let world = World::new(chance.bits(), START, rates);
    let stores = match Stores::new(&world, setup.shards) {
        Ok(stores) => stores,
        Err(error) => return Outcome::failed(error.to_string()),
    };
    let env = Arc::new(Env::new(Stages::new(world.clone(), stores, &setup)));
    if keeps_trace {
        world.keep_trace();
    }
    if !world.run(live(env.clone(), chance)) {
        world.violation("the simulation does not come to an end");
    }
    let (coverage, violations) = world.findings();
    Outcome { coverage, violations, trace: world.take_trace() }
}

fn tenants() -> Vec<TenantId> {
    ["acme", "zeta"].iter().filter_map(|name| name.parse().ok()).collect()
}

async fn live(env: Arc<Env>, mut chance: Chance) {
    let world = env.stages.world.clone();
    let shards = env.stages.stores.stream.shards().await.unwrap_or_default();
    for shard in &shards {
        world.spawn(delivery::deliver(env.clone(), shard.clone()));
    }
    for _ in 0..1 + chance.below(2) {
        world.spawn(upkeep::compact(env.clone()));
    }
    let mut next_request = 0;
    for round in 0..1 + chance.below(3) {
        if round > 0 {
            pass_time(&env, &mut chance).await;
        }
        let busy = Arc::new(AtomicUsize::new(0));
        for _ in 0..1 + chance.below(4) {
            let requests = (0..1 + chance.below(6)).map(|_| {
                next_request += 1;
                let tenant = chance.pick(&tenants()).clone();
                Request::draw(&mut chance, next_request, tenant, START)
            });
            let requests: Vec<Request> = requests.collect();
            begin(&env, &busy, push_all(env.clone(), requests));
        }
        for _ in 0..1 + chance.below(4) {
            let searches = 1 + chance.below(6);
            begin(&env, &busy, search_often(env.clone(), searches));
        }
        let late = env.model().repeatable(world.true_now().plus_ns(-LATEST_REPETITION_NS));
        if round > 0 && !late.is_empty() {
            let (number, request) = chance.pick(&late).clone();
            begin(&env, &busy, repeat_late(env.clone(), number, request));
        }
        if chance.hit(0.4) {
            next_request += 1;
            let tenant = chance.pick(&tenants()).clone();
            let request = Request::draw(&mut chance, next_request, tenant, START);
            begin(&env, &busy, vandal::poison(env.clone(), request));
        }
        world.until(|| busy.load(Ordering::Relaxed) == 0).await;
    }
    world.calm();
    env.stop();
    world.until(|| world.others_running() == 0).await;
    rest::check(&env, &tenants()).await;
}

fn begin(env: &Arc<Env>, busy: &Arc<AtomicUsize>, work: impl Future<Output = ()> + Send + 'static) {
    busy.fetch_add(1, Ordering::Relaxed);
    let busy = busy.clone();
    env.stages.world.spawn(async move {
        work.await;
        busy.fetch_sub(1, Ordering::Relaxed);
    });
}

async fn push_all(env: Arc<Env>, requests: Vec<Request>) {
    for request in requests {
        let pause_ms = env.stages.world.chance(|chance| chance.below(2000));
        env.stages.world.turn(Duration::from_millis(pause_ms)).await;
        let (tenant, first_id) = (request.tenant.clone(), request.events.first().map(|event| event.id.clone()));
        let is_acknowledged = client::send(&env, request).await;
        // Read your writes, at once.
        if is_acknowledged && first_id.is_some() && env.stages.world.chance(|chance| chance.hit(0.2)) {
            let mut asked = searcher::draw(&env, &[tenant], START);
            asked.range = None;
            let stranger = other_than(&asked.tenant);
            searcher::search(&env, &asked, &stranger).await;
        }
    }
}

async fn repeat_late(env: Arc<Env>, number: usize, request: Request) {
    env.stages.world.cover("request repeated most of an hour later");
    client::send_tracked(&env, number, request).await;
}

async fn search_often(env: Arc<Env>, times: u64) {
    for _ in 0..times {
        let pause_ms = env.stages.world.chance(|chance| chance.below(3000));
        env.stages.world.turn(Duration::from_millis(pause_ms)).await;
        let asked = searcher::draw(&env, &tenants(), START);
        let stranger = other_than(&asked.tenant);
        searcher::search(&env, &asked, &stranger).await;
    }
}

fn other_than(tenant: &TenantId) -> TenantId {
    tenants().into_iter().find(|other| other != tenant).unwrap_or_else(TenantId::default_tenant)
}

/// Between rounds nobody pushes or searches for a while: long enough that grace periods end, or
/// that a day has gone by and the stream lets go of what was persisted.
async fn pass_time(env: &Env, chance: &mut Chance) {
    let world = &env.stages.world;
    if chance.hit(0.6) {
        world.cover("most of an hour went by");
        world.leap(Duration::from_secs(60 * (35 + chance.below(22))));
    } else {
        let mut ends = BTreeMap::new();
        for shard in env.stages.stores.stream.shards().await.unwrap_or_default() {
            let end = env.stages.stores.stream.end(&shard).await.unwrap_or_default();
            ends.insert(shard, end);
        }
        // The stream keeps records for a day: a deployment that falls back further loses data by design.
        for (shard, end) in &ends {
            while env.stages.stores.catalog.checkpoint(shard).await.unwrap_or(Position::START) < *end {
                world.turn(Duration::from_millis(100)).await;
            }
        }
        world.cover("a day went by");
        world.leap(Duration::from_secs(3600 * (27 + chance.below(10))));
        for (shard, end) in &ends {
            env.stages.stores.stream.trim(shard, *end);
        }
    }
    world.turn(Duration::from_secs(chance.below(20))).await;
}
