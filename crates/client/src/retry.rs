//! How long to wait before the next attempt.
//!
//! The wait doubles from attempt to attempt up to a ceiling, and each is drawn at random from the
//! upper half of its bound, so that clients which failed together do not come back together
//! (<https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/>). A server that says
//! `Retry-After` is never asked earlier than that.

use std::time::Duration;

/// When to try again, and when to give up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retries {
    /// Bound of the first wait.
    pub first_wait: Duration,
    /// Bound that no wait outgrows, `Retry-After` aside.
    pub longest_wait: Duration,
    /// No attempt begins later than this after the first.
    pub give_up_after: Duration,
}

impl Default for Retries {
    /// From 100 ms to 10 s between attempts, for at most a minute: longer than Kinesis takes to split a
    /// throttled shard's load, well below the server's one-hour memory of idempotency keys.
    fn default() -> Self {
        Self {
            first_wait: Duration::from_millis(100),
            longest_wait: Duration::from_secs(10),
            give_up_after: Duration::from_secs(60),
        }
    }
}

impl Retries {
    /// One attempt, no more.
    pub const NONE: Self =
        Self { first_wait: Duration::ZERO, longest_wait: Duration::ZERO, give_up_after: Duration::ZERO };

    /// The wait after `failed` failed attempts that took `elapsed` so far; `None` to give up.
    /// `chance` is a random number from 0 to 1.
    pub fn wait(&self, failed: u32, elapsed: Duration, retry_after: Option<Duration>, chance: f64) -> Option<Duration> {
        let doublings = failed.saturating_sub(1).min(30);
        let bound = self.first_wait.saturating_mul(1 << doublings).min(self.longest_wait);
        let wait = bound.mul_f64(0.5 + chance.clamp(0.0, 1.0) / 2.0).max(retry_after.unwrap_or_default());
        (elapsed.saturating_add(wait) < self.give_up_after).then_some(wait)
    }
}

/// Reads a `Retry-After` in seconds. The other form, a date, is not used by what answers for a Trawl
/// server (the server itself, API Gateway); it counts as absent.
pub(crate) fn parse_retry_after(header: &str) -> Option<Duration> {
    header.trim().parse().ok().map(Duration::from_secs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_the_longest() {
        let retries = Retries::default();
        let waits: Vec<_> =
            (1..=9).map(|failed| retries.wait(failed, Duration::ZERO, None, 1.0).unwrap().as_millis()).collect();
        assert_eq!(waits, [100, 200, 400, 800, 1600, 3200, 6400, 10_000, 10_000]);
        assert_eq!(retries.wait(1, Duration::ZERO, None, 0.0), Some(Duration::from_millis(50)));
        assert_eq!(retries.wait(u32::MAX, Duration::ZERO, None, 1.0), Some(Duration::from_secs(10)));
    }

    #[test]
    fn the_servers_word_is_the_least_wait() {
        let retries = Retries::default();
        let asked = Some(Duration::from_secs(20));
        assert_eq!(retries.wait(1, Duration::ZERO, asked, 0.5), asked);
        assert_eq!(retries.wait(1, Duration::from_secs(45), asked, 0.5), None);
    }

    #[test]
    fn it_gives_up_in_time() {
        assert_eq!(Retries::default().wait(3, Duration::from_secs(60), None, 0.5), None);
        assert_eq!(Retries::NONE.wait(1, Duration::ZERO, None, 0.5), None);
    }

    #[test]
    fn retry_after_is_read_in_seconds() {
        assert_eq!(parse_retry_after(" 3 "), Some(Duration::from_secs(3)));
        assert_eq!(parse_retry_after("Wed, 21 Oct 2026 07:28:00 GMT"), None);
        assert_eq!(parse_retry_after("-1"), None);
    }
}
