//! Keys open what they say, from the command line to the log.

use std::time::Duration;

use serde_json::{Value, json};
use trawl_client::{Client, Retries};
use trawl_system::command::trawl;
use trawl_system::http::{Framing, request};
use trawl_system::server::Server;
use trawl_system::wait;

use crate::{WITH_KEYS, ask, find, make_key, must};

#[test]
fn a_key_is_made_used_and_revoked_and_its_secret_is_in_no_file_and_no_log() {
    let data = tempfile::tempdir().unwrap();
    let first = make_key(data.path(), "default", "operator");
    let server = Server::start(data.path(), &WITH_KEYS);
    let address = server.address();
    let run = |arguments: &[&str]| {
        let mut command = trawl("");
        command.args(arguments).args(["--url", &server.url(), "--api-key", &first]);
        let output = command.output().unwrap();
        (output.status.code(), String::from_utf8(output.stdout).unwrap())
    };
    let (status, key) = run(&["key", "create", "--name", "agents", "--scope", "ingest,search"]);
    let key = key.trim().to_owned();
    assert_eq!(status, Some(0));
    must(address, &key, "POST", "/v1/events", &json!({"message": "hello"}), 202);
    assert_eq!(find(address, &key, "hello").0.len(), 1);
    assert_eq!(ask(address, &key, "GET", "/v1/keys", &Value::Null).status, 403);
    let (_, listed) = run(&["key", "list"]);
    let secret = key.rsplit('_').next().unwrap();
    let id = key.split('_').nth(1).unwrap();
    assert!(listed.contains(id) && listed.contains("agents") && !listed.contains(secret), "{listed}");

    assert_eq!(run(&["key", "revoke", id]).0, Some(0));
    let (_, listed) = run(&["key", "list"]);
    assert!(listed.contains("revoked"), "{listed}");
    assert_eq!(run(&["key", "revoke", "0000000000000000"]).0, Some(2));
    assert_eq!(run(&["key", "create", "--name", "x", "--scope", "everything"]).0, Some(2));
    // A server that starts anew remembers nothing of the key but what is stored.
    drop(server);
    let server = Server::start(data.path(), &WITH_KEYS);
    let refused = ask(server.address(), &key, "POST", "/v1/events", &json!({"message": "again"}));
    assert_eq!((refused.status, refused.body["error"]["code"].as_str()), (401, Some("revoked_api_key")));
    ask(server.address(), &format!("{key}x"), "POST", "/v1/events", &json!({"message": "wrong"}));
    let log = server.log();
    drop(server);
    let secrets = [secret, first.rsplit('_').next().unwrap()];
    assert!(secrets.iter().all(|secret| !log.contains(secret)), "{log}");
    for file in files(data.path()) {
        let bytes = std::fs::read(&file).unwrap();
        for secret in secrets {
            let found = bytes.windows(secret.len()).any(|window| window == secret.as_bytes());
            assert!(!found, "{} holds a secret", file.display());
        }
    }
}

fn files(dir: &std::path::Path) -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found
}

#[test]
fn without_a_key_nothing_is_answered_but_what_is_everybodys() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path(), &WITH_KEYS);
    let ask = |method: &str, path: &str| {
        let answer = request(server.address(), method, path, &[], b"{}", Framing::Length);
        (answer.status, answer.body["error"]["code"].as_str().map(str::to_owned))
    };
    assert_eq!(ask("GET", "/v1/health").0, 200);
    assert_eq!(ask("GET", "/").0, 200);
    for (method, path) in [
        ("POST", "/v1/events"),
        ("POST", "/v1/searches"),
        ("GET", "/v1/searches/00000000000000000000000000000000"),
        ("GET", "/v1/status"),
        ("GET", "/v1/fields"),
        ("GET", "/v1/tail"),
        ("GET", "/v1/saved"),
        ("POST", "/v1/context"),
        ("GET", "/v1/keys"),
        ("POST", "/v1/deletions"),
        ("GET", "/v1/limits"),
        ("POST", "/v1/admin/compact"),
        ("GET", "/v1/unheard-of"),
    ] {
        assert_eq!(ask(method, path), (401, Some("missing_api_key".to_owned())), "{method} {path}");
    }
    let says = || server.log().contains("trawl key create --data").then_some(());
    wait::until("the server says how to make a key", Duration::from_secs(60), says);
    let client = Client::new(&server.url(), Some("nonsense")).unwrap().with_retries(Retries::NONE);
    assert!(client.status().unwrap_err().to_string().contains("not one that is known here"));
}

#[test]
fn a_page_of_another_site_reaches_no_server_without_keys() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path(), &[]);
    let ask = |name: &str, value: &str| {
        let headers = [(name.to_owned(), value.to_owned())];
        request(server.address(), "POST", "/v1/events", &headers, br#"{"message":"x"}"#, Framing::Length).status
    };
    assert_eq!(ask("origin", "https://evil.example"), 403);
    assert_eq!(ask("origin", "null"), 403);
    assert_eq!(ask("origin", &server.url()), 202);
    assert_eq!(ask("x-nothing", "y"), 202);
}
