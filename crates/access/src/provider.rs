//! An OpenID provider: whose tokens are taken, and where the keys are that sign them.

use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde::Deserialize;
use trawl_api::ApiError;
use trawl_event::{TenantId, Timestamp};

use crate::gate::{Caller, unauthorized};
use crate::scope::{Scope, Scopes};
use crate::token::{self, Claims, Jwks, TokenError};

/// How long the provider's keys count before they are fetched again.
const KEYS_FRESH: Duration = Duration::from_secs(3600);
/// How soon they are fetched again for a key that is not among them.
const KEYS_AGAIN: Duration = Duration::from_secs(60);
/// How long a request to the provider may take.
const TIMEOUT: Duration = Duration::from_secs(5);
/// Most bytes of its answer.
const MAX_ANSWER_BYTES: u64 = 1024 * 1024;
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
}

/// An issuer that cannot be one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not an issuer: expected https://HOST…, or http:// on this machine")]
pub struct BadIssuer(String);

/// Gets a document by its URL.
pub trait Fetch: Send + Sync {
    /// The body of the answer.
    fn get(&self, url: &str) -> impl Future<Output = Result<String, String>> + Send;
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
}

#[derive(Deserialize)]
struct Configuration {
    issuer: String,
    jwks_uri: String,
}

/// A provider with its keys as they were fetched last.
pub struct Provider<F> {
    settings: ProviderSettings,
    fetch: F,
    keys: Mutex<Option<(Arc<Jwks>, Timestamp)>>,
}

impl<F: Fetch> Provider<F> {
    /// A provider; its keys are fetched when the first token comes.
    pub fn new(settings: ProviderSettings, fetch: F) -> Result<Self, BadIssuer> {
        if !is_safe(&settings.issuer) {
            return Err(BadIssuer(settings.issuer));
        }
        Ok(Self { settings, fetch, keys: Mutex::default() })
    }

    /// Who a token was given to.
    pub async fn caller(&self, token: &str, now: Timestamp) -> Result<Caller, ApiError> {
        let refused = |error: TokenError| unauthorized("invalid_token", error.to_string());
        let kid = token::key_id(token).map_err(refused)?;
        let is_there = |keys: &Jwks| kid.is_none() || keys.keys.iter().any(|key| key.kid == kid);
        let known = self.keys.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let age = |at: Timestamp| Duration::from_nanos(now.0.saturating_sub(at.0).max(0).unsigned_abs());
        let keys = match known {
            Some((keys, at)) if age(at) < if is_there(&keys) { KEYS_FRESH } else { KEYS_AGAIN } => keys,
            known => match self.fetch_keys().await {
                Ok(keys) => {
                    let keys = Arc::new(keys);
                    *self.keys.lock().unwrap_or_else(PoisonError::into_inner) = Some((keys.clone(), now));
                    keys
                }
                Err(error) => {
                    tracing::warn!(error, "the keys of the OpenID provider cannot be fetched");
                    let (keys, _) = known.ok_or_else(|| {
                        ApiError::unavailable("provider_unavailable", "the keys that sign tokens cannot be fetched")
                    })?;
                    keys
                }
            },
        };
        let ProviderSettings { issuer, audience, .. } = &self.settings;
        let claims = token::verify(token, &keys, issuer, audience, now).map_err(refused)?;
        self.read(&claims).map_err(refused)
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

    async fn fetch_keys(&self) -> Result<Jwks, String> {
        let issuer = self.settings.issuer.trim_end_matches('/');
        let body = self.fetch.get(&format!("{issuer}/.well-known/openid-configuration")).await?;
        let configuration: Configuration = serde_json::from_str(&body).map_err(|error| error.to_string())?;
        if configuration.issuer != self.settings.issuer {
            return Err(format!("the provider calls itself {:?}", configuration.issuer));
        }
        if !is_safe(&configuration.jwks_uri) {
            return Err(format!("the keys are at {:?}, which is not https", configuration.jwks_uri));
        }
        serde_json::from_str(&self.fetch.get(&configuration.jwks_uri).await?).map_err(|error| error.to_string())
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

/// Whether a document from there can be trusted to be from there.
fn is_safe(url: &str) -> bool {
    let host = |rest: &str| rest.split(['/', '?', '#']).next().unwrap_or_default().to_owned();
    match (url.strip_prefix("https://"), url.strip_prefix("http://")) {
        (Some(rest), _) => !host(rest).is_empty(),
        (_, Some(rest)) => {
            let host = host(rest);
            let name = host.rsplit_once(':').map_or(host.as_str(), |(name, _)| name);
            matches!(name, "127.0.0.1" | "localhost" | "[::1]")
        }
        _ => false,
    }
}
