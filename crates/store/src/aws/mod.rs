//! The ports on AWS: Kinesis, S3, DynamoDB and Lambda.
//!
//! * [`config`]: clients from the environment, made once per process
//! * [`payload`]: what functions send each other
//! * [`schema`]: the one DynamoDB table
//! * [`error`]: what an SDK error means to a caller

pub mod config;
mod error;
pub mod payload;
pub mod schema;

pub use config::Clients;
