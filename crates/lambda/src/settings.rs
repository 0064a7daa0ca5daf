//! What a deployment chooses, read once from the environment. `template.yaml` sets it.

use std::env;
use std::time::Duration;

use trawl_access::Limits;
use trawl_access::provider::ProviderSettings;
use trawl_api::time::parse_duration;

use crate::access::read_limits;

/// Events older than this are refused when `TRAWL_MAX_EVENT_AGE` does not say otherwise.
const MAX_EVENT_AGE: Duration = Duration::from_secs(7 * 24 * 3600);
/// Most scan workers at once when `TRAWL_SEARCH_CONCURRENCY` does not say otherwise.
const SEARCH_CONCURRENCY: usize = 64;
/// Hours that the stream keeps records when `TRAWL_STREAM_RETENTION_HOURS` does not say otherwise:
/// what Kinesis does by default.
const STREAM_RETENTION_HOURS: u64 = 24;
/// How much longer claims are kept than the stream keeps records.
const CLAIMS_MARGIN: Duration = Duration::from_secs(3 * 3600);
/// Memory at which a function has one virtual CPU, in MB:
/// <https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html>.
const MB_PER_VCPU: usize = 1769;

/// A variable that is missing, or does not hold what it should.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the environment variable {name} {found}: expected {expected}")]
pub struct SettingError {
    name: &'static str,
    found: String,
    expected: &'static str,
}

/// The environment, by the names of its variables. Each function asks for what it needs.
pub struct Settings<F = fn(&str) -> Option<String>> {
    read: F,
}

impl Settings {
    /// The environment of this process.
    pub fn from_env() -> Self {
        Self { read: |name| env::var(name).ok() }
    }
}

impl<F: Fn(&str) -> Option<String>> Settings<F> {
    /// Any other source of variables.
    pub fn new(read: F) -> Self {
        Self { read }
    }

    /// The Kinesis stream.
    pub fn stream(&self) -> Result<String, SettingError> {
        self.required("TRAWL_STREAM", "the name of the Kinesis stream")
    }

    /// The S3 bucket.
    pub fn bucket(&self) -> Result<String, SettingError> {
        self.required("TRAWL_BUCKET", "the name of the S3 bucket")
    }

    /// The DynamoDB table.
    pub fn table(&self) -> Result<String, SettingError> {
        self.required("TRAWL_TABLE", "the name of the DynamoDB table")
    }

    /// The function that the coordinator hands tasks to.
    pub fn scan_worker(&self) -> Result<String, SettingError> {
        self.required("TRAWL_SCAN_WORKER", "the name of the scan worker's function")
    }

    /// The function that runs searches: the coordinator itself, unless another is named.
    pub fn coordinator(&self) -> Result<String, SettingError> {
        match self.optional("TRAWL_COORDINATOR") {
            Some(name) => Ok(name),
            None => self.required("AWS_LAMBDA_FUNCTION_NAME", "the name of this function, or TRAWL_COORDINATOR"),
        }
    }

    /// The oldest event that is taken in; `None` takes any.
    pub fn max_event_age(&self) -> Result<Option<Duration>, SettingError> {
        self.age("TRAWL_MAX_EVENT_AGE", Some(MAX_EVENT_AGE))
    }

    /// How long events are kept; `None` keeps them.
    pub fn retention(&self) -> Result<Option<Duration>, SettingError> {
        self.age("TRAWL_RETENTION", None)
    }

    /// Most scan workers at once.
    pub fn search_concurrency(&self) -> Result<usize, SettingError> {
        let most = self.number("TRAWL_SEARCH_CONCURRENCY", SEARCH_CONCURRENCY as u64, 1..=10_000)?;
        Ok(usize::try_from(most).unwrap_or(SEARCH_CONCURRENCY))
    }

    /// How long the stream keeps records.
    pub fn stream_retention(&self) -> Result<Duration, SettingError> {
        // 365 days is the most that Kinesis keeps.
        let hours = self.number("TRAWL_STREAM_RETENTION_HOURS", STREAM_RETENTION_HOURS, 24..=8760)?;
        Ok(Duration::from_secs(hours * 3600))
    }

