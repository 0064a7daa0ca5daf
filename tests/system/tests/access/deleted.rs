//! Deleted events are gone from a real server's files.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::{Value, json};
use trawl_system::server::Server;
use trawl_system::wait;

use crate::{find, make_key, must};

fn segments(data: &Path) -> Vec<PathBuf> {
    fn walk(dir: &Path, found: &mut Vec<PathBuf>) {
        for entry in std::fs::read_dir(dir).into_iter().flatten() {
            let path = entry.unwrap().path();
            match path.is_dir() {
                true => walk(&path, found),
                false => found.extend(path.extension().is_some_and(|kind| kind == "parquet").then_some(path)),
            }
        }
    }
    let mut found = Vec::new();
    walk(&data.join("objects"), &mut found);
    found
}

#[test]
fn deleted_events_are_found_by_nobody_and_their_files_go() {
    let data = tempfile::tempdir().unwrap();
    let key = make_key(data.path(), "shop", "ingest,search,admin");
    let server = Server::start(data.path(), &["--require-key", "--flush-age", "1ms", "--grace", "1ms"]);
    let address = server.address();
    for round in 0..4 {
        let batch: String = ["ann", "bob"]
            .iter()
            .flat_map(|user| {
                (0..50).map(move |n| format!("{{\"user\":\"{user}\",\"message\":\"{user} buys {round}-{n}\"}}\n"))
            })
            .collect();
        must(address, &key, "POST", "/v1/events", &Value::String(batch), 202);
    }
    assert_eq!(find(address, &key, "user:ann").0.len(), 200);
    let body = json!({"query": "user:ann", "reason": "request 17 of ann"});
    let deletion = must(address, &key, "POST", "/v1/deletions", &body, 202);
    let id = deletion["id"].as_str().unwrap();
    assert_eq!(find(address, &key, "user:ann").0.len(), 0, "at once");
    assert_eq!(find(address, &key, "*").0.len(), 200);
    let record = wait::until("no object holds them", Duration::from_secs(60), || {
        must(address, &key, "POST", "/v1/admin/compact", &Value::Null, 200);
        let record = must(address, &key, "GET", &format!("/v1/deletions/{id}"), &Value::Null, 200);
        (record["status"] == "erased").then_some(record)
    });
    assert_eq!((&record["events_removed"], &record["reason"]), (&json!(200), &json!("request 17 of ann")));
    assert_eq!(find(address, &key, "*").0.len(), 200);
    assert_eq!(find(address, &key, "bob").0.len(), 200);
    // What is left says how much it holds, in the footer that any reader of Parquet reads.
    let left = segments(data.path());
    assert_eq!(left.len(), 1, "{left:?}");
    let status = must(address, &key, "GET", "/v1/status", &Value::Null, 200);
    assert_eq!((&status["segments"], &status["events"]), (&json!(1), &json!(200)));
}
