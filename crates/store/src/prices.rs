//! What AWS charges for what the stages use: list prices of us-east-1 in US dollars, as of November 2026.
//!
//! The coordinator prices each search with these, and the model prices searches that nobody has run yet.

/// An S3 Standard GET or HEAD: $0.0004 per 1,000 (<https://aws.amazon.com/s3/pricing/>).
pub const USD_PER_GET: f64 = 0.000_000_4;
/// An S3 Standard PUT, and a LIST of up to 1,000 keys: $0.005 per 1,000 (same page). DELETE is free.
pub const USD_PER_PUT: f64 = 0.000_005;
/// A gigabyte-second of Lambda on arm64 (<https://aws.amazon.com/lambda/pricing/>).
pub const USD_PER_GB_SECOND: f64 = 0.000_013_333_4;
/// A Lambda invocation: $0.20 per million (same page).
pub const USD_PER_INVOCATION: f64 = 0.000_000_2;
/// A DynamoDB read request unit on demand, one strongly consistent read of up to [`READ_UNIT_BYTES`]: $0.125 per million
/// (<https://aws.amazon.com/dynamodb/pricing/on-demand/>).
pub const USD_PER_READ_UNIT: f64 = 0.000_000_125;
/// Bytes that one read request unit covers (same page).
pub const READ_UNIT_BYTES: u64 = 4096;
/// Memory of a scan worker in gigabytes: what buys one vCPU, 1,769 MB
/// (<https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html>).
pub const WORKER_GB: f64 = 1.769;
