//! How fast filters and aggregates run: `cargo run --release -p trawl-query --example evaluate_speed FILE [QUERY…]`.
//! FILE is NDJSON; its first 300 MB are used, in blocks as large as a row group, with columns of few distinct texts
//! coded as a segment's reader gives them. `MESSAGE=plain` leaves the messages
//! as they are. Times are those of one thread over all blocks, the best of some rounds.

#![allow(clippy::print_stdout, clippy::disallowed_methods)] // a measurement prints, and reads the clock

use std::collections::HashMap;
use std::io::{BufRead, BufReader};
use std::sync::Arc;
use std::time::Instant;

use trawl_event::shred::{Shredder, TimeRule};
use trawl_event::{Block, Texts, Timestamp, Values};
use trawl_query::{Evaluator, Partial, Query};

const BYTES: usize = 300_000_000;
const BLOCK_ROWS: usize = 1 << 16;
const ROUNDS: u32 = 5;

/// The texts coded, if that makes them smaller.
fn coded(texts: &Texts) -> Option<Texts> {
    let mut known = HashMap::new();
    let mut distinct = Texts::default();
    let mut codes = Vec::with_capacity(texts.len());
    for text in texts.iter() {
        codes.push(*known.entry(text).or_insert_with(|| {
            distinct.push(text);
            distinct.len() as u32 - 1
        }));
    }
    let coded = Texts::coded(Arc::new(distinct), codes)?;
    (coded.size_bytes() < texts.size_bytes()).then_some(coded)
}

fn blocks(path: &str) -> Result<Vec<Block>, Box<dyn std::error::Error>> {
    let rule = TimeRule { received: Timestamp(0), oldest: Timestamp::MIN, latest: Timestamp::MAX };
    let mut lines = BufReader::new(std::fs::File::open(path)?).lines();
    let (mut blocks, mut bytes) = (Vec::new(), 0);
    while bytes < BYTES {
        let mut shredder = Shredder::default();
        for line in lines.by_ref().take(BLOCK_ROWS) {
            let line = line?;
            bytes += line.len() + 1;
            shredder.push(line.as_bytes(), &rule)?;
        }
        let mut block = shredder.finish();
        let plain = std::env::var("MESSAGE").is_ok_and(|form| form == "plain");
        if block.is_empty() {
            break;
        }
        for column in &mut block.columns {
            if plain && column.path.is_named("message") {
                continue;
            }
            if let Values::Text(texts) = &mut column.values
                && let Some(coded) = coded(texts)
            {
                *texts = coded;
            }
        }
        blocks.push(block);
    }
    Ok(blocks)
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path = std::env::args().nth(1).ok_or("usage: evaluate_speed FILE.ndjson [QUERY…]")?;
    let blocks = blocks(&path)?;
    let raw_bytes: u64 = blocks.iter().map(|block| block.raw_bytes).sum();
    println!("{} rows, {:.1} MB", blocks.iter().map(Block::rows).sum::<usize>(), raw_bytes as f64 / 1e6);
    let mut queries: Vec<String> = std::env::args().skip(2).collect();
    if queries.is_empty() {
        let usual = [
            "*",
            "timeout",
            "connection",
            "\"connection reset\"",
            "*8f3a*",
            "10.0.0.1",
            "message:/\\b(?:\\d{1,3}\\.){3}\\d{1,3}:\\d{4,5}\\b/",
            "/blk_-?\\d+7\\b/",
            "/err(or)?/i",
            "message:/\\d{5}/",
            "message:/\\b[0-9a-f]{8}\\b/",
            "message:/^\\S+ \\w+$/",
            "message:/[a-z]+@[a-z]+/",
            "service:hadoop level:error",
            "level:>=warn",
            "id.resp_p:>=500",
            "GET*html",
            "NOT error",
            "level:>=warn error",
            "| stats count()",
            "| stats count() by service, level",
            "| stats count(query), sum(id.resp_p), p99(id.resp_p), count_distinct(id.orig_h), max(proto) by service",
            "| timechart 5m by level",
            "connection | top 10 service",
            "| stats count_distinct(message), max(message)",
        ];
        queries = usual.map(str::to_owned).to_vec();
    }
    for text in queries {
        let query = Query::parse(&text)?;
        let evaluator = Evaluator::new(&query)?;
        let started = Instant::now();
        let (mut match_s, mut add_s, mut found) = (f64::MAX, f64::MAX, 0);
        for _ in 0..ROUNDS {
            let start = started.elapsed().as_secs_f64();
            let rows: Vec<_> = blocks.iter().map(|block| evaluator.matches(block)).collect();
            let matched = started.elapsed().as_secs_f64();
            if let Some(mut partial) = Partial::new(&query) {
                for (block, rows) in blocks.iter().zip(&rows) {
                    partial.add(&query, block, rows)?;
                }
            }
            match_s = match_s.min(matched - start);
            add_s = add_s.min(started.elapsed().as_secs_f64() - matched);
            found = rows.iter().map(trawl_event::RowSet::count).sum();
        }
        println!("{:8.2} ms  {:8.2} ms  {found:7} rows  {text}", match_s * 1e3, add_s * 1e3);
    }
    Ok(())
}
