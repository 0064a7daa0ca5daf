//! What stands beside a search: for tenants apart, and when what it stands on is gone.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::time::Duration;

use http::{Method, StatusCode};
use serde_json::{Value, json};
use trawl_event::TenantId;
use trawl_faults::calm::{Calm, error_code, json_of, run};
use trawl_faults::stages::Setup;
use trawl_store::ports::Stream;

fn tenant(name: &str) -> TenantId {
    name.parse().unwrap()
}

fn line(id: &str, second: u32) -> String {
    format!(r#"{{"timestamp":"2026-01-10T00:00:{second:02}Z","id":"{id}","service":"s","message":"m {id}"}}"#)
}

fn lines(count: u32) -> String {
    (0..count).map(|number| line(&format!("e{number}"), number % 60) + "\n").collect()
}

async fn get(calm: &Calm, tenant: &TenantId, path: &str, query: &str) -> Value {
    let answer = calm.call(tenant, Method::GET, path, query, "").await;
    assert_eq!(answer.status(), StatusCode::OK, "{path} {query}: {:?}", answer.body());
    json_of(&answer)
}

fn ids(page: &Value) -> Vec<&str> {
    page["events"].as_array().unwrap().iter().map(|event| event["id"].as_str().unwrap()).collect()
}

#[test]
fn a_reader_of_new_events_that_comes_too_late_is_told() {
    run(Setup { shards: 1, ..Setup::default() }, async |calm: Calm| {
        let t = tenant("t");
        let begin = get(&calm, &t, "/v1/tail", "").await;
        calm.push(&t, None, line("unseen", 1)).await;
        calm.persist().await;
        let shard = calm.shards().await.remove(0);
        let end = calm.stages.stores.stream.end(&shard).await.unwrap();
        calm.stages.stores.stream.trim(&shard, end);
        let late = get(&calm, &t, "/v1/tail", &format!("cursor={}&wait=1s", begin["cursor"].as_str().unwrap())).await;
        assert!(late["gap"].as_str().is_some_and(|gap| gap.contains("went by unread")), "{late}");
        assert_eq!(ids(&late), Vec::<&str>::new());
        calm.push(&t, None, line("seen", 2)).await;
        let next = get(&calm, &t, "/v1/tail", &format!("cursor={}&wait=1s", late["cursor"].as_str().unwrap())).await;
        assert_eq!((ids(&next), &next["gap"]), (vec!["seen"], &Value::Null));
    });
}

#[test]
fn tenants_do_not_see_each_others_new_events_values_contexts_and_saved_searches() {
    run(Setup { shards: 1, ..Setup::default() }, async |calm: Calm| {
        let (a, b) = (tenant("a"), tenant("b"));
        let begin = get(&calm, &a, "/v1/tail", "").await;
        for tenant in [&a, &b] {
            calm.push(tenant, None, line(&format!("of-{tenant}"), 1)).await;
        }
        let query = format!("cursor={}&wait=1s", begin["cursor"].as_str().unwrap());
        for persisted in [false, true] {
            for tenant in [&a, &b] {
                let own = format!("of-{tenant}");
                assert_eq!(
                    ids(&get(&calm, tenant, "/v1/tail", &query).await),
                    [own.as_str()],
                    "persisted: {persisted}"
                );
                let values = get(&calm, tenant, "/v1/fields/id/values", "").await;
                assert_eq!(values["values"], json!([{"value": own, "count": 1}]));
                let request = json!({"event": {"timestamp": "2026-01-10T00:00:01Z"}}).to_string();
                let context = calm.call(tenant, Method::POST, "/v1/context", "", &request).await;
                let id = json_of(&context)["after"]["id"].as_str().unwrap().to_owned();
                let found = get(&calm, tenant, &format!("/v1/searches/{id}"), "wait=20s").await;
                assert_eq!(ids(&found), [own.as_str()]);
                let counted = calm.create(tenant, json!({"facets": ["id"], "limit": 0})).await;
                let found = get(&calm, tenant, &counted, "wait=20s").await;
                assert_eq!(found["facets"][0]["values"], json!([{"value": own, "count": 1}]));
            }
            calm.persist().await;
        }
        calm.call(&a, Method::PUT, "/v1/saved/own", "", r#"{"query":"x"}"#).await;
        assert_eq!(get(&calm, &b, "/v1/saved", "").await, json!({"saved": []}));
        let refused = calm.call(&b, Method::DELETE, "/v1/saved/own", "", "").await;
        assert_eq!((refused.status(), &*error_code(&refused)), (StatusCode::NOT_FOUND, "unknown_saved_search"));
        assert_eq!(get(&calm, &a, "/v1/saved", "").await["saved"][0]["name"], "own");
    });
}

#[test]
fn cursors_and_searches_expire_visibly() {
    run(Setup { shards: 1, ..Setup::default() }, async |calm: Calm| {
        let t = tenant("t");
        calm.push(&t, None, lines(5000)).await;
        calm.persist().await;
        let path = calm.create(&t, json!({"query": "m", "limit": 10})).await;
        let found = get(&calm, &t, &path, "wait=20s").await;
        let mut cursor = found["more_cursor"].as_str().unwrap().to_owned();
        calm.stages.world.turn(Duration::from_secs(14 * 60)).await;
        let page = get(&calm, &t, &path, &format!("wait=20s&cursor={cursor}")).await;
        assert!(!ids(&page).is_empty());
        // On to the last page of what was wanted until now.
        while let Some(next) = get(&calm, &t, &path, &format!("wait=20s&cursor={cursor}")).await["next_cursor"].as_str()
        {
            cursor = next.to_owned();
        }
        let page = get(&calm, &t, &path, &format!("wait=20s&cursor={cursor}")).await;
        let more = page["more_cursor"].as_str().unwrap().to_owned();
        calm.stages.world.turn(Duration::from_secs(2 * 60)).await;
        let late = calm.call(&t, Method::GET, &path, &format!("wait=20s&cursor={more}"), "").await;
        assert_eq!((late.status(), &*error_code(&late)), (StatusCode::GONE, "cursor_expired"));
        assert_eq!(ids(&get(&calm, &t, &path, "").await).len(), 10, "what was found is there");
        calm.stages.world.turn(Duration::from_secs(24 * 3600)).await;
        calm.compact().await;
        let gone = calm.call(&t, Method::GET, &path, "", "").await;
        assert_eq!((gone.status(), &*error_code(&gone)), (StatusCode::GONE, "search_expired"));
    });
}
