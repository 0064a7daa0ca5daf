//! Answers of Elasticsearch: to bulk requests, and to what its clients ask before they send any.
//!
//! Nothing is kept of templates, policies and pipelines: setting one is acknowledged, since clients do not start
//! otherwise, and none is ever there.

use std::borrow::Cow;

use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE, HOST, USER_AGENT, WWW_AUTHENTICATE};
use http::{HeaderValue, Method, Response, StatusCode};
use percent_encoding::percent_decode_str;
use serde_json::{Value, json};
use trawl_api::{ApiError, ApiResult};
use trawl_event::decode::Rejection;
use trawl_event::protocol::bulk::Bulk;

use super::{Asked, with_body};

/// Clients refuse to talk to a server that does not say this.
const PRODUCT: &str = "x-elastic-product";
/// The media type with which a client names the version of the interface that it speaks.
const VERSIONED: &str = "application/vnd.elasticsearch+json";
/// The version for clients that do not say theirs.
const VERSION: &str = "8.19.0";
/// What is in the `User-Agent` of clients that may ask at `/`, in lower case.
const CLIENTS: [&str; 8] =
    ["elastic", "logstash", "beat/", "fluent", "vector/", "rsyslog", "opensearch", "omelasticsearch"];
/// What clients set up before they send: each may be asked for and set by name.
const SETTINGS: [&str; 7] = [
    "/_index_template/",
    "/_template/",
    "/_component_template/",
    "/_ilm/policy/",
    "/_data_stream/",
    "/_ingest/pipeline/",
    "/_alias/",
];

/// What clients ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Question<'r> {
    /// `/`: which server this is.
    Server,
    /// `/_cluster/health`
    Health,
    /// `/_cat/health`, in a line.
    HealthLine,
    /// `/_license`
    License,
    /// `/_xpack`
    Features,
    /// `/_nodes…`
    Nodes,
    /// One of [`SETTINGS`], by its name.
    Setting(&'r str),
}

impl<'r> Question<'r> {
    /// What is asked, if it is.
    pub(super) fn of(asked: &Asked<'r>) -> Option<Self> {
        let reads = matches!(*asked.method, Method::GET | Method::HEAD);
        match asked.path {
            "/" if reads && is_client(asked) => Some(Self::Server),
            "/_cluster/health" => Some(Self::Health),
            "/_cat/health" => Some(Self::HealthLine),
            "/_license" => Some(Self::License),
            "/_xpack" => Some(Self::Features),
            "/_nodes" => Some(Self::Nodes),
            path if path.starts_with("/_nodes/") => Some(Self::Nodes),
            path => {
                let name = |prefix: &&str| path.strip_prefix(prefix).filter(|name| !name.is_empty());
                SETTINGS.iter().find_map(name).map(Self::Setting)
            }
        }
    }

    pub(super) fn methods(&self) -> &'static [Method] {
        match self {
            Self::Setting(_) => &[Method::GET, Method::HEAD, Method::PUT, Method::POST],
            _ => &[Method::GET, Method::HEAD],
        }
    }
}

/// Whether a client of Elasticsearch asks, by what it says of itself.
fn is_client(asked: &Asked<'_>) -> bool {
    let agent = asked.header(USER_AGENT.as_str()).to_ascii_lowercase();
    asked.headers.contains_key("x-elastic-client-meta")
        || asked.header(ACCEPT.as_str()).contains(VERSIONED)
        || CLIENTS.iter().any(|client| agent.contains(client))
}

/// The index in the path of a bulk request: `Some(None)` when it has none, `None` when it is no such path.
pub(super) fn bulk_index(path: &str) -> Option<Option<Cow<'_, str>>> {
    if path == "/_bulk" {
        return Some(None);
    }
    // An older form has a type behind the index, which says nothing any more.
    let mut names = path.strip_prefix('/')?.strip_suffix("/_bulk")?.split('/');
    let (index, _, None) = (names.next()?, names.next(), names.next()) else { return None };
    Some(Some(percent_decode_str(index).decode_utf8_lossy()))
}

