//! Requests through the gate, over a real document store and a clock that the tests turn.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method};
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use serde_json::{Value, json};
use trawl_access::gate::Asked;
use trawl_access::http::Management;
use trawl_access::key::Grant;
use trawl_access::keys::NewKey;
use trawl_access::limits::TenantLimits;
use trawl_access::provider::{Fetch, Provider, ProviderSettings};
use trawl_access::quota::{Meter, Quota};
use trawl_access::{Caller, Gate, GateSettings, Limits, Pepper, Scope, Scopes};
use trawl_event::{TenantId, Timestamp};
use trawl_store::local::{LocalDocuments, System};
use trawl_store::ports::{Clock, Document, DocumentKey, Documents, Ids, Kind, Result, StoreError, Version};

#[derive(Clone)]
struct Hands(Arc<AtomicI64>);

impl Hands {
    fn turn(&self, seconds: i64) {
        self.0.fetch_add(seconds * 1_000_000_000, Ordering::SeqCst);
    }
}

impl Clock for Hands {
    fn now(&self) -> Timestamp {
        Timestamp(self.0.load(Ordering::SeqCst))
    }

    async fn sleep(&self, _: Duration) {}
}

impl Ids for Hands {
    fn fresh(&self) -> u128 {
        System.fresh()
    }
}

/// A store that counts what is read, and may be away.
#[derive(Clone)]
struct Store {
    documents: Arc<LocalDocuments>,
    reads: Arc<AtomicU64>,
    is_away: Arc<AtomicBool>,
    _dir: Arc<tempfile::TempDir>,
}

impl Store {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let documents = Arc::new(LocalDocuments::open(&dir.path().join("documents")).unwrap());
        Self { documents, reads: Arc::default(), is_away: Arc::default(), _dir: Arc::new(dir) }
    }

    fn check(&self) -> Result<()> {
        self.reads.fetch_add(1, Ordering::SeqCst);
        match self.is_away.load(Ordering::SeqCst) {
            true => Err(StoreError::Transient("away".into())),
            false => Ok(()),
        }
    }
}

impl Documents for Store {
    async fn put_document(
        &self,
        key: &DocumentKey,
        expected: Option<Version>,
        body: Bytes,
        expires: Timestamp,
    ) -> Result<Option<Version>> {
        self.check()?;
        self.documents.put_document(key, expected, body, expires).await
    }

    async fn document(&self, key: &DocumentKey) -> Result<Option<(Version, Bytes)>> {
        self.check()?;
        self.documents.document(key).await
    }

    async fn documents(&self, kind: Kind, tenant: Option<&TenantId>) -> Result<Vec<Document>> {
        self.check()?;
        self.documents.documents(kind, tenant).await
    }

    async fn remove_expired_documents(&self, now: Timestamp) -> Result<()> {
        self.documents.remove_expired_documents(now).await
    }
}

/// An OpenID provider that is asked in memory.
#[derive(Clone)]
struct Pages {
    answers: Arc<Mutex<Vec<(String, String)>>>,
    asked: Arc<AtomicU64>,
}

impl Fetch for Pages {
    async fn get(&self, url: &str) -> std::result::Result<String, String> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        let answers = self.answers.lock().unwrap();
        answers.iter().find(|(known, _)| known == url).map(|(_, body)| body.clone()).ok_or_else(|| "not found".into())
    }

    async fn post(&self, url: &str, form: String) -> std::result::Result<String, String> {
        assert_eq!(url, "https://id.example/token");
        let is_right = form == "grant_type=authorization_code&client_id=ui&code=c&code_verifier=v&redirect_uri=r";
        Ok(match is_right {
            true => json!({"access_token": "a.b.c", "expires_in": 60, "refresh_token": "kept back"}).to_string(),
            false => json!({"error": "invalid_grant"}).to_string(),
        })
    }
}

const ISSUER: &str = "https://id.example";

