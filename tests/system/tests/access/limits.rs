//! What is over a limit is told so, and what is under it goes on.

use serde_json::{Value, json};
use trawl_system::server::Server;

use crate::{WITH_KEYS, ask, find, make_key, must};

#[test]
fn a_tenant_is_held_to_its_limits_and_others_are_not() {
    let data = tempfile::tempdir().unwrap();
    let operator = make_key(data.path(), "default", "operator");
    let shop = make_key(data.path(), "shop", "ingest,search");
    let bank = make_key(data.path(), "bank", "ingest,search");
    let server = Server::start(data.path(), &WITH_KEYS);
    let address = server.address();
    let limits = json!({"ingest_events_per_second": 10});
    must(address, &operator, "PUT", "/v1/limits/shop", &limits, 200);
    let batch: String = (0..100).map(|n| format!("{{\"message\":\"event {n}\"}}\n")).collect();
    let push = |key: &str| ask(address, key, "POST", "/v1/events", &Value::String(batch.clone()));
    assert_eq!(push(&shop).status, 202, "a burst of ten seconds passes");
    let mut refused = push(&shop);
    // A window may have ended in between; the next fills it.
    if refused.status == 202 {
        refused = push(&shop);
    }
    assert_eq!((refused.status, refused.body["error"]["code"].as_str()), (429, Some("rate_limited")));
    let detail = &refused.body["error"]["detail"];
    assert_eq!((&detail["limit"], &detail["unit"]), (&json!(10), &json!("events a second")));
    assert!((1..=10).contains(&detail["retry_after_seconds"].as_u64().unwrap()), "{detail}");
    for _ in 0..5 {
        assert_eq!(push(&bank).status, 202);
    }
    assert_eq!(find(address, &bank, "event").0.len(), 500);
    let mine = must(address, &make_key(data.path(), "shop", "admin"), "GET", "/v1/limits", &Value::Null, 200);
    assert_eq!(mine, json!({"tenant": "shop", "limits": limits}));
    must(address, &operator, "PUT", "/v1/limits/shop", &json!({}), 200);
    assert_eq!(push(&shop).status, 202, "no limit any more");
}
