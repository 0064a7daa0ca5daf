//! A logger: `cargo run -p trawl-client --example logger -- http://127.0.0.1:8080 [SPOOL]`.
#![allow(clippy::print_stdout)]

use std::error::Error;
use std::time::Duration;

use serde::Serialize;
use serde_json::json;
use trawl_client::Logger;
use trawl_client::logger::{Event, Level};

#[derive(Serialize)]
struct Payment<'a> {
    order: u64,
    amount: f64,
    currency: &'a str,
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let url = arguments.next().unwrap_or_else(|| "http://127.0.0.1:8080".to_owned());
    let mut builder = Logger::builder(&url).service("checkout").field("version", env!("CARGO_PKG_VERSION"));
    if let Some(spool) = arguments.next() {
        builder = builder.spool(spool);
    }
    let logger = builder.start()?;

    logger.info("started", ());
    logger.info("paid", Payment { order: 17, amount: 12.5, currency: "EUR" });
    logger.warn("slow", json!({"took_ms": 930, "http": {"path": "/pay", "status": 200}}));
    // Whoever must know whether the event was accepted asks.
    logger.send(&Event::new(Level::Error, "card refused").target("payments").fields(json!({"order": 18})))?;

    logger.shutdown(Duration::from_secs(5))?;
    println!("{:#?}", logger.stats());
    Ok(())
}