struct Setup {
    store: Store,
    clock: Hands,
    pages: Pages,
    signer: EcdsaKeyPair,
    gate: Gate<Store, Hands, Pages>,
}

impl Setup {
    fn new(is_open: bool) -> Self {
        let (store, clock) = (Store::new(), Hands(Arc::new(AtomicI64::new(1_800_000_000_000_000_000))));
        let random = SystemRandom::new();
        let pkcs8 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).unwrap();
        let signer = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8.as_ref(), &random).unwrap();
        let point = signer.public_key().as_ref();
        let coordinate = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        let keys = json!({"keys": [{"kty": "EC", "crv": "P-256", "kid": "k",
                                    "x": coordinate(&point[1..33]), "y": coordinate(&point[33..])}]});
        let pages = Pages {
            answers: Arc::new(Mutex::new(vec![
                (
                    format!("{ISSUER}/.well-known/openid-configuration"),
                    json!({"issuer": ISSUER, "jwks_uri": "https://id.example/keys",
                           "authorization_endpoint": "https://id.example/login",
                           "token_endpoint": "https://id.example/token"})
                    .to_string(),
                ),
                ("https://id.example/keys".into(), keys.to_string()),
            ])),
            asked: Arc::default(),
        };
        let settings = ProviderSettings {
            issuer: ISSUER.into(),
            audience: "trawl".into(),
            tenant_claim: "tenant".into(),
            client_id: Some("ui".into()),
        };
        let provider = Provider::new(settings, pages.clone()).unwrap();
        // Of `k`.
        let mut deployment_key = [0; 32];
        let hex = "8254c329a92850f6d539dd376f4816ee2764517da5e0235514af433164480d7a";
        for (at, byte) in deployment_key.iter_mut().enumerate() {
            *byte = u8::from_str_radix(&hex[at * 2..at * 2 + 2], 16).unwrap();
        }
        let settings = GateSettings { is_open, deployment_key: Some(deployment_key) };
        let pepper = Pepper::new(&[9; 32]).unwrap();
        let gate = Gate::new(store.clone(), clock.clone(), pepper, settings, Some(provider));
        Self { store, clock, pages, signer, gate }
    }

    async fn asks(
        &self,
        authorization: Option<&str>,
        method: &str,
        path: &str,
    ) -> std::result::Result<Option<Caller>, (u16, String)> {
        let mut headers = HeaderMap::new();
        if let Some(value) = authorization {
            headers.insert("authorization", HeaderValue::from_str(value).unwrap());
        }
        let method: Method = method.parse().unwrap();
        let asked = Asked { method: &method, path, query: "", headers: &headers, is_ingest: path == "/v1/events" };
        self.gate.admit(&asked).await.map_err(|error| (error.status.as_u16(), error.code.to_owned()))
    }

    async fn key(&self, tenant: &str, scopes: &[Scope], change: impl FnOnce(&mut Grant)) -> String {
        let mut new = NewKey {
            name: "test".into(),
            grant: Grant {
                tenant: tenant.parse().unwrap(),
                scopes: scopes.iter().copied().collect(),
                expires: None,
                requests_per_second: None,
            },
        };
        change(&mut new.grant);
        format!("Bearer {}", self.gate.keys().create(new, "test").await.unwrap().0.reveal())
    }

    fn token(&self, claims: &Value) -> String {
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let signed = format!("{}.{}", part(&json!({"alg": "ES256", "kid": "k"})), part(claims));
        let signature = self.signer.sign(&SystemRandom::new(), signed.as_bytes()).unwrap();
        format!("Bearer {signed}.{}", URL_SAFE_NO_PAD.encode(signature))
    }
}

fn refused(status: u16, code: &str) -> std::result::Result<Option<Caller>, (u16, String)> {
    Err((status, code.to_owned()))
}

