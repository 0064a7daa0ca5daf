//! SDK clients from the environment.
//!
//! Region, credentials and endpoint come from where every AWS tool takes them (`AWS_REGION`,
//! `AWS_ACCESS_KEY_ID`…, `AWS_ENDPOINT_URL`, `AWS_ENDPOINT_URL_S3`…). Requests go over one HTTP
//! client with one pool of connections.

use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_smithy_http_client::tls::Provider;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_types::service_config::{LoadServiceConfig, ServiceConfigKey};

/// How long a connection may take to stand.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
/// How long the first byte of an answer may take; scans answer through [`Clients::lambda`], which waits longer.
const READ_TIMEOUT: Duration = Duration::from_secs(20);

/// How often a call of DynamoDB is tried.
const DYNAMODB_ATTEMPTS: u32 = 7;

/// One client per service, each cheap to clone.
#[derive(Clone, Debug)]
pub struct Clients {
    /// Streams.
    pub kinesis: aws_sdk_kinesis::Client,
    /// Objects.
    pub s3: aws_sdk_s3::Client,
    /// Tables.
    pub dynamodb: aws_sdk_dynamodb::Client,
    /// Functions. Calls have no time-out of their own: a scan takes as long as it takes.
    pub lambda: aws_sdk_lambda::Client,
}

impl Clients {
    /// Clients from the environment.
    pub async fn from_env() -> Self {
        Self::new(&sdk_config(None).await)
    }

    /// Clients of one endpoint in place of AWS, for tests.
    pub async fn at(endpoint: &str) -> Self {
        Self::new(&sdk_config(Some(endpoint)).await)
    }

    /// Clients of a configuration.
    pub fn new(config: &SdkConfig) -> Self {
        // A path in place of a host name per bucket: what stands in for S3 on one machine has one name.
        let path_style = config.endpoint_url().is_some() || variable("AWS_ENDPOINT_URL_S3").is_some();
        let s3 = aws_sdk_s3::config::Builder::from(config).force_path_style(path_style).build();
        // What is left unset here would come from `config`.
        let patient = TimeoutConfig::builder().connect_timeout(CONNECT_TIMEOUT).disable_read_timeout().build();
        // A write that meets a full partition waits longer: DynamoDB splits it within seconds.
        let patiently = RetryConfig::standard().with_max_attempts(DYNAMODB_ATTEMPTS);
        let dynamodb = aws_sdk_dynamodb::config::Builder::from(config).retry_config(patiently).build();
        // Retrying is the coordinator's: it knows which task is worth it.
        let once = RetryConfig::disabled();
        let lambda = aws_sdk_lambda::config::Builder::from(config).timeout_config(patient).retry_config(once).build();
        Self {
            kinesis: aws_sdk_kinesis::Client::new(config),
            s3: aws_sdk_s3::Client::from_conf(s3),
            dynamodb: aws_sdk_dynamodb::Client::from_conf(dynamodb),
            lambda: aws_sdk_lambda::Client::from_conf(lambda),
        }
    }
}

async fn sdk_config(endpoint: Option<&str>) -> SdkConfig {
    let http = aws_smithy_http_client::Builder::new().tls_provider(Provider::Rustls(CryptoMode::Ring)).build_https();
    let timeouts = TimeoutConfig::builder().connect_timeout(CONNECT_TIMEOUT).read_timeout(READ_TIMEOUT).build();
    let mut loader = aws_config::defaults(BehaviorVersion::latest()).http_client(http).timeout_config(timeouts);
    if let Some(endpoint) = endpoint {
        let credentials = aws_credential_types::Credentials::new("test", "test", None, None, "test");
        loader =
            loader.endpoint_url(endpoint).region(Region::from_static("us-east-1")).credentials_provider(credentials);
    }
    let config = loader.load().await;
    if endpoint.is_some() {
        return config;
    }
    let set = config.endpoint_url().filter(|url| !url.is_empty()).map(str::to_owned);
    let mut config = config.into_builder().service_config(Variables);
    config.set_endpoint_url(set);
    config.build()
}

/// A variable that is set to something.
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// Settings of one service. The SDK takes an endpoint that is set to nothing for a URL; `sam local` sets it so.
#[derive(Debug)]
struct Variables;

impl LoadServiceConfig for Variables {
    fn load_config(&self, key: ServiceConfigKey<'_>) -> Option<String> {
        let of_service = format!("{}_{}", key.env(), key.service_id().to_uppercase().replace(' ', "_"));
        variable(&of_service).or_else(|| variable(key.env()))
    }
}
