//! Who may use a local server, and how much.
//!
//! On a loopback address everybody is let in who is on this machine: a page of another site in a browser here is not
//! ([`is_from_here`]). On any other address a key is required.

use std::fs::OpenOptions;
use std::io::{self, Read, Write};
use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::str::FromStr;
use std::sync::Arc;

use anyhow::{Context, bail};
use clap::Args;
use coordinator::Allowance;
use http::header::{HOST, ORIGIN};
use http::{HeaderMap, StatusCode};
use ingest::Admission;
use trawl_access::limits::{TenantLimits, admit_events};
use trawl_access::provider::{Https, Provider, ProviderSettings};
use trawl_access::quota::Quota;
use trawl_access::{Gate, GateSettings, Limits, Pepper};
use trawl_api::ApiError;
use trawl_event::TenantId;
use trawl_store::local::{LocalDocuments, System};
use trawl_store::ports::Ids;

/// The file of the documents.
const DOCUMENTS: &str = "documents.sqlite";
/// The file of the secret that hashes of keys are made with.
const PEPPER: &str = "key-pepper";

/// Who may use the server.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Access")]
pub struct AccessArgs {
    /// Ask for a key on a loopback address too; on any other one is always required (see `trawl key --help`).
    #[arg(long)]
    pub require_key: bool,
    /// Take tokens of this OpenID provider as well, as its issuer is written in them.
    #[arg(long, value_name = "URL", env = "TRAWL_OIDC_ISSUER", requires = "oidc_audience")]
    pub oidc_issuer: Option<String>,
    /// The audience that tokens have to name.
    #[arg(long, value_name = "NAME", env = "TRAWL_OIDC_AUDIENCE", requires = "oidc_issuer")]
    pub oidc_audience: Option<String>,
    /// The claim of a token that names the tenant.
    #[arg(long, value_name = "CLAIM", env = "TRAWL_OIDC_TENANT_CLAIM", default_value = "tenant")]
    pub oidc_tenant_claim: String,
    /// The name under which the provider knows the web UI: people sign in there with it.
    #[arg(long, value_name = "NAME", env = "TRAWL_OIDC_CLIENT_ID", requires = "oidc_issuer")]
    pub oidc_client_id: Option<String>,
    /// A limit of each tenant that has none of its own: ingest_bytes_per_second, ingest_events_per_second,
    /// concurrent_searches, scanned_bytes_per_search or scanned_bytes_per_day.
    #[arg(long = "limit", value_name = "NAME=NUMBER")]
    pub limits: Vec<LimitArg>,
}

/// A limit by its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LimitArg {
    /// Its name, as the API has it.
    pub name: String,
    /// How much.
    pub value: u64,
}

impl FromStr for LimitArg {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, value) = text.split_once('=').ok_or("expected NAME=NUMBER")?;
        let value = crate::units::parse_size(value)?;
        let limit = Self { name: name.to_owned(), value };
        limits(std::slice::from_ref(&limit)).map_err(|error| error.to_string())?;
        Ok(limit)
    }
}

/// The limits that are named so.
pub fn limits(given: &[LimitArg]) -> anyhow::Result<Limits> {
    let named = given.iter().map(|limit| (limit.name.clone(), limit.value.into()));
    let named = serde_json::Value::Object(named.collect());
    serde_json::from_value(named).map_err(|error| anyhow::anyhow!("{error}"))
}

/// What decides who may do what, and how much.
pub struct Access {
    /// Lets requests in.
    pub gate: Gate<Arc<LocalDocuments>, System, Https>,
    /// What tenants may use,
    pub limits: TenantLimits<Arc<LocalDocuments>, System>,
    /// and what they used.
    pub quota: Quota<Arc<LocalDocuments>, System>,
    /// Whether requests need no key.
    is_open: bool,
    /// Whether tokens are taken.
    has_provider: bool,
}

