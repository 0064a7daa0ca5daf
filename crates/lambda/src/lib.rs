//! What every Lambda function of Trawl shares, so that its `main` is wiring only.
//!
//! * [`runtime`]: one environment, from its start to its last invocation
//! * [`settings`]: what a deployment chooses, from the environment
//! * [`log`]: JSON lines for CloudWatch Logs; [`metrics`]: the embedded metric format in the same stream
//! * [`http`]: requests and answers of an API Gateway HTTP API; [`access`]: who may send them
//! * [`records`]: stream records as the event source mapping delivers them
//! * [`scan`]: a task and its result, within what an invocation carries

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used))]

pub mod access;
pub mod http;
pub mod log;
pub mod metrics;
pub mod records;
pub mod runtime;
pub mod scan;
pub mod settings;

pub use runtime::{Call, run};
pub use settings::Settings;