#[tokio::test]
async fn a_key_opens_its_tenant_and_its_scopes_only() {
    let setup = Setup::new(false);
    let key = setup.key("shop", &[Scope::Ingest], |_| {}).await;
    let caller = setup.asks(Some(&key), "POST", "/v1/events").await.unwrap().unwrap();
    assert_eq!(caller.tenant.as_str(), "shop");
    assert!(caller.subject.starts_with("key:") && !key.ends_with(&caller.subject[4..]));
    for path in ["/v1/searches", "/v1/keys", "/v1/deletions", "/v1/admin/compact"] {
        assert_eq!(setup.asks(Some(&key), "POST", path).await, refused(403, "forbidden"), "{path}");
    }
    assert_eq!(setup.asks(None, "POST", "/v1/events").await, refused(401, "missing_api_key"));
    let other = format!("{}0", &key[..key.len() - 1]);
    let other = if other == key { format!("{}1", &key[..key.len() - 1]) } else { other };
    for wrong in [other.as_str(), "Bearer trawl_", "Bearer nothing", "Basic dHJhd2w6eA=="] {
        assert_eq!(setup.asks(Some(wrong), "POST", "/v1/events").await, refused(401, "invalid_api_key"), "{wrong}");
    }
    assert_eq!(setup.asks(None, "GET", "/v1/health").await, Ok(None));
    let operator = setup.asks(Some("Bearer k"), "PUT", "/v1/limits/shop").await.unwrap().unwrap();
    assert!(operator.scopes.allow(Scope::Operator));
}

#[tokio::test]
async fn a_revoked_key_opens_nothing_within_a_minute_whether_the_store_answers_or_not() {
    for is_away in [false, true] {
        let setup = Setup::new(false);
        let key = setup.key("shop", &[Scope::Search], |_| {}).await;
        assert!(setup.asks(Some(&key), "GET", "/v1/status").await.is_ok());
        // Another process revokes it.
        let id = key.split('_').nth(1).unwrap().parse().unwrap();
        let shop: TenantId = "shop".parse().unwrap();
        setup.gate.keys().revoke(&id, Some(&shop), "test").await.unwrap().unwrap();
        setup.store.is_away.store(is_away, Ordering::SeqCst);
        setup.clock.turn(60);
        let expected = if is_away { refused(503, "keys_unavailable") } else { refused(401, "revoked_api_key") };
        assert_eq!(setup.asks(Some(&key), "GET", "/v1/status").await, expected);
    }
}

#[tokio::test]
async fn a_store_that_is_away_for_a_moment_locks_nobody_out() {
    let setup = Setup::new(false);
    let key = setup.key("shop", &[Scope::Ingest], |_| {}).await;
    assert!(setup.asks(Some(&key), "POST", "/v1/events").await.is_ok());
    setup.store.is_away.store(true, Ordering::SeqCst);
    setup.clock.turn(45);
    assert!(setup.asks(Some(&key), "POST", "/v1/events").await.is_ok());
}

#[tokio::test]
async fn a_key_that_is_used_again_is_not_read_again_and_neither_is_one_that_is_not_there() {
    let setup = Setup::new(false);
    let key = setup.key("shop", &[Scope::Ingest], |_| {}).await;
    let unknown = format!("Bearer trawl_{}_{}", "0".repeat(16), "0".repeat(64));
    for (credential, is_known) in [(&key, true), (&unknown, false)] {
        assert_eq!(setup.asks(Some(credential), "POST", "/v1/events").await.is_ok(), is_known);
        let before = setup.store.reads.load(Ordering::SeqCst);
        for _ in 0..100 {
            assert_eq!(setup.asks(Some(credential), "POST", "/v1/events").await.is_ok(), is_known);
        }
        assert_eq!(setup.store.reads.load(Ordering::SeqCst), before);
    }
}

#[tokio::test]
async fn an_expired_key_says_when_it_ended() {
    let setup = Setup::new(false);
    let until = setup.clock.now().plus_ns(90_000_000_000);
    let key = setup.key("shop", &[Scope::Ingest], |new| new.expires = Some(until)).await;
    assert!(setup.asks(Some(&key), "POST", "/v1/events").await.is_ok());
    setup.clock.turn(90);
    assert_eq!(setup.asks(Some(&key), "POST", "/v1/events").await, refused(401, "expired_api_key"));
}