impl Access {
    /// What these arguments ask for, for a server at `address` with these documents.
    pub fn new(
        documents: &Arc<LocalDocuments>,
        dir: &Path,
        address: SocketAddr,
        args: &AccessArgs,
    ) -> anyhow::Result<Self> {
        let is_open = address.ip().is_loopback() && !args.require_key;
        let provider = match (&args.oidc_issuer, &args.oidc_audience) {
            (Some(issuer), Some(audience)) => {
                let (issuer, audience) = (issuer.clone(), audience.clone());
                let (tenant_claim, client_id) = (args.oidc_tenant_claim.clone(), args.oidc_client_id.clone());
                let settings = ProviderSettings { issuer, audience, tenant_claim, client_id };
                Some(Provider::new(settings, Https)?)
            }
            _ => None,
        };
        let settings = GateSettings { is_open, deployment_key: None };
        Ok(Self {
            has_provider: provider.is_some(),
            gate: Gate::new(documents.clone(), System, pepper(dir)?, settings, provider),
            limits: TenantLimits::new(documents.clone(), System, limits(&args.limits)?),
            quota: Quota::new(documents.clone(), System),
            is_open,
        })
    }

    /// How much a tenant may search.
    pub async fn allowance(&self, tenant: &TenantId) -> Allowance {
        let limits = self.limits.of(tenant).await;
        Allowance {
            concurrent_searches: limits.concurrent_searches,
            scanned_bytes_per_search: limits.scanned_bytes_per_search,
            scanned_bytes_per_day: limits.scanned_bytes_per_day,
        }
    }

    /// Whether callers need a key and nobody can have one.
    pub async fn needs_a_first_key(&self) -> bool {
        !self.is_open && !self.has_provider && self.gate.keys().list(None).await.is_ok_and(|keys| keys.is_empty())
    }

    /// Refuses requests that a page of another site makes a browser on this machine send, where no key is asked for.
    pub fn check_site(&self, headers: &HeaderMap) -> Result<(), ApiError> {
        match self.is_open && !is_from_here(headers) {
            true => {
                let message = "without keys this server answers requests to 127.0.0.1, ::1 or localhost only, \
                               from pages of the same; start it with --require-key to serve others";
                Err(ApiError::new(StatusCode::FORBIDDEN, "foreign_site", message))
            }
            false => Ok(()),
        }
    }
}

/// Lets in the events of tenants that send no more than they may.
pub struct Admit(pub Arc<Access>);

impl Admission for Admit {
    async fn admit(&self, tenant: &TenantId, bytes: u64, events: u64) -> Result<(), ApiError> {
        admit_events(&self.0.limits, &self.0.quota, tenant, bytes, events).await
    }
}

/// Whether a request names this machine as its host, and comes from a page of this machine if it comes from a page at all.
/// A name of another site that is made to point here (DNS rebinding) is in `Host`; a page that posts across sites is in
/// `Origin`.
fn is_from_here(headers: &HeaderMap) -> bool {
    let host_is_here = headers.get(HOST).is_none_or(|host| host.to_str().is_ok_and(is_this_machine));
    let origin_is_here = headers.get(ORIGIN).is_none_or(|origin| {
        let host = origin.to_str().ok().and_then(|origin| origin.split_once("://"));
        host.is_some_and(|(_, host)| is_this_machine(host))
    });
    host_is_here && origin_is_here
}

