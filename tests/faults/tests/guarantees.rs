//! G1–G8 under injected faults.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use trawl_faults::scenario::run_seed;

#[test]
fn early() {
    let from: u64 = std::env::var("FROM").ok().and_then(|v| v.parse().ok()).unwrap_or(0);
    let n: u64 = std::env::var("N").ok().and_then(|v| v.parse().ok()).unwrap_or(20);
    let mut coverage = trawl_faults::faults::Coverage::default();
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    let mut bad = 0;
    for seed in from..from + n {
        let outcome = pool.install(|| run_seed(seed, None));
        coverage.merge(outcome.coverage);
        if !outcome.violations.is_empty() {
            bad += 1;
            println!("seed {seed}: {} violations", outcome.violations.len());
            for v in outcome.violations.iter().take(4) {
                println!("    {}", v.chars().take(600).collect::<String>());
            }
        }
    }
    println!("{coverage:#?} bad {bad}");
}