#[tokio::test]
async fn a_key_with_a_rate_passes_so_often_and_again_in_the_next_window() {
    let setup = Setup::new(false);
    let key = setup.key("shop", &[Scope::Ingest], |new| new.requests_per_second = Some(3)).await;
    for round in 0..2 {
        for request in 0..30 {
            assert!(setup.asks(Some(&key), "POST", "/v1/events").await.is_ok(), "{round} {request}");
        }
        assert_eq!(setup.asks(Some(&key), "POST", "/v1/events").await, refused(429, "rate_limited"));
        setup.clock.turn(10);
    }
}

#[tokio::test]
async fn without_keys_everybody_is_the_default_tenant_but_a_wrong_key_is_still_wrong() {
    let setup = Setup::new(true);
    let caller = setup.asks(None, "POST", "/v1/keys").await.unwrap().unwrap();
    assert_eq!((caller.tenant, caller.subject.as_str()), (TenantId::default_tenant(), "anybody"));
    assert!(setup.asks(Some("Bearer anything"), "POST", "/v1/events").await.is_ok());
    let wrong = format!("Bearer trawl_{}_{}", "0".repeat(16), "0".repeat(64));
    assert_eq!(setup.asks(Some(&wrong), "POST", "/v1/events").await, refused(401, "invalid_api_key"));
    let key = setup.key("shop", &[Scope::Search], |_| {}).await;
    assert_eq!(setup.asks(Some(&key), "GET", "/v1/status").await.unwrap().unwrap().tenant.as_str(), "shop");
}

#[tokio::test]
async fn a_token_of_the_provider_opens_what_its_claims_say() {
    let setup = Setup::new(false);
    let claims = json!({"iss": ISSUER, "aud": "trawl", "exp": 1_800_003_600, "sub": "ann", "tenant": "shop",
                        "scope": "openid trawl:search trawl:unheard-of"});
    let token = setup.token(&claims);
    let caller = setup.asks(Some(&token), "GET", "/v1/status").await.unwrap().unwrap();
    assert_eq!((caller.tenant.as_str(), caller.subject.as_str()), ("shop", "token:ann"));
    assert_eq!(setup.asks(Some(&token), "POST", "/v1/events").await, refused(403, "forbidden"));
    assert_eq!(setup.pages.asked.load(Ordering::SeqCst), 2, "the keys are fetched once");
    for (claim, value) in [("tenant", json!("No Tenant")), ("tenant", json!(null)), ("aud", json!("other"))] {
        let mut changed = claims.clone();
        changed[claim] = value;
        assert_eq!(setup.asks(Some(&setup.token(&changed)), "GET", "/v1/status").await, refused(401, "invalid_token"));
    }
    setup.clock.turn(3700);
    assert_eq!(setup.asks(Some(&token), "GET", "/v1/status").await, refused(401, "invalid_token"));
}

#[tokio::test]
async fn processes_that_share_a_limit_let_in_little_more_than_it() {
    let (store, clock) = (Store::new(), Hands(Arc::new(AtomicI64::new(0))));
    let processes: Vec<_> = (0..4).map(|_| Quota::new(store.clone(), clock.clone())).collect();
    let tenant: TenantId = "shop".parse().unwrap();
    let mut passed = 0;
    for request in 0..4000 {
        let process = &processes[request % processes.len()];
        passed += u64::from(process.admit(&tenant, &Meter::IngestEvents, 100, 1).await.is_ok());
    }
    assert!((1000..=1200).contains(&passed), "{passed}");
    let error = processes[0].admit(&tenant, &Meter::IngestEvents, 100, 1).await.unwrap_err();
    let response = error.into_response();
    assert_eq!((response.status().as_u16(), response.headers()["retry-after"].to_str().unwrap()), (429, "10"));
    let other: TenantId = "other".parse().unwrap();
    assert!(processes[0].admit(&other, &Meter::IngestEvents, 100, 1).await.is_ok(), "a tenant uses its own limit only");
    store.is_away.store(true, Ordering::SeqCst);
    clock.turn(10);
    let mut passed = 0;
    for _ in 0..4000 {
        passed += u64::from(processes[0].admit(&tenant, &Meter::IngestEvents, 100, 1).await.is_ok());
    }
    assert!((900..=1100).contains(&passed), "each goes by what it knows: {passed}");
}

