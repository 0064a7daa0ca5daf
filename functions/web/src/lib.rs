//! The web UI as static files, embedded when the program was built.
//!
//! Files under `assets/` carry a hash in their names and never change; the page that names them is asked for each time.
//! Every answer forbids scripts, styles and connections from anywhere else. The one exception are style elements that
//! bear the page's nonce: the query editor makes them.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used))]

use bytes::Bytes;
use http::header::{
    ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, VARY,
    X_CONTENT_TYPE_OPTIONS,
};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Response};
use trawl_api::ApiError;

/// A file of the UI.
struct Asset {
    path: &'static str,
    plain: &'static [u8],
    brotli: Option<&'static [u8]>,
    gzip: Option<&'static [u8]>,
}

static ASSETS: &[Asset] = include!(concat!(env!("OUT_DIR"), "/assets.rs"));

/// The page.
const INDEX: &str = "/index.html";
/// Stands in the page where its nonce is put.
const NONCE: &str = "__CSP_NONCE__";
/// What is served when the program was built without the UI.
const WITHOUT_UI: &str = "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>Trawl</title>\
    <p>This program was built without its web UI: run <code>make build</code>. The API is under <code>/v1</code>.</p></html>";

/// How long a file whose name changes with its content may be kept.
const FOR_EVER: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");
const ASK_EACH_TIME: HeaderValue = HeaderValue::from_static("no-cache");

/// Answers a request for a file of the UI; `None` when the path is another's. `chance` makes the page's nonce and is
/// different for each call.
pub fn answer(method: &Method, path: &str, headers: &HeaderMap, chance: u128) -> Option<Response<Bytes>> {
    let path = if path == "/" { INDEX } else { path };
    let asset = ASSETS.iter().find(|asset| asset.path == path);
    if asset.is_none() && path != INDEX {
        return None;
    }
    if !matches!(*method, Method::GET | Method::HEAD) {
        return Some(ApiError::method_not_allowed(method, "GET or HEAD").into_response());
    }
    let nonce = format!("{chance:032x}");
    let (body, encoding) = match asset {
        Some(asset) if path != INDEX => encoded(asset, headers),
        _ => (page(asset, &nonce), None),
    };
    let mut response = Response::new(body);
    let found = response.headers_mut();
    found.insert(CONTENT_TYPE, HeaderValue::from_static(content_type(path)));
    found.insert(CACHE_CONTROL, if path.starts_with("/assets/") { FOR_EVER } else { ASK_EACH_TIME });
    found.insert(VARY, HeaderValue::from_static("accept-encoding"));
    if let Some(encoding) = encoding {
        found.insert(CONTENT_ENCODING, HeaderValue::from_static(encoding));
    }
    protect(found, &nonce);
    if *method == Method::HEAD {
        *response.body_mut() = Bytes::new();
    }
    Some(response)
}

/// As [`answer`], for a server that has nothing else.
pub fn serve(method: &Method, path: &str, headers: &HeaderMap, chance: u128) -> Response<Bytes> {
    answer(method, path, headers, chance).unwrap_or_else(|| ApiError::unknown_route(path).into_response())
}

fn page(asset: Option<&Asset>, nonce: &str) -> Bytes {
    match asset.and_then(|asset| std::str::from_utf8(asset.plain).ok()) {
        Some(page) => Bytes::from(page.replace(NONCE, nonce)),
        None => Bytes::from_static(WITHOUT_UI.as_bytes()),
    }
}

/// The smallest form that the caller takes.
fn encoded(asset: &Asset, headers: &HeaderMap) -> (Bytes, Option<&'static str>) {
    let accepted = headers.get_all(ACCEPT_ENCODING);
    let accepted: Vec<&str> =
        accepted.iter().filter_map(|value| value.to_str().ok()).flat_map(|v| v.split(',')).collect();
    let takes = |name: &str| accepted.iter().any(|one| is_taken(one, name));
    let forms = [("br", asset.brotli), ("gzip", asset.gzip)];
    match forms.into_iter().find_map(|(name, form)| form.filter(|_| takes(name)).map(|form| (form, name))) {
        Some((form, name)) => (Bytes::from_static(form), Some(name)),
        None => (Bytes::from_static(asset.plain), None),
    }
}