/// Answers a question.
pub(super) fn answer(asked: &Asked<'_>, question: &Question<'_>) -> ApiResult {
    let version = version(asked);
    let (status, body) = match question {
        Question::Server => {
            let version = json!({
                "number": version, "build_flavor": "default", "build_type": "trawl", "build_hash": "unknown",
                "build_snapshot": false, "lucene_version": "9.12.0",
                "minimum_wire_compatibility_version": "7.17.0", "minimum_index_compatibility_version": "7.0.0",
            });
            // The tagline is what some clients recognise the server by.
            let body = json!({"name": "trawl", "cluster_name": "trawl", "cluster_uuid": "trawl", "version": version,
                "tagline": "You Know, for Search"});
            (StatusCode::OK, body)
        }
        Question::Health => {
            let body = json!({
                "cluster_name": "trawl", "status": "green", "timed_out": false, "number_of_nodes": 1,
                "number_of_data_nodes": 1, "active_primary_shards": 0, "active_shards": 0, "relocating_shards": 0,
                "initializing_shards": 0, "unassigned_shards": 0, "active_shards_percent_as_number": 100.0,
            });
            (StatusCode::OK, body)
        }
        Question::HealthLine => {
            let line = Bytes::from_static(b"0 00:00:00 trawl green 1 1 0 0 0 0 0 0 - 100.0%\n");
            return Ok(from_elastic(with_body(StatusCode::OK, "text/plain; charset=UTF-8", line)));
        }
        Question::License => {
            let license =
                json!({"status": "active", "uid": "trawl", "type": "basic", "issued_to": "trawl", "issuer": "trawl"});
            (StatusCode::OK, json!({"license": license}))
        }
        Question::Features => {
            let off = json!({"available": false, "enabled": false});
            let license = json!({"uid": "trawl", "type": "basic", "mode": "basic", "status": "active"});
            let body =
                json!({"build": {}, "license": license, "features": {"ilm": off, "security": off}, "tagline": ""});
            (StatusCode::OK, body)
        }
        Question::Nodes => {
            // One node, and that is wherever the client reached it.
            let http = json!({"publish_address": asked.header(HOST.as_str())});
            let node = json!({"name": "trawl", "version": version, "roles": ["ingest"], "http": http});
            (StatusCode::OK, json!({"cluster_name": "trawl", "nodes": {"trawl": node}}))
        }
        Question::Setting(_) if matches!(*asked.method, Method::PUT | Method::POST) => {
            (StatusCode::OK, json!({"acknowledged": true}))
        }
        Question::Setting(name) => {
            let reason = format!("[{name}] is missing: nothing of the kind is kept here");
            (StatusCode::NOT_FOUND, error_body(StatusCode::NOT_FOUND, "resource_not_found_exception", &reason))
        }
    };
    Ok(versioned(asked, status, Bytes::from(body.to_string())))
}

/// The answer to a bulk request: an outcome for each item, in order.
pub(super) fn bulk_answer(asked: &Asked<'_>, bulk: &Bulk, took_ms: i64) -> Response<Bytes> {
    let indices: Vec<String> = bulk.indices.iter().map(|name| Value::from(&**name).to_string()).collect();
    let mut body = format!("{{\"took\":{took_ms},\"errors\":{},\"items\":[", bulk.decoded.rejected > 0);
    let mut rejections = bulk.decoded.rejections.iter().peekable();
    for (number, item) in bulk.items.iter().enumerate() {
        if number > 0 {
            body.push(',');
        }
        let index = indices.get(item.index as usize).map_or("\"\"", String::as_str);
        let id = item.id.as_deref().map(|id| Value::from(id).to_string());
        let id = id.as_deref().unwrap_or("null");
        for part in ["{\"", item.action.name(), "\":{\"_index\":", index, ",\"_id\":", id, ","] {
            body.push_str(part);
        }
        match item.refused {
            None => body.push_str("\"result\":\"created\",\"status\":201}}"),
            Some(code) => {
                let listed = rejections.next_if(|rejection: &&Rejection| rejection.index == number as u64);
                let reason = listed.map_or_else(|| format!("refused: {code}"), |listed| listed.error.to_string());
                let error = json!({"type": error_type(code), "reason": reason});
                body.push_str(&format!("\"status\":400,\"error\":{error}}}}}"));
            }
        }
    }
    body.push_str("]}");
    versioned(asked, StatusCode::OK, Bytes::from(body))
}

