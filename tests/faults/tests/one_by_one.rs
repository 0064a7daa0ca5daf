//! Each guarantee of the design on its own, in a small deployment without faults but those named.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::time::Duration;

use http::{Method, StatusCode};
use serde_json::{Value, json};
use trawl_api::search::{Order, Status};
use trawl_event::{TenantId, Timestamp};
use trawl_faults::calm::{Calm, Found, error_code, json_of, run};
use trawl_faults::stages::Setup;
use trawl_store::ports::{Catalog, Objects, Position, ScanEvent, SegmentKey, ShardId, Source};

fn tenant(name: &str) -> TenantId {
    name.parse().unwrap()
}

/// A line of NDJSON whose time is `second` seconds after midnight.
fn line(id: &str, second: u32) -> String {
    let (minute, second) = (second / 60, second % 60);
    format!(r#"{{"timestamp":"2026-01-10T00:{minute:02}:{second:02}Z","id":"{id}","service":"s","message":"m {id}"}}"#)
}

fn ids(events: &[String]) -> Vec<String> {
    let id = |event: &String| serde_json::from_str::<Value>(event).unwrap()["id"].as_str().unwrap().to_owned();
    events.iter().map(id).collect()
}

/// Appends a record as it is to the first shard, around ingest.
async fn append(calm: &Calm, data: &[u8]) -> (ShardId, Position) {
    let shard = calm.shards().await.remove(0);
    let position = calm.stages.stores.stream.append_to(&shard, data.to_vec().into()).unwrap();
    (shard, position)
}

#[test]
fn g1_durable_acknowledgement() {
    run(Setup::default(), async |calm: Calm| {
        let t = tenant("t");
        for number in 0..20 {
            assert_eq!(calm.push(&t, None, line(&format!("e{number}"), number)).await, 1);
        }
        let calm = calm.restarted();
        assert_eq!(calm.all(&t).await.len(), 20, "in the stream");
        calm.persist().await;
        let calm = calm.restarted();
        assert_eq!(calm.all(&t).await.len(), 20, "in segments");
        assert!(calm.compact().await > 0);
        let calm = calm.restarted();
        assert_eq!(calm.all(&t).await.len(), 20, "in compacted segments");
    });
}

#[test]
fn g2_nothing_lost() {
    run(Setup { shards: 1, ..Setup::default() }, async |calm: Calm| {
        let t = tenant("t");
        calm.push(&t, None, line("before", 1)).await;
        let whole = calm.stages.stores.stream.history().into_values().flatten().next().unwrap().data;
        let (shard, garbage) = append(&calm, b"no batch at all").await;
        let (_, cut) = append(&calm, &whole[..whole.len() - 3]).await;
        calm.push(&t, None, line("after", 2)).await;
        assert_eq!(ids(&calm.all(&t).await), ["before", "after"], "nobody waits for a damaged record");
        calm.persist().await;
        assert!(calm.tail(&shard).await.is_empty());
        assert_eq!(ids(&calm.all(&t).await), ["before", "after"]);
        for (position, bytes, reason) in
            [(garbage, &b"no batch at all"[..], "magic bytes at byte 0"), (cut, &whole[..whole.len() - 3], "at byte")]
        {
            let prefix = format!("{}{shard}/{position}-", persister::dead_letter::PREFIX);
            let letters = calm.stages.stores.objects.list(&prefix).await.unwrap();
            let [bin, note] = &letters[..] else { panic!("{letters:?}") };
            assert_eq!(calm.stages.stores.objects.get(&bin.key).await.unwrap().unwrap(), bytes);
            let note = calm.stages.stores.objects.get(&note.key).await.unwrap().unwrap();
            let note: Value = serde_json::from_slice(&note).unwrap();
            assert!(note["reason"].as_str().unwrap().contains(reason), "{note}");
        }
        assert_eq!(calm.stages.stores.catalog.totals(&t).await.unwrap().dead_letters, 2, "they are counted");
    });
}

#[test]
fn g3_exactly_once() {
    run(Setup { shards: 1, ..Setup::default() }, async |calm: Calm| {
        let t = tenant("t");
        let twins = format!("{}\n{}\n{}", line("twin", 1), line("twin", 1), line("single", 2));
        let timeless = r#"{"id":"timeless","message":"no time of its own"}"#;
        for _ in 0..3 {
            calm.push(&t, None, twins.clone()).await;
            calm.push(&t, Some("key"), timeless).await;
        }
        let expected = ["twin", "twin", "single", "timeless"];
        assert_eq!(ids(&calm.all(&t).await), expected, "a repeated request counts once, in the tail");
        assert_eq!(calm.count(&t).await, 4);
        let shard = calm.shards().await.remove(0);
        let records = calm.tail(&shard).await;
        assert_eq!(records.len(), 6);
        // Delivered twice, cut anew, and from the start again; the first two race for one checkpoint.
        let persister = &calm.stages.persister;
        let (one, other) = futures_util::future::join(
            persister.persist(&shard, &records[..4]),
            persister.persist(&shard, &records[..3]),
        )
        .await;
        assert!(one.is_ok() && other.is_ok(), "{one:?} {other:?}");
        assert_eq!(ids(&calm.all(&t).await), expected, "partly persisted");
        for upto in [5, 6, 6] {
            persister.persist(&shard, &records[..upto]).await.unwrap();
        }
        assert_eq!(ids(&calm.all(&t).await), expected, "persisted");
        calm.push(&t, None, twins.clone()).await;
        assert_eq!(ids(&calm.all(&t).await), expected, "sent again after it was persisted");
        calm.persist().await;
        calm.compact().await;
        assert_eq!(ids(&calm.all(&t).await), expected, "compacted");
        assert_eq!(calm.count(&t).await, 4);
        for _ in 0..2 {
            calm.push(&t, None, timeless).await;
        }
        assert_eq!(calm.count(&t).await, 6, "heartbeats without time and key are two");
    });
}

#[test]
fn g4_read_your_writes() {
    run(Setup { shards: 3, ..Setup::default() }, async |calm: Calm| {
        let t = tenant("t");
        for number in 0..30u32 {
            let id = format!("e{number}");
            calm.push(&t, None, line(&id, 1000 - number)).await;
            let found = calm.search(&t, json!({"query": format!("id:{id}")})).await;
            assert_eq!((found.status, ids(&found.events)), (Status::Complete, vec![id]));
            assert_eq!(calm.count(&t).await, u64::from(number) + 1);
            match number % 5 {
                2 => calm.persist().await,
                4 => drop(calm.compact().await),
                _ => {}
            }
        }
    });
}

#[test]
fn g5_snapshot() {
    run(Setup { shards: 2, ..Setup::default() }, async |calm: Calm| {
        let t = tenant("t");
        for number in 0..12 {
            calm.push(&t, None, line(&format!("e{number:02}"), number)).await;
            if number == 3 || number == 6 {
                calm.persist().await;
            }
        }
        let before = calm.all(&t).await;
        assert_eq!(before.len(), 12);
        let asked = coordinator::state::Asked {
            query: "*".into(),
            from: Timestamp::MIN,
            to: Timestamp::MAX,
            limit: 1000,
            order: Order::Asc,
            ..Default::default()
        };
        let planned = coordinator::plan::plan(
            &calm.stages.stream,
            &calm.stages.catalog,
            &t,
            &asked,
            &trawl_event::Evidence::Anything,
            1000,
            Timestamp::MAX,
        )
        .await
        .unwrap()
        .tasks;
        // Between plan and scan: more is pushed, everything persisted, compacted and collected.
        calm.push(&t, None, line("late", 0)).await;
        calm.push(&t, None, line("e05", 5)).await;
        calm.persist().await;
        assert!(calm.compact().await > 0);
        calm.compact().await;
        let mut events: Vec<ScanEvent> = Vec::new();
        for task in planned {
            events.extend(calm.stages.worker.run(&task.task).await.unwrap().events);
        }
        events.sort_by_key(|event| event.key);
        let seen: Vec<String> = events.into_iter().map(|event| event.json).collect();
        assert_eq!(seen, before, "the moment of the plan, neither more nor less");
        assert_eq!(calm.all(&t).await.len(), 13);
    });
}

#[test]
fn g5_a_search_launched_twice_runs_once() {
    run(Setup::default(), async |calm: Calm| {
        let t = tenant("t");
        calm.push(&t, None, line("first", 1)).await;
        let path = calm.create(&t, json!({"query": "*"})).await;
        let id = path.rsplit('/').next().unwrap().parse().unwrap();
        let first = calm.read(&t, &path).await;
        assert_eq!((first.status, first.events.len()), (Status::Complete, 1));
        calm.push(&t, None, line("second", 2)).await;
        calm.stages.coordinator.run(&t, id, None).await.unwrap();
        assert_eq!(calm.read(&t, &path).await, first, "the second launch came when all was done");
        let path = calm.create(&t, json!({"query": "*"})).await;
        let id = path.rsplit('/').next().unwrap().parse().unwrap();
        let (one, other) = futures_util::future::join(
            calm.stages.coordinator.run(&t, id, None),
            calm.stages.coordinator.run(&t, id, None),
        )
        .await;
        let worked = [one.unwrap().worked, other.unwrap().worked];
        // None, if the run that was launched when the search was created came before both.
        assert!(worked.iter().filter(|worked| **worked).count() <= 1, "one of them steps back");
        assert_eq!(calm.read(&t, &path).await.events.len(), 2);
        let answer = json_of(&calm.call(&t, Method::GET, &path, "", "").await);
        assert_eq!(answer["progress"]["events_matched"], 2, "one run did it all");
    });
}

#[test]
fn g6_honest_results() {
    run(Setup { shards: 1, ..Setup::default() }, async |calm: Calm| {
        let t = tenant("t");
        calm.push(&t, None, line("gone", 1)).await;
        calm.persist().await;
        calm.push(&t, None, line("there", 2)).await;
        let key = calm.stages.stores.catalog.live().await.unwrap().remove(0).key;
        calm.stages.stores.objects.delete(key.as_str()).await.unwrap();
        for query in ["*", "* | stats count()"] {
            let Found { status, missing, .. } = calm.search(&t, json!({"query": query})).await;
            assert_eq!(status, Status::Partial, "{query}");
            let [named] = &missing[..] else { panic!("{missing:?}") };
            assert!(named.contains(key.as_str()) && named.contains("1 events"), "{named}");
        }
        let found = calm.search(&t, json!({"query": "*"})).await;
        assert_eq!(ids(&found.events), ["there"], "what can be read is given");
        let found = calm.search(&t, json!({"query": "*", "from": "2026-01-10T00:00:02Z"})).await;
        assert_eq!(found.status, Status::Complete, "what was not needed is not missed");
    });
}

#[test]
fn g7_tenants() {
    run(Setup { shards: 1, ..Setup::default() }, async |calm: Calm| {
        let (a, b) = (tenant("a"), tenant("b"));
        // The same request under the same key is another batch for another tenant.
        for tenant in [&a, &b] {
            calm.push(tenant, Some("key"), line(&format!("of-{tenant}"), 1)).await;
        }
        for persisted in [false, true] {
            for tenant in [&a, &b] {
                assert_eq!(ids(&calm.all(tenant).await), [format!("of-{tenant}")], "persisted: {persisted}");
                let query = json!({"query": "id:of-a OR id:of-b OR tenant:a"});
                assert_eq!(calm.search(tenant, query).await.events.len(), 1);
                assert_eq!(calm.count(tenant).await, 1);
            }
            calm.persist().await;
            calm.compact().await;
        }
        for row in calm.stages.stores.catalog.live().await.unwrap() {
            assert!(row.key.as_str().starts_with(&format!("{}tenant={}/", SegmentKey::PREFIX, row.tenant)));
            assert_eq!(row.events, 1);
        }
        let path = calm.create(&a, json!({"query": "*"})).await;
        let id = path.rsplit('/').next().unwrap();
        for (method, query) in [(Method::GET, ""), (Method::GET, "wait=1s"), (Method::DELETE, "")] {
            let answer = calm.call(&b, method, &path, query, "").await;
            assert_eq!((answer.status(), &*error_code(&answer)), (StatusCode::NOT_FOUND, "unknown_search"));
        }
        let own = calm.create(&b, json!({"query": "*"})).await;
        let answer = calm.call(&b, Method::GET, &own, &format!("cursor={id}-0"), "").await;
        assert_eq!((answer.status(), &*error_code(&answer)), (StatusCode::BAD_REQUEST, "invalid_cursor"));
        for name in ["", "A", "a/../b", "a b", "ä", &"x".repeat(65)] {
            assert!(name.parse::<TenantId>().is_err(), "{name:?} is no tenant");
        }
        let status = calm.stages.coordinator.status(&a).await.unwrap();
        assert_eq!((status.tail_events, status.totals.events), (0, 1));
    });
}

#[test]
fn g8_bad_input() {
    run(Setup { shards: 1, ..Setup::default() }, async |calm: Calm| {
        let t = tenant("t");
        let good = line("good", 1);
        calm.push(&t, None, good.clone()).await;
        let deep = format!(r#"{{"a":{}1{}}}"#, "[".repeat(100), "]".repeat(100));
        for (body, code) in [
            ("", "no_events"),
            ("[{},", "invalid_json"),
            ("nonsense", "no_acceptable_event"),
            ("{\"a\": \"\u{1}\"}", "no_acceptable_event"),
            ("{\"timestamp\":\"9999-01-01T00:00:00Z\"}", "no_acceptable_event"),
            (&deep, "no_acceptable_event"),
        ] {
            let answer = calm.post(&t, None, body.to_owned()).await;
            assert_eq!((answer.status(), &*error_code(&answer)), (StatusCode::BAD_REQUEST, code), "{body}");
        }
        let answer = calm.post(&t, None, vec![b' '; 10_000_001]).await;
        assert_eq!((answer.status(), &*error_code(&answer)), (StatusCode::PAYLOAD_TOO_LARGE, "body_too_large"));
        // Bad lines among good ones are named by their place, and the good ones are taken.
        let answer = calm.post(&t, None, format!("{}\n{{\"a\":\n\n{}\n42", line("x", 2), line("y", 3))).await;
        assert_eq!(answer.status(), StatusCode::ACCEPTED);
        let indexes: Vec<Value> =
            json_of(&answer)["rejected"].as_array().unwrap().iter().map(|r| r["index"].clone()).collect();
        assert_eq!(indexes, [json!(1), json!(3)]);
        for (body, code) in [
            (r#"{"query":"a AND"}"#, "syntax"),
            (r#"{"query":"/(/"}"#, "regex_invalid"),
            (r#"{"query":"*","limit":-1}"#, "invalid_request"),
            (r#"{"query":"*","from":"tomorrow"}"#, "invalid_time"),
            (r#"{"query":"*","from":"now","to":"-1h"}"#, "invalid_time_range"),
            ("{", "invalid_request"),
        ] {
            let answer = calm.call(&t, Method::POST, "/v1/searches", "", body).await;
            assert_eq!((answer.status(), &*error_code(&answer)), (StatusCode::BAD_REQUEST, code), "{body}");
        }
        let path = calm.create(&t, json!({"query": "*"})).await;
        let id = path.rsplit('/').next().unwrap();
        for query in [format!("cursor={id}-99"), format!("cursor={id}"), "cursor=x-0".into(), "wait=long".into()] {
            let answer = calm.call(&t, Method::GET, &path, &query, "").await;
            assert_eq!(answer.status(), StatusCode::BAD_REQUEST, "{query}");
        }
        calm.persist().await;
        assert_eq!(ids(&calm.all(&t).await), ["good", "x", "y"], "nothing else is affected");
        assert_eq!(calm.stages.stores.catalog.totals(&t).await.unwrap().dead_letters, 0);
    });
}

/// A request sent again may reach another shard, once shards are added or one has refused it. A search
/// that was planned before does not see the repetition, which may all the same be the first to be claimed.
#[test]
fn g4_a_repetition_in_another_shard_hides_nothing() {
    run(Setup { shards: 3, ..Setup::default() }, async |calm: Calm| {
        let t = tenant("t");
        calm.push(&t, Some("key"), line("e", 1)).await;
        let history = calm.stages.stores.stream.history();
        let home = history.iter().find(|(_, records)| !records.is_empty()).unwrap().0.clone();
        let data = history[&home][0].data.clone();
        let mut others: Vec<ShardId> = calm.shards().await.into_iter().filter(|shard| *shard != home).collect();
        let (second, third) = (others.remove(0), others.remove(0));
        let asked = coordinator::state::Asked {
            query: "*".into(),
            from: Timestamp::MIN,
            to: Timestamp::MAX,
            limit: 1000,
            order: Order::Asc,
            ..Default::default()
        };
        let plan = async || {
            coordinator::plan::plan(
                &calm.stages.stream,
                &calm.stages.catalog,
                &t,
                &asked,
                &trawl_event::Evidence::Anything,
                1000,
                Timestamp::MAX,
            )
            .await
            .map(|plan| plan.tasks)
        };
        let first_only = plan().await.unwrap();
        calm.stages.stores.stream.append_to(&second, data.clone()).unwrap();
        let first_two = plan().await.unwrap();
        calm.stages.stores.stream.append_to(&third, data).unwrap();
        let persist = async |shard: &ShardId| {
            let records = calm.tail(shard).await;
            calm.stages.persister.persist(shard, &records).await.unwrap()
        };
        assert_eq!(persist(&third).await.events, 1, "the last of the three is the first to be claimed");
        for planned in [first_only, first_two] {
            let mut seen = 0;
            for task in planned {
                seen += calm.stages.worker.run(&task.task).await.unwrap().events.len();
            }
            assert_eq!(seen, 1);
        }
        assert_eq!(calm.count(&t).await, 1);
        assert_eq!((persist(&home).await.events, persist(&second).await.events), (0, 0));
        assert_eq!(calm.count(&t).await, 1);
    });
}

#[test]
fn g3_a_repetition_within_the_hour_counts_once_although_clocks_lie_apart() {
    run(Setup::default(), async |calm: Calm| {
        let t = tenant("t");
        calm.push(&t, Some("key"), line("e", 1)).await;
        calm.persist().await;
        calm.stages.world.leap(Duration::from_secs(50 * 60));
        calm.stages.world.set_clock_error(Duration::from_secs(30 * 60));
        calm.compact().await;
        calm.push(&t, Some("key"), line("e", 1)).await;
        assert_eq!(calm.count(&t).await, 1, "in the tail");
        calm.persist().await;
        assert_eq!(calm.count(&t).await, 1, "persisted");
    });
}

#[test]
fn segments_that_cannot_match_are_left_out_of_the_plan() {
    run(Setup { shards: 1, ..Setup::default() }, async |calm: Calm| {
        let t = tenant("t");
        for (service, level, status) in [("checkout", "INFO", 200), ("cart", "WARN", 404), ("search", "SEVERE", 503)] {
            let event =
                json!({"service": service, "level": level, "status": status, "message": format!("in {service}")});
            calm.push(&t, None, event.to_string()).await;
            calm.persist().await;
        }
        for (query, expected) in [
            ("service:cart", 1),
            ("service:=\"search\"", 1),
            ("service:nowhere", 0),
            ("status:>=404", 2),
            ("status:503 OR status:200", 2),
            ("level:>=error", 1),
            ("level:>=warn -status:404", 2),
            ("cart", 3),
            ("-service:cart", 3),
        ] {
            let asked = coordinator::state::Asked {
                query: query.into(),
                from: Timestamp::MIN,
                to: Timestamp::MAX,
                limit: 10,
                order: Order::Asc,
                ..Default::default()
            };
            let evidence = trawl_query::Query::parse(query).unwrap().evidence();
            let (stream, catalog) = (&calm.stages.stream, &calm.stages.catalog);
            let planned =
                coordinator::plan::plan(stream, catalog, &t, &asked, &evidence, 10, Timestamp::MAX).await.unwrap();
            let segments = planned.tasks.iter().map(|planned| match &planned.task.source {
                Source::Segments(rows) => rows.len(),
                Source::Tail { .. } => 0,
            });
            assert_eq!(segments.sum::<usize>(), expected, "{query}");
            let found = calm.search(&t, json!({"query": query, "limit": 10})).await;
            assert_eq!(found.status, Status::Complete, "{query}");
        }
    });
}
