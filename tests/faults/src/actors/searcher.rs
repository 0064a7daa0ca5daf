//! Someone who searches, over the HTTP API, and holds what comes back against the model.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Response, StatusCode};
use serde_json::json;
use trawl_api::counts::{FacetCounts, Histogram};
use trawl_api::search::{Order, SearchAnswer, SearchCreated, Status};
use trawl_event::{TenantId, Timestamp};

use super::Env;
use crate::model::{Answered, Asked, Filter};
use crate::requests::{SERVICES, WORDS};

/// Tries of a request before the searcher gives up.
const ATTEMPTS: u32 = 12;
/// Polls before a search counts as one that never ends: at up to 2 s each, twice its lease many times over.
const MOST_POLLS: u32 = 800;

/// A search as chance draws it.
pub fn draw(env: &Env, tenants: &[TenantId], start: Timestamp) -> Asked {
    env.stages.world.chance(|chance| {
        let filter = match chance.below(4) {
            0 => Filter::Service(chance.pick::<&str>(&SERVICES)),
            1 => Filter::Word(chance.pick::<&str>(&WORDS)),
            _ => Filter::All,
        };
        let counts = chance.hit(0.3);
        let range = (!counts && chance.hit(0.3)).then(|| {
            let from = start.plus_ns(-chance.within(3_600_000_000_000, 40 * 3_600_000_000_000));
            (from, from.plus_ns(chance.within(1, 30 * 3_600_000_000_000)))
        });
        Asked {
            tenant: chance.pick(tenants).clone(),
            filter,
            range,
            newest_first: chance.hit(0.5),
            limit: if chance.hit(0.3) { 1 + chance.below(8) as usize } else { 1000 },
            counts,
            facets: chance.hit(0.3),
            scrolls: chance.hit(0.5),
        }
    })
}

/// Searches once and checks what comes back.
pub async fn search(env: &Arc<Env>, asked: &Asked, stranger: &TenantId) {
    let before = env.model().acknowledged();
    let Some(answer) = ask(env, asked, stranger).await else { return };
    let world = &env.stages.world;
    world.cover(format!("search ended: {:?}", answer.status));
    for wrong in env.model().check(asked, &before, &answer) {
        world.trace(|| format!("VIOLATION {wrong} of {asked:?}"));
        world.violation(format!("{wrong} ({asked:?}, {:?})", answer.status));
    }
}

/// Searches once; `None` when the deployment refused or the search was interrupted.
pub async fn ask(env: &Arc<Env>, asked: &Asked, stranger: &TenantId) -> Option<Answered> {
    let world = &env.stages.world;
    let id = create(env, asked).await?;
    let path = format!("/v1/searches/{id}");
    if world.chance(|chance| chance.hit(0.1)) {
        intrude(env, &path, &id, stranger).await;
    }
    let is_cancelled = world.rates().crash > 0.0 && world.chance(|chance| chance.hit(0.05));
    if is_cancelled {
        let answer = request(env, &asked.tenant, &Method::DELETE, &path, "", b"").await;
        let is_ok = answer.as_ref().is_none_or(|answer| answer.status() == StatusCode::OK);
        if !is_ok {
            world.violation(format!("cancelling failed: {answer:?}"));
        }
    }
    let answered = read(env, asked, &path).await?;
    if answered.status == Status::Cancelled && !is_cancelled {
        world.violation("a search was cancelled that nobody cancelled");
    }
    if world.chance(|chance| chance.hit(0.3))
        && let Some(again) = read(env, asked, &path).await
        && again != answered
    {
        world.violation(format!("G5: read again, the search {asked:?} gives {again:?}, not {answered:?}"));
    }
    Some(answered)
}

async fn create(env: &Arc<Env>, asked: &Asked) -> Option<String> {
    let pipe = if asked.counts { " | stats count() by service" } else { "" };
    let mut body = json!({
        "query": format!("{}{pipe}", asked.filter.query()),
        "limit": asked.limit,
        "order": if asked.newest_first { Order::Desc } else { Order::Asc },
    });
    if let Some((from, to)) = asked.range {
        body["from"] = json!(from.to_string());
        body["to"] = json!(to.to_string());
    }
    if asked.facets {
        body["histogram"] = json!({"by": "level", "buckets": 7});
        body["facets"] = json!([{"field": "service", "limit": 100}]);
    }
    let body = body.to_string();
    let answer = request(env, &asked.tenant, &Method::POST, "/v1/searches", "", body.as_bytes()).await?;
    match serde_json::from_slice::<SearchCreated>(answer.body()) {
        Ok(created) if answer.status() == StatusCode::ACCEPTED => {
            env.stages.world.trace(|| format!("search {} is {asked:?}", created.id));
            Some(created.id)
        }
        _ => {
            env.stages.world.violation(format!("G8: a good search was refused: {answer:?}"));
            None
        }
    }
}

