//! The AWS adapters over the real protocols, against whatever stands in for AWS.
//!
//! `TRAWL_TEST_S3`, `TRAWL_TEST_KINESIS` and `TRAWL_TEST_DYNAMODB` name the endpoints, each a list such as
//! `moto=http://127.0.0.1:5000,ministack=http://127.0.0.1:4566`. `make aws-test` starts them and runs these tests.

#![cfg(feature = "aws")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stderr)]

mod catalog;
mod objects;
mod stream;
mod workers;

use std::sync::atomic::{AtomicU64, Ordering};

use trawl_store::aws::Clients;

/// A name that no other test of this machine uses at the moment.
fn fresh(prefix: &str) -> String {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    format!("{prefix}-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed))
}

/// Clients of each endpoint that a variable names.
async fn endpoints(variable: &str) -> Vec<(String, Clients)> {
    let list =
        std::env::var(variable).unwrap_or_else(|_| panic!("{variable} is not set: run these with make aws-test"));
    let mut clients = Vec::new();
    for entry in list.split(',') {
        let (name, url) = entry.split_once('=').expect("an endpoint is name=url");
        clients.push((name.to_owned(), Clients::at(url).await));
    }
    clients
}
