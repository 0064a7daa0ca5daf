//! The ports on AWS: Kinesis, S3, DynamoDB and Lambda.
//!
//! * [`config`]: clients from the environment, made once per process
//! * [`objects`]: S3
//! * [`stream`]: Kinesis
//! * [`workers`], [`launcher`]: Lambda
//! * [`payload`]: what functions send each other
//! * [`schema`]: the one DynamoDB table
//! * [`error`]: what an SDK error means to a caller

pub mod config;
mod error;
pub mod launcher;
pub mod objects;
pub mod payload;
pub mod schema;
pub mod stream;
pub mod workers;

pub use config::Clients;
pub use launcher::AwsLauncher;
pub use objects::AwsObjects;
pub use stream::AwsStream;
pub use workers::{AwsWorkers, WorkerSettings};
