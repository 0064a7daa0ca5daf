//! When an invocation counts as a straggler: long after nine in ten of those before it had ended.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// How many durations are remembered.
const REMEMBERED: usize = 128;
/// With fewer nothing is known.
const FEWEST: usize = 8;
/// A straggler takes this many times as long as nine in ten.
const TIMES: u32 = 3;

/// How long recent invocations took.
#[derive(Debug, Default)]
pub struct Durations(Mutex<VecDeque<Duration>>);

impl Durations {
    /// One more has ended.
    pub fn note(&self, duration: Duration) {
        let mut durations = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if durations.len() == REMEMBERED {
            durations.pop_front();
        }
        durations.push_back(duration);
    }

    /// How long to wait for an invocation before it is started a second time; `None` while too little is known.
    pub fn patience(&self, least: Duration) -> Option<Duration> {
        let durations = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if durations.len() < FEWEST {
            return None;
        }
        let mut sorted: Vec<Duration> = durations.iter().copied().collect();
        sorted.sort_unstable();
        let most = sorted[(sorted.len() - 1) * 9 / 10];
        Some((most * TIMES).max(least))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patience_is_three_times_what_nine_in_ten_took() {
        let durations = Durations::default();
        let least = Duration::from_millis(5);
        for ms in 1..FEWEST as u64 {
            durations.note(Duration::from_millis(ms));
            assert_eq!(durations.patience(least), None);
        }
        (0..REMEMBERED).for_each(|_| durations.note(Duration::from_millis(10)));
        assert_eq!(durations.patience(least), Some(Duration::from_millis(30)));
        assert_eq!(durations.patience(Duration::from_secs(1)), Some(Duration::from_secs(1)));
    }
}
