//! What must be true once faults have ended and everything has come to rest.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use compactor::Compacted;
use trawl_api::search::Status;
use trawl_event::TenantId;
use trawl_event::batch;
use trawl_event::block::Projection;
use trawl_event::restore::Restorer;
use trawl_store::ports::{Catalog, Objects, SegmentKey};

use crate::actors::{Env, searcher};
use crate::json::Json;
use crate::model::{Answered, Asked, Filter};

/// Longer than the grace period and than the age of an orphan.
const LONG_REST: Duration = Duration::from_secs(30 * 3600);

/// Runs after which the compactor must have nothing left to do: each merges a group's survivors once more.
const MOST_RESTS: usize = 10;

/// Checks the deployment at rest, before and after it is compacted and collected.
pub async fn check(env: &Arc<Env>, tenants: &[TenantId]) {
    check_visible(env, tenants, "persisted").await;
    check_dead_letters(env).await;
    for _ in 0..2 {
        if let Err(error) = env.stages.compactor.run(true).await {
            env.stages.world.violation(format!("at rest, the compactor fails: {error}"));
        }
    }
    check_visible(env, tenants, "compacted").await;
    for _ in 0..MOST_RESTS {
        env.stages.world.leap(LONG_REST);
        match env.stages.compactor.run(true).await {
            Ok(done) if done == Compacted::default() => break,
            Ok(_) => {}
            Err(error) => env.stages.world.violation(format!("at rest, the compactor fails: {error}")),
        }
    }
    check_visible(env, tenants, "collected").await;
    check_objects(env).await;
}

/// The ids of the events that the stream took, each batch once, by tenant.
fn taken(env: &Env) -> BTreeMap<TenantId, BTreeMap<String, u64>> {
    let mut taken: BTreeMap<TenantId, BTreeMap<String, u64>> = BTreeMap::new();
    let mut seen = BTreeSet::new();
    for record in env.stages.stores.stream.history().into_values().flatten() {
        for batch in batch::read_all(&record.data).0 {
            let Ok(block) = batch.block(&Projection::All) else { continue };
            if !seen.insert((batch.header.tenant.clone(), batch.header.id)) {
                continue;
            }
            let mut restorer = Restorer::new(&block);
            let events = taken.entry(batch.header.tenant.clone()).or_default();
            for row in 0..block.rows() {
                let mut json = String::new();
                restorer.push(row, &mut json);
                let id = Json::parse(&json).and_then(|json| Some(json.field("id")?.text()?.to_owned()));
                *events.entry(id.unwrap_or(json)).or_default() += 1;
            }
        }
    }
    taken
}

async fn check_visible(env: &Arc<Env>, tenants: &[TenantId], when: &str) {
    let world = &env.stages.world;
    let taken = taken(env);
    for (tenant, stranger) in tenants.iter().zip(tenants.iter().cycle().skip(1)) {
        let expected = taken.get(tenant).cloned().unwrap_or_default();
        for (id, copies) in env.model().must_have(tenant) {
            let there = expected.get(&id).copied().unwrap_or_default();
            if there < copies {
                world.violation(format!("G1: {id} was acknowledged {copies} times, the stream took it {there} times"));
            }
        }
        let mut asked = Asked {
            tenant: tenant.clone(),
            filter: Filter::All,
            range: None,
            newest_first: true,
            limit: 1000,
            counts: false,
            facets: true,
            scrolls: true,
        };
        let before = env.model().acknowledged();
        let Some(answer) = searcher::ask(env, &asked, stranger).await.filter(is_complete) else {
            world.violation(format!("{when}, a search does not complete"));
            continue;
        };
        for wrong in env.model().check(&asked, &before, &answer) {
            world.violation(format!("{when}: {wrong}"));
        }
        let mut found: BTreeMap<String, u64> = BTreeMap::new();
        for json in answer.events.iter().filter_map(|text| Json::parse(text)) {
            let id = json.field("id").and_then(Json::text).unwrap_or_default().to_owned();
            *found.entry(id).or_default() += 1;
        }
        if found != expected {
            world.violation(format!("G2, G3: {when}, {tenant} has {found:?}, the stream took {expected:?}"));
        }
        asked.counts = true;
        let Some(answer) = searcher::ask(env, &asked, stranger).await.filter(is_complete) else {
            world.violation(format!("{when}, a count does not complete"));
            continue;
        };
        let count: u64 = answer.counts.values().sum();
        if count != expected.values().sum::<u64>() {
            world.violation(format!("G3: {when}, {count} events are counted, the stream took {expected:?}"));
        }
        check_status(env, tenant, expected.values().sum(), when).await;
    }
}

fn is_complete(answer: &Answered) -> bool {
    answer.status == Status::Complete
}

async fn check_status(env: &Env, tenant: &TenantId, events: u64, when: &str) {
    match env.stages.coordinator.status(tenant).await {
        Ok(status) if (status.tail_events, status.totals.events) == (0, events) => {}
        other => env.stages.world.violation(format!("{when}, the status of {events} events is {other:?}")),
    }
}

async fn check_dead_letters(env: &Env) {
    let world = &env.stages.world;
    let mut letters = 0;
    for (shard, records) in env.stages.stores.stream.history() {
        for record in records {
            let (batches, error) = batch::read_all(&record.data);
            if error.is_none() && batches.iter().all(|batch| batch.block(&Projection::All).is_ok()) {
                continue;
            }
            letters += 1;
            let prefix = format!("{}{shard}/{}-", persister::dead_letter::PREFIX, record.position);
            let listed = env.stages.stores.objects.list(&prefix).await.unwrap_or_default();
            let mut bodies = Vec::new();
            for object in listed.iter().filter(|object| object.key.ends_with(".bin")) {
                bodies.extend(env.stages.stores.objects.get(&object.key).await.ok().flatten());
            }
            if bodies != [record.data] || listed.len() != 2 {
                world.violation(format!("G2: {listed:?} is not the one dead letter of {shard} {}", record.position));
            }
        }
    }
    let counted = env.stages.stores.catalog.totals(&TenantId::default_tenant()).await.map(|totals| totals.dead_letters);
    if counted != Ok(letters) {
        world.violation(format!("G2: {letters} dead letters, counted as {counted:?}"));
    }
}

/// Every row has its object and every segment object its row.
async fn check_objects(env: &Env) {
    let rows = env.stages.stores.catalog.live().await.unwrap_or_default();
    let rows: BTreeSet<String> = rows.into_iter().map(|row| row.key.to_string()).collect();
    let listed = env.stages.stores.objects.list(SegmentKey::PREFIX).await.unwrap_or_default();
    let objects: BTreeSet<String> = listed.into_iter().map(|object| object.key).collect();
    if rows != objects {
        let (bare, orphans): (Vec<_>, Vec<_>) =
            (rows.difference(&objects).collect(), objects.difference(&rows).collect());
        env.stages.world.violation(format!("rows without object: {bare:?}; objects without row: {orphans:?}"));
    }
    let retired = env.stages.stores.catalog.retired().await;
    if retired != Ok(Vec::new()) {
        env.stages.world.violation(format!("retired rows stay: {retired:?}"));
    }
}
