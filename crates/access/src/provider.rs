//! An OpenID provider: whose tokens are taken, and where the keys are that sign them.

use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use quick_cache::sync::Cache;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use trawl_api::ApiError;
use trawl_event::{TenantId, Timestamp};

use crate::gate::{Caller, unauthorized};
use crate::scope::{Scope, Scopes};
use crate::token::{self, Claims, Jwks, TokenError};

/// How long the provider's keys count before they are fetched again.
const KEYS_FRESH: Duration = Duration::from_secs(3600);
/// How soon they are fetched again for a key that is not among them.
const KEYS_AGAIN: Duration = Duration::from_secs(60);
/// How long a token that was verified is not verified again: a signature takes 50 µs and more.
const VERIFIED_FRESH: Duration = Duration::from_secs(60);
/// Verified tokens remembered at once.
const VERIFIED_REMEMBERED: usize = 10_000;
/// How long the provider is left alone after it did not answer.
const AGAIN_AFTER_FAILURE: Duration = Duration::from_secs(10);
/// How long keys count while the provider does not answer: longer than most outages, shorter than a withdrawn key may live.
const KEYS_STALE: Duration = Duration::from_secs(24 * 3600);
/// How long a request to the provider may take.
const TIMEOUT: Duration = Duration::from_secs(5);
/// Most bytes of its answer.
const MAX_ANSWER_BYTES: u64 = 1024 * 1024;
/// The route at which a browser turns a code into a token.
pub const TOKEN_ROUTE: &str = "/v1/auth/token";
/// What a browser asks for.
const SIGN_IN_SCOPE: &str = "openid trawl:search";
/// What stands before the name of a scope in a token.
pub const SCOPE_PREFIX: &str = "trawl:";

/// Whose tokens are taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProviderSettings {
    /// The issuer, as tokens name it; its configuration is at `<issuer>/.well-known/openid-configuration`.
    pub issuer: String,
    /// The audience that tokens have to name.
    pub audience: String,
    /// The claim that names the tenant.
    pub tenant_claim: String,
    /// The name under which the provider knows the web UI; people cannot sign in there without.
    pub client_id: Option<String>,
}

/// An issuer that cannot be one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not an issuer: expected https://HOST…, or http:// on this machine")]
pub struct BadIssuer(String);

/// Gets a document by its URL.
pub trait Fetch: Send + Sync {
    /// The body of the answer.
    fn get(&self, url: &str) -> impl Future<Output = Result<String, String>> + Send;

    /// The body of the answer to a form, whatever its status.
    fn post(&self, url: &str, form: String) -> impl Future<Output = Result<String, String>> + Send;
}

/// Gets documents over HTTPS.
#[derive(Clone, Copy, Debug, Default)]
pub struct Https;

impl Fetch for Https {
    async fn get(&self, url: &str) -> Result<String, String> {
        let url = url.to_owned();
        let fetched = tokio::task::spawn_blocking(move || {
            let agent: ureq::Agent =
                ureq::Agent::config_builder().timeout_global(Some(TIMEOUT)).max_redirects(0).build().into();
            let mut response = agent.get(&url).call().map_err(|error| format!("{url}: {error}"))?;
            let body = response.body_mut().with_config().limit(MAX_ANSWER_BYTES).read_to_string();
            body.map_err(|error| format!("{url}: {error}"))
        });
        fetched.await.map_err(|error| error.to_string())?
    }

    async fn post(&self, url: &str, form: String) -> Result<String, String> {
        let url = url.to_owned();
        let fetched = tokio::task::spawn_blocking(move || {
            let config = ureq::Agent::config_builder().timeout_global(Some(TIMEOUT)).max_redirects(0);
            let agent: ureq::Agent = config.http_status_as_error(false).build().into();
            let request = agent.post(&url).content_type("application/x-www-form-urlencoded");
            let mut response = request.send(form).map_err(|error| format!("{url}: {error}"))?;
            let body = response.body_mut().with_config().limit(MAX_ANSWER_BYTES).read_to_string();
            body.map_err(|error| format!("{url}: {error}"))
        });
        fetched.await.map_err(|error| error.to_string())?
    }
}

#[derive(Deserialize)]
struct Configuration {
    issuer: String,
    jwks_uri: String,
    #[serde(default)]
    authorization_endpoint: Option<String>,
    #[serde(default)]
    token_endpoint: Option<String>,
}

/// What a browser needs to know to sign in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SignIn {
    /// Whose tokens are taken.
    pub issuer: String,
    /// Where people sign in.
    pub authorization_endpoint: String,
    /// Where what they bring back is turned into a token: this server, which hands it on.
    pub token_endpoint: &'static str,
    /// The name under which the provider knows the web UI.
    pub client_id: String,
    /// What is asked for.
    pub scope: &'static str,
}

/// What a browser brings back from signing in.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Brought {
    code: String,
    code_verifier: String,
    redirect_uri: String,
}

