//! How fast filters and aggregates run over a block: `cargo run --release -p trawl-query --example evaluate_speed [FILE]`.
//! FILE is NDJSON; its first 100,000 events are used.

#![allow(clippy::print_stdout, clippy::disallowed_methods)] // a measurement prints, and reads the clock

use std::io::{BufRead, BufReader};
use std::time::Instant;

use trawl_event::Timestamp;
use trawl_event::shred::{Shredder, TimeRule};
use trawl_query::{Evaluator, Partial, Query};

const EVENTS: usize = 100_000;
const ROUNDS: u32 = 5;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path = std::env::args().nth(1).ok_or("usage: evaluate_speed FILE.ndjson [QUERY…]")?;
    let rule = TimeRule { received: Timestamp(0), oldest: Timestamp::MIN, latest: Timestamp::MAX };
    let mut shredder = Shredder::default();
    for line in BufReader::new(std::fs::File::open(path)?).lines().take(EVENTS) {
        shredder.push(line?.as_bytes(), &rule)?;
    }
    let block = shredder.finish();
    println!("{} rows, {} columns, {:.1} MB", block.rows(), block.columns.len(), block.raw_bytes as f64 / 1e6);
    let mut queries: Vec<String> = std::env::args().skip(2).collect();
    if queries.is_empty() {
        let usual = [
            "timeout",
            "error",
            "\"connection reset\"",
            "*8f3a*",
            "10.0.0.1",
            "/blk_-?\\d+7\\b/",
            "/err(or)?/i",
            "/\\d{5}/",
            "/^\\S+ \\w+$/",
            "service:kafka",
            "level:>=warn",
            "status:>=500",
            "GET*html",
            "NOT error",
            "level:>=warn error",
            "| stats count() by service, level",
            "| timechart 1h by level",
            "| top 10 message",
        ];
        queries = usual.map(str::to_owned).to_vec();
    }
    for text in queries {
        let query = Query::parse(&text)?;
        let evaluator = Evaluator::new(&query)?;
        let started = Instant::now();
        let mut rows = evaluator.matches(&block);
        for _ in 1..ROUNDS {
            rows = evaluator.matches(&block);
        }
        let match_ms = started.elapsed().as_secs_f64() * 1e3 / f64::from(ROUNDS);
        let started = Instant::now();
        if let Some(mut partial) = Partial::new(&query) {
            partial.add(&query, &block, &rows)?;
        }
        let add_ms = started.elapsed().as_secs_f64() * 1e3;
        println!("{match_ms:8.2} ms  {add_ms:8.2} ms  {:7} rows  {text}", rows.count());
    }
    Ok(())
}
