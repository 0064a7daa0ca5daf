//! The ports on AWS: Kinesis, S3, DynamoDB and Lambda.
//!
//! * [`config`]: clients from the environment, made once per process
//! * [`objects`]: objects in S3
//! * [`stream`]: the stream in Kinesis
//! * [`workers`], [`launcher`]: invocations of Lambda
//! * [`catalog`], [`searches`], [`documents`]: items in DynamoDB
//! * [`payload`]: what functions send each other
//! * [`schema`]: the one DynamoDB table
//! * [`error`]: what an SDK error means to a caller

pub mod catalog;
pub mod config;
pub mod documents;
mod error;
pub mod launcher;
pub mod objects;
pub mod payload;
pub mod schema;
pub mod searches;
pub mod stream;
mod table;
pub mod workers;

pub use catalog::{AwsCatalog, CatalogSettings};
pub use config::Clients;
pub use documents::AwsDocuments;
pub use launcher::AwsLauncher;
pub use objects::AwsObjects;
pub use searches::AwsSearches;
pub use stream::AwsStream;
pub use workers::{AwsWorkers, WorkerSettings};

use std::time::Duration;

use crate::local::RandomIds;
use crate::ports::Ids;

/// Waits before another try: a random part of a pause that doubles, so that those who were turned away
/// together do not come back together.
async fn pause(first: Duration, longest: Duration, attempt: u32) {
    let most = first.saturating_mul(1 << attempt.min(16)).min(longest);
    let share = (RandomIds.fresh() >> 96) as u32;
    tokio::time::sleep(most.mul_f64(f64::from(share) / f64::from(u32::MAX))).await;
}