#[tokio::test]
async fn an_admin_manages_its_own_tenant_and_an_operator_all() {
    let setup = Setup::new(false);
    let limits = TenantLimits::new(setup.store.clone(), setup.clock.clone(), Limits::default());
    let management = Management { keys: setup.gate.keys(), limits: &limits, clock: &setup.clock };
    let caller = |tenant: &str, scope: Scope| Caller {
        tenant: tenant.parse().unwrap(),
        scopes: [scope].into_iter().collect::<Scopes>(),
        subject: format!("{scope} of {tenant}"),
    };
    let (admin, other, operator) =
        (caller("shop", Scope::Admin), caller("bank", Scope::Admin), caller("default", Scope::Operator));
    let ask = async |caller: &Caller, method: &str, path: &str, body: Value| {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let response = management.handle(caller, &method.parse().unwrap(), path, body.as_bytes()).await;
        let status = response.status().as_u16();
        (status, serde_json::from_slice::<Value>(response.body()).unwrap())
    };
    let key = json!({"name": "agents", "scopes": ["ingest"], "expires_in": "90d"});
    let (status, made) = ask(&admin, "POST", "/v1/keys", key.clone()).await;
    assert_eq!((status, &made["tenant"], &made["created_by"]), (201, &json!("shop"), &json!("admin of shop")));
    let (id, secret) = (made["id"].as_str().unwrap(), made["key"].as_str().unwrap());
    let (_, listed) = ask(&admin, "GET", "/v1/keys", Value::Null).await;
    assert_eq!(listed["keys"].as_array().unwrap().len(), 1);
    assert!(!listed.to_string().contains(&secret[23..]) && !listed.to_string().contains("hash"), "{listed}");
    assert_eq!(ask(&other, "GET", "/v1/keys", Value::Null).await.1["keys"], json!([]));
    assert_eq!(ask(&other, "DELETE", &format!("/v1/keys/{id}"), Value::Null).await.0, 404);
    assert_eq!(ask(&operator, "GET", "/v1/keys", Value::Null).await.1["keys"].as_array().unwrap().len(), 1);
    for refused in
        [json!({"name": "x", "scopes": ["ingest"], "tenant": "bank"}), json!({"name": "x", "scopes": ["operator"]})]
    {
        assert_eq!(ask(&admin, "POST", "/v1/keys", refused.clone()).await.0, 403, "{refused}");
        assert_eq!(ask(&operator, "POST", "/v1/keys", refused).await.0, 201);
    }
    for wrong in [
        json!({"name": "", "scopes": ["ingest"]}),
        json!({"name": "x", "scopes": []}),
        json!({"name": "x", "scopes": ["all"]}),
        json!({"name": "x", "scopes": ["ingest"], "tenant": "A B"}),
        json!({"name": "x", "scopes": ["ingest"], "expires_in": "soon"}),
        json!({"name": "x", "scopes": ["ingest"], "requests_per_second": 0}),
        json!({"name": "x", "scopes": ["ingest"], "colour": "red"}),
        json!([]),
    ] {
        assert_eq!(ask(&operator, "POST", "/v1/keys", wrong.clone()).await.0, 400, "{wrong}");
    }
    let (status, gone) = ask(&admin, "DELETE", &format!("/v1/keys/{id}"), Value::Null).await;
    assert_eq!((status, &gone["revoked"]["by"]), (200, &json!("admin of shop")));

    let wanted = json!({"ingest_events_per_second": 5});
    assert_eq!(ask(&admin, "PUT", "/v1/limits/shop", wanted.clone()).await.0, 403);
    assert_eq!(ask(&operator, "PUT", "/v1/limits/shop", wanted.clone()).await.0, 200);
    assert_eq!(ask(&admin, "GET", "/v1/limits", Value::Null).await.1["limits"], wanted);
    assert_eq!(ask(&other, "GET", "/v1/limits/shop", Value::Null).await.0, 403);
    assert_eq!(ask(&operator, "PUT", "/v1/limits/shop", json!({"speed": 1})).await.0, 400);
}

