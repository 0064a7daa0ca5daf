//! What an SDK error means to a caller.

use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::display::DisplayErrorContext;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;

use crate::ports::StoreError;

/// Error codes that say "later": <https://docs.aws.amazon.com/sdkref/latest/guide/feature-retry-behavior.html>.
const THROTTLING: &[&str] = &[
    "BandwidthLimitExceeded",
    "EC2ThrottledException",
    "KMSThrottlingException",
    "LimitExceededException",
    "PriorRequestNotComplete",
    "ProvisionedThroughputExceededException",
    "RequestLimitExceeded",
    "RequestThrottled",
    "RequestThrottledException",
    "SlowDown",
    "ThrottledException",
    "Throttling",
    "ThrottlingException",
    "TooManyRequestsException",
    "TransactionInProgressException",
];

/// The error of a call, with what was being done.
pub fn store_error<E>(doing: &str, error: &SdkError<E, HttpResponse>) -> StoreError
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
{
    match error {
        SdkError::ServiceError(service) => {
            let meta = service.err().meta();
            let (code, message) = (meta.code().unwrap_or("error"), meta.message().unwrap_or("no reason given"));
            let text = format!("{doing}: {code}: {message}");
            let status = service.raw().status().as_u16();
            match service.err().code() {
                Some(code) if THROTTLING.contains(&code) => StoreError::Throttled(text),
                _ if status == 429 || status == 503 => StoreError::Throttled(text),
                Some("InternalFailure" | "InternalServerError" | "InternalError" | "RequestTimeout") => {
                    StoreError::Transient(text)
                }
                _ if status >= 500 => StoreError::Transient(text),
                _ => StoreError::Permanent(text),
            }
        }
        // Built wrongly by us: no other try will do better.
        SdkError::ConstructionFailure(_) => StoreError::Permanent(format!("{doing}: {}", DisplayErrorContext(error))),
        // Without an answer: the connection, the time, credentials.
        _ => StoreError::Transient(format!("{doing}: {}", DisplayErrorContext(error))),
    }
}