    /// How long claims are kept: while the stream may still deliver a batch, and the horizon of repetitions after it.
    pub fn claims_kept(&self) -> Result<Duration, SettingError> {
        Ok(self.stream_retention()? + CLAIMS_MARGIN)
    }

    /// SHA-256 of the deployment's own key, which is an operator's. It has to be set, so that a forgotten setting opens
    /// no door; empty asks nobody for a key.
    pub fn deployment_key(&self) -> Result<Option<[u8; 32]>, SettingError> {
        let name = "TRAWL_API_KEY_SHA256";
        let expected = "the SHA-256 of the deployment's key as 64 hexadecimal digits, or empty to ask for no key";
        let digits = (self.read)(name).ok_or_else(|| missing(name, expected))?;
        // What was set stays out of the message: it may be the key itself.
        let found = "is neither empty nor a SHA-256".to_owned();
        match digits.trim() {
            "" => Ok(None),
            digits => from_hex(digits).map(Some).ok_or(SettingError { name, found, expected }),
        }
    }

    /// The secret that hashes of API keys are made with.
    pub fn key_pepper(&self) -> Result<String, SettingError> {
        self.required("TRAWL_KEY_PEPPER", "a secret of at least 32 bytes, which must never change")
    }

    /// The OpenID provider whose tokens are taken, if there is one.
    pub fn provider(&self) -> Result<Option<ProviderSettings>, SettingError> {
        let Some(issuer) = self.optional("TRAWL_OIDC_ISSUER") else { return Ok(None) };
        let audience = self.required("TRAWL_OIDC_AUDIENCE", "the audience that tokens have to name")?;
        let tenant_claim = self.optional("TRAWL_OIDC_TENANT_CLAIM").unwrap_or_else(|| "tenant".into());
        let client_id = self.optional("TRAWL_OIDC_CLIENT_ID");
        Ok(Some(ProviderSettings { issuer, audience, tenant_claim, client_id }))
    }

    /// The limits of tenants that have none of their own.
    pub fn limits(&self) -> Result<Limits, SettingError> {
        let name = "TRAWL_LIMITS";
        let Some(text) = self.optional(name) else { return Ok(Limits::default()) };
        let expected = r#"a JSON object of limits, as {"concurrent_searches": 4}"#;
        read_limits(&text).ok_or_else(|| wrong(name, &text, expected))
    }

    /// The virtual CPUs that this function's memory buys, at least one.
    pub fn vcpus(&self) -> usize {
        let memory_mb = self.optional("AWS_LAMBDA_FUNCTION_MEMORY_SIZE").and_then(|memory| memory.parse().ok());
        let bought = memory_mb.map_or(usize::MAX, |mb: usize| mb.div_ceil(MB_PER_VCPU));
        let seen = std::thread::available_parallelism().map_or(1, usize::from);
        bought.min(seen).max(1)
    }

    fn age(&self, name: &'static str, default: Option<Duration>) -> Result<Option<Duration>, SettingError> {
        match self.optional(name).as_deref() {
            None => Ok(default),
            Some("none") => Ok(None),
            Some(text) => parse_duration(text)
                .filter(|age| !age.is_zero())
                .map(Some)
                .ok_or_else(|| wrong(name, text, "a duration such as 7d or 36h, or none")),
        }
    }

    fn number(
        &self,
        name: &'static str,
        default: u64,
        allowed: std::ops::RangeInclusive<u64>,
    ) -> Result<u64, SettingError> {
        let Some(text) = self.optional(name) else { return Ok(default) };
        let number = text.parse().ok().filter(|number| allowed.contains(number));
        number.ok_or_else(|| match name {
            "TRAWL_STREAM_RETENTION_HOURS" => wrong(name, &text, "a number of hours from 24 to 8760"),
            _ => wrong(name, &text, "a number from 1 to 10000"),
        })
    }