/// The type that Elasticsearch has for the error of an item.
fn error_type(code: &str) -> &'static str {
    match code {
        "unsupported_action" | "invalid_action" | "missing_index" | "missing_source" => "illegal_argument_exception",
        "invalid_index" => "invalid_index_name_exception",
        _ => "document_parsing_exception",
    }
}

/// An error of a whole request.
pub(super) fn refuse(asked: &Asked<'_>, error: &ApiError) -> Response<Bytes> {
    let kind = match error.status.as_u16() {
        401 | 403 => "security_exception",
        413 => "content_too_long_exception",
        429 => "es_rejected_execution_exception",
        503 => "unavailable_shards_exception",
        500..600 => "internal_server_error",
        _ if error.code == "invalid_json" => "parse_exception",
        _ => "illegal_argument_exception",
    };
    let body = error_body(error.status, kind, &error.message);
    let mut response = versioned(asked, error.status, Bytes::from(body.to_string()));
    if error.status == StatusCode::UNAUTHORIZED {
        response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("ApiKey, Basic realm=\"trawl\""));
    }
    response
}

fn error_body(status: StatusCode, kind: &str, reason: &str) -> Value {
    let cause = json!({"type": kind, "reason": reason});
    json!({"error": {"root_cause": [cause], "type": kind, "reason": reason}, "status": status.as_u16()})
}

/// The version that a client is told: its own where it says one, since clients refuse a server older than they are.
fn version(asked: &Asked<'_>) -> String {
    let agent = asked.header(USER_AGENT.as_str());
    let own = agent.split([' ', ';']).find_map(|product| {
        let (name, version) = product.split_once('/')?;
        let is_own = name.to_ascii_lowercase().contains("beat") || name.eq_ignore_ascii_case("logstash");
        let is_version = !version.is_empty() && version.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
        (is_own && is_version).then(|| version.to_owned())
    });
    own.or_else(|| compatible_with(asked).filter(|major| *major > 8).map(|major| format!("{major}.0.0")))
        .unwrap_or_else(|| VERSION.to_owned())
}

/// The version in `application/vnd.elasticsearch+json; compatible-with=9`, of `Accept` or else of the body's type.
fn compatible_with(asked: &Asked<'_>) -> Option<u32> {
    [ACCEPT, CONTENT_TYPE].iter().find_map(|name| {
        let header = asked.header(name.as_str());
        let (_, parameters) = header.split_once(VERSIONED)?;
        let (_, version) = parameters.split_once("compatible-with=")?;
        let digits = version.split(|char: char| !char.is_ascii_digit()).next()?;
        digits.parse().ok()
    })
}

/// An answer in JSON, of the version that was asked for.
fn versioned(asked: &Asked<'_>, status: StatusCode, body: Bytes) -> Response<Bytes> {
    let body = if *asked.method == Method::HEAD { Bytes::new() } else { body };
    let mut response = with_body(status, "application/json", body);
    let media_type = compatible_with(asked).map(|major| format!("{VERSIONED}; compatible-with={major}"));
    if let Some(value) = media_type.and_then(|media_type| HeaderValue::from_str(&media_type).ok()) {
        response.headers_mut().insert(CONTENT_TYPE, value);
    }
    from_elastic(response)
}

fn from_elastic(mut response: Response<Bytes>) -> Response<Bytes> {
    response.headers_mut().insert(PRODUCT, HeaderValue::from_static("Elasticsearch"));
    response
}