/// The tokens of who signed in; nothing else of the provider's answer is passed on.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Tokens {
    #[serde(skip_serializing_if = "Option::is_none")]
    access_token: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    id_token: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_in: Option<u64>,
    #[serde(skip_serializing)]
    error: Option<String>,
}

/// A provider with its keys as they were fetched last.
pub struct Provider<F> {
    settings: ProviderSettings,
    fetch: F,
    known: Mutex<Known>,
    /// By SHA-256 of the token: who it is of, and until when that counts.
    verified: Cache<[u8; 32], (Caller, Timestamp)>,
}

/// What is known of the provider's keys.
#[derive(Clone, Default)]
struct Known {
    keys: Option<(Arc<Jwks>, Timestamp)>,
    failed: Option<Timestamp>,
}

impl<F: Fetch> Provider<F> {
    /// A provider; its keys are fetched when the first token comes.
    pub fn new(settings: ProviderSettings, fetch: F) -> Result<Self, BadIssuer> {
        if !is_safe(&settings.issuer) {
            return Err(BadIssuer(settings.issuer));
        }
        Ok(Self { settings, fetch, known: Mutex::default(), verified: Cache::new(VERIFIED_REMEMBERED) })
    }

    /// Who a token was given to.
    pub async fn caller(&self, token: &str, now: Timestamp) -> Result<Caller, ApiError> {
        let digest: [u8; 32] = Sha256::digest(token.as_bytes()).into();
        if let Some((caller, until)) = self.verified.get(&digest)
            && now < until
            && until.0.saturating_sub(now.0) <= VERIFIED_FRESH.as_nanos() as i64
        {
            return Ok(caller);
        }
        let refused = |error: TokenError| unauthorized("invalid_token", error.to_string());
        let kid = token::key_id(token).map_err(refused)?;
        let keys = self.keys(kid.as_deref(), now).await?;
        let ProviderSettings { issuer, audience, .. } = &self.settings;
        let claims = token::verify(token, &keys, issuer, audience, now).map_err(refused)?;
        let caller = self.read(&claims).map_err(refused)?;
        let until = now.plus_ns(VERIFIED_FRESH.as_nanos() as i64).min(claims.expires());
        self.verified.insert(digest, (caller.clone(), until));
        Ok(caller)
    }