    fn required(&self, name: &'static str, expected: &'static str) -> Result<String, SettingError> {
        self.optional(name).ok_or_else(|| missing(name, expected))
    }

    /// A variable that is there and not empty.
    fn optional(&self, name: &str) -> Option<String> {
        (self.read)(name).map(|value| value.trim().to_owned()).filter(|value| !value.is_empty())
    }
}

fn missing(name: &'static str, expected: &'static str) -> SettingError {
    SettingError { name, found: "is not set".to_owned(), expected }
}

fn wrong(name: &'static str, found: &str, expected: &'static str) -> SettingError {
    SettingError { name, found: format!("is {found:?}"), expected }
}

fn from_hex(digits: &str) -> Option<[u8; 32]> {
    let digits = digits.as_bytes();
    if digits.len() != 64 || !digits.iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    let mut hash = [0; 32];
    for (byte, pair) in hash.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
    }
    Some(hash)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(variables: &'static [(&str, &str)]) -> Settings<impl Fn(&str) -> Option<String>> {
        Settings::new(|name| {
            let found = variables.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn what_is_not_set_has_the_documented_default() {
        let settings = of(&[("AWS_LAMBDA_FUNCTION_NAME", "trawl-coordinator")]);
        assert_eq!(settings.max_event_age(), Ok(Some(Duration::from_secs(7 * 86_400))));
        assert_eq!(settings.retention(), Ok(None));
        assert_eq!(settings.search_concurrency(), Ok(64));
        assert_eq!(settings.stream_retention(), Ok(Duration::from_secs(86_400)));
        assert_eq!(settings.coordinator().as_deref(), Ok("trawl-coordinator"));
        assert!(settings.vcpus() >= 1);
    }

    #[test]
    fn what_is_set_is_taken() {
        let settings = of(&[
            ("TRAWL_MAX_EVENT_AGE", "none"),
            ("TRAWL_RETENTION", "30d"),
            ("TRAWL_SEARCH_CONCURRENCY", "8"),
            ("TRAWL_COORDINATOR", "other"),
            ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "512"),
        ]);
        assert_eq!(settings.max_event_age(), Ok(None));
        assert_eq!(settings.retention(), Ok(Some(Duration::from_secs(30 * 86_400))));
        assert_eq!(settings.search_concurrency(), Ok(8));
        assert_eq!(settings.coordinator().as_deref(), Ok("other"));
        assert_eq!(settings.vcpus(), 1);
    }

    #[test]
    fn an_error_names_the_variable_and_what_was_expected() {
        let settings = of(&[
            ("TRAWL_STREAM", " "),
            ("TRAWL_RETENTION", "soon"),
            ("TRAWL_SEARCH_CONCURRENCY", "0"),
            ("TRAWL_STREAM_RETENTION_HOURS", "1"),
        ]);
        let text = |error: SettingError| error.to_string();
        assert_eq!(
            text(settings.stream().unwrap_err()),
            "the environment variable TRAWL_STREAM is not set: expected the name of the Kinesis stream"
        );
        assert_eq!(
            text(settings.retention().unwrap_err()),
            "the environment variable TRAWL_RETENTION is \"soon\": expected a duration such as 7d or 36h, or none"
        );
        assert_eq!(
            text(settings.search_concurrency().unwrap_err()),
            "the environment variable TRAWL_SEARCH_CONCURRENCY is \"0\": expected a number from 1 to 10000"
        );
        assert!(text(settings.stream_retention().unwrap_err()).contains("from 24 to 8760"));
    }

    #[test]
    fn the_key_must_be_decided_on_and_is_not_repeated_in_the_error() {
        assert!(of(&[]).deployment_key().is_err_and(|error| error.to_string().contains("is not set")));
        assert!(of(&[("TRAWL_API_KEY_SHA256", "")]).deployment_key().is_ok());
        let error = of(&[("TRAWL_API_KEY_SHA256", "my secret key")]).deployment_key().err().unwrap().to_string();
        assert!(!error.contains("secret"), "{error}");
    }
}
