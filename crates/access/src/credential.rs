//! Where a request carries its credential. Each protocol has its own way, and its clients know no other:
//!
//! | header | sent by |
//! | --- | --- |
//! | `Authorization: Bearer KEY` | everything that can choose |
//! | `x-api-key: KEY` | the same |
//! | `Authorization: Splunk KEY` | clients of Splunk's HTTP Event Collector |
//! | `DD-API-KEY: KEY`, `/v1/input/KEY`, `?dd-api-key=KEY` | clients of Datadog |
//! | `X-Amz-Firehose-Access-Key: KEY` | Firehose |
//! | `Authorization: ApiKey base64(ID:KEY)` or `ApiKey KEY` | clients of Elasticsearch |
//! | `Authorization: Basic base64(NAME:KEY)` | everything else; `NAME` may be anything |
//!
//! A key in a path or a query ends up in the logs of whatever stands in between, so that is read for Datadog's routes
//! only, whose older clients can do nothing else.

use std::borrow::Cow;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderName};

/// Longest credential that is looked at, in bytes: a token of an OpenID provider may be long.
pub const MAX_CREDENTIAL_BYTES: usize = 8 * 1024;

/// The route of older clients of Datadog.
const DATADOG_INPUT: &str = "/v1/input";
/// Their parameter.
const DATADOG_PARAMETER: &str = "dd-api-key";

/// What a request brings to be let in. It is a secret: there is no `Debug` and no `Display`.
#[derive(Clone, PartialEq, Eq)]
pub struct Credential(String);

impl Credential {
    /// The text of it.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    fn new(text: &str) -> Option<Self> {
        let text = text.trim();
        (!text.is_empty() && text.len() <= MAX_CREDENTIAL_BYTES).then(|| Self(text.to_owned()))
    }
}

/// The credential of a request, if it brings one. `query` is what stands behind the `?`.
pub fn find(headers: &HeaderMap, path: &str, query: &str) -> Option<Credential> {
    const KEY_HEADERS: [HeaderName; 3] = [
        HeaderName::from_static("x-api-key"),
        HeaderName::from_static("dd-api-key"),
        HeaderName::from_static("x-amz-firehose-access-key"),
    ];
    let by_header = || KEY_HEADERS.iter().find_map(|name| Credential::new(headers.get(name)?.to_str().ok()?));
    authorization(headers).or_else(by_header).or_else(|| datadog(path, query))
}

fn authorization(headers: &HeaderMap) -> Option<Credential> {
    let value = headers.get(AUTHORIZATION)?.to_str().ok()?;
    let (scheme, rest) = value.trim().split_once(' ')?;
    // The scheme's case does not count (RFC 9110, 11.1).
    match scheme.to_ascii_lowercase().as_str() {
        "bearer" | "splunk" => Credential::new(rest),
        "basic" => after_colon(rest),
        "apikey" => after_colon(rest).or_else(|| Credential::new(rest)),
        _ => None,
    }
}

/// What stands behind the first colon of a base64 text: the password, or the key itself. Splunk's clients may send the key
/// as the name with nothing behind it.
fn after_colon(text: &str) -> Option<Credential> {
    let decoded = String::from_utf8(STANDARD.decode(text.trim()).ok()?).ok()?;
    let (name, key) = decoded.split_once(':')?;
    Credential::new(if key.is_empty() { name } else { key })
}

/// A path as it may be logged: without the key that one of Datadog's routes has in it.
pub fn without_key(path: &str) -> Cow<'_, str> {
    match path.strip_prefix(DATADOG_INPUT).and_then(|rest| rest.strip_prefix('/')) {
        Some(_) => Cow::Owned(format!("{DATADOG_INPUT}/{{key}}")),
        None => Cow::Borrowed(path),
    }
}

fn datadog(path: &str, query: &str) -> Option<Credential> {
    if path != "/api/v2/logs" && !path.starts_with(DATADOG_INPUT) {
        return None;
    }
    let in_path = path.strip_prefix(DATADOG_INPUT).and_then(|rest| rest.strip_prefix('/')).and_then(Credential::new);
    in_path.or_else(|| {
        let mut pairs = form_urlencoded::parse(query.as_bytes());
        Credential::new(&pairs.find(|(name, _)| name == DATADOG_PARAMETER)?.1)
    })
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn found(name: &'static str, value: &str, path: &str, query: &str) -> Option<String> {
        let mut headers = HeaderMap::new();
        if !name.is_empty() {
            headers.insert(name, HeaderValue::from_str(value).unwrap());
        }
        find(&headers, path, query).map(|credential| credential.0)
    }

    #[test]
    fn each_protocol_brings_its_key_in_its_own_way() {
        let basic = |text: &str| format!("Basic {}", STANDARD.encode(text));
        for (name, value) in [
            ("authorization", "Bearer k".to_owned()),
            ("authorization", "bearer  k ".to_owned()),
            ("authorization", "Splunk k".to_owned()),
            ("authorization", basic("anybody:k")),
            ("authorization", basic("k:")),
            ("authorization", format!("ApiKey {}", STANDARD.encode("id:k"))),
            ("authorization", "ApiKey k".to_owned()),
            ("x-api-key", "k".to_owned()),
            ("dd-api-key", "k".to_owned()),
            ("x-amz-firehose-access-key", "k".to_owned()),
        ] {
            assert_eq!(found(name, &value, "/v1/events", ""), Some("k".to_owned()), "{name}: {value}");
        }
        assert_eq!(found("", "", "/v1/input/k", ""), Some("k".to_owned()));
        assert_eq!(found("", "", "/api/v2/logs", "a=b&dd-api-key=k"), Some("k".to_owned()));
    }

    #[test]
    fn a_path_is_logged_without_its_key() {
        assert_eq!(without_key("/v1/input/trawl_0_1"), "/v1/input/{key}");
        assert_eq!(without_key("/v1/input"), "/v1/input");
        assert_eq!(without_key("/v1/searches/0"), "/v1/searches/0");
    }

    #[test]
    fn nothing_is_taken_for_a_credential_that_is_none() {
        for value in
            ["", "Bearer", "Bearer ", "k", "Digest k", "Basic k", "Basic !", &format!("Bearer {}", "x".repeat(9000))]
        {
            assert_eq!(found("authorization", value, "/v1/events", ""), None, "{value}");
        }
        assert_eq!(found("", "", "/v1/events", "dd-api-key=k"), None);
        assert_eq!(found("", "", "/v1/searches/k", ""), None);
    }
}