/// Reads a search from its first page to its last.
async fn read(env: &Arc<Env>, asked: &Asked, path: &str) -> Option<Answered> {
    let world = &env.stages.world;
    let mut events = Vec::new();
    let mut query = String::new();
    let mut pause = Duration::from_millis(20);
    for _ in 0..MOST_POLLS {
        let answer = request(env, &asked.tenant, &Method::GET, path, &query, b"").await?;
        if answer.status() == StatusCode::GONE && query.ends_with("-more") {
            world.cover("search could not go on: its plan was too old");
            return None;
        }
        let Ok(page) = serde_json::from_slice::<SearchAnswer>(answer.body()) else {
            world.violation(format!("a search that was acknowledged cannot be read: {answer:?}"));
            return None;
        };
        if !page.events.is_empty() && !query.is_empty() && page.status == Status::Running {
            world.cover("page read while the search ran");
        }
        events.extend(page.events.iter().map(|event| event.get().to_owned()));
        let goes_on = page.more_cursor.filter(|_| asked.scrolls);
        if goes_on.is_some() {
            world.cover(format!("went on past the limit of a search: {:?}", page.status));
        }
        match goes_on.or(page.next_cursor) {
            None => {
                if page.status == Status::Failed {
                    let code = page.error.map(|error| error.code);
                    world.cover(format!("search failed: {}", code.as_deref().unwrap_or("no reason")));
                }
                let aggregates = page.aggregates.unwrap_or_default();
                let counts = aggregates.rows.iter().filter_map(|row| match &row[..] {
                    [service, count] => Some((service.as_str()?.to_owned(), count.as_u64()?)),
                    _ => None,
                });
                let values = |facets: Vec<FacetCounts>| -> BTreeMap<String, u64> {
                    let values = facets.into_iter().flat_map(|facet| facet.values);
                    values.filter_map(|value| Some((value.value.as_str()?.to_owned(), value.count))).collect()
                };
                let total = |histogram: Histogram| histogram.buckets.iter().map(|bucket| bucket.count).sum();
                let facets = page.facets.map(values).zip(page.histogram.map(total));
                let counts = counts.collect();
                return Some(Answered { status: page.status, events, counts, facets, missing: page.missing });
            }
            Some(cursor) => {
                if !page.events.is_empty() {
                    world.cover("page followed by a cursor");
                }
                query = format!("cursor={cursor}");
                if world.chance(|chance| chance.hit(0.1)) {
                    query.push_str("&wait=200ms");
                }
            }
        }
        if page.events.is_empty() {
            world.turn(pause).await;
            pause = (pause * 2).min(Duration::from_secs(2));
        }
    }
    world.violation(format!("a search does not end: {asked:?}"));
    None
}

/// Another tenant tries the search's id and a cursor of it.
async fn intrude(env: &Arc<Env>, path: &str, id: &str, stranger: &TenantId) {
    let world = &env.stages.world;
    world.cover("another tenant asked for a search");
    for (method, query) in
        [(Method::GET, String::new()), (Method::GET, format!("cursor={id}-0")), (Method::DELETE, String::new())]
    {
        let Some(answer) = request(env, stranger, &method, path, &query, b"").await else { continue };
        if answer.status() != StatusCode::NOT_FOUND {
            world.violation(format!("G7: another tenant's {method} of a search was answered: {answer:?}"));
        }
    }
    let foreign = Asked {
        tenant: stranger.clone(),
        filter: Filter::All,
        range: None,
        newest_first: true,
        limit: 1,
        counts: false,
        facets: false,
        scrolls: false,
    };
    let Some(own) = create(env, &foreign).await else { return };
    let query = format!("cursor={id}-0");
    let answer = request(env, stranger, &Method::GET, &format!("/v1/searches/{own}"), &query, b"").await;
    if answer.as_ref().is_some_and(|answer| answer.status() != StatusCode::BAD_REQUEST) {
        world.violation(format!("G7: a cursor of another search was taken: {answer:?}"));
    }
}

/// Asks until there is an answer that is not "try again".
async fn request(
    env: &Arc<Env>,
    tenant: &TenantId,
    method: &Method,
    path: &str,
    query: &str,
    body: &[u8],
) -> Option<Response<Bytes>> {
    let world = &env.stages.world;
    for _ in 0..ATTEMPTS {
        let handled = env.stages.coordinator.handle(tenant, method, path, query, body);
        match world.mortal("coordinator", handled).await {
            Some(answer) if answer.status() != StatusCode::SERVICE_UNAVAILABLE => return Some(answer),
            Some(_) | None => world.turn(Duration::from_millis(300)).await,
        }
    }
    None
}