/// Whether `host`, with or without a port, is this machine.
fn is_this_machine(host: &str) -> bool {
    let name = match host.strip_prefix('[') {
        Some(rest) => rest.split_once(']').map_or("", |(name, _)| name),
        None => host.rsplit_once(':').map_or(host, |(name, _)| name),
    };
    name.eq_ignore_ascii_case("localhost") || name.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// Opens the documents of the data in `dir`.
pub fn documents(dir: &Path) -> anyhow::Result<LocalDocuments> {
    Ok(LocalDocuments::open(&dir.join(DOCUMENTS))?)
}

/// The pepper of the data in `dir`; it is made when it is first asked for. Only who may read the data's files as their
/// owner reads it.
pub fn pepper(dir: &Path) -> anyhow::Result<Pepper> {
    let path = dir.join(PEPPER);
    let read = |path: &Path| -> io::Result<String> {
        let mut text = String::new();
        OpenOptions::new().read(true).open(path)?.read_to_string(&mut text)?;
        Ok(text)
    };
    let made = match read(&path) {
        Ok(text) => Ok(text),
        Err(error) if error.kind() == io::ErrorKind::NotFound => make_pepper(dir, &path).and_then(|()| read(&path)),
        Err(error) => Err(error),
    };
    let text = made.with_context(|| format!("cannot read or make {}", path.display()))?;
    match Pepper::new(text.trim().as_bytes()) {
        Ok(pepper) => Ok(pepper),
        Err(error) => bail!("{}: {error}", path.display()),
    }
}

/// Writes a pepper under another name first, so that nobody reads half of it, and leaves one that another process made.
fn make_pepper(dir: &Path, path: &Path) -> io::Result<()> {
    std::fs::create_dir_all(dir)?;
    let draft = dir.join(format!("{PEPPER}.{:032x}", System.fresh()));
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&draft)?;
    file.write_all(format!("{:032x}{:032x}\n", System.fresh(), System.fresh()).as_bytes())?;
    file.sync_all()?;
    let linked = std::fs::hard_link(&draft, path);
    std::fs::remove_file(&draft)?;
    match linked {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn pages_of_other_sites_are_told_from_those_here() {
        let asked = |host: &str, origin: Option<&str>| {
            let mut headers = HeaderMap::new();
            headers.insert(HOST, HeaderValue::from_str(host).unwrap());
            if let Some(origin) = origin {
                headers.insert(ORIGIN, HeaderValue::from_str(origin).unwrap());
            }
            is_from_here(&headers)
        };
        for host in ["localhost", "LOCALHOST:8080", "127.0.0.1:8080", "127.3.2.1", "[::1]:80", "[::1]"] {
            assert!(asked(host, None) && asked(host, Some(&format!("http://{host}"))), "{host}");
        }
        for host in
            ["evil.example", "evil.example:8080", "127.0.0.1.evil.example", "localhost.evil.example", "10.0.0.1", ""]
        {
            assert!(!asked(host, None), "{host}");
            assert!(!asked("localhost:8080", Some(&format!("https://{host}"))), "{host}");
        }
        assert!(!asked("localhost", Some("null")));
        assert!(is_from_here(&HeaderMap::new()), "a client of HTTP/1.0 is no browser");
    }

    #[test]
    fn a_pepper_is_made_once_and_for_its_owner_only() {
        let dir = tempfile::tempdir().unwrap();
        let data = dir.path().join("data");
        let key = trawl_access::ApiKey::fresh(&System);
        let first = pepper(&data).unwrap();
        let grant = trawl_access::key::Grant {
            tenant: TenantId::default_tenant(),
            scopes: trawl_access::Scopes::all(),
            expires: None,
            requests_per_second: None,
        };
        assert_eq!(pepper(&data).unwrap().hash(&key, &grant), first.hash(&key, &grant));
        #[cfg(unix)]
        {
            let mode = std::os::unix::fs::PermissionsExt::mode(&data.join(PEPPER).metadata().unwrap().permissions());
            assert_eq!(mode & 0o777, 0o600);
        }
        std::fs::write(data.join(PEPPER), "short").unwrap();
        assert!(pepper(&data).unwrap_err().to_string().contains("at least 32 bytes"));
        assert_eq!(std::fs::read_dir(&data).unwrap().count(), 1, "no draft is left");
    }

    #[test]
    fn limits_are_named_as_in_the_api() {
        let parsed = |text: &str| text.parse::<LimitArg>();
        let given = [parsed("ingest_bytes_per_second=10MB").unwrap(), parsed("concurrent_searches=3").unwrap()];
        let limits = limits(&given).unwrap();
        assert_eq!((limits.ingest_bytes_per_second, limits.concurrent_searches), (Some(10_000_000), Some(3)));
        for wrong in ["", "speed=1", "concurrent_searches", "concurrent_searches=many"] {
            assert!(parsed(wrong).is_err(), "{wrong}");
        }
    }
}