#[tokio::test]
async fn a_browser_is_told_where_to_sign_in_and_gets_the_token_and_no_more() {
    let setup = Setup::new(false);
    let ask = async |method: &str, path: &str, body: &str| {
        let answer = setup.gate.answer_open(&method.parse().unwrap(), path, body.as_bytes()).await.unwrap();
        let response = answer.unwrap_or_else(trawl_api::ApiError::into_response);
        (response.status().as_u16(), serde_json::from_slice::<Value>(response.body()).unwrap())
    };
    let (_, answer) = ask("GET", "/v1/auth", "").await;
    assert_eq!(answer["key_required"], true);
    assert_eq!(answer["oidc"]["authorization_endpoint"], "https://id.example/login");
    assert_eq!(
        (&answer["oidc"]["token_endpoint"], &answer["oidc"]["client_id"]),
        (&json!("/v1/auth/token"), &json!("ui"))
    );
    let (status, tokens) = ask("POST", "/v1/auth/token", "code=c&code_verifier=v&redirect_uri=r&client_id=other").await;
    assert_eq!((status, tokens), (200, json!({"access_token": "a.b.c", "expires_in": 60})));
    let (status, refused) = ask("POST", "/v1/auth/token", "code=stolen&code_verifier=v&redirect_uri=r").await;
    assert_eq!((status, &refused["error"]["code"]), (400, &json!("sign_in_failed")));
    assert_eq!(ask("POST", "/v1/auth/token", &"x".repeat(9000)).await.0, 413);
    assert!(setup.gate.answer_open(&Method::GET, "/v1/keys", b"").await.is_none());
}

#[tokio::test]
async fn what_is_written_into_the_store_makes_no_more_of_a_key() {
    let setup = Setup::new(false);
    let key = setup.key("shop", &[Scope::Ingest], |_| {}).await;
    let name = DocumentKey::api_key(key.split('_').nth(1).unwrap());
    let (version, body) = setup.store.documents.document(&name).await.unwrap().unwrap();
    let mut record: Value = serde_json::from_slice(&body).unwrap();
    record["scopes"] = json!(["operator"]);
    let forged = Bytes::from(record.to_string());
    setup.store.documents.put_document(&name, Some(version), forged, Timestamp::MAX).await.unwrap().unwrap();
    assert_eq!(setup.asks(Some(&key), "PUT", "/v1/limits/shop").await, refused(401, "invalid_api_key"));
}

#[tokio::test]
async fn a_provider_that_is_away_is_not_asked_by_every_request() {
    let setup = Setup::new(false);
    setup.pages.answers.lock().unwrap().clear();
    let token = setup.token(&json!({"iss": ISSUER, "aud": "trawl", "exp": 1_800_003_600, "tenant": "shop"}));
    for _ in 0..50 {
        assert_eq!(setup.asks(Some(&token), "GET", "/v1/status").await, refused(503, "provider_unavailable"));
    }
    assert_eq!(setup.pages.asked.load(Ordering::SeqCst), 1);
    setup.clock.turn(11);
    setup.asks(Some(&token), "GET", "/v1/status").await.unwrap_err();
    assert_eq!(setup.pages.asked.load(Ordering::SeqCst), 2);
}
