//! Deleted events: invisible at once, gone from objects afterwards, and nothing else with them.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::time::Duration;

use http::{Method, StatusCode};
use serde_json::{Value, json};
use trawl_api::search::Status;
use trawl_event::TenantId;
use trawl_event::block::Projection;
use trawl_event::restore::Restorer;
use trawl_faults::calm::{Calm, error_code, json_of, run};
use trawl_faults::stages::Setup;
use trawl_segment::{Fetched, SegmentReader};
use trawl_store::ports::{Catalog, Objects, SegmentKey};

fn tenant(name: &str) -> TenantId {
    name.parse().unwrap()
}

/// A line of NDJSON of a user.
fn line(user: &str, second: u32) -> String {
    format!(r#"{{"timestamp":"2026-01-10T00:00:{second:02}Z","user":"{user}","message":"{user} pays {second}"}}"#)
}

async fn delete(calm: &Calm, tenant: &TenantId, query: &str) -> Value {
    let body = json!({"query": query, "reason": "asked to be forgotten"}).to_string();
    let coordinator = &calm.stages.coordinator;
    let answer =
        coordinator.handle_deletions(tenant, "key:test", &Method::POST, "/v1/deletions", body.as_bytes()).await;
    assert_eq!(answer.status(), StatusCode::ACCEPTED, "{:?}", answer.body());
    json_of(&answer)
}

async fn record(calm: &Calm, tenant: &TenantId, id: &str) -> (StatusCode, Value) {
    let path = format!("/v1/deletions/{id}");
    let answer = calm.stages.coordinator.handle_deletions(tenant, "key:test", &Method::GET, &path, b"").await;
    (answer.status(), json_of(&answer))
}

async fn users(calm: &Calm, tenant: &TenantId) -> Vec<String> {
    let user = |event: &String| serde_json::from_str::<Value>(event).unwrap()["user"].as_str().unwrap().to_owned();
    let events = calm.all(tenant).await;
    assert_eq!(calm.count(tenant).await, events.len() as u64);
    events.iter().map(user).collect()
}

/// Every event in every segment object that there is, live or not, as its JSON.
async fn in_objects(calm: &Calm) -> Vec<String> {
    let objects = &calm.stages.stores.objects;
    let mut events = Vec::new();
    for object in objects.list(SegmentKey::PREFIX).await.unwrap() {
        let bytes = objects.get(&object.key).await.unwrap().unwrap();
        // A catalog row would tell where the directory begins; the footer's metadata does as well.
        let live = calm.stages.stores.catalog.live().await.unwrap();
        let offset = live.iter().find(|row| row.key.as_str() == object.key).map(|row| row.footer_offset);
        let Some(offset) = offset else {
            events.push(format!("an object without a row: {}", object.key));
            continue;
        };
        let reader = SegmentReader::open(&bytes[offset as usize..], offset).unwrap();
        for group in 0..reader.row_groups().len() {
            let block = reader.read(group, &Projection::All, None, &Fetched::whole(bytes.clone())).unwrap();
            let mut restorer = Restorer::new(&block);
            for row in 0..block.rows() {
                let mut json = String::new();
                restorer.push(row, &mut json);
                events.push(json);
            }
        }
    }
    events
}

#[test]
fn deleted_events_are_invisible_at_once_and_gone_afterwards() {
    run(Setup { shards: 2, ..Setup::default() }, async |calm: Calm| {
        let (shop, bank) = (tenant("shop"), tenant("bank"));
        for second in 0..10 {
            for user in ["ann", "bob"] {
                calm.push(&shop, None, line(user, second)).await;
                calm.push(&bank, None, line(user, second)).await;
            }
            if second == 5 {
                calm.persist().await;
                calm.compact().await;
            }
        }
        // Some are in a merged segment, some in young ones, some in flight.
        calm.persist().await;
        calm.push(&shop, None, line("ann", 30)).await;
        calm.push(&shop, None, line("bob", 31)).await;
        let path = calm.create(&shop, json!({"query": "user:ann"})).await;
        assert_eq!(calm.read(&shop, &path).await.events.len(), 11);

        let deletion = delete(&calm, &shop, "user:ann").await;
        let id = deletion["id"].as_str().unwrap().to_owned();
        assert_eq!((&deletion["status"], &deletion["by"]), (&json!("hidden"), &json!("key:test")));
        let bobs = vec!["bob"; 11];
        assert_eq!(users(&calm, &shop).await, bobs, "at once");
        let answer = calm.call(&shop, Method::GET, &path, "", "").await;
        assert_eq!((answer.status(), error_code(&answer).as_str()), (StatusCode::GONE, "search_expired"));
        for query in ["ann", "*pays*", "NOT bob", "user:ann | stats count()"] {
            let found = calm.search(&shop, json!({"query": query, "histogram": {}, "facets": ["user"]})).await;
            assert_eq!(found.status, Status::Complete);
            assert!(found.events.iter().all(|event| !event.contains("ann")), "{query}: {found:?}");
        }
        assert_eq!(users(&calm, &bank).await.len(), 20, "of another tenant nothing is deleted");
        assert_eq!(record(&calm, &bank, &id).await.0, StatusCode::NOT_FOUND);

        // What is in flight is not in segments yet: the deletion cannot be done.
        let calm = calm.restarted();
        calm.compact().await;
        let (_, noted) = record(&calm, &shop, &id).await;
        assert_eq!((&noted["status"], &noted["events_removed"]), (&json!("hidden"), &json!(10)));
        assert_eq!(users(&calm, &shop).await, bobs, "while it is carried out");
        calm.persist().await;
        calm.compact().await;
        let (_, noted) = record(&calm, &shop, &id).await;
        assert_eq!((&noted["status"], &noted["events_removed"]), (&json!("rewritten"), &json!(11)));
        assert_eq!(users(&calm, &shop).await, bobs, "afterwards");
        assert_ne!(record(&calm, &shop, &id).await.1["status"], "erased", "objects stay for searches under way");

        let grace = compactor::Settings::default().grace;
        calm.stages.world.leap(grace + Duration::from_secs(1));
        calm.compact().await;
        let (_, noted) = record(&calm, &shop, &id).await;
        assert_eq!(noted["status"], "erased", "{noted}");
        let left = in_objects(&calm).await;
        assert_eq!(left.len(), 11 + 20, "{left:?}");
        let of_ann = left.iter().filter(|event| event.contains("ann")).count();
        assert_eq!(of_ann, 10, "those of the other tenant");
        // An event of the same kind that comes later is no business of the deletion.
        calm.push(&shop, None, line("ann", 40)).await;
        assert_eq!(users(&calm, &shop).await.len(), 12);
    });
}

#[test]
fn what_is_deleted_is_in_no_tail_no_values_no_context_and_not_in_what_a_search_goes_on_with() {
    run(Setup { shards: 1, ..Setup::default() }, async |calm: Calm| {
        let shop = tenant("shop");
        let get = async |path: &str, query: &str| json_of(&calm.call(&shop, Method::GET, path, query, "").await);
        let cursor = get("/v1/tail", "").await["cursor"].as_str().unwrap().to_owned();
        let lines: Vec<String> =
            (0..30).map(|second| line(if second % 2 == 0 { "ann" } else { "bob" }, second)).collect();
        calm.push(&shop, None, lines.join("\n")).await;
        let begun = calm.create(&shop, json!({"query": "*", "limit": 5})).await;
        assert_eq!(calm.read(&shop, &begun).await.events.len(), 5);
        let more = json_of(&calm.call(&shop, Method::GET, &begun, "", "").await)["more_cursor"].clone();
        delete(&calm, &shop, "user:ann").await;
        for is_persisted in [false, true] {
            if is_persisted {
                calm.persist().await;
            }
            let news = get("/v1/tail", &format!("cursor={cursor}&query=%2A")).await;
            assert!(!news.to_string().contains("ann"), "{news}");
            let values = get("/v1/fields/user/values", "").await;
            assert_eq!(values["values"], json!([{"value": "bob", "count": 15}]), "{values}");
            let around = json!({"event": {"timestamp": "2026-01-10T00:00:10Z"}, "fields": []}).to_string();
            let context = json_of(&calm.call(&shop, Method::POST, "/v1/context", "", &around).await);
            for side in ["before", "after"] {
                let path = format!("/v1/searches/{}", context[side]["id"].as_str().unwrap());
                let found = calm.read(&shop, &path).await;
                assert!(
                    !found.events.is_empty() && found.events.iter().all(|event| !event.contains("ann")),
                    "{found:?}"
                );
            }
        }
        let query = format!("cursor={}&wait=5s", more.as_str().unwrap_or_default());
        let answer = calm.call(&shop, Method::GET, &begun, &query, "").await;
        assert_eq!((answer.status(), error_code(&answer).as_str()), (StatusCode::GONE, "search_expired"));
    });
}

#[test]
fn a_segment_of_nothing_else_is_dropped_and_ranges_and_several_deletions_count() {
    run(Setup { shards: 1, ..Setup::default() }, async |calm: Calm| {
        let shop = tenant("shop");
        let batch = |user: &str, seconds: std::ops::Range<u32>| {
            seconds.map(|second| line(user, second)).collect::<Vec<_>>().join("\n")
        };
        calm.push(&shop, None, batch("ann", 0..5)).await;
        calm.persist().await;
        calm.push(&shop, None, batch("bob", 5..10)).await;
        calm.persist().await;
        delete(&calm, &shop, "user:ann").await;
        let body = json!({"query": "*", "reason": "r", "from": "2026-01-10T00:00:08Z", "to": "2026-01-10T00:00:09Z"});
        let coordinator = &calm.stages.coordinator;
        let path = "/v1/deletions";
        let body = body.to_string();
        let answer = coordinator.handle_deletions(&shop, "k", &Method::POST, path, body.as_bytes()).await;
        assert_eq!(answer.status(), StatusCode::ACCEPTED);
        assert_eq!(users(&calm, &shop).await, ["bob"; 4]);
        calm.compact().await;
        assert_eq!(users(&calm, &shop).await, ["bob"; 4]);
        let live = calm.stages.stores.catalog.live().await.unwrap();
        assert_eq!(live.iter().map(|row| row.events).collect::<Vec<_>>(), [4]);
        let listed = json_of(&coordinator.handle_deletions(&shop, "k", &Method::GET, path, b"").await);
        let statuses: Vec<&Value> =
            listed["deletions"].as_array().unwrap().iter().map(|deletion| &deletion["status"]).collect();
        assert_eq!(statuses, ["rewritten", "rewritten"]);
        let removed: Vec<&Value> =
            listed["deletions"].as_array().unwrap().iter().map(|deletion| &deletion["events_removed"]).collect();
        assert_eq!(removed, [5, 1], "each counts its own");
    });
}

#[test]
fn a_damaged_segment_holds_up_no_other_and_the_deletion_is_not_called_done() {
    run(Setup { shards: 1, ..Setup::default() }, async |calm: Calm| {
        let (shop, bank) = (tenant("shop"), tenant("bank"));
        for second in 0..2 {
            calm.push(&shop, None, format!("{}\n{}", line("ann", second), line("bob", second))).await;
            calm.persist().await;
        }
        for second in 0..2 {
            calm.push(&bank, None, line("ann", second)).await;
            calm.persist().await;
        }
        let live = calm.stages.stores.catalog.live().await.unwrap();
        let broken = live.iter().find(|row| row.tenant == shop).unwrap().key.clone();
        calm.stages.stores.objects.delete(broken.as_str()).await.unwrap();
        let id = delete(&calm, &shop, "user:ann").await["id"].as_str().unwrap().to_owned();
        // Merging the same segments fails over it, as ever; what is deleted elsewhere is gone by then.
        let _ = calm.stages.compactor.run(false).await;
        let (_, noted) = record(&calm, &shop, &id).await;
        assert_eq!((&noted["status"], &noted["events_removed"]), (&json!("hidden"), &json!(1)), "{noted}");
        let found = calm.search(&shop, json!({"query": "*"})).await;
        assert_eq!((found.status, found.events.len()), (Status::Partial, 1));
        assert_eq!(users(&calm, &bank).await.len(), 2);
    });
}

#[test]
fn a_deletion_says_what_it_deletes_and_why() {
    run(Setup::default(), async |calm: Calm| {
        let shop = tenant("shop");
        let ask = async |method: Method, path: &str, body: Value| {
            let body = body.to_string();
            let answer = calm.stages.coordinator.handle_deletions(&shop, "k", &method, path, body.as_bytes()).await;
            (answer.status().as_u16(), error_code(&answer))
        };
        for (body, code) in [
            (json!({"query": "a"}), "invalid_request"),
            (json!({"query": "a", "reason": " "}), "invalid_reason"),
            (json!({"query": "a", "reason": "r".repeat(1001)}), "invalid_reason"),
            (json!({"query": " ", "reason": "r"}), "empty_query"),
            (json!({"query": "(a", "reason": "r"}), "syntax"),
            (json!({"query": "a | limit 1", "reason": "r"}), "syntax"),
            (json!({"query": "a", "reason": "r", "from": "now", "to": "-1h"}), "invalid_time_range"),
            (json!({"query": "a", "reason": "r", "all": true}), "invalid_request"),
        ] {
            assert_eq!(ask(Method::POST, "/v1/deletions", body.clone()).await, (400, code.to_owned()), "{body}");
        }
        assert_eq!(ask(Method::DELETE, "/v1/deletions", json!({})).await.0, 405);
        for path in ["/v1/deletions/x", "/v1/deletions/0123456789abcdef0123456789abcdef", "/v1/deletions/../saved"] {
            assert_eq!(ask(Method::GET, path, json!({})).await, (404, "unknown_deletion".to_owned()), "{path}");
        }
        for number in 0..trawl_store::deletions::MAX_HIDDEN {
            delete(&calm, &shop, &format!("user:u{number}")).await;
        }
        let body = json!({"query": "a", "reason": "r"});
        assert_eq!(ask(Method::POST, "/v1/deletions", body).await, (429, "too_many_deletions".to_owned()));
    });
}
