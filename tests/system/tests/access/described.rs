//! What `openapi.yaml` describes is what the server answers, and it describes every route.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use trawl_system::api::get;
use trawl_system::http::{Framing, request};
use trawl_system::server::Server;

use crate::{WITH_KEYS, ask, make_key};

/// All that a path may be asked with.
const METHODS: [&str; 5] = ["GET", "POST", "PUT", "DELETE", "PATCH"];
/// Every route that a server of this kind answers, as the stages match them: one that is added to these has to be
/// described as well.
const ROUTES: [&str; 34] = [
    "GET /v1/auth",
    "POST /v1/auth/token",
    "GET /v1/health",
    "GET /v1/openapi.json",
    "POST /v1/admin/compact",
    "POST /v1/events",
    "POST /v1/searches",
    "GET /v1/searches/{id}",
    "DELETE /v1/searches/{id}",
    "POST /v1/context",
    "GET /v1/tail",
    "GET /v1/fields",
    "GET /v1/fields/{name}/values",
    "GET /v1/saved",
    "PUT /v1/saved/{name}",
    "DELETE /v1/saved/{name}",
    "POST /v1/queries/parse",
    "GET /v1/status",
    "GET /v1/keys",
    "POST /v1/keys",
    "DELETE /v1/keys/{id}",
    "GET /v1/limits",
    "GET /v1/limits/{tenant}",
    "PUT /v1/limits/{tenant}",
    "GET /v1/deletions",
    "POST /v1/deletions",
    "GET /v1/deletions/{id}",
    "POST /v1/logs",
    "POST /v1/syslog",
    "POST /v1/input",
    "POST /api/v2/logs",
    "POST /loki/api/v1/push",
    "POST /firehose",
    "POST /services/collector",
];

fn described(description: &Value) -> BTreeSet<String> {
    let paths = description["paths"].as_object().unwrap();
    let methods = |(path, operations): (&String, &Value)| {
        let methods =
            operations.as_object().unwrap().keys().filter(|name| METHODS.contains(&name.to_uppercase().as_str()));
        methods.map(|method| format!("{} {path}", method.to_uppercase())).collect::<Vec<_>>()
    };
    paths.iter().flat_map(methods).collect()
}

#[test]
fn every_route_is_described_and_every_description_answered() {
    let data = tempfile::tempdir().unwrap();
    let operator = make_key(data.path(), "default", "operator");
    let server = Server::start(data.path(), &WITH_KEYS);
    let address = server.address();
    let description = get(address, "/v1/openapi.json");
    let described = described(&description);
    for route in ROUTES {
        assert!(described.contains(route), "{route} is not described");
    }
    let unknown = |path: &str, method: &str| {
        let answer = ask(address, &operator, method, path, &json!({}));
        let code = answer.body["error"]["code"].as_str().unwrap_or_default().to_owned();
        (answer.status, code)
    };
    for path in description["paths"].as_object().unwrap().keys() {
        let filled = path
            .replace("{id}", &"0".repeat(32))
            .replace("{name}", "x")
            .replace("{tenant}", "x")
            .replace("{index}", "x");
        for method in METHODS {
            let (status, code) = unknown(&filled, method);
            assert_ne!(code, "unknown_route", "{method} {path}");
            let is_described = described.contains(&format!("{method} {path}"));
            assert_eq!(status != 405, is_described, "{method} {path}: {status} {code}");
        }
    }
    // Nobody gets in anywhere without a key, but where the description says so.
    for route in &described {
        let (method, path) = route.split_once(' ').unwrap();
        let operation = &description["paths"][path][method.to_lowercase()];
        let is_open = operation["security"].as_array().is_some_and(|all| all.iter().all(|one| one == &json!({})));
        let filled = path
            .replace("{id}", &"0".repeat(32))
            .replace("{name}", "x")
            .replace("{tenant}", "x")
            .replace("{index}", "x");
        let status = request(address, method, &filled, &[], b"{}", Framing::Length).status;
        assert_eq!(status != 401, is_open, "{route}: {status}");
    }
}
