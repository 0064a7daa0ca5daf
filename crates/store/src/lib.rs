//! The ports of the stages and their adapters.
//!
//! A stage sees only the traits in [`ports`]. Each has an adapter on this machine in
//! [`local`] (files, SQLite, threads) and one in `aws` (feature `aws`: Kinesis, S3, DynamoDB, Lambda). Every adapter of a
//! port passes the same suite in [`conformance`].
//!
//! * [`ports`]: what a stage may ask for, and the values that cross
//! * [`ring`]: which shard a batch goes to
//! * [`local`]: the embedded adapters
//! * `aws`: the adapters for an AWS account, behind the feature of that name
//! * [`model`]: any object store with the timing, the counters and the prices of S3
//! * [`prices`]: what AWS charges
//! * [`deletions`]: what is deleted, between who asks for it, who hides it and who carries it out
//! * [`memory`]: how a process takes memory from the system
//! * [`conformance`]: the behaviour every adapter must show

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used))]

#[cfg(feature = "aws")]
pub mod aws;
pub mod conformance;
pub mod deletions;
pub mod local;
pub mod memory;
pub mod model;
pub mod ports;
pub mod prices;
pub mod ring;