/// Whether one part of `Accept-Encoding` takes an encoding: `br`, `gzip;q=0.5`, but not `br;q=0`.
fn is_taken(part: &str, name: &str) -> bool {
    let mut parameters = part.split(';').map(str::trim);
    let is_named = parameters.next().is_some_and(|coding| coding.eq_ignore_ascii_case(name));
    let weight = parameters.find_map(|parameter| parameter.strip_prefix("q=")).map(|q| q.parse::<f32>().unwrap_or(0.0));
    is_named && weight.is_none_or(|weight| weight > 0.0)
}

fn content_type(path: &str) -> &'static str {
    match path.rsplit('.').next() {
        Some("html") => "text/html; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("svg") => "image/svg+xml",
        Some("json" | "webmanifest") => "application/json",
        Some("png") => "image/png",
        Some("woff2") => "font/woff2",
        _ => "application/octet-stream",
    }
}

fn protect(headers: &mut HeaderMap, nonce: &str) {
    let policy = format!(
        "default-src 'none'; script-src 'self'; style-src 'self' 'nonce-{nonce}'; connect-src 'self'; img-src 'self' data:; \
         font-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    );
    // Hexadecimal digits make a valid value.
    if let Ok(policy) = HeaderValue::from_str(&policy) {
        headers.insert(CONTENT_SECURITY_POLICY, policy);
    }
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert(HeaderName::from_static("cross-origin-opener-policy"), HeaderValue::from_static("same-origin"));
}

/// Whether the UI is built in.
pub fn is_built_in() -> bool {
    !ASSETS.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::StatusCode;

    static ASSET: Asset = Asset { path: "/assets/a-1.js", plain: b"plain", brotli: Some(b"br"), gzip: Some(b"gz") };

    fn form(accept: &[&str]) -> (Bytes, Option<&'static str>) {
        let mut headers = HeaderMap::new();
        for value in accept {
            headers.append(ACCEPT_ENCODING, HeaderValue::from_str(value).unwrap());
        }
        encoded(&ASSET, &headers)
    }

    #[test]
    fn the_smallest_accepted_form_is_served() {
        assert_eq!(form(&["gzip, deflate, br"]), (Bytes::from("br"), Some("br")));
        assert_eq!(form(&["gzip;q=0.5, br;q=0"]), (Bytes::from("gz"), Some("gzip")));
        assert_eq!(form(&["zstd", "GZIP"]), (Bytes::from("gz"), Some("gzip")));
        assert_eq!(form(&[]), (Bytes::from("plain"), None));
        assert_eq!(form(&["brotli"]), (Bytes::from("plain"), None));
    }

    #[test]
    fn the_page_has_a_nonce_of_its_own_and_is_asked_for_each_time() {
        let get = |chance| answer(&Method::GET, "/", &HeaderMap::new(), chance).unwrap();
        let (one, other) = (get(7), get(8));
        assert_eq!(one.status(), StatusCode::OK);
        assert_eq!(one.headers()[CACHE_CONTROL], "no-cache");
        let policy =
            |response: &Response<Bytes>| response.headers()[CONTENT_SECURITY_POLICY].to_str().unwrap().to_owned();
        assert!(policy(&one).contains("'nonce-00000000000000000000000000000007'"), "{}", policy(&one));
        assert_ne!(policy(&one), policy(&other));
        assert!(!String::from_utf8_lossy(one.body()).contains(NONCE));
    }

    #[test]
    fn other_paths_are_left_to_others() {
        let asked =
            |method, path| answer(&method, path, &HeaderMap::new(), 0).map(|response| response.status().as_u16());
        assert_eq!(asked(Method::GET, "/v1/searches"), None);
        assert_eq!(asked(Method::GET, "/assets/../Cargo.toml"), None);
        assert_eq!(asked(Method::POST, "/"), Some(405));
        assert_eq!(asked(Method::HEAD, "/index.html"), Some(200));
        assert_eq!(serve(&Method::GET, "/nothing", &HeaderMap::new(), 0).status(), 404);
        assert!(answer(&Method::HEAD, "/", &HeaderMap::new(), 0).unwrap().body().is_empty());
    }
}
