//! What a tenant may search is kept to, and what is over it says so.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use bytes::Bytes;
use coordinator::Allowance;
use http::{Method, Response};
use serde_json::{Value, json};
use trawl_event::TenantId;
use trawl_faults::calm::{Calm, json_of, run};
use trawl_faults::stages::Setup;

fn tenant(name: &str) -> TenantId {
    name.parse().unwrap()
}

async fn post(calm: &Calm, tenant: &TenantId, allowance: &Allowance) -> Response<Bytes> {
    let body = json!({"query": "* | stats count()"}).to_string();
    let (coordinator, path) = (&calm.stages.coordinator, "/v1/searches");
    coordinator.handle_within(tenant, allowance, &Method::POST, path, "", body.as_bytes()).await
}

fn refusal(answer: &Response<Bytes>) -> (u16, String, bool) {
    let code = json_of(answer)["error"]["code"].as_str().unwrap_or_default().to_owned();
    (answer.status().as_u16(), code, answer.headers().contains_key("retry-after"))
}

/// Events on as many days, each day a segment.
async fn days(calm: &Calm, tenant: &TenantId, count: u32) {
    let line = |day: u32| {
        let (month, day) = (1 + day / 28, 1 + day % 28);
        format!(r#"{{"timestamp":"2025-{month:02}-{day:02}T00:00:00Z","message":"on day {day}"}}"#)
    };
    calm.push(tenant, None, (0..count).map(line).collect::<Vec<_>>().join("\n")).await;
    calm.persist().await;
}

#[test]
fn so_many_searches_run_at_once() {
    run(Setup::default(), async |calm: Calm| {
        let (shop, bank) = (tenant("shop"), tenant("bank"));
        days(&calm, &shop, 3).await;
        let two = Allowance { concurrent_searches: Some(2), ..Allowance::default() };
        let mut paths = Vec::new();
        for _ in 0..2 {
            let answer = post(&calm, &shop, &two).await;
            assert_eq!(answer.status().as_u16(), 202);
            paths.push(format!("/v1/searches/{}", json_of(&answer)["id"].as_str().unwrap()));
        }
        assert_eq!(refusal(&post(&calm, &shop, &two).await), (429, "too_many_searches".into(), true));
        assert_eq!(post(&calm, &bank, &two).await.status().as_u16(), 202, "of another tenant");
        // One that is cancelled makes room, and so does one that ends.
        calm.call(&shop, Method::DELETE, &paths[1], "", "").await;
        assert_eq!(post(&calm, &shop, &two).await.status().as_u16(), 202);
        calm.read(&shop, &paths[0]).await;
        assert_eq!(post(&calm, &shop, &two).await.status().as_u16(), 202);
    });
}

#[test]
fn so_many_bytes_are_read_in_a_day() {
    run(Setup::default(), async |calm: Calm| {
        let (shop, bank) = (tenant("shop"), tenant("bank"));
        days(&calm, &shop, 3).await;
        let little = Allowance { scanned_bytes_per_day: Some(1), ..Allowance::default() };
        let answer = post(&calm, &shop, &little).await;
        assert_eq!(answer.status().as_u16(), 202, "nothing was read yet");
        calm.read(&shop, &format!("/v1/searches/{}", json_of(&answer)["id"].as_str().unwrap())).await;
        let refused = post(&calm, &shop, &little).await;
        assert_eq!(refusal(&refused), (429, "scan_limit_reached".into(), true));
        let detail = &json_of(&refused)["error"]["detail"];
        assert_eq!(detail["limit"], 1);
        assert!(detail["used"].as_u64().unwrap() > 1, "{detail}");
        let seconds = detail["retry_after_seconds"].as_u64().unwrap();
        assert!((1..=86_400).contains(&seconds));
        assert_eq!(post(&calm, &bank, &little).await.status().as_u16(), 202, "of another tenant");
        calm.stages.world.leap(std::time::Duration::from_secs(seconds));
        assert_eq!(post(&calm, &shop, &little).await.status().as_u16(), 202, "a new day");
    });
}

#[test]
fn a_search_reads_so_many_bytes_and_gives_what_it_found() {
    run(Setup::default(), async |calm: Calm| {
        let shop = tenant("shop");
        days(&calm, &shop, 200).await;
        let ask = async |most: Option<u64>| {
            let allowance = Allowance { scanned_bytes_per_search: most, ..Allowance::default() };
            let body = json!({"query": "day", "limit": 1000}).to_string();
            let (coordinator, path) = (&calm.stages.coordinator, "/v1/searches");
            let answer = coordinator.handle_within(&shop, &allowance, &Method::POST, path, "", body.as_bytes()).await;
            let path = format!("/v1/searches/{}", json_of(&answer)["id"].as_str().unwrap());
            let found = calm.read(&shop, &path).await;
            let last = json_of(&calm.call(&shop, Method::GET, &path, "", "").await);
            (found.events.len(), last)
        };
        let (all, last) = ask(None).await;
        assert_eq!((all, &last["status"]), (200, &json!("complete")));
        let (some, last) = ask(Some(1)).await;
        assert_eq!(last["status"], "failed");
        assert_eq!(last["error"]["code"], "scan_limit_reached", "{last}");
        assert!(0 < some && some < 200, "{some}");
        let read: Value = last["cost"]["bytes"].clone();
        assert!(last["error"]["message"].as_str().unwrap().contains(&read.to_string()), "{last}");
    });
}