    /// The provider's keys, with one of this name among them if the provider has it.
    async fn keys(&self, kid: Option<&str>, now: Timestamp) -> Result<Arc<Jwks>, ApiError> {
        let is_there = |keys: &Jwks| kid.is_none() || keys.keys.iter().any(|key| key.kid.as_deref() == kid);
        let age = |at: Timestamp| Duration::from_nanos(now.0.saturating_sub(at.0).max(0).unsigned_abs());
        let Known { keys: known, failed } = self.known().clone();
        if let Some((keys, at)) = &known
            && age(*at) < if is_there(keys) { KEYS_FRESH } else { KEYS_AGAIN }
        {
            return Ok(keys.clone());
        }
        if failed.is_none_or(|at| age(at) >= AGAIN_AFTER_FAILURE) {
            // Before it is asked: others that come meanwhile go by what is known.
            if known.is_some() {
                self.known().failed = Some(now);
            }
            match self.fetch_keys().await {
                Ok(keys) => {
                    let keys = Arc::new(keys);
                    *self.known() = Known { keys: Some((keys.clone(), now)), failed: None };
                    return Ok(keys);
                }
                Err(error) => {
                    self.known().failed = Some(now);
                    tracing::warn!(error, "the keys of the OpenID provider cannot be fetched");
                }
            }
        }
        let stale = known.filter(|(_, at)| age(*at) < KEYS_STALE).map(|(keys, _)| keys);
        stale
            .ok_or_else(|| ApiError::unavailable("provider_unavailable", "the keys that sign tokens cannot be fetched"))
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn read(&self, claims: &Claims) -> Result<Caller, TokenError> {
        let name = &self.settings.tenant_claim;
        let problem = |problem: String| TokenError::Claim { claim: "of the tenant", problem };
        let tenant = claims.others.get(name).and_then(|tenant| tenant.as_str());
        let tenant = tenant.ok_or_else(|| problem(format!("is missing: expected a text in {name}")))?;
        let tenant: TenantId = tenant.parse().map_err(|error| problem(format!("is no tenant: {error}")))?;
        let subject: String = claims.sub.chars().filter(|c| !c.is_control()).take(100).collect();
        Ok(Caller { tenant, scopes: scopes(claims), subject: format!("token:{subject}") })
    }

    /// What a browser needs to sign in; `None` where the web UI has no name at the provider.
    pub async fn sign_in(&self) -> Option<SignIn> {
        let client_id = self.settings.client_id.clone()?;
        let found = self.configuration().await.and_then(|configuration| {
            let endpoint = configuration.authorization_endpoint.filter(|url| is_safe(url));
            endpoint.ok_or_else(|| "the provider names no https authorization_endpoint".to_owned())
        });
        match found {
            Ok(authorization_endpoint) => Some(SignIn {
                issuer: self.settings.issuer.clone(),
                authorization_endpoint,
                token_endpoint: TOKEN_ROUTE,
                client_id,
                scope: SIGN_IN_SCOPE,
            }),
            Err(error) => {
                tracing::warn!(error, "nobody can sign in: the OpenID provider does not say where");
                None
            }
        }
    }

    /// Turns what a browser brought back into tokens.
    pub async fn tokens(&self, brought: &Brought) -> Result<Tokens, ApiError> {
        let unavailable = |error: String| {
            tracing::warn!(error, "a code of the OpenID provider could not be turned into a token");
            ApiError::unavailable("provider_unavailable", "the OpenID provider does not answer")
        };
        let Some(client_id) = &self.settings.client_id else {
            return Err(ApiError::not_found("no_sign_in", "nobody signs in here: this server takes keys"));
        };
        let endpoint = self.configuration().await.map_err(unavailable)?.token_endpoint.filter(|url| is_safe(url));
        let endpoint = endpoint.ok_or_else(|| unavailable("the provider names no https token_endpoint".to_owned()))?;
        let form = form_urlencoded::Serializer::new(String::new())
            .append_pair("grant_type", "authorization_code")
            .append_pair("client_id", client_id)
            .append_pair("code", &brought.code)
            .append_pair("code_verifier", &brought.code_verifier)
            .append_pair("redirect_uri", &brought.redirect_uri)
            .finish();
        let answer = self.fetch.post(&endpoint, form).await.map_err(unavailable)?;
        let tokens: Tokens = serde_json::from_str(&answer).map_err(|error| unavailable(error.to_string()))?;
        match (&tokens.error, &tokens.access_token, &tokens.id_token) {
            (None, Some(_), _) | (None, _, Some(_)) => Ok(tokens),
            (error, ..) => {
                let error: String = error.as_deref().unwrap_or("no token").chars().take(100).collect();
                Err(ApiError::bad_request("sign_in_failed", format!("the OpenID provider refused the code: {error}")))
            }
        }
    }

    async fn fetch_keys(&self) -> Result<Jwks, String> {
        let configuration = self.configuration().await?;
        if !is_safe(&configuration.jwks_uri) {
            return Err(format!("the keys are at {:?}, which is not https", configuration.jwks_uri));
        }
        serde_json::from_str(&self.fetch.get(&configuration.jwks_uri).await?).map_err(|error| error.to_string())
    }

    async fn configuration(&self) -> Result<Configuration, String> {
        let issuer = self.settings.issuer.trim_end_matches('/');
        let body = self.fetch.get(&format!("{issuer}/.well-known/openid-configuration")).await?;
        let configuration: Configuration = serde_json::from_str(&body).map_err(|error| error.to_string())?;
        if configuration.issuer != self.settings.issuer {
            return Err(format!("the provider calls itself {:?}", configuration.issuer));
        }
        Ok(configuration)
    }
}

/// Scopes are words in `scope`, or texts in `scp` or `permissions`: providers differ. Those of others are none of ours.
fn scopes(claims: &Claims) -> Scopes {
    let mut scopes: Vec<Scope> = Vec::new();
    for name in ["scope", "scp", "permissions"] {
        let texts: Vec<&str> = match claims.others.get(name) {
            Some(serde_json::Value::String(words)) => words.split_whitespace().collect(),
            Some(serde_json::Value::Array(texts)) => texts.iter().filter_map(|text| text.as_str()).collect(),
            _ => continue,
        };
        scopes.extend(texts.iter().filter_map(|text| text.strip_prefix(SCOPE_PREFIX)?.parse::<Scope>().ok()));
    }
    scopes.into_iter().collect()
}

/// Whether a document from there can be trusted to be from there: over TLS, or of this machine. A URL with a name and a
/// password before its host could pass for another.
fn is_safe(url: &str) -> bool {
    let Ok(url) = url.parse::<http::Uri>() else { return false };
    let Some(authority) = url.authority().filter(|authority| !authority.as_str().contains('@')) else { return false };
    match url.scheme_str() {
        Some("https") => true,
        Some("http") => matches!(authority.host(), "127.0.0.1" | "localhost" | "[::1]"),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_provider_is_reached_over_tls_or_on_this_machine() {
        for url in [
            "https://id.example",
            "https://id.example:8443/realms/a",
            "http://127.0.0.1:80",
            "http://localhost",
            "http://[::1]:9/x",
        ] {
            assert!(is_safe(url), "{url}");
        }
        for url in [
            "",
            "id.example",
            "http://id.example",
            "ftp://id.example",
            "file:///etc/passwd",
            "https://",
            "http://10.0.0.1",
            "http://localhost:80@evil.example",
            "https://id.example@evil.example",
            "http://localhost.evil.example",
            "http://127.0.0.1.evil.example/",
        ] {
            assert!(!is_safe(url), "{url}");
        }
    }
}
