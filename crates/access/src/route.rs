//! Which scope a route asks for. What is not named here is refused to everyone but those who search, who are told that
//! there is no such route.

use http::Method;

use crate::provider::TOKEN_ROUTE;
use crate::scope::Scope;

/// Routes under which events are sent, in any protocol. The ingest stage answers them.
const INGEST: [&str; 8] =
    ["/v1/events", "/v1/logs", "/v1/syslog", "/v1/input", "/api/", "/loki/", "/services/collector", "/firehose"];
/// Routes that manage a tenant.
const ADMIN: [&str; 4] = ["/v1/keys", "/v1/deletions", "/v1/limits", "/v1/admin"];
/// Routes that tell nothing about anyone: whether this is up, and what it understands.
const OPEN: [&str; 5] =
    ["/v1/health", "/v1/openapi.json", "/v1/auth", "/services/collector/health", "/services/collector/health/1.0"];

/// What a route asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Required {
    /// Nothing: everybody may ask.
    Nothing,
    /// A caller with this scope.
    Scope(Scope),
}

/// What a request has to bring. `is_ingest` says whether the ingest stage answers it: it knows the protocols, among which
/// are routes without a prefix of their own, as Elasticsearch's `/{index}/_bulk`.
pub fn required(method: &Method, path: &str, is_ingest: bool) -> Required {
    let is_under = |prefixes: &[&str]| prefixes.iter().any(|prefix| is_at_or_under(path, prefix));
    let is_open = OPEN.contains(&path) && (method == Method::GET || method == Method::HEAD);
    if is_open || (path == TOKEN_ROUTE && method == Method::POST) {
        Required::Nothing
    } else if is_ingest || is_under(&INGEST) {
        Required::Scope(Scope::Ingest)
    } else if is_under(&ADMIN) {
        Required::Scope(Scope::Admin)
    } else if path.starts_with("/v1/") {
        Required::Scope(Scope::Search)
    } else {
        // The web UI: the same files for everyone.
        Required::Nothing
    }
}

fn is_at_or_under(path: &str, prefix: &str) -> bool {
    path.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('/') || prefix.ends_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_route_asks_for_its_scope() {
        use Required::{Nothing, Scope as Needs};
        for (method, path, is_ingest, expected) in [
            ("GET", "/v1/health", false, Nothing),
            ("POST", "/v1/health", false, Needs(Scope::Search)),
            ("GET", "/", false, Nothing),
            ("GET", "/assets/app.js", false, Nothing),
            ("POST", "/v1/events", true, Needs(Scope::Ingest)),
            ("POST", "/v1/eventsx", false, Needs(Scope::Search)),
            ("POST", "/orders/_bulk", true, Needs(Scope::Ingest)),
            ("GET", "/", true, Needs(Scope::Ingest)),
            ("POST", "/services/collector/raw", false, Needs(Scope::Ingest)),
            ("GET", "/services/collector/health", true, Nothing),
            ("POST", "/api/v2/logs", true, Needs(Scope::Ingest)),
            ("GET", "/v1/keys", false, Needs(Scope::Admin)),
            ("DELETE", "/v1/keys/0123", false, Needs(Scope::Admin)),
            ("POST", "/v1/admin/compact", false, Needs(Scope::Admin)),
            ("POST", "/v1/deletions", false, Needs(Scope::Admin)),
            ("POST", "/v1/searches", false, Needs(Scope::Search)),
            ("GET", "/v1/auth", false, Nothing),
            ("POST", "/v1/auth/token", false, Nothing),
            ("POST", "/v1/auth", false, Needs(Scope::Search)),
            ("GET", "/v1/unheard-of", false, Needs(Scope::Search)),
        ] {
            let method = method.parse().unwrap();
            assert_eq!(required(&method, path, is_ingest), expected, "{method} {path}");
        }
    }
}
