//! The layer for `tracing`: `cargo run -p trawl-client --example tracing -- http://127.0.0.1:8080`.
#![allow(clippy::print_stdout)]

use std::error::Error;
use std::time::Duration;

use tracing::{info, info_span, warn};
use tracing_subscriber::prelude::*;
use trawl_client::Logger;

fn main() -> Result<(), Box<dyn Error>> {
    let url = std::env::args().nth(1).unwrap_or_else(|| "http://127.0.0.1:8080".to_owned());
    let logger = Logger::builder(&url).service("checkout").start()?;
    tracing_subscriber::registry().with(logger.layer()).init();

    let request = info_span!("request", trace_id = "4bf92f3577b34da6", status = tracing::field::Empty);
    request.in_scope(|| {
        info!(order = 17, "paid");
        request.record("status", 200);
        warn!(took_ms = 930.5, "slow");
    });

    logger.shutdown(Duration::from_secs(5))?;
    println!("{:#?}", logger.stats());
    Ok(())
}
